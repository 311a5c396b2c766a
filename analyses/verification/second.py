"""What a second program says of one record."""

from __future__ import annotations

from dataclasses import dataclass

from analyses.results.records import Record

EXACT = 1e-9  # product limits and sums over risk sets
ITERATED = 1e-6  # what a search for the largest likelihood ends with


@dataclass(frozen=True, slots=True)
class Silent:
    """Why a second program makes nothing more of an analysis."""

    analysis: str
    why: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Where and how a second program ended before it had made every number."""

    why: str


@dataclass(frozen=True, slots=True)
class Second:
    """One record as a second program makes it, under the same id.

    Attributes
    ----------
    record
        Only its numbers and its id count; a number that it lacks must be undefined in the first
        program as well.
    program
        Name and version of what recomputed it.
    tolerance
        Largest relative deviation that is allowed.
    without
        Numbers of the record for which there is no second program, and `why`.
    """

    record: Record
    program: str
    tolerance: float = EXACT
    without: tuple[str, ...] = ()
    why: str = ""
