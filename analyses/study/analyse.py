"""Each analysis of a study file, from the selected patients to its result and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analyses.results.failure import Failure
from analyses.results.records import Record
from analyses.results.restriction import Restriction
from analyses.study.outcome import Outcome
from cohort.errors import AnalysisError, listed
from cohort.table import Finding, TimeUnit

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.logrank import LogRank
    from analyses.results.study import Analysis
    from analyses.study.spec import Study
    from cohort.selection import Criterion

Frames = Mapping[str, "pd.DataFrame"]
# What an analysis that uses a column asks of its patients besides.
Conditions = Mapping[str, "Criterion"]
SHARED = ""  # the patients of analyses that have no endpoint
HER2_ZERO = ("ihc_0_null", "ihc_0_ultralow")
HER2_NEGATIVE = ("ihc_0", "ihc_1", "ihc_2_ish_negative")


def needed(study: Study, conditions: Conditions) -> dict[str, list[str]]:
    """Columns that the analyses need, by endpoint (`SHARED` where an analysis has none)."""
    wanted: dict[str, list[str]] = {}
    for spec in study.analyses:
        if spec.kind == "her2_change":
            continue  # of specimens, not of the patients' rows
        endpoint = getattr(spec, "endpoint", SHARED)
        columns = wanted.setdefault(endpoint, [])
        columns += _columns(spec)
        columns += [criterion.column for criterion in _conditions(spec, conditions)]
        if endpoint:
            columns += [f"{endpoint}_time", f"{endpoint}_event"]
            if study.endpoint(endpoint).entry is not None:
                columns.append(f"{endpoint}_entry")
    return {name: list(dict.fromkeys(columns)) for name, columns in wanted.items()}


def analyse(spec: Any, frames: Frames, unit: TimeUnit, conditions: Conditions) -> Outcome:
    """The outcome of one analysis; what cannot be estimated becomes a Failure, not an error."""
    frame = frames[getattr(spec, "endpoint", SHARED)]
    outside = []
    for criterion in _conditions(spec, conditions):
        met = _meets(frame, criterion)
        outside.append((criterion, int((~met).sum())))
        frame = observed_levels(frame[met].copy())
    try:
        outcome = _KINDS[spec.kind](spec, frame, unit)
    except AnalysisError as error:
        failure = _failure(spec, frame, error)
        return Outcome(spec.id, None, (_failed(0, failure),), failures=(failure,))
    left = tuple(
        Record(spec.id, spec.kind, "rows_outside", term=criterion.column, n=n)
        for criterion, n in outside
    )
    limits = tuple(Restriction(spec.id, criterion.reason, n) for criterion, n in outside)
    return replace(outcome, records=(*outcome.records, *left), restrictions=limits)


def _conditions(spec: Any, conditions: Conditions) -> list[Criterion]:
    """What an analysis asks of its patients: its own condition, and those of its columns."""
    own = [] if spec.only is None else [spec.only.to_criterion()]
    used = set(_columns(spec))
    of_columns = [criterion for column, criterion in conditions.items() if column in used]
    return own + [c for c in of_columns if all(c.column != o.column for o in own)]


def observed_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, changed in place, without levels that a selection has emptied."""
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].cat.remove_unused_categories()
    return frame


def _columns(spec: Any) -> Iterator[str]:
    """Columns that one analysis reads, its endpoint aside."""
    if spec.only is not None:
        yield spec.only.column
    if getattr(spec, "by", None):
        yield spec.by
    yield from getattr(spec, "columns", ())
    yield from getattr(spec, "strata", ())
    if getattr(spec, "cluster", None):
        yield spec.cluster
    for term in getattr(spec, "terms", ()):
        yield from term.columns()
    if getattr(spec, "trend", "none") == "her2_negative":
        yield "her2_detail"


def _table(spec: Any, frame: pd.DataFrame, unit: TimeUnit) -> Outcome:
    from analyses.estimators.table_one import table_one
    from analyses.results.study import TableAnalysis

    del unit
    table = table_one(frame, by=spec.by, columns=list(spec.columns), tests=spec.tests)
    title = spec.title or "Features by group"
    records = table.records(spec.id)
    return Outcome(spec.id, TableAnalysis(spec.id, title, table), records, table.findings)


