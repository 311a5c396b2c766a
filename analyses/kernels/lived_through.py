"""The Nelson-Aalen cumulative hazard that each patient has lived through."""

from __future__ import annotations

import numpy as np

from analyses.kernels.product_limit import Array, Bools, count


def lived_through(time: Array, event: Bools, entry: Array | None = None) -> Array:
    """Sum of events over numbers at risk up to each patient's own time, from entry.

    White and Royston (2009), Stat. Med. 28, 1982-1998: with the event indicator, what a
    conditional model of a covariate must know of follow-up. At risk: entry < t <= exit; an event
    at the patient's own time counts. Checked against
    `mice::nelsonaalen` in tests/analyses/test_imputation_models.py.
    """
    one = np.zeros(len(time), dtype=np.intp)
    found = count(time, event, one, 1, entry=entry)
    at_risk, events = found.n_risk[0], found.events[0]
    steps = np.divide(events, at_risk, out=np.zeros_like(events), where=at_risk > 0)
    hazard = np.concatenate([[0.0], np.cumsum(steps)])
    lived = hazard[np.searchsorted(found.time, time, side="right")]
    if entry is not None:
        lived = lived - hazard[np.searchsorted(found.time, entry, side="right")]
    return np.asarray(lived)
