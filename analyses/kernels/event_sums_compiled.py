"""Covariates of events added by their time, compiled: the same numbers as the array code."""

from __future__ import annotations

from typing import Any

import numpy as np

from analyses.kernels.compiled import compiled
from analyses.kernels.risk_sets import Array, Grid, Placed


def event_sums(placed: Placed, on: Grid, weight: Array | None) -> Array:
    """As `proportionality.event_sums`: times x p, adds over blocks."""
    total = np.zeros((len(on.time), placed.block.x.shape[1]))
    used = np.zeros(0) if weight is None else weight
    add_events(placed.block.x, used, placed.last, placed.events, total)
    return total


@compiled
def add_events(x: Any, weight: Any, last: Any, events: Any, total: Any) -> None:
    """Covariates of the events added by their time."""
    for i in events:
        w = weight[i] if len(weight) else 1.0
        for j in range(x.shape[1]):
            total[last[i], j] += w * x[i, j]
