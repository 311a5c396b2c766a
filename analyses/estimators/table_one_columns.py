"""Columns of Table 1 as numbers or codes of levels, and the values of each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.survival_data import grouping
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem

Column = str | Mapping[str, Any]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
TABLE = 1 << 16  # whole numbers that a column's different values are counted among


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """One column: numbers (NaN missing), or codes of levels (-1 missing)."""

    name: str
    values: npt.NDArray[Any]
    levels: tuple[str, ...] | None

    @property
    def known(self) -> Flags:
        """Which patients have a value."""
        return np.asarray(~np.isnan(self.values) if self.levels is None else self.values >= 0)


def described(
    frame: pd.DataFrame, columns: Sequence[Column], names: Sequence[str]
) -> tuple[Described, ...]:
    """The columns as arrays, or every problem with them at once."""
    problems: list[Problem] = []
    found = []
    for column, name in zip(columns, names, strict=True):
        try:
            found.append(_describe(frame[name], name, column))
        except AnalysisError as error:
            problems += error.problems
    if problems:
        raise AnalysisError(problems)
    return tuple(found)


def _describe(values: pd.Series[Any], name: str, column: Column) -> Described:
    """One column as numbers or codes."""
    known = values.notna()
    if isinstance(column, str) and not isinstance(values.dtype, pd.CategoricalDtype):
        if pd.api.types.is_datetime64_any_dtype(values):
            found, advice = "a date is not described in Table 1", "Derive the year, or an age."
            raise AnalysisError(Problem(f"column '{name}'", found, advice=advice))
        if not known.any():
            return Described(name, np.full(len(values), np.nan), None)
        if _are_flags(values[known]):
            column = {"name": name, "levels": ["False", "True"]}
        elif pd.api.types.is_numeric_dtype(values):
            return Described(name, numbers(values, name), None)
    text = values[known]
    if not isinstance(column, str) and pd.api.types.is_float_dtype(text):
        whole = bool((text == np.floor(text)).all())
        text = text.astype(int) if whole else text
    if not isinstance(column, str):
        text = text.astype(str)
    codes = np.full(len(values), -1, dtype=np.intp)
    levels: tuple[str, ...] = ()
    if known.any():
        groups = grouping(pd.DataFrame({name: text}), column)
        codes[known.to_numpy()] = groups.codes
        levels = groups.levels
    return Described(name, codes, levels)


def _are_flags(known: pd.Series[Any]) -> bool:
    """Whether every value is true or false."""
    if pd.api.types.is_bool_dtype(known.dtype):
        return True
    of_objects = pd.api.types.is_object_dtype(known.dtype)
    return of_objects and bool(known.map(lambda v: isinstance(v, bool | np.bool_)).all())


def numbers(values: pd.Series[Any], name: str) -> Array:
    """Finite numbers; missing is NaN."""
    if not pd.api.types.is_numeric_dtype(values):
        raise AnalysisError(Problem(f"column '{name}'", "not numbers"))
    found = values.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(found).any():
        n = int(np.isinf(found).sum())
        raise AnalysisError(Problem(f"column '{name}'", f"{n} values are not finite"))
    return np.asarray(found, dtype=np.float64)


def counted_numbers(
    values: Array, known: Flags, group: Places, n_groups: int
) -> list[tuple[Array, Array]]:
    """Each group's different numbers, ascending, and how many patients have each."""
    values, group = values[known], group[known]
    low, high = (float(edge(values)) if len(values) else 0.0 for edge in (np.min, np.max))
    if high - low < TABLE and (values == np.floor(values)).all():
        width = int(high - low) + 1
        place = group * width + (values - low).astype(np.intp)
        table = np.bincount(place, minlength=n_groups * width).reshape(n_groups, width)
        present = [np.flatnonzero(row) for row in table]
        return [
            (np.asarray(places + low, dtype=np.float64), row[places].astype(np.float64))
            for places, row in zip(present, table, strict=True)
        ]
    found = (np.unique(values[group == g], return_counts=True) for g in range(n_groups))
    return [(own, n.astype(np.float64)) for own, n in found]


def counted_levels(
    codes: Places, group: Places, shape: tuple[int, int], weights: Array | None = None
) -> Array:
    """Patients, or their weights, by group and level (groups x levels), the last those without."""
    n_groups, k = shape
    place = group * (k + 1) + np.where(codes < 0, k, codes)
    table = np.bincount(place, weights, minlength=n_groups * (k + 1))
    return table.reshape(n_groups, k + 1).astype(np.float64)
