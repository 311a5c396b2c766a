"""What tests share: engines, a cohort made from a few worked patients, the folder of real data."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings

from cohort.engine import DuckDBEngine
from cohort.schema import column
from cohort.table import Cohort, Engine

settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")

PROJECT = Path(__file__).resolve().parent.parent

_TYPES = {
    "text": pa.string(),
    "category": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.string(),
}


@pytest.fixture(scope="session")
def spark_engine() -> Iterator[Engine]:
    """One local Spark session for the whole run, or a skip that says what is absent."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("Spark absent: pyspark is not installed (extra 'spark')")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark absent: no java on the path and no JAVA_HOME")
    from cohort.spark_engine import SparkEngine

    # Queries here are many and their tables small: neither Java nor Spark compiles with care.
    os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    engine = SparkEngine.start("local[2]")
    for key, value in (
        ("codegen.wholeStage", "false"), ("codegen.factoryMode", "NO_CODEGEN"),
        ("shuffle.partitions", "1"),
    ):  # fmt: skip
        engine.session.conf.set(f"spark.sql.{key}", value)
    yield engine
    engine.session.stop()


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    if request.param == "spark":
        made: Engine = request.getfixturevalue("spark_engine")
        return made
    return DuckDBEngine()


@pytest.fixture
def make_cohort() -> Callable[..., Cohort]:
    """A cohort from columns of canonical names; patient ids are made where not given."""

    def make(columns: Mapping[str, list[Any]], *, time_unit: Any = "days") -> Cohort:
        n = len(next(iter(columns.values())))
        data = {"patient_id": [f"p{i:06d}" for i in range(n)], **columns}
        arrays = {}
        for name, values in data.items():
            known = column(name)
            kind = pa.bool_() if name.endswith("_event") and known is None else pa.float64()
            arrays[name] = pa.array(values, type=_TYPES[known.kind] if known else kind)
        engine = DuckDBEngine()
        table = engine.register("patients", pa.table(arrays))
        return Cohort(table, engine, "worked", time_unit, n)

    return make


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real patients' public files, or a skip that says where it was sought."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real data absent: sought in ../shared/data beside the project")
    return folder


@pytest.fixture(scope="session")
def domain() -> Path:
    """The folder of code lists as facts were gathered, or a skip that says where it was sought."""
    folder = PROJECT.parent / "shared" / "domain"
    if not folder.is_dir():
        pytest.skip("code lists absent: sought in ../shared/domain beside the project")
    return folder
