"""Counts by time, group and cause, and the cumulative incidences that follow from them.

Of the n at risk at a time, d_j leave by cause j and d by any. With S the share free of every
event, cause j adds S(t-) d_j / n to its cumulative incidence F_j (Aalen and Johansen, 1978).

The variance is the infinitesimal jackknife: the squared influence of each patient, summed. With
G the running sum of d / (n (n - d)), a patient who came under observation at a and is at risk at
t has moved F_j(t) by

    sum over a < s <= t of (G(s-) - G(a)) dF_j(s) - dF_j(s) / n(s),

an event of cause j at the patient's exit x adds S(x-) / n(x), and from then on F_j moves by
c dF_j, where c = G(x) - G(a), less 1 / (n - d) at an event of any cause. Sums over patients need
the running sums at a and at x only, so they take linear time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyses.kernels.product_limit import distinct, product_limit, table, tail_sums

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


class StateCounts(NamedTuple):
    """Patients by group, cause and distinct exit time.

    `time` is [T], `events` [K, J, T], `censored` and `entered` [K, T]; `entered` holds, at the
    first exit time after entry, who comes under observation there; None without delayed entry.
    """

    time: Array
    events: Array
    censored: Array
    entered: Array | None

    @property
    def any_event(self) -> Array:
        """Events of all causes together."""
        return np.asarray(self.events.sum(axis=1))

    @property
    def exits(self) -> Array:
        """Those who leave at each time."""
        return self.any_event + self.censored

    @property
    def n_risk(self) -> Array:
        """At each time those with entry < time <= exit."""
        risk = tail_sums(self.exits)
        if self.entered is not None:
            risk[:, :-1] -= tail_sums(self.entered)[:, 1:]
        return risk


class Incidence(NamedTuple):
    """Share free of every event [K, T], incidence by cause [K, J, T], and Greenwood's sum G."""

    event_free: Array
    incidence: Array
    greenwood: Array


class Rows(NamedTuple):
    """Patients, or cells of patients who are alike: group, place of exit, state, place of entry.

    `state` is 0 for a censoring, else the cause from 1 on; `start` is the first place at which
    the row is at risk, None where all are from the first; `mass` is what a squared influence
    counts.
    """

    codes: Ints
    place: Ints
    state: Ints
    start: Ints | None
    mass: Array


def count_states(
    time: Array,
    state: Ints,
    codes: Ints,
    shape: tuple[int, int],
    *,
    entry: Array | None = None,
    weights: Array | None = None,
) -> StateCounts:
    """Counts (or sums of weights) by group, state and time; `shape` is (groups, causes)."""
    n_groups, n_causes = shape
    grid, place = distinct(time)
    key = (codes * (n_causes + 1) + state) * len(grid) + place
    size = n_groups * (n_causes + 1) * len(grid)
    sums = np.bincount(key, weights, minlength=size).astype(np.float64)
    cells = sums.reshape(n_groups, n_causes + 1, len(grid))
    entered = None
    if entry is not None:
        start = np.searchsorted(grid, entry, side="right").astype(np.intp)
        entered = table(start, codes, (n_groups, len(grid)), weights)
    return StateCounts(grid.astype(np.float64), cells[:, 1:], cells[:, 0], entered)


def aalen_johansen(counts: StateCounts, emptied: npt.NDArray[np.bool_]) -> Incidence:
    """Cumulative incidences; `emptied` marks times at which all at risk have an event."""
    n_risk, events = counts.n_risk, counts.any_event
    fit = product_limit(n_risk, events, emptied)
    before = np.ones_like(fit.survival)
    before[:, 1:] = fit.survival[:, :-1]
    share = np.divide(before, n_risk, out=np.zeros_like(before), where=n_risk > 0)
    steps = share[:, None] * counts.events
    return Incidence(fit.survival, np.cumsum(steps, axis=-1), fit.greenwood)


def rows_of_cells(counts: StateCounts) -> Rows:
    """The cells of counts as rows: without delayed entry patients of a cell are alike."""
    cells = np.concatenate([counts.censored[:, None], counts.events], axis=1)
    codes, state, place = (index.astype(np.intp) for index in np.nonzero(cells))
    return Rows(codes, place, state, None, cells[codes, state, place])


