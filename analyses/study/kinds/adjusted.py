"""Adjusted comparisons, from the selected patients to their outcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from analyses.results.failure import Failure
from analyses.study.outcome import Outcome, entry_column, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.adjusted import AdjustedRatio
    from analyses.results.contrast import Contrast
    from analyses.study.setting import Setting
    from analyses.study.specs.adjusted import (
        Adjusted,
        MatchedSpec,
        Resampled,
        StandardisedCurvesSpec,
        WeightedSpec,
    )
    from cohort.table import TimeUnit


def weighted(spec: WeightedSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Groups made alike by weights."""
    from analyses.adjustment.weighted_survival import weighted_survival
    from analyses.results.weighted import WeightedAnalysis

    result = weighted_survival(
        frame,
        **_common(spec, frame, setting.unit),
        **_resampling(spec, setting),
        estimand=spec.estimand,
        target=spec.target,
        truncate=spec.truncate,
        outcome_terms=[term.declared() for term in spec.outcome_terms],
    ).without_rows()
    title = spec.title or "Weighted comparison"
    made = WeightedAnalysis(spec.id, title, spec.endpoint, result, *_said(spec))
    records = result.records(spec.id, setting.unit)
    failures = _missing(spec, result.ratios, result.differences)
    return finished(spec.id, made, records, result.findings, failures)


def matched(spec: MatchedSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """A group beside its counterparts."""
    from analyses.adjustment.matched_survival import matched_survival
    from analyses.results.matched import MatchedAnalysis

    result = matched_survival(
        frame,
        **_common(spec, frame, setting.unit),
        pair=(spec.group, spec.reference),
        ratio=spec.ratio,
        caliper=spec.caliper,
        spread=spec.spread,
    ).without_rows()
    title = spec.title or "Matched comparison"
    made = MatchedAnalysis(spec.id, title, spec.endpoint, result, *_said(spec))
    records = result.records(spec.id, setting.unit)
    failures = _missing(spec, result.ratios, result.differences)
    return finished(spec.id, made, records, result.findings, failures)


def standardised(spec: StandardisedCurvesSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The curves of one population in each group."""
    from analyses.adjustment.standardised_survival import standardised_survival
    from analyses.results.standardised_curves import StandardisedAnalysis

    result = standardised_survival(
        frame,
        **_common(spec, frame, setting.unit),
        **_resampling(spec, setting),
        method=spec.method,
        target=spec.target,
        strata=list(spec.strata) or None,
    )
    title = spec.title or "Standardised survival"
    made = StandardisedAnalysis(spec.id, title, spec.endpoint, result, *_said(spec))
    records = result.records(spec.id, setting.unit)
    failures = _missing(spec, result.ratios, result.differences)
    return finished(spec.id, made, records, result.findings, failures)


def _common(spec: Adjusted, frame: pd.DataFrame, unit: TimeUnit) -> dict[str, Any]:
    """What every adjusted comparison takes."""
    return {
        "time": f"{spec.endpoint}_time",
        "event": f"{spec.endpoint}_event",
        "entry": entry_column(spec, frame),
        "by": spec.by,
        "terms": [term.declared() for term in spec.terms],
        "times": () if spec.at is None else spec.at.within(unit),
        "tau": None if spec.tau is None else spec.tau.to_duration().within(unit),
        "conf_level": spec.conf_level,
    }


def _resampling(spec: Resampled, setting: Setting) -> dict[str, Any]:
    return {
        "reference": spec.reference,
        "cluster": spec.cluster,
        "resamples": spec.resamples,
        "seed": setting.seed if spec.resamples else None,
        "processes": spec.processes,
        "progress": setting.drawing(f"Bootstrap of {spec.id}"),
    }


def _said(spec: Adjusted) -> tuple[tuple[str, ...], str]:
    """Times and tau in the study file's words."""
    times = () if spec.at is None else tuple(str(d) for d in spec.at.to_durations())
    return times, "" if spec.tau is None else str(spec.tau)


def _missing(
    spec: Adjusted, ratios: Iterable[AdjustedRatio], differences: Iterable[Contrast]
) -> list[Failure]:
    """The failure that stands for each ratio without an estimate and difference without a test."""
    found = [
        (r.group, f"hazard ratio ({r.method})", r.reason or "", r.n, r.n_event)
        for r in ratios
        if r.estimate is None
    ]
    found += [
        (d.group, d.quantity.replace("_", " "), d.reason or "", d.n, d.n_event)
        for d in differences
        if d.p_value is None
    ]
    advice = "Ask for an earlier time, or compare groups that have events."
    return [
        Failure(spec.id, str(getattr(spec, "kind", "")), group, what, reason, n, events, advice)
        for group, what, reason, n, events in found
    ]
