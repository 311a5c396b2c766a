"""The engine behind the lazy tables by default: DuckDB in the process."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from cohort.errors import DataError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from cohort.formats.delimited import Layout

LazyTable = nw.LazyFrame[Any]

_SHOWN = 20  # lines named in a message


class DuckDBEngine:
    """Tables in one in-process DuckDB connection.

    Lazy tables are Narwhals frames over its relations; `materialise` computes one once into
    a temporary table, `collect` brings a small one into memory as Arrow. Engines return counts
    and columns: floating-point sums are made in analyses.kernels, in a fixed order.

    The doors (`read_table`, `read_batches`, `read_parquet`, `read_delimited`) give a table of
    text and its number of rows: the columns asked for by their places among the headings, named
    ``c`` and the place (``c0`` is the first).
    """

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:", config={"preserve_insertion_order": True})
        self._names = itertools.count()

    def name(self, stem: str) -> str:
        """A table name that this connection has not used."""
        return f"{stem}_{next(self._names)}"

    def table(self, name: str) -> LazyTable:
        """A table or registered view of this connection as a lazy frame."""
        return nw.from_native(self.connection.table(name))

    def register(self, stem: str, table: Any) -> LazyTable:
        """An Arrow table (or anything DuckDB reads in place) as a lazy frame, not copied."""
        name = self.name(stem)
        self.connection.register(name, table)
        return self.table(name)

    def materialise(self, frame: LazyTable) -> LazyTable:
        """The frame computed once into a temporary table."""
        name = self.name("step")
        self.connection.execute(f"CREATE TEMP TABLE {name} AS {frame.to_native().sql_query()}")
        return self.table(name)

    def collect(self, frame: LazyTable) -> pa.Table:
        """The frame's rows in memory. Sort it first where order matters."""
        return frame.to_native().to_arrow_table()

    def release(self) -> None:
        """Give up every table; what was made from them is of no more use."""
        self.connection.close()

    def read_table(self, table: pa.Table, columns: Sequence[int]) -> tuple[LazyTable, int]:
        """Some columns of an Arrow table as text.

        Whole numbers come without ``.0``, dates as ``2015-03-31``; missing, and not-a-number,
        stay missing.
        """
        source = self.name("given")
        renamed = table.rename_columns([f"c{i}" for i in range(table.num_columns)])
        self.connection.register(source, renamed)
        try:
            made = self._text_table(source, table.schema.types, columns, [])
        finally:
            self.connection.unregister(source)
        return self.table(made), table.num_rows

    def read_batches(self, batches: pa.RecordBatchReader) -> tuple[LazyTable, int]:
        """A stream of Arrow batches of text, whose columns are already named, kept as a table.

        No more than a few batches are in memory at a time.
        """
        source, made = self.name("stream"), self.name("file")
        self.connection.register(source, batches)
        try:
            self.connection.execute(f"CREATE TEMP TABLE {made} AS SELECT * FROM {source}")
        finally:
            self.connection.unregister(source)
        return self.table(made), self._count(made)

    def read_parquet(self, path: Path, name: str, columns: Sequence[int]) -> tuple[LazyTable, int]:
        """Some columns of a Parquet file as text, as `read_table` writes it.

        Raises
        ------
        DataError
            Where the file is damaged.
        """
        try:
            made = self._text_table(
                "read_parquet(?)", pq.read_schema(path).types, columns, [str(path)]
            )
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise DataError(Problem(name, f"is no readable Parquet file: {first}")) from None
        return self.table(made), self._count(made)

    def read_delimited(
        self, path: Path, name: str, layout: Layout, columns: Sequence[int]
    ) -> tuple[LazyTable, int]:
        """Some columns of the body of a delimited UTF-8 file as text.

        Raises
        ------
        DataError
            For every line that is not as the headings say, with its number.
        """
        made, rejects, scans = (self.name(stem) for stem in ("file", "rejects", "scans"))
        described = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.headings)))
        chosen = ", ".join(f"c{i}" for i in columns)
        try:
            self.connection.execute(
                f"CREATE TEMP TABLE {made} AS SELECT {chosen} FROM read_csv(?, "
                f"columns={{{described}}}, auto_detect=false, header=false, skip={layout.skip}, "
                f"delim={_quoted(layout.delimiter)}, quote={_quoted(layout.quote)}, "
                f"escape={_quoted(layout.quote)}, strict_mode=true, store_rejects=true, "
                f"rejects_table='{rejects}', rejects_scan='{scans}')",
                [str(path)],
            )
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise DataError(Problem(name, f"cannot be read: {first}")) from None
        try:
            problems = self._rejected(rejects, name)
        finally:
            self.connection.execute(f"DROP TABLE IF EXISTS {rejects}")
            self.connection.execute(f"DROP TABLE IF EXISTS {scans}")
        if problems:
            raise DataError(problems)
        return self.table(made), self._count(made)

    def _count(self, name: str) -> int:
        counted = self.connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        return 0 if counted is None else int(counted[0])

    def _text_table(
        self, source: str, kinds: Sequence[pa.DataType], columns: Sequence[int], values: list[str]
    ) -> str:
        """Name of a new text table with some columns of a source."""
        made = self.name("file")
        every = ", ".join(f"c{i}" for i in range(len(kinds)))
        chosen = ", ".join(f"{_written(f'c{i}', kinds[i])} AS c{i}" for i in columns)
        sql = f"CREATE TEMP TABLE {made} AS SELECT {chosen} FROM {source} AS t({every})"
        self.connection.execute(sql, values)
        return made

    def _rejected(self, rejects: str, name: str) -> list[Problem]:
        """One problem a line that could not be read; field contents are never shown."""
        rows = self.connection.execute(
            f"SELECT line, max(error_type), max(error_message) FROM {rejects} "
            "GROUP BY line ORDER BY line"
        ).fetchall()
        return line_problems(name, [(line, _reason(kind, said)) for line, kind, said in rows])


def line_problems(name: str, lines: Sequence[tuple[int, str]]) -> list[Problem]:
    """A problem for each of the first lines (number, reason); the last says how many more."""
    problems = [Problem(f"{name} line {line}", reason) for line, reason in lines[:_SHOWN]]
    if problems:
        more = len(lines) - len(problems)
        advice = "Mend the file, or export it again: no line is left out silently."
        last = problems[-1]
        found = f"{last.found} ... and {more:,} more lines" if more else last.found
        problems[-1] = Problem(last.where, found, last.allowed, advice)
    return problems


def _reason(kind: str, message: str) -> str:
    """DuckDB's reason in plain words."""
    numbers = re.findall(r": ([0-9]+)", message)
    if kind in ("MISSING COLUMNS", "TOO MANY COLUMNS") and len(numbers) == 2:
        more = "or more " if kind == "TOO MANY COLUMNS" else ""
        return f"{numbers[1]} {more}fields where there are {numbers[0]} headings"
    if "QUOTE" in kind:
        return "a quotation mark opens or closes where it should not"
    if "LINE SIZE" in kind:
        return "the line is longer than 2 MB"
    return kind.lower() if kind else "cannot be read"


def _quoted(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


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
