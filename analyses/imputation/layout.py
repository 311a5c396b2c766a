"""The matrix of chained equations: which columns each variable has, and what never changes.

Rows that lack nothing come once and are shared by every imputation; only the others change from
draw to draw. Columns: one of ones, the outcome, then each variable (a number on its own scale, a
category by its levels but the first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses.imputation.augmented import augmented
from analyses.imputation.variables import Variable
from analyses.kernels.logit import Part
from analyses.kernels.risk_sets import product
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
NONE = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A variable to be imputed, among the rows of one group.

    Attributes
    ----------
    variable
        Its place among the variables.
    of_group, levels
        Places, among all its levels, of those that the group has, and of those that the rows of
        its model have; empty for a number.
    own, use
        Its columns of the matrix, and those of its predictors.
    products
        X'X of the rows that lack nothing and that its model is fitted to.
    of_complete, of_others
        Of rows that lack nothing, and of the others, the place among `levels` (0 for a number).
    fitted, seen, missing
        Which rows that lack nothing its model is fitted to (None: all); of the rows that lack
        something, those it is fitted to and those that lack this value.
    observed, exact
        Values of the rows that its model is fitted to, those that lack nothing first: as in the
        matrix (or as places among `levels`), and in their own unit (or among all its levels).
    extra
        The augmented rows of a category's model.
    """

    variable: int
    name: str
    method: str
    of_group: Places
    levels: Places
    own: slice
    use: Flags
    products: Array
    of_complete: Places
    of_others: Places
    fitted: Flags | None
    seen: Flags
    missing: Flags
    observed: Array
    exact: Array
    extra: Part


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The rows within which one set of conditional models is fitted.

    Attributes
    ----------
    label
        Values of the columns that imputation is done within; empty where there are none.
    others
        Places, among all rows, of those that lack something.
    complete, incomplete
        The matrix of the rows that lack nothing, and of the others as they begin.
    targets
        From the variable that lacks least: what is drawn for it rests on observed values most.
    names
        The variable of each column of the matrix; empty for ones and outcome.
    """

    label: str
    others: Places
    complete: Array
    incomplete: Array
    targets: tuple[Target, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """A variable among the rows of a group: values as in the matrix (NaN where missing).

    `places` are those of a category's level among the group's; `raw` in its own unit.
    """

    variable: Variable
    raw: Array
    values: Array
    of_group: Places
    columns: Array
    among: Flags | None

    @property
    def missing(self) -> Flags:
        return np.isnan(self.raw)


def group_of(label: str, rows: Places, outcome: Array, variables: Sequence[Variable]) -> Group:
    """The matrix of some rows; AnalysisError where a variable has no value among them."""
    parts = [_own(variable, rows, label) for variable in variables]
    lacking = np.any([part.missing for part in parts], axis=0)
    complete, others = np.flatnonzero(~lacking), np.flatnonzero(lacking)
    of_outcome = _standardised(outcome[rows])
    at = 1 + of_outcome.shape[1]
    names, own = [""] * at, []
    for part in parts:
        width = part.columns.shape[1]
        own.append(slice(at, at + width))
        names += [part.variable.name] * width
        at += width
    ones = np.ones((len(rows), 1))
    x = np.concatenate([ones, of_outcome, *(part.columns for part in parts)], axis=1)
    group = Group(label, rows[others], x[complete], x[others], (), tuple(names))
    products = product(group.complete, None, group.complete)
    lacks = [int(part.missing.sum()) for part in parts]
    targets = [
        _target(i, _required(parts[i], label), own[i], products, (x, complete, others))
        for i in np.argsort(lacks, kind="stable")
        if lacks[i]
    ]
    return replace(group, targets=tuple(targets))


def _own(variable: Variable, rows: Places, label: str) -> _Own:
    raw = variable.values[rows]
    known = raw[~np.isnan(raw)]
    among = None if variable.among is None else variable.among[rows]
    if not len(known):
        raise AnalysisError(
            Problem(
                f"imputation of '{variable.name}'",
                f"no patient of {len(rows)} with {label} has a value",
                advice="Impute without `within`, or leave this group out.",
            )
        )
    if not variable.levels:
        centre, scale = float(known.mean()), float(known.std()) or 1.0
        values = (raw - centre) / scale
        return _Own(variable, raw, values, NONE, np.nan_to_num(values)[:, None], among)
    of_group = np.unique(known).astype(np.intp)
    columns = (raw[:, None] == of_group[1:]).astype(float)
    return _Own(variable, raw, raw, of_group, columns, among)


def _required(own: _Own, label: str) -> _Own:
    """The variable, of which some row that its model may be fitted to has a value."""
    if own.among is not None and not (own.among & ~own.missing).any():
        found = (
            f"no patient of {int(own.among.sum())} with {label} and {own.variable.among_said} has "
            "a value: there is nothing to impute from"
        )
        advice = "Impute without `within`, or leave these patients out."
        raise AnalysisError(Problem(f"imputation of '{own.variable.name}'", found, advice=advice))
    return own


def _standardised(values: Array) -> Array:
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _target(
    place: int, own: _Own, at: slice, products: Array, rows: tuple[Array, Places, Places]
) -> Target:
    x, complete, others = rows
    fitted = ~own.missing if own.among is None else ~own.missing & own.among
    order = np.concatenate([complete[fitted[complete]], others[fitted[others]]])
    levels = np.unique(own.raw[order]).astype(np.intp) if own.variable.levels else NONE
    y = np.zeros(len(x), dtype=np.intp)
    if own.variable.levels:
        y[order] = np.searchsorted(levels, own.raw[order])
    seen = x[fitted]
    use = np.ones(x.shape[1], dtype=bool)
    use[at] = False
    use[1:] &= seen[:, 1:].std(axis=0) > 0
    use[0] = own.variable.method != "ordered"
    some = None if own.among is None else fitted[complete]
    if some is not None:
        products = product(x[complete], some.astype(float), x[complete])
    return Target(
        variable=place,
        name=own.variable.name,
        method=str(own.variable.method),
        of_group=own.of_group,
        levels=levels,
        own=at,
        use=use,
        products=products,
        of_complete=y[complete],
        of_others=y[others],
        fitted=some,
        seen=fitted[others],
        missing=own.missing[others],
        observed=y[order].astype(float) if own.variable.levels else own.values[order],
        exact=own.raw[order],
        extra=augmented(seen, use, len(levels)),
    )
