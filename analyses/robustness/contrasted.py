"""One contrast of a fitted Cox model, with all that is needed to fit it again to other patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox import coefficients_of
from analyses.estimators.cox_asked import Asked
from analyses.estimators.optimism import asked_again
from analyses.estimators.survival_data import as_pandas, require_columns, survival_data
from analyses.estimators.terms import Declared, declared
from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from analyses.results.robust import Estimate
from analyses.results.terms import as_text
from cohort.errors import AnalysisError, Problem, listed, suggest

Flags = npt.NDArray[np.bool_]
Contrast = tuple[str, str, str]  # term, level, reference
MUST_BE_FITTED = "Give the table that the model was fitted to."


@dataclass(frozen=True, slots=True, eq=False)
class Contrasted:
    """The complete patients of a model, and how its contrast is estimated in others like them.

    Attributes
    ----------
    frame
        Complete rows, index 0..n-1, with every column of the model and those asked for besides.
    time, event, entry
        Names of its columns of follow-up.
    terms, asked
        The model as declared, its reference that of the contrast, and how it is fitted.
    """

    frame: pd.DataFrame
    time: str
    event: str
    entry: str | None
    terms: tuple[Declared, ...]
    asked: Asked
    term: str
    level: str
    reference: str

    @property
    def happened(self) -> Flags:
        """Who has the event."""
        return np.asarray(self.frame[self.event].to_numpy(), dtype=bool)

    def at(self, level: str) -> Flags:
        """Who is at a level of the term."""
        return np.asarray(as_text(self.frame[self.term]).to_numpy() == level)

    def coefficient(self, frame: pd.DataFrame) -> Coefficient:
        """The contrast in these patients; AnalysisError where it has no estimate or no error."""
        found = next(
            c
            for c in coefficients_of(frame, self.terms, self.asked)
            if c.term == self.term and c.level == self.level
        )
        if found.estimate is None or found.std_error is None:
            raise AnalysisError(Problem(f"{self.term}={self.level}", str(found.reason)))
        return found

    def estimate(self, frame: pd.DataFrame) -> Estimate:
        """The same with its limits, and the patients and events of both levels."""
        found = self.coefficient(frame)
        assert found.estimate is not None
        own = as_text(frame[self.term]).isin([self.level, self.reference]).to_numpy()
        return Estimate(
            found.estimate,
            found.std_error,
            found.conf_low,
            found.conf_high,
            n=int(own.sum()),
            n_event=int(np.asarray(frame[self.event].to_numpy(), dtype=bool)[own].sum()),
        )


def contrasted(
    model: CoxModel,
    data: Any,
    names: tuple[str, str],
    contrast: Contrast,
    *,
    where: str,
    besides: tuple[str, ...] = (),
) -> Contrasted:
    """The contrast with the complete rows of the model.

    `names` are the columns of time and event; `besides` are columns to keep, which may lack values;
    `where` names the question in messages.

    Raises
    ------
    AnalysisError
        For a term or level that the model does not have, other patients than those of the fit,
        weights, and coefficients that change over time.
    """
    term, level, reference = contrast
    _require(model, contrast, where)
    time, event = names
    frame = as_pandas(data).reset_index(drop=True)
    require_columns(frame, besides)
    terms = declared([_with_reference(asked_again(t), term, reference) for t in model.terms])
    columns = [name for one in terms for name in one.columns] + list(model.strata)
    columns += [name for name in (model.cluster, model.offset) if name is not None]
    rows = survival_data(
        frame, time=time, event=event, entry=model.entry, others=list(dict.fromkeys(columns))
    )
    if (rows.n, int(rows.event.sum())) != (model.n, model.n_event):
        found = f"{rows.n} complete rows with {int(rows.event.sum())} events"
        allowed = f"The model has {model.n} and {model.n_event}"
        raise AnalysisError(Problem(f"{where}: data", found, allowed, MUST_BE_FITTED))
    times = {time: rows.time, event: rows.event}
    if model.entry is not None and rows.entry is not None:
        times[model.entry] = rows.entry
    kept = {name: frame.loc[rows.labels, name].array for name in besides if name not in rows.frame}
    asked = Asked(
        time, event, model.entry, model.strata, None, model.cluster, model.robust or None,
        model.offset, "breslow" if model.ties == "breslow" else "efron", model.conf_level,
        model.penalty,
    )  # fmt: skip
    whole = rows.frame.assign(**times, **kept)
    whole[term] = _coded(whole[term], terms, term)
    return Contrasted(whole, time, event, model.entry, terms, asked, term, level, reference)


def _coded(values: pd.Series[Any], terms: tuple[Declared, ...], term: str) -> pd.Series[Any]:
    """The column of the term as an ordered category of all its levels, so that rows may change."""
    own = next(one for one in terms if one.name == term)
    return pd.Series(
        pd.Categorical(as_text(values), categories=list(own.levels or ()), ordered=True)
    )


def _with_reference(asked: dict[str, Any], term: str, reference: str) -> dict[str, Any]:
    """The declaration with the contrast's reference, where it is that of the term."""
    return asked | {"reference": reference} if asked.get("name") == term else asked


def _require(model: CoxModel, contrast: Contrast, where: str) -> None:
    term, level, reference = contrast
    found = next((t for t in model.terms if t.name == term), None)
    problems = []
    if found is None or found.kind != "category":
        known = [t.name for t in model.terms if t.kind == "category"]
        said = f"'{term}' is no category of the model"
        problems.append(
            Problem(f"{where}: contrast", said, f"Terms: {listed(known)}", suggest(term, known))
        )
    else:
        problems += [
            Problem(
                f"{where}: contrast",
                f"'{one}' is no level of '{term}'",
                f"Levels: {listed(found.levels)}",
                suggest(one, found.levels),
            )
            for one in (level, reference)
            if one not in found.levels
        ]
    if level == reference:
        problems.append(Problem(f"{where}: contrast", f"'{level}' against itself", "Two levels"))
    changing = [t.name for t in model.terms if t.kind == "over_time"]
    if changing:
        said = f"coefficients of {listed(changing)} change over time"
        advice = "Ask for it of a model whose hazard ratios are constant."
        problems.append(Problem(f"{where}: model", said, advice=advice))
    if model.weights is not None:
        said = f"a model with weights ('{model.weights}')"
        problems.append(Problem(f"{where}: model", said, advice="Ask for it of one without."))
    if problems:
        raise AnalysisError(problems)
