"""Compiled loops over rows: how they are compiled, and how rows are shared between threads.

Numba compiles at the first call (seconds) and keeps what it made in a folder where it can write
one; where it cannot (a locked-down machine, an executor) the code is compiled in each process.
Sums may be reordered within a row (`reassoc`) and fused (`contract`); nothing may be assumed of
NaN or infinity, on which the maximiser's retreat relies.

Rows are shared out in parts whose number does not depend on the machine, and the parts' sums are
added in their order: the same rows give the same bytes on any number of threads.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numba

T = TypeVar("T")
PARTS = 4


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled for the types of its arguments when it is first called."""
    options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc", "contract"}}
    try:
        made: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for a cache can be written
        made = numba.njit(**options)(function)
    return made


def shared(work: Callable[[int, int], T], n: int, parts: int = PARTS) -> list[T]:
    """What `work(first row, row after the last)` gives for each part of n rows, in order."""
    edges = [n * k // parts for k in range(parts + 1)]
    threads = min(parts, os.cpu_count() or 1)
    if threads == 1:
        return [work(*part) for part in itertools.pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, edges[:-1], edges[1:]))
