"""Survival at times and means up to tau under weighted curves, with their covariances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analyses.adjustment.spreads import Numbers, Places, events_by, own_covariance
from analyses.kernels.curve_influence import area_influence, survival_influence
from analyses.kernels.product_limit import Counts, ProductLimit, count, product_limit
from analyses.kernels.restricted_mean import restricted_mean
from analyses.results.adjusted import Quantity
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem


class Followed(NamedTuple):
    """Follow-up of patients with their group and weight."""

    time: Array
    event: npt.NDArray[np.bool_]
    entry: Array | None
    codes: Places
    weights: Array


class Asked(NamedTuple):
    """Times at which survival is asked for, and the end of the mean time (None: no mean)."""

    times: tuple[float, ...]
    tau: float | None

    @property
    def names(self) -> tuple[tuple[Quantity, float], ...]:
        """(quantity, time) of each number."""
        survival: list[tuple[Quantity, float]] = [("survival", t) for t in self.times]
        mean: list[tuple[Quantity, float]] = [] if self.tau is None else [("rmst", self.tau)]
        return (*survival, *mean)


def asked_for(times: Sequence[float], tau: float | None, where: str) -> Asked:
    """The times, rising; AnalysisError for one that is no time."""
    given = [*times, *([] if tau is None else [tau])]
    wrong = [t for t in given if not (np.isfinite(t) and t > 0)]
    if wrong:
        raise AnalysisError(
            Problem(f"{where}: time", f"{t:g}", "A finite time above 0.") for t in wrong
        )
    return Asked(tuple(sorted({float(t) for t in times})), None if tau is None else float(tau))


def curve_values(rows: Followed, groups: tuple[str, ...], asked: Asked) -> Array:
    """Survival at each time and the mean up to tau (groups x numbers); NaN past a group's end."""
    used, fit, last = _curves(rows, len(groups))
    return _values(used, fit, last, asked)


def curve_numbers(
    rows: Followed, groups: tuple[str, ...], asked: Asked, cluster: Places | None
) -> Numbers:
    """The same with covariances: infinitesimal jackknife, the weights counting as known.

    `cluster` gives a code to units whose rows are added first: matched sets, facilities.
    """
    k = len(groups)
    used, fit, last = _curves(rows, k)
    rest: dict[str, Any] = {
        "time": rows.time,
        "event": rows.event,
        "codes": rows.codes,
        "entry": rows.entry,
    }
    parts = [survival_influence(used, fit, np.array(asked.times), **rest)]
    if asked.tau is not None:
        parts.append(area_influence(used, fit, asked.tau, **rest)[:, None])
    influence = rows.weights[:, None] * np.hstack(parts)
    sizes = tuple(int(n) for n in np.bincount(rows.codes, minlength=k))
    times = [t for _, t in asked.names]
    return Numbers(
        groups,
        asked.names,
        _values(used, fit, last, asked),
        own_covariance(influence, rows.codes, k, cluster),
        (sizes, events_by(rows.time, rows.event, rows.codes, times, k)),
    )


def require_tau(rows: Followed, groups: tuple[str, ...], tau: float | None, where: str) -> None:
    """AnalysisError for a tau past the follow-up of a group whose curve has not come down to 0."""
    if tau is None:
        return
    _, fit, last = _curves(rows, len(groups))
    short = [g for g in range(len(groups)) if tau > last[g] and fit.survival[g, -1] > 0]
    if short:
        least = min(short, key=lambda g: float(last[g]))
        raise AnalysisError(
            Problem(
                f"{where}: tau",
                f"{tau:g} lies past the last time of group '{groups[least]}'",
                f"At most tau = {last[least]:.12g}.",
                "Give an earlier one, or leave out those not followed so long.",
            )
        )


def _curves(rows: Followed, k: int) -> tuple[Counts, ProductLimit, Array]:
    """Weighted counts, curves, and the last time of each group."""
    plain = count(rows.time, rows.event, rows.codes, k, entry=rows.entry)
    used = count(rows.time, rows.event, rows.codes, k, entry=rows.entry, weights=rows.weights)
    n_risk = plain.n_risk
    emptied = (plain.events > 0) & (plain.events == n_risk)
    fit = product_limit(np.where(n_risk > 0, used.n_risk, 0.0), used.events, emptied)
    last = np.zeros(k)
    np.maximum.at(last, rows.codes, rows.time)
    return used, fit, last


def _values(used: Counts, fit: ProductLimit, last: Array, asked: Asked) -> Array:
    k = len(last)
    result = np.full((k, len(asked.names)), np.nan)
    for column, t in enumerate(asked.times):
        place = int(np.searchsorted(used.time, t, side="right")) - 1
        known = (t <= last) | (fit.survival[:, -1] == 0)
        at = fit.survival[:, place] if place >= 0 else np.ones(k)
        result[known, column] = at[known]
    if asked.tau is not None:
        result[:, -1] = restricted_mean(used.time, fit.survival, asked.tau)
    return result
