"""Approvals that changed what HER2-low patients are treated with, by date.

From memory, not checked in a source: reports mark them so. Follow-up past them mixes patients who
could and who could not be given trastuzumab deruxtecan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class TreatmentEra:
    """The end of an era of treatment: its id, its last day, what began then, whether checked."""

    id: str
    until: date
    meaning: str
    is_checked: bool


TREATMENT_ERAS = (
    TreatmentEra(
        "her2_low", date(2022, 8, 5), "approval of trastuzumab deruxtecan in HER2-low", False
    ),
    TreatmentEra(
        "her2_ultralow",
        date(2025, 1, 27),
        "approval of trastuzumab deruxtecan in HER2-ultralow",
        False,
    ),
)
