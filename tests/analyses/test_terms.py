"""Declared terms: what may be asked, what is learnt, and the columns that follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.terms import declared, learn
from analyses.results.terms import Term, columns_of, design_matrix
from cohort.errors import AnalysisError

FRAME = pd.DataFrame(
    {
        "age": [40.0, 50.0, 60.0, 75.0],
        "grade": [1.0, 2.0, 3.0, 2.0],
        "status": pd.Categorical(
            ["low", "zero", "low", "positive"], ["zero", "low", "positive", "unknown"], ordered=True
        ),
        "er": ["no", "yes", "yes", "no"],
        "male": [True, False, False, False],
        "place": pd.Categorical(["x", "y", "x", "y"]),
    }
)


def learnt(*terms: Any, frame: pd.DataFrame = FRAME) -> tuple[Term, ...]:
    return learn(declared(terms), frame)[0]


def matrix(*terms: Any, frame: pd.DataFrame = FRAME) -> np.ndarray[Any, Any]:
    columns = columns_of(learnt(*terms, frame=frame), frame)
    return design_matrix(columns, np.arange(len(frame)))


def test_number_is_divided_by_its_scale() -> None:
    np.testing.assert_array_equal(matrix({"name": "age", "per": 10})[:, 0], [4, 5, 6, 7.5])


def test_ordered_categorical_keeps_its_order_and_drops_levels_without_rows() -> None:
    terms, findings = learn(declared(["status"]), FRAME)
    assert terms[0].levels == ("zero", "low", "positive")
    assert terms[0].labels == (("low", "zero"), ("positive", "zero"))
    assert terms[0].unobserved == ("unknown",)
    assert [(f.value, f.rule, f.severity) for f in findings] == [
        ("unknown", "level_not_observed", "info")
    ]
    np.testing.assert_array_equal(matrix("status"), [[1, 0], [0, 0], [1, 0], [0, 1]])


def test_missing_first_level_moves_the_reference_with_a_warning() -> None:
    rest = FRAME[FRAME["status"] != "zero"]
    terms, findings = learn(declared(["status"]), rest)
    assert terms[0].reference == "low"
    (warning,) = [f for f in findings if f.severity == "warning"]
    assert warning.rule == "reference_not_observed"
    assert "'low' is used instead" in warning.advice


def test_reference_may_be_any_level_and_keeps_the_order_of_levels() -> None:
    (term,) = learnt({"name": "status", "reference": "low"})
    assert term.labels == (("zero", "low"), ("positive", "low"))


def test_numbers_and_booleans_may_be_levels() -> None:
    (grade, male) = learnt({"name": "grade", "levels": [1, 2, 3], "reference": 2}, "male")
    assert grade.levels == ("1", "2", "3")
    assert grade.labels == (("1", "2"), ("3", "2"))
    assert male.labels == (("True", "False"),)


def test_interaction_is_the_product_of_its_parts_columns() -> None:
    er = {"name": "er", "levels": ["no", "yes"]}
    terms = learnt("status", er, {"interaction": ["status", "er"]})
    assert terms[2].name == "status × er"
    assert terms[2].labels == (("low × yes", "zero × no"), ("positive × yes", "zero × no"))
    found = matrix("status", er, {"interaction": ["status", "er"]})
    np.testing.assert_array_equal(found[:, 3], found[:, 0] * found[:, 2])
    np.testing.assert_array_equal(found[:, 4], found[:, 1] * found[:, 2])


def test_interaction_of_a_level_and_a_number_is_the_number_at_that_level() -> None:
    found = matrix("status", "age", {"interaction": ["status", "age"]})
    np.testing.assert_array_equal(found[:, 3], [40, 0, 60, 0])
    np.testing.assert_array_equal(found[:, 4], [0, 0, 0, 75])


def test_spline_is_linear_beyond_the_outer_knots_and_smooth_between() -> None:
    frame = pd.DataFrame({"age": np.arange(0.0, 200.0)})
    (term,) = learnt({"name": "age", "spline": {"df": 4}}, frame=frame)
    np.testing.assert_allclose(term.knots, 199 * np.array([0.05, 0.275, 0.5, 0.725, 0.95]))
    columns = matrix({"name": "age", "spline": {"df": 4}}, frame=frame)
    assert columns.shape == (200, 4)
    bend = np.abs(np.diff(columns, n=2, axis=0))
    low, high = int(term.knots[0]), int(term.knots[-1]) + 1
    assert bend[: low - 1].max() < 1e-9
    assert bend[high:].max() < 1e-9
    assert bend[low:high, 1:].max(axis=0).min() > 1e-4
    np.testing.assert_array_equal(columns[:, 0], frame["age"])


def test_spline_of_few_rows_has_outer_knots_at_the_fifth_values() -> None:
    frame = pd.DataFrame({"age": np.arange(50.0)})
    (term,) = learnt({"name": "age", "spline": {"df": 3}}, frame=frame)
    assert (term.knots[0], term.knots[-1]) == (4.0, 45.0)


def test_new_rows_get_the_columns_that_were_learnt() -> None:
    terms = learnt("status", "age")
    new = pd.DataFrame({"status": ["positive", "low"], "age": [1.0, 2.0]})
    found = design_matrix(columns_of(terms, new), np.arange(2))
    np.testing.assert_array_equal(found, [[0, 1, 1], [1, 0, 2]])
    with pytest.raises(AnalysisError, match="did not see: ultralow"):
        columns_of(terms, new.assign(status="ultralow"))


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ([], "no term was given"),
        ([{"nam": "age"}], "Did you mean 'name'"),
        (["age", "age"], "declared twice"),
        ([{"name": "age", "per": 0}], "a number above 0"),
        ([{"name": "age", "spline": {"df": 9}}], "n one of 2, 3, 4, 5, 6"),
        ([{"name": "age", "spline": 4}], "n one of 2, 3, 4, 5, 6"),
        ([{"name": "age", "per": 10, "reference": "40"}], "Keep the one that is meant"),
        ([{"name": "er", "levels": "no"}], "a list without repeats"),
        ([{"name": "er", "levels": ["no", "no"]}], "a list without repeats"),
        (["age", {"interaction": ["age", "er"]}], "not among the terms: er"),
        (["age", {"interaction": ["age"]}], "interaction: \\[one, other\\]"),
        (["er"], "Values: no, yes"),
        (["place"], "without declared levels"),
        ([{"name": "grade", "reference": "2"}], "without declared levels"),
        ([{"name": "er", "levels": ["no", "maybe"]}], "not among the levels: yes"),
        ([{"name": "status", "reference": "lo"}], "Did you mean 'low'"),
        ([{"name": "status", "reference": "unknown"}], "'unknown' has no complete row"),
        ([{"name": "er", "per": 10}], "not numbers"),
        ([{"name": "male", "spline": {"df": 4}}], "not numbers"),
    ],
)
def test_terms_that_mean_nothing_are_refused(terms: list[Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        learnt(*terms)


def test_too_few_values_for_a_spline_are_refused() -> None:
    frame = pd.DataFrame({"age": [1.0, 1.0, 1.0, 2.0] * 40})
    with pytest.raises(AnalysisError, match="too few different values"):
        learnt({"name": "age", "spline": {"df": 4}}, frame=frame)


def test_every_mistake_is_listed_at_once() -> None:
    with pytest.raises(AnalysisError) as caught:
        declared([{"name": "age", "per": -1}, {"name": 3}])
    assert len(caught.value.problems) == 2
    with pytest.raises(AnalysisError) as caught:
        learnt("er", "place")
    assert len(caught.value.problems) == 2
