"""Survival rows with their groups and weights, and what must be said about small groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.survival_data import By, by_column, grouping, survival_data
from analyses.results.frozen import Array
from analyses.results.survival import EVERYONE
from analyses.results.weighting import Weighting
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding, Severity

FEW_EVENTS = 10
SOURCE = "survival"
SHORT = 0.01  # of the follow-up


@dataclass(frozen=True, slots=True, eq=False)
class GroupedSurvival:
    """Complete rows of positive weight, coded by group.

    Attributes
    ----------
    frame
        The rows, index 0..n-1.
    time, event, entry, codes
        Arrays of length n; `entry` is None without delayed entry.
    levels
        The groups that `codes` count from 0.
    counts, weights
        What a row counts for: `counts` where weights are whole numbers, so that a row stands for
        so many patients, else `weights`; at most one of the two is not None.
    n_zero
        Rows of weight 0, which take no part.
    """

    frame: pd.DataFrame
    time: Array
    event: npt.NDArray[np.bool_]
    entry: Array | None
    codes: npt.NDArray[np.intp]
    levels: tuple[str, ...]
    counts: Array | None
    weights: Array | None
    n_zero: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]

    def per_group(self, chosen: npt.NDArray[np.bool_] | None = None) -> tuple[int, ...]:
        """Patients by group, of the rows chosen."""
        weights = np.ones(len(self.time)) if self.counts is None else self.counts
        values = weights if chosen is None else weights * chosen
        sums = np.bincount(self.codes, values, minlength=len(self.levels))
        return tuple(int(value) for value in sums)

    def weighting(self, column: str | None) -> Weighting | None:
        """What the rows count for, by the column of their weights; None without one."""
        values = self.weights if self.counts is None else self.counts
        if column is None or values is None:
            return None
        total = float(values.sum())
        return Weighting(column, len(values), self.n_zero, total, self.weights is None)


def grouped_survival(
    data: object,
    *,
    time: str,
    event: str,
    by: By | None,
    entry: str | None = None,
    weights: str | None = None,
    others: Sequence[str] = (),
) -> GroupedSurvival:
    """Rows complete in every column named, coded by `by` (or all in the group `EVERYONE`).

    Raises AnalysisError as `survival_data` and `grouping`, and where every weight is 0.
    """
    name = by_column(by)
    wanted = [*([] if name is None else [name]), *others]
    rows = survival_data(data, time=time, event=event, entry=entry, weights=weights, others=wanted)
    frame = rows.frame
    used: slice | npt.NDArray[np.bool_] = slice(None)
    n_zero = 0 if rows.weights is None else int((rows.weights == 0).sum())
    if n_zero == rows.n:
        raise AnalysisError(
            Problem(
                f"column '{weights}'",
                "every weight is 0: nobody takes part",
                advice="Check how the weights were made.",
            )
        )
    if rows.weights is not None and n_zero:
        used = rows.weights > 0
        frame = frame[used].reset_index(drop=True)
    levels: tuple[str, ...] = (EVERYONE,)
    codes = np.zeros(len(frame), dtype=np.intp)
    if by is not None:
        groups = grouping(frame, by)
        levels, codes = groups.levels, groups.codes
    values = None if rows.weights is None else rows.weights[used]
    whole = values is not None and bool((values == np.floor(values)).all())
    return GroupedSurvival(
        frame=frame,
        time=rows.time[used],
        event=rows.event[used],
        entry=None if rows.entry is None else rows.entry[used],
        codes=codes,
        levels=levels,
        counts=values if whole else None,
        weights=None if whole else values,
        n_zero=n_zero,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
    )


def require_groups(rows: GroupedSurvival, where: str) -> None:
    """AnalysisError unless at least two groups have a row."""
    if len(rows.levels) > 1:
        return
    raise AnalysisError(
        Problem(
            where,
            f"one group only: {listed(rows.levels)}",
            "At least two groups with a complete row each.",
            "Check the selection, or choose another column.",
        )
    )


def require_level(rows: GroupedSurvival, where: str, reference: str | None) -> int:
    """The place of the reference among the groups, the first where none is given."""
    if reference is None:
        return 0
    if str(reference) not in rows.levels:
        raise AnalysisError(
            Problem(
                where,
                f"reference '{reference}' is not a group with a complete row",
                f"Groups: {listed(rows.levels)}",
                suggest(str(reference), rows.levels),
            )
        )
    return rows.levels.index(str(reference))


def small_group_findings(
    event: str, levels: Sequence[str], n: Sequence[int], n_event: Sequence[int]
) -> tuple[Finding, ...]:
    """A warning for each group without events or with fewer than `FEW_EVENTS`.

    The same words whichever analysis asks, so that a report may say them once.
    """
    found = []
    for level, patients, events in zip(levels, n, n_event, strict=True):
        if events == 0:
            said = f"No event among {_patients(patients)}: the data hold no estimate of a rate."
            found.append(Finding("warning", SOURCE, event, level, "no_events", patients, said))
        elif events < FEW_EVENTS:
            counted = "1 event" if events == 1 else f"{events} events"
            said = f"{counted} among {_patients(patients)} support no conclusion about the group."
            found.append(Finding("warning", SOURCE, event, level, "few_events", patients, said))
    return tuple(found)


def early_zero_findings(
    entry: str | None, fallen: Iterable[tuple[str, int, Array, npt.NDArray[np.bool_]]]
) -> tuple[Finding, ...]:
    """A warning for each group whose curve comes down to 0 while others of it enter later.

    `fallen` holds for each group its name and patients, the times at which anybody leaves, and
    whether the curve is at 0 then. With delayed entry the few at risk early may all have the
    event at once.
    """
    if entry is None:
        return ()
    found = []
    for level, n, times, zero in fallen:
        if not zero.any() or times[zero][0] == times[-1]:
            continue
        said = (
            f"The curve comes down to 0 at {times[zero][0]:g}, where all the few at risk have the "
            f"event, and stays there though others enter later and are followed to {times[-1]:g}: "
            "start the clock later, or ask for survival given a time past it."
        )
        found.append(Finding("warning", SOURCE, entry, level, "early_zero", n, said))
    return tuple(found)


def late_start_findings(
    entry: str | None, groups: Iterable[tuple[str, int, float, float]], origin: float = 0.0
) -> tuple[Finding, ...]:
    """What is said of each group in which nobody is under observation at first.

    `groups` holds for each its name, patients, first entry and last time. A warning, or a note
    where it is less than `SHORT` of the follow-up.
    """
    if entry is None:
        return ()
    found = []
    for level, n, first, last in groups:
        if first <= origin:
            continue
        said = (
            f"Nobody is at risk before {first:g}, the first entry: up to then the curve stays at 1 "
            "(and a restricted mean counts the whole time) because nobody was seen, not because "
            "nobody had the event. Ask for survival given that time, or start the clock there."
        )
        short = first - origin < SHORT * (last - origin)
        severity: Severity = "info" if short else "warning"
        found.append(Finding(severity, SOURCE, entry, level, "late_start", n, said))
    return tuple(found)


def zero_weight_findings(weights: str | None, n_zero: int) -> tuple[Finding, ...]:
    """A note of the patients who take no part because their weight is 0."""
    if not n_zero or weights is None:
        return ()
    said = f"{_patients(n_zero)} of weight 0 take no part."
    return (Finding("info", SOURCE, weights, "0", "zero_weight", n_zero, said),)


def _patients(n: int) -> str:
    return "1 patient" if n == 1 else f"{n:,} patients"
