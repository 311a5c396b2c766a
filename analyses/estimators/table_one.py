"""Table 1: what the patients of each group are like, and how far the groups differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from analyses.estimators.group_tests import levels_test, numbers_test
from analyses.estimators.survival_data import By, as_pandas, by_column, grouping
from analyses.estimators.table_one_columns import (
    Column,
    Described,
    Flags,
    Places,
    counted_levels,
    counted_numbers,
    described,
    numbers,
)
from analyses.kernels.standardised_difference import Difference, of_means, of_shares
from analyses.kernels.weighted_summary import weighted_mean, weighted_quantiles, weighted_sd
from analyses.results.frozen import Array, defined
from analyses.results.table_one import GroupTest, RowKind, Smd, TableOne, TableOneRow
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

QUARTILES = np.array([0.25, 0.5, 0.75])


@dataclass(frozen=True, slots=True, eq=False)
class _Patients:
    """Rows with a group: codes of the groups, weights (None where each row is one patient)."""

    frame: pd.DataFrame
    groups: tuple[str, ...]
    codes: Places
    weights: Array | None
    counts: bool

    @property
    def positive(self) -> Flags:
        """Rows that are counted: those of positive weight."""
        return np.ones(len(self.codes), dtype=bool) if self.weights is None else self.weights > 0


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Numbers of one group: different ones with their weights, patients, and unweighted spread."""

    values: Array
    weights: Array
    n: int
    n_rows: int
    variance: float


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
    kept, n_missing = _with_group(frame, needed)
    patients, chosen = _patients(kept, by, weights), described(kept, columns, names)
    compared = [_compared(patients, column) for column in chosen]
    return TableOne(
        by=needed[0],
        groups=patients.groups,
        **_sizes(patients),
        columns=tuple(names),
        rows=tuple(row for rows, _ in compared for row in rows),
        smd=tuple(one for _, smd in compared for one in smd),
        tests=tuple(_test(patients, c) for c in chosen if tests == "standard"),
        weights=weights,
        n_input=len(frame),
        n_missing=n_missing,
        findings=_zero_weights(weights, patients),
    )


def _with_group(
    frame: pd.DataFrame, needed: Sequence[str]
) -> tuple[pd.DataFrame, tuple[tuple[str, int], ...]]:
    """Rows with a group and a weight, and how many each of the two leaves out."""
    missing = frame[[*needed]].isna()
    counts = tuple((c, int(missing[c].sum())) for c in needed if missing[c].any())
    if not counts:
        return frame, ()
    return frame[~missing.any(axis=1)].reset_index(drop=True), counts


def _require_tests(tests: str, weights: str | None) -> None:
    if tests not in ("none", "standard"):
        raise ValueError(f"tests is 'none' or 'standard', not {tests!r}")
    if tests == "standard" and weights is not None:
        found = "tests of groups are not defined under weights"
        raise AnalysisError(Problem("Table 1", found, advice="Leave out tests, or weights."))


def _sizes(patients: _Patients) -> dict[str, Any]:
    """Patients of positive weight by group, and with weights their sums and Kish's sizes."""
    k = len(patients.groups)
    n = np.bincount(patients.codes[patients.positive], minlength=k)
    sizes: dict[str, Any] = {"n": tuple(int(own) for own in n)}
    if patients.weights is None:
        return sizes | {"weighted_n": None, "effective_n": None}
    sums = np.bincount(patients.codes, patients.weights, minlength=k)
    squares = np.bincount(patients.codes, patients.weights**2, minlength=k)
    sizes["weighted_n"] = tuple(float(total) for total in sums)
    sizes["effective_n"] = tuple(
        float(total**2 / square) if total > 0 else 0.0
        for total, square in zip(sums, squares, strict=True)
    )
    return sizes


def _patients(frame: pd.DataFrame, by: By, weights: str | None) -> _Patients:
    """Rows with a group and a weight, ready to be described."""
    if frame.empty:
        raise AnalysisError(Problem("Table 1", "no row has a group", advice="Check the selection."))
    values, whole = None, True
    if weights is not None:
        values = numbers(frame[weights], weights)
        if (values < 0).any() or not (values > 0).any():
            found = "negative weights" if (values < 0).any() else "every weight is 0"
            raise AnalysisError(Problem(f"column '{weights}'", found))
        whole = bool((values == np.floor(values)).all())
    groups = grouping(frame, by)
    return _Patients(frame, groups.levels, groups.codes, values, whole)


def _compared(
    patients: _Patients, column: Described
) -> tuple[tuple[TableOneRow, ...], tuple[Smd, ...]]:
    """The lines of one column, missing values last, and the difference of each pair of groups."""
    k = 1 if column.levels is None else len(column.levels)
    known = column.known
    codes = np.where(known, 0, -1) if column.levels is None else column.values
    tables = _tables(patients, codes, k)
    if column.levels is None:
        samples = _samples(patients, column)
        rows = list(_number_rows(patients, column, samples))
        few = [_few(sample.n, sample.n_rows) for sample in samples]
        smd = tuple(_differences(patients, column, few, partial(_between_numbers, samples)))
    else:
        rows = [
            _share_row(column, "n_percent", level, tables, code, k)
            for code, level in enumerate(column.levels)
        ]
        plain = counted_levels(column.values, patients.codes, (len(patients.groups), k))
        few = [_few(int(own[:k].sum()), 2) for own in tables.n]
        smd = tuple(_differences(patients, column, few, partial(_between_shares, tables, plain)))
    if not known.all():
        rows.append(_share_row(column, "missing", None, tables, k, k + 1))
    return tuple(rows), smd


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """Groups x levels, those without a value last: patients of positive weight, and weights."""

    n: Array
    weight: Array


