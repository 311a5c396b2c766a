"""Complete patients of an adjusted comparison: follow-up, groups and what is adjusted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox_asked import asking
from analyses.estimators.cox_fit import fit
from analyses.estimators.cox_prepared import prepared
from analyses.estimators.survival_data import By, Grouping, by_column, grouping, survival_data
from analyses.estimators.terms import TermSpec, declared
from analyses.results.adjusted import AdjustedRatio, Meaning
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem, listed, suggest

WEIGHT = "balancing weight"  # columns of our own, by names that reports can say
UNIT = "matched set"
Named = tuple[str, Meaning, str]  # method, meaning and population of a hazard ratio


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """Complete rows of a comparison.

    Attributes
    ----------
    frame
        Every column asked for, index 0..n-1, follow-up with near-ties made ties, and the groups
        as an ordered categorical.
    names
        Columns of time, event and entry (None without delayed entry).
    groups, reference
        Levels in order with their codes, and the level that others are compared with.
    """

    frame: pd.DataFrame
    names: tuple[str, str, str | None]
    groups: Grouping
    reference: str
    n_input: int
    n_missing: tuple[tuple[str, int], ...]

    @property
    def by(self) -> str:
        """Column of the groups."""
        return self.groups.name

    @property
    def levels(self) -> tuple[str, ...]:
        """The groups in order."""
        return self.groups.levels

    @property
    def time(self) -> Array:
        """Follow-up."""
        return self.frame[self.names[0]].to_numpy(dtype=float)

    @property
    def event(self) -> npt.NDArray[np.bool_]:
        """Whether it ended with the event."""
        return self.frame[self.names[1]].to_numpy(dtype=bool)

    @property
    def entry(self) -> Array | None:
        """Delayed entry."""
        return None if self.names[2] is None else self.frame[self.names[2]].to_numpy(dtype=float)

    @property
    def followed(self) -> dict[str, Any]:
        """The columns as estimators ask for them."""
        return {"time": self.names[0], "event": self.names[1], "entry": self.names[2]}

    @property
    def group_term(self) -> dict[str, Any]:
        """The groups as a term of a model."""
        return {"name": self.by, "levels": list(self.levels), "reference": self.reference}


def patients(
    data: Any,
    *,
    names: tuple[str, str, str | None],
    by: By,
    reference: str | None,
    others: Sequence[str],
    where: str,
) -> Patients:
    """Rows complete in every column, coded by group.

    AnalysisError as `survival_data` and `grouping`, for one group, for an unknown reference and
    for a time that other rows are compared at where nobody has an event.
    """
    time, event, entry = names
    name = str(by_column(by))
    rows = survival_data(data, time=time, event=event, entry=entry, others=[name, *others])
    groups = grouping(rows.frame, by)
    if len(groups.levels) < 2:
        found = f"one group only: {listed(groups.levels)}"
        advice = "Check the selection, or choose another column."
        raise AnalysisError(Problem(where, found, "At least two groups.", advice))
    base = groups.levels[0] if reference is None else str(reference)
    if base not in groups.levels:
        found = f"reference '{base}' is not a group with a complete row"
        allowed = f"Groups: {listed(groups.levels)}"
        raise AnalysisError(Problem(where, found, allowed, suggest(base, groups.levels)))
    own = {time: rows.time, event: rows.event}
    if entry is not None and rows.entry is not None:
        own[entry] = rows.entry
    coded = pd.Categorical.from_codes(
        groups.codes.astype(np.int64), dtype=pd.CategoricalDtype(list(groups.levels), ordered=True)
    )
    frame = rows.frame.assign(**own, **{name: coded})
    return Patients(frame, names, groups, base, rows.n_input, rows.n_missing)


def columns_of_terms(terms: Sequence[TermSpec]) -> list[str]:
    """Columns that declared terms need, each once."""
    if not terms:
        return []
    return list(dict.fromkeys(name for term in declared(terms) for name in term.columns))


def without_group(terms: Sequence[TermSpec], by: str, where: str) -> None:
    """AnalysisError where the group is among the terms that adjust for it."""
    if by in columns_of_terms(terms):
        found = f"'{by}' makes the groups"
        raise AnalysisError(Problem(f"{where}: terms", found, advice="Leave it out of the terms."))


def log_ratios(
    frame: pd.DataFrame, who: Patients, terms: Sequence[TermSpec], weights: str | None
) -> Array:
    """Log hazard ratio of each group but the reference, NaN where there is none, without variance.

    For the many samples of a bootstrap: nothing but the estimates is computed.
    """
    time, event, entry = who.names
    asked = asking(time, event, entry, None, weights, None, None, None, "efron", 0.95)
    ready = prepared(frame, declared([who.group_term, *terms]), asked)
    found = fit(ready.rows)
    labels = [level for level, _ in ready.terms[0].labels]
    values = dict(zip(labels, found.beta, strict=False))
    known = dict(zip(labels, found.reported, strict=False))
    others = [level for level in who.levels if level != who.reference]
    return np.array([values[g] if known.get(g) else np.nan for g in others], dtype=float)


def ratios_of(
    model: CoxModel, by: str, named: Named, counts: dict[str, tuple[int, int]]
) -> tuple[AdjustedRatio, ...]:
    """The hazard ratios of the groups in a model, labelled (method, meaning, population)."""
    return tuple(
        AdjustedRatio(
            *named,
            str(c.level),
            str(c.reference),
            *counts[str(c.level)],
            c.estimate,
            c.std_error,
            c.statistic,
            c.p_value,
            c.conf_low,
            c.conf_high,
            c.reason if c.status != "ok" else None,
        )
        for c in model.coefficients
        if c.term == by and not c.is_reference
    )


def group_counts(who: Patients) -> dict[str, tuple[int, int]]:
    """Patients and events of each group."""
    k = len(who.levels)
    n = np.bincount(who.groups.codes, minlength=k)
    events = np.bincount(who.groups.codes[who.event], minlength=k)
    return {g: (int(a), int(b)) for g, a, b in zip(who.levels, n, events, strict=True)}
