"""Tables in memory and Parquet files: every column becomes text, as if read from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq
from narwhals.exceptions import DuplicateError

from cohort.errors import DataError, Problem, SpecError
from cohort.formats.encoding import digest
from cohort.formats.opened import Given, Opened, checked_headings
from cohort.table import Finding

if TYPE_CHECKING:
    from cohort.table import Engine


def open_frame(role: str, item: Any) -> Opened:
    """A table in memory.

    Raises
    ------
    SpecError
        For what is no table.
    DataError
        Where it holds no patients or has a heading twice.
    """
    table = to_arrow(item)
    name = f"{type(item).__module__.partition('.')[0].lstrip('_')} table"
    return opened_table(role, name, table, sha256(table))


def opened_table(
    role: str, name: str, table: pa.Table, given_as: str, findings: tuple[Finding, ...] = ()
) -> Opened:
    """An Arrow table whose digest is known.

    Raises
    ------
    DataError
        Where it holds no patients or has a heading twice.
    """

    def read(engine: Engine, columns: Sequence[int]) -> tuple[nw.LazyFrame[Any], int]:
        return engine.read_table(table, columns)

    return Opened(role, name, frame_headings(table, name), given_as, read, findings)


def open_parquet(given: Given) -> Opened:
    """A Parquet file.

    Raises
    ------
    DataError
        Where it cannot be read, holds no patients or has a heading twice.
    """
    path, name = given.path, given.name

    def read(engine: Engine, columns: Sequence[int]) -> tuple[nw.LazyFrame[Any], int]:
        table, n_rows = engine.read_parquet(path, name, columns)
        check_parquet_rows(path, name, n_rows)
        return table, n_rows

    return Opened(given.role, name, parquet_headings(path, name), digest(path), read)


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
    return checked_headings(schema.names, name)


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
        checked_headings([str(name) for name in table.columns], "table")
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
    return checked_headings(table.schema.names, name)


def sha256(table: pa.Table) -> str:
    """Digest of a table's content, as an Arrow IPC stream in one piece."""
    whole = table.combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as stream:
        stream.write_table(whole)
    return hashlib.sha256(sink.getvalue()).hexdigest()


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
