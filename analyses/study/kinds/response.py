"""Response by group, from the selected patients to its outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.response import ResponseSpec


def responded(spec: ResponseSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Odds ratios of the response, a failure for each that does not exist."""
    from analyses.estimators.response import response_odds
    from analyses.results.response import ResponseAnalysis

    del setting
    result = response_odds(
        frame,
        response=spec.response,
        by=spec.by,
        within=spec.within,
        terms=[term.declared() for term in spec.terms],
        reference=spec.reference,
        conf_level=spec.conf_level,
    )
    made = ResponseAnalysis(spec.id, spec.title or "Response by group", result)
    failures = [replace(failure, analysis=spec.id) for failure in result.failures]
    return finished(spec.id, made, result.records(spec.id), result.findings, failures)
