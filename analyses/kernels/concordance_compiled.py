"""Pairs of many rows, compiled: the same numbers as the array code in concordance.py, to rounding.

In the order of the predictor, events ask a Fenwick tree over the codes of the event times for the
weight of the rows before them that outlive them; from the other end, rows ask for the weight of
the events that they outlive. One thread each way: at 1.1 million rows and 4,000 event times 0.1 s
of processor, against 1.2 s for the array code (and 0.13 s for sorting the predictor, for both).
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


def shares(
    order: Places,
    place: Places,
    edges: Places,
    sizes: Places,
    event: Flags,
    code: Places,
    entered: Places | None,
    weight: Array,
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
    """Weight of (lower, tied, all) partners of each row, as an event and as a row outliving one.

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
    came = np.zeros(0, dtype=np.intp) if entered is None else entered[order]
    given = (place, edges, sizes, event[order], code[order], came, weight[order])

    def swept(way: int, _: int) -> Array:
        found = np.zeros((3, n))
        (asked_by_events, asked_by_rows)[way](*given, found)
        result = np.empty((3, n))
        result[:, order] = found
        return result

    as_event, as_row = shared(swept, 2, 2, few=0)
    return (*as_event,), (*as_row,)


@compiled
def add(tree: Any, code: int, value: float) -> None:
    """Puts weight at a code."""
    at = code + 1
    while at < len(tree):
        tree[at] += value
        at += at & -at


@compiled
def below(tree: Any, code: int) -> float:
    """Weight at the codes below one."""
    total = 0.0
    at = code
    while at > 0:
        total += tree[at]
        at -= at & -at
    return total


@compiled
def tied_until(place: Any, start: int, edge: int) -> int:
    """Where the rows tied with the one at `start` end."""
    end = start
    while end < edge and place[end] == place[start]:
        end += 1
    return end


@compiled
def put(tree: Any, event: Any, code: Any, came: Any, weight: Any, start: int, end: int) -> float:
    """Puts rows where they leave the risk sets, and takes them off where they entered."""
    held = 0.0
    for k in range(start, end):
        if code[k] >= 0:
            add(tree, code[k] + (0 if event[k] else 1), weight[k])
            held += weight[k]
        if len(came) and came[k] >= 0:
            add(tree, came[k] + 1, -weight[k])
            held -= weight[k]
    return held


@compiled
def asked_by_events(
    place: Any, edges: Any, sizes: Any, event: Any, code: Any, came: Any, weight: Any, found: Any
) -> None:
    """For each event the weight of rows outliving it: lower, tied with it, and all."""
    for s in range(len(sizes)):
        tree = np.zeros(sizes[s] + 1)
        held = 0.0
        start = edges[s]
        while start < edges[s + 1]:
            end = tied_until(place, start, edges[s + 1])
            for k in range(start, end):
                if event[k]:
                    found[0, k] = held - below(tree, code[k] + 1)
            held += put(tree, event, code, came, weight, start, end)
            if end - start > 1:
                for k in range(start, end):
                    if event[k]:
                        found[1, k] = held - below(tree, code[k] + 1) - found[0, k]
            start = end
        for k in range(edges[s], edges[s + 1]):
            if event[k]:
                found[2, k] = held - below(tree, code[k] + 1)


@compiled
def outlived(tree: Any, event: bool, code: int, came: int) -> float:
    """Weight of the events in the tree that a row outlives."""
    total = 0.0
    if code >= 0:
        total += below(tree, code + (0 if event else 1))
    if came >= 0:
        total -= below(tree, came + 1)
    return total


@compiled
def asked_by_rows(
    place: Any, edges: Any, sizes: Any, event: Any, code: Any, came: Any, weight: Any, found: Any
) -> None:
    """For each row the weight of events it outlives: higher, tied with it, and all."""
    for s in range(len(sizes)):
        tree = np.zeros(sizes[s] + 1)
        end = edges[s + 1]
        while end > edges[s]:
            start = end - 1
            while start > edges[s] and place[start - 1] == place[end - 1]:
                start -= 1
            for k in range(start, end):
                at = came[k] if len(came) else -1
                found[0, k] = outlived(tree, event[k], code[k], at)
            for k in range(start, end):
                if event[k]:
                    add(tree, code[k], weight[k])
            if end - start > 1:
                for k in range(start, end):
                    at = came[k] if len(came) else -1
                    found[1, k] = outlived(tree, event[k], code[k], at) - found[0, k]
            end = start
        for k in range(edges[s], edges[s + 1]):
            at = came[k] if len(came) else -1
            found[2, k] = outlived(tree, event[k], code[k], at)
