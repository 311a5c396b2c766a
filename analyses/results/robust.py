"""One estimate as robustness looks at it: a log hazard ratio, its limits, what is concluded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Conclusion = Literal["lower", "higher", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A log hazard ratio with its limits, and the patients and events of the two groups."""

    estimate: float
    std_error: float | None
    conf_low: float | None
    conf_high: float | None
    n: int
    n_event: int

    @property
    def conclusion(self) -> Conclusion:
        """On which side of 1 both limits lie; ``inconclusive`` where they hold 1 or are absent."""
        return concluded(self.conf_low, self.conf_high)

    @property
    def hazard_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Off the logarithmic scale; None where it is too large to write."""
        return (risen(self.estimate), risen(self.conf_low), risen(self.conf_high))


def concluded(low: float | None, high: float | None, null: float = 0.0) -> Conclusion:
    """On which side of `null` limits lie."""
    if low is None or high is None:
        return "inconclusive"
    if high < null:
        return "lower"
    return "higher" if low > null else "inconclusive"


def risen(value: float | None) -> float | None:
    """The number off the logarithmic scale; None where absent or too large to write."""
    return None if value is None or value > 700.0 else math.exp(value)
