"""Functions of time with which an effect may change, at the event times of a Cox model."""

from __future__ import annotations

import numpy as np

from analyses.estimators.cox_rows import Rows
from analyses.kernels import cox as kernel
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem, listed, suggest

TRANSFORMS = ("km", "rank", "identity", "log")


def event_times(rows: Rows, transform: str) -> Array:
    """The transformed time of each row of the grid.

    ``km`` is 1 - S(t-) of all rows, unweighted and over all strata; ``rank`` ranks the times of
    all rows (the mean rank where they tie), so that splitting rows changes it.

    Raises
    ------
    AnalysisError
        For an unknown transform, and for the logarithm of an event at time 0.
    """
    time = rows.grid.time
    if transform not in TRANSFORMS:
        allowed, advice = f"Allowed: {listed(TRANSFORMS)}", suggest(transform, TRANSFORMS)
        raise AnalysisError(Problem("proportionality: transform", repr(transform), allowed, advice))
    if transform == "identity":
        return time
    if transform == "rank":
        ordered = np.sort(rows.followed.exit)
        before = np.searchsorted(ordered, time, side="left")
        return np.asarray((before + 1 + np.searchsorted(ordered, time, side="right")) / 2)
    if transform == "log":
        if (time <= 0).any():
            n = int((rows.followed.exit[rows.followed.event] <= 0).sum())
            raise AnalysisError(
                Problem(
                    "proportionality: transform 'log'",
                    f"{n} events at time 0, which has no logarithm",
                    f"Allowed: {listed(t for t in TRANSFORMS if t != 'log')}",
                    "Use another transform; 'km' is the usual one.",
                )
            )
        return np.log(time)
    return _pooled_deaths(rows)


def _pooled_deaths(rows: Rows) -> Array:
    """1 - S(t-) of all rows together at each time of the grid, by Kaplan-Meier."""
    held = rows.followed
    one = np.zeros(len(held.exit), dtype=np.intp)
    pooled = kernel.grid_of(held.exit[held.event], one[held.event], 1)
    n = len(pooled.time)
    last = kernel.places(pooled, one, held.exit)
    at_risk = np.bincount(last + 1, minlength=n + 1)[1:].astype(float)
    if held.entry is not None:
        before = kernel.places(pooled, one, held.entry)
        at_risk -= np.bincount(before + 1, minlength=n + 1)[1:]
    at_risk = pooled.remaining(at_risk)
    deaths = np.bincount(last[held.event], minlength=n)
    survival = np.cumprod(1.0 - deaths / at_risk)
    earlier = np.concatenate([[1.0], survival[:-1]])
    return np.asarray(1.0 - earlier[np.searchsorted(pooled.time, rows.grid.time)])
