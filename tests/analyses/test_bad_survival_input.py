"""What survival estimators may not do with bad input: answer NaN, let a library warn, or guess."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses import kaplan_meier, logrank, max_combo, pairwise_logrank, rmst
from cohort.errors import AnalysisError

ABC = {"name": "group", "levels": ["a", "b", "c"]}
NAMES: dict[str, Any] = {"time": "time", "event": "event", "by": ABC}
ESTIMATORS = [kaplan_meier, logrank, pairwise_logrank, max_combo, rmst]
TESTS = [logrank, pairwise_logrank, max_combo, rmst]


def patients(**changed: Any) -> pd.DataFrame:
    """Twelve patients of three groups with the columns that are changed."""
    frame = pd.DataFrame(
        {
            "time": [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            "event": [1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0],
            "group": list("abcabcabcabc"),
            "entry": [0.0] * 12,
            "w": [1.0, 2.0] * 6,
        }
    )
    return frame.assign(**changed)


def instead(values: list[Any], place: int, value: Any) -> list[Any]:
    return [*values[:place], value, *values[place + 1 :]]


TIMES = [float(t) for t in range(1, 13)]
BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "infinite time": ({"time": instead(TIMES, 3, math.inf)}, {}, "'time': 1 values are negative"),
    "negative time": ({"time": instead(TIMES, 3, -1.0)}, {}, "'time': 1 values are negative or"),
    "time of 1e300": ({"time": instead(TIMES, 3, 1e300)}, {}, "'time': 1 values above 1e.15"),
    "times of 1e-300": ({"time": [1e-300] * 12}, {}, "'time': no time above 1.5e-08"),
    "text for time": ({"time": ["one"] * 12}, {}, "'time': not numbers .for example 'one'"),
    "true and false for time": ({"time": [True] * 12}, {}, "'time': not numbers"),
    "event of 2": ({"event": [2, 0] * 6}, {}, "'event': an event must be boolean or 0/1"),
    "text for event": ({"event": ["dead"] * 12}, {}, "boolean or 0/1, found dead"),
    "entry at exit": ({"entry": TIMES}, {"entry": "entry"}, "'entry': 12 rows enter at or after"),
    "negative entry": ({"entry": [-1.0] * 12}, {"entry": "entry"}, "'entry': 12 values are neg"),
    "text for entry": ({"entry": ["x"] * 12}, {"entry": "entry"}, "'entry': not numbers"),
    "negative weight": ({"w": instead([1.0] * 12, 0, -1.0)}, {"weights": "w"}, "'w': 1 values are"),
    "infinite weight": ({"w": instead([1.0] * 12, 0, math.inf)}, {"weights": "w"}, "'w': 1 values"),
    "weights all 0": ({"w": [0.0] * 12}, {"weights": "w"}, "'w': every weight is 0"),
    "text for weights": ({"w": ["x"] * 12}, {"weights": "w"}, "'w': not numbers"),
    "no complete row": ({"time": [math.nan] * 12}, {}, "no row has a value in all of"),
    "a group that is no level": ({"group": list("abcabcabcabd")}, {}, "not among the levels: d"),
    "an absent column": ({}, {"entry": "entyr"}, "'entyr': not in the table"),
}


@pytest.mark.parametrize("estimate", ESTIMATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", BAD)
def test_bad_columns_are_refused_with_their_name(case: str, estimate: Any) -> None:
    changed, options, said = BAD[case]
    with pytest.raises(AnalysisError, match=said) as caught:
        estimate(patients(**changed), **NAMES, **options)
    assert all(problem.where or problem.advice for problem in caught.value.problems)


@pytest.mark.parametrize("estimate", TESTS, ids=lambda f: f.__name__)
def test_a_constant_column_makes_no_groups(estimate: Any) -> None:
    with pytest.raises(AnalysisError, match="one group only: a"):
        estimate(patients(group="a"), **NAMES)


@pytest.mark.parametrize("estimate", TESTS[:3], ids=lambda f: f.__name__)
def test_weights_that_are_no_counts_are_refused_by_tests(estimate: Any) -> None:
    with pytest.raises(AnalysisError, match=r"robust=True"):
        estimate(patients(w=0.5), **NAMES, weights="w")


ODD: dict[str, dict[str, Any]] = {
    "no events": {"event": 0},
    "all events at one time": {"time": 5.0, "event": 1},
    "all events, all at once but one": {"time": [5.0] * 11 + [9.0], "event": 1},
    "events at time 0 only": {"time": [0.0] * 3 + TIMES[3:], "event": [1] * 3 + [0] * 9},
    "a group without an event": {"event": [1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0]},
    "one event": {"event": [0, 0, 0, 1] + [0] * 8},
    "only the first has an event": {"event": [1] + [0] * 11},
    "only the last has an event": {"event": [0] * 11 + [1]},
    "groups of one": {"group": ["a"] * 10 + ["b", "c"]},
    "two groups of the three": {"group": list("ab") * 6},
    "times hardly apart": {"time": [1 + 1e-12 * i for i in range(12)]},
    "times far apart": {"time": [10.0 ** (i / 2) for i in range(12)]},
    "events by true and false": {"event": [True, False] * 6},
    "missing values": {"time": instead(TIMES, 0, math.nan)},
}


def no_number_is_missing(value: Any) -> bool:
    """Whether plain JSON holds no NaN: what is not defined is null."""
    json.dumps(value, allow_nan=False)
    return True


@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"entry": "entry"}], ids=str)
@pytest.mark.parametrize("estimate", ESTIMATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", ODD)
def test_odd_patients_have_an_answer_or_a_reason_and_no_library_warns(
    case: str, estimate: Any, options: dict[str, Any]
) -> None:
    frame = patients(**ODD[case])
    if "entry" in options:
        frame = frame[frame["time"] > 0]
    result = estimate(frame, **NAMES, **options)
    assert no_number_is_missing(result.to_dict())
    records = result.records("a", "days")
    assert records
    assert all(record.reason for record in records if record.status != "ok")
    assert "<p>" in result._repr_html_()
    for found in result.findings:
        assert found.advice
        assert found.n >= 0


@pytest.mark.parametrize("weights", [[0.3, 1e-6] * 6, [1e6, 0.5] * 6, [0.1] * 12])
def test_uneven_weights_leave_every_error_finite(weights: list[float]) -> None:
    frame = patients(w=weights)
    for estimate in (kaplan_meier, rmst):
        result = estimate(frame, **NAMES, weights="w")
        assert no_number_is_missing(result.to_dict())
    errors = [group.std_error for group in rmst(frame, **NAMES, weights="w").groups]
    assert all(math.isfinite(error) and error >= 0 for error in errors)


def test_an_early_fall_to_zero_before_others_enter_is_a_finding() -> None:
    frame = pd.DataFrame(
        {
            "time": [2.0, 9, 10, 11, 3, 8, 9, 12],
            "event": [1, 0, 1, 0, 1, 0, 0, 1],
            "entry": [0.0, 4, 4, 4, 0, 0, 0, 0],
            "group": list("aaaabbbb"),
        }
    )
    by = {"name": "group", "levels": ["a", "b"]}
    names: dict[str, Any] = {"time": "time", "event": "event", "by": by, "entry": "entry"}
    for result in (kaplan_meier(frame, **names), rmst(frame, **names, tau=9)):
        (found,) = (f for f in result.findings if f.rule == "early_zero")
        assert (found.value, found.n) == ("a", 4)
        assert "comes down to 0 at 2" in found.advice
    later = kaplan_meier(frame, **names, given=4)
    assert "early_zero" not in [f.rule for f in later.findings]
    assert later.at([10])["estimate"][0] == 0.5


@pytest.mark.slow
def test_ten_million_patients_with_one_event_have_their_answer() -> None:
    n = 10_000_000
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, n, dtype=np.int8)
    groups = pd.Categorical.from_codes(
        codes, dtype=pd.CategoricalDtype(["a", "b", "c"], ordered=True)
    )
    event = np.zeros(n, dtype=bool)
    event[5] = True
    frame = pd.DataFrame(
        {"time": rng.integers(1, 4000, n).astype(float), "event": event, "group": groups}
    )
    names: dict[str, Any] = {"time": "time", "event": "event", "by": "group"}
    for estimate in ESTIMATORS:
        result = estimate(frame, **names)
        assert all(record.reason for record in result.records("a") if record.status != "ok")
        rules = [finding.rule for finding in result.findings]
        assert rules.count("no_events") == 2
