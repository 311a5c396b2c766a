"""The engine behind the lazy tables by default: DuckDB in the process."""

from __future__ import annotations

import itertools
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from cohort.errors import DataError, Problem
from cohort.formats.plain import plain_text
from cohort.schema import column

if TYPE_CHECKING:
    from cohort.formats.delimited import Layout

LazyTable = nw.LazyFrame[Any]

_BUFFER = 1 << 23  # bytes of a file that a thread reads at a time
_SHOWN = 20  # lines named in a message


class DuckDBEngine:
    """Tables in one in-process DuckDB connection.

    Lazy tables are Narwhals frames over its relations; `materialise` computes one once,
    `collect` brings a small one into memory as Arrow. Engines return counts
    and columns: floating-point sums are made in analyses.kernels, in a fixed order.

    The doors (`read_table`, `read_batches`, `read_parquet`, `read_delimited`) give a table of
    text and its number of rows: the columns asked for by their places among the headings, named
    ``c`` and the place (``c0`` is the first). Text that is not plain (`cohort.formats.plain`)
    lies in a temporary folder as Parquet, in which a registry's codes take a twentieth of what
    they take in memory.
    """

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:", config={"preserve_insertion_order": True})
        self._names = itertools.count()
        self._folder = Path(tempfile.mkdtemp(prefix="her2low-"))
        self._clean = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._held: list[tuple[weakref.ref[LazyTable], pa.Table]] = []

    def name(self, stem: str) -> str:
        """A table name that this connection has not used."""
        return f"{stem}_{next(self._names)}"

    def table(self, name: str) -> LazyTable:
        """A table or registered view of this connection as a lazy frame."""
        return nw.from_native(self.connection.table(name))

    def register(self, stem: str, table: Any) -> LazyTable:
        """An Arrow table (or anything DuckDB reads in place) as a lazy frame, not copied.

        It is given up with the last frame that is made from it.
        """
        return nw.from_native(self.connection.from_arrow(table).set_alias(self.name(stem)))

    def materialise(self, frame: LazyTable) -> LazyTable:
        """The frame computed once, in memory.

        Canonical columns with levels become enumerations: a byte a patient, and fast to count.
        """
        name, relation = self.name("step"), frame.to_native()
        chosen = ", ".join(map(_with_levels, relation.columns, relation.types))
        relation.project(chosen).create(name)
        return self.table(name)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """A stretch of work whose computed tables are given up at its end, to free their memory.

        What was made from them is then of no more use; tables of before stay.
        """
        before = self._tables()
        try:
            yield
        finally:
            for name in self._tables() - before:
                self.connection.execute(f"DROP TABLE IF EXISTS {name}")

    def _tables(self) -> frozenset[str]:
        """Names of the computed tables."""
        rows = self.connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'step%'"
        ).fetchall()
        return frozenset(name for (name,) in rows)

    def collect(self, frame: LazyTable) -> pa.Table:
        """The frame's rows in memory. Sort it first where order matters."""
        return frame.to_native().to_arrow_table()

    def held(self, frame: LazyTable) -> pa.Table | None:
        """The text of a table just as it was read, where it is in memory; else None."""
        return next((table for made, table in self._held if made() is frame), None)

    def release(self) -> None:
        """Give up every table; what was made from them is of no more use."""
        self.connection.close()
        self._clean()

    def read_table(self, table: pa.Table, columns: Sequence[int]) -> tuple[LazyTable, int]:
        """Some columns of an Arrow table as text.

        Whole numbers come without ``.0``, dates as ``2015-03-31``; missing, and not-a-number,
        stay missing.
        """
        source = self.name("given")
        renamed = table.rename_columns([f"c{i}" for i in range(table.num_columns)])
        self.connection.register(source, renamed)
        try:
            return self._kept(_as_text(source, table.schema.types, columns))
        finally:
            self.connection.unregister(source)

    def read_batches(self, batches: pa.RecordBatchReader) -> tuple[LazyTable, int]:
        """A stream of Arrow batches of text, whose columns are already named, kept as a table.

        No more than a few batches are in memory at a time.
        """
        made, path = self._place()
        n = 0
        # DuckDB would hold back batches to keep their order; there is one writer here.
        with pq.ParquetWriter(path, batches.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
                n += batch.num_rows
        return self._view(made, path), n

    def read_parquet(self, path: Path, name: str, columns: Sequence[int]) -> tuple[LazyTable, int]:
        """Some columns of a Parquet file as text, as `read_table` writes it.

        Raises
        ------
        DataError
            Where the file is damaged.
        """
        kinds = pq.read_schema(path).types
        try:
            return self._kept(_as_text(f"read_parquet({_quoted(str(path))})", kinds, columns))
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise DataError(Problem(name, f"is no readable Parquet file: {first}")) from None

    def read_delimited(
        self, path: Path, name: str, layout: Layout, columns: Sequence[int]
    ) -> tuple[LazyTable, int]:
        """Some columns of the body of a delimited UTF-8 file as text.

        Raises
        ------
        DataError
            For every line that is not as the headings say, with its number.
        """
        whole = plain_text(path, layout, columns)
        if whole is not None:
            frame = self.register("file", whole)
            self._held = [(made, text) for made, text in self._held if made() is not None]
            self._held.append((weakref.ref(frame), whole))
            return frame, whole.num_rows
        rejects, scans = (self.name(stem) for stem in ("rejects", "scans"))
        described = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.headings)))
        chosen = ", ".join(f"c{i}" for i in columns)
        try:
            kept = self._kept(
                f"SELECT {chosen} FROM read_csv({_quoted(str(path))}, "
                f"columns={{{described}}}, auto_detect=false, header=false, skip={layout.skip}, "
                f"delim={_quoted(layout.delimiter)}, quote={_quoted(layout.quote)}, "
                f"escape={_quoted(layout.quote)}, strict_mode=true, buffer_size={_BUFFER}, "
                "store_rejects=true, "
                f"rejects_table='{rejects}', rejects_scan='{scans}')"
            )
        except (duckdb.Error, UnicodeDecodeError) as error:
            # A long line that does not fit is cut in the middle of a letter for the message.
            cut = isinstance(error, UnicodeDecodeError) or "nvalid unicode" in str(error)
            found = "a line does not fit" if cut else str(error).splitlines()[0]
            raise DataError(Problem(name, f"cannot be read: {found}")) from None
        try:
            problems = self._rejected(rejects, path, name)
        finally:
            self.connection.execute(f"DROP TABLE IF EXISTS {rejects}")
            self.connection.execute(f"DROP TABLE IF EXISTS {scans}")
        if problems:
            raise DataError(problems)
        return kept

    def _kept(self, sql: str) -> tuple[LazyTable, int]:
        """The rows of a query, in their order, on disk; and their number."""
        made, path = self._place()
        # Groups smaller than DuckDB's own keep the memory of writing low.
        written = self.connection.execute(
            f"COPY ({sql}) TO {_quoted(str(path))} "
            "(FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 40960)"
        ).fetchone()
        return self._view(made, path), 0 if written is None else int(written[0])

    def _place(self) -> tuple[str, Path]:
        """Name of a new table, and its file."""
        made = self.name("file")
        return made, self._folder / f"{made}.parquet"

    def _view(self, made: str, path: Path) -> LazyTable:
        """A written file as a table."""
        source = f"read_parquet({_quoted(str(path))})"
        self.connection.execute(f"CREATE TEMP VIEW {made} AS SELECT * FROM {source}")
        return self.table(made)

    def _rejected(self, rejects: str, path: Path, name: str) -> list[Problem]:
        """One problem a line that could not be read; field contents are never shown."""
        # Every field that a line lacks, or has beyond, is an error of its own: the first that it
        # lacks and the last beyond tell how many there are.
        place = "coalesce(column_idx, 0)"
        rows = self.connection.execute(
            "SELECT any_value(line_byte_position) AS byte, any_value(error_type) AS kind, "
            f"CASE WHEN kind = 'MISSING COLUMNS' THEN arg_min(error_message, {place}) "
            f"ELSE arg_max(error_message, {place}) END FROM {rejects} GROUP BY line ORDER BY byte"
        ).fetchall()
        lines = _line_numbers(path, [byte for byte, _, _ in rows[:_SHOWN]])
        told = [
            (line, _reason(kind, said)) for line, (_, kind, said) in zip(lines, rows, strict=False)
        ]
        return line_problems(name, told, len(rows))


