"""A treatment that changes over time: each patient untreated until its start, treated since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.adjustment.naive_effect import Modelled, naive_effect, no_or_yes, term_columns
from analyses.adjustment.treatment_start import (
    LEVELS,
    SOURCE,
    Flags,
    Treated,
    UnknownStart,
    treated_rows,
)
from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.survival_data import unused
from analyses.estimators.terms import TermSpec
from analyses.results.frozen import Array
from analyses.results.late_effect import LateEffect, effect_of
from analyses.results.start_stop import Exposure, StartStop
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Start-stop rows: at risk from `entry` (not included) to `exit`, in one state of treatment.

    `patient` is the place of the patient among the rows that were cut, in whose order pieces are.
    """

    patient: npt.NDArray[np.intp]
    entry: Array
    exit: Array
    event: Flags
    treated: Flags


def start_stop(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str,
    start: str,
    terms: Sequence[TermSpec] = (),
    entry: str | None = None,
    strata: Sequence[str] = (),
    unknown_start: UnknownStart = "refuse",
    naive: bool = True,
    conf_level: float = 0.95,
) -> StartStop:
    """The hazard ratio of a treatment that patients count as having only since it started.

    Parameters
    ----------
    data, time, event, entry, strata, terms
        As in `cox`, one row a patient; `terms` are what the model has besides the treatment.
    treatment, start
        Whether it was ever given (boolean, 0/1, no/yes), and its start from time zero, in the
        unit of `time`; at or before time zero, or before the patient was observed, it is there
        from the beginning.
    unknown_start, naive
        ``refuse`` or ``leave_out`` patients treated on a day that is not known; whether the
        biased comparison from time zero stands beside.

    Returns
    -------
    StartStop
        A patient who starts at s is untreated on (entry, s] and treated on (s, exit]: on the day
        of the start the patient is still untreated, so that an event on that day is an untreated
        one, as in R's ``tmerge``. Patients followed for no time are never at risk: counted.

    Raises
    ------
    AnalysisError
        Where nobody changes state, or all time is in one; as `treated_rows` and `cox`.

    Mantel and Byar (1974); curves by Simon and Makuch (1984). Checked against ``coxph`` on rows
    of ``tmerge`` (R's survival 3.5), and by hand: tests/analyses/test_start_stop.py.
    """
    rows = treated_rows(
        data, time=time, event=event, treatment=treatment, start=start, entry=entry,
        others=[*term_columns(terms), *strata], unknown_start=unknown_start,
    )  # fmt: skip
    pieces = pieces_of(rows)
    _require_both(pieces, treatment)
    model = Modelled((time, event, entry), treatment, tuple(terms), tuple(strata), conf_level)
    return _result(rows, pieces, model, start, naive_effect(rows, model) if naive else None)


def _result(
    rows: Treated, pieces: Pieces, asked: Modelled, start: str, naive: LateEffect | None
) -> StartStop:
    """The model and the curves of start-stop rows."""
    time, event, _ = asked.columns
    frame, since = framed(rows, pieces, (time, event), asked.treatment)
    model = asked.fitted(frame, since)
    curves = kaplan_meier(
        frame, time=time, event=event, entry=since, by=asked.treatment, conf_level=asked.conf_level
    )
    n = len(np.unique(pieces.patient))
    first = np.append(True, np.diff(pieces.patient) > 0)
    return StartStop(
        treatment=asked.treatment,
        start=start,
        exposures=_exposures(pieces),
        n_at_baseline=int((pieces.treated & first).sum()),
        n_started_later=int((pieces.treated & ~first).sum()),
        curves=curves,
        model=model,
        effect=effect_of("start_stop", asked.treatment, model, n),
        naive=naive,
        n=n,
        n_event=int(pieces.event.sum()),
        n_rows=len(pieces.exit),
        n_without_time=len(rows.time) - n,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=(*rows.findings, *_no_time(rows, time), *model.findings),
        failures=model.failures,
    )


def pieces_of(rows: Treated) -> Pieces:
    """Each patient's time cut at the start of the treatment, where that lies within it."""
    begun = np.zeros(len(rows.time)) if rows.entry is None else rows.entry
    followed = np.flatnonzero(rows.time > begun)
    entry, last, start = begun[followed], rows.time[followed], rows.start[followed]
    cut = (start > entry) & (start < last)
    patient = np.repeat(followed, 1 + cut)
    second = np.append(False, patient[1:] == patient[:-1])
    own = np.repeat(np.arange(len(followed)), 1 + cut)
    halved = cut[own]
    return Pieces(
        patient=patient,
        entry=np.where(second, start[own], entry[own]),
        exit=np.where(halved & ~second, start[own], last[own]),
        event=rows.event[patient] & (second | ~halved),
        treated=second | (start <= entry)[own],
    )


def framed(
    rows: Treated, pieces: Pieces, columns: tuple[str, str], treatment: str
) -> tuple[pd.DataFrame, str]:
    """The start-stop rows as a table, and the name of the column of their entry."""
    time, event = columns
    since = unused(f"{time} from", rows.frame.columns)
    made: dict[str, Any] = {
        since: pieces.entry,
        time: pieces.exit,
        event: pieces.event,
        treatment: no_or_yes(pieces.treated),
    }
    return rows.frame.iloc[pieces.patient].reset_index(drop=True).assign(**made), since


def _require_both(pieces: Pieces, treatment: str) -> None:
    if len(pieces.exit) and pieces.treated.any() and not pieces.treated.all():
        return
    n = len(np.unique(pieces.patient))
    state = "treated from the beginning" if pieces.treated.any() else "untreated throughout"
    found = f"all {n} patients are {state}: the treatment never changes"
    advice = "Check the column of the start, its unit, and the selection."
    raise AnalysisError(Problem(f"treatment '{treatment}'", found, advice=advice))


def _exposures(pieces: Pieces) -> tuple[Exposure, ...]:
    length = pieces.exit - pieces.entry
    made = []
    for state, chosen in zip(LEVELS, (~pieces.treated, pieces.treated), strict=True):
        events = int(pieces.event[chosen].sum())
        made.append(Exposure(state, int(chosen.sum()), events, float(length[chosen].sum())))
    return tuple(made)


def _no_time(rows: Treated, time: str) -> tuple[Finding, ...]:
    """Patients followed for no time, who would have no length in a start-stop row."""
    none = rows.time <= 0
    n = int(none.sum())
    if not n or rows.entry is not None:
        return ()
    advice = (
        f"Follow-up of 0: never at risk after time zero, so not in the start-stop rows; "
        f"{int(rows.event[none].sum())} of these patients have the event."
    )
    return (Finding("warning", SOURCE, time, "0", "no_time_at_risk", n, advice),)
