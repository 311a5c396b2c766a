"""The selected patients of a study as frames, by endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyses.study.fingerprint import fingerprint
from cohort.table import SourceFile, TimeUnit

if TYPE_CHECKING:
    import pandas as pd

    from cohort.selection import Criterion


@dataclass(frozen=True, slots=True, eq=False)
class StudyPatients:
    """The rows that a study's analyses start from.

    Attributes
    ----------
    frames
        By endpoint, under the empty name those of analyses without one.
    conditions
        What an analysis that uses a column asks of its patients besides.
    unit, files
        Unit of follow-up, and the files that the patients come from.
    apart
        Ids of the analyses whose columns are not held in the frames.
    """

    frames: Mapping[str, pd.DataFrame]
    conditions: Mapping[str, Criterion]
    unit: TimeUnit
    files: tuple[SourceFile, ...]
    apart: frozenset[str] = frozenset()

    @property
    def digests(self) -> tuple[tuple[str, str], ...]:
        """(endpoint, sha256 of its patients' columns)."""
        return tuple((name, fingerprint(frame)) for name, frame in sorted(self.frames.items()))
