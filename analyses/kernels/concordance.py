"""Concordance of a predictor with survival: pairs counted in O(n log n) without a loop over rows.

An event at grid time i makes a pair with every row still at risk just after it; a censoring on
the same day is after, another event on that day is not. With a code for each row such that the
pair exists where code > i, counting the pairs in which the event's predictor is the higher one
is counting dominance in two dimensions: the rows stand in the order of the predictor, and bit by
bit of the code, from the highest, those with bit 1 are later than those with bit 0 whose higher
bits are the same. Delayed entry takes the row away again, by its code at entry.

From `COMPILED_FROM` rows on compiled code counts the same pairs (concordance_compiled.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from analyses.kernels.risk_sets import COMPILED_FROM

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)
Totals = tuple[float, float, float]
TIED = 1e-12  # predictors closer than this, relative to the largest, are one value


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Weighted pairs by kind, and each row's share in them.

    Concordant: the higher predictor had the event first. `row_concordant`, `row_discordant` and
    `row_tied` are the summed weights of each row's partners, not multiplied by its own; they stand
    in the order `rows` where that is given: putting many back costs as much as counting them.
    """

    concordant: float
    discordant: float
    tied_x: float
    tied_y: float
    tied_xy: float
    row_concordant: Array
    row_discordant: Array
    row_tied: Array
    rows: Places | None = None

    def in_order(self, values: npt.NDArray[T]) -> npt.NDArray[T]:
        """Values by row in the order of the rows here."""
        return values if self.rows is None else values[self.rows]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Elements in the order of stratum and predictor: events, and rows at risk.

    `value` is an event's weight, or what a row adds to the risk sets (negative for the element
    that takes it away before its entry). An event stands before the rows of equal predictor.
    """

    row: Places
    place: Places
    code: Places
    value: Array
    is_event: Flags


def count_pairs(
    predictor: Array,
    event: Flags,
    last: Places,
    start: Places,
    stratum: Places,
    before: Places | None = None,
    weight: Array | None = None,
) -> Pairs:
    """Concordant, discordant and tied pairs within strata, with the conventions of R's survival.

    `last`, `before` and `start` are places on the grid of distinct event times: the last one at
    which a row is at risk, the last one before its entry (-1: none), and the first of each stratum
    with the grid's length at the end.
    """
    n = len(predictor)
    order, place = ranked(predictor, stratum)
    ways = _compiled_shares if n >= COMPILED_FROM else _shares
    totals, (higher, tied, whole) = ways(order, place, event, last, before, start, stratum, weight)
    concordant, tied_x, every = totals
    deaths = np.flatnonzero(event)
    weight = np.ones(n) if weight is None else weight
    by_time = _pairs_within(last[deaths], weight[deaths])
    by_both = 0.0
    if place[-1] + 1 < n:
        deaths = order[event[order]]
        same = place[event[order]] * (int(last.max(initial=0)) + 1) + last[deaths]
        by_both = _pairs_within(np.unique(same, return_inverse=True)[1], weight[deaths])
    return Pairs(
        concordant,
        every - concordant - tied_x,
        tied_x,
        by_time - by_both,
        by_both,
        higher,
        whole - higher - tied,
        tied,
        order if n >= COMPILED_FROM else None,
    )


def standard_error(
    pairs: Pairs, weight: Array | None, cluster: Places | None, *, as_counts: bool = False
) -> float:
    """Infinitesimal-jackknife standard error of the concordance; rows of one cluster together.

    With `as_counts` a row of weight w is w patients, each with its own influence.
    """
    n = pairs.concordant + pairs.discordant + pairs.tied_x
    somers = (pairs.concordant - pairs.discordant) / n
    every = pairs.row_concordant + pairs.row_discordant + pairs.row_tied
    influence = (pairs.row_concordant - pairs.row_discordant - somers * every) / n
    if weight is not None:
        own = pairs.in_order(weight)
        influence = influence * (np.sqrt(own) if as_counts else own)
    if cluster is not None:
        influence = np.asarray(np.bincount(pairs.in_order(cluster), influence))
    return float(np.sqrt(influence @ influence) / 2)


def _shares(
    order: Places,
    place: Places,
    event: Flags,
    last: Places,
    before: Places | None,
    start: Places,
    stratum: Places,
    weight: Array | None,
) -> tuple[Totals, tuple[Array, ...]]:
    """Weighted pairs (lower, tied, all) of the events, and weight of each row's partners."""
    weight = np.ones(len(event)) if weight is None else weight
    line = line_of(order, place, event, last, before, start[stratum], weight)
    own = stratum[line.row]
    parts = (dominated_of(line, own), tied_of(line), comparable_of(line, own, start))
    sign = np.where(line.is_event, 0.0, np.sign(line.value))
    n = len(event)
    as_event = [by_row(line, line.is_event * part, n) for part in parts]
    rows = [one + by_row(line, sign * part, n) for one, part in zip(as_event, parts, strict=True)]
    concordant, tied, every = (float((weight * event) @ one) for one in as_event)
    return (concordant, tied, every), (rows[0], rows[1], rows[2])


def _compiled_shares(
    order: Places,
    place: Places,
    event: Flags,
    last: Places,
    before: Places | None,
    start: Places,
    stratum: Places,
    weight: Array | None,
) -> tuple[Totals, tuple[Array, ...]]:
    """As `_shares`, for many rows."""
    from analyses.kernels.concordance_compiled import shares

    n_strata = len(start) - 1
    edges = np.concatenate([[0], np.cumsum(np.bincount(stratum, minlength=n_strata))])
    first = start[stratum] if n_strata > 1 else start[0]
    code = np.where(last >= 0, last - first, -1)
    entered = None if before is None else np.where(before >= 0, before - first, -1)
    return shares(order, place, edges, np.diff(start) + 1, event, code, entered, weight)


