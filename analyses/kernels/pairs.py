"""Greedy nearest-neighbour matching without replacement, in nearly linear time.

Treated rows take their nearest free control in turn. Controls are kept in bins of one score each,
rising; an empty bin points to its nearest neighbour that is not (path-compressed), so that a
search looks at two bins, however many controls are gone.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def nearest(treated: Array, controls: Array, ratio: int, caliper: float) -> list[tuple[int, int]]:
    """(treated, control) pairs: largest treated score first, `ratio` rounds, ties by row order.

    `caliper` is the largest distance allowed (infinite for none). Each round gives every treated
    row at most one control, so that nobody has two while another could still have one.
    """
    bins, place = np.unique(controls, return_inverse=True)
    order = np.lexsort((np.arange(len(controls)), place))
    queues = np.split(order, np.cumsum(np.bincount(place))[:-1]) if len(controls) else []
    free = _Free([list(map(int, queue)) for queue in queues], bins)
    pairs = []
    turns = np.argsort(-treated, kind="stable")
    for _ in range(ratio):
        for row in map(int, turns):
            control = free.taken(float(treated[row]), caliper)
            if control is not None:
                pairs.append((row, control))
    return pairs


class _Free:
    """Controls that nobody has taken, by bins of one score each."""

    def __init__(self, queues: list[list[int]], bins: Array) -> None:
        self._bins: list[float] = bins.tolist()
        self._queues = queues
        self._next = [0] * len(queues)
        # One more at either end: nothing is left on that side.
        self._right = list(range(len(queues) + 1))
        self._left = list(range(len(queues) + 1))

    def taken(self, score: float, caliper: float) -> int | None:
        """The nearest free control, taken; None where none is within the caliper."""
        place = bisect_left(self._bins, score)
        right = _end(self._right, place)
        left = _end(self._left, place) - 1  # bins below `place`, shifted by one
        chosen = self._nearer(score, left, right)
        if chosen is None or abs(self._bins[chosen] - score) > caliper:
            return None
        queue = self._queues[chosen]
        control = queue[self._next[chosen]]
        self._next[chosen] += 1
        if self._next[chosen] == len(queue):
            self._right[chosen] = chosen + 1
            self._left[chosen + 1] = chosen
        return control

    def _nearer(self, score: float, left: int, right: int) -> int | None:
        some_left, some_right = left >= 0, right < len(self._bins)
        if not (some_left and some_right):
            return left if some_left else right if some_right else None
        below, above = abs(self._bins[left] - score), abs(self._bins[right] - score)
        if below == above:
            heads = (self._queues[b][self._next[b]] for b in (left, right))
            first, second = heads
            return left if first < second else right
        return left if below < above else right


def _end(link: list[int], start: int) -> int:
    """Where a chain of links ends; every link on the way is made to point there."""
    end = start
    while link[end] != end:
        end = link[end]
    while link[start] != end:
        link[start], start = end, link[start]
    return end
