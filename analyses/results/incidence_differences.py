"""Differences between groups in the cumulative incidence of an event at chosen times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyses.results.contrast import Contrast, contrast
from cohort.errors import AnalysisError, Problem, listed, suggest

if TYPE_CHECKING:
    from analyses.results.cumulative_incidence import CumulativeIncidence, IncidenceCurve

DIFFERENCE = "cumulative_incidence_difference"
Pair = tuple["IncidenceCurve", "IncidenceCurve"]


@dataclass(frozen=True, slots=True)
class CauseContrast:
    """The difference between two groups in the incidence of one event."""

    cause: str
    contrast: Contrast


def incidence_contrasts(
    result: CumulativeIncidence, times: Sequence[float], reference: str | None
) -> tuple[CauseContrast, ...]:
    """Every other group less the reference (the first) at each time, for each event.

    Checked against the difference of ``survfit``'s states:
    tests/analyses/test_cumulative_incidence.py.
    """
    base = result.curves[0] if reference is None else _named(result, str(reference))
    return tuple(
        CauseContrast(cause, _difference((curve, base), j, float(time), result.conf_level))
        for time in times
        for j, cause in enumerate(result.causes)
        for curve in result.curves
        if curve is not base
    )


def _named(result: CumulativeIncidence, reference: str) -> IncidenceCurve:
    if reference not in result.groups:
        raise AnalysisError(
            Problem(
                "differences of cumulative incidence",
                f"reference '{reference}' is not a group with a curve",
                f"Groups: {listed(result.groups)}",
                suggest(reference, result.groups),
            )
        )
    return result.curves[result.groups.index(reference)]


def _difference(pair: Pair, cause: int, time: float, conf_level: float) -> Contrast:
    """One difference at one time; independent groups."""
    at = np.array([time])
    shares = [float(c.in_force(c.incidence[cause], at, 0.0)[0]) for c in pair]
    errors = [float(c.in_force(c.std_error[cause], at, 0.0)[0]) for c in pair]
    ended = [c for c in pair if time > c.last_time and c.event_free[-1] > 0]
    reason = "".join(f"follow-up of group {c.group} ends at {c.last_time:.12g}" for c in ended[:1])
    events = sum(c.up_to(c.events[cause], at)[0] for c in pair)
    return contrast(
        DIFFERENCE,
        (pair[0].group, pair[1].group),
        time=time,
        counts=(pair[0].n + pair[1].n, int(events)),
        estimate=shares[0] - shares[1],
        errors=(errors[0], errors[1]),
        conf_level=conf_level,
        reason=reason,
    )
