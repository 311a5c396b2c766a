"""Arrays that cannot change: the state of a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def frozen(values: Any) -> Array:
    """A read-only float copy of the values; inside arrays NaN stands for "not defined"."""
    array = np.array(values, dtype=np.float64, copy=True)
    array.setflags(write=False)
    return array


def defined(value: float) -> float | None:
    """The number as a plain float, or None where it is not finite."""
    return float(value) if np.isfinite(value) else None
