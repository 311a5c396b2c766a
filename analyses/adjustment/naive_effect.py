"""The model of a late treatment, and the naive one: ever against never treated from time zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.adjustment.treatment_start import LEVELS, Flags, Treated
from analyses.estimators.cox import cox
from analyses.estimators.terms import TermSpec, declared
from analyses.results.cox import CoxModel
from analyses.results.late_effect import LateEffect, effect_of
from cohort.errors import AnalysisError


@dataclass(frozen=True, slots=True)
class Modelled:
    """How the hazard ratio of a treatment is modelled: columns (time, event, entry) and terms."""

    columns: tuple[str, str, str | None]
    treatment: str
    terms: tuple[TermSpec, ...]
    strata: tuple[str, ...]
    conf_level: float

    def framed(self, rows: Treated, treated: Flags) -> pd.DataFrame:
        """The rows with their times, and the treatment as no/yes."""
        time, event, entry = self.columns
        made: dict[str, Any] = {
            time: rows.time, event: rows.event, self.treatment: no_or_yes(treated),
        }  # fmt: skip
        if rows.entry is not None and entry is not None:
            made[entry] = rows.entry
        return rows.frame.assign(**made)

    def fitted(self, frame: pd.DataFrame, entry: str | None = None) -> CoxModel:
        """The Cox model of the treatment and the terms, without its rows.

        `entry` stands for the column of late entry, where rows have one of their own.
        """
        return cox(
            frame,
            time=self.columns[0],
            event=self.columns[1],
            entry=self.columns[2] if entry is None else entry,
            terms=[self.treatment, *self.terms],
            strata=list(self.strata) or None,
            conf_level=self.conf_level,
        ).without_rows()


def naive_effect(rows: Treated, asked: Modelled) -> LateEffect:
    """The hazard ratio that treats what happened later as known at time zero; never a result.

    It stands beside a valid one so that a reader sees how large the bias is. Where it cannot be
    had, it has a reason instead.
    """
    try:
        model = asked.fitted(asked.framed(rows, rows.ever))
    except AnalysisError as error:
        n, events = len(rows.time), int(rows.event.sum())
        reason = str(error.problems[0].found)
        return LateEffect("naive", asked.treatment, n, events, reason=reason)
    return effect_of("naive", asked.treatment, model, len(rows.time))


def no_or_yes(treated: Flags) -> pd.Categorical[Any]:
    """Whether a row is treated, as an ordered category whose reference is no."""
    words: npt.NDArray[np.object_] = np.array(LEVELS, dtype=object)[treated.astype(np.intp)]
    return pd.Categorical(words, categories=list(LEVELS), ordered=True)


def term_columns(terms: Sequence[TermSpec]) -> tuple[str, ...]:
    """The columns that terms need, each once."""
    every = (column for term in declared(terms) for column in term.columns) if terms else ()
    return tuple(dict.fromkeys(every))
