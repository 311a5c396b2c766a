"""Shares by year, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.results.failure import Failure
from analyses.study.outcome import Outcome, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.share_trend import ShareTrend
    from analyses.study.setting import Setting
    from analyses.study.specs.share_trend import ShareTrendSpec


def over_years(spec: ShareTrendSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The shares and their trends."""
    from analyses.estimators.share_trend import share_trend
    from analyses.results.share_trend import TrendAnalysis

    del setting
    result = share_trend(frame, of=spec.of, year=spec.year, conf_level=spec.conf_level)
    made = TrendAnalysis(spec.id, spec.title or "Shares over the years", result)
    return finished(
        spec.id, made, result.records(spec.id), result.findings, _failures(spec, result)
    )


def _failures(spec: ShareTrendSpec, result: ShareTrend) -> list[Failure]:
    """What stands for a trend that does not exist."""
    return [
        Failure(
            analysis=spec.id,
            kind=spec.kind,
            group=trend.category,
            term=spec.year,
            reason=trend.reason,
            n=trend.n,
            n_event=trend.n_category,
            advice="Select more years or patients, or merge the category with another.",
        )
        for trend in result.trends
        if trend.reason is not None
    ]
