"""Multinomial and ordinal models against R's multinom, polr and glm, by hand, and separated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.category_model import category_model
from analyses.kernels.category_likelihood import cumulative, multinomial
from analyses.results.category_model import CategoryModel
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUP = {"name": "group", "levels": ["zero", "low", "positive"]}
TERMS = [
    "age",
    {"name": "grade", "levels": ["1", "2", "3"]},
    {"name": "site", "levels": ["a", "b", "c", "d"]},
]


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


@pytest.fixture(scope="module")
def expected() -> Any:
    table = pd.read_csv(REFERENCE / "category_models.csv", keep_default_na=False)

    def values(case: str, quantity: str) -> np.ndarray[Any, Any]:
        rows = table[(table["case"] == case) & (table["quantity"] == quantity)]
        return rows["value"].to_numpy(dtype=float)

    return values


def numbers(model: CategoryModel, name: str) -> list[Any]:
    return [getattr(r, name) for r in model.ratios if not r.is_reference]


@pytest.mark.parametrize("case", ["multinomial", "ordinal"])
def test_everything_equals_r(case: Any, patients: pd.DataFrame, expected: Any) -> None:
    model = category_model(patients, of=GROUP, terms=TERMS, model=case)
    for name in ("estimate", "std_error"):
        np.testing.assert_allclose(numbers(model, name), expected(case, name), rtol=1e-7)
    intercepts = [value for _, value in model.intercepts]
    np.testing.assert_allclose(intercepts, expected(case, "intercept"), rtol=1e-8)
    assert model.log_likelihood == pytest.approx(expected(case, "loglik")[0], rel=1e-12)
    statistics = [test.statistic for test in model.term_tests]
    np.testing.assert_allclose(statistics, expected(case, "term_test"), rtol=1e-8)
    if case == "ordinal":
        brant = [test.statistic for test in model.proportional_odds]
        np.testing.assert_allclose(brant, expected(case, "brant"), rtol=1e-8)
        assert [test.df for test in model.proportional_odds] == [6, 1, 2, 3]


def test_two_categories_are_a_logistic_model(patients: pd.DataFrame, expected: Any) -> None:
    er = {"name": "er", "levels": ["no", "yes"]}
    model = category_model(patients, of=er, terms=["age", GROUP])
    np.testing.assert_allclose(numbers(model, "estimate"), expected("binary", "estimate"), 1e-8)
    np.testing.assert_allclose(numbers(model, "std_error"), expected("binary", "std_error"), 1e-8)


def people(cells: dict[tuple[Any, Any], int]) -> pd.DataFrame:
    rows = [key for key, n in cells.items() for _ in range(n)]
    return pd.DataFrame(rows, columns=["x", "y"])


Y = {"name": "y", "levels": ["1", "2", "3"]}
X = {"name": "x", "levels": ["0", "1"]}


def test_a_saturated_multinomial_model_by_hand() -> None:
    """With one term of two levels the odds ratio of two categories is that of its four cells.

    Cells (1, 1, 2) at 0 and (2, 1, 1) at 1: of 2 against 1 it is (1/2)/(1/1) = 1/2, with the
    squared error 1/1 + 1/1 + 1/2 + 1/1 = 7/2; of 3 against 1 it is (1/2)/(2/1) = 1/4; of 3 against
    2 it is (1/1)/(2/1) = 1/2.
    """
    data = people({("0", "1"): 1, ("0", "2"): 1, ("0", "3"): 2,
                   ("1", "1"): 2, ("1", "2"): 1, ("1", "3"): 1})  # fmt: skip
    model = category_model(data, of=Y, terms=[X])
    np.testing.assert_allclose(np.exp(numbers(model, "estimate")), [1 / 2, 1 / 4, 1 / 2])
    assert numbers(model, "std_error")[0] == pytest.approx(np.sqrt(7 / 2))
    assert [f.rule for f in model.findings] == ["few_rows_per_parameter"]


def test_proportional_odds_that_hold_exactly_by_hand() -> None:
    """The same eight patients: at either cut the odds of a lower category are 3 times as large.

    Cut after 1: 2/2 against 1/3; cut after 2: 3/1 against 2/2. So the model fits the shares
    exactly: the log odds ratio of a higher category is -log 3, the thresholds are those of 0,
    log(1/3) and 0, Brant's statistic is 0.
    """
    data = people({("0", "1"): 1, ("0", "2"): 1, ("0", "3"): 2,
                   ("1", "1"): 2, ("1", "2"): 1, ("1", "3"): 1})  # fmt: skip
    model = category_model(data, of=Y, terms=[X], model="ordinal")
    assert numbers(model, "estimate") == pytest.approx([-np.log(3)])
    np.testing.assert_allclose([v for _, v in model.intercepts], [np.log(1 / 3), 0.0], atol=1e-10)
    wanted = 4 * np.log(1 / 4) + 4 * np.log(1 / 2)  # four singles, two pairs
    assert model.log_likelihood == pytest.approx(wanted)
    assert model.proportional_odds[0].statistic == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("model", ["multinomial", "ordinal"])
def test_derivatives_are_those_of_the_likelihood(model: str) -> None:
    rng = np.random.default_rng(3)
    x, codes = rng.normal(size=(40, 2)), rng.integers(0, 4, 40)
    if model == "multinomial":
        x = np.column_stack([np.ones(40), x])
        beta = rng.normal(size=9) / 3
    else:
        beta = np.array([-1.0, 0.1, 1.2, 0.3, -0.4])
    likelihood = multinomial if model == "multinomial" else cumulative
    at = likelihood(beta, x, codes, 4)
    for place, step in enumerate(np.eye(len(beta)) * 1e-5):
        above, below = (likelihood(beta + s, x, codes, 4) for s in (step, -step))
        slope = (above.log_likelihood - below.log_likelihood) / 2e-5
        assert at.score[place] == pytest.approx(slope, abs=1e-6)
        curve = (above.score - below.score) / 2e-5
        np.testing.assert_allclose(at.information[place], -curve, atol=1e-6)


def test_a_level_that_separates_is_named_and_the_others_stand(patients: pd.DataFrame) -> None:
    data = patients[~((patients["site"] == "d") & (patients["group"] == "positive"))]
    model = category_model(data, of=GROUP, terms=TERMS)
    gone = [r for r in model.ratios if r.status != "ok"]
    assert {(r.group, r.against, r.level) for r in gone} == {
        ("positive", "zero", "d"),
        ("positive", "low", "d"),
    }
    assert "minus infinity" in str(gone[0].reason)
    assert len(model.failures) == 2
    without = data[data["site"] != "d"]
    alone = category_model(without[without["group"] != "low"], of=GROUP, terms=["age"])
    assert alone.failures == ()
    test = next(t for t in model.term_tests if t.term == "site")
    assert test.df == 6
    model.records("m")
    ordinal = category_model(data, of=GROUP, terms=TERMS, model="ordinal")
    assert ordinal.failures == ()
    assert ordinal.proportional_odds[0].reason == "at one of the cuts an odds ratio is not finite"


def test_the_direction_is_that_of_the_pair(patients: pd.DataFrame) -> None:
    """Nobody at d is low: low against zero falls for ever, so positive against low rises.

    Where only zero is at d, both others fall, and their own ratio is not determined.
    """
    at_d = patients["site"] == "d"
    data = patients[~(at_d & (patients["group"] == "low"))]
    reasons = {(r.group, r.against): str(r.reason) for r in category_model(
        data, of=GROUP, terms=TERMS).ratios if r.status != "ok"}  # fmt: skip
    assert "minus infinity" in reasons["low", "zero"]
    assert "plus infinity" in reasons["positive", "low"]
    data = patients[~(at_d & (patients["group"] != "zero"))]
    reasons = {(r.group, r.against): str(r.reason) for r in category_model(
        data, of=GROUP, terms=TERMS).ratios if r.status != "ok"}  # fmt: skip
    assert "minus infinity" in reasons["low", "zero"]
    assert "minus infinity" in reasons["positive", "zero"]
    assert "not determined" in reasons["positive", "low"]


def test_brant_says_of_a_constant_column_that_it_is_one(patients: pd.DataFrame) -> None:
    data = patients.assign(one=1.0)
    model = category_model(data, of=GROUP, terms=["age", "one"], model="ordinal")
    assert "the same in every row" in str(model.proportional_odds[0].reason)


def test_separation_leaves_the_other_odds_ratios_where_they_are_without_the_level() -> None:
    """Whoever is at the separating level has no part in the other contrast's finite ratios."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"x": rng.choice(["0", "1", "2"], 300), "z": rng.normal(size=300)})
    data["y"] = np.where(rng.random(300) < 0.4, "b", "a")
    data.loc[data["x"] == "2", "y"] = "a"
    three = {"name": "x", "levels": ["0", "1", "2"]}
    of = {"name": "y", "levels": ["a", "b"]}
    whole = category_model(data, of=of, terms=[three, "z"])
    part = category_model(data[data["x"] != "2"], of=of, terms=[three, "z"])
    found = [r.estimate for r in whole.ratios if r.estimate is not None]
    wanted = [r.estimate for r in part.ratios if r.estimate is not None]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"of": "group", "terms": ["age"]}, "a column without declared levels"),
        ({"terms": ["group"]}, "'group' is what is modelled"),
        ({"terms": ["age", {"name": "age2"}]}, "is fully determined by age"),
        ({"terms": ["age"], "reference": "lo"}, "Did you mean 'low'"),
        ({"terms": ["ag"]}, "not in the table"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    options: dict[str, Any], said: str, patients: pd.DataFrame
) -> None:
    data = patients.assign(age2=2 * patients["age"] + 1)
    with pytest.raises(AnalysisError, match=said):
        category_model(data, **({"of": GROUP} | options))


def test_missing_rows_are_counted(patients: pd.DataFrame) -> None:
    data = patients.assign(age=patients["age"].where(patients.index % 5 != 0))
    model = category_model(data, of=GROUP, terms=["age"])
    assert (model.n, model.n_input, model.n_missing) == (240, 300, (("age", 60),))
