"""The Cox proportional-hazards model: hazard ratios with limits, and all that qualifies them.

Cox (1972), J. R. Stat. Soc. B 34, 187-220; ties by Efron (1977) or Breslow (1974); robust variance
by Lin and Wei (1989). Newton's method to 1e-9 standard errors before its last, quadratic step.
With clusters, or weights that are not counts, only the robust Wald test is given: likelihood-ratio
and score tests do not hold their level there. Concordance as R's `concordance`, over all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox_design import design_of
from analyses.estimators.cox_firth import firth, penalised_coefficients, penalised_tests
from analyses.estimators.cox_fit import fit, robust_covariance
from analyses.estimators.cox_held import HeldRows
from analyses.estimators.cox_result import (
    baseline,
    concordance,
    failures,
    few_events,
    model_tests,
    summarised,
)
from analyses.estimators.cox_rows import Rows, in_memory
from analyses.estimators.survival_data import SurvivalData, survival_data
from analyses.estimators.terms import Declared, TermSpec, declared, learn
from analyses.kernels import cox as kernel
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array, frozen
from analyses.results.terms import Term, as_text, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

Places = npt.NDArray[np.intp]
T = TypeVar("T", bound=np.generic)
TIES: tuple[kernel.Ties, ...] = ("efron", "breslow")


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """How the model is to be fitted: everything but the data and the terms."""

    time: str
    event: str
    entry: str | None
    strata: tuple[str, ...]
    weights: str | None
    cluster: str | None
    robust: bool | None
    offset: str | None
    ties: kernel.Ties
    conf_level: float
    penalty: str | None = None


def cox(
    data: Any,
    *,
    time: str,
    event: str,
    terms: Sequence[TermSpec],
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    offset: str | None = None,
    ties: str = "efron",
    penalty: str | None = None,
    conf_level: float = 0.95,
) -> CoxModel:
    """Hazard ratios of all terms together, each adjusted for the others.

    Parameters
    ----------
    data
        A pandas frame, or anything Narwhals reads; one row a patient, or start-stop rows.
    time, event
        Follow-up (numbers of at least 0, in any unit) and event (boolean or 0/1).
    terms
        Column names, or mappings: ``{"name": "age_years", "per": 10}``, ``{"name": "grade",
        "levels": ["1", "2", "3"], "reference": "1"}``, ``{"name": "age_years", "spline":
        {"df": 4}}``, ``{"interaction": ["her2_status", "hr_status"]}``. A category's levels must
        have an order (ordered categorical, or `levels`); its reference is the first.
    entry
        Delayed entry, or the start of a start-stop row. At risk: entry < t <= exit.
    strata
        Column or columns: one baseline hazard for each combination of their values.
    weights
        Above 0; whole numbers count identical patients (one unit a row in the robust variance).
    cluster, robust
        Sandwich variance with the rows of one value of `cluster` as one unit; by default where
        there are clusters or weights that are not counts.
    offset
        Added to the log hazard with coefficient 1.
    ties, conf_level
        ``efron`` or ``breslow``; level of the normal-theory limits on the log scale.
    penalty
        ``firth`` for few events or a level that separates: estimates are then finite, limits and
        p-values from the profile of the penalised likelihood, `statistic` its signed root.

    Returns
    -------
    CoxModel
        Rows without a value in any column are left out and counted in `n_missing`. A level
        without a finite estimate is ``not_estimable``, with a Failure; other terms stand.

    Raises
    ------
    AnalysisError
        Text without levels, a reference without rows, no event, collinear columns: named.

    Notes
    -----
    Method: see the module. Checked against `coxph`, `survfit` and `basehaz` of R's survival
    (tests/analyses/test_cox.py), and by hand (test_cox_kernel.py).
    """
    asked = asking(
        time, event, entry, strata, weights, cluster, robust, offset, ties, conf_level, penalty
    )
    return _model(data, declared(terms), asked)


def univariable_cox(
    data: Any,
    *,
    time: str,
    event: str,
    terms: Sequence[TermSpec],
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    offset: str | None = None,
    ties: str = "efron",
    penalty: str | None = None,
    conf_level: float = 0.95,
) -> tuple[CoxModel, ...]:
    """Hazard ratios of each term alone, one model a term, each on its own complete rows.

    Parameters are those of `cox`. Interactions are passed over: alone they are not defined.
    """
    asked = asking(
        time, event, entry, strata, weights, cluster, robust, offset, ties, conf_level, penalty
    )
    return tuple(_model(data, (term,), asked) for term in declared(terms) if not term.parts)


def asking(
    time: str,
    event: str,
    entry: str | None,
    strata: str | Sequence[str] | None,
    weights: str | None,
    cluster: str | None,
    robust: bool | None,
    offset: str | None,
    ties: str,
    conf_level: float,
    penalty: str | None = None,
) -> Asked:
    """The arguments, refused together where any of them makes no sense."""
    problems = []
    known = [method for method in TIES if method == ties]
    if not known:
        problems.append(Problem("cox: ties", f"'{ties}'", f"Allowed: {', '.join(TIES)}"))
    if not 0 < conf_level < 1:
        problems.append(Problem("cox: conf_level", f"{conf_level!r}", "Allowed: between 0 and 1"))
    if penalty not in (None, "firth"):
        problems.append(Problem("cox: penalty", f"{penalty!r}", "Allowed: firth, or none"))
    if penalty is not None and (cluster is not None or robust):
        problems.append(
            Problem(
                "cox: penalty",
                f"'{penalty}' together with clusters or a robust variance",
                advice="Its tests and limits are those of the likelihood: leave one of them out.",
            )
        )
    if cluster is not None and robust is False:
        problems.append(
            Problem(
                "cox: robust",
                f"False together with cluster '{cluster}'",
                advice="Clusters act through the robust variance: leave one of the two out.",
            )
        )
    if problems:
        raise AnalysisError(problems)
    groups = (strata,) if isinstance(strata, str) else tuple(strata or ())
    return Asked(
        time, event, entry, groups, weights, cluster, robust, offset, known[0], conf_level, penalty
    )


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
    order: Places | None = None


def _prepared(data: Any, wanted: tuple[Declared, ...], asked: Asked) -> Prepared:
    """The data as arrays; the frame itself is let go before the fit needs the memory."""
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
    terms, findings = learn(wanted, rows.frame)
    stratum, strata_levels = strata_of(rows.frame, asked.strata)
    columns = columns_of(terms, rows.frame)
    are_counts = whole_numbers(rows.weights)
    design = design_of(terms, columns, rows.event, rows.weights if are_counts else None)
    offset, shift = centred_offset(rows, asked.offset)
    order = _order(rows, stratum, len(columns))
    cluster = _codes(rows.frame, asked.cluster, order)
    block = kernel.Block(
        design_matrix(columns, rows.n if order is None else order, design.centre),
        _ordered(stratum, order),
        _ordered(rows.time, order),
        _ordered(rows.event, order),
        None if rows.entry is None else _ordered(rows.entry, order),
        None if rows.weights is None else _ordered(rows.weights, order),
        None if offset is None else _ordered(offset, order),
        cluster,
    )
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
        order=order,
    )


def _model(data: Any, wanted: tuple[Declared, ...], asked: Asked) -> CoxModel:
    return model_of(_prepared(data, wanted, asked), asked)


def model_of(ready: Prepared, asked: Asked) -> CoxModel:
    """The model of rows that are prepared."""
    found = firth(ready.rows, asked.conf_level) if asked.penalty else None
    fitted = fit(ready.rows) if found is None else found.fit
    holds = ready.are_counts and ready.cluster is None
    robust = not holds if asked.robust is None else asked.robust
    covariance = robust_covariance(fitted, ready.cluster) if robust else fitted.covariance
    shown = fitted.reported[fitted.estimated]
    covariance = covariance[np.ix_(shown, shown)]
    coefficients = summarised(ready.terms, fitted, covariance, asked.conf_level)
    tests = model_tests(fitted, covariance, likelihood_holds=holds)
    heights = (fitted.at.log_likelihood, fitted.null.log_likelihood)
    if found is not None:
        coefficients = penalised_coefficients(coefficients, found)
        tests = penalised_tests(tests, found)
        heights = (found.log_likelihood, found.log_likelihood_null)
    design = ready.rows.design
    return CoxModel(
        coefficients=coefficients,
        covariance=frozen(covariance),
        covariance_model=frozen(fitted.covariance[np.ix_(shown, shown)]),
        log_likelihood=heights[0],
        log_likelihood_null=heights[1],
        tests=tests,
        concordance=concordance(
            fitted, ready.rows.followed, ready.cluster, as_counts=ready.are_counts and not robust
        ),
        n_parameters=int(fitted.counted.sum()),
        ties=asked.ties,
        penalty=asked.penalty,
        n=design.n_all,
        n_event=design.n_event_all,
        n_event_weighted=float(fitted.at.total[:, 2].sum()),
        n_input=ready.n_input,
        n_missing=ready.n_missing,
        terms=ready.terms,
        strata=asked.strata,
        weights=asked.weights,
        cluster=asked.cluster,
        n_cluster=None if ready.cluster is None else int(ready.cluster.max()) + 1,
        offset=asked.offset,
        entry=asked.entry,
        robust=robust,
        conf_level=asked.conf_level,
        baseline=baseline(fitted, ready.strata_levels),
        iterations=fitted.iterations,
        findings=ready.findings + few_events(fitted),
        failures=failures(ready.terms, coefficients, fitted),
        rows=HeldRows(fitted, ready.labels, ready.order),
    )


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
