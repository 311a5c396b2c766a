"""Uno's concordance: the pairs of each event count 1 / G(its time -) squared, up to a last time.

What the concordance of a predictor tends to then does not depend on how long patients were
followed (Uno et al., 2011). The weights count as known in the standard error, as in R's
`concordance(timewt = "n/G2")`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyses.kernels.concordance import (
    by_row,
    comparable_of,
    dominated_of,
    line_of,
    ranked,
    tied_of,
)

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


class TimeWeighted(NamedTuple):
    """Share of weighted pairs that are concordant (ties one half) and its standard error."""

    estimate: float
    std_error: float


def time_weighted_concordance(
    predictor: Array,
    event: Flags,
    last: Places,
    start: Places,
    stratum: Places,
    event_weight: Array,
) -> TimeWeighted | None:
    """Concordance with pairs that count by their event; None where no pair counts.

    `last` and `start` as in `count_pairs`; `event_weight` is read at events, 0 past the last time.
    """
    ones = np.ones(len(predictor))
    order, place = ranked(predictor, stratum)
    line = line_of(order, place, event, last, None, start[stratum], ones)
    line = replace(line, value=np.where(line.is_event, event_weight[line.row], line.value))
    own = stratum[line.row]
    parts = (dominated_of(line, own), tied_of(line), comparable_of(line, own, start))
    n = len(predictor)
    as_event = [event_weight * by_row(line, line.is_event * part, n) for part in parts]
    as_row = [by_row(line, ~line.is_event * part, n) for part in parts]
    concordant, tied, every = (float(part.sum()) for part in as_event)
    if every <= 0:
        return None
    somers = (2 * concordant + tied - every) / every
    higher, same, whole = (one + other for one, other in zip(as_event, as_row, strict=True))
    influence = (2 * higher + same - whole - somers * whole) / every
    return TimeWeighted((somers + 1) / 2, float(np.sqrt(influence @ influence)) / 2)
