"""Which groups an event ever compares with another, and what must be said of those it does not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyses.estimators.grouped_survival import SOURCE
from cohort.table import Finding


class Meeting(NamedTuple):
    """By group: at risk beside another at an event, at one of weight above 0, with variance."""

    at_risk: npt.NDArray[np.bool_]
    weighted: npt.NDArray[np.bool_]
    compared: npt.NDArray[np.bool_]


def no_test(n_event: tuple[int, ...], meeting: Meeting) -> str:
    """Why there is no test."""
    if sum(n_event) == 0:
        return "no event in any group"
    if not meeting.at_risk.any():
        return "at no event are patients of different groups at risk"
    if not meeting.weighted.any():
        return "patients of different groups are at risk together only at events of weight 0"
    if not meeting.compared.any():
        return (
            "wherever patients of different groups are at risk together at an event, all at risk "
            "have the event at once: the variance is 0"
        )
    return "the scores do not differ between the groups at risk together"


def never_compared(
    by: str,
    levels: tuple[str, ...],
    n: tuple[int, ...],
    n_event: tuple[int, ...],
    meeting: Meeting,
) -> tuple[Finding, ...]:
    """A warning for each group that no event compares with another."""
    if sum(n_event) == 0:
        return ()
    found = []
    for g, (level, patients) in enumerate(zip(levels, n, strict=True)):
        if meeting.compared[g]:
            continue
        rule, why = "no_variance", "At risk beside another group only at events of weight 0"
        if not meeting.at_risk[g]:
            rule, why = "never_at_risk", "Never at risk beside another group when an event happened"
        elif meeting.weighted[g]:
            why = "At risk beside another group only at events that nobody at risk survived"
        advice = f"{why}: the test says nothing of it."
        found.append(Finding("warning", SOURCE, by, level, rule, patients, advice))
    return tuple(found)
