"""Spark frames: read where they lie, one table a source or role."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cohort.errors import DataError, Problem
from cohort.formats.opened import Opened, checked_headings
from cohort.table import Finding

if TYPE_CHECKING:
    import narwhals as nw

    from cohort.table import Engine


def is_spark(table: Any) -> bool:
    """Whether it is a Spark frame, told without importing Spark."""
    return type(table).__module__.startswith("pyspark.sql.") and hasattr(table, "sparkSession")


def open_spark(role: str, table: Any) -> Opened:
    """A Spark frame; another engine than Spark's gets its rows through memory.

    Raises
    ------
    DataError
        Where it holds no patients or has a heading twice, and where its rows differ from one
        reading to the next.
    """
    name = "pyspark table"
    headings = checked_headings(table.columns, name)
    sha256, n = digest(table)
    if n == 0:
        raise DataError(Problem(name, "columns only, no patients"))

    def read(engine: Engine, columns: Sequence[int]) -> tuple[nw.LazyFrame[Any], int]:
        from cohort.spark_engine import SparkEngine

        given = table if isinstance(engine, SparkEngine) else table.toArrow()
        made, n_rows = engine.read_table(given, columns)
        if n_rows != n:
            found = f"{n:,} rows at first, then {n_rows:,}"
            advice = "The table changes while it is read: give a snapshot of it."
            raise DataError(Problem(name, found, advice=advice))
        return made, n_rows

    return Opened(role, name, headings, sha256, read, (_about_digest(role, n),))


def digest(table: Any) -> tuple[str, int]:
    """Digest of a Spark frame and its rows, in whatever order or parts they lie.

    Of the columns' names and types, the number of rows, and the sum of a 64-bit hash of each
    row's text.
    """
    from pyspark.sql import functions as f

    numbered = table.toDF(*(f"c{i}" for i in range(len(table.columns))))
    row = f.xxhash64(*(f.col(name).cast("string") for name in numbered.columns))
    summed = numbered.select(row.cast("decimal(38,0)").alias("row")).agg(
        f.count("row").alias("n"), f.sum("row").alias("total")
    )
    counted = summed.collect()[0]
    seen = f"{table.schema.json()}|{counted['n']}|{counted['total']}"
    return hashlib.sha256(seen.encode()).hexdigest(), int(counted["n"])


def _about_digest(role: str, n: int) -> Finding:
    advice = (
        "The digest of a Spark table is of its columns, types, number of rows and the sum of "
        "their 64-bit hashes, not of a file's bytes."
    )
    return Finding("info", role, "", "", "digest_of_table", n, advice, "row")
