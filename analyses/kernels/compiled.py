"""How loops over rows are compiled.

Numba compiles at the first call (seconds) and keeps what it made in a folder where it can write
one; where it cannot (a locked-down machine, an executor) the code is compiled in each process.
Sums may be reordered within a row (`reassoc`) and fused (`contract`); nothing may be assumed of
NaN or infinity, on which the maximiser's retreat relies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled for the types of its arguments when it is first called."""
    options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc", "contract"}}
    try:
        made: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for a cache can be written
        made = numba.njit(**options)(function)
    return made
