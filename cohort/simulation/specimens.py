"""Synthetic patients with two specimens each, whose change of HER2 and whose reading are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cohort.schema import HER2_GROUPS
from cohort.simulation.draws import Draws, Whole, where

if TYPE_CHECKING:
    import pandas as pd

Second = Literal["metastasis", "residual"]

# Shares of zero, low and positive in the first specimen.
FIRST = (0.35, 0.50, 0.15)
# From the group of the first (row) to that of the second. After neoadjuvant therapy 39.5 % of
# zero became low and 14.3 % of low became zero (PMC10575949); the other cells are made, so that
# between a primary and a metastasis about a third change (27.6 to 49.6 % in series).
TRANSITIONS: dict[Second, tuple[tuple[float, float, float], ...]] = {
    "residual": ((0.595, 0.395, 0.01), (0.143, 0.837, 0.02), (0.05, 0.15, 0.80)),
    "metastasis": ((0.64, 0.34, 0.02), (0.28, 0.67, 0.05), (0.04, 0.12, 0.84)),
}
_RELAPSE_DAY = (180, 3000)
_SURGERY_DAY = (120, 240)
_FOLLOW_UP = (3000, 5000)
_STREAM = 7_131  # tells these draws from those of the registry of the same seed


def simulated_specimens(
    n: int, *, seed: int = 20250131, second: Second = "metastasis", disagreement: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Patients and their specimens in canonical columns, for the source ``canonical``.

    Parameters
    ----------
    n
        Patients; each has two specimens.
    second
        ``metastasis`` (at recurrence) or ``residual`` (the primary after neoadjuvant therapy).
    disagreement
        Share of readings in which a score of 0 or 1+ is called the other one, as readers do.

    Returns
    -------
    tuple of pandas.DataFrame
        Patients with ``hr_status`` and follow-up; specimens with score and in-situ result. The
        column ``true_group`` of the specimens is no canonical column: it is what they are.
    """
    import pandas as pd

    draws = Draws(n, (seed, _STREAM))
    first = draws.one_of(FIRST)
    later = draws.one_of(np.array(TRANSITIONS[second])[first])
    ids = [f"s{i:07d}" for i in range(n)]
    receptor = draws.chance(np.where(first == 1, 0.8, 0.65))
    dead = draws.chance(0.3)
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "hr_status": where(receptor, "positive", "negative"),
            "vital_status": where(dead, "dead", "alive"),
            "followup_days": draws.whole(*_FOLLOW_UP),
        }
    )
    start: dict[str, Any] = {
        "specimen_day": 0,
        "specimen_site": "primary",
        "specimen_timing": "before_treatment",
    }
    parts = [
        _specimens(draws, first, disagreement).assign(**start),
        _specimens(draws, later, disagreement).assign(**_second(draws, second)),
    ]
    for part, name in zip(parts, ("first", "second"), strict=True):
        part.insert(0, "patient_id", ids)
        part.insert(1, "specimen_id", name)
    return patients, pd.concat(parts, ignore_index=True)


def _second(draws: Draws, second: Second) -> dict[str, Any]:
    """Day, site and timing of the second specimens."""
    if second == "metastasis":
        day = draws.whole(*_RELAPSE_DAY)
        return {"specimen_day": day, "specimen_site": "distant", "specimen_timing": "recurrence"}
    return {
        "specimen_day": draws.whole(*_SURGERY_DAY),
        "specimen_site": "primary",
        "specimen_timing": "after_neoadjuvant",
    }


def _specimens(draws: Draws, group: Whole, disagreement: float) -> pd.DataFrame:
    """Score and in-situ result of specimens of known groups, as they were read."""
    import pandas as pd

    two = draws.chance(0.4)
    score = np.select([group == 0, two, group == 1], [0, 2, 1], 3)
    misread = draws.chance(disagreement) & (score < 2)
    read = np.where(misread, 1 - score, score)
    ish = where(group == 2, "positive", "negative")
    ish[read != 2] = None
    names = np.array(["0", "1+", "2+", "3+"], dtype=np.object_)
    truth = np.array(HER2_GROUPS, dtype=np.object_)
    return pd.DataFrame({"her2_ihc": names[read], "her2_ish": ish, "true_group": truth[group]})
