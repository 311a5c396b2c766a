"""Rows of a Cox model and the grid of distinct event times on which their risk sets change.

Rows keep the order they came in: a sum over risk sets is scattered by each row's place on the
grid and cumulated along it. Sorting the rows would move the whole design matrix (0.3-0.9 s at 1.1
million rows x 20 columns, where a pass over the rows in place takes 0.02 s). Places of whole-number
times, which is what registries give, are looked up in a table of the times (0.02 s); others are
searched in the sorted event times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
CHUNK = 2048  # rows a pass: they stay in cache
# Multiplications up to which OpenBLAS keeps to one thread: several threads wait for each other,
# on a busy machine for a hundred times as long as the product takes.
MATRIX = 1 << 18
VECTOR = 9000
COMPILED_FROM = 50_000  # rows from which a block is summed by compiled code (cox_compiled.py)
CACHED = 1 << 21  # bytes of a table of sums that a processor's cache holds
TABLE = 1 << 22  # entries of a table of whole-number times


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows of one model. Strata, clusters: codes 0, 1, ...; absent entry is minus infinity.

    `count` is how many patients, alike in everything, a row stands for: each is an event of its
    own among ties, where a weight is only a larger part of one. Such a block has fewer than
    `COMPILED_FROM` rows and no clusters.
    """

    x: Array
    stratum: Places
    exit: Array
    event: npt.NDArray[np.bool_]
    entry: Array | None = None
    weight: Array | None = None
    offset: Array | None = None
    cluster: Places | None = None
    count: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Distinct event times, ascending within stratum; stratum s holds rows start[s]:start[s+1]."""

    stratum: Places
    time: Array
    start: Places

    def cumulated(self, values: Array) -> Array:
        """Sums from the first time of the stratum up to and with each time."""
        result = np.empty_like(values)
        for first, last in self.segments():
            np.cumsum(values[first:last], axis=0, out=result[first:last])
        return result

    def remaining(self, values: Array) -> Array:
        """Sums from each time to the last of the stratum."""
        result = np.empty_like(values)
        for first, last in self.segments():
            np.cumsum(values[first:last][::-1], axis=0, out=result[first:last][::-1])
        return result

    def segments(self) -> Iterator[tuple[int, int]]:
        """First row and the row after the last one of each stratum that has events."""
        for first, last in zip(self.start[:-1], self.start[1:], strict=True):
            if last > first:
                yield int(first), int(last)


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """Rows on the grid as sparse matrices, by which a block of few rows is summed.

    `at_risk` (times x rows) holds 1 where a row leaves the risk sets and -1 where it enters,
    `dying` (times x events) 1 at each event.
    """

    at_risk: csr_matrix
    dying: csr_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A block with the place of each row on the grid, which does not depend on the coefficients.

    `last` and `before` are grid rows: a row is at risk after `before` up to and with `last`;
    -1 means none. `events` are the events' rows and `event_covariates` their sum of weight * x,
    the part of the score without coefficients. `sparse` is absent from a block so long that
    compiled code sums it.
    """

    block: Block
    last: Places
    before: Places | None
    events: Places
    event_covariates: Array
    sparse: Sparse | None


def stays_in_cache(n_times: int, n_columns: int) -> bool:
    """Whether rows may be added to the sums of their times in any order without waiting."""
    return n_times * (n_columns + 1) * 8 <= CACHED


def grid(blocks: Sequence[Block], n_strata: int) -> Grid:
    """Distinct (stratum, event time) over all blocks; times must be free of near-ties."""
    times = np.concatenate([block.exit[block.event] for block in blocks])
    strata = np.concatenate([block.stratum[block.event] for block in blocks])
    return grid_of(times, strata, n_strata)


def grid_of(times: Array, strata: Places, n_strata: int) -> Grid:
    """Distinct (stratum, time) of the events."""
    width = _table_width(times, n_strata)
    if width:
        seen = np.zeros(n_strata * width, dtype=bool)
        seen[strata * width + times.astype(np.intp)] = True
        found = np.flatnonzero(seen)
        stratum, time = found // width, (found % width).astype(np.float64)
    else:
        order = np.lexsort((times, strata))
        times, strata = times[order], strata[order]
        new = np.ones(len(times), dtype=bool)
        new[1:] = (np.diff(times) != 0) | (np.diff(strata) != 0)
        stratum, time = strata[new], times[new]
    return Grid(stratum, time, np.searchsorted(stratum, np.arange(n_strata + 1)))


