"""Table 1: what the patients of each group are like, and how far the groups differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.group_tests import levels_test, numbers_test
from analyses.estimators.survival_data import By, as_pandas, by_column, grouping
from analyses.kernels.standardised_difference import of_means, of_shares
from analyses.kernels.weighted_summary import weighted_mean, weighted_quantiles, weighted_sd
from analyses.results.frozen import Array, defined
from analyses.results.table_one import GroupTest, RowKind, Smd, TableOne, TableOneRow
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

Column = str | Mapping[str, Any]
Masks = tuple[npt.NDArray[np.bool_], ...]
QUARTILES = np.array([0.25, 0.5, 0.75])


@dataclass(frozen=True, slots=True, eq=False)
class _Patients:
    """Rows with a group: masks by group, weights (ones where none are given)."""

    frame: pd.DataFrame
    groups: tuple[str, ...]
    masks: Masks
    weights: Array
    weighted: bool
    counts: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Described:
    """One column: numbers (NaN missing), or codes of levels (-1 missing)."""

    name: str
    values: Array
    levels: tuple[str, ...] | None

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which patients have a value."""
        return ~np.isnan(self.values) if self.levels is None else self.values >= 0


def table_one(
    data: Any,
    *,
    by: By,
    columns: Sequence[Column],
    weights: str | None = None,
    tests: Literal["none", "standard"] = "none",
) -> TableOne:
    """The characteristics of each group of patients, with standardised differences of each pair.

    Parameters
    ----------
    data, by
        One row a patient; the groups, an ordered categorical or ``{"name", "levels"}``.
    columns
        Numbers give mean (SD) and median (quartiles of type 7); categoricals, booleans and
        ``{"name": ..., "levels": [...]}`` counts and shares of the patients with a value.
    weights
        At least 0. Weighted are shares, means, deviations and quantiles, never the numbers of
        patients nor the spread below a standardised difference. Whole numbers are counts.
    tests
        ``standard``: Kruskal-Wallis, uncorrected chi-square, Fisher where a count expected is < 5.

    Returns
    -------
    TableOne
        A column's missing values are a row, and take no part in its other numbers; rows without
        group or weight are left out and counted. What is not estimable is None with a reason.

    Raises
    ------
    AnalysisError
        Columns absent, dates, text without levels, bad numbers or weights, tests under weights.

    Notes
    -----
    Yang and Dalton (2012). Checked against R (quantiles, tests, differences in matrix form) in
    tests/analyses/test_table_one.py.
    """
    _require_tests(tests, weights)
    frame = as_pandas(data)
    names = [str(c if isinstance(c, str) else c["name"]) for c in columns]
    needed = [str(by_column(by)), *([] if weights is None else [weights])]
    _require(frame, [*needed, *names])
    missing = frame[needed].isna()
    kept = frame[~missing.any(axis=1)].reset_index(drop=True)
    patients, described = _patients(kept, by, weights), _described(kept, columns, names)
    return TableOne(
        by=needed[0],
        groups=patients.groups,
        **_sizes(patients),
        columns=tuple(names),
        rows=tuple(row for column in described for row in _rows(patients, column)),
        smd=tuple(smd for column in described for smd in _differences(patients, column)),
        tests=tuple(_test(patients, c) for c in described if tests == "standard"),
        weights=weights,
        n_input=len(frame),
        n_missing=tuple((c, int(missing[c].sum())) for c in needed if missing[c].any()),
        findings=_zero_weights(weights, patients),
    )


def _require_tests(tests: str, weights: str | None) -> None:
    if tests not in ("none", "standard"):
        raise ValueError(f"tests is 'none' or 'standard', not {tests!r}")
    if tests == "standard" and weights is not None:
        found = "tests of groups are not defined under weights"
        raise AnalysisError(Problem("Table 1", found, advice="Leave out tests, or weights."))


def _sizes(patients: _Patients) -> dict[str, Any]:
    """Patients of positive weight by group, and with weights their sums and Kish's sizes."""
    own = [patients.weights[mask & (patients.weights > 0)] for mask in patients.masks]
    sizes: dict[str, Any] = {"n": tuple(len(weights) for weights in own)}
    sums = [float(weights.sum()) for weights in own]
    effective = [
        total**2 / float((weights**2).sum()) if total > 0 else 0.0
        for total, weights in zip(sums, own, strict=True)
    ]
    sizes["weighted_n"] = tuple(sums) if patients.weighted else None
    sizes["effective_n"] = tuple(effective) if patients.weighted else None
    return sizes


