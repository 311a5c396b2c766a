"""Columns that make subgroups: levels in their order, or a number cut at given values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.survival_data import By, grouping
from analyses.results.terms import as_text
from cohort.errors import AnalysisError, Problem, listed, suggest

FactorSpec = str | Mapping[str, Any]
_KEYS = ("name", "levels", "cut")


@dataclass(frozen=True, slots=True)
class AskedFactor:
    """A factor as asked for: its column, and its levels or cuts where they were given."""

    name: str
    levels: tuple[str, ...] | None = None
    cut: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FactorCodes:
    """The subgroup of each row, counted from 0; -1 where the column has no value.

    `levels` are those that have a row, in their order; `cut` is the factor's own.
    """

    name: str
    levels: tuple[str, ...]
    codes: npt.NDArray[np.intp]
    cut: tuple[float, ...]


def asked_factors(factors: FactorSpec | Sequence[FactorSpec]) -> tuple[AskedFactor, ...]:
    """Factors as asked for, every mistake in them listed in one AnalysisError.

    A factor is a column's name, ``{"name": ..., "levels": [...]}`` for text, or ``{"name": ...,
    "cut": [50, 70]}`` for a number: below 50, from 50 to below 70, 70 and above.
    """
    given = [factors] if isinstance(factors, str | Mapping) else list(factors)
    problems: list[Problem] = []
    found = [_asked(f"factors[{i}]", factor, problems) for i, factor in enumerate(given)]
    if not found:
        problems.append(Problem("factors", "none was given", advice="Name at least one column."))
    names = [factor.name for factor in found]
    problems += [
        Problem("factors", f"'{name}' stands twice", advice="Keep one of the two.")
        for name in dict.fromkeys(names)
        if name and names.count(name) > 1
    ]
    if problems:
        raise AnalysisError(problems)
    return tuple(found)


def factor_codes(frame: pd.DataFrame, asked: Sequence[AskedFactor]) -> tuple[FactorCodes, ...]:
    """The subgroups of the rows of the frame, or every problem with the columns at once."""
    problems: list[Problem] = []
    found = []
    for factor in asked:
        try:
            found.append(_codes(frame[factor.name], factor))
        except AnalysisError as error:
            problems += error.problems
    if problems:
        raise AnalysisError(problems)
    return tuple(found)


def levels_of(frame: pd.DataFrame, by: By) -> FactorCodes:
    """The groups of the rows in the order that `by` gives, numbers read as words."""
    if isinstance(by, str):
        return factor_codes(frame, [AskedFactor(by)])[0]
    return factor_codes(frame, [AskedFactor(str(by["name"]), tuple(map(str, by["levels"])))])[0]


def _asked(where: str, factor: FactorSpec, problems: list[Problem]) -> AskedFactor:
    if isinstance(factor, str):
        return AskedFactor(factor)
    before = len(problems)
    for key in factor:
        if key not in _KEYS:
            allowed = f"Keys: {listed(_KEYS)}"
            problems.append(Problem(where, f"unknown key '{key}'", allowed, suggest(key, _KEYS)))
    name, levels, cut = factor.get("name"), factor.get("levels"), factor.get("cut")
    if not isinstance(name, str):
        problems.append(Problem(where, "no 'name' of a column", f"Keys: {listed(_KEYS)}"))
    if levels is not None and cut is not None:
        problems.append(Problem(where, "levels and cut together", advice="Keep one of the two."))
    if levels is not None and (isinstance(levels, str) or len({*map(str, levels)}) != len(levels)):
        problems.append(Problem(where, f"levels: {levels!r}", "Allowed: a list without repeats"))
    cuts = _cuts(where, cut, problems)
    if len(problems) > before:
        return AskedFactor("")
    return AskedFactor(str(name), None if levels is None else tuple(map(str, levels)), cuts)


def _cuts(where: str, cut: Any, problems: list[Problem]) -> tuple[float, ...]:
    """Finite numbers that rise."""
    if cut is None:
        return ()
    given = [cut] if isinstance(cut, int | float) else cut
    if isinstance(given, list | tuple) and given:
        numbers = [x for x in given if isinstance(x, int | float) and not isinstance(x, bool)]
        rises = all(a < b for a, b in pairwise(numbers)) and np.isfinite(numbers).all()
        if rises and len(numbers) == len(given):
            return tuple(float(x) for x in numbers)
    problems.append(Problem(where, f"cut: {cut!r}", "Allowed: [50, 70], finite numbers that rise"))
    return ()


def _codes(values: pd.Series[Any], factor: AskedFactor) -> FactorCodes:
    known = values.notna().to_numpy()
    codes = np.full(len(values), -1, dtype=np.intp)
    if not known.any():
        found, advice = "no complete row has a value", "Leave the factor out."
        raise AnalysisError(Problem(f"factor '{factor.name}'", found, advice=advice))
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if factor.cut:
        if not numeric:
            found = "not numbers, so it cannot be cut"
            raise AnalysisError(Problem(f"factor '{factor.name}'", found, advice="Leave out cut."))
        return _cut(values.to_numpy(dtype=float, na_value=np.nan), known, factor)
    if numeric and factor.levels is None:
        raise AnalysisError(
            Problem(
                f"factor '{factor.name}'",
                "a number makes no subgroups by itself",
                advice=f"Give {{'name': '{factor.name}', 'cut': [...]}}, or its levels.",
            )
        )
    own = values[known]
    own = _booleans(own)
    if factor.levels is None:
        grouped = grouping(pd.DataFrame({factor.name: own}), factor.name)
    else:
        words = own if isinstance(own.dtype, pd.CategoricalDtype) else as_text(own)
        by = {"name": factor.name, "levels": list(factor.levels)}
        grouped = grouping(pd.DataFrame({factor.name: words}), by)
    codes[known] = grouped.codes
    return FactorCodes(factor.name, grouped.levels, codes, ())


def _booleans(values: pd.Series[Any]) -> pd.Series[Any]:
    """Booleans that a column with missing values holds as objects, as booleans."""
    loose = values.dtype == object or pd.api.types.is_bool_dtype(values)
    if loose and values.map(lambda v: isinstance(v, bool | np.bool_)).all():
        return values.astype(bool)
    return values


def _cut(
    numbers: npt.NDArray[np.float64], known: npt.NDArray[np.bool_], factor: AskedFactor
) -> FactorCodes:
    """Subgroups between the cuts, each from its lower end to below its upper one."""
    cuts = factor.cut
    inner = [f"{a:g} to <{b:g}" for a, b in pairwise(cuts)]
    names = (f"<{cuts[0]:g}", *inner, f"≥{cuts[-1]:g}")  # as journals print it
    place = np.searchsorted(cuts, numbers[known], side="right")
    present = np.unique(place)
    codes = np.full(len(numbers), -1, dtype=np.intp)
    codes[known] = np.searchsorted(present, place)
    return FactorCodes(factor.name, tuple(names[i] for i in present), codes, cuts)
