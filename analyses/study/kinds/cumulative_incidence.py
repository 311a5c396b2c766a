"""Cumulative incidence and Gray's test, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.results.failure import Failure
from analyses.results.incidence_differences import DIFFERENCE
from analyses.study.outcome import Outcome, attempt, ending, entry_column, finished
from cohort.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.gray import GrayTest
    from analyses.results.incidence_differences import CauseContrast
    from analyses.study.setting import Setting
    from analyses.study.specs.cumulative_incidence import CumulativeIncidenceSpec


def incidences(spec: CumulativeIncidenceSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The curves, the times asked for, and the test that goes with the groups."""
    unit = setting.unit
    from analyses.estimators.cumulative_incidence import cumulative_incidence
    from analyses.results.study import IncidenceAnalysis

    curves = cumulative_incidence(
        frame,
        time=f"{spec.endpoint}_time",
        state=ending(spec, frame),
        entry=entry_column(spec, frame),
        by=spec.by,
        weights=spec.weights,
        conf_level=spec.conf_level,
        conf_type=spec.conf_type,
    )
    durations = () if spec.at is None else spec.at.to_durations()
    times, said = tuple(d.within(unit) for d in durations), tuple(str(d) for d in durations)
    failures: list[Failure] = []
    differences: tuple[CauseContrast, ...] = ()
    if spec.differences:
        # Curves stand without their differences: nobody may be left in the reference.
        found, failures = attempt(spec, frame, lambda: curves.contrasts(times, spec.reference))
        differences = found or ()
    reference = spec.reference if spec.reference in curves.groups else None
    records = list(curves.records(spec.id, unit, times, reference))
    if reference != spec.reference:
        records = [r for r in records if r.quantity != DIFFERENCE]
    findings = list(curves.findings)
    test = None
    untested = _not_tested(spec, frame)
    if spec.by is not None and not untested:
        # Curves stand without their test: one group alone has none.
        test, missed = attempt(spec, frame, lambda: _compared(spec, frame))
        failures += missed
        if test is not None:
            failures += _untested(spec, test)
            records += test.records(spec.id)
    title = spec.title or "Cumulative incidence"
    made = IncidenceAnalysis(
        spec.id, title, spec.endpoint, curves, test, times, said, differences, untested
    )
    return finished(spec.id, made, records, findings, failures)


def _not_tested(spec: CumulativeIncidenceSpec, frame: pd.DataFrame) -> str:
    """Why groups are not tested though nobody need see a failure; empty where they are."""
    if spec.by is None:
        return ""
    if spec.test == "none":
        return "the study asks for none"
    if spec.weights is not None:
        return "it is not defined for weights"
    if spec.test is None and not spec.strata and entry_column(spec, frame) is not None:
        return "it is not defined for delayed entry"
    return ""


def _compared(spec: CumulativeIncidenceSpec, frame: pd.DataFrame) -> GrayTest:
    """Gray's test of the groups."""
    from analyses.estimators.gray_test import gray_test

    assert spec.by is not None
    if entry_column(spec, frame) is not None:
        raise AnalysisError(
            Problem(
                "Gray's test",
                "it is not defined for delayed entry",
                advice="Compare incidences at chosen times (differences: true), or ask for a "
                "fine_gray model with the groups as its term; test: none leaves the test out.",
            )
        )
    return gray_test(
        frame,
        time=f"{spec.endpoint}_time",
        state=ending(spec, frame),
        by=spec.by,
        strata=list(spec.strata) or None,
    )


def _untested(spec: CumulativeIncidenceSpec, test: GrayTest) -> list[Failure]:
    """The failure that stands for each event without a test."""
    return [
        Failure(
            analysis=spec.id,
            kind=spec.kind,
            group=test.by,
            term=one.cause,
            reason=one.reason or "the test is not defined",
            n=sum(test.n),
            n_event=sum(one.n_event),
            advice="Follow up longer, or compare groups that have events.",
        )
        for one in test.tests
        if one.p_value is None
    ]