def _patients(frame: pd.DataFrame, by: By, weights: str | None) -> _Patients:
    """Rows with a group and a weight, ready to be described."""
    if frame.empty:
        raise AnalysisError(Problem("Table 1", "no row has a group", advice="Check the selection."))
    values = np.ones(len(frame))
    if weights is not None:
        values = _numbers(frame[weights], weights)
        if (values < 0).any() or not (values > 0).any():
            found = "negative weights" if (values < 0).any() else "every weight is 0"
            raise AnalysisError(Problem(f"column '{weights}'", found))
    groups = grouping(frame, by)
    masks = tuple(groups.codes == g for g in range(len(groups.levels)))
    whole = bool((values == np.floor(values)).all())
    return _Patients(frame, groups.levels, masks, values, weights is not None, whole)


def _described(
    frame: pd.DataFrame, columns: Sequence[Column], names: Sequence[str]
) -> tuple[_Described, ...]:
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


def _describe(values: pd.Series[Any], name: str, column: Column) -> _Described:
    """One column as numbers or codes."""
    known = values.notna()
    if isinstance(column, str) and not isinstance(values.dtype, pd.CategoricalDtype):
        if pd.api.types.is_datetime64_any_dtype(values):
            found, advice = "a date is not described in Table 1", "Derive the year, or an age."
            raise AnalysisError(Problem(f"column '{name}'", found, advice=advice))
        if not known.any():
            return _Described(name, np.full(len(values), np.nan), None)
        if values[known].map(lambda v: isinstance(v, bool | np.bool_)).all():
            column = {"name": name, "levels": ["False", "True"]}
        elif pd.api.types.is_numeric_dtype(values):
            return _Described(name, _numbers(values, name), None)
    text = values[known]
    if not isinstance(column, str) and pd.api.types.is_float_dtype(text):
        whole = bool((text == np.floor(text)).all())
        text = text.astype(int) if whole else text
    if not isinstance(column, str):
        text = text.astype(str)
    codes = np.full(len(values), -1.0)
    levels: tuple[str, ...] = ()
    if known.any():
        groups = grouping(pd.DataFrame({name: text}), column)
        codes[known.to_numpy()] = groups.codes
        levels = groups.levels
    return _Described(name, codes, levels)


def _rows(patients: _Patients, column: _Described) -> Iterator[TableOneRow]:
    """The lines of one column, missing values last."""
    if column.levels is None:
        yield from _number_rows(patients, column)
    else:
        for code, level in enumerate(column.levels):
            chosen = column.known & (column.values == code)
            yield _share_row(patients, column, "n_percent", level, chosen, column.known)
    if not column.known.all():
        everyone = np.ones(len(column.values), dtype=bool)
        yield _share_row(patients, column, "missing", None, ~column.known, everyone)


def _number_rows(patients: _Patients, column: _Described) -> Iterator[TableOneRow]:
    """Mean (SD) and median (quartiles)."""
    masks = [mask & column.known & (patients.weights > 0) for mask in patients.masks]
    n = tuple(int(mask.sum()) for mask in masks)
    pairs = [(column.values[mask], patients.weights[mask]) for mask in masks]
    none = (None,) * len(masks)
    mean = tuple(defined(weighted_mean(*pair)) for pair in pairs)
    sd = tuple(defined(weighted_sd(*pair, counts=patients.counts)) for pair in pairs)
    yield TableOneRow(column.name, None, "mean_sd", n, mean, sd, none, none)
    quartiles = [weighted_quantiles(*p, QUARTILES, counts=patients.counts) for p in pairs]
    low, median, high = (tuple(defined(q[i]) for q in quartiles) for i in range(3))
    yield TableOneRow(column.name, None, "median_iqr", n, median, none, low, high)


