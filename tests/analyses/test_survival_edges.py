"""Curves where something is not defined: nobody at risk yet, one death, survivors to a time."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses import cumulative_incidence, fine_gray, gray_test, kaplan_meier, rmst
from analyses.formatting import median_time
from analyses.plots.axis_words import AxisWords
from analyses.plots.kaplan_meier import plot_kaplan_meier
from cohort.errors import AnalysisError

NAMES: dict[str, Any] = {"time": "time", "event": "event"}
AB = {"name": "group", "levels": ["a", "b"]}
STATES = {"name": "state", "levels": ["-", "event", "other"]}


def patients(n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"time": rng.integers(1, 60, n).astype(float)})
    frame["state"] = rng.choice(["-", "event", "other"], n)
    frame["event"] = frame["state"] == "event"
    frame["group"] = rng.choice(["a", "b"], n)
    return frame


# --- differences of nothing -----------------------------------------------------------------------


def test_differences_of_one_group_or_at_no_time_are_an_empty_table() -> None:
    columns = ["group", "reference", "time", "n", "n_event", "estimate", "std_error"]
    alone = kaplan_meier(patients(), **NAMES)
    two = kaplan_meier(patients(), **NAMES, by=AB)
    for table in (alone.differences([5]), two.differences([])):
        assert table.empty
        assert table.columns[:7].tolist() == columns


# --- survivors to a time --------------------------------------------------------------------------


def test_before_the_time_lived_to_nobody_is_counted() -> None:
    result = kaplan_meier(patients(), **NAMES, given=10)
    table = result.risk_table([0, 5, 10, 15])
    assert table["n_risk"].isna().tolist() == [True, True, False, False]
    assert table.loc[2, "n_risk"] == result.n
    assert result.at([5])[["n_risk", "n_event"]].isna().all(axis=None)
    records = {r.id: r for r in result.records("a", "days", [5, 15])}
    early = records["a/at_risk/all/given=10/t=5"]
    assert (early.n_risk, early.status) == (None, "not_estimable")
    assert early.reason == "the curve starts at 10"


def test_curves_of_survivors_say_so_in_table_and_figure() -> None:
    result = kaplan_meier(patients(), **NAMES, by=AB, given=10)
    said = "given event-free at 10"
    assert said in result._repr_html_()
    drawn = plot_kaplan_meier(result, words=AxisWords(time_unit="days"), times=[0, 20, 40])
    assert f"{said} days" in drawn.axes.get_xlabel()
    assert f"{said} days" in drawn.alt
    assert {cell.time for cell in drawn.table.cells} == {20, 40}
    plain = plot_kaplan_meier(kaplan_meier(patients(), **NAMES, by=AB))
    assert "given" not in plain.alt + plain.axes.get_xlabel()


# --- a median without limits ----------------------------------------------------------------------


def test_the_limits_of_a_median_of_one_death_are_not_defined_rather_than_not_reached() -> None:
    """R: ``survfit(Surv(900, 1) ~ 1)`` has the median 900 and limits NA."""
    result = kaplan_meier(pd.DataFrame({"time": [900], "event": [1]}), **NAMES)
    (median,) = [r for r in result.records("a", "days") if r.quantity == "median"]
    assert (median.estimate, median.conf_low, median.conf_high) == (900, None, None)
    assert "is not defined" in str(median.reason)
    assert "not reached" not in str(median.reason)
    assert median_time(900, np.nan, np.nan) == "900 (limits not defined)"
    assert median_time(900, 800, np.nan) == "900 (800 to not reached)"
    assert "not defined" in result._repr_html_()


# --- nobody at risk at first ----------------------------------------------------------------------


def test_a_late_start_of_observation_is_warned_of() -> None:
    frame = patients().assign(entry=50.0, time=lambda d: d["time"] + 50)
    curves = kaplan_meier(frame, **NAMES, by=AB, entry="entry")
    means = rmst(frame, **NAMES, by=AB, entry="entry", tau=80)
    shares = cumulative_incidence(frame, time="time", state=STATES, by=AB, entry="entry")
    for result in (curves, means, shares):
        found = [f for f in result.findings if f.rule == "late_start"]
        assert [(f.severity, f.value) for f in found] == [("warning", "a"), ("warning", "b")]
        assert "before 50" in found[0].advice
    early = kaplan_meier(frame.assign(entry=0.0), **NAMES, entry="entry")
    given = kaplan_meier(frame, **NAMES, entry="entry", given=50)
    for result in (early, given):
        assert "late_start" not in [f.rule for f in result.findings]


# --- words of a table that the caller did not make ------------------------------------------------


def test_a_table_without_complete_rows_is_refused_in_its_own_names() -> None:
    asked: dict[str, Any] = {"time": "time", "state": STATES}
    empty = patients().iloc[:0]
    for run in (
        lambda: cumulative_incidence(empty, **asked),
        lambda: gray_test(empty, **asked, by=AB),
        lambda: fine_gray(empty, **asked, cause="event", terms=["time"]),
    ):
        with pytest.raises(AnalysisError, match="no row has a value in all of time") as told:
            run()
        assert "any cause" not in str(told.value)


# --- weights that vanish --------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [[1e-300, 2.5e-300], [1e-20, 1.5]])
def test_weights_that_sums_lose_are_refused_by_name(weights: list[float]) -> None:
    frame = patients().assign(w=weights * 40, x=1.0)
    frame.loc[:40, "x"] = 2.0
    asked: dict[str, Any] = {"time": "time", "state": STATES, "weights": "w"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for run in (
            lambda: kaplan_meier(frame, **NAMES, weights="w"),
            lambda: rmst(frame, **NAMES, by=AB, weights="w"),
            lambda: cumulative_incidence(frame, **asked),
            lambda: fine_gray(frame, **asked, cause="event", terms=["x"]),
        ):
            with pytest.raises(AnalysisError, match="so small that sums lose them"):
                run()


def test_small_weights_give_what_large_ones_give() -> None:
    frame = patients().assign(w=np.linspace(0.5, 1.7, 80))
    small = frame.assign(w=frame["w"] * 1e-40)
    for found, other in (
        (kaplan_meier(frame, **NAMES, weights="w"), kaplan_meier(small, **NAMES, weights="w")),
        (
            rmst(frame, **NAMES, by=AB, weights="w", tau=30),
            rmst(small, **NAMES, by=AB, weights="w", tau=30),
        ),
    ):
        numbers = ["estimate", "std_error"]
        np.testing.assert_allclose(found.summary[numbers], other.summary[numbers], rtol=1e-9)
