"""Rows of a Cox model made ready: checked, terms learnt, arrays in the kernel's order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox_alike import alike
from analyses.estimators.cox_asked import Asked
from analyses.estimators.cox_design import design_of
from analyses.estimators.cox_rows import Design, Rows, in_memory
from analyses.estimators.survival_data import SurvivalData, survival_data
from analyses.estimators.terms import Declared, learn
from analyses.estimators.time_split import cut_rows, over_time, require_reference_events
from analyses.kernels import cox as kernel
from analyses.results.frozen import Array
from analyses.results.terms import Column, Term, as_text, columns_of, design_matrix
from analyses.results.weighting import Weighting
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

Places = npt.NDArray[np.intp]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Arrays of a model in the kernel's order, and what was learnt of the data on the way."""

    rows: Rows
    terms: tuple[Term, ...]
    cluster: Places | None
    strata_levels: tuple[str, ...]
    are_counts: bool
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]
    labels: pd.Index[Any]
    weighting: Weighting | None
    order: Places | None = None

    @property
    def are_alike(self) -> bool:
        """Whether a row stands for all that are alike."""
        return self.rows.followed.count is not None


def prepared(
    data: Any,
    wanted: tuple[Declared, ...],
    asked: Asked,
    learnt: tuple[Term, ...] | None = None,
    *,
    counting: bool = False,
) -> Prepared:
    """The data as arrays, by terms learnt of them, or of other rows (`learnt`) before.

    With `counting`, rows alike may stand as one (`are_alike`): enough for a fit, but not for
    questions about each row.
    """
    names = [name for term in wanted for name in term.columns] + list(asked.strata)
    names += [name for name in (asked.cluster, asked.offset) if name is not None]
    rows = survival_data(
        data,
        time=asked.time,
        event=asked.event,
        entry=asked.entry,
        weights=asked.weights,
        others=list(dict.fromkeys(names)),
    )
    require_fit_for_purpose(rows, asked)
    weighting = weighting_of(rows, asked)
    terms, findings = (learnt, ()) if learnt else learn(wanted, rows.frame, of_periods=True)
    first = patient = None
    pieces = cut_rows(rows, wanted)
    if pieces is not None:
        rows, patient = pieces
        terms = over_time(terms, wanted)
        if asked.penalty is None:
            require_reference_events(terms, rows)
        first = np.append(True, np.diff(patient) > 0)
    stratum, strata_levels = strata_of(rows.frame, asked.strata)
    columns = columns_of(terms, rows.frame)
    are_counts = whole_numbers(rows.weights)
    design = design_of(terms, columns, rows.event, rows.weights if are_counts else None, first)
    counting = counting and pieces is None and _are_plain(asked)
    kinds = alike(terms, rows.frame, rows.time, rows.event, stratum) if counting else None
    order = _order(rows, stratum, len(columns)) if kinds is None else kinds.rows
    cluster = _codes(rows.frame, asked.cluster, order)
    if patient is not None and cluster is None and (asked.robust or not are_counts):
        cluster = _ordered(patient, order)  # a patient's pieces are one unit
    block, shift = _block(rows, columns, design, (stratum, cluster, order), asked.offset)
    if kinds is not None:
        block = replace(block, exit=kinds.exit, count=kinds.count)
    return Prepared(
        rows=in_memory(block, len(strata_levels), asked.ties, design, shift),
        terms=terms,
        cluster=cluster,
        strata_levels=strata_levels,
        are_counts=are_counts,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=findings,
        labels=rows.labels,
        weighting=weighting,
        order=order,
    )


def _block(
    rows: SurvivalData,
    columns: list[Column],
    design: Design,
    places: tuple[Places, Places | None, Places | None],
    offset: str | None,
) -> tuple[kernel.Block, float]:
    """The rows in the kernel's order, and what was taken off their offset.

    `places` are stratum (by row), cluster (in the kernel's order), and that order.
    """
    stratum, cluster, order = places
    added, shift = centred_offset(rows, offset)

    def ordered(values: npt.NDArray[T] | None) -> npt.NDArray[T] | None:
        return None if values is None else _ordered(values, order)

    block = kernel.Block(
        design_matrix(columns, rows.n if order is None else order, design.centre),
        _ordered(stratum, order),
        _ordered(rows.time, order),
        _ordered(rows.event, order),
        ordered(rows.entry),
        ordered(rows.weights),
        ordered(added),
        cluster,
    )
    return block, shift