def _as_text(source: str, kinds: Sequence[pa.DataType], columns: Sequence[int]) -> str:
    """SQL for some columns of a source as text."""
    every = ", ".join(f"c{i}" for i in range(len(kinds)))
    chosen = ", ".join(f"{_written(f'c{i}', kinds[i])} AS c{i}" for i in columns)
    return f"SELECT {chosen} FROM {source} AS t({every})"


def line_problems(name: str, lines: Sequence[tuple[int, str]], n: int) -> list[Problem]:
    """A problem for each of the first lines (number, reason); the last says how many more."""
    problems = [Problem(f"{name} line {line}", reason) for line, reason in lines]
    if problems:
        more = n - len(problems)
        advice = "Mend the file, or export it again: no line is left out silently."
        last = problems[-1]
        found = f"{last.found} ... and {more:,} more lines" if more else last.found
        problems[-1] = Problem(last.where, found, last.allowed, advice)
    return problems


def _line_numbers(path: Path, places: Sequence[int]) -> list[int]:
    """Numbers of the lines at some bytes of a file (from 1), in rising order.

    DuckDB's own numbers count a line end inside quotes as none.
    """
    numbers, at, line = [], 0, 1
    with path.open("rb") as file:
        for place in places:
            while at < place - 1 and (piece := file.read(min(_BUFFER, place - 1 - at))):
                at += len(piece)
                line += piece.count(b"\n")
            # The byte may be that of the line end before, or of empty lines before.
            ahead = file.peek(1)[:64]
            blank = ahead[: len(ahead) - len(ahead.lstrip(b"\r\n"))]
            numbers.append(line + blank.count(b"\n"))
    return numbers


def _reason(kind: str, message: str) -> str:
    """DuckDB's reason in plain words."""
    numbers = re.findall(r": ([0-9]+)", message)
    if kind in ("MISSING COLUMNS", "TOO MANY COLUMNS") and len(numbers) == 2:
        more = "or more " if kind == "TOO MANY COLUMNS" else ""
        return f"{numbers[1]} {more}fields where there are {numbers[0]} headings"
    if "QUOTE" in kind:
        return "a quotation mark opens or closes where it should not"
    if "LINE SIZE" in kind:
        return "the line is longer than 8 MB, or a quotation mark in it does not close"
    return kind.lower() if kind else "cannot be read"


def _with_levels(name: str, kind: Any) -> str:
    """SQL for a column of a computed table."""
    levels = () if (known := column(name)) is None else known.levels
    quoted = '"' + name.replace('"', '""') + '"'
    if not levels or str(kind) != "VARCHAR":
        return quoted
    return f"{quoted}::ENUM({', '.join(map(_quoted, levels))}) AS {quoted}"


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
