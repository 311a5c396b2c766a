from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses import table_one
from analyses.results.table_one import Smd, TableOne
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUPS = {"name": "group", "levels": ["1", "2", "3"]}
LEVELS = {"grade": ["1", "2", "3"], "receptor": ["0", "1"], "rare": ["1", "2", "3"]}
COLUMNS: list[Any] = [
    "age",
    "fine",
    *({"name": name, "levels": levels} for name, levels in LEVELS.items()),
    {"name": "seldom", "levels": ["0", "1"]},
]
AB = {"name": "group", "levels": ["a", "b"]}


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "rows.csv")
    return frame.assign(group=frame["group"].astype(str))


def reference(case: str, quantity: str) -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / "table_one.csv")
    return table[(table["case"] == case) & (table["quantity"] == quantity)]


def weights_of(case: str) -> str | None:
    return None if case == "plain" else case


def row_of(result: TableOne, column: str, kind: str, level: str | None = None) -> Any:
    (row,) = (
        row for row in result.rows if (row.column, row.kind, row.level) == (column, kind, level)
    )
    return row


@pytest.mark.parametrize(
    ("quantity", "kind", "field"),
    [
        ("mean", "mean_sd", "estimate"),
        ("sd", "mean_sd", "sd"),
        ("median", "median_iqr", "estimate"),
        ("quartile_1", "median_iqr", "low"),
        ("quartile_3", "median_iqr", "high"),
    ],
)
@pytest.mark.parametrize("case", ["plain", "whole", "share"])
def test_numbers_equal_r(case: str, quantity: str, kind: str, field: str) -> None:
    result = table_one(rows(), by=GROUPS, columns=COLUMNS, weights=weights_of(case))
    expected = reference(case, quantity)
    assert len(expected) == 6
    for r in expected.itertuples():
        ours = getattr(row_of(result, str(r.column), kind), field)[int(r.group) - 1]
        assert ours == pytest.approx(r.value, rel=1e-12)


