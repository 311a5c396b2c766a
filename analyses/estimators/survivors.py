"""Those still followed after a time: the rows that survival given that time is made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyses.estimators.grouped_survival import SOURCE, GroupedSurvival
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding


def survivors(rows: GroupedSurvival, given: float, time: str) -> GroupedSurvival:
    """The rows with an exit after the time, under observation from it (or from their entry) on.

    Groups without such a row are left out. AnalysisError where the time is none, or where
    nobody is followed past it.
    """
    where = f"survival given '{time}'"
    if not (np.isfinite(given) and given >= 0):
        raise AnalysisError(Problem(where, f"{given:g}", "A finite time of at least 0."))
    kept = rows.time > given
    if not kept.any():
        raise AnalysisError(
            Problem(
                where,
                f"nobody is followed past {given:g}",
                f"The last time is {float(rows.time.max()):.12g}.",
                "Choose an earlier time.",
            )
        )
    begun = np.full(int(kept.sum()), float(given))
    if rows.entry is not None:
        begun = np.maximum(begun, rows.entry[kept])
    present = np.unique(rows.codes[kept])
    return replace(
        rows,
        frame=rows.frame[kept].reset_index(drop=True),
        time=rows.time[kept],
        event=rows.event[kept],
        entry=begun,
        codes=np.searchsorted(present, rows.codes[kept]).astype(np.intp),
        levels=tuple(rows.levels[g] for g in present),
        counts=None if rows.counts is None else rows.counts[kept],
        weights=None if rows.weights is None else rows.weights[kept],
    )


def gone_findings(
    everyone: GroupedSurvival, rows: GroupedSurvival, time: str, given: float | None
) -> tuple[Finding, ...]:
    """A warning for each group of which nobody is followed past the time."""
    if given is None:
        return ()
    sizes = dict(zip(everyone.levels, everyone.per_group(), strict=True))
    return tuple(
        Finding(
            "warning",
            SOURCE,
            time,
            level,
            "nobody_followed",
            n,
            f"Nobody of the group is followed past {given:g}: it has no curve given that time.",
        )
        for level, n in sizes.items()
        if level not in rows.levels
    )
