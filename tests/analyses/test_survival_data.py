"""The columns of a survival question: what is refused, what is left out, what is made equal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from analyses.estimators.survival_data import grouping, merge_near_ties, survival_data
from cohort.errors import AnalysisError


def frame(**changed):
    columns = {
        "t": [1.0, 2.0, 3.0, 4.0],
        "e": [True, False, True, False],
        "entry": [0.0, 0.0, 1.0, 1.0],
        "w": [1.0, 2.0, 1.0, 1.0],
        "g": pd.Categorical(["b", "a", "b", "a"], ["a", "b", "c"], ordered=True),
    }
    return pd.DataFrame(columns | changed)


def refused(data, **names):
    with pytest.raises(AnalysisError) as error:
        survival_data(data, **({"time": "t", "event": "e"} | names))
    return str(error.value)


def test_rows_without_a_value_are_left_out_and_counted_by_column():
    data = frame(t=[1.0, None, 3.0, 4.0], g=[None, None, "b", "a"])
    made = survival_data(data, time="t", event="e", others=["g"])
    assert (made.n, made.n_input) == (2, 4)
    assert dict(made.n_missing) == {"t": 1, "g": 2}
    assert list(made.time) == [3, 4]
    assert list(made.event) == [True, False]
    assert list(made.frame.index) == [0, 1]


@pytest.mark.parametrize(
    "data",
    [
        frame(),
        pl.from_pandas(frame().drop(columns="g")),
        pl.from_pandas(frame().drop(columns="g")).lazy(),
        pa.Table.from_pandas(frame().drop(columns="g")),
    ],
    ids=["pandas", "polars", "lazy polars", "arrow"],
)
def test_any_table_gives_the_same_arrays(data):
    made = survival_data(data, time="t", event="e", entry="entry", weights="w")
    assert list(made.time) == [1, 2, 3, 4]
    assert list(made.event) == [True, False, True, False]
    assert list(made.entry) == [0, 0, 1, 1]
    assert list(made.weights) == [1, 2, 1, 1]


def test_the_callers_table_is_not_changed():
    data = frame(t=[1.0, None, 3.0, 4.0])
    before = data.copy(deep=True)
    made = survival_data(data, time="t", event="e")
    made.frame["t"] = 0.0
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.parametrize("events", [[1, 0, 1, 0], [1.0, 0.0, 1.0, 0.0], [True, False, True, False]])
def test_events_are_boolean_or_zero_and_one(events):
    made = survival_data(frame(e=events), time="t", event="e")
    assert list(made.event) == [True, False, True, False]


@pytest.mark.parametrize(
    ("changed", "names", "said"),
    [
        ({"e": [1, 2, 1, 2]}, {}, "boolean or 0/1, found 1, 2"),
        ({"e": ["dead", "alive", "dead", "alive"]}, {}, "found alive, dead"),
        ({"e": pd.Categorical(["0", "1", "0", "1"])}, {}, "boolean or 0/1"),
        ({"t": [1.0, -2.0, 3.0, 4.0]}, {}, "1 values are negative or not finite"),
        ({"t": [1.0, np.inf, -np.inf, 4.0]}, {}, "2 values are negative or not finite"),
        ({"t": ["1", "2", "3", "4"]}, {}, "not numbers (for example '1')"),
        ({"t": [True, False, True, True]}, {}, "not numbers"),
        ({"w": [1.0, -1.0, 1.0, 1.0]}, {"weights": "w"}, "column 'w'"),
        ({"entry": [1.0, 0.0, 1.0, 5.0]}, {"entry": "entry"}, "2 rows enter at or after"),
        ({"t": [None] * 4}, {}, "no row has a value"),
        ({"entry": [1.0 - 1e-9, 0.0, 1.0, 1.0]}, {"entry": "entry"}, "1 rows have no length"),
        ({}, {"time": "tt"}, "column 'tt': not in the table"),
    ],
)
def test_what_is_no_survival_data_is_refused(changed, names, said):
    assert said in refused(frame(**changed), **names)


def test_every_problem_is_told_at_once():
    said = refused(frame(t=[-1.0, 2.0, 3.0, 4.0], e=[3, 0, 1, 0]))
    assert "column 't'" in said
    assert "column 'e'" in said


def test_groups_keep_the_order_of_their_levels_and_leave_out_empty_ones():
    made = grouping(frame(), "g")
    assert made.levels == ("a", "b")
    assert list(made.codes) == [1, 0, 1, 0]
    text = frame(g=["x", "y", "x", "y"])
    assert grouping(text, {"name": "g", "levels": ["y", "x"]}).levels == ("y", "x")
    assert list(grouping(text, {"name": "g", "levels": ["y", "x"]}).codes) == [1, 0, 1, 0]
    assert grouping(frame(g=[True, False, True, True]), "g").levels == ("False", "True")


def test_text_has_no_order_and_a_value_outside_the_levels_is_refused():
    with pytest.raises(AnalysisError, match="has no group order"):
        grouping(frame(g=["x", "y", "x", "y"]), "g")
    with pytest.raises(AnalysisError, match="values not among the levels: y"):
        grouping(frame(g=["x", "y", "x", "y"]), {"name": "g", "levels": ["x"]})


def test_times_closer_than_floating_error_become_equal_and_others_stay():
    # 0.1 + 0.2 and 0.3 differ in the last digit; months of two decimals do not.
    time = np.array([0.1 + 0.2, 0.3, 1.01, 1.02])
    merged, _ = merge_near_ties(time)
    assert merged[0] == merged[1]
    assert list(merged[2:]) == [1.01, 1.02]
    exits, entries = merge_near_ties(np.array([0.3, 1.5]), np.array([0.1, 0.1 + 0.2]))
    assert entries is not None
    assert entries[1] == exits[0]


def test_a_run_of_near_ties_becomes_its_first_time():
    time = np.array([1.0, 1.0 + 1e-9, 1.0 + 2e-9, 2.5])
    merged, _ = merge_near_ties(time)
    assert list(merged) == [1.0, 1.0, 1.0, 2.5]


@pytest.mark.parametrize(
    ("times", "said"),
    [([1, 2, 1e300], "1 values above 1e.15, the largest 1e.300"), ([0, 1e-300], "would be ties")],
)
def test_numbers_that_are_no_times_are_refused(times, said):
    frame = pd.DataFrame({"t": times, "e": [1] * len(times)})
    with pytest.raises(AnalysisError, match=said):
        survival_data(frame, time="t", event="e")
