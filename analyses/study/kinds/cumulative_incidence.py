"""Cumulative incidence and Gray's test, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.results.failure import Failure
from analyses.study.outcome import Outcome, attempt, ending, entry_column, finished
from cohort.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.gray import GrayTest
    from analyses.study.specs.cumulative_incidence import CumulativeIncidenceSpec
    from cohort.table import TimeUnit


def incidences(spec: CumulativeIncidenceSpec, frame: pd.DataFrame, unit: TimeUnit) -> Outcome:
    """The curves, the times asked for, and the test that goes with the groups."""
    from analyses.estimators.cumulative_incidence import cumulative_incidence
    from analyses.results.study import IncidenceAnalysis

    curves = cumulative_incidence(
        frame,
        time=f"{spec.endpoint}_time",
        state=ending(spec, frame),
        entry=entry_column(spec, frame),
        by=spec.by,
        conf_level=spec.conf_level,
        conf_type=spec.conf_type,
    )
    durations = () if spec.at is None else spec.at.to_durations()
    times, said = tuple(d.within(unit) for d in durations), tuple(str(d) for d in durations)
    records = list(curves.records(spec.id, unit, times, spec.reference))
    findings = list(curves.findings)
    failures: list[Failure] = []
    test = None
    if spec.by is not None:
        # Curves stand without their test: one group alone has none.
        test, failures = attempt(spec, frame, lambda: _compared(spec, frame))
        if test is not None:
            failures += _untested(spec, test)
            records += test.records(spec.id)
    differences = curves.contrasts(times, spec.reference) if spec.differences else ()
    title = spec.title or "Cumulative incidence"
    made = IncidenceAnalysis(spec.id, title, spec.endpoint, curves, test, times, said, differences)
    return finished(spec.id, made, records, findings, failures)


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
                "fine_gray model with the groups as its term.",
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
