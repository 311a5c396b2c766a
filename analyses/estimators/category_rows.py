"""Rows of a model of a category: complete, coded, its terms as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.subgroup_factors import levels_of
from analyses.estimators.survival_data import (
    By,
    as_pandas,
    by_column,
    require_columns,
)
from analyses.estimators.terms import Declared, learn
from analyses.results.frozen import Array
from analyses.results.terms import Term, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class CategoryRows:
    """Complete rows of a model of a category.

    Attributes
    ----------
    frame
        Index 0..n-1.
    codes, categories
        The category of each row, counted from 0, in order.
    terms, x, names, places
        Terms as learnt, their columns (n x p), each column's name, and the columns of each term.
    counts
        Rows of each column by category (p x k): at the level, all for a number.
    """

    frame: pd.DataFrame
    codes: Codes
    categories: tuple[str, ...]
    terms: tuple[Term, ...]
    x: Array
    names: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]
    counts: npt.NDArray[np.intp]
    findings: tuple[Finding, ...]
    n_input: int
    n_missing: tuple[tuple[str, int], ...]


def category_rows(
    data: Any, of: By, wanted: Sequence[Declared], others: Sequence[str] = ()
) -> CategoryRows:
    """The rows complete in the category, the terms and `others`.

    Raises AnalysisError for absent columns, no complete row, one category only, and as `learn`.
    """
    frame, name = as_pandas(data), str(by_column(of))
    columns = [column for term in wanted for column in term.columns]
    if name in columns:
        found = f"'{name}' is what is modelled"
        raise AnalysisError(Problem("terms", found, advice="Leave it out of the terms."))
    needed = list(dict.fromkeys([name, *columns, *others]))
    require_columns(frame, needed)
    missing = frame[needed].isna()
    own = frame.loc[~missing.any(axis=1), needed].reset_index(drop=True)
    if own.empty:
        found = f"no row has a value in all of {listed(needed)}"
        raise AnalysisError(Problem("", found, advice="Check the selection."))
    groups = levels_of(own, of)
    if len(groups.levels) < 2:
        found = f"one category only: {listed(groups.levels)}"
        raise AnalysisError(Problem(f"model of '{name}'", found, advice="Check the selection."))
    terms, findings = learn(wanted, own)
    made = columns_of(terms, own)
    k = len(groups.levels)
    everybody = np.bincount(groups.codes, minlength=k)
    counts = [
        everybody if c.member is None else np.bincount(groups.codes[c.member], minlength=k)
        for c in made
    ]
    labels = [f"{t.name}={level}" if level else t.name for t in terms for level, _ in t.labels]
    ends = np.cumsum([0, *(len(term.labels) for term in terms)])
    return CategoryRows(
        frame=own,
        codes=groups.codes,
        categories=groups.levels,
        terms=terms,
        x=design_matrix(made, len(own)),
        names=tuple(labels),
        places=tuple(tuple(range(a, b)) for a, b in pairwise(ends)),
        counts=np.array(counts, dtype=np.intp).reshape(len(made), k),
        findings=findings,
        n_input=len(frame),
        n_missing=tuple((c, int(missing[c].sum())) for c in needed if missing[c].any()),
    )
