"""Rows of a question with competing events: how each patient's follow-up ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.grouped_survival import GroupedSurvival, grouped_survival
from analyses.estimators.survival_data import By, as_pandas, by_column, require_columns
from cohort.errors import AnalysisError, Problem, listed, suggest

HAPPENED = "an event of any cause"  # the column of events that the rows are checked with


@dataclass(frozen=True, slots=True, eq=False)
class StateRows:
    """Complete rows and the state in which each one's follow-up ended.

    Attributes
    ----------
    rows
        As for a single event, which here is an event of any cause.
    state
        0 for a censoring, else the place of the cause among `causes`, counted from 1.
    censoring, causes
        What the levels of the state are called.
    column
        The column of the states.
    """

    rows: GroupedSurvival
    state: npt.NDArray[np.intp]
    censoring: str
    causes: tuple[str, ...]
    column: str

    def per_group(self, state: int) -> tuple[int, ...]:
        """Patients of each group whose follow-up ended so."""
        return self.rows.per_group(self.state == state)


def state_rows(
    data: Any,
    *,
    time: str,
    state: By,
    by: By | None = None,
    entry: str | None = None,
    weights: str | None = None,
    others: Sequence[str] = (),
) -> StateRows:
    """Rows complete in every column named.

    `state` is an ordered categorical, or a column with its levels; the first is censoring. Raises
    AnalysisError as `grouped_survival`, for states without order, and for a state that is not
    among the levels.
    """
    frame = as_pandas(data)
    column, group = str(by_column(state)), by_column(by)
    numbers = [name for name in (time, entry, weights) if name is not None]
    require_columns(
        frame, [*numbers, column, *([] if group is None else [group]), *map(str, others)]
    )
    ended, levels = _ended(frame, state, column)
    frame = frame.assign(**{HAPPENED: ended.codes > 0})
    try:
        rows = grouped_survival(
            frame,
            time=time,
            event=HAPPENED,
            by=by,
            entry=entry,
            weights=weights,
            others=[column, *others],
        )
    except AnalysisError as error:
        raise _without_happened(error) from error
    kept = pd.Categorical(rows.frame[column].astype("string"), categories=list(levels))
    return StateRows(rows, kept.codes.astype(np.intp), levels[0], levels[1:], column)


def _without_happened(error: AnalysisError) -> AnalysisError:
    """The same problems without the column that the caller has not."""
    return AnalysisError(
        replace(problem, found=problem.found.replace(f"{HAPPENED}, ", ""))
        for problem in error.problems
    )


def happened(data: Any, state: By, cause: str) -> tuple[pd.DataFrame, str]:
    """The table with a column of whether follow-up ended by the cause, and that column's name.

    Without a state it is missing. Raises AnalysisError as `state_rows` and `require_cause`.
    """
    frame = as_pandas(data)
    column = str(by_column(state))
    require_columns(frame, [column])
    ended, levels = _ended(frame, state, column)
    place = require_cause(column, levels, cause, "cause_specific_cox")
    name = f"{column} {cause}"
    event = pd.Series(ended.codes == place, index=frame.index, dtype="boolean")
    return frame.assign(**{name: event.mask(ended.codes < 0)}), name


def require_cause(column: str, levels: tuple[str, ...], cause: str, where: str) -> int:
    """The place of the cause among the levels; AnalysisError where it is no event."""
    if str(cause) in levels[1:]:
        return levels.index(str(cause))
    raise AnalysisError(
        Problem(
            f"{where}: cause",
            f"'{cause}' is not an event of '{column}'",
            f"Events: {listed(levels[1:])} (censoring: {levels[0]})",
            suggest(str(cause), levels[1:]),
        )
    )


def _ended(frame: pd.DataFrame, state: By, column: str) -> tuple[Any, tuple[str, ...]]:
    """The states as a categorical of the levels, and the levels."""
    levels = _levels(frame[column], state, column)
    words = frame[column].astype("string")
    unknown = sorted(set(words.dropna().unique()) - set(levels))
    if unknown:
        found = f"values not among the levels: {listed(unknown)}"
        raise AnalysisError(Problem(f"state '{column}'", found, f"Levels: {listed(levels)}"))
    return pd.Categorical(words, categories=list(levels)), levels


def _levels(values: pd.Series[Any], state: By, column: str) -> tuple[str, ...]:
    """The levels of the state in their order."""
    if not isinstance(state, str):
        levels = tuple(str(level) for level in state["levels"])
    elif isinstance(values.dtype, pd.CategoricalDtype) and values.dtype.ordered:
        levels = tuple(str(level) for level in values.dtype.categories)
    else:
        raise AnalysisError(
            Problem(
                f"state '{column}'",
                "its levels have no order, so that none of them is known to be the censoring",
                f"Values: {listed(sorted(map(str, values.dropna().unique())))}",
                f"Give {{'name': '{column}', 'levels': [censoring, cause, ...]}} or an ordered "
                "categorical.",
            )
        )
    if len(levels) < 2 or len(set(levels)) < len(levels):
        found = f"levels {listed(levels)}"
        allowed = "The censoring first, then at least one event, each once."
        raise AnalysisError(Problem(f"state '{column}'", found, allowed))
    return levels