def jackknife_errors(counts: StateCounts, fit: Incidence, rows: Rows) -> tuple[Array, Array]:
    """Standard errors of the event-free share [K, T] and of each cause's incidence [K, J, T]."""
    n_risk, any_event = counts.n_risk, counts.any_event
    alive = fit.event_free > 0
    left = np.where(alive, n_risk - any_event, 1.0)
    entered = _at_entry(rows, fit.greenwood)
    settled = fit.greenwood[rows.codes, rows.place] - entered
    settled -= np.where(rows.state > 0, 1.0 / left[rows.codes, rows.place], 0.0)
    settled = np.where(alive[rows.codes, rows.place], settled, 0.0)
    none = np.zeros_like(settled)
    free = _spread(rows, (settled, none), (-entered, none), fit.greenwood, np.zeros_like(left))
    errors = [np.where(alive, fit.event_free * np.sqrt(free), 0.0)]
    changes = [any_event > 0]
    before = np.ones_like(fit.event_free)
    before[:, 1:] = fit.event_free[:, :-1]
    share = np.divide(before, n_risk, out=np.zeros_like(before), where=n_risk > 0)
    for cause in range(counts.events.shape[1]):
        influence = _cause(counts, fit, rows, share, cause, settled, entered)
        errors.append(np.sqrt(influence))
        changes.append(counts.events[:, cause] > 0)
    held = [_held(error, change) for error, change in zip(errors, changes, strict=True)]
    return held[0], np.stack(held[1:], axis=1)


def _cause(
    counts: StateCounts,
    fit: Incidence,
    rows: Rows,
    share: Array,
    cause: int,
    settled: Array,
    entered: Array,
) -> Array:
    """Sum of squared influences on one cause's incidence, [K, T].

    Kept as numbers of the incidence still to come, which falls to 0 where `settled` grows.
    """
    steps = share * counts.events[:, cause]
    to_come = fit.incidence[:, cause, -1:] - fit.incidence[:, cause]
    whole = fit.incidence[:, cause, -1]
    earlier = np.zeros_like(fit.greenwood)
    earlier[:, 1:] = fit.greenwood[:, :-1]
    some = counts.n_risk > 0
    own = np.divide(steps, counts.n_risk, out=np.zeros_like(steps), where=some)
    running = np.cumsum(earlier * steps - own, axis=-1)
    start_to_come = _at_entry(rows, to_come, whole)
    offset = -_at_entry(rows, running) - entered * start_to_come
    at_exit = running[rows.codes, rows.place] + entered * to_come[rows.codes, rows.place] + offset
    at_exit += np.where(rows.state == cause + 1, share[rows.codes, rows.place], 0.0)
    constant = at_exit + settled * to_come[rows.codes, rows.place]
    return _spread(rows, (constant, -settled), (offset, entered), running, to_come)


def _spread(
    rows: Rows, gone: tuple[Array, Array], still: tuple[Array, Array], running: Array, moving: Array
) -> Array:
    """Sum over rows of squared influences at each time, [K, T].

    Those who have left have the influence gone[0] + gone[1] * moving, those still at risk
    running + still[0] + still[1] * moving.
    """
    shape = (running.shape[0], running.shape[1])
    mass = rows.mass
    left = _cumulated(rows, mass * gone[0] ** 2, shape)
    left += 2 * moving * _cumulated(rows, mass * gone[0] * gone[1], shape)
    left += moving**2 * _cumulated(rows, mass * gone[1] ** 2, shape)
    stay = running**2 * _later(rows, mass, shape)
    if rows.start is not None:
        stay += 2 * running * _later(rows, mass * still[0], shape)
        stay += _later(rows, mass * still[0] ** 2, shape)
        stay += 2 * running * moving * _later(rows, mass * still[1], shape)
        stay += 2 * moving * _later(rows, mass * still[0] * still[1], shape)
        stay += moving**2 * _later(rows, mass * still[1] ** 2, shape)
    return np.maximum(left + stay, 0.0)


def _at_entry(rows: Rows, values: Array, first: Array | float = 0.0) -> Array:
    """Each row's value in force when it came under observation; `first` before any time."""
    if rows.start is None:
        start = np.broadcast_to(np.asarray(first, dtype=np.float64), (len(values),))
        return np.asarray(start[rows.codes])
    padded = np.empty((values.shape[0], values.shape[1] + 1))
    padded[:, 0] = first
    padded[:, 1:] = values
    return np.asarray(padded[rows.codes, rows.start])


def _cumulated(rows: Rows, values: Array, shape: tuple[int, int]) -> Array:
    """At each time the sum over those who have left by then."""
    return np.cumsum(table(rows.place, rows.codes, shape, values), axis=1)


def _later(rows: Rows, values: Array, shape: tuple[int, int]) -> Array:
    """At each time the sum over those at risk there who leave later."""
    at_risk = tail_sums(table(rows.place, rows.codes, shape, values))
    if rows.start is not None:
        at_risk -= tail_sums(table(rows.start, rows.codes, shape, values))
    later = np.zeros(shape)
    later[:, :-1] = at_risk[:, 1:]
    return later


def _held(values: Array, changes: npt.NDArray[np.bool_]) -> Array:
    """Each row's value at its last change, 0 before the first: free of rounding in between."""
    last = np.maximum.accumulate(np.where(changes, np.arange(values.shape[1]), -1), axis=1)
    held = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, held, 0.0)
