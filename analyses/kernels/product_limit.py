"""Counts by time and group, and the product-limit curve that follows from them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

DENSE = 4  # cells a row up to which counting all integers up to the largest beats sorting


class Counts(NamedTuple):
    """Patients by group and distinct exit time: `time` is [T], the others are [K, T].

    Those who leave at a time do so with the event or are censored.
    `entered` holds, at the first exit time after entry, who comes under observation there; None
    without delayed entry.
    """

    time: Array
    events: Array
    censored: Array
    entered: Array | None

    @property
    def exits(self) -> Array:
        """Those who leave at each time."""
        return self.events + self.censored

    @property
    def swapped(self) -> Counts:
        """The same patients with event and censoring exchanged: their follow-up."""
        return self._replace(events=self.censored, censored=self.events)

    @property
    def n_risk(self) -> Array:
        """At each time those with entry < time <= exit."""
        risk = tail_sums(self.exits)
        if self.entered is not None:
            risk[:, :-1] -= tail_sums(self.entered)[:, 1:]
        return risk


class ProductLimit(NamedTuple):
    """Survival just after each time, its standard error, and Greenwood's running sum."""

    survival: Array
    std_error: Array
    greenwood: Array


def distinct(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Ints]:
    """The distinct values, ascending, and each value's place among them.

    Values that are whole numbers are counted instead of sorted; none may be negative.
    """
    whole = values.astype(np.intp)
    limit = DENSE * len(values) + 1_000
    largest = int(whole.max(initial=0))
    if largest < limit and bool((whole == values).all()):
        seen = np.bincount(whole) > 0
        return np.flatnonzero(seen).astype(values.dtype), (np.cumsum(seen) - 1)[whole]
    grid, place = np.unique(values, return_inverse=True)
    return grid, place.astype(np.intp, copy=False)


def count(
    time: Array,
    event: Bools,
    codes: Ints,
    n_groups: int,
    *,
    entry: Array | None = None,
    weights: Array | None = None,
) -> Counts:
    """Counts (or sums of weights) of exits and events by group and distinct exit time."""
    grid, place = distinct(time)
    events, censored = count_cells(place, event, codes, (n_groups, len(grid)), weights)
    entered = None
    if entry is not None:
        start = np.searchsorted(grid, entry, side="right")
        entered = table(start, codes, (n_groups, len(grid)), weights)
    return Counts(grid.astype(np.float64), events, censored, entered)


def count_cells(
    place: Ints, event: Bools, codes: Ints, shape: tuple[int, int], weights: Array | None
) -> tuple[Array, Array]:
    """Events and censorings as [K, T], in one pass over the rows."""
    key = (codes * shape[1] + place) * 2 + event
    sums = np.bincount(key, weights, minlength=2 * shape[0] * shape[1]).reshape(*shape, 2)
    return sums[..., 1].astype(np.float64), sums[..., 0].astype(np.float64)


def table(place: Ints, codes: Ints, shape: tuple[int, int], values: Array | None) -> Array:
    """Sums of values (or counts) by group and place, [K, T]."""
    key = codes * shape[1] + place
    sums = np.bincount(key, values, minlength=shape[0] * shape[1])
    return sums.reshape(shape).astype(np.float64)


def tail_sums(values: Array) -> Array:
    """At each place the sum from there to the end, along the last axis."""
    return np.cumsum(values[..., ::-1], axis=-1)[..., ::-1].copy()


def product_limit(n_risk: Array, events: Array, emptied: Bools) -> ProductLimit:
    """Kaplan and Meier's estimate (1958) with Greenwood's standard error.

    `emptied` marks times at which everyone at risk has the event: there the curve falls to 0 and
    the standard error is not defined from then on. The flag is given, because with weights the
    two sums may differ in their last digit.
    """
    some = n_risk > 0
    hazard = np.divide(events, n_risk, out=np.zeros_like(events), where=some)
    survival = np.cumprod(np.where(emptied, 0.0, 1.0 - hazard), axis=-1, dtype=np.float64)
    left = n_risk * (n_risk - events)
    term = np.divide(events, left, out=np.zeros_like(events), where=some & ~emptied)
    greenwood = np.cumsum(term, axis=-1, dtype=np.float64)
    error = np.where(survival > 0, survival * np.sqrt(greenwood), np.nan)
    return ProductLimit(survival, error, greenwood)


def jackknife_error(
    counts: Counts,
    fit: ProductLimit,
    *,
    time: Array,
    event: Bools,
    codes: Ints,
    weights: Array,
    entry: Array | None = None,
) -> Array:
    """Infinitesimal-jackknife standard error of a weighted curve, [K, T]; 0 where the curve is 0.

    A patient's influence on log S(t) is the Greenwood sum over the time at risk, less
    1/(n - d) at an event of the patient's own. Its square is summed in linear time: what is
    settled for those who have left, and a square in the running sum for those still at risk.
    """
    shape = counts.exits.shape
    place = np.searchsorted(counts.time, time)
    alive = fit.survival > 0
    left = np.where(alive, counts.n_risk - counts.events, 1.0)
    start = np.zeros(len(time), dtype=np.intp)
    before = np.zeros(len(time))
    if entry is not None:
        start = np.searchsorted(counts.time, entry, side="right").astype(np.intp)
        before = np.where(start > 0, fit.greenwood[codes, start - 1], 0.0)
    own = np.where(event, 1.0 / left[codes, place], 0.0)
    settled = weights * (fit.greenwood[codes, place] - before - own)
    gone = np.cumsum(table(place, codes, shape, settled**2), axis=1)
    running = fit.greenwood
    squares = [_after(place, start, codes, shape, weights**2 * before**power) for power in range(3)]
    still = running**2 * squares[0] - 2 * running * squares[1] + squares[2]
    error = np.where(alive, fit.survival * np.sqrt(np.maximum(gone + still, 0.0)), 0.0)
    return _held_between_events(error, counts.events > 0)


def _held_between_events(values: Array, changes: Bools) -> Array:
    """Each row's value at its last change, 0 before the first: free of rounding in between."""
    places = np.where(changes, np.arange(values.shape[1]), -1)
    last = np.maximum.accumulate(places, axis=1)
    held = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, held, 0.0)


def _after(place: Ints, start: Ints, codes: Ints, shape: tuple[int, int], values: Array) -> Array:
    """At each time the sum of values over those at risk there who leave later."""
    at_risk = tail_sums(table(place, codes, shape, values))
    at_risk -= tail_sums(table(start, codes, shape, values))
    later = np.zeros(shape)
    later[:, :-1] = at_risk[:, 1:]
    return later
