"""The end of the time over which restricted means are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analyses.estimators.rmst_areas import Part
from analyses.results.frozen import Array
from analyses.results.rmst import TauFrom
from cohort.errors import AnalysisError, Problem


class Tau(NamedTuple):
    """Tau, where it comes from, the largest allowed (None: any), and whose last time that is."""

    value: float
    source: TauFrom
    largest: float | None
    whose: str


def tau_of(tau: float | None, levels: tuple[str, ...], parts: Sequence[Part], time: str) -> Tau:
    """The tau given, if these patients allow it, or the smallest of the groups' last times.

    A group whose curve has come down to 0 is known past its last time; of every other one
    nothing is known there.
    """
    last = np.array([part.last for part in parts])
    known = np.where([part.has_ended for part in parts], np.inf, last)
    largest = float(known.min())
    limit = largest if np.isfinite(largest) else None
    if tau is None:
        value = float(last.min())
        if value <= 0:
            found = f"nobody of {_whose(last, levels, parts)} is followed beyond time 0"
            advice = "Leave the group out, or check its times."
            raise AnalysisError(Problem(f"restricted mean over '{time}'", found, advice=advice))
        return Tau(value, "data", limit, _whose(last, levels, parts))
    value = float(tau)
    if not (np.isfinite(value) and value > 0):
        raise AnalysisError(Problem("restricted mean: tau", f"{value:g}", "A finite time above 0."))
    if value > largest:
        found = f"tau = {value:g} lies past the last time of {_whose(known, levels, parts)}"
        raise AnalysisError(
            Problem(
                f"restricted mean over '{time}'",
                found,
                f"At most tau = {largest:.12g}.",
                f"Give tau = {largest:.12g} or less, or leave out those not followed so long.",
            )
        )
    return Tau(value, "given", limit, _whose(known, levels, parts))


def _whose(times: Array, levels: tuple[str, ...], parts: Sequence[Part]) -> str:
    """The group, and the stratum where there are several, that has the smallest time."""
    s, g = np.unravel_index(int(np.argmin(times)), times.shape)
    label = parts[int(s)].label
    within = f" in stratum '{label}'" if label else ""
    return f"group '{levels[g]}'{within}"
