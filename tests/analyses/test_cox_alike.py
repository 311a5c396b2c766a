"""A Cox model that counts patients who are alike gives what it gives of each of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators import cox_alike
from analyses.estimators.cox import cox, model_of
from analyses.estimators.cox_asked import asking
from analyses.estimators.cox_prepared import Prepared, prepared
from analyses.estimators.terms import declared
from analyses.results.cox import CoxModel

LEVELS = ["a", "b", "c"]


def cohort(n: int = 60_000, *, months: int = 40) -> pd.DataFrame:
    """Two categories and a stratum; follow-up in months, so that most events are tied."""
    random = np.random.default_rng(20251125)
    group, other = random.integers(0, 3, n), random.integers(0, 2, n)
    hazard = 0.02 * np.exp(0.3 * group - 0.4 * other)
    died = np.ceil(random.exponential(1 / hazard))
    left = np.ceil(random.uniform(0, months, n))
    return pd.DataFrame(
        {
            "time": np.minimum(died, left),
            "event": died <= left,
            "group": pd.Categorical.from_codes(group, LEVELS, ordered=True),
            "other": pd.Categorical.from_codes(other, ["no", "yes"], ordered=True),
            "site": random.integers(0, 4, n).astype(str),
        }
    )


def both(data: pd.DataFrame, terms: Any, **options: Any) -> tuple[Prepared, CoxModel, CoxModel]:
    """The model of kinds of patients, and of every patient."""
    asked = asking(
        "time", "event", None, options.get("strata"), None, None, options.get("robust"), None,
        options.get("ties", "efron"), 0.95,
    )  # fmt: skip
    counted = prepared(data, declared(terms), asked, counting=True)
    plain = prepared(data, declared(terms), asked)
    return counted, model_of(counted, asked), model_of(plain, asked)


def equal(found: CoxModel, expected: CoxModel) -> None:
    keys = ["estimate", "std_error", "statistic", "conf_low", "conf_high", "n", "n_event"]
    for key in keys:
        a, b = (model.summary[key].to_numpy(float) for model in (found, expected))
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=key)
    np.testing.assert_allclose(found.log_likelihood, expected.log_likelihood, rtol=1e-12)
    for one, other in zip(found.tests, expected.tests, strict=True):
        np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-9)
    a, b = found.concordance, expected.concordance
    np.testing.assert_allclose(a.estimate, b.estimate, rtol=1e-12)
    np.testing.assert_allclose(a.std_error, b.std_error, rtol=1e-9)
    pairs = ("concordant", "discordant", "tied_x", "tied_y", "tied_xy")
    assert [getattr(a, name) for name in pairs] == [getattr(b, name) for name in pairs]
    for name in ("time", "hazard_at_means", "variance", "last_time", "mean_covariates"):
        np.testing.assert_allclose(
            getattr(found.baseline, name), getattr(expected.baseline, name), rtol=1e-9, atol=1e-12
        )
    assert found.failures == expected.failures
    assert found.n_event_weighted == expected.n_event_weighted


@pytest.mark.parametrize(
    ("terms", "options"),
    [
        (["group"], {}),
        (["group"], {"ties": "breslow"}),
        (["group"], {"robust": True}),
        (["group", "other", {"interaction": ["group", "other"]}], {}),
        (["other"], {"strata": "site"}),
    ],
)
def test_kinds_of_patients_give_what_patients_give(terms: Any, options: Any) -> None:
    counted, found, expected = both(cohort(), terms, **options)
    assert counted.are_alike
    assert len(counted.rows.followed.exit) < 2_000
    equal(found, expected)


def test_a_level_without_events_leaves_the_risk_sets_alike() -> None:
    data = cohort()
    data["event"] &= data["group"] != "c"
    counted, found, expected = both(data, ["group", "other"])
    assert counted.are_alike
    assert found.failures
    equal(found, expected)


def test_patients_who_differ_are_not_counted() -> None:
    data = cohort()
    data["age"] = np.random.default_rng(1).normal(60, 10, len(data))
    asked = asking("time", "event", None, None, None, None, None, None, "efron", 0.95)
    for terms in (["group", "age"], ["age"]):
        assert not prepared(data, declared(terms), asked, counting=True).are_alike


def test_questions_about_each_patient_are_put_to_each() -> None:
    data = cohort()
    data.index = data.index + 7
    model = cox(data, time="time", event="event", terms=["group"])
    residuals = model.residuals("martingale")
    assert len(residuals) == len(data)
    assert set(residuals.index) == set(data.index)
    _, _, expected = both(data, ["group"])
    np.testing.assert_allclose(
        model.proportionality().summary["statistic"],
        expected.proportionality().summary["statistic"],
        rtol=1e-9,
    )


def test_tied_deaths_of_one_kind_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time 1: both patients of b die, beside three of a, of whom one dies at 2.

    With h = exp(beta), Efron: at 1 the risk sets are 3 + 2h and 3 + h (half of 2h away), at 2 it is
    3. So L = 2 beta - log(3 + 2h) - log(3 + h) - log 3, and its derivative is zero where
    2 = 2h / (3 + 2h) + h / (3 + h): never, as b has none left; the likelihood at beta = 0 is
    -log 5 - log 4 - log 3 and the score 2 - 2/5 - 1/4 = 27/20. Taken as one death of weight 2 it
    would be -2 log 5 - log 3 and 2 - 4/5.
    """
    monkeypatch.setattr(cox_alike, "FROM", 1)
    monkeypatch.setattr(cox_alike, "SHARE", 1)
    data = pd.DataFrame(
        {
            "time": [1, 1, 2, 2, 2],
            "event": [1, 1, 1, 0, 0],
            "g": pd.Categorical(list("bbaaa"), ordered=True),
        }
    )
    asked = asking("time", "event", None, None, None, None, None, None, "efron", 0.95)
    ready = prepared(data, declared(["g"]), asked, counting=True)
    assert ready.rows.followed.count is not None
    assert sorted(ready.rows.followed.count) == [1, 2, 2]
    at = ready.rows.likelihood(np.zeros(1))
    assert at.log_likelihood == pytest.approx(-math.log(60), rel=1e-14)
    assert at.score[0] == pytest.approx(27 / 20, rel=1e-14)