def _curves(spec: Any, frame: pd.DataFrame, unit: TimeUnit) -> Outcome:
    from analyses.estimators.kaplan_meier import kaplan_meier
    from analyses.results.study import CurveAnalysis

    curves = kaplan_meier(
        frame,
        time=f"{spec.endpoint}_time",
        event=f"{spec.endpoint}_event",
        entry=_entry(spec, frame),
        by=spec.by,
        conf_level=spec.conf_level,
        conf_type=spec.conf_type,
    )
    times, said = _times(spec, unit)
    records = list(curves.records(spec.id, unit, times))
    findings = list(curves.findings)
    failures: list[Failure] = []
    test = None
    if spec.by is not None:
        # Curves stand without their test: one group alone has none.
        test, failures = _attempt(spec, frame, lambda: _logrank(spec, frame))
        if test is not None:
            failures += _undefined(spec, test)
            records += test.records(spec.id)
            findings += test.findings
    title = spec.title or "Kaplan-Meier curves"
    made = CurveAnalysis(spec.id, title, spec.endpoint, curves, test, times, said)
    return _outcome(spec.id, made, records, findings, failures)


def _tests(spec: Any, frame: pd.DataFrame, unit: TimeUnit) -> Outcome:
    from analyses.estimators.logrank import pairwise_logrank
    from analyses.results.study import TestAnalysis

    del unit
    test = _logrank(spec, frame)
    records = list(test.records(spec.id))
    findings = list(test.findings)
    failures = _undefined(spec, test)
    pairs = trend = None
    said = ""
    if spec.pairs != "none" and len(test.groups) > 2:
        pairs, missed = _attempt(
            spec,
            frame,
            lambda: pairwise_logrank(frame, **_logrank_options(spec, frame), adjust=spec.pairs),
        )
        failures += missed
        if pairs is not None:
            failures += [f for pair in pairs.results for f in _undefined(spec, pair)]
            records += pairs.records(f"{spec.id}.pairs")
            findings += [finding for pair in pairs.results for finding in pair.findings]
    if spec.trend != "none":
        rows, by, said = _trend(spec, frame)
        trend, missed = _attempt(spec, rows, lambda: _logrank(spec, rows, by=by, trend="linear"))
        failures += missed
        if trend is not None:
            failures += _undefined(spec, trend)
            records += trend.records(f"{spec.id}.trend")
            findings += trend.findings
    title = spec.title or "Log-rank tests"
    made = TestAnalysis(spec.id, title, spec.endpoint, test, pairs, trend, said)
    return _outcome(spec.id, made, records, findings, failures)


def _cox(spec: Any, frame: pd.DataFrame, unit: TimeUnit) -> Outcome:
    from analyses.estimators.cox import cox, univariable_cox
    from analyses.results.study import CoxAnalysis

    terms = [term.declared() for term in spec.terms]
    options: dict[str, Any] = {
        "time": f"{spec.endpoint}_time",
        "event": f"{spec.endpoint}_event",
        "entry": _entry(spec, frame),
        "strata": list(spec.strata) or None,
        "cluster": spec.cluster,
        "ties": spec.ties,
        "conf_level": spec.conf_level,
    }
    adjusted = cox(frame, terms=terms, **options)
    records = list(adjusted.records(spec.id, unit))
    findings = list(adjusted.findings)
    failures = [replace(failure, analysis=spec.id) for failure in adjusted.failures]
    alone: list[Any] = []
    if spec.univariable and len(terms) > 1:
        for model in univariable_cox(frame, terms=terms, **options):
            name = f"{spec.id}.univariable.{model.terms[0].name}"
            alone.append(model)
            records += model.records(name, unit)
            findings += model.findings
            failures += [replace(failure, analysis=name) for failure in model.failures]
    title = spec.title or "Cox proportional-hazards model"
    made = CoxAnalysis(spec.id, title, spec.endpoint, adjusted, tuple(alone))
    return _outcome(spec.id, made, records, findings, failures)


_KINDS: dict[str, Callable[[Any, Any, TimeUnit], Outcome]] = {
    "table_one": _table,
    "kaplan_meier": _curves,
    "logrank": _tests,
    "cox": _cox,
}


