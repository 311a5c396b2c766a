"""The columns of chained equations: numbers or places of levels, and what is to be imputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.survival_data import By, by_column
from analyses.results.frozen import Array
from analyses.results.terms import as_text
from cohort.errors import AnalysisError, Problem, listed, suggest

Method = Literal["pmm", "logistic", "multinomial", "ordered"]
METHODS: dict[str, tuple[Method, ...]] = {
    "number": ("pmm",),
    "two": ("logistic", "multinomial"),
    "category": ("multinomial", "ordered"),
}
MOST_LEVELS = 20  # above which a multinomial model has more parameters than can be meant


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """One column as numbers.

    Attributes
    ----------
    levels
        Levels with an observed value, in order; empty for a number.
    values
        Numbers, or places among the levels; NaN where missing.
    method
        How missing values are drawn; None where there are none.
    among
        Rows that its model may be fitted to, and what they have in common; None for all.
    """

    name: str
    levels: tuple[str, ...]
    values: Array
    method: Method | None
    among: npt.NDArray[np.bool_] | None = None
    among_said: str = ""

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Rows without a value."""
        return np.isnan(self.values)


def variables(
    frame: pd.DataFrame, columns: Sequence[By], methods: Mapping[str, str]
) -> tuple[Variable, ...]:
    """The columns in their order, every mistake listed in one AnalysisError."""
    problems: list[Problem] = []
    found = []
    names = [by_column(column) for column in columns]
    for name in methods:
        if name not in names:
            known = [str(n) for n in names]
            problems.append(
                Problem(
                    f"methods['{name}']",
                    "not a column of the imputation",
                    f"Columns: {listed(known)}",
                    suggest(name, known),
                )
            )
    for column in columns:
        try:
            found.append(_variable(frame, column, methods.get(str(by_column(column)))))
        except AnalysisError as error:
            problems += error.problems
    if problems:
        raise AnalysisError(problems)
    return tuple(found)


def _variable(frame: pd.DataFrame, column: By, method: str | None) -> Variable:
    name = str(by_column(column))
    given = frame[name]
    if given.isna().all():
        raise _refused(
            name,
            f"no patient of {len(given)} has a value: there is nothing to impute from",
            "Leave the column out of the model, or find it in another file.",
        )
    is_number = pd.api.types.is_numeric_dtype(given) and not pd.api.types.is_bool_dtype(given)
    levels: tuple[str, ...] = ()
    if isinstance(column, str) and is_number:
        values = _numbers(name, given)
    else:
        values, levels = _places(name, given, column)
    if not np.isnan(values).any():
        return Variable(name, levels, values, None)
    return Variable(name, levels, values, _method(name, levels, method))


def _numbers(name: str, given: pd.Series[Any]) -> Array:
    values = given.to_numpy(dtype=float, na_value=np.nan)
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise _refused(name, f"{infinite} values are not finite", "Mend or exclude these rows.")
    return np.array(values)


def _places(name: str, given: pd.Series[Any], column: By) -> tuple[Array, tuple[str, ...]]:
    """Each row's place among the levels that have a row, NaN where missing."""
    there = given.notna().to_numpy()
    text = as_text(given[there])
    if not isinstance(column, str):
        order = [str(level) for level in column["levels"]]
    elif isinstance(given.dtype, pd.CategoricalDtype):
        order = [str(level) for level in given.dtype.categories]
    elif set(text) <= {"True", "False"}:
        order = ["False", "True"]
    else:
        raise _refused(
            name,
            "a category without declared levels",
            f"Give {{'name': '{name}', 'levels': [...]}} or a categorical.",
            f"Values: {listed(sorted(set(text)))}",
        )
    unknown = sorted(set(text) - set(order))
    if unknown:
        found = f"values that are not levels: {listed(unknown)}"
        raise _refused(name, found, allowed=f"Levels: {listed(order)}")
    present = set(text)
    levels = tuple(level for level in order if level in present)
    if len(levels) > MOST_LEVELS:
        found = f"{len(levels)} levels; a conditional model has at most {MOST_LEVELS}"
        raise _refused(name, found, "Merge levels, or leave the column out of the imputation.")
    values = np.full(len(given), np.nan)
    values[there] = pd.Index(levels, dtype=object).get_indexer(pd.Index(text))
    return values, levels


def _method(name: str, levels: tuple[str, ...], asked: str | None) -> Method:
    kind = "number" if not levels else "two" if len(levels) <= 2 else "category"
    allowed = METHODS[kind]
    if asked is None:
        return allowed[0]
    for method in allowed:
        if method == asked:
            return method
    what = "a number" if not levels else f"a category of {len(levels)} levels"
    raise _refused(name, f"method '{asked}' for {what}", allowed=f"Methods: {listed(allowed)}")


def _refused(name: str, found: str, advice: str = "", allowed: str = "") -> AnalysisError:
    return AnalysisError(Problem(f"imputation of '{name}'", found, allowed, advice))
