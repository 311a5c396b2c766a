"""The engine behind the lazy tables: DuckDB in the process."""

from __future__ import annotations

import itertools
from typing import Any

import duckdb
import narwhals as nw
import pyarrow as pa


class DuckDBEngine:
    """Tables in one in-process DuckDB connection.

    Lazy tables are Narwhals frames over its relations; `materialise` computes one once into
    a temporary table, `collect` brings a small one into memory as Arrow. Engines return counts
    and columns: floating-point sums are made in analyses.kernels, in a fixed order.
    """

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:", config={"preserve_insertion_order": True})
        self._names = itertools.count()

    def name(self, stem: str) -> str:
        """A table name that this connection has not used."""
        return f"{stem}_{next(self._names)}"

    def table(self, name: str) -> nw.LazyFrame[Any]:
        """A table or registered view of this connection as a lazy frame."""
        return nw.from_native(self.connection.table(name))

    def register(self, stem: str, table: Any) -> nw.LazyFrame[Any]:
        """An Arrow table (or anything DuckDB reads in place) as a lazy frame, not copied."""
        name = self.name(stem)
        self.connection.register(name, table)
        return self.table(name)

    def materialise(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """The frame computed once into a temporary table."""
        name = self.name("step")
        self.connection.execute(f"CREATE TEMP TABLE {name} AS {frame.to_native().sql_query()}")
        return self.table(name)

    def collect(self, frame: nw.LazyFrame[Any]) -> pa.Table:
        """The frame's rows in memory. Sort it first where order matters."""
        return frame.to_native().to_arrow_table()
