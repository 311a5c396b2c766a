"""Ever against never treated from time zero: biased by immortal time, and shown as such."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analyses.adjustment.treatment_start import LEVELS, Flags, Treated
from analyses.estimators.cox import cox
from analyses.estimators.terms import TermSpec
from analyses.results.treatment_effect import TreatmentEffect, effect_of
from cohort.errors import AnalysisError

Columns = tuple[str, str, str | None]  # time, event, entry


def naive_effect(
    rows: Treated,
    columns: Columns,
    treatment: str,
    terms: Sequence[TermSpec],
    strata: Sequence[str],
    conf_level: float,
) -> TreatmentEffect:
    """The hazard ratio that treats what happened later as known at time zero; never a result.

    It stands beside a valid one so that a reader sees how large the bias is. Where it cannot be
    had, it has a reason instead.
    """
    frame, since = with_treatment(rows, columns, treatment, rows.ever)
    try:
        model = cox(
            frame,
            time=columns[0],
            event=columns[1],
            terms=[treatment, *terms],
            entry=since,
            strata=list(strata) or None,
            conf_level=conf_level,
        )
    except AnalysisError as error:
        n, events = len(rows.time), int(rows.event.sum())
        return TreatmentEffect("naive", treatment, n, events, reason=str(error.problems[0].found))
    return effect_of("naive", treatment, model, len(rows.time))


def with_treatment(
    rows: Treated, columns: Columns, treatment: str, treated: Flags
) -> tuple[pd.DataFrame, str | None]:
    """The rows with their times and the treatment as no/yes, and the column of late entry."""
    time, event, entry = columns
    made = {
        time: rows.time,
        event: rows.event,
        treatment: pd.Categorical.from_codes(
            treated.astype(np.int8), categories=list(LEVELS), ordered=True
        ),
    }
    if rows.entry is not None and entry is not None:
        made[entry] = rows.entry
    return rows.frame.assign(**made), entry