def _tables(patients: _Patients, codes: Places, k: int) -> _Tables:
    shape = (len(patients.groups), k)
    positive = patients.positive
    n = counted_levels(codes[positive], patients.codes[positive], shape)
    if patients.weights is None:
        return _Tables(n, n)
    return _Tables(n, counted_levels(codes, patients.codes, shape, patients.weights))


def _samples(patients: _Patients, column: Described) -> tuple[_Sample, ...]:
    """The numbers of each group; without weights each different one once, with its patients."""
    known, n_groups = column.known, len(patients.groups)
    if patients.weights is None:
        found = counted_numbers(column.values, known, patients.codes, n_groups)
        return tuple(
            _Sample(own, n, int(n.sum()), int(n.sum()), weighted_sd(own, n, counts=True) ** 2)
            for own, n in found
        )
    result = []
    for g in range(n_groups):
        rows = known & (patients.codes == g)
        values, weights = column.values[rows], patients.weights[rows]
        variance = float(np.var(values, ddof=1)) if len(values) > 1 else np.nan
        result.append(_Sample(values, weights, int((weights > 0).sum()), len(values), variance))
    return tuple(result)


def _number_rows(
    patients: _Patients, column: Described, samples: Sequence[_Sample]
) -> Iterator[TableOneRow]:
    """Mean (SD) and median (quartiles)."""
    n = tuple(sample.n for sample in samples)
    pairs = [(sample.values, sample.weights) for sample in samples]
    none = (None,) * len(pairs)
    mean = tuple(defined(weighted_mean(*pair)) for pair in pairs)
    sd = tuple(defined(weighted_sd(*pair, counts=patients.counts)) for pair in pairs)
    yield TableOneRow(column.name, None, "mean_sd", n, mean, sd, none, none)
    quartiles = [weighted_quantiles(*p, QUARTILES, counts=patients.counts) for p in pairs]
    low, median, high = (tuple(defined(q[i]) for q in quartiles) for i in range(3))
    yield TableOneRow(column.name, None, "median_iqr", n, median, none, low, high)


def _share_row(
    column: Described, kind: RowKind, level: str | None, tables: _Tables, code: int, among: int
) -> TableOneRow:
    """Patients of a code, and their share of those of the first so many codes."""
    n = tuple(int(own) for own in tables.n[:, code])
    total, part = tables.weight[:, :among].sum(axis=1), tables.weight[:, code]
    share = tuple(float(p / t) if t > 0 else None for p, t in zip(part, total, strict=True))
    none = (None,) * len(n)
    return TableOneRow(column.name, level, kind, n, share, none, none, none)


def _few(n: int, n_rows: int) -> str | None:
    """Of a group of so many patients with a value what keeps it from a comparison."""
    if n == 0:
        return "no patient"
    return "one patient" if n_rows < 2 else None


def _differences(
    patients: _Patients,
    column: Described,
    few: Sequence[str | None],
    between: Callable[[int, int], Difference],
) -> Iterator[Smd]:
    """The standardised difference of each pair of groups, or why there is none."""
    for pair in combinations(range(len(patients.groups)), 2):
        first, second = (patients.groups[g] for g in pair)
        wanting = next((g for g in pair if few[g] is not None), None)
        if wanting is None:
            value, reason = between(*pair)
        else:
            value, reason = None, f"{few[wanting]} of {patients.groups[wanting]} has a value"
        yield Smd(column.name, first, second, value, reason)


def _between_numbers(samples: Sequence[_Sample], a: int, b: int) -> Difference:
    """Difference of weighted means over the unweighted spread."""
    means = [weighted_mean(samples[g].values, samples[g].weights) for g in (a, b)]
    return of_means((means[0], means[1]), (samples[a].variance, samples[b].variance))


def _between_shares(tables: _Tables, plain: Array, a: int, b: int) -> Difference:
    """Distance of weighted shares over the unweighted spread."""
    shares, spread = ([_shares(table[g, :-1]) for g in (a, b)] for table in (tables.weight, plain))
    return of_shares((shares[0], shares[1]), (spread[0], spread[1]))


def _shares(row: Array) -> Array:
    return np.asarray(row / row.sum(), dtype=np.float64)


def _test(patients: _Patients, column: Described) -> GroupTest:
    """The standard test of one column."""
    if column.levels is None:
        groups = (patients.codes == g for g in range(len(patients.groups)))
        return numbers_test(column.name, [column.values[mask & column.known] for mask in groups])
    shape = (len(patients.groups), len(column.levels))
    counts = counted_levels(column.values, patients.codes, shape)[:, :-1]
    return levels_test(column.name, counts.astype(np.int64))


def _zero_weights(weights: str | None, patients: _Patients) -> tuple[Finding, ...]:
    """A note of those who count only for the spread of the unweighted data."""
    n = 0 if patients.weights is None else int((patients.weights == 0).sum())
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
