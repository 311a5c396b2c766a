"""What an analysis knows besides its own patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analyses.results.study import Analysis

if TYPE_CHECKING:
    from cohort.table import TimeUnit


@dataclass(frozen=True, slots=True)
class Setting:
    """The study around an analysis.

    Attributes
    ----------
    unit
        Of follow-up.
    seed
        The study's, for what is drawn at random.
    folder
        Of the study file, which paths in it are relative to.
    source
        Name of the dictionary that the file was read by.
    identifies
        What the source tells of treatments and endpoints, as its dictionary declares.
    progress
        Told (what is drawn, samples done, samples asked for) while an analysis draws at random.
    origins
        By endpoint the column of days at which its time starts; None where that is diagnosis.
    kinds
        By endpoint what it is: ``OS``, ``RFS``, ...
    earlier
        Analyses that stand before this one in the study file, by id; what failed is not there.
    """

    unit: TimeUnit
    seed: int
    folder: Path = Path()
    source: str = ""
    identifies: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[str, int, int], None] | None = None
    origins: Mapping[str, str | None] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[str, Analysis] = field(default_factory=dict)

    def drawing(self, what: str) -> Callable[[int, int], None] | None:
        """What an estimator tells its samples to, (done, asked for); None where nobody looks."""
        return None if self.progress is None else partial(self.progress, what)
