"""Missing values counted: by column, by group, by pattern."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.survival_data import (
    By,
    as_pandas,
    by_column,
    grouping,
    require_columns,
)
from analyses.results.missingness import MissingColumn, Missingness, MissingPattern
from cohort.errors import AnalysisError, Problem

NO_GROUP = "not known"
MOST = 62  # columns whose patterns fit a whole number


def missingness(data: Any, *, columns: Sequence[str], by: By | None = None) -> Missingness:
    """Who lacks what: patients without a value by column and group, and what is missing together.

    Parameters
    ----------
    data
        A pandas frame, or anything Narwhals reads; one row a patient.
    columns
        Columns that are looked at.
    by
        Groups: an ordered categorical or ``{"name": ..., "levels": [...]}``; patients without a
        group are shown as one of their own.

    Raises
    ------
    AnalysisError
        For absent columns, no rows, groups without an order.

    Notes
    -----
    Checked by hand against six patients in tests/analyses/test_missingness.py.
    """
    frame = as_pandas(data)
    names = list(dict.fromkeys(columns))
    name = by_column(by)
    require_columns(frame, [*names, *([] if name is None else [name])])
    problems = []
    if not names:
        problems.append(Problem("missingness: columns", "none", advice="Name at least one."))
    if len(names) > MOST:
        problems.append(Problem("missingness: columns", f"{len(names)}", f"At most {MOST}"))
    if frame.empty:
        problems.append(Problem("missingness", "no patient", advice="Check the selection."))
    if problems:
        raise AnalysisError(problems)
    codes, groups = _groups(frame, by)
    k = len(groups)
    lacks = np.column_stack([frame[column].isna().to_numpy() for column in names])
    sizes = np.bincount(codes, minlength=k) if k else np.zeros(0, dtype=np.intp)
    found = []
    for place, column in enumerate(names):
        of_groups = np.bincount(codes[lacks[:, place]], minlength=k)[:k]
        pairs = tuple((int(n), int(x)) for n, x in zip(sizes, of_groups, strict=True))
        found.append(MissingColumn(column, len(frame), int(lacks[:, place].sum()), pairs))
    return Missingness(
        columns=tuple(found),
        patterns=_patterns(lacks, names, codes, k),
        by=name,
        groups=groups,
        sizes=tuple(int(n) for n in sizes),
        n=len(frame),
        n_complete=int((~lacks.any(axis=1)).sum()),
    )


def _groups(frame: pd.DataFrame, by: By | None) -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
    """Code of each row's group and the groups, those without one the last."""
    if by is None:
        return np.zeros(len(frame), dtype=np.intp), ()
    known = frame[str(by_column(by))].notna().to_numpy()
    made = grouping(frame[known], by)
    codes = np.full(len(frame), len(made.levels), dtype=np.intp)
    codes[known] = made.codes
    return codes, made.levels if known.all() else (*made.levels, NO_GROUP)


def _patterns(
    lacks: npt.NDArray[np.bool_], names: Sequence[str], codes: npt.NDArray[np.intp], k: int
) -> tuple[MissingPattern, ...]:
    """Each pattern once, the most frequent first, then in the order of the columns."""
    key = lacks @ (1 << np.arange(len(names), dtype=np.int64))
    values, place, counts = np.unique(key, return_inverse=True, return_counts=True)
    cells = np.bincount(place * max(k, 1) + codes, minlength=len(values) * max(k, 1))
    by_group = cells.reshape(len(values), -1)
    order = sorted(range(len(values)), key=lambda i: (-int(counts[i]), int(values[i])))
    return tuple(
        MissingPattern(
            tuple(name for j, name in enumerate(names) if int(values[i]) >> j & 1),
            int(counts[i]),
            tuple(int(n) for n in by_group[i]) if k else (),
        )
        for i in order
    )
