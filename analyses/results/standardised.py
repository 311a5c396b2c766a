"""Statistics in standard errors beside the value that chance alone rarely passes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from analyses.results.frozen import Array

LEVEL = 0.05  # two-sided
NORMAL_CRITICAL = float(ndtri(1 - LEVEL / 2))


@dataclass(frozen=True, slots=True)
class Standardised:
    """One row of a figure of standardised statistics.

    Attributes
    ----------
    group, reference
        What it is of, and against what (empty where against all).
    value
        In standard errors; None with a `reason` where there is no test.
    critical
        What chance passes, in either direction, with probability `LEVEL`; None without a test.
    p_value
        Of the row, after adjustment where there is one.
    """

    group: str
    reference: str
    value: float | None
    critical: float | None
    p_value: float | None
    reason: str | None = None


def in_errors(difference: float, variance: float) -> float | None:
    """A difference in its standard errors; None where it has none."""
    return float(difference / np.sqrt(variance)) if variance > 0 else None


def groups_in_errors(difference: Array, variance: Array) -> tuple[float | None, ...]:
    """The same for each group of a test, those without variance None."""
    spread = np.diag(variance)
    kept = spread > 1e-10 * spread.max(initial=0.0)
    return tuple(
        in_errors(float(d), float(v)) if known else None
        for d, v, known in zip(difference, spread, kept, strict=True)
    )
