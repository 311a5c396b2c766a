"""Lengths of time as a study states them, and their one conversion to the follow-up's unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cohort.table import TimeUnit

Unit = Literal["days", "months", "years"]

# 1 year = 365.25 days = 12 months; everything else follows.
DAYS = {"days": 1.0, "months": 365.25 / 12, "years": 365.25}
MONTHS = {"days": 12 / 365.25, "months": 1.0, "years": 12.0}


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time with its unit, such as 10 years."""

    value: float
    unit: Unit

    def within(self, unit: TimeUnit) -> float:
        """The length in the unit of follow-up (1 year = 365.25 days = 12 months)."""
        factors = DAYS if unit == "days" else MONTHS
        return self.value * factors[self.unit]

    def __str__(self) -> str:
        """As a person writes it: ``5 years``, ``1 year``."""
        unit = self.unit if self.value != 1 else self.unit[:-1]
        return f"{self.value:g} {unit}"
