"""Declared terms as columns of numbers, made without the estimators' design matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.results.terms import BETWEEN
from analyses.verification.patients import levels, words

if TYPE_CHECKING:
    from analyses.results.frozen import Array

# Harrell (2015), table 2.3: shares of the values below each knot, by degrees of freedom.
KNOTS = {
    2: (0.1, 0.5, 0.9),
    3: (0.05, 0.35, 0.65, 0.95),
    4: (0.05, 0.275, 0.5, 0.725, 0.95),
    5: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    6: (0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975),
}
KNOWN = {"name", "reference", "per", "spline", "interaction"}


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """One column: what records call it, its numbers, and the rows that belong to it.

    `member` is None for a number, to which every row belongs. `alone` tells a level's column of
    a category that is in no interaction.
    """

    term: str
    level: str | None
    reference: str | None
    numbers: Array
    member: Any = None
    alone: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """The reference level of a category, with its rows."""

    term: str
    level: str
    member: Any


def made(
    terms: Sequence[Mapping[str, Any]], frame: pd.DataFrame
) -> tuple[list[Made], list[Base]] | None:
    """Columns and references of complete rows; None where a term is of a kind not known here."""
    if any(set(term) - KNOWN for term in terms):
        return None
    single: dict[str, list[Made]] = {}
    bases: list[Base] = []
    crossed = {name for term in terms for name in term.get("interaction", ())}
    for term in terms:
        if "interaction" not in term:
            own, base = _single(term, frame[term["name"]], term["name"] not in crossed)
            single[term["name"]] = own
            bases += base
    columns: list[Made] = []
    for term in terms:
        if "interaction" in term:
            first, second = term["interaction"]
            columns += [_product(a, b) for a in single[first] for b in single[second]]
        else:
            columns += single[term["name"]]
    return columns, bases


def _single(
    term: Mapping[str, Any], values: pd.Series[Any], alone: bool
) -> tuple[list[Made], list[Base]]:
    name = term["name"]
    numeric = pd.api.types.is_numeric_dtype(values) and values.dtype != bool
    if numeric and term.get("reference") is None:
        x: Array = values.to_numpy(dtype=np.float64)
        per = float(term.get("per") or 1.0)
        if term.get("spline") is None:
            return [Made(name, None, None, x / per)], []
        curves = spline(x, int(term["spline"]["df"]))
        return [Made(name, f"spline {k}", None, c / per) for k, c in enumerate(curves, 1)], []
    named, seen = words(values), levels(values)
    reference = str(term["reference"]) if term.get("reference") is not None else seen[0]
    members = {level: (named == level).to_numpy() for level in seen}
    columns = [
        Made(name, level, reference, member.astype(float), member, alone)
        for level, member in members.items()
        if level != reference
    ]
    return columns, [Base(name, reference, members[reference])]


def _product(a: Made, b: Made) -> Made:
    """The column of an interaction."""

    def both(one: str | None, other: str | None) -> str | None:
        parts = [part for part in (one, other) if part is not None]
        return BETWEEN.join(parts) if parts else None

    members = [part.member for part in (a, b) if part.member is not None]
    member = np.logical_and.reduce(members) if members else None
    name = BETWEEN.join((a.term, b.term))
    level, reference = both(a.level, b.level), both(a.reference, b.reference)
    return Made(name, level, reference, a.numbers * b.numbers, member)


def spline(x: Array, df: int) -> list[Array]:
    """Harrell's restricted cubic spline: the number itself, then its curves.

    By his formula (2.25) with the cubic parts as they stand there, scaled by the square of the
    distance of the outer knots. Below 100 rows these are the fifth smallest and largest values.
    """
    t = pd.Series(x).quantile(list(KNOTS[df])).to_numpy(copy=True)
    if 10 <= len(x) < 100:
        t[0], t[-1] = np.sort(x)[[4, -5]]

    def plus(knot: float) -> Array:
        return np.where(x > knot, x - knot, 0.0) ** 3

    k = len(t)
    curves = [x]
    for j in range(k - 2):
        up = (t[k - 1] - t[j]) / (t[k - 1] - t[k - 2])
        down = (t[k - 2] - t[j]) / (t[k - 1] - t[k - 2])
        curves.append(
            (plus(t[j]) - up * plus(t[k - 2]) + down * plus(t[k - 1])) / (t[-1] - t[0]) ** 2
        )
    return curves
