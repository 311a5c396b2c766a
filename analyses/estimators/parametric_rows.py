"""The rows of a parametric model: checked, without times of 0, scaled, with the curves beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.estimators.cox_design import design_of
from analyses.estimators.cox_prepared import whole_numbers
from analyses.estimators.cox_rows import Design
from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.parametric_fit import Told
from analyses.estimators.parametric_levels import eventless
from analyses.estimators.parametric_search import Scaled
from analyses.estimators.survival_data import SurvivalData
from analyses.estimators.terms import Declared, learn
from analyses.kernels.newton import aliased
from analyses.results.failure import Failure
from analyses.results.frozen import Array
from analyses.results.survival import KaplanMeier
from analyses.results.terms import Term, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

Flags = npt.NDArray[np.bool_]
SOURCE = "parametric"


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """What a model is told with, the patients at time 0, and what was noted on the way.

    `failures` name the levels without events, whose `n_eventless` patients are left out.
    """

    told: Told
    n_zero: int
    failures: tuple[Failure, ...]
    n_eventless: int
    findings: tuple[Finding, ...]


def prepared(
    rows: SurvivalData,
    wanted: tuple[Declared, ...],
    columns: tuple[str, str, str | None],
    zero_as: float | None,
    conf_level: float,
) -> Ready:
    """The rows ready for every family; `columns` are those of time, event and weights.

    Raises AnalysisError for weights that are no counts, events at time 0, no event, a reference
    or a combination of levels without one, and columns that are constant or determined by others.
    """
    time, event, weights = columns
    _require_counts(rows, weights)
    used, n_zero = _above_zero(rows, time, zero_as)
    rows = _chosen(rows, used)
    learnt, findings = learn(wanted, rows.frame)
    _require_some_event(rows)
    without = eventless(rows, wanted, learnt)
    n_eventless = 0
    if without.failures:
        out = ~without.kept
        n_eventless = int(out.sum() if rows.weights is None else rows.weights[out].sum())
        rows = _chosen(rows, without.kept)
        learnt, findings = learn(without.wanted, rows.frame) if without.wanted else ((), findings)
    at = np.where(rows.time > 0, rows.time, zero_as or 0.0)
    of = _told(rows, at, learnt, conf_level)
    _require_events(of.design, event)
    noted = (*findings, *_zero_findings(time, n_zero, zero_as))
    return Ready(of, n_zero, without.failures, n_eventless, noted)


def _require_some_event(rows: SurvivalData) -> None:
    if rows.event.any():
        return
    raise AnalysisError(
        Problem(
            "parametric",
            f"none of the {rows.n} complete rows has an event",
            advice="A distribution of times needs events: check the endpoint.",
        )
    )


def _require_counts(rows: SurvivalData, weights: str | None) -> None:
    if rows.weights is None or (whole_numbers(rows.weights) and (rows.weights > 0).all()):
        return
    raise AnalysisError(
        Problem(
            f"column '{weights}'",
            "weights that are not whole numbers above 0",
            "Whole numbers, which count identical patients.",
            "The variance of a weighted parametric model would be wrong: use `cox`, whose robust "
            "variance is right.",
        )
    )


def _above_zero(rows: SurvivalData, time: str, zero_as: float | None) -> tuple[Flags, int]:
    """The rows that take part, and how many patients have time 0."""
    zero = rows.time <= 0
    n_zero = int(zero.sum() if rows.weights is None else rows.weights[zero].sum())
    events = int((zero & rows.event).sum())
    if zero_as is not None:
        least = float(rows.time[~zero].min(initial=np.inf))
        if n_zero and zero_as > least:
            found = f"{zero_as:g}, which is above the shortest time of others, {least:g}"
            raise AnalysisError(Problem("parametric: zero_as", found, f"At most {least:g}"))
        return np.ones(rows.n, dtype=bool), n_zero
    if events:
        raise AnalysisError(
            Problem(
                f"column '{time}'",
                f"{events} events at time 0, where these distributions have no density",
                advice="Say which time stands for 0 (`zero_as`), such as half a month or day, "
                "or leave these patients out by a stated criterion.",
            )
        )
    if zero.all():
        raise AnalysisError(Problem(f"column '{time}'", "every time is 0"))
    return ~zero, n_zero


def _chosen(rows: SurvivalData, used: Flags) -> SurvivalData:
    if used.all():
        return rows
    return replace(
        rows,
        frame=rows.frame[used].reset_index(drop=True),
        time=rows.time[used],
        event=rows.event[used],
        entry=None if rows.entry is None else rows.entry[used],
        weights=None if rows.weights is None else rows.weights[used],
        labels=rows.labels[used],
    )


def _told(rows: SurvivalData, at: Array, terms: tuple[Term, ...], conf_level: float) -> Told:
    columns = columns_of(terms, rows.frame)
    counts = rows.weights
    design = design_of(terms, columns, rows.event, counts)
    matrix = design_matrix(columns, rows.n)
    weight = np.ones(rows.n) if counts is None else counts
    unit = float(np.exp(np.average(np.log(at), weights=weight)))
    centre = np.average(matrix, axis=0, weights=weight)
    spread = np.sqrt(np.average((matrix - centre) ** 2, axis=0, weights=weight))
    _require_columns(design, matrix - centre, spread)
    observed, codes = _observed(rows, at, terms, conf_level)
    entry = np.zeros(rows.n) if rows.entry is None else rows.entry
    scaled = Scaled(
        at / unit,
        rows.event,
        entry / unit,
        weight,
        (matrix - centre) / spread,
        unit,
        centre,
        spread,
    )
    return Told(scaled, matrix, terms, design, observed, codes, conf_level)


def _observed(
    rows: SurvivalData, at: Array, terms: tuple[Term, ...], conf_level: float
) -> tuple[KaplanMeier, npt.NDArray[np.intp]]:
    """Kaplan-Meier by the first category of the model, and each row's group."""
    by = next((term for term in terms if term.kind == "category"), None)
    codes = np.zeros(rows.n, dtype=np.intp)
    frame = rows.frame[[] if by is None else [by.name]].assign(
        fitted_time=at, fitted_event=rows.event
    )
    groups: Any = None
    if by is not None:
        codes = by.codes(rows.frame).astype(np.intp)
        frame[by.name] = np.asarray(by.levels, dtype=object)[codes]
        groups = {"name": by.name, "levels": list(by.levels)}
    for name, values in (("fitted_entry", rows.entry), ("fitted_weight", rows.weights)):
        if values is not None:
            frame[name] = values
    curves = kaplan_meier(
        frame,
        time="fitted_time",
        event="fitted_event",
        by=groups,
        entry=None if rows.entry is None else "fitted_entry",
        weights=None if rows.weights is None else "fitted_weight",
        conf_level=conf_level,
    )
    return curves, codes


