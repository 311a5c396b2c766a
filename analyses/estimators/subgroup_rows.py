"""The rows of a comparison within subgroups: complete, coded, with terms that fit each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox_prepared import whole_numbers
from analyses.estimators.subgroup_factors import AskedFactor, FactorCodes, factor_codes
from analyses.estimators.survival_data import (
    By,
    as_pandas,
    by_column,
    grouping,
    require_columns,
    survival_data,
)
from analyses.estimators.terms import Declared, TermSpec, declared, learn
from analyses.results.frozen import Array
from analyses.results.terms import Term, as_text
from cohort.errors import AnalysisError, Problem, listed, suggest

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """How every model of the comparison is fitted: the keywords of `cox` besides its terms."""

    time: str
    event: str
    entry: str | None
    strata: tuple[str, ...]
    weights: str | None
    cluster: str | None
    ties: str
    conf_level: float

    @property
    def keywords(self) -> dict[str, Any]:
        """As `cox` takes them."""
        return {
            "time": self.time,
            "event": self.event,
            "entry": self.entry,
            "strata": list(self.strata) or None,
            "weights": self.weights,
            "cluster": self.cluster,
            "ties": self.ties,
            "conf_level": self.conf_level,
        }

    @property
    def columns(self) -> list[str]:
        """Columns besides time, event, entry and weights that every row needs."""
        return [*self.strata, *([] if self.cluster is None else [self.cluster])]


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupRows:
    """Rows complete in everything but the factors.

    Attributes
    ----------
    frame
        Index 0..n-1; the groups and every adjusting category are ordered categoricals.
    by, groups, codes, reference
        The column compared, its groups that have a row, the group of each row, the place of the
        reference.
    terms
        What the models adjust for, as declared and as learnt on all rows.
    factors
        Subgroups of each row.
    counts
        Patients that a row stands for.
    """

    frame: pd.DataFrame
    by: str
    groups: tuple[str, ...]
    codes: npt.NDArray[np.intp]
    reference: int
    terms: tuple[tuple[Declared, Term], ...]
    factors: tuple[FactorCodes, ...]
    event: Flags
    counts: Array
    n_input: int
    n_missing: tuple[tuple[str, int], ...]

    def size(self, chosen: Flags) -> tuple[int, int]:
        """Patients and events of the rows chosen."""
        return int(self.counts[chosen].sum()), int(self.counts[chosen & self.event].sum())

    def adjusting(self, without: str | None = None) -> list[TermSpec]:
        """The terms for `cox`, those that read the column `without` left out."""
        return [_spec(asked, term) for asked, term in self.terms if without not in asked.columns]


def subgroup_rows(
    data: Any,
    options: Options,
    by: By,
    reference: str | None,
    terms: Sequence[TermSpec],
    factors: Sequence[AskedFactor],
) -> SubgroupRows:
    """The rows of the data made ready.

    Raises
    ------
    AnalysisError
        As `survival_data`, `grouping` and `learn`; fewer than two groups; an unknown reference; the
        compared column among terms, strata or factors; a factor among the strata.
    """
    frame, name = as_pandas(data), str(by_column(by))
    wanted = declared(terms) if terms else ()
    _require_apart(name, wanted, options.strata, [factor.name for factor in factors])
    of_terms = [column for term in wanted for column in term.columns]
    require_columns(frame, [name, *of_terms, *(factor.name for factor in factors)])
    rows = survival_data(
        frame,
        time=options.time,
        event=options.event,
        entry=options.entry,
        weights=options.weights,
        others=list(dict.fromkeys([name, *of_terms, *options.columns])),
    )
    complete = rows.frame.copy()
    complete[options.time] = rows.time  # near-ties are made ties once, for every model alike
    if options.entry is not None:
        complete[options.entry] = rows.entry
    whole = np.ones(len(frame), dtype=bool)
    for column, _ in rows.n_missing:
        whole &= frame[column].notna().to_numpy()
    codes = factor_codes(frame.loc[whole].reset_index(drop=True), factors)
    groups = grouping(complete, by)
    base = _reference(name, groups.levels, reference)
    complete[name] = pd.Categorical.from_codes(groups.codes, pd.Index(groups.levels), ordered=True)
    learnt, _ = learn(wanted, complete, of_periods=True) if wanted else ((), ())
    for term in learnt:
        if term.kind == "category":
            complete[term.name] = _ordered(complete[term.name], term)
    counts = np.ones(rows.n)
    if rows.weights is not None and whole_numbers(rows.weights):
        counts = rows.weights
    return SubgroupRows(
        frame=complete,
        by=name,
        groups=groups.levels,
        codes=groups.codes,
        reference=base,
        terms=tuple(zip(wanted, learnt, strict=True)),
        factors=codes,
        event=rows.event,
        counts=counts,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
    )


def _require_apart(
    by: str, terms: Sequence[Declared], strata: Sequence[str], factors: Sequence[str]
) -> None:
    """The compared column is nothing else, and a factor is no stratum."""
    problems = []
    of_terms = {column for term in terms for column in term.columns}
    for where, names in (("terms", of_terms), ("strata", strata), ("factors", factors)):
        if by in names:
            found = f"'{by}' is the column that is compared"
            problems.append(Problem(f"subgroups: {where}", found, advice="Leave it out here."))
    problems += [
        Problem(
            "subgroups: factors",
            f"'{name}' is a stratum as well",
            advice="A test of its product needs its own coefficient: leave it out of the strata.",
        )
        for name in factors
        if name in strata
    ]
    if problems:
        raise AnalysisError(problems)


def _reference(by: str, levels: Sequence[str], reference: str | None) -> int:
    """The place of the reference among the groups that have a row."""
    if len(levels) < 2:
        found = f"one group only: {listed(levels)}"
        advice = "Check the selection, or compare another column."
        raise AnalysisError(Problem(f"subgroups by '{by}'", found, advice=advice))
    if reference is None:
        return 0
    if str(reference) not in levels:
        found = f"reference '{reference}' is not a group with a complete row"
        allowed, advice = f"Groups: {listed(levels)}", suggest(str(reference), levels)
        raise AnalysisError(Problem(f"subgroups by '{by}'", found, allowed, advice))
    return list(levels).index(str(reference))


def _ordered(values: pd.Series[Any], term: Term) -> Any:
    """The category with its reference first, so that a subgroup without it takes the next."""
    order = [str(term.reference), *(level for level in term.levels if level != term.reference)]
    return pd.Categorical(as_text(values), categories=order, ordered=True)


def _spec(asked: Declared, term: Term) -> TermSpec:
    """A term as `cox` takes it, on the columns as they are prepared."""
    if asked.parts:
        return {"interaction": list(asked.parts)}
    spec: dict[str, Any] = {"name": asked.name}
    if term.kind != "category":
        spec["per"] = asked.per
    if asked.spline_df is not None:
        spec["spline"] = {"df": asked.spline_df}
    if asked.cuts:
        spec["time_varying"] = {"cut": list(asked.cuts)}
    elif asked.function is not None:
        spec["time_varying"] = asked.function
    return spec