@pytest.mark.parametrize("case", ["plain", "share"])
def test_shares_are_of_patients_with_a_value_as_in_r(case: str) -> None:
    result = table_one(rows(), by=GROUPS, columns=COLUMNS, weights=weights_of(case))
    expected = reference(case, "share")
    assert len(expected) == 30
    for r in expected.itertuples():
        row = row_of(result, str(r.column), "n_percent", f"{r.level:g}")
        assert row.estimate[int(r.group) - 1] == pytest.approx(r.value, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("case", ["plain", "share"])
def test_standardised_differences_equal_the_matrix_form_in_r(case: str) -> None:
    result = table_one(rows(), by=GROUPS, columns=COLUMNS, weights=weights_of(case))
    ours = {(s.column, s.group_a, s.group_b): s.value for s in result.smd}
    expected = reference(case, "smd")
    assert len(expected) == len(ours) == 18
    for r in expected.itertuples():
        key = (r.column, f"{r.group:g}", f"{r.other:g}")
        assert ours[key] == pytest.approx(r.value, rel=1e-10, abs=1e-12)


def test_standard_tests_equal_r_and_name_themselves() -> None:
    result = table_one(rows(), by=GROUPS, columns=COLUMNS, tests="standard")
    tests = {test.column: test for test in result.tests}
    names = {"age": "Kruskal-Wallis", "fine": "Kruskal-Wallis", "receptor": "chi-square"}
    for column, name in names.items():
        (statistic,) = reference("test", "statistic").query("column == @column")["value"]
        (p,) = reference("test", "p_value").query("column == @column")["value"]
        assert tests[column].test == name
        assert tests[column].statistic == pytest.approx(statistic, rel=1e-10)
        assert tests[column].p_value == pytest.approx(p, rel=1e-10)


def test_fishers_test_where_an_expected_count_is_small() -> None:
    result = table_one(rows(), by=GROUPS, columns=COLUMNS, tests="standard")
    (rare,) = (test for test in result.tests if test.column == "rare")
    (p,) = reference("test", "p_value").query("column == 'rare'")["value"]
    assert rare.test == "Fisher (simulated)"
    assert rare.p_value == pytest.approx(p, abs=0.005)  # 100,000 tables: standard error 0.0014
    again = table_one(rows(), by=GROUPS, columns=COLUMNS, tests="standard")
    assert again.tests == result.tests


def test_fishers_test_of_two_by_two_is_exact() -> None:
    """Margins 4, 4 and 4, 4; a = 3 has probability 16/70, a = 4 1/70; two-sided 34/70."""
    frame = pd.DataFrame(
        {"group": list("aaaabbbb"), "x": [True] * 3 + [False] + [True] + [False] * 3}
    )
    (test,) = table_one(frame, by=AB, columns=["x"], tests="standard").tests
    assert (test.test, test.statistic, test.df) == ("Fisher", None, None)
    assert test.p_value == pytest.approx(34 / 70, rel=1e-12)


def test_chi_square_of_two_by_two_has_no_continuity_correction() -> None:
    """10 and 20 of 30 each: 60 x (10 x 10 - 20 x 20)^2 / 30^4 = 20/3."""
    frame = pd.DataFrame({"group": ["a"] * 30 + ["b"] * 30, "x": ([True] * 10 + [False] * 20) * 2})
    frame.loc[30:39, "x"] = False
    frame.loc[40:59, "x"] = True
    (test,) = table_one(frame, by=AB, columns=["x"], tests="standard").tests
    assert (test.test, test.df) == ("chi-square", 1)
    assert test.statistic == pytest.approx(20 / 3, rel=1e-13)


def test_tests_are_off_unless_asked_for_and_refused_under_weights() -> None:
    assert table_one(rows(), by=GROUPS, columns=["age"]).tests == ()
    with pytest.raises(AnalysisError, match="not defined under weights"):
        table_one(rows(), by=GROUPS, columns=["age"], weights="share", tests="standard")


def test_a_column_without_variation_has_no_test_and_no_difference() -> None:
    frame = pd.DataFrame({"group": list("aabb"), "x": [1.0] * 4, "y": [True] * 4})
    result = table_one(frame, by=AB, columns=["x", "y"], tests="standard")
    assert [test.p_value for test in result.tests] == [None, None]
    assert result.tests[0].reason == "every patient has the same value"
    assert [(s.value, s.reason) for s in result.smd] == [(None, "no variation in either group")] * 2


EIGHT = pd.DataFrame(
    {
        "group": list("aaaabbbb"),
        "age": [40, 50, 60, None, 50, 60, 70, 80],
        "grade": pd.Categorical(
            ["1", "1", "2", "3", "2", "3", "3", None], ["1", "2", "3", "4"], ordered=True
        ),
    }
)


def test_eight_patients_by_hand() -> None:
    """Age a: 40 50 60, b: 50 60 70 80; grade a: 1 1 2 3, b: 2 3 3.

    Age: means 50 and 65, variances 100 and 500/3, difference 15 / sqrt((100 + 500/3) / 2).
    Quartiles of type 7 in b: 50 + 0.75 x 10 = 57.5, 65, 72.5.
    Grade without level 1: shares a (1/4, 1/4), b (1/3, 2/3); covariances
    a [[3/16, -1/16], [-1/16, 3/16]], b [[2/9, -2/9], [-2/9, 2/9]], their mean S =
    [[59, -41], [-41, 59]] / 288; difference (1/12, 5/12) = (1, 5) / 12.
    S^-1 = 288 / (59^2 - 41^2) [[59, 41], [41, 59]] and 59^2 - 41^2 = 1800, so
    D^2 = 288 / 1800 x (59 + 2 x 5 x 41 + 25 x 59) / 144 = 1944 / 900 = 2.16.
    """
    result = table_one(EIGHT, by=AB, columns=["age", "grade"])
    mean = row_of(result, "age", "mean_sd")
    assert (mean.n, mean.estimate) == ((3, 4), (50, 65))
    assert mean.sd == pytest.approx((10, math.sqrt(500 / 3)), rel=1e-14)
    median = row_of(result, "age", "median_iqr")
    assert (median.low, median.estimate, median.high) == ((45, 57.5), (50, 65), (55, 72.5))
    assert row_of(result, "grade", "n_percent", "1").n == (2, 0)
    assert row_of(result, "grade", "n_percent", "3").estimate == (1 / 4, 2 / 3)
    assert [row.level for row in result.rows if row.column == "grade"] == ["1", "2", "3", None]
    assert row_of(result, "age", "missing").n == (1, 0)
    assert row_of(result, "grade", "missing").estimate == (0, 1 / 4)
    age, grade = result.smd
    assert age.value == pytest.approx(15 / math.sqrt((100 + 500 / 3) / 2), rel=1e-14)
    assert grade.value == pytest.approx(math.sqrt(2.16), rel=1e-13)


@pytest.mark.parametrize(
    ("a", "b"), [("11", "22"), ("1122", "333"), ("1122", "3344"), ("1", "234")]
)
def test_groups_without_a_shared_level_have_no_estimable_difference(a: str, b: str) -> None:
    frame = pd.DataFrame({"group": ["a"] * len(a) + ["b"] * len(b), "x": list(a + b)})
    column = {"name": "x", "levels": ["1", "2", "3", "4"]}
    (smd,) = table_one(frame, by=AB, columns=[column]).smd
    assert smd == Smd("x", "a", "b", None, "the groups share no level")


def test_a_group_without_a_value_is_said_not_computed() -> None:
    frame = pd.DataFrame({"group": list("aabb"), "age": [None, None, 50, 60]})
    result = table_one(frame, by=AB, columns=["age"], tests="standard")
    assert result.smd[0].reason == "no patient of a has a value"
    assert row_of(result, "age", "mean_sd").estimate == (None, 55)
    assert result.tests[0].reason == "fewer than two groups with a value"
    records = {r.id: r for r in result.records("t")}
    assert records["t/mean/a/age"].status == "not_estimable"
    assert records["t/mean/a/age"].reason == "no patient has a value"
    assert records["t/standardised_difference/b/age/a"].reason == "no patient of a has a value"


def test_the_largest_difference_of_three_pairs_is_picked() -> None:
    result = table_one(rows(), by=GROUPS, columns=COLUMNS)
    for largest in result.largest_smd:
        values = [s.value for s in result.smd if s.column == largest.column]
        assert largest.value == max(value for value in values if value is not None)
    assert [s.column for s in result.largest_smd] == list(result.columns)


def test_weights_leave_the_spread_of_differences_unweighted() -> None:
    """Weights 1, 0, 1, 0 make the mean of b 60; the spread stays that of all four."""
    frame = EIGHT.assign(w=[1, 1, 1, 1, 1, 0, 1, 0])
    result = table_one(frame, by=AB, columns=["age"], weights="w")
    assert result.n == (4, 2)
    assert result.smd[0].value == pytest.approx(10 / math.sqrt((100 + 500 / 3) / 2), rel=1e-14)
    assert [(f.rule, f.n) for f in result.findings] == [("zero_weight", 2)]


def test_effective_sizes_are_kishs() -> None:
    frame = EIGHT.assign(w=[1, 2, 3, 4, 1, 1, 1, 1])
    result = table_one(frame, by=AB, columns=["age"], weights="w")
    assert result.weighted_n == (10, 4)
    assert result.effective_n == pytest.approx((100 / 30, 4), rel=1e-14)


def test_rows_without_a_group_are_counted_and_left_out() -> None:
    frame = EIGHT.assign(group=[None, *EIGHT["group"][1:]])
    result = table_one(frame, by=AB, columns=["age"])
    assert (result.n, result.n_input, result.n_missing) == ((3, 4), 8, (("group", 1),))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["x"] * 8, "a column without declared levels has no group order"),
        (pd.date_range("2020-01-01", periods=8), "a date is not described"),
        ([1, 2, 3, 4, 5, 6, 7, math.inf], "not finite"),
    ],
)
def test_columns_that_cannot_be_described_are_refused(values: Any, words: str) -> None:
    with pytest.raises(AnalysisError, match=words):
        table_one(EIGHT.assign(x=values), by=AB, columns=["x"])


