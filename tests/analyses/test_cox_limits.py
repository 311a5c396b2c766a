"""Cox models at their limits: infinite coefficients, silent columns, far offsets, counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.cox import cox
from analyses.results.cox import CoxModel
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
G = {"name": "g", "levels": ["a", "b", "c"]}
H = {"name": "h", "levels": ["p", "q"]}
GROUP = {"name": "group", "levels": ["zero", "low", "positive"]}
PLAIN = {"time": "time", "event": "event", "terms": [GROUP, "age", "grade"]}
NEW = pd.DataFrame({"group": ["low"], "age": [55.0], "grade": [3], "shift": [0.2]})


@pytest.fixture(scope="module")
def separated() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_separated.csv")


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


@pytest.fixture(scope="module")
def expected() -> Any:
    table = pd.read_csv(REFERENCE / "cox_expected.csv").set_index(["case", "quantity", "index"])
    return table["value"].astype(float)


def close(found: Any, wanted: Any, tolerance: float = 1e-8) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float), wanted, rtol=tolerance, atol=1e-12)


def fitted(separated: pd.DataFrame, case: str, terms: list[Any], **arguments: Any) -> CoxModel:
    own = separated[separated["case"] == case]
    return cox(own, time="t", event="e", terms=terms, **arguments)


def lost(model: CoxModel) -> dict[tuple[str, str | None], str | None]:
    return {(c.term, c.level): c.reason for c in model.coefficients if c.status != "ok"}


@pytest.mark.parametrize(
    ("case", "arguments", "gone"),
    [
        ("alone", {"strata": "s"}, {"b": "nothing is left to compare", "c": "plus infinity"}),
        ("together", {"strata": "s"}, {"b": "plus infinity", "c": "plus infinity"}),
        ("late", {"entry": "entry"}, {"b": "at the reference level", "c": "in the risk sets"}),
    ],
)
def test_what_stays_finite_is_rs_limit_and_the_rest_is_named(
    case: str, arguments: dict[str, Any], gone: dict[str, str], separated: Any, expected: Any
) -> None:
    model = fitted(separated, case, ["x", G], **arguments)
    (x,) = model.estimated
    close([x.estimate, x.std_error], [expected[case, q, 0] for q in ("coefficient", "std_error")])
    close(model.log_likelihood, expected[case, "log_likelihood", 0])
    reasons = lost(model)
    assert set(reasons) == {("g", level) for level in gone}
    for level, words in gone.items():
        assert words in str(reasons["g", level])
    assert [(f.term, f.group) for f in model.failures] == [("g", level) for level in gone]
    (wald,) = [test for test in model.tests if test.name == "wald"]
    assert wald.df == 1
    assert x.statistic is not None
    close(wald.statistic, x.statistic**2)


@pytest.mark.parametrize(("case", "strata"), [("silent", None), ("silent_strata", "s")])
def test_column_that_only_infinite_ones_left_without_information_has_no_estimate(
    case: str, strata: str | None, separated: pd.DataFrame
) -> None:
    model = fitted(separated, case, ["x", G, H], strata=strata)
    assert model.estimated == ()
    assert "nothing is left to compare" in str(lost(model)["x", None])
    assert "x" in {failure.term for failure in model.failures}
    assert {test.name for test in model.tests} == {"likelihood_ratio", "score"}


def test_wide_but_finite_estimates_stay(separated: pd.DataFrame, expected: Any) -> None:
    model = fitted(separated, "finite", ["x", G, H], strata="s")
    assert lost(model) == {}
    wanted = [expected["finite", "std_error", i] for i in range(4)]
    assert max(wanted) > 700
    close([c.std_error for c in model.estimated], wanted, 1e-6)


def test_collinear_in_the_risk_sets_alone_is_one_coefficient_less() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"t": rng.permutation(40) + 2.0, "e": True, "x": rng.normal(size=40)})
    frame["z"] = 2 * frame["x"] + 1
    censored = pd.DataFrame({"t": [1.0, 1.5], "e": False, "x": [0.0, 1.0], "z": [5.0, -5.0]})
    both = pd.concat([frame, censored])
    model = cox(both, time="t", event="e", terms=["x", "z"])
    assert lost(model) == {("z", None): "in the risk sets it is fully determined by x"}
    assert [failure.term for failure in model.failures] == ["z"]
    assert [test.df for test in model.tests] == [1, 1, 1]
    (x,) = cox(both, time="t", event="e", terms=["x"]).estimated
    close([model.estimated[0].estimate, model.estimated[0].std_error], [x.estimate, x.std_error])
    with pytest.raises(AnalysisError, match="z: is fully determined by x"):
        cox(frame, time="t", event="e", terms=["x", "z"])


@pytest.mark.parametrize("weights", [None, "weight"])
@pytest.mark.parametrize("far", [500.0, -1000.0])
def test_a_constant_in_the_offset_changes_the_baseline_alone(
    far: float, weights: str | None, patients: pd.DataFrame
) -> None:
    near = cox(patients, **PLAIN, offset="shift", weights=weights)
    moved = patients.assign(shift=patients["shift"] + far)
    away = cox(moved, **PLAIN, offset="shift", weights=weights)
    for name in ("estimate", "std_error"):
        found = [getattr(c, name) for c in away.estimated]
        close(found, [getattr(c, name) for c in near.estimated])
    close(away.log_likelihood, near.log_likelihood, 1e-11)
    close(away.baseline.log_ratio, near.baseline.log_ratio - far)
    times = [2.0, 9.0]
    one = near.predict_survival(NEW, times)
    other = away.predict_survival(NEW.assign(shift=NEW["shift"] + far), times)
    close(other, one)


def test_a_hazard_ratio_too_large_to_write_is_not_an_estimate() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"t": rng.permutation(60) + 1.0, "e": True, "x": rng.normal(size=60)})
    frame["x"] = (frame["x"] - frame["t"] / 30) / 2000
    model = cox(frame, time="t", event="e", terms=["x"])
    assert model.estimated[0].estimate > 700
    ratio, log = (
        next(r for r in model.records("a") if r.quantity == quantity)
        for quantity in ("hazard_ratio", "log_hazard_ratio")
    )
    assert (ratio.estimate, ratio.status) == (None, "not_estimable")
    assert "too large to write" in str(ratio.reason)
    assert (log.estimate, log.status) == (model.estimated[0].estimate, "ok")


def test_counts_are_the_patients_written_out(patients: pd.DataFrame, expected: Any) -> None:
    model = cox(patients, **PLAIN, weights="count", ties="breslow")
    case = "counts_repeated"
    close(
        [c.std_error for c in model.estimated], [expected[case, "std_error", i] for i in range(4)]
    )
    c = model.concordance
    close([c.estimate, c.std_error], [expected[case, "concordance", i] for i in (5, 6)])
    assert model.n == patients["count"].sum()
    assert model.n_event == patients.loc[patients["event"] == 1, "count"].sum()
    groups = patients.groupby("group")["count"].sum()
    assert list(model.summary["n"][:3]) == [groups[level] for level in ("zero", "low", "positive")]
    assert {r.n for r in model.records("a") if r.quantity == "aic"} == {model.n}
    few = patients[patients["event"] == 1].iloc[:15].assign(count=10)
    assert cox(few, **PLAIN, weights="count").findings == ()


def test_robust_error_takes_a_row_of_counts_as_one_unit(
    patients: pd.DataFrame, expected: Any
) -> None:
    c = cox(patients, **PLAIN, weights="count", robust=True).concordance
    close(c.std_error, expected["counts", "concordance", 6])


def test_one_cluster_has_no_robust_variance() -> None:
    rows = pd.DataFrame(
        {"time": [1, 2, 3, 4], "event": [1, 1, 0, 1], "x": [0.0, 1.0, 0.0, 1.0], "site": 1}
    )
    with pytest.raises(AnalysisError, match="cox: x: the robust variance is zero"):
        cox(rows, time="time", event="event", terms=["x"], cluster="site")


def test_no_wald_test_of_more_coefficients_than_clusters_tell_of() -> None:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "c"])
    rows = rows.assign(time=rng.exponential(size=60), event=1, site=rng.integers(0, 3, 60))
    model = cox(rows, time="time", event="event", terms=["a", "b", "c"], cluster="site")
    assert model.tests == ()
    assert all(c.std_error for c in model.coefficients)