def ranked(predictor: Array, stratum: Places) -> tuple[Places, Places]:
    """Rows in the order of stratum and predictor, and a number that is the same for ties."""
    many = stratum.max(initial=0) > 0
    order = _ascending(predictor)
    if many:
        order = order[np.argsort(stratum[order], kind="stable")]
    ordered = predictor[order]
    with np.errstate(invalid="ignore"):  # the gap between two rows at minus infinity
        new = np.diff(ordered) > TIED * _largest(predictor)
    if many:
        new |= np.diff(stratum[order]) != 0
    return order, np.concatenate([[0], np.cumsum(new)])[: len(order)]


def _ascending(values: Array) -> Places:
    if len(values) < COMPILED_FROM:
        return np.argsort(values)
    from analyses.kernels.ordering import ascending

    return ascending(values)


def _largest(values: Array) -> float:
    """Largest finite distance from zero."""
    largest = max(-float(values.min(initial=0.0)), float(values.max(initial=0.0)))
    return largest if np.isfinite(largest) else float(np.abs(values[np.isfinite(values)]).max())


def line_of(
    order: Places,
    place: Places,
    event: Flags,
    last: Places,
    before: Places | None,
    start: Places,
    weight: Array,
) -> Line:
    """The rows as they are walked through, events before what they are paired with."""
    deaths = event[order]
    staying = last[order] >= 0
    rows = [order[deaths], order[staying]]
    places = [2 * place[deaths], 2 * place[staying] + 1]
    codes = [
        (last - start)[rows[0]],
        (last - start)[rows[1]] + ~event[rows[1]],
    ]
    values = [weight[rows[0]], weight[rows[1]]]
    if before is not None:
        entering = before[order] >= 0
        rows.append(order[entering])
        places.append(2 * place[entering] + 1)
        codes.append((before - start)[rows[2]] + 1)
        values.append(-weight[rows[2]])
    where = np.concatenate(places)
    merged = np.argsort(where, kind="stable")
    is_event = np.zeros(len(where), dtype=bool)
    is_event[: len(rows[0])] = True
    joined = [np.concatenate(part)[merged] for part in (rows, codes)]
    return Line(
        joined[0], where[merged], joined[1], np.concatenate(values)[merged], is_event[merged]
    )


def comparable_of(line: Line, stratum: Places, start: Places) -> Array:
    """Weight of all partners of each element: for an event the rows with a higher code."""
    first = start + np.arange(len(start))  # a stratum has one code more than event times
    cell = first[stratum] + line.code
    size = first[-1]
    rows = np.cumsum(np.bincount(cell, np.where(line.is_event, 0.0, line.value), size))
    deaths = np.cumsum(np.bincount(cell, np.where(line.is_event, line.value, 0.0), size))
    later = rows[first[stratum + 1] - 1] - rows[cell]
    deaths = np.concatenate([[0.0], deaths])
    earlier = deaths[cell] - deaths[first[stratum]]
    return np.asarray(np.where(line.is_event, later, earlier))


def dominated_of(line: Line, stratum: Places) -> Array:
    """Weight of each element's partners in concordant pairs."""
    result = np.zeros(len(line.row))
    elements = np.arange(len(line.row), dtype=np.int32)
    code, group = line.code.astype(np.int32), stratum.astype(np.int64)
    value, is_event = line.value, line.is_event
    for bit in reversed(range(int(line.code.max(initial=0)).bit_length())):
        one = (code >> bit & 1).astype(bool)
        used = np.flatnonzero(one != is_event)
        result[elements[used]] += _gathered(group[used], value[used], is_event[used])
        group = 2 * group + one
        order = np.concatenate([np.flatnonzero(~one), np.flatnonzero(one)])
        elements, code, value = elements[order], code[order], value[order]
        is_event, group = is_event[order], group[order]
    return result


def _gathered(group: Places, value: Array, is_event: Flags) -> Array:
    """For an event the rows before it in its group, for a row the events after it."""
    if not len(group):
        return np.zeros(0)
    first = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    length = np.diff(np.append(first, len(group)))
    rows = np.cumsum(np.where(is_event, 0.0, value))
    deaths = np.cumsum(np.where(is_event, value, 0.0))
    base = np.concatenate([[0.0], rows])[first]
    total = deaths[first + length - 1]
    after = np.repeat(total, length) - deaths
    return np.asarray(np.where(is_event, rows - np.repeat(base, length), after))


def tied_of(line: Line) -> Array:
    """Weight of each element's partners with an equal predictor."""
    result = np.zeros(len(line.row))
    group = line.place // 2
    size = np.bincount(group)
    shared = np.flatnonzero(size[group] > 1)
    if not len(shared):
        return result
    width = int(line.code.max(initial=0)) + 1
    later_first = (width - 1 - line.code[shared]) * 2 + ~line.is_event[shared]
    order = shared[np.argsort(group[shared] * (2 * width) + later_first, kind="stable")]
    result[order] = _gathered(group[order], line.value[order], line.is_event[order])
    return result


def by_row(line: Line, values: Array, n: int) -> Array:
    """What stands at each place of the line, added by row (n)."""
    return np.asarray(np.bincount(line.row, values, minlength=n), dtype=np.float64)


def _pairs_within(group: Places, weight: Array) -> float:
    """Weighted pairs of rows of the same group."""
    if not len(group):
        return 0.0
    return float((np.bincount(group, weight) ** 2 - np.bincount(group, weight**2)).sum() / 2)