def test_every_wrong_column_is_named_at_once() -> None:
    with pytest.raises(AnalysisError) as caught:
        table_one(EIGHT, by=AB, columns=["aeg", "grad"])
    assert [p.where for p in caught.value.problems] == ["column 'aeg'", "column 'grad'"]
    assert "Did you mean 'age'?" in str(caught.value)


def test_negative_weights_are_refused() -> None:
    with pytest.raises(AnalysisError, match="negative weights"):
        table_one(EIGHT.assign(w=-1.0), by=AB, columns=["age"], weights="w")


def test_booleans_with_a_missing_value_are_a_category() -> None:
    frame = EIGHT.assign(x=[True, False, None, True, False, False, True, True])
    result = table_one(frame, by=AB, columns=["x"])
    assert row_of(result, "x", "n_percent", "True").n == (2, 2)
    assert row_of(result, "x", "missing").n == (1, 0)


def test_the_callers_frame_is_not_changed() -> None:
    frame = rows()
    before = frame.copy(deep=True)
    table_one(frame, by=GROUPS, columns=COLUMNS, weights="share")
    pd.testing.assert_frame_equal(frame, before, check_exact=True)


def test_result_is_plain_json_and_its_records_have_distinct_ids() -> None:
    result = table_one(rows(), by=GROUPS, columns=COLUMNS, weights="share")
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["groups"] == ["1", "2", "3"]
    ids = [record.id for record in result.records("t1")]
    assert len(ids) == len(set(ids))
    assert {"t1/mean/1/age", "t1/sd/1/age", "t1/quartile_3/2/fine", "t1/share/3/grade/2"} <= set(
        ids
    )