def places(on: Grid, stratum: Places, values: Array) -> Places:
    """Grid row of the last event time of each row's stratum at or before its value; -1: none."""
    n_strata = len(on.start) - 1
    width = _table_width(on.time, n_strata)
    if width:
        # The last place before and with each whole time, for all strata one after another.
        table = np.full(n_strata * width, -1, dtype=np.intp)
        table[on.stratum * width + on.time.astype(np.intp)] = np.arange(len(on.time))
        table = np.maximum.accumulate(table.reshape(n_strata, width), axis=1)
        inside = np.clip(values, 0, width - 1).astype(np.intp)
        if n_strata > 1:
            inside += stratum * width
        found = table.ravel()[inside]
        return np.where(values < 0, -1, found) if values.min(initial=0) < 0 else found
    distinct = np.unique(on.time)
    step = len(distinct) + 1
    keys = on.stratum * step + np.searchsorted(distinct, on.time) + 1
    rank = np.searchsorted(distinct, values, side="right")
    found = np.searchsorted(keys, stratum * step + rank, side="right") - 1
    return np.where(found >= on.start[stratum], found, -1)


def place(block: Block, on: Grid) -> Placed:
    """The block's rows on the grid: searched once, used in every iteration."""
    last = places(on, block.stratum, block.exit)
    before = None if block.entry is None else places(on, block.stratum, block.entry)
    return at_places(block, on, last, before)


def at_places(block: Block, on: Grid, last: Places, before: Places | None) -> Placed:
    """The block at places that are known."""
    events = np.flatnonzero(block.event)
    sparse = None
    if len(last) < COMPILED_FROM:
        sparse = _sparse(last, before, events, len(on.time))
    return Placed(block, last, before, events, _event_covariates(block), sparse)


def _event_covariates(block: Block) -> Array:
    """Sum of weight * x over the events, some rows at a time."""
    factor = block.event.astype(np.float64)
    for times in (block.weight, block.count):
        if times is not None:
            factor *= times
    total = np.zeros(block.x.shape[1])
    step = max(VECTOR // max(len(total), 1), 1)
    for first in range(0, len(factor), step):
        rows = slice(first, first + step)
        total += factor[rows] @ block.x[rows]
    return total


def product(left: Array, used: Array | None, right: Array) -> Array:
    """Left' diag(used) right, so many rows at a time as one thread multiplies."""
    total = np.zeros((left.shape[1], right.shape[1]))
    step = max(MATRIX // max(total.size, 1), 64)
    for first in range(0, len(left), step):
        rows = slice(first, first + step)
        scaled = right[rows] if used is None else used[rows, None] * right[rows]
        total += left[rows].T @ scaled
    return total


def times(left: Array, right: Array) -> Array:
    """Left times a vector, so many rows at a time as one thread multiplies."""
    step = max(VECTOR // max(len(right), 1), 1)
    parts = [left[first : first + step] @ right for first in range(0, len(left), step)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _sparse(last: Places, before: Places | None, events: Places, n_times: int) -> Sparse:
    n = len(last)
    leaving = np.flatnonzero(last >= 0)
    times, rows, sign = last[leaving], leaving, np.ones(len(leaving))
    if before is not None:
        entering = np.flatnonzero(before >= 0)
        times = np.concatenate([times, before[entering]])
        rows = np.concatenate([rows, entering])
        sign = np.concatenate([sign, -np.ones(len(entering))])
    at_risk = csr_matrix((sign, (times, rows)), shape=(n_times, n))
    one = (np.ones(len(events)), (last[events], np.arange(len(events))))
    return Sparse(at_risk, csr_matrix(one, shape=(n_times, len(events))))


def _whole(values: Array) -> bool:
    """Whether every value is a whole number."""
    return bool((values == np.floor(values)).all())


def _table_width(times: Array, n_strata: int) -> int:
    """Whole numbers that a table must hold for each stratum; 0 where there is to be no table."""
    if not len(times) or not _whole(times) or times.min() < 0:
        return 0
    width = float(times.max()) + 1
    return int(width) if width * n_strata <= TABLE else 0
