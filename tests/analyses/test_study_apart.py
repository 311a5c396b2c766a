"""A study whose patients are too many to hold gives the numbers of one that holds them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

import analyses
from analyses.results.study import StudyResult
from analyses.study.spec import Study
from cohort.errors import SpecError

SAMPLE = Path(__file__).resolve().parent.parent.parent / "sample_data"
COX = {
    "id": "within",
    "kind": "cox",
    "endpoint": "os",
    "strata": ["stage"],
    "only": {"id": "hr", "column": "hr_status", "one_of": ["positive"], "reason": "HR-positive"},
    "terms": [
        {"name": "her2_status", "reference": "zero"},
        {"name": "age_years", "spline": {"df": 3}},
        "grade",
        {"interaction": ["her2_status", "grade"]},
    ],
}


def study(engine: Any = None, **parts: Any) -> Study:
    plain = yaml.safe_load((SAMPLE / "her2_low_os.yaml").read_text(encoding="utf-8"))
    plain["analyses"] = [
        *(a for a in plain["analyses"] if a["kind"] in ("cox", "kaplan_meier")), COX,
    ]  # fmt: skip
    plain |= parts if engine is None else {"engine": engine, **parts}
    return Study.from_dict(plain, folder=SAMPLE)


def assert_same(found: StudyResult, wanted: StudyResult) -> None:
    assert found.findings == wanted.findings
    assert found.failures == wanted.failures
    assert found.restrictions == wanted.restrictions
    assert len(found.records) == len(wanted.records)
    for one, other in zip(found.records, wanted.records, strict=True):
        assert (one.id, one.n, one.n_event, one.status, one.reason) == (
            other.id, other.n, other.n_event, other.status, other.reason,
        )  # fmt: skip
        for name in ("estimate", "std_error", "conf_low", "conf_high", "statistic"):
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None) == (b is None), one.id
            if a is not None:
                assert math.isclose(a, b, rel_tol=1e-10, abs_tol=1e-11), one.id


@pytest.fixture(scope="module")
def held() -> StudyResult:
    return analyses.run_study(study())


def test_streamed_models_give_the_records_of_models_in_memory(
    held: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyses.blocks.parts.BLOCK", 700)
    apart = analyses.run_study(study({"duckdb": {"blocks_from": 1}}))
    assert_same(apart, held)
    # Their covariates were not collected: the digests are of fewer columns.
    assert apart.selected != held.selected


@pytest.mark.spark
def test_models_on_sparks_partitions_give_them_too(held: StudyResult, spark_engine: Any) -> None:
    del spark_engine  # the session that the study finds
    assert_same(analyses.run_study(study({"spark": {"blocks_from": 1}})), held)


def test_a_cohort_that_fits_is_held(held: StudyResult) -> None:
    assert study().engine.blocks_from == study("spark").engine.blocks_from == 4_000_000
    fits = analyses.run_study(study({"duckdb": {"blocks_from": held.n_loaded + 1}}))
    assert fits.selected == held.selected


def test_a_second_program_has_the_patients_in_memory(held: StudyResult) -> None:
    verified = analyses.run_study(study({"duckdb": {"blocks_from": 1}}, verify=True))
    assert verified.selected == held.selected


def test_a_failure_counts_the_patients_and_events() -> None:
    only = {"id": "young", "column": "age_years", "between": [0, 1], "reason": "nobody"}
    results = [
        analyses.run_study(study(engine, analyses=[{**COX, "only": only}]))
        for engine in (None, {"duckdb": {"blocks_from": 1}})
    ]
    one, other = ([(f.n, f.n_event) for f in result.failures] for result in results)
    assert one == other == [(0, 0)]


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"duckdb": {"blocks_from": 0}}, "blocks_from"),
        ({"duckdb": {"blocks_from": "many"}}, "blocks_from"),
        ({"duckdb": {}, "spark": {}}, "two engines"),
    ],
)
def test_a_threshold_is_a_number_of_patients_and_an_engine_is_one(engine: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        study(engine)