# --- laws ---------------------------------------------------------------------------------------

PATIENT = st.tuples(
    st.sampled_from("ab"), st.integers(20, 90), st.sampled_from("123"), st.integers(1, 3)
)


def table(patients: list[tuple[str, int, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(patients, columns=["group", "age", "grade", "w"])
    return frame.assign(grade=pd.Categorical(frame["grade"], list("123")))


BOTH = st.lists(PATIENT, min_size=4, max_size=30).filter(lambda p: {x[0] for x in p} == {"a", "b"})


@given(BOTH)
def test_a_whole_weight_describes_repeated_patients(patients: Any) -> None:
    frame = table(patients)
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    one = table_one(frame, by=AB, columns=["age", "grade"], weights="w").summary
    other = table_one(repeated, by=AB, columns=["age", "grade"]).summary
    for name in ("estimate", "sd", "low", "high"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-12, err_msg=name)


@given(BOTH)
def test_swapping_the_groups_leaves_differences_unchanged(patients: Any) -> None:
    frame = table(patients)
    one = table_one(frame, by=AB, columns=["age", "grade"])
    other = table_one(frame, by={"name": "group", "levels": ["b", "a"]}, columns=["age", "grade"])
    for first, second in zip(one.smd, other.smd, strict=True):
        assert first.reason == second.reason
        if first.value is not None:
            assert first.value == pytest.approx(second.value, rel=1e-9, abs=1e-12)


@given(BOTH, st.permutations(["1", "2", "3"]))
def test_which_level_is_dropped_does_not_matter(patients: Any, order: list[str]) -> None:
    frame = table(patients)
    (one,) = table_one(frame, by=AB, columns=["grade"]).smd
    frame["grade"] = frame["grade"].cat.reorder_categories(order)
    (other,) = table_one(frame, by=AB, columns=["grade"]).smd
    assert one.reason == other.reason
    if one.value is not None:
        assert one.value == pytest.approx(other.value, rel=1e-8, abs=1e-9)


@given(BOTH)
def test_counts_and_shares_add_up_to_the_patients(patients: Any) -> None:
    result = table_one(table(patients), by=AB, columns=["grade"])
    levels = [row for row in result.rows if row.kind == "n_percent"]
    assert tuple(np.sum([row.n for row in levels], axis=0)) == result.n
    np.testing.assert_allclose(np.sum([row.estimate for row in levels], axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("values", [(0.1, 0.7), (0.1, 0.1)])
def test_constant_columns_have_no_standardised_difference(values):
    # Variances of equal values are rounding errors: 0.1 and 0.7 would differ by 5.7e16.
    data = pd.DataFrame({"g": ["a"] * 50 + ["b"] * 50, "x": [values[0]] * 50 + [values[1]] * 50})
    table = table_one(data, by={"name": "g", "levels": ["a", "b"]}, columns=["x"])
    assert (table.smd[0].value, table.smd[0].reason) == (None, "no variation in either group")
