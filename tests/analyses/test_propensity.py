"""Chances of three groups and the weights made of them, against R, statsmodels and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from adjustment_cases import BY, GRADE, LEVELS, TERMS, expected, patients

from analyses.adjustment.balance import balance
from analyses.adjustment.propensity import propensity
from analyses.adjustment.weights import balancing_weights
from cohort.errors import AnalysisError


@pytest.fixture(scope="module")
def model():
    return propensity(patients(), by=BY, terms=TERMS)


def test_coefficients_errors_and_chances_are_those_of_r(model):
    found = model.summary
    np.testing.assert_allclose(found["estimate"], expected("propensity", "coefficient"), rtol=1e-8)
    np.testing.assert_allclose(found["std_error"], expected("propensity", "std_error"), rtol=1e-8)
    fits = expected("propensity", "log_likelihood"), expected("propensity", "log_likelihood_null")
    assert model.log_likelihood == pytest.approx(fits[0][0], rel=1e-12)
    assert model.log_likelihood_null == pytest.approx(fits[1][0], rel=1e-12)
    chances = expected("propensity", "score").reshape(5, 3)
    np.testing.assert_allclose(model.scores[:5], chances, rtol=1e-8)


def test_a_second_program_finds_the_same_coefficients(model):
    from statsmodels.discrete.discrete_model import MNLogit

    data = patients()
    x = np.column_stack(
        [np.ones(len(data)), data.age, data.grade == 2, data.grade == 3, data.er == "yes"]
    ).astype(float)
    codes = pd.Categorical(data.group, LEVELS).codes
    fitted = MNLogit(codes, x).fit(disp=0, method="newton", tol=1e-12, maxiter=50)
    mine = model.summary["estimate"].to_numpy().reshape(2, 4)
    np.testing.assert_allclose(mine, np.asarray(fitted.params)[1:].T, rtol=1e-6)


@pytest.mark.parametrize(
    ("case", "asked"),
    [
        ("ate", {"truncate": None}),
        ("truncated", {}),
        ("att", {"estimand": "att", "target": "low", "truncate": None}),
        ("ato", {"estimand": "ato"}),
    ],
)
def test_weights_and_effective_sizes_are_those_of_r(model, case, asked):
    found = balancing_weights(model, **asked)
    np.testing.assert_allclose(found.values[:6], expected(case, "weight"), rtol=1e-8)
    sizes = [group.effective_n for group in found.groups]
    np.testing.assert_allclose(sizes, expected(case, "effective_n"), rtol=1e-8)
    if case == "truncated":
        np.testing.assert_allclose(found.bounds, expected(case, "bounds"), rtol=1e-8)
        clipped = sum(g.n_low + g.n_high for g in found.groups)
        assert clipped == int((found.values <= found.bounds[0]).sum()) + int(
            (found.values >= found.bounds[1]).sum()
        )


@pytest.mark.parametrize(("case", "estimand"), [("truncated", "ate"), ("ato", "ato")])
def test_standardised_differences_before_and_after_are_those_of_r(model, case, estimand):
    data = patients().assign(w=balancing_weights(model, estimand=estimand).values)
    found = balance(data, by=BY, columns=["age", GRADE], weights="w").summary
    for column in ("age", "grade"):
        own = found[found.column == column]
        before = expected("none", f"smd_{column}")
        np.testing.assert_allclose(own["before"], before, rtol=1e-8)
        np.testing.assert_allclose(own["after"], expected(case, f"smd_{column}"), rtol=1e-7)


def test_overlap_weights_balance_the_means_of_the_model_exactly():
    """The score equations of the multinomial likelihood say so for each group (Li and Li, 2019).

    With two groups the weighted means of every column of the model are equal to the last digit.
    """
    data = patients().query("group != 'low'").reset_index(drop=True)
    two = propensity(data, by={"name": "group", "levels": ["zero", "positive"]}, terms=TERMS)
    weights = balancing_weights(two, estimand="ato").values
    means = [
        np.average(data.age[data.group == g], weights=weights[(data.group == g).to_numpy()])
        for g in ("zero", "positive")
    ]
    assert means[0] == pytest.approx(means[1], rel=1e-10)


def test_by_hand_eight_patients_and_one_binary_term():
    """Of x=0: 1 zero, 1 low, 2 positive; of x=1: 2 zero, 1 low, 1 positive.

    The model is saturated, so that chances are shares: at x=0 (1/4, 1/4, 2/4), at x=1 (2/4, 1/4,
    1/4). Stabilised weights p_g / e_g with p = (3/8, 2/8, 3/8): zero 3/2 and 3/4, low 1 and 1,
    positive 3/4 and 3/2. Overlap h = 1 / (4 + 4 + 2) = 1/10 at both, h / e: zero .4, .2; low .4,
    .4; positive .2, .4. Log odds of low against zero: constant log 1, x log(1/2).
    Effective size of zero: (3/2 + 3/4 + 3/4)^2 / (9/4 + 9/16 + 9/16) = 9 / (54/16) = 8/3.
    """
    data = pd.DataFrame(
        {
            "group": ["zero", "low", "positive", "positive", "zero", "zero", "low", "positive"],
            "x": [False] * 4 + [True] * 4,
        }
    )
    found = propensity(data, by=BY, terms=["x"])
    chances = [[0.25, 0.25, 0.5]] * 4 + [[0.5, 0.25, 0.25]] * 4
    np.testing.assert_allclose(found.scores, chances, rtol=1e-12)
    assert found.coefficients[0].estimate == pytest.approx(np.log(0.5), rel=1e-12)
    weights = balancing_weights(found, truncate=None)
    expected_weights = [1.5, 1, 0.75, 0.75, 0.75, 0.75, 1, 1.5]
    np.testing.assert_allclose(weights.values, expected_weights, rtol=1e-12)
    assert weights.groups[0].effective_n == pytest.approx(8 / 3, rel=1e-12)
    overlap = balancing_weights(found, estimand="ato").values
    np.testing.assert_allclose(overlap, [0.4, 0.4, 0.2, 0.2, 0.2, 0.2, 0.4, 0.4], rtol=1e-12)


def test_a_level_at_which_a_group_has_nobody_is_named_with_its_patients():
    data = patients()
    data.loc[(data.grade == 1) & (data.group == "positive"), "group"] = "zero"
    with pytest.raises(AnalysisError) as caught:
        propensity(data, by=BY, terms=TERMS)
    (problem,) = caught.value.problems
    assert problem.where == "propensity: grade=1"
    assert "no patient of positive at this level" in problem.found
    n = ((data.grade == 1) & (data.group == "low")).sum()
    assert f"{n} low" in problem.found
    assert "Merge the level" in problem.advice


def test_numbers_that_tell_the_groups_apart_are_named():
    data = patients()
    data["ratio"] = np.where(data.group == "positive", 4.0, 1.0) + data.age / 1000
    with pytest.raises(AnalysisError, match=r"ratio \(for 'positive'\)"):
        propensity(data, by=BY, terms=["age", "ratio"])


def test_a_group_of_few_is_refused_or_warned_of():
    data = patients()
    few = data[(data.group != "positive") | (data.index < 30)]
    found = propensity(few, by=BY, terms=["age", TERMS[2]])
    rules = {(f.rule, f.value) for f in found.findings}
    assert ("few_patients_per_column", "positive") in rules
    tiny = data[data.group != "positive"]
    tiny = pd.concat([tiny, data[data.group == "positive"].head(3)])
    with pytest.raises(AnalysisError, match="group 'positive' has 3 complete patients for 4"):
        propensity(tiny, by=BY, terms=TERMS)


def test_a_weight_of_many_is_named_with_its_share():
    data = patients()
    rng = np.random.default_rng(3)
    data["x"] = rng.normal(size=len(data)) + 4.0 * (data.group == "positive")
    found = balancing_weights(propensity(data, by=BY, terms=["x"]), truncate=None)
    warned = [f for f in found.findings if f.rule in ("large_weight", "small_effective_n")]
    assert warned
    assert any("one patient is" in f.advice for f in warned)


def test_rows_left_out_are_counted():
    data = patients()
    data.loc[:4, "age"] = np.nan
    found = propensity(data, by=BY, terms=TERMS)
    assert found.n_missing == (("age", 5),)
    assert sum(found.n) == found.n_input - 5
    assert found.rows[0] == 5


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"estimand": "atx"}, "atx"),
        ({"estimand": "att"}, "target"),
        ({"estimand": "att", "target": "lo"}, "lo"),
        ({"target": "low"}, "together with"),
        ({"truncate": (0.9, 0.1)}, "0.9"),
    ],
)
def test_weights_that_make_no_sense_are_refused(model, asked, said):
    with pytest.raises(AnalysisError, match=said):
        balancing_weights(model, **asked)


def test_records_and_dictionary_hold_no_undefined_number(model):
    assert model.records("p")
    assert balancing_weights(model).records("w")
    assert model.to_dict()["groups"] == LEVELS
