"""Bad input to the estimators of competing risks: refused by name, or answered with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses import cause_specific_cox, cumulative_incidence, fine_gray, gray_test
from cohort.errors import AnalysisError

STATES = {"name": "how", "levels": ["-", "event", "other"]}
AB = {"name": "group", "levels": ["a", "b"]}


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"time": rng.integers(1, 20, n), "how": rng.choice(["-", "event", "other"], n)}
    )
    frame["group"] = rng.choice(["a", "b"], n)
    frame["x"] = rng.normal(size=n)
    frame["entry"] = 0.0
    frame["w"] = 1.0
    return frame


def curves(frame: pd.DataFrame, **options: Any) -> Any:
    asked: dict[str, Any] = {"entry": "entry", "weights": "w"} | options
    return cumulative_incidence(frame, time="time", state=STATES, by=AB, **asked)


def gray(frame: pd.DataFrame) -> Any:
    return gray_test(frame, time="time", state=STATES, by=AB)


def model(frame: pd.DataFrame, **options: Any) -> Any:
    asked: dict[str, Any] = {"terms": ["x", AB], "weights": "w"} | options
    return fine_gray(frame, time="time", state=STATES, cause="event", **asked)


def rates(frame: pd.DataFrame) -> Any:
    return cause_specific_cox(
        frame, time="time", state=STATES, cause="event", terms=["x", AB], weights="w"
    )


ALL = [curves, gray, model, rates]


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.nan, "no row has a value"),
        (np.inf, "negative or not finite"),
        (-1.0, "negative or not finite"),
        (1e-300, "all would be ties"),
        (1e300, "above 1e"),
        ("soon", "not numbers"),
    ],
)
def test_times_that_are_no_times(estimate: Callable[..., Any], values: Any, said: str) -> None:
    with pytest.raises(AnalysisError, match=said):
        estimate(table().assign(time=values))


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize("wrong", ["dead", 1, True])
def test_a_state_that_is_none_is_refused_by_its_value(
    estimate: Callable[..., Any], wrong: Any
) -> None:
    frame = table()
    frame["how"] = frame["how"].astype(object)
    frame.loc[3, "how"] = wrong
    with pytest.raises(AnalysisError, match=f"state 'how': values not among the levels: {wrong}"):
        estimate(frame)


@pytest.mark.parametrize("estimate", [curves, lambda f: model(f, entry="entry")])
def test_entry_at_or_after_exit_is_refused_and_counted(estimate: Callable[..., Any]) -> None:
    frame = table()
    frame.loc[[1, 2], "entry"] = frame.loc[[1, 2], "time"].astype(float)
    with pytest.raises(AnalysisError, match="column 'entry': 2 rows enter at or after their exit"):
        estimate(frame)


@pytest.mark.parametrize("estimate", [curves, model, rates])
@pytest.mark.parametrize(("weight", "said"), [(-1.0, "negative"), (0.0, "0"), (np.inf, "finite")])
def test_weights_that_are_none(estimate: Callable[..., Any], weight: float, said: str) -> None:
    with pytest.raises(AnalysisError, match=f"column 'w': .*{said}"):
        estimate(table().assign(w=weight))


def whole(result: Any) -> None:
    """Every record of a success is a number or has its reason; nothing is NaN beside it."""
    records = result.records("a")  # refuses what is not finite, or null without a reason
    assert records
    for record in records:
        for field in fields(record):
            value = getattr(record, field.name)
            assert not isinstance(value, float) or np.isfinite(value)


@pytest.mark.parametrize("estimate", ALL)
def test_all_events_at_one_time(estimate: Callable[..., Any]) -> None:
    whole(estimate(table().assign(time=7)))


@pytest.mark.parametrize("estimate", ALL)
def test_everybody_leaves_at_time_zero(estimate: Callable[..., Any]) -> None:
    frame = table().assign(time=0)
    if estimate is curves:
        whole(curves(frame, entry=None))
    else:
        whole(estimate(frame))


@pytest.mark.parametrize("estimate", ALL)
def test_a_group_of_one(estimate: Callable[..., Any]) -> None:
    frame = table()
    for how in ("event", "other", "-"):
        frame["group"] = np.where(frame.index == 0, "b", "a")
        frame.loc[0, "how"] = how
        whole(estimate(frame))


@pytest.mark.parametrize("estimate", [curves, gray])
def test_no_events_at_all(estimate: Callable[..., Any]) -> None:
    result = estimate(table().assign(how="-"))
    whole(result)
    assert {"no_events"} == {f.rule for f in result.findings}


@pytest.mark.parametrize("estimate", [model, rates])
def test_a_model_without_events_is_refused(estimate: Callable[..., Any]) -> None:
    with pytest.raises(AnalysisError, match="none of the 60 complete rows"):
        estimate(table().assign(how="other"))


@pytest.mark.parametrize("estimate", ALL)
def test_nobody_is_censored(estimate: Callable[..., Any]) -> None:
    whole(estimate(table().assign(how=lambda f: f["how"].replace("-", "other"))))


def test_a_constant_column_and_perfect_collinearity_are_named() -> None:
    constant = model(table().assign(x=3.0))
    assert [(f.term, f.kind) for f in constant.failures] == [("x", "fine_gray")]
    whole(constant)
    frame = table().assign(y=lambda f: 3 * f["x"] + 1)
    with pytest.raises(AnalysisError, match="fine_gray: y: is fully determined by x"):
        model(frame, terms=["x", "y"])


def test_a_term_that_separates_is_a_failure_with_a_reason() -> None:
    frame = table()
    frame["x"] = np.where(frame["how"] == "event", 1.0, 0.0)
    result = model(frame, terms=["x"])
    assert [f.term for f in result.failures] == ["x"]
    assert "infinity" in result.failures[0].reason
    whole(result)


def test_one_cluster_has_no_variance_and_says_so() -> None:
    with pytest.raises(AnalysisError, match=r"fine_gray: x and .*the robust variance is zero"):
        model(table().assign(site=1), cluster="site")


def test_text_where_numbers_belong_is_refused() -> None:
    with pytest.raises(AnalysisError, match="x"):
        model(table().assign(x="tall"), terms=["x"])


def test_huge_numbers_of_a_term_are_no_trouble() -> None:
    frame = table()
    one, other = model(frame, terms=["x"]), model(frame.assign(x=1e12 * frame["x"]), terms=["x"])
    assert one.estimated[0].statistic == pytest.approx(other.estimated[0].statistic, rel=1e-6)


def test_one_event_among_many_rows() -> None:
    n = 200_000
    frame = pd.DataFrame({"time": np.arange(n) % 3000 + 1, "how": "-"})
    frame["how"] = np.where(np.arange(n) % 5 == 0, "other", "-")
    frame.loc[97, "how"] = "event"
    frame["group"] = np.where(np.arange(n) % 2 == 0, "a", "b")
    frame["x"] = np.sin(np.arange(n))
    frame["w"] = 1.0
    whole(curves(frame, entry=None))
    whole(gray(frame))
    result = model(frame, terms=["x"])
    assert result.n_event == 1
    assert "few_events_per_parameter" in [f.rule for f in result.findings]
    whole(result)


def test_the_curve_that_everybody_leaves_before_others_enter_is_a_finding() -> None:
    frame = pd.DataFrame(
        {
            "time": [1, 2, 9, 9, 8],
            "entry": [0, 0, 3, 3, 4],
            "how": ["event", "other", "event", "-", "other"],
            "group": "a",
        }
    )
    result = cumulative_incidence(frame, time="time", state=STATES, entry="entry", by=AB)
    assert "early_zero" in [f.rule for f in result.findings]
    whole(result)


def one_apart(state: str) -> pd.DataFrame:
    """Ninety patients of two levels and one of a third, whose follow-up ended so."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"time": np.arange(1, 91), "state": rng.choice(list("012"), 90)})
    frame["g"] = np.tile(["a", "b"], 45)
    return pd.concat(
        [frame, pd.DataFrame({"time": [20], "state": [state], "g": ["z"]})], ignore_index=True
    )


def test_a_level_of_one_patient_is_warned_of_where_the_variance_collapses() -> None:
    found = fine_gray(
        one_apart("1"), time="time", state={"name": "state", "levels": ["0", "1", "2"]},
        cause="1", terms=[{"name": "g", "levels": ["a", "b", "z"]}],
    )  # fmt: skip
    (told,) = [f for f in found.findings if f.rule == "few_events_at_level"]
    assert (told.severity, told.column, told.value, told.n) == ("warning", "g", "z", 1)
    assert told.advice.startswith("1 event of the cause among 1 patient at level 'z' of 'g'")


def test_what_a_fine_and_gray_model_lacks_is_not_advised() -> None:
    found = fine_gray(
        one_apart("0"), time="time", state={"name": "state", "levels": ["0", "1", "2"]},
        cause="1", terms=[{"name": "g", "levels": ["a", "b", "z"]}],
    )  # fmt: skip
    (failed,) = found.failures
    assert failed.advice == (
        "Merge the level with another or leave the term out. Other terms are reported."
    )
