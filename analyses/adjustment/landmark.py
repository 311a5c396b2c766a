"""Landmark analysis: survival from a time on, by whether a treatment had started by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analyses.adjustment.naive_effect import Modelled, naive_effect, term_columns
from analyses.adjustment.treatment_start import (
    SOURCE,
    Flags,
    Treated,
    UnknownStart,
    treated_rows,
)
from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.survival_data import By, by_column, grouping
from analyses.estimators.terms import TermSpec
from analyses.results.landmark import Landmark, LandmarkGroup
from analyses.results.late_effect import LateEffect, effect_of
from analyses.results.survival import EVERYONE
from cohort.errors import AnalysisError, Problem
from cohort.table import AttritionStep, Finding


def landmark(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str,
    start: str,
    at: float,
    terms: Sequence[TermSpec] = (),
    by: By | None = None,
    entry: str | None = None,
    strata: Sequence[str] = (),
    unknown_start: UnknownStart = "refuse",
    naive: bool = True,
    conf_level: float = 0.95,
) -> Landmark:
    """Survival of those followed past a landmark, by whether their treatment had started by it.

    Whoever is treated must have lived until then (immortal time); from the landmark on, treated
    and untreated have lived equally long.

    Parameters
    ----------
    data, time, event, entry, strata, terms
        As in `cox`, one row a patient; `terms` are what the model has besides the treatment.
    treatment, start
        Whether it was ever given (boolean, 0/1, no/yes), and its start from time zero, in the
        unit of `time`; at or before time zero it is there throughout.
    at
        The landmark, in the unit of `time`, chosen before the data are seen.
    by
        Groups by which patients are counted (HER2 status); no term of the model by themselves.
    unknown_start, naive
        ``refuse`` or ``leave_out`` patients treated on a day that is not known; whether the
        biased comparison from time zero stands beside.

    Kept are those with time > `at`, treated those with start <= `at`. Who is lost before is
    counted by group and reason, who is treated later stays untreated and is counted; a group of
    which nobody is left is named. AnalysisError for a landmark that leaves nobody, or one arm.

    Anderson, Cain and Gelber (1983). Checked against ``coxph`` and ``survfit`` of R on the same
    rows, and by hand: tests/analyses/test_landmark.py.
    """
    _require_landmark(at)
    rows = treated_rows(
        data, time=time, event=event, treatment=treatment, start=start, entry=entry,
        others=[*term_columns(terms), *strata, *(name for name in (by_column(by),) if name)],
        unknown_start=unknown_start,
    )  # fmt: skip
    reached, by_then = rows.time > at, rows.start <= at
    _require_arms(rows, at, treatment, reached, by_then)
    counts = _counts(rows, by, reached, by_then)
    model = Modelled((time, event, entry), treatment, tuple(terms), tuple(strata), conf_level)
    beside = naive_effect(rows, model) if naive else None
    kept = _from_landmark(rows, at, reached)
    return _result(
        kept, by_then[reached], model, counts, (float(at), start, by_column(by)), beside,
        (*_steps(counts, rows),), (*rows.findings, *_emptied(counts, at)),
    )  # fmt: skip


def _result(
    rows: Treated,
    by_then: Flags,
    asked: Modelled,
    counts: tuple[LandmarkGroup, ...],
    named: tuple[float, str, str | None],
    naive: LateEffect | None,
    steps: tuple[AttritionStep, ...],
    findings: tuple[Finding, ...],
) -> Landmark:
    """The curves and the model of the rows past the landmark, their time counted from it."""
    time, event, entry = asked.columns
    frame = asked.framed(rows, by_then)
    curves = kaplan_meier(
        frame, time=time, event=event, by=asked.treatment, entry=entry, conf_level=asked.conf_level
    )
    model = asked.fitted(frame)
    return Landmark(
        at=named[0],
        treatment=asked.treatment,
        start=named[1],
        by=named[2],
        groups=counts,
        steps=steps,
        curves=curves,
        model=model,
        effect=effect_of("landmark", asked.treatment, model, curves.n),
        naive=naive,
        emptied=tuple(group.group for group in counts if not group.n_reached),
        n=curves.n,
        n_event=curves.n_event,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=(*findings, *curves.findings, *model.findings),
        failures=model.failures,
    )


def _require_landmark(at: float) -> None:
    if not (np.isfinite(at) and at > 0):
        allowed = "A finite time above 0, in the unit of follow-up."
        raise AnalysisError(Problem("landmark: at", f"{at!r}", allowed))


def _require_arms(rows: Treated, at: float, treatment: str, reached: Flags, by_then: Flags) -> None:
    """AnalysisError where the landmark leaves nobody, or one arm only."""
    where = f"landmark at {at:g}"
    if not reached.any():
        last = f"The last time is {float(rows.time.max()):.12g}."
        found, advice = "nobody is followed past it", "Choose an earlier landmark."
        raise AnalysisError(Problem(where, found, last, advice))
    n, treated = int(reached.sum()), int((reached & by_then).sum())
    if 0 < treated < n:
        return
    found = f"'{treatment}' had started by it in {'all' if treated else 'none'} of {n} patients"
    advice = (
        "Choose an earlier landmark, before which some are not treated yet."
        if treated
        else "Choose a later landmark, by which some are treated."
    )
    raise AnalysisError(Problem(where, found, advice=advice))


def _counts(
    rows: Treated, by: By | None, reached: Flags, by_then: Flags
) -> tuple[LandmarkGroup, ...]:
    levels: tuple[str, ...] = (EVERYONE,)
    codes = np.zeros(len(rows.time), dtype=np.intp)
    if by is not None:
        groups = grouping(rows.frame, by)
        levels, codes = groups.levels, groups.codes
    later = reached & ~by_then & (rows.start <= rows.time)
    sums = [
        np.bincount(codes, chosen, minlength=len(levels)).astype(int)
        for chosen in (
            np.ones(len(codes)),
            ~reached & rows.event,
            ~reached & ~rows.event,
            reached & by_then,
            reached & ~by_then,
            later,
        )
    ]
    return tuple(
        LandmarkGroup(level, *(int(own[g]) for own in sums)) for g, level in enumerate(levels)
    )


def _steps(counts: tuple[LandmarkGroup, ...], rows: Treated) -> tuple[AttritionStep, ...]:
    """Those lost before the landmark by reason, each step beginning where the last ended."""
    left_out = rows.n_unknown + rows.n_contradicted
    n = sum(group.n for group in counts)
    steps = []
    if left_out:
        reason = "Start of the treatment not known or contradicted"
        steps.append(AttritionStep("unknown_start", reason, n + left_out, left_out, n))
    after = {group.group: group.n for group in counts}
    for name, reason in (
        ("event", "Had the event by the landmark"),
        ("censored", "Last seen by the landmark"),
    ):
        removed = {group.group: getattr(group, f"n_{name}_before") for group in counts}
        before = sum(after.values())
        after = {level: after[level] - removed[level] for level in after}
        steps.append(
            AttritionStep(
                f"{name}_before_landmark",
                reason,
                before,
                sum(removed.values()),
                sum(after.values()),
                tuple(removed.items()),
                tuple(after.items()),
            )
        )
    return tuple(steps)


def _from_landmark(rows: Treated, at: float, reached: Flags) -> Treated:
    """The rows that reached the landmark, time and entry counted from it."""
    return replace(
        rows,
        frame=rows.frame[reached].reset_index(drop=True),
        time=rows.time[reached] - at,
        event=rows.event[reached],
        entry=None if rows.entry is None else np.maximum(rows.entry[reached] - at, 0.0),
        start=rows.start[reached],
    )


def _emptied(counts: tuple[LandmarkGroup, ...], at: float) -> tuple[Finding, ...]:
    """A warning for each group that the landmark emptied, or in which it left one arm only."""
    found = []
    for group in counts:
        if not group.n_reached:
            said = (
                f"Nobody of the group is followed past the landmark at {at:g}: "
                f"{group.n_event_before} had the event and {group.n_censored_before} were last "
                "seen before. Nothing can be said of it."
            )
            found.append(
                Finding("warning", SOURCE, "", group.group, "emptied_by_landmark", group.n, said)
            )
        elif len(counts) > 1 and not (group.n_treated and group.n_untreated):
            arm = "treated" if group.n_treated else "untreated"
            said = f"At the landmark everybody of the group is {arm}: no effect is seen in it."
            found.append(Finding("warning", SOURCE, "", group.group, "one_arm", group.n, said))
    return tuple(found)
