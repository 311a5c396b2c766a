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
from cohort.formats.delimited import WHITE, twice_over

if TYPE_CHECKING:
    from cohort.engine import DuckDBEngine


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


def read_parquet(
    engine: DuckDBEngine, path: Path, name: str, columns: Sequence[int]
) -> tuple[str, int]:
    """A text table of some columns (``c0`` is the first), and its number of rows.

    Raises
    ------
    DataError
        Where the file is damaged, or not every row arrived.
    """
    import duckdb

    schema, expected = pq.read_schema(path), pq.read_metadata(path).num_rows
    try:
        made = _made(engine, "read_parquet(?)", schema.types, columns, [str(path)])
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise DataError(Problem(name, f"is no readable Parquet file: {first}")) from None
    counted = engine.connection.execute(f"SELECT count(*) FROM {made}").fetchone()
    n = 0 if counted is None else int(counted[0])
    if n != expected:
        raise DataError(Problem(name, f"{expected:,} rows in the file but {n:,} read"))
    return made, n


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


def as_text(engine: DuckDBEngine, table: pa.Table, columns: Sequence[int]) -> tuple[str, int]:
    """A text table of some columns (``c0`` is the first), and its number of rows.

    Whole numbers come without ``.0``, dates as ``2015-03-31``; missing, and not-a-number,
    stay missing.
    """
    source = engine.name("given")
    renamed = table.rename_columns([f"c{i}" for i in range(table.num_columns)])
    engine.connection.register(source, renamed)
    try:
        return _made(engine, source, table.schema.types, columns, []), table.num_rows
    finally:
        engine.connection.unregister(source)


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


def _made(
    engine: DuckDBEngine,
    source: str,
    kinds: Sequence[pa.DataType],
    columns: Sequence[int],
    values: list[str],
) -> str:
    """Name of a new text table with some columns of a source."""
    made = engine.name("file")
    every = ", ".join(f"c{i}" for i in range(len(kinds)))
    chosen = ", ".join(f"{_written(f'c{i}', kinds[i])} AS c{i}" for i in columns)
    sql = f"CREATE TEMP TABLE {made} AS SELECT {chosen} FROM {source} AS t({every})"
    engine.connection.execute(sql, values)
    return made


def _written(column: str, kind: pa.DataType) -> str:
    """SQL for a value as text."""
    if pa.types.is_dictionary(kind):
        return _written(column, kind.value_type)
    if pa.types.is_floating(kind):
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return (
            f"CASE WHEN {column} IS NULL OR isnan({column}) THEN NULL WHEN {whole} "
            f"THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
        )
    if pa.types.is_timestamp(kind):
        return f"replace({column}::TIMESTAMP::VARCHAR, ' 00:00:00', '')"
    return f"{column}::VARCHAR"
