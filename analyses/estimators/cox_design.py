"""What is known of each column of a Cox model before the fit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyses.estimators.cox_rows import Design
from analyses.results.frozen import Array
from analyses.results.terms import Column, Term

Flags = npt.NDArray[np.bool_]


def design_of(
    terms: tuple[Term, ...],
    columns: list[Column],
    event: Flags,
    counts: Array | None,
    first: Flags | None = None,
) -> Design:
    """Name, mean, spread, rows and events of each column; `counts` patients a row.

    Of rows that are pieces of follow-up `first` says which begin a patient's: a column counts
    patients once, one of a period those who are observed in it.
    """

    def number(rows: Flags, *, once: bool = False) -> int:
        own = rows if first is None or not once else rows & first
        return int(own.sum() if counts is None else counts[own].sum())

    names, factors = named_columns(terms)
    members = [column.member for column in columns]
    values = [column.values for column in columns]
    centre = np.array([float(value.mean()) for value in values])
    edges = [(float(value.min()), float(value.max())) for value in values]
    reach = [max(c - low, high - c) for c, (low, high) in zip(centre, edges, strict=True)]
    n_all, n_event_all = number(np.ones(len(event), dtype=bool), once=True), number(event)
    of_period = [term.kind == "over_time" for term in terms for _ in term.labels]
    n = [
        n_all if member is None else number(member, once=not own)
        for member, own in zip(members, of_period, strict=True)
    ]
    deaths = [n_event_all if member is None else number(member & event) for member in members]
    return Design(
        names,
        centre,
        np.array([float(value.std()) for value in values]),
        np.array(reach),
        np.array([column.number is None for column in columns], dtype=bool),
        np.array(n, dtype=np.intp),
        np.array(deaths, dtype=np.intp),
        n_all,
        n_event_all,
        factors,
    )


def named_columns(
    terms: tuple[Term, ...],
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """Each column's name for messages, and the columns of each category in no interaction."""
    names: list[str] = []
    factors = []
    crossed = {part.name for term in terms for part in term.parts}
    for term in terms:
        if term.kind == "category" and term.name not in crossed:
            factors.append(tuple(range(len(names), len(names) + len(term.labels))))
        names += [f"{term.name}={level}" if level else term.name for level, _ in term.labels]
    return tuple(names), tuple(factors)
