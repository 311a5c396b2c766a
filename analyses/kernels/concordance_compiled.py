"""Pairs of many rows, compiled: the same numbers as the array code in concordance.py, to rounding.

In the order of the predictor, events ask for the weight of the rows before them that outlive them;
from the other end, rows ask for the weight of the events that they outlive. Weights lie by the
codes of the event times in sums of 64 codes and of 64 x 64. Where events ask, which are fewer than
rows, putting a row touches three sums and asking adds up to 128 neighbours; where rows ask, it is
the other way round. At 1.1 million rows and 4,000 event times 0.1 s of processor for both, against
0.35 s for a Fenwick tree, whose steps wait for each other, and 1.2 s for the array code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.kernels.compiled import compiled
from analyses.kernels.parts import shared

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Totals = tuple[float, float, float]
NO_NUMBERS = np.zeros(0)


def shares(
    order: Places,
    place: Places,
    edges: Places,
    sizes: Places,
    event: Flags,
    code: Places,
    entered: Places | None,
    weight: Array | None,
) -> tuple[Totals, tuple[Array, ...]]:
    """Weighted pairs (lower, tied, all) of the events, and weight of each row's partners, in order.

    Parameters
    ----------
    order, place
        Rows by stratum and predictor, and a number that is the same for ties, in that order.
    edges, sizes
        Where each stratum begins in `order`, with the end; the number of its codes.
    event, code, entered, weight
        By row: whether it is an event, with the code of its time; the code above those of the
        events it outlives, -1 where it outlives none, and the same at its entry.
    """
    n = len(order)
    came = np.zeros(0, dtype=np.int32) if entered is None else entered.astype(np.int32)[order]
    marked = ((code << 1) | event).astype(np.int32)[order]  # one look-up a row instead of two
    own = NO_NUMBERS if weight is None else weight[order]
    given = (place, edges, sizes, marked, came, own)
    ties = int(place[-1]) + 1 < n
    found = np.zeros((2, 3, n))  # memory that is never written costs nothing

    def swept(way: int, _: int) -> None:
        (asked_by_events, asked_by_rows)[way](*given, found[way])

    shared(swept, 2, 2, few=0)
    totals = np.zeros(3)
    for part in (0, 1, 2) if ties else (0, 2):
        totals[part] = put_together(marked, own, found[:, part])
    return (float(totals[0]), float(totals[1]), float(totals[2])), tuple(found[0])


@compiled
def put_together(marked: Any, weight: Any, found: Any) -> float:
    """Pairs of the events added; the second sweep's shares are added to the first's."""
    total = 0.0
    for k in range(len(marked)):
        if marked[k] & 1:
            total += found[0, k] * (weight[k] if len(weight) else 1.0)
        found[0, k] += found[1, k]
    return total


@compiled
def tied_until(place: Any, start: int, edge: int) -> int:
    """Where the rows tied with the one at `start` end."""
    end = start
    while end < edge and place[end] == place[start]:
        end += 1
    return end


@compiled
def add(one: Any, some: Any, many: Any, code: int, value: float) -> None:
    """Puts weight at a code: quick to put, slow to ask (`below`)."""
    one[code] += value
    some[code >> 6] += value
    many[code >> 12] += value


@compiled
def below(one: Any, some: Any, many: Any, code: int) -> float:
    """Weight that `add` put at the codes below one."""
    total = 0.0
    for i in range(code >> 12):
        total += many[i]
    for i in range((code >> 12) << 6, code >> 6):
        total += some[i]
    for i in range((code >> 6) << 6, code):
        total += one[i]
    return total


@compiled
def add_onward(one: Any, some: Any, many: Any, code: int, value: float) -> None:
    """Puts weight at a code: slow to put, quick to ask (`before`)."""
    for i in range(code, min(((code >> 6) + 1) << 6, len(one))):
        one[i] += value
    for i in range((code >> 6) + 1, min(((code >> 12) + 1) << 6, len(some))):
        some[i] += value
    for i in range((code >> 12) + 1, len(many)):
        many[i] += value


@compiled
def before(one: Any, some: Any, many: Any, code: int) -> float:
    """Weight that `add_onward` put at the codes below one."""
    at = code - 1
    return one[at] + some[at >> 6] + many[at >> 12] if at >= 0 else 0.0


@compiled
def put(
    one: Any, some: Any, many: Any, marked: Any, came: Any, weight: Any, start: int, end: int
) -> float:
    """Puts rows where they leave the risk sets, and takes them off where they entered."""
    held = 0.0
    for k in range(start, end):
        w = weight[k] if len(weight) else 1.0
        if marked[k] >= 0:
            add(one, some, many, (marked[k] >> 1) + 1 - (marked[k] & 1), w)
            held += w
        if len(came) and came[k] >= 0:
            add(one, some, many, came[k] + 1, -w)
            held -= w
    return held


@compiled
def asked_by_events(
    place: Any, edges: Any, sizes: Any, marked: Any, came: Any, weight: Any, found: Any
) -> None:
    """For each event the weight of rows outliving it: lower, tied with it, and all."""
    for s in range(len(sizes)):
        size = sizes[s] + 1
        one, some, many = np.zeros(size), np.zeros((size >> 6) + 1), np.zeros((size >> 12) + 1)
        held = 0.0
        start = edges[s]
        while start < edges[s + 1]:
            end = tied_until(place, start, edges[s + 1])
            for k in range(start, end):
                if marked[k] & 1:
                    found[0, k] = held - below(one, some, many, (marked[k] >> 1) + 1)
            held += put(one, some, many, marked, came, weight, start, end)
            if end - start > 1:
                for k in range(start, end):
                    if marked[k] & 1:
                        so_far = held - below(one, some, many, (marked[k] >> 1) + 1)
                        found[1, k] = so_far - found[0, k]
            start = end
        write_all(one, held, marked, edges[s], edges[s + 1], found[2])


@compiled
def write_all(one: Any, held: float, marked: Any, start: int, end: int, found: Any) -> None:
    """For each event the weight of all rows outliving it."""
    for code in range(1, len(one)):
        one[code] += one[code - 1]
    for k in range(start, end):
        if marked[k] & 1:
            found[k] = held - one[marked[k] >> 1]


@compiled
def outlived(one: Any, some: Any, many: Any, marked: int, came: int) -> float:
    """Weight of the events that a row outlives, of those put so far."""
    total = 0.0
    if marked >= 0:
        total += before(one, some, many, (marked >> 1) + 1 - (marked & 1))
    if came >= 0:
        total -= before(one, some, many, came + 1)
    return total


@compiled
def asked_by_rows(
    place: Any, edges: Any, sizes: Any, marked: Any, came: Any, weight: Any, found: Any
) -> None:
    """For each row the weight of events it outlives: higher, tied with it, and all."""
    for s in range(len(sizes)):
        size = sizes[s] + 1
        one, some, many = np.zeros(size), np.zeros((size >> 6) + 1), np.zeros((size >> 12) + 1)
        end = edges[s + 1]
        while end > edges[s]:
            start = end - 1
            while start > edges[s] and place[start - 1] == place[end - 1]:
                start -= 1
            for k in range(start, end):
                at = came[k] if len(came) else -1
                found[0, k] = outlived(one, some, many, marked[k], at)
            for k in range(start, end):
                if marked[k] & 1:
                    w = weight[k] if len(weight) else 1.0
                    add_onward(one, some, many, marked[k] >> 1, w)
            if end - start > 1:
                for k in range(start, end):
                    at = came[k] if len(came) else -1
                    found[1, k] = outlived(one, some, many, marked[k], at) - found[0, k]
            end = start
        for k in range(edges[s], edges[s + 1]):
            at = came[k] if len(came) else -1
            found[2, k] = outlived(one, some, many, marked[k], at)
