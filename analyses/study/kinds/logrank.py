"""Tests of survival between groups, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from analyses.study.outcome import Outcome, attempt, entry_column, finished, undefined

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.logrank import LogRank
    from analyses.study.specs.logrank import LogRankSpec
    from cohort.table import TimeUnit

HER2_ZERO = ("ihc_0_null", "ihc_0_ultralow")
HER2_NEGATIVE = ("ihc_0", "ihc_1", "ihc_2_ish_negative")


def tests(spec: LogRankSpec, frame: pd.DataFrame, unit: TimeUnit) -> Outcome:
    """The test of all groups, of their pairs, and of their trend."""
    from analyses.estimators.logrank import pairwise_logrank
    from analyses.results.study import TestAnalysis

    del unit
    test = logrank_of(spec, frame)
    records = list(test.records(spec.id))
    findings = list(test.findings)
    failures = undefined(spec, test)
    pairs = trend = None
    said = ""
    if spec.pairs != "none" and len(test.groups) > 2:
        pairs, missed = attempt(
            spec,
            frame,
            lambda: pairwise_logrank(frame, **_logrank_options(spec, frame), adjust=spec.pairs),
        )
        failures += missed
        if pairs is not None:
            failures += [f for pair in pairs.results for f in undefined(spec, pair)]
            records += pairs.records(f"{spec.id}.pairs")
            findings += [finding for pair in pairs.results for finding in pair.findings]
    if spec.trend != "none":
        rows, by, said = trend_rows(spec, frame)
        trend, missed = attempt(spec, rows, lambda: logrank_of(spec, rows, by=by, trend="linear"))
        failures += missed
        if trend is not None:
            failures += undefined(spec, trend)
            records += trend.records(f"{spec.id}.trend")
            findings += trend.findings
    title = spec.title or "Log-rank tests"
    made = TestAnalysis(spec.id, title, spec.endpoint, test, pairs, trend, said)
    return finished(spec.id, made, records, findings, failures)


def logrank_of(
    spec: Any, frame: pd.DataFrame, *, by: Any = None, trend: Literal["linear"] | None = None
) -> LogRank:
    """The test that a study file asks for, or its trend over groups of their own."""
    from analyses.estimators.logrank import logrank

    options = _logrank_options(spec, frame)
    return logrank(frame, **(options if by is None else options | {"by": by}), trend=trend)


def _logrank_options(spec: Any, frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "time": f"{spec.endpoint}_time",
        "event": f"{spec.endpoint}_event",
        "entry": entry_column(spec, frame),
        "by": spec.by,
        "strata": list(getattr(spec, "strata", ())) or None,
        "rho": getattr(spec, "rho", 0.0),
        "gamma": getattr(spec, "gamma", 0.0),
    }


def trend_rows(spec: Any, frame: pd.DataFrame) -> tuple[pd.DataFrame, Any, str]:
    """Rows, groups and words of the trend that the study asks for."""
    if spec.trend == "linear":
        return frame, spec.by, "across all groups in their order"
    # Null and ultralow, where a source tells them apart, are IHC 0 in this trend.
    detail = frame["her2_detail"].astype(str).replace(dict.fromkeys(HER2_ZERO, "ihc_0"))
    rows = frame.assign(her2_detail=detail)[detail.isin(HER2_NEGATIVE)]
    by = {"name": "her2_detail", "levels": list(HER2_NEGATIVE)}
    return rows, by, "within HER2-negative disease: IHC 0, IHC 1+, IHC 2+ with negative ISH"
