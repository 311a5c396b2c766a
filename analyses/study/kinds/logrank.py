"""Tests of survival between groups, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from analyses.results.records import Record
from analyses.study.outcome import Outcome, attempt, entry_column, finished, undefined

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analyses.results.logrank import LogRank
    from analyses.results.max_combo import MaxCombo
    from analyses.study.setting import Setting
    from analyses.study.specs.logrank import LogRankSpec

HER2_ZERO = ("ihc_0_null", "ihc_0_ultralow")
ISH_UNKNOWN = "ihc_2_ish_unknown"
HER2_NEGATIVE = ("ihc_0", "ihc_1", "ihc_2_ish_negative")


def tests(spec: LogRankSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The test of all groups, of their pairs, and of their trend."""
    unit = setting.unit
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
        scores: Literal["linear"] | tuple[float, ...] = spec.scores or "linear"
        trend, missed = attempt(spec, rows, lambda: logrank_of(spec, rows, by=by, trend=scores))
        failures += missed
        if trend is not None:
            failures += undefined(spec, trend)
            records += trend.records(f"{spec.id}.trend")
            records += _trend_records(spec, frame)
            findings += trend.findings
    combo = None
    if spec.max_combo:
        combo, missed = attempt(spec, frame, lambda: _combined(spec, frame))
        failures += missed
        if combo is not None:
            records += combo.records(f"{spec.id}.max_combo")
    title = spec.title or "Log-rank tests"
    made = TestAnalysis(spec.id, title, spec.endpoint, test, pairs, trend, said, combo)
    return finished(spec.id, made, records, findings, failures)


def _trend_records(spec: LogRankSpec, frame: pd.DataFrame) -> list[Record]:
    """The counts that the words of the trend name."""
    if spec.trend != "her2_negative":
        return []
    counts = trend_counts(frame).items()
    return [Record(f"{spec.id}.trend", spec.kind, name, n=n) for name, n in counts if n]


def _combined(spec: LogRankSpec, frame: pd.DataFrame) -> MaxCombo:
    """The largest of four weighted tests of all groups."""
    from analyses.estimators.max_combo import max_combo

    weighed = ("rho", "gamma", "test")
    options = _logrank_options(spec, frame)
    return max_combo(frame, **{k: v for k, v in options.items() if k not in weighed})


def logrank_of(
    spec: Any,
    frame: pd.DataFrame,
    *,
    by: Any = None,
    trend: Literal["linear"] | Sequence[float] | None = None,
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
        "weights": spec.weights,
        "rho": getattr(spec, "rho", 0.0),
        "gamma": getattr(spec, "gamma", 0.0),
        "test": getattr(spec, "test", "logrank"),
    }


def trend_rows(spec: Any, frame: pd.DataFrame) -> tuple[pd.DataFrame, Any, str]:
    """Rows, groups and words of the trend that the study asks for."""
    import numpy as np
    import pandas as pd

    if spec.trend == "linear":
        return frame, spec.by, "across all groups in their order"
    # Null and ultralow, where a source tells them apart, are IHC 0 in this trend; 2+ that a policy
    # takes as low without an in-situ result (E1, E17) is of the third level, as in the groups.
    known = dict.fromkeys(HER2_ZERO, "ihc_0") | {ISH_UNKNOWN: HER2_NEGATIVE[-1]}
    detail = frame["her2_detail"].astype("category")
    place = {level: i for i, level in enumerate(HER2_NEGATIVE)}
    places = [place.get(known.get(str(c), str(c)), -1) for c in detail.cat.categories]
    codes = np.array([*places, -1])[detail.cat.codes]  # the last one: missing
    ordered = pd.CategoricalDtype(list(HER2_NEGATIVE), ordered=True)
    merged = pd.Categorical.from_codes(codes, dtype=ordered)
    rows = frame.assign(her2_detail=merged)[codes >= 0]
    by = {"name": "her2_detail", "levels": list(HER2_NEGATIVE)}
    said = "within HER2-negative disease: IHC 0, IHC 1+, IHC 2+ with negative ISH"
    counts = trend_counts(frame)
    if counts["n_ish_unknown"]:
        said += f" or, as the policy has it, with unknown ISH (n = {counts['n_ish_unknown']:,})"
    if counts["n_outside"]:
        said += f", without zero or low of no such level (n = {counts['n_outside']:,})"
    return rows, by, said


def trend_counts(frame: pd.DataFrame) -> dict[str, int]:
    """Patients of the trend without an in-situ result, and zero or low ones that it leaves out."""
    detail = frame["her2_detail"]
    of_trend = detail.isin([*HER2_ZERO, *HER2_NEGATIVE, ISH_UNKNOWN])
    grouped = frame["her2_status"].isin(["zero", "low"])
    return {
        "n_ish_unknown": int((detail == ISH_UNKNOWN).sum()),
        "n_outside": int((grouped & ~of_trend).sum()),
    }
