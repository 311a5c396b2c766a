"""The rows of a test between groups, its strata, and the scores of a trend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from analyses.estimators.grouped_survival import (
    GroupedSurvival,
    grouped_survival,
    require_groups,
)
from analyses.estimators.strata import Strata, strata_names, stratum_codes
from analyses.estimators.survival_data import By, by_column
from analyses.kernels.logrank import Cells, risk_sets
from cohort.errors import AnalysisError, Problem, listed

Trend = Literal["linear"] | Sequence[float]


def compared_groups(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    strata: Strata | None,
    entry: str | None,
    weights: str | None,
) -> GroupedSurvival:
    """Complete rows of at least two groups, weights being whole numbers."""
    rows = grouped_survival(
        data,
        time=time,
        event=event,
        by=by,
        entry=entry,
        weights=weights,
        others=strata_names(strata),
    )
    if rows.weights is not None:
        raise AnalysisError(
            Problem(
                f"log-rank test, column '{weights}'",
                "weights are not whole numbers; the test's variance is not defined for them",
                "Whole numbers, each row counting as so many patients.",
                "Use the robust test of cox(..., weights=..., robust=True) with the groups as "
                "its only term.",
            )
        )
    require_groups(rows, f"log-rank test by '{by_column(by)}'")
    return rows


def cells_of(rows: GroupedSurvival, strata: tuple[str, ...]) -> Cells:
    """The risk sets of the rows, within strata."""
    return risk_sets(
        rows.time,
        rows.event,
        rows.codes,
        len(rows.levels),
        strata=stratum_codes(rows.frame, strata).codes if strata else None,
        entry=rows.entry,
        weights=rows.counts,
    )


def trend_scores(trend: Trend | None, levels: tuple[str, ...]) -> tuple[float, ...] | None:
    """One score a group; None where no trend is asked for."""
    if trend is None:
        return None
    if isinstance(trend, str):
        if trend != "linear":
            raise ValueError(f"trend is 'linear' or one score a group, not {trend!r}")
        return tuple(float(i) for i in range(len(levels)))
    scores = tuple(float(score) for score in trend)
    if len(scores) != len(levels) or len(set(scores)) < 2 or not np.isfinite(scores).all():
        raise AnalysisError(
            Problem(
                "log-rank test for trend",
                f"scores {listed(f'{s:g}' for s in scores)} for the groups {listed(levels)}",
                "One finite score for each group present, not all equal.",
            )
        )
    return scores