def _require_columns(design: Design, centred: Array, spread: Array) -> None:
    """No column constant, none the sum of others."""
    names = design.names
    flat = spread <= 1e-12 * np.maximum(design.reach, 1e-300)
    flat |= spread == 0
    problems = [
        Problem(f"term '{names[i]}'", "the same in every row", advice="Leave the term out.")
        for i in np.flatnonzero(flat)
    ]
    if not problems and len(names):
        scaled = centred / spread
        for column, others in aliased(scaled.T @ scaled):
            said = listed(names[other] for other in others)
            found = f"determined by {said}: their coefficients cannot be told apart"
            problems.append(
                Problem(f"term '{names[column]}'", found, advice="Leave one of them out.")
            )
    if problems:
        raise AnalysisError(problems)


def _require_events(design: Design, event: str) -> None:
    """Every reference and combination has an event, or its time ratio would be infinite."""
    problems = [
        Problem(
            f"term '{name}'",
            f"no '{event}' among {n} patients at this level, so its time ratio is infinite",
            advice="Merge the level with another, or leave its patients out.",
        )
        for name, n, n_event, level in zip(
            design.names, design.n, design.n_event, design.is_level, strict=True
        )
        if level and n_event == 0
    ]
    for columns in design.factors:
        places = list(columns)
        n = design.n_all - int(design.n[places].sum())
        if places and design.n_event_all == int(design.n_event[places].sum()):
            term = design.names[places[0]].partition("=")[0]
            problems.append(
                Problem(
                    f"term '{term}'",
                    f"no '{event}' among {n} patients at its reference level",
                    advice="Choose another reference, or leave its patients out.",
                )
            )
    if problems:
        raise AnalysisError(problems)


def _zero_findings(time: str, n_zero: int, zero_as: float | None) -> tuple[Finding, ...]:
    if not n_zero:
        return ()
    said = "Censored at time 0, they tell nothing of a distribution of times and are left out."
    rule = "censored_at_zero"
    if zero_as is not None:
        said = f"Their time of 0 is taken as {zero_as:g}: no such distribution has a density at 0."
        rule = "time_zero_replaced"
    return (Finding("warning", SOURCE, time, "0", rule, n_zero, said),)
