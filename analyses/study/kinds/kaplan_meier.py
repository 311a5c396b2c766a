"""Survival curves, from the selected patients to their outcome."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from analyses.study.kinds.imputing import with_imputed_curves
from analyses.study.kinds.logrank import logrank_of
from analyses.study.outcome import Outcome, attempt, entry_column, finished, undefined

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.contrast import Contrast
    from analyses.results.failure import Failure
    from analyses.results.survival import KaplanMeier
    from analyses.study.setting import Setting
    from analyses.study.specs.kaplan_meier import KaplanMeierSpec
    from analyses.study.times import TimesSpec
    from cohort.table import TimeUnit


MEDIAN = 0.5
NO_TEST = (
    "it is not defined for weights that are not whole numbers; a cox analysis with the groups as "
    "its only term and the same weights has the robust test"
)


def plotted(spec: KaplanMeierSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The curves, the times asked for, and the test that goes with the groups."""
    unit = setting.unit
    from analyses.estimators.kaplan_meier import kaplan_meier
    from analyses.results.study import CurveAnalysis

    curves = kaplan_meier(frame, **_options(spec, frame))
    times, said = _times(spec.at, unit)
    counted: dict[str, Any] = {"quantiles": spec.quantiles, "counting": spec.numbers_at_risk}
    records = list(curves.records(spec.id, unit, times, **counted))
    findings = list(curves.findings)
    failures: list[Failure] = []
    test = None
    untested = ""
    if curves.weighting is not None and not curves.weighting.are_counts:
        untested = NO_TEST
    elif spec.by is not None:
        # Curves stand without their test: one group alone has none.
        test, failures = attempt(spec, frame, lambda: logrank_of(spec, frame))
        if test is not None:
            failures += undefined(spec, test)
            records += test.records(spec.id)
            findings += test.findings
    differences: tuple[Contrast, ...] = ()
    if spec.differences:
        differences, missed = attempt(spec, frame, lambda: curves.contrasts(times, spec.reference))
        failures += missed
        records += [contrast.record(spec.id, spec.kind) for contrast in differences or ()]
    given, missed = _given(spec, frame, unit)
    failures += missed
    for _, later in given:
        after = [t for t in times if t > (later.given or 0)]
        records += later.records(spec.id, unit, after, **counted)
        findings += [f for f in later.findings if f.rule == "nobody_followed"]
    title = spec.title or "Kaplan-Meier curves"
    made = CurveAnalysis(
        spec.id,
        title,
        spec.endpoint,
        curves,
        test,
        times,
        said,
        differences=differences or (),
        given=given,
        quantiles=tuple(q for q in spec.quantiles if q != MEDIAN),
        counting=spec.numbers_at_risk,
        untested=untested if spec.by is not None else "",
    )
    outcome = finished(spec.id, made, records, findings, failures)
    if spec.imputing is None:
        return outcome
    return with_imputed_curves(outcome, spec, frame, setting, entry_column(spec, frame))


def _options(spec: KaplanMeierSpec, frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "time": f"{spec.endpoint}_time",
        "event": f"{spec.endpoint}_event",
        "entry": entry_column(spec, frame),
        "by": spec.by,
        "weights": spec.weights,
        "conf_level": spec.conf_level,
        "conf_type": spec.conf_type,
    }


def _given(
    spec: KaplanMeierSpec, frame: pd.DataFrame, unit: TimeUnit
) -> tuple[tuple[tuple[str, KaplanMeier], ...], list[Failure]]:
    """The curves of those who lived to each time asked for, with that time in words."""
    from analyses.estimators.kaplan_meier import kaplan_meier

    options = _options(spec, frame)
    found, failures = [], []
    for time, said in zip(*_times(spec.given, unit), strict=True):
        later, missed = attempt(spec, frame, partial(kaplan_meier, frame, given=time, **options))
        failures += missed
        if later is not None:
            found.append((said, later))
    return tuple(found), failures


def _times(asked: TimesSpec | None, unit: TimeUnit) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Times in the unit of follow-up, and as the study file says them."""
    if asked is None:
        return (), ()
    durations = asked.to_durations()
    return tuple(d.within(unit) for d in durations), tuple(str(d) for d in durations)
