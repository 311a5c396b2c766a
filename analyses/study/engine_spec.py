"""Where a study's patients are read and counted: in this process, or by Spark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Strict

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


class SparkSpec(Spec):
    """A Spark session: one that runs already in this process is used as it is.

    Attributes
    ----------
    master
        ``local[2]`` is two threads of this machine.
    memory
        Of the driver.
    """

    master: Text = "local[2]"
    memory: Annotated[str, Strict(), AfterValidator(_memory)] = "2g"


def _named(value: object) -> object:
    """The name of an engine as its default settings."""
    if value in ("duckdb", "spark"):
        return {"spark": {} if value == "spark" else None}
    if isinstance(value, str):
        raise refused(f"{shown(value)} is no engine", "duckdb, or spark: {master: ...}")
    return value


class EngineSpec(Spec):
    """The engine that reads the files and counts: DuckDB unless Spark is asked for."""

    spark: SparkSpec | None = None

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


EngineField = Annotated[EngineSpec, BeforeValidator(_named)]


def engine_problems(study: Study) -> Iterator[Problem]:
    """Spark asked for where it is not installed."""
    if study.engine.spark is not None and find_spec("pyspark") is None:
        advice = "Install it: pip install 'her2low[spark]'; or leave the engine out."
        yield Problem(study.place(("engine", "spark")), "pyspark is not installed", "", advice)
