"""What a propensity model cannot be made of, and what must be said of one that can."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.survival_data import Grouping
from analyses.kernels.newton import aliased
from analyses.kernels.risk_sets import product
from analyses.results.frozen import Array
from analyses.results.propensity import Overlap
from analyses.results.terms import Column, Term
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

SOURCE = "propensity"
FEW = 10  # patients of the smallest group for each column below which estimates are not relied on
OUTSIDE = 0.01  # of a group
APART = (
    "Merge the level with another, leave its patients out (they could not have been of that "
    "group, so nobody can be compared with them), or leave the term out."
)


def require_patients(groups: Grouping, n_columns: int) -> None:
    """At least two groups, each with more patients than the model has columns."""
    if len(groups.levels) < 2:
        found = f"one group only: {listed(groups.levels)}"
        advice = "Check the selection, or choose another column."
        raise AnalysisError(Problem(f"propensity for '{groups.name}'", found, advice=advice))
    sizes = np.bincount(groups.codes, minlength=len(groups.levels))
    problems = [
        Problem(
            f"propensity for '{groups.name}'",
            f"group '{level}' has {n} complete patients for {n_columns} columns of the terms",
            advice="Use fewer terms, merge levels, or leave the group out.",
        )
        for level, n in zip(groups.levels, sizes, strict=True)
        if n <= n_columns
    ]
    if problems:
        raise AnalysisError(problems)


def require_mixed(
    terms: tuple[Term, ...], frame: pd.DataFrame, columns: list[Column], groups: Grouping
) -> None:
    """AnalysisError for each level at which a group has nobody: its log odds are infinite."""
    problems: list[Problem] = []
    first = 0
    for term in terms:
        own = columns[first : first + len(term.labels)]
        first += len(term.labels)
        for level, member in _members(term, frame, own):
            counts = np.bincount(groups.codes[member], minlength=len(groups.levels))
            none = [groups.levels[g] for g in np.flatnonzero(counts == 0)]
            if none and counts.sum():
                there = listed(
                    f"{n} {name}" for name, n in zip(groups.levels, counts, strict=True) if n
                )
                found = f"separation: no patient of {listed(none)} at this level ({there})"
                where = f"propensity: {term.name}={level}"
                problems.append(Problem(where, found, advice=APART))
    if problems:
        raise AnalysisError(problems)


def _members(
    term: Term, frame: pd.DataFrame, columns: list[Column]
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Levels of a category with the reference, or combinations of levels, and who is there."""
    if term.kind == "category":
        codes = term.codes(frame)
        for place, level in enumerate(term.levels):
            yield level, codes == place
        return
    for (combined, _), column in zip(term.labels, columns, strict=True):
        if column.number is None and column.member is not None:
            yield str(combined), column.member


def require_independent(terms: tuple[Term, ...], x: Array) -> None:
    """AnalysisError for columns that others determine."""
    found = aliased(product(x, None, x))
    if not found:
        return
    names = ["the constant", *_names(terms)]
    raise AnalysisError(
        Problem(
            f"propensity: {names[column]}",
            f"is fully determined by {' and '.join(names[i] for i in others) or 'nothing'}",
            advice="Leave one of these terms out, or merge the level with another.",
        )
        for column, others in found
    )


def not_converged(
    terms: tuple[Term, ...], groups: Grouping, moving: npt.NDArray[np.bool_]
) -> AnalysisError:
    """What is said of a model whose coefficients run away: terms together tell groups apart."""
    names = ["the constant", *_names(terms)]
    running = [
        f"{names[column]} (for '{groups.levels[group + 1]}')"
        for group, column in np.argwhere(moving)
        if column > 0
    ]
    sizes = np.bincount(groups.codes, minlength=len(groups.levels))
    told = listed(f"{n} {level}" for level, n in zip(groups.levels, sizes, strict=True))
    return AnalysisError(
        Problem(
            f"propensity for '{groups.name}'",
            f"separation: no finite estimate of {listed(running) or 'the coefficients'} ({told})",
            advice="These terms together tell some patients' group for certain: leave one out, "
            "use fewer degrees of freedom, or restrict to patients of whom any group was possible.",
        )
    )


def few_findings(name: str, groups: Grouping, n_coefficients: int) -> tuple[Finding, ...]:
    """A warning where the smallest group has few patients for the columns of the model."""
    n_columns = n_coefficients // max(len(groups.levels) - 1, 1)
    sizes = np.bincount(groups.codes, minlength=len(groups.levels))
    return tuple(
        Finding(
            "warning",
            SOURCE,
            name,
            level,
            "few_patients_per_column",
            int(n),
            f"{n} patients of this group for {n_columns} columns of the propensity model, fewer "
            f"than {FEW} for each: its chances are uncertain. Use fewer terms.",
        )
        for level, n in zip(groups.levels, sizes, strict=True)
        if n < FEW * n_columns
    )


def outside_findings(overlap: tuple[Overlap, ...]) -> tuple[Finding, ...]:
    """A warning for each group of which some have a chance of theirs that no other group has."""
    return tuple(
        Finding(
            "warning",
            SOURCE,
            o.score_of,
            o.group,
            "outside_common_range",
            o.n_outside,
            f"{o.n_outside} of {o.n} patients of {o.group} have a chance of being {o.score_of} "
            "that is not found in every group: for them the comparison extrapolates.",
        )
        for o in overlap
        if o.score_of == o.group and o.n_outside > OUTSIDE * o.n
    )


def _names(terms: tuple[Term, ...]) -> list[str]:
    return [
        f"{term.name}={level}" if level else term.name for term in terms for level, _ in term.labels
    ]
