"""What one analysis of a study gave."""

from __future__ import annotations

from dataclasses import dataclass

from analyses.results.failure import Failure
from analyses.results.records import Record
from analyses.results.restriction import Restriction
from analyses.results.study import Analysis
from cohort.table import Finding


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one analysis of the study file gave: a result, or a failure in its place."""

    id: str
    analysis: Analysis | None
    records: tuple[Record, ...] = ()
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
