"""Weights and quantiles in a study file: the numbers, who is counted, and what the report says."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pypdf
import pytest

import analyses
from analyses import cox, cumulative_incidence, fine_gray, kaplan_meier, logrank, rmst
from analyses.results.curve import Curve
from analyses.study.check import check_study
from analyses.study.spec import Study
from cohort.errors import SpecError

BASE: dict[str, Any] = {
    "version": 1,
    "title": "Weighted survival",
    "source": {"name": "canonical", "files": {"main": "registry.csv"}},
    "endpoints": [{"id": "bcss", "kind": "BCSS", "unverified": True, "censor_at": {"years": 8}}],
}
OF = {"endpoint": "bcss", "weights": "case_weight"}
TERMS = [{"name": "grade", "reference": "1"}]
CURVES = OF | {
    "id": "curves",
    "kind": "kaplan_meier",
    "by": "grade",
    "at": {"years": [1, 3]},
    "quantiles": [0.25, 0.5, 0.1],
}
TESTS = OF | {"id": "tests", "kind": "logrank", "by": "grade", "max_combo": True}
MEANS = OF | {"id": "means", "kind": "rmst", "by": "grade", "tau": {"years": 5}}
EVER = OF | {"id": "ever", "kind": "cumulative_incidence", "by": "grade", "at": {"years": [3]}}
RATES = OF | {"id": "rates", "kind": "cox", "terms": TERMS, "ties": "breslow"}
SHARES = OF | {"id": "shares", "kind": "fine_gray", "terms": TERMS}
EVERY = (CURVES, TESTS, MEANS, EVER, RATES, SHARES)
BY = {"name": "grade", "levels": ["1", "2", "3"]}
STATE = {"name": "state", "levels": ["censored", "event", "competing"]}
MODEL = [{"name": "grade", "levels": ["1", "2", "3"]}]


def _patients() -> pd.DataFrame:
    """Three hundred patients whose weights are 1 to 3, ten of them 0 and five missing."""
    rng = np.random.default_rng(7)
    n = 300
    grade = rng.choice([1, 2, 3], n)
    cancer, other = rng.exponential(3000 / grade), rng.exponential(5000, n)
    left = rng.uniform(200, 3600, n)
    dead = np.minimum(cancer, other) <= left
    frame = pd.DataFrame({"patient_id": [f"p{i}" for i in range(n)], "grade": grade.astype(str)})
    frame["vital_status"] = np.where(dead, "dead", "alive")
    frame["cause_of_death"] = np.where(dead, np.where(cancer < other, "breast_cancer", "other"), "")
    frame["followup_days"] = np.ceil(np.minimum(np.minimum(cancer, other), left)).astype(int)
    weight = rng.integers(1, 4, n).astype(float)
    weight[:10], weight[10:15] = 0, np.nan
    return frame.assign(case_weight=weight)


def _study(folder: Path, frame: pd.DataFrame, *asked: dict[str, Any]) -> Study:
    folder.mkdir(exist_ok=True)
    frame.to_csv(folder / "registry.csv", index=False)
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


def _direct(frame: pd.DataFrame) -> pd.DataFrame:
    """The same patients as the estimators take them, followed for 8 years."""
    end = 8 * 365.25
    alive = (frame["vital_status"] == "alive") | (frame["followup_days"] > end)
    other = frame["cause_of_death"] == "other"
    state = np.where(alive, "censored", np.where(other, "competing", "event"))
    return frame.assign(
        time=frame["followup_days"].clip(upper=end), state=state, event=state == "event"
    )


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return _patients()


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, patients: pd.DataFrame) -> tuple[Any, Path]:
    """The study of every kind with weights that are counts, and its output."""
    folder = tmp_path_factory.mktemp("counts")
    out = folder / "out"
    return analyses.run_study(_study(folder, patients, *EVERY), out=out), out


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, patients: pd.DataFrame) -> tuple[Any, Path]:
    """The same with weights that are not whole numbers."""
    folder = tmp_path_factory.mktemp("shares")
    frame = patients.assign(case_weight=patients["case_weight"] * 0.75)
    curves = CURVES | {"numbers_at_risk": "weights"}
    return analyses.run_study(
        _study(folder, frame, curves, *EVERY[1:]), out=folder / "out"
    ), folder / "out"


def _records(result: Any) -> dict[str, Any]:
    return {record.id: record for record in result.records}


def _text(out: Path) -> str:
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_a_weight_of_two_is_a_patient_listed_twice(
    tmp_path: Path, counted: tuple[Any, Path], patients: pd.DataFrame
) -> None:
    known = patients.dropna(subset="case_weight")
    again = known.loc[known.index.repeat(known["case_weight"].astype(int))].reset_index(drop=True)
    again["patient_id"] = [f"q{i}" for i in range(len(again))]
    plain = [{k: v for k, v in spec.items() if k != "weights"} for spec in EVERY]
    repeated = _records(analyses.run_study(_study(tmp_path, again, *plain)))
    found = _records(counted[0])
    estimates = [
        *("curves/survival/2/t=365.25", "curves/median/3", "curves/quantile/2/0.25"),
        *("means/rmst/1/t=1826.25", "ever/cumulative_incidence/3/event/t=1095.75"),
        *("rates/log_hazard_ratio/grade/3/1", "shares/log_subdistribution_hazard_ratio/grade/3/1"),
    ]
    for name in estimates:
        assert found[name].estimate == pytest.approx(repeated[name].estimate, rel=1e-9)
        error, other = found[name].std_error, repeated[name].std_error
        assert error == (None if other is None else pytest.approx(other, rel=1e-8))
        assert (found[name].n, found[name].n_event) == (repeated[name].n, repeated[name].n_event)
    for name in ("tests/logrank_test/grade", "tests.max_combo/max_combo_test/grade"):
        assert found[name].statistic == pytest.approx(repeated[name].statistic, rel=1e-9)


def test_numbers_are_those_of_the_estimators(shared: tuple[Any, Path]) -> None:
    found, frame = _records(shared[0]), _direct(_patients())
    frame["case_weight"] *= 0.75
    seen: dict[str, Any] = {"time": "time", "weights": "case_weight"}
    curves = kaplan_meier(frame, event="event", by=BY, **seen)
    at = curves.at([365.25]).set_index("group").loc["2"]
    record = found["curves/survival/2/t=365.25"]
    assert (record.estimate, record.std_error) == pytest.approx(
        (at["estimate"], at["std_error"]), rel=1e-12
    )
    quarter = curves.quantiles(0.25).set_index("group").loc["3"]
    record = found["curves/quantile/3/0.25"]
    assert (record.estimate, record.conf_low, record.conf_high, record.unit) == (
        quarter["estimate"],
        quarter["conf_low"],
        quarter["conf_high"],
        "days",
    )
    mean = rmst(frame, event="event", by=BY, tau=1826.25, **seen).groups[0]
    assert found["means/rmst/1/t=1826.25"].std_error == pytest.approx(mean.std_error, rel=1e-12)
    ever = cumulative_incidence(frame, state=STATE, by=BY, **seen).at([1095.75])
    own = ever[(ever["group"] == "3") & (ever["level"] == "event")].iloc[0]
    record = found["ever/cumulative_incidence/3/event/t=1095.75"]
    assert record.std_error == pytest.approx(own["std_error"], rel=1e-12)
    ratio = fine_gray(frame, state=STATE, cause="event", terms=MODEL, **seen).coefficients[2]
    record = found["shares/log_subdistribution_hazard_ratio/grade/3/1"]
    assert record.std_error == pytest.approx(ratio.std_error, rel=1e-10)
    some = frame[frame["case_weight"] != 0]
    hazard = cox(some, event="event", terms=MODEL, ties="breslow", **seen).coefficients[2]
    record = found["rates/log_hazard_ratio/grade/3/1"]
    assert record.std_error == pytest.approx(hazard.std_error, rel=1e-10)


@pytest.mark.parametrize(
    ("id", "kind"),
    [
        ("curves", "kaplan_meier"),
        ("tests", "logrank"),
        ("tests.max_combo", "max_combo"),
        ("means", "rmst"),
        ("ever", "cumulative_incidence"),
        ("rates", "cox"),
        ("shares", "fine_gray"),
    ],
)
def test_rows_of_weight_zero_and_without_weight_are_counted_apart(
    counted: tuple[Any, Path], patients: pd.DataFrame, id: str, kind: str
) -> None:
    found = _records(counted[0])
    assert found[f"{id}/{kind}_rows_of_weight_zero/case_weight"].n == 10
    assert found[f"{id}/{kind}_rows_missing/case_weight"].n == 5
    assert found[f"{id}/{kind}_rows_given"].n == 300
    total = found[f"{id}/{kind}_sum_of_weights/case_weight"]
    assert (total.n, total.estimate) == (285, patients["case_weight"].sum())


def test_a_negative_weight_is_a_finding_and_no_weight(
    tmp_path: Path, patients: pd.DataFrame
) -> None:
    weight = patients["case_weight"].to_numpy(copy=True)
    weight[20:23] = -1
    result = analyses.run_study(_study(tmp_path, patients.assign(case_weight=weight), CURVES))
    assert _records(result)["curves/kaplan_meier_rows_missing/case_weight"].n == 8
    noted = [f for f in result.findings if f.column == "case_weight" and f.severity == "warning"]
    assert sum(f.n for f in noted) == 3


def test_the_report_says_by_what_it_is_weighted(counted: tuple[Any, Path]) -> None:
    text = _text(counted[1])
    assert text.count("5 without a value (case weight 5) and 10 of weight 0.") == 6
    assert "each of which counts as so many patients as its weight says" in text
    for page in (
        "Kaplan-Meier estimates with pointwise 95% limits (log-log). Weighted by case weight.",
        "observed and expected events. Weighted by case weight.",
        "milestones and follow-up, with 95% limits. Weighted by case weight.",
        "above it with 95% limits. Weighted by case weight.",
        "squares sized by events. Weighted by case weight.",
        "Weighted by case weight: whole numbers, each row counting as so many patients.",
    ):
        assert page in text
    assert "Gray's test: none, it is not defined for weights." in text
    assert counted[0].exit_code == 0


def test_weights_that_are_no_counts_have_no_logrank_test_and_are_told_what_has(
    shared: tuple[Any, Path],
) -> None:
    result, out = shared
    failed = [f for f in result.failures if f.analysis == "tests"]
    assert len(failed) == len(result.failures) == 1
    assert "not whole numbers" in failed[0].reason
    assert "cox" in failed[0].advice
    text = _text(out)
    assert "Log-rank test: none, it is not defined for weights that are not whole" in text
    assert "counts of patients and events are not." in text
    assert "the variance is robust" in text


def test_numbers_at_risk_are_patients_unless_weights_are_asked_for(
    counted: tuple[Any, Path], shared: tuple[Any, Path]
) -> None:
    frame = _direct(_patients())
    followed = frame[(frame["case_weight"] > 0) & (frame["time"] >= 365.25)]
    own = followed[followed["grade"] == "2"]
    found = _records(shared[0])
    assert found["curves/at_risk/2/t=365.25"].n_risk == len(own)
    weighed = found["curves/weights_at_risk/2/t=365.25"].estimate
    assert weighed == pytest.approx(0.75 * own["case_weight"].sum(), rel=1e-12)
    assert not any("weights_at_risk" in name for name in _records(counted[0]))
    assert "gives the weights of those at risk" in _text(shared[1])


def test_quantiles_stand_beside_the_median(counted: tuple[Any, Path]) -> None:
    with (counted[1] / "tables" / "curves_quantiles.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Group", "10% by", "25% by", "50% by"]
    km = kaplan_meier(
        _direct(_patients()), time="time", event="event", by=BY, weights="case_weight"
    )
    quarter = km.quantiles(0.25)["estimate"].iloc[1]
    assert rows[2][2].startswith(f"{quarter:,.0f}")
    text = _text(counted[1])
    assert "and the times by which 10% and 25% have had the event by R's rule" in text


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (CURVES | {"quantiles": [25]}, "25 is no share of patients"),
        (CURVES | {"weights": "grade"}, "'grade' is a column with levels and cannot be a weight"),
        (EVER | {"test": "gray"}, "Gray's test together with weights"),
        (
            {k: v for k, v in CURVES.items() if k != "weights"} | {"numbers_at_risk": "weights"},
            "numbers_at_risk: weights without weights",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_any_number(
    tmp_path: Path, patients: pd.DataFrame, spec: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        raise SpecError(check_study(_study(tmp_path, patients, spec)))


def test_weights_at_risk_are_a_direct_sum_with_delayed_entry() -> None:
    """By hand: weights 0.5, 1.5, 2.5, entries 0, 2, 0, exits 3, 5, 4.

    At risk (entry < t <= exit) weigh 0.5 + 2.5 at 2, 0.5 + 1.5 + 2.5 at 3, 1.5 + 2.5 at 4, 1.5 at
    5 and nothing at 6. At 0 those count who enter there: 3.
    """
    frame = pd.DataFrame(
        {"t0": [0.0, 2, 0], "t": [3.0, 5, 4], "d": [1, 1, 0], "w": [0.5, 1.5, 2.5]}
    )
    curve: Curve = kaplan_meier(frame, time="t", event="d", entry="t0", weights="w").curves[0]
    times = np.array([0.0, 2, 3, 4, 5, 6])
    assert curve.at_risk(times, "weights").tolist() == [3, 3, 4.5, 4, 1.5, 0]
    assert curve.at_risk(times).tolist() == [2, 2, 3, 2, 1, 0]


def test_results_carry_their_weights() -> None:
    frame = _direct(_patients())
    test = logrank(frame, time="time", event="event", by=BY, weights="case_weight")
    assert test.weighting is not None
    assert (test.weighting.n_rows, test.weighting.n_zero, test.weighting.are_counts) == (
        285,
        10,
        True,
    )
    assert test.to_dict()["weighting"]["column"] == "case_weight"
    assert "weighted by case_weight (whole numbers)" in test._repr_html_()
    plain = kaplan_meier(frame, time="time", event="event", by=BY)
    assert plain.weighting is None
    assert plain.to_dict()["weighting"] is None


def test_subgroups_and_treatments_take_the_weights(
    tmp_path_factory: pytest.TempPathFactory, patients: pd.DataFrame
) -> None:
    """Weights that are no counts: robust Wald tests of interaction, marginal effects."""
    rng = np.random.default_rng(11)
    frame = patients[patients["case_weight"] > 0].assign(
        chemotherapy=lambda d: rng.choice(["yes", "no"], len(d)),
        er_status=lambda d: rng.choice(["positive", "negative"], len(d)),
        case_weight=lambda d: d["case_weight"] * 0.75,
    )
    sub = OF | {"id": "sub", "kind": "subgroups", "by": "grade", "factors": ["er_status"]}
    effect = OF | {
        "id": "effect",
        "kind": "treatment_effect",
        "treatment": "chemotherapy",
        "by": "grade",
        "starts": "time_zero",
        "at": {"years": 2},
    }
    folder = tmp_path_factory.mktemp("weighted_effects")
    result = analyses.run_study(_study(folder, frame, sub, effect))
    within, treated = (analysis.result for analysis in result.analyses)
    assert within.weights == "case_weight"
    assert {test.test for test in within.tests} == {"wald"}
    assert treated.estimand == "marginal"
    assert treated.variance == "infinitesimal jackknife"
