"""Firth's penalised Cox model: by hand, and against a direct maximisation in R (firth.R)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2

from analyses.estimators.cox import cox
from analyses.kernels.firth import Penalty
from analyses.results.records import checked
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
EXPECTED = pd.read_csv(REFERENCE / "firth.csv")
GROUP = {"name": "group", "levels": ["a", "b", "c"]}
AGE = {"name": "age", "per": 10}
ASKED: dict[str, Any] = {"time": "time", "event": "event", "terms": [GROUP, AGE]}
CASES: dict[str, dict[str, Any]] = {
    "efron": {},
    "breslow": {"ties": "breslow"},
    "strata_entry": {"strata": "site", "entry": "late"},
    "counts": {"weights": "count"},
    "counts_breslow": {"weights": "count", "entry": "late", "ties": "breslow"},
}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "firth_data.csv")


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_direct_maximisation(case: str, patients: pd.DataFrame) -> None:
    model = cox(patients, **ASKED, **CASES[case], penalty="firth")
    wanted = EXPECTED[EXPECTED["case"] == case]
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        found = [getattr(c, name) for c in model.estimated]
        np.testing.assert_allclose(found, wanted[name], rtol=1e-6)
    statistics = [(c.statistic or 0.0) ** 2 for c in model.estimated]
    np.testing.assert_allclose(statistics, wanted["statistic"], rtol=1e-6)
    heights = [model.log_likelihood, model.log_likelihood_null]
    np.testing.assert_allclose(heights, wanted.iloc[0, -2:].astype(float), rtol=1e-9)


def test_two_patients_by_hand() -> None:
    # The patient with x = 1 dies first: l = b - log(1 + e^b), which rises for ever. Its information
    # is e^b / (1 + e^b)^2, so l* = 1.5 b - 2 log(1 + e^b), with its maximum where
    # 1.5 = 2 e^b / (1 + e^b), e^b = 3. Twice the fall to b = 0 is 3 log 3 - 4 log 4 + 4 log 2.
    data = pd.DataFrame({"t": [1, 2], "e": [1, 0], "x": [1, 0]})
    model = cox(data, time="t", event="e", terms=["x"], penalty="firth")
    (found,) = model.estimated
    assert found.estimate == pytest.approx(np.log(3), rel=1e-9)
    assert found.std_error == pytest.approx(4 / np.sqrt(3), rel=1e-9)
    fall = 3 * np.log(3) - 4 * np.log(2)
    assert model.tests[0].name == "penalised_likelihood_ratio"
    assert model.tests[0].statistic == pytest.approx(fall, rel=1e-9)
    assert found.statistic == pytest.approx(np.sqrt(fall), rel=1e-9)
    assert found.p_value == pytest.approx(chi2.sf(fall, 1), rel=1e-9)

    def above(b: float) -> float:
        top = 1.5 * np.log(3) - 2 * np.log(4)
        return float(1.5 * b - 2 * np.log1p(np.exp(b)) - top + chi2.ppf(0.95, 1) / 2)

    assert found.conf_low == pytest.approx(brentq(above, -10, 1), rel=1e-7)
    assert found.conf_high == pytest.approx(brentq(above, 1.2, 20), rel=1e-7)


def test_separation_offers_the_penalty_and_the_penalty_ends_it(patients: pd.DataFrame) -> None:
    plain = cox(patients, **ASKED)
    (failure,) = plain.failures
    assert failure.group == "c"
    assert "Firth's penalty" in failure.advice
    model = cox(patients, **ASKED, penalty="firth")
    assert model.failures == ()
    assert model.penalty == "firth"
    (separated,) = (c for c in model.coefficients if c.level == "c")
    assert separated.conf_low is not None
    assert separated.estimate is not None
    assert separated.conf_low < separated.estimate < (separated.conf_high or np.inf) < np.inf
    assert model.aic is None
    assert {test.name for test in model.tests} == {"penalised_likelihood_ratio", "wald"}
    checked(model.records("a"))


def test_the_derivative_is_that_of_the_height(patients: pd.DataFrame) -> None:
    model = cox(patients, **ASKED, **CASES["strata_entry"], penalty="firth")
    rows = model.rows.fitted.rows  # type: ignore[union-attr]
    beta, active = np.array([0.3, -0.8, 0.2]), np.ones(3, dtype=bool)
    own = Penalty(rows.blocks.placed, rows.grid, rows.ties, active, rows.design.reach)
    at, h = own.at(beta), 1e-4
    for j, step in enumerate(h * np.eye(3)):
        around = own.at(beta + step), own.at(beta - step)
        slope = (around[0].log_likelihood - around[1].log_likelihood) / (2 * h)
        assert at.score[j] == pytest.approx(slope, rel=1e-4, abs=1e-6)
        curve = (around[1].score - around[0].score) / (2 * h)
        np.testing.assert_allclose(at.information[j], curve, rtol=1e-3, atol=1e-4)


def test_a_shifted_number_leaves_the_estimates(patients: pd.DataFrame) -> None:
    one = cox(patients, **ASKED, penalty="firth")
    other = cox(patients.assign(age=patients["age"] + 1000), **ASKED, penalty="firth")
    for a, b in zip(one.estimated, other.estimated, strict=True):
        assert (a.estimate, a.conf_low) == pytest.approx((b.estimate, b.conf_low), rel=1e-6)


def test_the_larger_the_cohort_the_smaller_the_penalty() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=4000)
    time = rng.exponential(np.exp(-0.5 * x))
    data = pd.DataFrame({"t": time, "e": True, "x": x})
    gap = []
    for n in (200, 4000):
        asked: dict[str, Any] = {"time": "t", "event": "e", "terms": ["x"]}
        plain, firth = (cox(data[:n], **asked, penalty=p) for p in (None, "firth"))
        gap.append(abs((plain.estimated[0].estimate or 0) - (firth.estimated[0].estimate or 0)))
    assert gap[1] < gap[0] / 10


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"penalty": "lasso"}, "Allowed: firth"),
        ({"penalty": "firth", "cluster": "site"}, "together with clusters"),
        ({"penalty": "firth", "robust": True}, "together with clusters or a robust variance"),
        ({"penalty": "firth", "weights": "share"}, "weights 'share' that are not counts"),
    ],
)
def test_what_has_no_penalised_likelihood_is_refused(
    more: dict[str, Any], said: str, patients: pd.DataFrame
) -> None:
    with pytest.raises(AnalysisError, match=said):
        cox(patients.assign(share=0.5), **ASKED, **more)