def _meets(frame: pd.DataFrame, criterion: Criterion) -> pd.Series[bool]:
    """Rows that meet the condition of one analysis; a missing value does not."""
    values = frame[criterion.column]
    if criterion.none_of is not None:
        return ~values.isin(list(criterion.none_of))
    if criterion.one_of is not None:
        numeric = values.dtype.kind in "if"
        allowed = [float(v) for v in criterion.one_of] if numeric else list(criterion.one_of)
        return values.isin(allowed)
    met = values.notna()
    if criterion.between is not None:
        low, high = criterion.between
        met &= True if low is None else values >= low
        met &= True if high is None else values <= high
    return met


def _entry(spec: Any, frame: pd.DataFrame) -> str | None:
    """The column from which patients were observed, where the endpoint has delayed entry."""
    name = f"{spec.endpoint}_entry"
    return name if name in frame else None


def _logrank_options(spec: Any, frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "time": f"{spec.endpoint}_time",
        "event": f"{spec.endpoint}_event",
        "entry": _entry(spec, frame),
        "by": spec.by,
        "strata": list(getattr(spec, "strata", ())) or None,
        "rho": getattr(spec, "rho", 0.0),
        "gamma": getattr(spec, "gamma", 0.0),
    }


def _logrank(spec: Any, frame: pd.DataFrame, **changed: Any) -> Any:
    from analyses.estimators.logrank import logrank

    return logrank(frame, **(_logrank_options(spec, frame) | changed))


def _trend(spec: Any, frame: pd.DataFrame) -> tuple[pd.DataFrame, Any, str]:
    """Rows, groups and words of the trend that the study asks for."""
    if spec.trend == "linear":
        return frame, spec.by, "across all groups in their order"
    # Null and ultralow, where a source tells them apart, are IHC 0 in this trend.
    detail = frame["her2_detail"].astype(str).replace(dict.fromkeys(HER2_ZERO, "ihc_0"))
    rows = frame.assign(her2_detail=detail)[detail.isin(HER2_NEGATIVE)]
    by = {"name": "her2_detail", "levels": list(HER2_NEGATIVE)}
    return rows, by, "within HER2-negative disease: IHC 0, IHC 1+, IHC 2+ with negative ISH"


def _times(spec: Any, unit: TimeUnit) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Milestones in the unit of follow-up, and as the study file says them."""
    if spec.at is None:
        return (), ()
    durations = spec.at.to_durations()
    return tuple(d.within(unit) for d in durations), tuple(str(d) for d in durations)


def _attempt(
    spec: Any, frame: pd.DataFrame, estimate: Callable[[], Any]
) -> tuple[Any, list[Failure]]:
    """The estimate, or the failure that stands in its place beside the rest of the analysis."""
    try:
        return estimate(), []
    except AnalysisError as error:
        return None, [_failure(spec, frame, error)]


def _undefined(spec: Any, test: LogRank) -> list[Failure]:
    """The failure that stands for a test that does not exist (no events, one group)."""
    if test.p_value is not None:
        return []
    failure = Failure(
        analysis=spec.id,
        kind=spec.kind,
        group=test.by,
        term="trend" if test.kind == "trend" else "",
        reason=test.reason or "the test is not defined",
        n=sum(test.n),
        n_event=sum(test.n_event),
        advice="Follow up longer, or compare groups that have events.",
    )
    return [failure]


def _failure(spec: Any, frame: pd.DataFrame, error: AnalysisError) -> Failure:
    first = error.problems[0]
    event = f"{getattr(spec, 'endpoint', '')}_event"
    return Failure(
        analysis=spec.id,
        kind=spec.kind,
        group="",
        term="",
        reason=listed(f"{p.where}: {p.found}" if p.where else p.found for p in error.problems),
        n=len(frame),
        n_event=int(frame[event].astype(bool).sum()) if event in frame else 0,
        advice=first.advice or first.allowed,
    )


def _outcome(
    name: str,
    made: Analysis,
    records: Sequence[Record],
    findings: Sequence[Finding],
    failures: Sequence[Failure],
) -> Outcome:
    """The parts of an analysis, its failures written as records too."""
    extra = tuple(_failed(i, failure) for i, failure in enumerate(failures))
    return Outcome(name, made, (*records, *extra), tuple(findings), tuple(failures))


def _failed(place: int, failure: Failure) -> Record:
    return Record(
        analysis=failure.analysis,
        kind=failure.kind,
        quantity=f"failure_{place + 1}",
        group=failure.group or None,
        term=failure.term or None,
        n=failure.n,
        n_event=failure.n_event,
        status="failed",
        reason=failure.reason,
    )
