"""What the axes of a figure of follow-up are called."""

from __future__ import annotations

from dataclasses import dataclass

from cohort.table import TimeUnit


@dataclass(frozen=True, slots=True)
class AxisWords:
    """What the axes are called: the outcome, what time zero is, the unit of follow-up."""

    outcome: str = "Survival"
    origin: str = ""
    time_unit: TimeUnit | None = None
