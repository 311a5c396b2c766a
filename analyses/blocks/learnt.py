"""What is known of each column of a model before the fit, gathered part by part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyses.blocks.parts import Held, Part, Parts
from analyses.estimators.cox_design import named_columns
from analyses.estimators.cox_rows import Design
from analyses.kernels import cox as kernel
from analyses.results.frozen import Array
from analyses.results.terms import Column, Term, columns_of


def gathered_design(
    parts: Parts, terms: tuple[Term, ...], held: Held, *, are_counts: bool
) -> Design:
    """Each column's mean, spread, reach, rows and events, as `cox_design.design_of` has them."""
    names, factors = named_columns(terms)
    rows = held.rows
    patients = rows.weights if are_counts and rows.weights is not None else np.ones(rows.n)
    found = parts.joined(_Noted(terms, are_counts))
    size, mean, square, low, high, n, deaths, is_level = found
    weight = size / size.sum(axis=0)
    centre = (weight * mean).sum(axis=0)
    # Spread within the parts and between them (Chan, Golub and LeVeque, 1983).
    variance = (square.sum(axis=0) + (size * (mean - centre) ** 2).sum(axis=0)) / rows.n
    low, high = low.min(axis=0), high.max(axis=0)
    return Design(
        names,
        centre,
        np.sqrt(variance),
        np.maximum(centre - low, high - centre),
        is_level.max(axis=0) > 0,
        np.rint(n.sum(axis=0)).astype(np.intp),
        np.rint(deaths.sum(axis=0)).astype(np.intp),
        int(patients.sum()),
        int(patients[rows.event].sum()),
        factors,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Noted:
    """What a part tells of each column: one row of [1, columns] arrays."""

    terms: tuple[Term, ...]
    are_counts: bool

    def __call__(self, part: Part) -> kernel.Arrays:
        followed = part.followed
        weight = followed.weight if self.are_counts else None
        patients = np.ones(len(followed.exit)) if weight is None else weight
        deaths = patients * followed.event
        noted = [self._column(c, patients, deaths) for c in columns_of(self.terms, part.frame)]
        table = np.array(noted).reshape(-1, 8)
        return tuple(table[:, place][None, :] for place in range(8))

    def _column(self, column: Column, patients: Array, deaths: Array) -> tuple[float, ...]:
        values = column.values.astype(float)
        mean = float(values.mean())
        square = float(np.square(values - mean).sum())
        member = 1.0 if column.member is None else column.member
        return (
            len(values),
            mean,
            square,
            float(values.min()),
            float(values.max()),
            float((patients * member).sum()),
            float((deaths * member).sum()),
            float(column.number is None),
        )
