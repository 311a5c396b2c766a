"""The same Cox model with follow-up censored at dates at which treatment changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analyses.adjustment.naive_effect import term_columns
from analyses.adjustment.treatment_start import Flags
from analyses.estimators.cox import cox
from analyses.estimators.survival_data import SurvivalData, survival_data
from analyses.estimators.terms import TermSpec, declared
from analyses.results.frozen import Array
from analyses.results.treatment_eras import ALL, EraModel, TreatmentEras
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

SOURCE = "treatment_eras"


def treatment_eras(
    data: Any,
    *,
    time: str,
    event: str,
    terms: Sequence[TermSpec],
    began: str,
    per_day: float,
    until: Mapping[str, date],
    entry: str | None = None,
    strata: Sequence[str] = (),
    conf_level: float = 0.95,
) -> TreatmentEras:
    """A Cox model with all follow-up, and with follow-up up to each date, side by side.

    Parameters
    ----------
    data, time, event, entry, terms, strata, conf_level
        As in `cox`; the first term is the one that is looked at.
    began
        Column of the calendar day of time zero (dates, or year-month-day).
    per_day
        Units of `time` in a day: 1, or 12/365.25 for months.
    until
        Last days, by id: an event after it is censored at it. Who begins after it is left out
        of its model, and counted.

    Returns
    -------
    TreatmentEras
        All models rest on the patients whose day of time zero is known. An era without a model
        has the reason instead.

    Checked by hand and against `cox` on rows cut in the test: tests/analyses/
    test_treatment_eras.py.
    """
    others = [*term_columns(terms), *strata, began]
    rows = survival_data(data, time=time, event=event, entry=entry, others=others)
    day = _days(rows.frame[began], began)
    options = {"terms": list(terms), "strata": list(strata) or None, "conf_level": conf_level}
    columns = (time, event, entry)
    models = [_model(rows, columns, options, (ALL, ""), np.full(len(day), np.inf))]
    for name, last in sorted(until.items(), key=lambda item: item[1]):
        left = (np.datetime64(last) - day) / np.timedelta64(1, "D") * per_day
        models.append(_model(rows, columns, options, (name, last.isoformat()), left))
    return TreatmentEras(
        models=tuple(models),
        term=declared(terms)[0].name,
        conf_level=conf_level,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=_findings(models, began),
    )


def _days(values: pd.Series[Any], began: str) -> Any:
    """The calendar days; AnalysisError where they cannot be read."""
    try:
        read = pd.to_datetime(values, format="ISO8601")
    except (ValueError, TypeError):
        found, allowed = f"not all dates (for example '{values.iloc[0]}')", "Year-month-day"
        raise AnalysisError(Problem(f"column '{began}'", found, allowed)) from None
    return read.to_numpy().astype("datetime64[D]")


def _model(
    rows: SurvivalData,
    columns: tuple[str, str, str | None],
    options: dict[str, Any],
    named: tuple[str, str],
    left: Array,
) -> EraModel:
    """The model with follow-up ending `left` after time zero at the latest."""
    time, event, entry = columns
    begun: Flags = left >= 0 if rows.entry is None else left > rows.entry
    cut = begun & (rows.time > left)
    frame = rows.frame.assign(
        **{time: np.minimum(rows.time, np.maximum(left, 0.0)), event: rows.event & ~cut}
    )[begun]
    n, n_event = len(frame), int(frame[event].sum())
    model, reason = None, None
    try:
        model = cox(frame, time=time, event=event, entry=entry, **options).without_rows()
    except AnalysisError as error:
        reason = "; ".join(problem.found for problem in error.problems)
    return EraModel(
        era=named[0],
        until=named[1],
        n=n,
        n_event=n_event,
        n_left_out=int((~begun).sum()),
        n_cut=int(cut.sum()),
        n_event_cut=int((cut & rows.event).sum()),
        model=model,
        reason=reason,
    )


def _findings(models: Sequence[EraModel], began: str) -> tuple[Finding, ...]:
    """Eras that change nothing, since all follow-up ends before, and what each model warns of."""
    found = []
    for era in models:
        if era.era != ALL and not era.n_cut and not era.n_left_out:
            advice = f"All follow-up ends by {era.until}: censoring there changes nothing."
            found.append(Finding("info", SOURCE, began, era.era, "era_not_reached", 0, advice))
        found += [] if era.model is None else era.model.findings
    return tuple(dict.fromkeys(found))
