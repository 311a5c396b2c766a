"""The words around survival curves: heading of each group, test, notes, alternative text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.formatting import (
    capitalised,
    confidence,
    count,
    counted,
    label,
    median_time,
    p_equals,
    percent,
    tick,
)
from analyses.plots.style import FigureStyle, Look, looks
from analyses.plots.time_axis import TimeAxis
from analyses.results.curve import Counting, Curve
from analyses.results.logrank import LogRank
from analyses.results.survival import EVERYONE, KaplanMeier


@dataclass(frozen=True, slots=True, eq=False)
class ShownGroup:
    """One group as drawn: its curve, words and look, and how many of its times are shown."""

    curve: Curve
    words: str
    look: Look
    shown: int

    @property
    def name(self) -> str:
        """The group's level."""
        return self.curve.group

    @property
    def whole(self) -> bool:
        """Whether the curve is drawn to its end."""
        return self.shown == len(self.curve.time)

    @property
    def last(self) -> float:
        """Last time drawn; 0 where nothing is."""
        return float(self.curve.time[self.shown - 1]) if self.shown else 0.0


def given_words(result: KaplanMeier, axis: TimeAxis, style: FigureStyle) -> str:
    """``given event-free at 24 months`` for curves of survivors to a time; empty for others."""
    if result.given is None:
        return ""
    at = tick(result.given / axis.factor, style.numbers)
    return f"given event-free at {at} {axis.unit or ''}".rstrip()


def shown_groups(result: KaplanMeier, style: FigureStyle) -> tuple[ShownGroup, ...]:
    """The groups in the result's order, each cut where too few remain at risk."""
    chosen = looks(result.by, result.groups)
    groups = []
    for curve, look in zip(result.curves, chosen, strict=True):
        enough = np.flatnonzero(curve.n_risk >= style.curtail_below)
        shown = int(enough[-1]) + 1 if len(enough) else 0
        groups.append(ShownGroup(curve, group_words(result.by, curve.group), look, shown))
    return tuple(groups)


def group_words(by: str | None, group: str) -> str:
    """Words for a group; everyone where there are no groups."""
    if by is None:
        return "All patients" if group == EVERYONE else group
    return label(by, group)


def column_heads(result: KaplanMeier, axis: TimeAxis, style: FigureStyle) -> tuple[str, str, str]:
    """Titles above the groups' names, their counts, their medians."""
    unit = f", {axis.unit}" if axis.unit else ""
    by = "" if result.by is None else label(result.by)
    level = confidence(result.conf_level, style.numbers)
    return by, "Events/patients", f"Median ({level}){unit}"


def column_rows(
    result: KaplanMeier, groups: Sequence[ShownGroup], axis: TimeAxis, style: FigureStyle
) -> tuple[tuple[str, tuple[str, str, str]], ...]:
    """(group, its name, events and patients, median with limits), in the unit of the axis."""
    if not groups:
        return ()
    medians = {str(row["group"]): row for row in result.medians.to_dict("records")}
    rows = []
    for group in groups:
        curve = group.curve
        counted = f"{count(curve.n_event, style.numbers)}/{count(curve.n, style.numbers)}"
        rows.append((group.name, (group.words, counted, _median(medians[group.name], axis, style))))
    return tuple(rows)


def _median(row: Mapping[Any, Any], axis: TimeAxis, style: FigureStyle) -> str:
    estimate, low, high = (
        float(row[name]) / axis.factor for name in ("estimate", "conf_low", "conf_high")
    )
    return capitalised(median_time(estimate, low, high, None, style.numbers))


def test_words(test: LogRank, style: FigureStyle) -> str:
    """The test's name, strata, p-value and degrees of freedom."""
    name = {"log-rank": "Log-rank test", "trend": "Log-rank test for trend"}.get(
        test.kind, f"{test.kind} test"
    )
    if test.strata:
        name += f", stratified by {', '.join(label(column) for column in test.strata)}"
    if test.p_value is None:
        return f"{name}: not defined" + (f" ({test.reason})" if test.reason else "")
    return f"{name}: {p_equals(test.p_value, style.numbers)} ({test.df} df)"


def notes(
    result: KaplanMeier,
    groups: Sequence[ShownGroup],
    axis: TimeAxis,
    style: FigureStyle,
    *,
    marked: bool,
    counting: Counting = "patients",
) -> tuple[str, ...]:
    """What a reader must know of the picture, one paragraph each."""
    if not groups:
        return ("No patients.",)
    said = [
        f"Bands: pointwise {confidence(result.conf_level, style.numbers)}, {result.conf_type}. "
        + ("Vertical marks: censoring." if marked else "Censoring times are too many to mark.")
    ]
    few = f"fewer than {style.curtail_below} patients"
    if any(group.shown and not group.whole for group in groups):
        said.append(f"Curves end where {few} remain at risk.")
    absent = [group.words for group in groups if not group.shown]
    if absent:
        said.append(f"No curve for {', '.join(absent)}: {few} are at risk at any time.")
    said += _weighted(result, counting)
    if axis.crowded:
        left_out = ", ".join(tick(t / axis.factor, style.numbers) for t in axis.crowded)
        said.append(f"No room for numbers at {left_out} {axis.unit or ''}".rstrip() + ".")
    return (" ".join(said),)


def _weighted(result: KaplanMeier, counting: Counting) -> list[str]:
    """By which column the curves are weighted, and what then is counted under them."""
    weighting = result.weighting
    if weighting is None:
        return []
    name = label(weighting.column).partition(",")[0]
    by = f"weighted by {name[:1].lower()}{name[1:]}"
    if weighting.are_counts:
        return [f"Curves and numbers are {by}: each row counts as so many patients."]
    if counting == "weights":
        return [f"Curves and the numbers under them are {by}; the numbers above are not."]
    return [f"Curves are {by}; numbers of patients and events are not."]


def alternative_text(
    result: KaplanMeier,
    groups: Sequence[ShownGroup],
    test: LogRank | None,
    axis: TimeAxis,
    style: FigureStyle,
    outcome: str,
) -> str:
    """The figure in words: who, how many, medians, survival at the last tick, the test."""
    by = f" by {label(result.by)}" if result.by else ""
    given = given_words(result, axis, style)
    said = [f"Kaplan-Meier curves: {outcome.lower()}{by}{', ' if given else ''}{given}."]
    unit = f" {axis.unit}" if axis.unit else ""
    for (_, (name, _, median)), group in zip(
        column_rows(result, groups, axis, style), groups, strict=True
    ):
        curve = group.curve
        ticks = [t for t in axis.ticks if max(curve.origin, 0) < t <= group.last]
        patients = counted(curve.n, "patient", style.numbers)
        events = counted(curve.n_event, "event", style.numbers)
        words = f"{name}: {patients}, {events}, median {_lower(median)}"
        words += unit if median[:1].isdigit() else ""
        if ticks:
            survival = float(curve.step("survival", np.array(ticks[-1:]), 1.0)[0])
            words += f", {percent(survival, style.numbers)} at "
            words += f"{tick(ticks[-1] / axis.factor, style.numbers)}{unit}"
        said.append(words + ".")
    if not groups:
        said.append("No patients.")
    if test is not None:
        said.append(test_words(test, style) + ".")
    return " ".join(said)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
