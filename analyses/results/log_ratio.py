"""An estimate on the log scale: its numbers by name, and the ratio that it is off that scale."""

from __future__ import annotations

import math
from typing import Any, Protocol

LARGEST_LOG = 700.0  # exp beyond this is not a number a machine holds
NUMBERS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


class LogRatio(Protocol):
    """The logarithm of a ratio with its limits, None where not defined."""

    @property
    def estimate(self) -> float | None:
        """The logarithm of the ratio."""

    @property
    def conf_low(self) -> float | None:
        """The lower limit."""

    @property
    def conf_high(self) -> float | None:
        """The upper limit."""


def off_log(value: float | None) -> float | None:
    """The number off the log scale, or None where it is not defined or too large to write."""
    return None if value is None or value > LARGEST_LOG else math.exp(value)


def ratio_of(found: LogRatio) -> tuple[float | None, float | None, float | None]:
    """The ratio with its limits; None where not defined or too large to write."""
    return off_log(found.estimate), off_log(found.conf_low), off_log(found.conf_high)


def numbers_of(found: LogRatio) -> dict[str, Any]:
    """Estimate, error, test and limits by name, on the log scale."""
    return {name: getattr(found, name) for name in NUMBERS}
