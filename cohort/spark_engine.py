"""The engine for tables past one machine: a Spark session, the reader's own or started here."""

from __future__ import annotations

import itertools
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from cohort.engine import DuckDBEngine
from cohort.errors import Problem, SpecError
from cohort.formats.spark_frames import is_spark

if TYPE_CHECKING:
    from pathlib import Path

    from cohort.formats.delimited import Layout

LazyTable = nw.LazyFrame[Any]

# Tables up to this size travel whole to every executor and are joined there.
_BROADCAST = 1 << 26


class SparkEngine:
    """Tables in a Spark session, behind the same lazy Narwhals frames as DuckDB's.

    `materialise` keeps a computed table in the executors' memory (on their disks where it is
    full) until nothing here holds it. A lost executor takes its part along, and the study stops
    with Spark's error: run it again.
    Where a file or table is on this machine and Spark cannot read it just as DuckDB does (line
    ends inside quotes, lines that do not fit and must be named, Parquet types of its own),
    DuckDB reads it and Spark gets the rows.

    Parameters
    ----------
    session
        A session that exists. `SparkEngine.start` makes one.
    """

    def __init__(self, session: Any) -> None:
        self.session = session
        self._kept: set[int] = set()

    @classmethod
    def start(cls, master: str = "local[2]", *, memory: str = "2g") -> SparkEngine:
        """An engine on a new session, quiet, without a web page, writing nothing here.

        Parameters
        ----------
        master
            Where Spark runs: ``local[2]`` is two threads of this machine.
        memory
            Of the driver, which for a local master is all there is.

        Raises
        ------
        SpecError
            Where pyspark is not installed or no Java is found.
        """
        try:
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError:
            advice = "Install it: pip install 'her2low[spark]'."
            raise SpecError(
                Problem("engine.spark", "pyspark is not installed", "", advice)
            ) from None
        builder = SparkSession.builder.master(master).appName("her2low")
        for key, value in _settings(master, memory).items():
            builder = builder.config(key, value)
        try:
            return cls(builder.getOrCreate())
        except (PySparkException, OSError) as error:
            found = f"no session at '{master}': {str(error).splitlines()[0]}"
            advice = "Spark needs Java 17 or newer: look at JAVA_HOME and `java -version`."
            raise SpecError(Problem("engine.spark", found, "", advice)) from None

    def register(self, stem: str, table: pa.Table) -> LazyTable:
        """An Arrow table as a lazy frame; a small one travels to every executor."""
        from pyspark.sql import functions

        del stem  # only DuckDB names its tables
        frame = self.session.createDataFrame(table)
        small = table.nbytes < _BROADCAST
        made: LazyTable = nw.from_native(functions.broadcast(frame) if small else frame)
        return made

    def materialise(self, frame: LazyTable) -> LazyTable:
        """The frame computed once and kept until nothing here holds it."""
        made: LazyTable = nw.from_native(self._computed(frame.to_native()))
        return made

    def passing(self) -> AbstractContextManager[None]:
        """A stretch of work: its tables are kept only while something here holds them, as all."""
        return nullcontext()

    def held(self, frame: LazyTable) -> pa.Table | None:  # noqa: ARG002
        """Nothing: tables are with the executors."""
        return None

    def release(self) -> None:
        """Give up every table that is kept; what was made from them is of no more use."""
        for number, rows in self.session.sparkContext._jsc.getPersistentRDDs().items():
            if number in self._kept:
                rows.unpersist(False)
        self._kept.clear()

    def collect(self, frame: LazyTable) -> pa.Table:
        """The frame's rows in memory. Sort it first where order matters."""
        return frame.to_native().toArrow()

    def read_table(self, table: Any, columns: Sequence[int]) -> tuple[LazyTable, int]:
        """Some columns of a Spark frame, or of an Arrow table, as text."""
        if not is_spark(table):
            return self._by_duckdb(lambda engine: engine.read_table(table, columns))
        return self._text_table(table, columns)

    def read_batches(self, batches: pa.RecordBatchReader) -> tuple[LazyTable, int]:
        """A stream of Arrow batches of text, whose columns are already named, as a table."""
        return self._given(batches.read_all())

    def read_parquet(self, path: Path, name: str, columns: Sequence[int]) -> tuple[LazyTable, int]:
        """Some columns of a Parquet file as text.

        Raises
        ------
        DataError
            Where the file is damaged.
        """
        from pyspark.errors import PySparkException

        try:
            return self._text_table(self.session.read.parquet(_location(path)), columns)
        except PySparkException:
            # A type that Spark has not, or a damaged file: DuckDB reads it, or says what is wrong.
            return self._by_duckdb(lambda engine: engine.read_parquet(path, name, columns))

    def read_delimited(
        self, path: Path, name: str, layout: Layout, columns: Sequence[int]
    ) -> tuple[LazyTable, int]:
        """Some columns of the body of a delimited UTF-8 file as text.

        Raises
        ------
        DataError
            For every line that is not as the headings say, with its number.
        """
        from pyspark.sql import functions as f

        lines = self._body_lines(path, layout)
        line = f.col("value")
        if layout.quote:
            fits = line.rlike(_record_pattern(layout))
            cells = f.from_csv(line, _text_schema(len(layout.headings)), _csv_options(layout))
            chosen = [cells.getField(f"c{i}").alias(f"c{i}") for i in columns]
        else:
            cells = f.split(line, re.escape(layout.delimiter), -1)
            fits = f.size(cells) == len(layout.headings)
            chosen = [f.get(cells, f.lit(i)).alias(f"c{i}") for i in columns]
        table, n_rows = self._read(lines.select(*chosen, fits.alias("fits")))
        fitting = self.collect(table.filter(nw.col("fits")).select(n=nw.len()))["n"][0].as_py()
        if n_rows and fitting == n_rows:
            return table.select([f"c{i}" for i in columns]), n_rows
        return self._by_duckdb(lambda engine: engine.read_delimited(path, name, layout, columns))

    def _body_lines(self, path: Path, layout: Layout) -> Any:
        """The lines after the headings that are not empty, one row each.

        Spark does not number lines; the first ones are told by their text. A patient's line
        spelt as a heading would be missing from the count that `load` checks.
        """
        from pyspark.sql import functions as f

        with path.open(encoding="utf-8-sig", newline="") as file:
            first = [line.rstrip("\r\n") for line in itertools.islice(file, layout.skip_lines)]
        unwanted = ["", *first, *(f"\ufeff{line}" for line in first[:1])]
        lines = self.session.read.text(_location(path))
        return lines.filter(~f.col("value").isin(list(dict.fromkeys(unwanted))))

    def _text_table(self, frame: Any, columns: Sequence[int]) -> tuple[LazyTable, int]:
        """Some columns of a Spark frame as text, as DuckDB writes it."""
        kinds = [field.dataType.typeName() for field in frame.schema.fields]
        numbered = frame.toDF(*(f"c{i}" for i in range(len(kinds))))
        chosen = [_written(f"c{i}", kinds[i]).alias(f"c{i}") for i in columns]
        return self._read(numbered.select(*chosen))

    def _by_duckdb(
        self, read: Callable[[DuckDBEngine], tuple[LazyTable, int]]
    ) -> tuple[LazyTable, int]:
        """Rows that DuckDB reads on this machine, and their number."""
        engine = DuckDBEngine()
        try:
            return self._given(engine.collect(read(engine)[0]))
        finally:
            engine.release()

    def _given(self, table: pa.Table) -> tuple[LazyTable, int]:
        return self._read(self.session.createDataFrame(table))

    def _read(self, native: Any) -> tuple[LazyTable, int]:
        """A table read through a door, and its rows."""
        kept = self._computed(native)
        return nw.from_native(kept), int(kept.count())

    def _computed(self, native: Any) -> Any:
        """A Spark frame computed and kept by the executors, without the way to it.

        What it was made from may be a temporary file, so it could not be computed again; and a
        plan that grew from stage to stage would take Spark longer to read than to run.
        """
        kept = native.localCheckpoint(eager=True)
        self._kept.add(kept._jdf.queryExecution().analyzed().rdd().id())
        return kept


