"""Area under step curves up to a time, with its variance."""

from __future__ import annotations

import numpy as np

from analyses.kernels.product_limit import Array, Bools, Counts, Ints, ProductLimit, tail_sums


def area_between(time: Array, survival: Array, tau: float) -> Array:
    """For each time of a step curve the area under it from there to tau; 0 from tau on.

    `survival` is [..., T], just after each of the ascending times.
    """
    ends = np.minimum(np.append(time[1:], np.inf), tau)
    return tail_sums(survival * np.maximum(ends - time, 0.0))


def restricted_mean(time: Array, survival: Array, tau: float) -> Array:
    """The area under each curve from 0, where it is 1, to tau."""
    first = min(float(time[0]), tau)
    area: Array = first + area_between(time, survival, tau)[..., 0]
    return area


def greenwood_variance(n_risk: Array, events: Array, emptied: Bools, area: Array) -> Array:
    """Sum over event times of area^2 d / (n (n - d)), a term where d = n left out, [K].

    `area` is that of `area_between`: times at or after tau add nothing. Where d = n the curve is
    0 from there on, and so is the area.
    """
    return np.asarray((area**2 * _steps(n_risk, events, emptied)).sum(axis=-1))


def jackknife_variance(
    counts: Counts,
    fit: ProductLimit,
    area: Array,
    *,
    time: Array,
    event: Bools,
    codes: Ints,
    weights: Array,
    entry: Array | None = None,
) -> Array:
    """Infinitesimal-jackknife variance of each weighted area, [K].

    A patient's influence on the area is the sum of area d / (n (n - d)) over the time at risk,
    less area / (n - d) at an event of the patient's own.
    """
    alive = fit.survival > 0
    left = np.where(alive, counts.n_risk - counts.events, 1.0)
    steps = _steps(counts.n_risk, counts.events, ~alive & (counts.events > 0))
    running = np.cumsum(area * steps, axis=1)
    place = np.searchsorted(counts.time, time)
    own = np.where(event & alive[codes, place], area[codes, place] / left[codes, place], 0.0)
    influence = running[codes, place] - own
    if entry is not None:
        start = np.searchsorted(counts.time, entry, side="right")
        influence -= np.where(start > 0, running[codes, start - 1], 0.0)
    n_groups = counts.exits.shape[0]
    return np.bincount(codes, (weights * influence) ** 2, minlength=n_groups).astype(np.float64)


def _steps(n_risk: Array, events: Array, emptied: Bools) -> Array:
    """Greenwood's d / (n (n - d)) at each time, 0 where it is not defined."""
    left = n_risk * (n_risk - events)
    kept = (n_risk > 0) & ~emptied
    return np.divide(events, left, out=np.zeros_like(events), where=kept)
