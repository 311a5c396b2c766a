"""What one analysis was restricted to, beyond the selection that all share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Restriction:
    """The reason that an analysis takes fewer patients, and how many are outside."""

    analysis: str
    reason: str
    n_outside: int
