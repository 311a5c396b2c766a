"""Where a study's patients are read and counted: in this process, or by Spark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict, field_validator

from analyses.study.fields import Spec, Text
from analyses.study.wording import refused, shown
from cohort.errors import Problem

if TYPE_CHECKING:
    from analyses.study.spec import Study
    from cohort.table import Engine

_MEMORY = re.compile(r"[1-9][0-9]{0,5}[mg]")


def _memory(value: str) -> str:
    if not _MEMORY.fullmatch(value):
        raise refused(f"{shown(value)} is no amount of memory", "Such as 900m, 2g, 64g")
    return value


# Patients from which a Cox model reads its covariates where they are instead of holding them: some
# 20 columns of as many take 0.6 GB, which fits in the memory of a laptop.
MANY = 4_000_000
Rows = Annotated[int, Field(strict=True, ge=1)]


class DuckDBSpec(Spec):
    """DuckDB in this process.

    Attributes
    ----------
    blocks_from
        Patients of an endpoint from which its Cox models stream their covariates, block by block.
    """

    blocks_from: Rows = MANY


class SparkSpec(Spec):
    """A Spark session: one that runs already in this process is used as it is.

    Attributes
    ----------
    master
        ``local[2]`` is two threads of this machine.
    memory
        Of the driver.
    blocks_from
        Patients of an endpoint from which its Cox models stay with the executors, each partition
        giving its part of the sums. The executors need this package installed.
    """

    master: Text = "local[2]"
    memory: Annotated[str, Strict(), AfterValidator(_memory)] = "2g"
    blocks_from: Rows = MANY


def _named(value: object) -> object:
    """The name of an engine as its default settings."""
    if value in ("duckdb", "spark"):
        return {value: {}}
    if isinstance(value, str):
        raise refused(f"{shown(value)} is no engine", "duckdb, or spark: {master: ...}")
    return value


class EngineSpec(Spec):
    """The engine that reads the files and counts: DuckDB unless Spark is asked for."""

    duckdb: DuckDBSpec | None = None
    spark: SparkSpec | None = None

    @field_validator("spark")
    @classmethod
    def _one(cls, spark: SparkSpec | None, info: Any) -> SparkSpec | None:
        if spark is not None and info.data.get("duckdb") is not None:
            raise refused("two engines", "duckdb, or spark: {master: ...}")
        return spark

    @property
    def blocks_from(self) -> int:
        """Patients from which a Cox model does not hold its covariates."""
        named = self.spark or self.duckdb
        return MANY if named is None else named.blocks_from

    def made(self) -> Engine:
        """A new engine.

        Raises
        ------
        SpecError
            Where no Spark session can be had.
        """
        if self.spark is None:
            from cohort.engine import DuckDBEngine

            return DuckDBEngine()
        from cohort.spark_engine import SparkEngine

        return SparkEngine.start(self.spark.master, memory=self.spark.memory)


EngineField = Annotated[
    EngineSpec,
    BeforeValidator(_named, json_schema_input_type=Literal["duckdb", "spark"] | EngineSpec),
]


def engine_problems(study: Study) -> Iterator[Problem]:
    """Spark asked for where it is not installed."""
    if study.engine.spark is not None and find_spec("pyspark") is None:
        advice = "Install it: pip install 'her2low[spark]'; or leave the engine out."
        yield Problem(study.place(("engine", "spark")), "pyspark is not installed", "", advice)
