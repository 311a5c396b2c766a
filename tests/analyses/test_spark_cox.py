"""Cox models summed on Spark's partitions are those of the rows in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.blocks import cox_blocks, parts
from analyses.estimators.cox import cox
from analyses.results.cox import CoxModel
from cohort.errors import AnalysisError

pytestmark = pytest.mark.spark
LEVELS = ["1", "2", "3"]
TERMS: list[Any] = [
    {"name": "age", "spline": {"df": 3}},
    {"name": "grade", "levels": LEVELS},
    {"interaction": ["age", "grade"]},
]


def patients(n: int = 1_500) -> pd.DataFrame:
    """Rows with ties, entry, strata, weights, clusters and missing values; times in months."""
    rng = np.random.default_rng(3)
    grade = rng.integers(0, 3, n)
    age = rng.normal(60, 10, n).round()
    months = np.ceil(rng.exponential(40, n) * np.exp(-0.02 * (age - 60) - 0.3 * grade)) / 10
    exit_ = np.minimum(months, 5)
    frame = pd.DataFrame({"time": exit_, "event": months <= 5, "age": age})
    frame = frame.assign(
        grade=np.array(LEVELS)[grade],
        entry=exit_ * rng.random(n) * 0.5,
        site=np.array(["a", "b"])[rng.integers(0, 2, n)],
        year=rng.integers(2010, 2013, n),
        centre=rng.integers(0, 30, n),
        weight=rng.uniform(0.5, 2, n),
        count=rng.integers(1, 3, n),
        known=rng.normal(size=n) * 0.1,
    )
    frame.loc[::97, "age"] = np.nan
    return frame


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return patients()


@pytest.fixture
def spark_rows(spark_engine: Any, rows: pd.DataFrame) -> Iterator[Any]:
    """The patients in five partitions, one of them empty, in blocks of 150 rows."""
    frame = spark_engine.session.createDataFrame(rows).repartition(4)
    empty = spark_engine.session.createDataFrame(rows.iloc[:1]).filter("age < 0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "BLOCK", 150)
        yield frame.union(empty)


def assert_same(found: CoxModel, wanted: CoxModel) -> None:
    for one, other in zip(found.coefficients, wanted.coefficients, strict=True):
        for name in ("term", "level", "reference", "n", "n_event", "status", "reason"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
            expected = getattr(other, name)
            assert getattr(one, name) == (
                None if expected is None else pytest.approx(expected, rel=1e-10, abs=1e-11)
            )
    assert found.log_likelihood == pytest.approx(wanted.log_likelihood, rel=1e-12)
    assert (found.n_input, found.n, found.n_event) == (wanted.n_input, wanted.n, wanted.n_event)
    assert (found.n_missing, found.failures) == (wanted.n_missing, wanted.failures)
    for name in ("estimate", "std_error"):
        one, other = (getattr(model.concordance, name) for model in (found, wanted))
        assert one == pytest.approx(other, rel=1e-10)
    for one, other in zip(found.tests, wanted.tests, strict=True):
        assert one.statistic == pytest.approx(other.statistic, rel=1e-9)
    np.testing.assert_allclose(
        found.baseline.cumulative_hazard, wanted.baseline.cumulative_hazard, rtol=1e-9
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ties": "breslow", "strata": ["site", "year"]},
        {"entry": "entry", "strata": "site"},
        {"weights": "weight", "cluster": "centre", "offset": "known"},
        {"weights": "count", "robust": True},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_partitions_add_up_to_the_model_in_memory(
    options: dict[str, Any], rows: pd.DataFrame, spark_rows: Any
) -> None:
    asked: dict[str, Any] = {"time": "time", "event": "event", "terms": TERMS, **options}
    assert_same(cox_blocks(spark_rows, **asked), cox(rows, **asked))


def test_level_without_events_leaves_every_partition(rows: pd.DataFrame, spark_rows: Any) -> None:
    from pyspark.sql import functions as f

    asked: dict[str, Any] = {"time": "time", "event": "event", "terms": TERMS[:2]}
    alive = spark_rows.withColumn("event", f.col("event") & (f.col("grade") != "2"))
    expected = cox(rows.assign(event=rows["event"] & (rows["grade"] != "2")), **asked)
    assert expected.failures
    assert_same(cox_blocks(alive, **asked), expected)


def test_the_executors_forget_the_rows(spark_engine: Any, spark_rows: Any) -> None:
    kept = spark_engine.session.sparkContext._jsc.getPersistentRDDs
    before = set(kept())
    cox_blocks(spark_rows, time="time", event="event", terms=["age"])
    assert set(kept()) == before


def test_absent_column_is_told_before_anything_is_kept(spark_rows: Any) -> None:
    with pytest.raises(AnalysisError, match="not in the table"):
        cox_blocks(spark_rows, time="time", event="event", terms=["ag"])
