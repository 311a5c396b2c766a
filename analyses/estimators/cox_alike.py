"""Patients who are alike in all that a Cox model sees, as one row with their number.

A term alone has few levels, and follow-up in days or months few times: of 265,000 patients there
are then some 10,000 different kinds, whose sums over risk sets are those of the patients. The
estimates are the same to rounding; Efron's ties count patients, not rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.kernels import cox as kernel
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from analyses.results.proportionality import Proportionality
from analyses.results.terms import Term

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
FROM = kernel.COMPILED_FROM  # patients from which it is worth a look
SHARE = 4  # patients a kind of patient at least
KINDS = 1 << 21  # kinds that are counted in a table


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Kinds of patients: a row of each, the last exit among its patients, and their number."""

    rows: Places
    exit: Array
    count: Array


@dataclass(frozen=True, slots=True, eq=False)
class RowsAgain:
    """Rows of a model whose fit counted those alike: asked for, it is fitted on each of them."""

    fit: Callable[[], CoxModel]

    def proportionality(self, model: CoxModel, transform: str) -> Proportionality:
        """See `CoxModel.proportionality`."""
        del model
        return self.fit().proportionality(transform)

    def residuals(self, model: CoxModel, kind: str) -> pd.DataFrame:
        """See `CoxModel.residuals`."""
        del model
        return self.fit().residuals(kind)


def alike(
    terms: tuple[Term, ...],
    frame: pd.DataFrame,
    time: Array,
    event: Flags,
    stratum: Places,
) -> Alike | None:
    """The kinds of patients of complete rows; None where they are nearly as many as the patients.

    Alike are those of one stratum, event, and levels, who leave after the same event time and
    before the next: to every risk set they are the same.
    """
    if len(time) < FROM:
        return None
    coded = _codes(terms, frame)
    if coded is None:
        return None
    n_strata = int(stratum.max()) + 1
    grid = kernel.grid_of(time[event], stratum[event], n_strata)
    last = kernel.places(grid, stratum, time)
    kind = np.where(last >= 0, last + n_strata, stratum)
    n_kinds = len(grid.time) + n_strata
    for codes, n in [(event.astype(np.intp), 2), *coded]:
        n_kinds *= n
        if n_kinds > KINDS:
            return None
        kind = kind * n + codes
    counts = np.bincount(kind, minlength=n_kinds)
    present = np.flatnonzero(counts)
    if len(present) * SHARE > len(time) or len(present) >= kernel.COMPILED_FROM:
        return None
    row, exits = np.zeros(n_kinds, dtype=np.intp), np.full(n_kinds, -np.inf)
    row[kind] = np.arange(len(time))
    np.maximum.at(exits, kind, time)
    return Alike(row[present], exits[present], counts[present].astype(np.float64))


def _codes(terms: tuple[Term, ...], frame: pd.DataFrame) -> list[tuple[Places, int]] | None:
    """Code of each row by each term, and how many there are; None where a term has no few."""
    found: dict[str, Any] = {}
    for term in terms:
        if term.kind == "interaction":
            continue  # of terms that are among these
        if term.kind != "category":
            return None
        found[term.name] = (term.codes(frame), len(term.levels))
    return list(found.values())
