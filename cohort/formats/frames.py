"""Tables in memory and Parquet files: every column becomes text, as if read from a file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq
from narwhals.exceptions import DuplicateError

from cohort.errors import DataError, Problem, SpecError
from cohort.formats.delimited import WHITE, twice_over


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet files do."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def parquet_headings(path: Path, name: str) -> tuple[str, ...]:
    """Column names of a Parquet file, white space stripped.

    Raises
    ------
    DataError
        Where it cannot be read, holds no patients or has a heading twice.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, n = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise DataError(Problem(name, f"is no readable Parquet file: {first}")) from None
    if n == 0:
        raise DataError(Problem(name, "columns only, no patients"))
    return _checked(schema, name)


def check_parquet_rows(path: Path, name: str, n_rows: int) -> None:
    """Every row of the file must have been read.

    Raises
    ------
    DataError
        Where its own count differs.
    """
    expected = pq.read_metadata(path).num_rows
    if n_rows != expected:
        raise DataError(Problem(name, f"{expected:,} rows in the file but {n_rows:,} read"))


def to_arrow(table: Any) -> pa.Table:
    """A pandas, Polars, Arrow or DuckDB table as Arrow, without metadata.

    Raises
    ------
    SpecError
        For anything else.
    """
    if isinstance(table, pa.Table):
        return table.replace_schema_metadata(None)
    try:
        frame = nw.from_native(table)
    except DuplicateError:
        twice_over([str(name) for name in table.columns], "table")
        raise
    except TypeError:
        found = f"a {type(table).__name__} is no table"
        allowed = "A path, or a pandas, Polars, Arrow or DuckDB table"
        raise SpecError(Problem("files", found, allowed)) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect("pyarrow")
    if frame.implementation.is_pandas():
        return _pandas(frame.to_native()).replace_schema_metadata(None)
    return frame.to_arrow().replace_schema_metadata(None)


def frame_headings(table: pa.Table, name: str) -> tuple[str, ...]:
    """Column names of a table, white space stripped.

    Raises
    ------
    DataError
        Where it holds no patients or has a heading twice.
    """
    if table.num_rows == 0:
        raise DataError(Problem(name, "columns only, no patients"))
    return _checked(table.schema, name)


def sha256(table: pa.Table) -> str:
    """Digest of a table's content, as an Arrow IPC stream in one piece."""
    whole = table.combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as stream:
        stream.write_table(whole)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _checked(schema: pa.Schema, name: str) -> tuple[str, ...]:
    headings = tuple(str(heading).strip(WHITE) for heading in schema.names)
    twice_over(headings, name)
    return headings


def _pandas(frame: Any) -> pa.Table:
    """A pandas frame as Arrow; columns of mixed types as the text of each value."""
    arrays = []
    for i in range(frame.shape[1]):
        column = frame.iloc[:, i]
        try:
            arrays.append(pa.array(column, from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            arrays.append(pa.array(column.astype("string"), from_pandas=True))
    return pa.table(arrays, names=[str(heading) for heading in frame.columns])