def _share_row(
    patients: _Patients,
    column: _Described,
    kind: RowKind,
    level: str | None,
    chosen: npt.NDArray[np.bool_],
    among: npt.NDArray[np.bool_],
) -> TableOneRow:
    """Patients chosen, and their share of those among whom they are counted."""
    n, share = [], []
    for mask in patients.masks:
        n.append(int((mask & chosen & (patients.weights > 0)).sum()))
        total = patients.weights[mask & among].sum()
        part = patients.weights[mask & chosen].sum()
        share.append(float(part / total) if total > 0 else None)
    none = (None,) * len(n)
    return TableOneRow(column.name, level, kind, tuple(n), tuple(share), none, none, none)


def _differences(patients: _Patients, column: _Described) -> Iterator[Smd]:
    """The standardised difference of each pair of groups."""
    for a, b in combinations(range(len(patients.groups)), 2):
        pair = (patients.groups[a], patients.groups[b])
        masks = tuple(patients.masks[g] & column.known for g in (a, b))
        value, reason = None, _too_few(patients, column, pair, masks)
        if reason is None:
            value, reason = _difference(patients, column, masks)
        yield Smd(column.name, *pair, value, reason)


def _too_few(
    patients: _Patients, column: _Described, pair: tuple[str, str], masks: Masks
) -> str | None:
    """Why two groups cannot be compared for want of values, or None."""
    for group, mask in zip(pair, masks, strict=True):
        if not (patients.weights[mask] > 0).any():
            return f"no patient of {group} has a value"
        if column.levels is None and mask.sum() < 2:
            return f"one patient of {group} has a value"
    return None


def _difference(
    patients: _Patients, column: _Described, masks: Masks
) -> tuple[float | None, str | None]:
    """Weighted difference over the unweighted spread."""
    values = [column.values[mask] for mask in masks]
    weights = [patients.weights[mask] for mask in masks]
    if column.levels is None:
        means = [weighted_mean(v, w) for v, w in zip(values, weights, strict=True)]
        variances = [float(np.var(v, ddof=1)) for v in values]
        return of_means((means[0], means[1]), (variances[0], variances[1]))
    k = len(column.levels)
    plain = [_shares(v, np.ones(len(v)), k) for v in values]
    weighted = [_shares(v, w, k) for v, w in zip(values, weights, strict=True)]
    return of_shares((weighted[0], weighted[1]), (plain[0], plain[1]))


def _shares(codes: Array, weights: Array, k: int) -> Array:
    sums = np.bincount(codes.astype(np.intp), weights, minlength=k)
    return np.asarray(sums / sums.sum(), dtype=np.float64)


def _test(patients: _Patients, column: _Described) -> GroupTest:
    """The standard test of one column."""
    samples = [column.values[mask & column.known] for mask in patients.masks]
    if column.levels is None:
        return numbers_test(column.name, samples)
    k = len(column.levels)
    counts = [np.bincount(sample.astype(np.intp), minlength=k) for sample in samples]
    return levels_test(column.name, np.array(counts, dtype=np.int64))


def _zero_weights(weights: str | None, patients: _Patients) -> tuple[Finding, ...]:
    """A note of those who count only for the spread of the unweighted data."""
    n = int((patients.weights == 0).sum())
    if weights is None or not n:
        return ()
    advice = "Patients of weight 0 take part only in the spread of standardised differences."
    return (Finding("info", "table_one", weights, "0", "zero_weight", n, advice),)


def _require(frame: pd.DataFrame, names: Sequence[str]) -> None:
    known = [str(name) for name in frame.columns]
    problems = [
        Problem(
            f"column '{name}'",
            "not in the table",
            f"Columns: {listed(known)}",
            suggest(name, known),
        )
        for name in dict.fromkeys(names)
        if name not in known
    ]
    if problems:
        raise AnalysisError(problems)


def _numbers(values: pd.Series[Any], name: str) -> Array:
    """Finite numbers; missing is NaN."""
    if not pd.api.types.is_numeric_dtype(values):
        raise AnalysisError(Problem(f"column '{name}'", "not numbers"))
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(numbers).any():
        n = int(np.isinf(numbers).sum())
        raise AnalysisError(Problem(f"column '{name}'", f"{n} values are not finite"))
    return np.asarray(numbers, dtype=np.float64)