def _are_plain(asked: Asked) -> bool:
    """Whether nothing but follow-up, event, strata and terms tells patients apart."""
    others = (asked.entry, asked.weights, asked.cluster, asked.offset, asked.penalty)
    return all(one is None for one in others)


def require_fit_for_purpose(rows: SurvivalData, asked: Asked) -> None:
    """At least one event, weights above 0 with the right variance, a numeric offset."""
    problems = []
    if not rows.event.any():
        problems.append(
            Problem(
                f"cox: event '{asked.event}'",
                f"none of the {rows.n} complete rows has an event",
                advice="A hazard ratio needs events: check the endpoint, or follow up longer.",
            )
        )
    if rows.weights is not None and (rows.weights <= 0).any():
        found = f"{int((rows.weights <= 0).sum())} weights are 0"
        advice = "Exclude these rows: a row without weight was not selected."
        problems.append(Problem(f"column '{asked.weights}'", found, advice=advice))
    if not whole_numbers(rows.weights) and asked.penalty is not None:
        found = f"'{asked.penalty}' together with weights '{asked.weights}' that are not counts"
        advice = "There is no penalised likelihood of such weights: leave one of the two out."
        problems.append(Problem("cox: penalty", found, advice=advice))
    if not whole_numbers(rows.weights) and asked.robust is False:
        found = f"False together with weights '{asked.weights}' that are not counts"
        advice = "The model's own variance means nothing then: leave `robust` out."
        problems.append(Problem("cox: robust", found, advice=advice))
    if asked.offset is not None:
        values = rows.frame[asked.offset]
        if (
            not pd.api.types.is_numeric_dtype(values)
            or not np.isfinite(values.to_numpy(float)).all()
        ):
            found = "an offset must be finite numbers on the log hazard scale"
            problems.append(Problem(f"column '{asked.offset}'", found))
    if problems:
        raise AnalysisError(problems)


def weighting_of(rows: SurvivalData, asked: Asked) -> Weighting | None:
    """What the rows of a model count for; none of them has weight 0 (`require_fit_for_purpose`)."""
    if asked.weights is None or rows.weights is None:
        return None
    total, are_counts = float(rows.weights.sum()), whole_numbers(rows.weights)
    return Weighting(asked.weights, rows.n, 0, total, are_counts)


def whole_numbers(weights: Array | None) -> bool:
    """Whether the weights, where there are any, can be counts of patients."""
    return weights is None or bool((weights == np.floor(weights)).all())


def centred_offset(rows: SurvivalData, name: str | None) -> tuple[Array | None, float]:
    """The offset less its weighted mean, and that mean: a constant must not cost any digits."""
    if name is None:
        return None, 0.0
    values = rows.frame[name].to_numpy(dtype=float)
    shift = float(np.average(values, weights=rows.weights))
    return values - shift, shift


def _order(rows: SurvivalData, stratum: Places, n_columns: int) -> Places | None:
    """Rows by stratum and time where so many are the event times that it pays, else None."""
    if len(rows.time) < kernel.COMPILED_FROM:
        return None
    grid = kernel.grid_of(rows.time[rows.event], stratum[rows.event], int(stratum.max()) + 1)
    if kernel.stays_in_cache(len(grid.time), n_columns):
        return None
    return np.lexsort((rows.time, stratum))


def _ordered(values: npt.NDArray[T], order: Places | None) -> npt.NDArray[T]:
    return values if order is None else values[order]


def _codes(frame: pd.DataFrame, name: str | None, order: Places | None) -> Places | None:
    return None if name is None else _ordered(pd.factorize(frame[name])[0], order)


def strata_of(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[Places, tuple[str, ...]]:
    """Code of each row's stratum and the strata's labels, in the order of their values."""
    if not names:
        return np.zeros(len(frame), dtype=np.intp), ("",)
    grouped = frame.groupby(list(names), observed=True, sort=True)
    codes = grouped.ngroup().to_numpy()
    first = frame[list(names)].iloc[np.unique(codes, return_index=True)[1]]
    words = [as_text(first[name]) for name in names]
    return codes.astype(np.intp), tuple(", ".join(parts) for parts in zip(*words, strict=True))
