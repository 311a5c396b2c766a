"""A whole study by Spark, and what a study file may say of its engine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

import analyses
from analyses.study.spec import Study
from cohort.errors import SpecError

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"


def sample(engine: Any = None) -> Study:
    plain = yaml.safe_load((SAMPLE / "her2_low_os.yaml").read_text(encoding="utf-8"))
    return Study.from_dict(plain if engine is None else plain | {"engine": engine}, folder=SAMPLE)


@pytest.mark.spark
def test_the_sample_study_gives_the_same_numbers_by_spark(
    spark_engine: Any, tmp_path: Path
) -> None:
    local = analyses.run_study(sample())
    before = set(in_memory(spark_engine))  # of other tests, whose engines are not released
    conf = spark_engine.session.conf
    conf.set("spark.sql.shuffle.partitions", "3")  # rows come in no order of their own
    try:
        study = sample({"spark": {"master": "local[2]"}})
        distributed = analyses.run_study(study, out=tmp_path / "o")
    finally:
        conf.set("spark.sql.shuffle.partitions", "1")
    assert distributed.findings == local.findings
    assert distributed.attrition == local.attrition
    assert distributed.files == local.files
    assert len(distributed.records) == len(local.records)
    for one, other in zip(distributed.records, local.records, strict=True):
        assert (one.id, one.n, one.n_event, one.status) == (
            other.id, other.n, other.n_event, other.status,
        )  # fmt: skip
        if one.estimate is not None and other.estimate is not None:
            assert math.isclose(one.estimate, other.estimate, rel_tol=1e-10, abs_tol=1e-12), one.id
    assert (tmp_path / "o" / "report.pdf").is_file()
    kept = set(in_memory(spark_engine)) - before
    assert not kept, "the study's tables are still in Spark's memory"


def in_memory(engine: Any) -> list[int]:
    """Numbers of the tables that the session's executors keep."""
    return list(engine.session.sparkContext._jsc.getPersistentRDDs())


def test_the_engine_is_named_or_described() -> None:
    assert sample().engine.spark is None
    assert sample("duckdb").engine.spark is None
    spark = sample("spark").engine.spark
    assert spark is not None
    assert (spark.master, spark.memory) == ("local[2]", "2g")
    given = sample({"spark": {"master": "spark://host:7077", "memory": "64g"}}).engine.spark
    assert given is not None
    assert (given.master, given.memory) == ("spark://host:7077", "64g")


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("sparc", "'sparc' is no engine"),
        ({"spark": {"master": "local", "memory": "lots"}}, "'lots' is no amount of memory"),
        ({"spark": {"cores": 2}}, "cores"),
        ({"dask": {}}, "dask"),
    ],
)
def test_another_engine_is_refused_with_what_there_is(engine: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        sample(engine)


def test_spark_that_is_not_installed_is_told_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("analyses.study.engine_spec.find_spec", lambda _: None)
    with pytest.raises(SpecError, match=r"pyspark is not installed\n.*her2low\[spark\]"):
        analyses.run_study(sample("spark"))
