"""The weights of an analysis: their column, who has one, and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from analyses.results.records import Record


@dataclass(frozen=True, slots=True)
class Weighting:
    """What the patients of an analysis count for.

    Attributes
    ----------
    column
        The column of the weights.
    n_rows, n_zero
        Complete rows with a weight above 0, and those of weight 0, which take no part.
    total
        The sum of the weights.
    are_counts
        Whether every weight is a whole number, so that a row stands for so many patients; else
        counts of patients and events are unweighted.
    """

    column: str
    n_rows: int
    n_zero: int
    total: float
    are_counts: bool

    @property
    def words(self) -> str:
        """The weights in a few words, the column as it is called in the data."""
        what = "whole numbers" if self.are_counts else "not whole numbers"
        return f"weighted by {self.column} ({what})"


def weighting_records(weighting: Weighting | None, analysis: str, kind: str) -> Iterator[Record]:
    """The sum of the weights over the rows that have one, and the rows of weight 0.

    The quantity names the kind, because curves and their test share one analysis.
    """
    if weighting is None:
        return
    yield Record(
        analysis,
        kind,
        f"{kind}_sum_of_weights",
        term=weighting.column,
        n=weighting.n_rows,
        estimate=weighting.total,
    )
    yield Record(
        analysis, kind, f"{kind}_rows_of_weight_zero", term=weighting.column, n=weighting.n_zero
    )


def plain_weighting(weighting: Weighting | None) -> dict[str, Any] | None:
    """The weights as plain JSON types."""
    return None if weighting is None else asdict(weighting)
