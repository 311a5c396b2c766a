"""Shares by year, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.share_trend import ShareTrendSpec


def over_years(spec: ShareTrendSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The shares and their trends."""
    from analyses.estimators.share_trend import share_trend
    from analyses.results.share_trend import TrendAnalysis

    del setting
    result = share_trend(frame, of=spec.of, year=spec.year, conf_level=spec.conf_level)
    made = TrendAnalysis(spec.id, spec.title or "Shares over the years", result)
    return finished(spec.id, made, result.records(spec.id), result.findings, ())