def _settings(master: str, memory: str) -> dict[str, str]:
    """A session that is quiet, leaves nothing behind and, if local, stays on this machine."""
    log = files("cohort").joinpath("spark_log4j2.properties")
    folder = tempfile.gettempdir()
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.caseSensitive": "true",
        "spark.sql.session.timeZone": "UTC",
        # Where each expression was written is of use to who writes them, and costs six messages
        # to Java for each.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        "spark.sql.warehouse.dir": f"{folder}/her2low-warehouse",
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log}",
    }
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        # Work that is sent to the executors (analyses.blocks) runs in the Python that sent it.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.shuffle.partitions": "2",
            "spark.default.parallelism": "2",
            # Plans anew between the parts of a query: dearer than it saves on one machine.
            "spark.sql.adaptive.enabled": "false",
        }
    return settings


def _location(path: Path) -> str:
    """A file of this machine as Spark addresses it, no character of which is a wild card."""
    return "file://" + re.sub(r"([\\*?\[\]{},])", r"\\\1", str(path.resolve()))


def _record_pattern(layout: Layout) -> str:
    """A line of as many fields as headings, every quotation mark in its place.

    Possessive, so that a cell of any length is matched without recursion.
    """
    mark, quote = re.escape(layout.delimiter), re.escape(layout.quote)
    field = f"(?:{quote}(?:[^{quote}]++|{quote}{quote})*+{quote}|[^{quote}{mark}]*+)"
    return rf"\A{field}(?:{mark}{field}){{{len(layout.headings) - 1}}}\z"


def _csv_options(layout: Layout) -> dict[str, str]:
    return {
        "sep": layout.delimiter,
        "quote": layout.quote,
        "escape": layout.quote,
        "ignoreLeadingWhiteSpace": "false",
        "ignoreTrailingWhiteSpace": "false",
        "maxColumns": str(len(layout.headings) + 1),
    }


def _text_schema(n: int) -> str:
    return ", ".join(f"c{i} STRING" for i in range(n))


def _written(name: str, kind: str) -> Any:
    """A Spark value as text, as `cohort.engine` writes it."""
    from pyspark.sql import functions as f

    value = f.col(name)
    text = value.cast("string")
    if kind in ("double", "float"):
        whole = (value == f.rint(value)) & (f.abs(value) < 1e15)
        number = f.when(whole, value.cast("bigint").cast("string")).otherwise(text)
        return f.when(~f.isnan(value), number)
    if kind.startswith("timestamp"):
        return f.regexp_replace(text, " 00:00:00$", "")
    return text
