"""How far the estimates of one model can be trusted, contrast by contrast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyses.results.bias_analysis import BiasAnalysis
from analyses.results.detectable import Detectable
from analyses.results.e_value import EValue
from analyses.results.leave_one_out import LeaveOneOut
from analyses.results.records import Record
from analyses.results.robust import Estimate
from analyses.results.tipping import TippingPoints

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class ContrastRobustness:
    """What bears on one contrast; a part that was not asked for or does not exist is None."""

    level: str
    reference: str
    estimate: Estimate
    e_value: EValue | None = None
    detectable: Detectable | None = None
    tipping: TippingPoints | None = None
    bias: BiasAnalysis | None = None
    left_out: LeaveOneOut | None = None

    def records(self, analysis: str) -> Iterator[Record]:
        """The numbers of every part, under the analysis and the level."""
        for part in (self.e_value, self.detectable, self.tipping, self.bias, self.left_out):
            if part is not None:
                yield from part.records(f"{analysis}.{self.level}")

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """The tidy tables of every part, by the ends of their files' names."""
        parts = (
            ("e_value", self.e_value),
            ("tipping", self.tipping),
            ("misreading", self.bias),
            ("left_out", self.left_out),
        )
        for name, part in parts:
            if part is not None:
                yield f"{self.level}_{name}", part.summary


@dataclass(frozen=True, slots=True, eq=False)
class RobustnessAnalysis:
    """The robustness of a Cox model's contrasts.

    `of` is the id of the model, `source` where the readings of a bias analysis are from.
    """

    id: str
    title: str
    endpoint: str
    of: str
    term: str
    contrasts: tuple[ContrastRobustness, ...]
    source: str = ""
