"""The Cox proportional-hazards model: hazard ratios with limits, and all that qualifies them.

Cox (1972), J. R. Stat. Soc. B 34, 187-220; ties by Efron (1977) or Breslow (1974); robust variance
by Lin and Wei (1989). Newton's method to 1e-9 standard errors before its last, quadratic step.
With clusters, or weights that are not counts, only the robust Wald test is given: likelihood-ratio
and score tests do not hold their level there. Concordance as R's `concordance`, over all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.estimators.cox_alike import RowsAgain
from analyses.estimators.cox_asked import Asked, asking
from analyses.estimators.cox_firth import Firth, firth, penalised_coefficients, penalised_tests
from analyses.estimators.cox_fit import Fit, fit, robust_covariance
from analyses.estimators.cox_held import HeldRows
from analyses.estimators.cox_prepared import Prepared, prepared
from analyses.estimators.cox_result import (
    baseline,
    concordance,
    failures,
    few_events,
    model_tests,
    summarised,
)
from analyses.estimators.survival_data import as_pandas
from analyses.estimators.terms import Declared, TermSpec, declared
from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array, frozen


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
    time, event, entry
        Follow-up (numbers of at least 0, in any unit), event (boolean or 0/1), and delayed entry
        or the start of a start-stop row. At risk: entry < t <= exit.
    terms
        Column names, or mappings: ``{"name": "age_years", "per": 10}``, ``{"name": "grade",
        "levels": ["1", "2", "3"], "reference": "1"}``, ``{"name": "age_years", "spline":
        {"df": 4}}``, ``{"interaction": ["her2_status", "hr_status"]}``. A category's levels must
        have an order (ordered categorical, or `levels`); its reference is the first.
    strata
        Column or columns: one baseline hazard for each combination of their values.
    weights
        Above 0; whole numbers count identical patients (one unit a row in the robust variance).
    cluster, robust
        Sandwich variance, the rows of one value of `cluster` as one unit; by default where there
        are clusters or weights that are not counts.
    offset
        Added to the log hazard with coefficient 1.
    ties, penalty, conf_level
        ``efron`` or ``breslow``; ``firth`` for finite estimates under separation, with limits and
        p-values from the profile of the penalised likelihood; level of the limits.

    Returns
    -------
    CoxModel
        Rows without a value in any column are left out and counted in `n_missing`. A level
        without a finite estimate is ``not_estimable``, with a Failure; other terms stand.

    Raises
    ------
    AnalysisError
        Text without levels, a reference without rows, no event, collinear columns: named.

    Checked against R's survival (tests/analyses/test_cox.py), and by hand.
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


def _model(data: Any, wanted: tuple[Declared, ...], asked: Asked) -> CoxModel:
    frame = as_pandas(data)
    ready = prepared(frame, wanted, asked, counting=True)
    model = model_of(ready, asked)
    if not ready.are_alike:
        return model
    return replace(model, rows=RowsAgain(partial(_on_each_row, frame, wanted, asked)))


def _on_each_row(data: Any, wanted: tuple[Declared, ...], asked: Asked) -> CoxModel:
    return model_of(prepared(data, wanted, asked), asked)


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    """Where the likelihood is largest, and the coefficients with their variance."""

    fitted: Fit
    penalised: Firth | None
    holds: bool
    robust: bool
    shown: npt.NDArray[np.bool_]
    covariance: Array
    coefficients: tuple[Coefficient, ...]


def coefficients_of(
    data: Any, terms: tuple[Declared, ...], asked: Asked
) -> tuple[Coefficient, ...]:
    """The coefficients of `cox` alone: for models fitted many times over, to changed patients."""
    return _solved(prepared(data, terms, asked, counting=True), asked).coefficients


def _solved(ready: Prepared, asked: Asked) -> _Solved:
    found = firth(ready.rows, asked.conf_level) if asked.penalty else None
    fitted = fit(ready.rows) if found is None else found.fit
    holds = ready.are_counts and ready.cluster is None
    robust = not holds if asked.robust is None else asked.robust
    covariance = robust_covariance(fitted, ready.cluster) if robust else fitted.covariance
    shown = fitted.reported[fitted.estimated]
    covariance = covariance[np.ix_(shown, shown)]
    coefficients = summarised(ready.terms, fitted, covariance, asked.conf_level)
    if found is not None:
        coefficients = penalised_coefficients(coefficients, found)
    return _Solved(fitted, found, holds, robust, shown, covariance, coefficients)


def model_of(ready: Prepared, asked: Asked) -> CoxModel:
    """The model of rows that are prepared."""
    solved = _solved(ready, asked)
    fitted, found, covariance = solved.fitted, solved.penalised, solved.covariance
    coefficients, robust, shown = solved.coefficients, solved.robust, solved.shown
    tests = model_tests(fitted, covariance, likelihood_holds=solved.holds)
    heights = (fitted.at.log_likelihood, fitted.null.log_likelihood)
    if found is not None:
        tests = penalised_tests(tests, found)
        heights = (found.log_likelihood, found.log_likelihood_null)
    design = ready.rows.design
    as_counts = ready.are_alike or (ready.are_counts and not robust)
    return CoxModel(
        coefficients=coefficients,
        covariance=frozen(covariance),
        covariance_model=frozen(fitted.covariance[np.ix_(shown, shown)]),
        log_likelihood=heights[0],
        log_likelihood_null=heights[1],
        tests=tests,
        concordance=concordance(fitted, ready.rows.followed, ready.cluster, as_counts=as_counts),
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
        weighting=ready.weighting,
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
