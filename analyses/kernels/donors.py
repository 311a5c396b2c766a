"""Predictive mean matching: for each patient a donor among the k whose prediction is nearest.

The k nearest of all donors; where donors with one and the same prediction are more than are
wanted, they are drawn for each patient anew (mice draws them once for all, which lets few donors
serve everybody where predictions repeat).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def nearest(donors: Array, wanted: Array, k: int, ranks: Array, spread: Array) -> Places:
    """Place of one donor for each wanted prediction.

    `ranks` and `spread` are uniform draws in [0, 1), one a wanted prediction: the first chooses
    among the k nearest, the second among donors whose prediction is that one's.
    """
    order = np.argsort(donors, kind="stable")
    values = donors[order]
    k = min(k, len(values))
    at = np.searchsorted(values, wanted)
    window = np.clip(at[:, None] + np.arange(-k, k), 0, len(values) - 1)
    distance = np.abs(values[window] - wanted[:, None])
    outside = (at[:, None] + np.arange(-k, k) < 0) | (at[:, None] + np.arange(-k, k) >= len(values))
    distance[outside] = np.inf
    near = np.argsort(distance, axis=1, kind="stable")
    chosen = near[np.arange(len(wanted)), (ranks * k).astype(np.intp)]
    value = values[window[np.arange(len(wanted)), chosen]]
    first = np.searchsorted(values, value, side="left")
    last = np.searchsorted(values, value, side="right")
    return np.asarray(order[first + ((last - first) * spread).astype(np.intp)])
