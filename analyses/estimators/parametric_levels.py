"""Levels without events in a parametric model: named, and their patients left out of the fit.

Under every distribution the likelihood rises without end as the time ratio of such a level grows;
in the limit its patients contribute 1, whatever the rest of the model. The estimates of all other
coefficients at that limit are those of the model without these patients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses.estimators.survival_data import SurvivalData
from analyses.estimators.terms import Declared
from analyses.results.failure import Failure
from analyses.results.lifetimes import KIND
from analyses.results.terms import Term

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Eventless:
    """The terms without their levels that have no event, who is at none of these, and why."""

    wanted: tuple[Declared, ...]
    kept: Flags
    failures: tuple[Failure, ...]


def eventless(
    rows: SurvivalData, wanted: tuple[Declared, ...], learnt: tuple[Term, ...]
) -> Eventless:
    """Levels of categories in no interaction, their references aside, at which nothing happened.

    A term that has no other level besides its reference is left out as a whole.
    """
    crossed = {name for term in wanted for name in term.parts}
    kept = np.ones(rows.n, dtype=bool)
    failures: list[Failure] = []
    asked = []
    for declared, term in zip(wanted, learnt, strict=True):
        if term.kind != "category" or term.name in crossed:
            asked.append(declared)
            continue
        codes = term.codes(rows.frame)
        happened = np.bincount(codes[rows.event], minlength=len(term.levels))
        none = [
            place
            for place, level in enumerate(term.levels)
            if level != term.reference and happened[place] == 0
        ]
        for place in none:
            kept &= codes != place
            failures.append(_failure(term, place, rows, codes == place))
        left = [level for place, level in enumerate(term.levels) if place not in none]
        if len(left) > 1:
            asked.append(
                replace(declared, levels=tuple(left), reference=term.reference)
                if none
                else declared
            )
    return Eventless(tuple(asked), kept, tuple(failures))


def _failure(term: Term, place: int, rows: SurvivalData, own: Flags) -> Failure:
    level = term.levels[place]
    n = int(own.sum() if rows.weights is None else rows.weights[own].sum())
    return Failure(
        analysis=KIND,
        kind=KIND,
        group=level,
        term=term.name,
        reason=(
            f"no event among {n:,} {'patient' if n == 1 else 'patients'} at level '{level}' of "
            f"'{term.name}': its time ratio is infinite under every distribution"
        ),
        n=n,
        n_event=0,
        advice=(
            "Merge the level with another. Its patients tell nothing of the other terms, whose "
            "estimates are given without them."
        ),
    )
