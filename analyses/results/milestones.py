"""Differences between groups in the share still free of the event at chosen times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analyses.results.contrast import Contrast, contrast
from cohort.errors import AnalysisError, Problem, listed, suggest

if TYPE_CHECKING:
    from analyses.results.curve import Curve


def survival_contrasts(
    curves: tuple[Curve, ...], times: Sequence[float], reference: str | None, conf_level: float
) -> tuple[Contrast, ...]:
    """Every other curve less the reference's (the first) at each time, by time and group.

    Checked against ``summary.survfit``: tests/analyses/test_milestones.py.
    """
    base = curves[0] if reference is None else _named(curves, str(reference))
    return tuple(
        _difference(curve, base, float(time), conf_level)
        for time in times
        for curve in curves
        if curve is not base
    )


def _named(curves: tuple[Curve, ...], reference: str) -> Curve:
    """The curve of the reference."""
    groups = [curve.group for curve in curves]
    if reference not in groups:
        raise AnalysisError(
            Problem(
                "differences of survival",
                f"reference '{reference}' is not a group with a curve",
                f"Groups: {listed(groups)}",
                suggest(reference, groups),
            )
        )
    return curves[groups.index(reference)]


def _difference(curve: Curve, base: Curve, time: float, conf_level: float) -> Contrast:
    """One difference at one time; independent curves."""
    at = np.array([time])
    pair = (curve, base)
    survival = [float(c.step("survival", at, 1.0)[0]) for c in pair]
    errors = [float(c.step("std_error", at, 0.0)[0]) for c in pair]
    return contrast(
        "survival_difference",
        (curve.group, base.group),
        time=time,
        counts=(curve.n + base.n, int(sum(c.up_to("events", at)[0] for c in pair))),
        estimate=survival[0] - survival[1],
        errors=(errors[0], errors[1]),
        conf_level=conf_level,
        reason=_why(pair, time),
    )


def _why(pair: tuple[Curve, Curve], time: float) -> str:
    """Why a difference or its error is not defined at a time."""
    for curve in pair:
        if time < curve.origin:
            return f"the curves start at {curve.origin:.12g}"
        if time > curve.last_time and curve.survival[-1] > 0:
            return f"follow-up of group {curve.group} ends at {curve.last_time:.12g}"
    fallen = [curve.group for curve in pair if curve.survival[-1] == 0]
    return f"the curve of group {listed(fallen)} has come down to 0, where its error is undefined"
