"""Rows shared out between threads in parts whose number does not depend on the machine.

What the parts give is put together in their order: the same rows give the same bytes on any
number of threads.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
PARTS = 4
FEW = 50_000  # rows for which a thread is not worth its start


def shared(work: Callable[[int, int], T], n: int, parts: int = PARTS, few: int = FEW) -> list[T]:
    """What `work(first row, row after the last)` gives for each part of n rows, in order."""
    edges = [n * k // parts for k in range(parts + 1)]
    threads = min(parts, os.cpu_count() or 1)
    if threads == 1 or n < few:
        return [work(*part) for part in itertools.pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, edges[:-1], edges[1:]))
