"""Fine and Gray's model: subdistribution hazard ratios of one of several competing events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox_design import design_of
from analyses.estimators.cox_fit import ASK_FIRTH, FIRTH, Fit, fit
from analyses.estimators.cox_prepared import strata_of
from analyses.estimators.cox_result import (
    FEW_EVENTS,
    baseline,
    failures,
    few_events,
    model_tests,
    summarised,
)
from analyses.estimators.fine_gray_rows import (
    hazard_products,
    influence,
    sandwich,
    subdistribution_rows,
)
from analyses.estimators.grouped_survival import zero_weight_findings
from analyses.estimators.states import StateRows, require_cause, state_rows
from analyses.estimators.survival_data import By
from analyses.estimators.terms import Declared, TermSpec, declared, learn
from analyses.kernels import cox as kernel
from analyses.results.coefficient import Coefficient
from analyses.results.fine_gray import FEW_AT_LEVEL, KIND, FineGray, Variance
from analyses.results.frozen import Array, frozen
from analyses.results.terms import Term, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

Places = npt.NDArray[np.intp]
OTHERS = ". Other terms are reported."


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """How the model is to be fitted: everything but the data and the terms."""

    time: str
    state: By
    cause: str
    entry: str | None
    strata: tuple[str, ...]
    weights: str | None
    cluster: str | None
    conf_level: float


def fine_gray(
    data: Any,
    *,
    time: str,
    state: By,
    cause: str,
    terms: Sequence[TermSpec],
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> FineGray:
    """Ratios of the subdistribution hazard: how each term changes the incidence of the event.

    Parameters
    ----------
    data, time, state, entry
        As in `cumulative_incidence`, one row a patient.
    cause
        The event looked at, one of the levels of `state`; all others but the first compete.
    terms
        As in `cox`.
    strata
        Column or columns: each stratum has its own baseline and its own censoring distribution.
    weights
        Whole numbers count as so many patients; other weights give the robust variance. The
        censoring distribution is weighted as well.
    cluster
        Patients of one value are one unit in the variance.

    Returns
    -------
    FineGray
        `.summary`, `.predict_incidence(new, times)`. Rows without a value in any column are left
        out and counted. A level without a finite estimate has a Failure; other terms stand.

    Raises
    ------
    AnalysisError
        As `cox` and `cumulative_incidence`; for a cause that is no event, or never came.

    Notes
    -----
    Fine and Gray (1999); ties as Breslow; the variance holds the censoring distribution's part, as
    ``crr`` of R's cmprsk 2.2. With delayed entry weights and variance (by patient, the weights
    taken as known) are those of ``finegray`` of R's survival 3.5. Checked against both:
    tests/analyses/test_fine_gray.py. (`crr` itself counts who is censored at time 0 as gone before
    events at time 0; here nobody has left before then.)
    """
    groups = (strata,) if isinstance(strata, str) else tuple(strata or ())
    asked = _Asked(time, state, str(cause), entry, groups, weights, cluster, conf_level)
    wanted = declared(terms)
    return _model(_prepared(data, asked, wanted), wanted, asked)


def _prepared(data: Any, asked: _Asked, wanted: tuple[Declared, ...]) -> StateRows:
    """Rows complete in every column of the model."""
    if not 0 < asked.conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {asked.conf_level}")
    names = [name for term in wanted for name in term.columns] + list(asked.strata)
    names += [] if asked.cluster is None else [asked.cluster]
    return state_rows(
        data,
        time=asked.time,
        state=asked.state,
        entry=asked.entry,
        weights=asked.weights,
        others=list(dict.fromkeys(names)),
    )


def _model(found: StateRows, wanted: tuple[Declared, ...], asked: _Asked) -> FineGray:
    """The model of prepared rows."""
    code = require_cause(found.column, (found.censoring, *found.causes), asked.cause, KIND)
    state = np.where(found.state == code, 1, np.where(found.state == 0, 0, 2))
    _require_events(found, state, asked)
    rows = found.rows
    terms, learnt = learn(wanted, rows.frame)
    columns = columns_of(terms, rows.frame)
    design = design_of(terms, columns, state == 1, rows.counts)
    stratum, strata_levels = strata_of(rows.frame, asked.strata)
    # Patients in the order of their times lie beside each other in the sums.
    order = np.lexsort((rows.time, stratum))
    weight = rows.weights if rows.counts is None else rows.counts
    block = kernel.Block(
        design_matrix(columns, order, design.centre),
        stratum[order],
        rows.time[order],
        (state == 1)[order],
        None if rows.entry is None else rows.entry[order],
        None if weight is None else weight[order],
    )
    cluster = None
    if asked.cluster is not None:
        cluster = pd.factorize(rows.frame[asked.cluster])[0][order]
    try:
        fitted = fit(
            subdistribution_rows(block, state[order], len(strata_levels), design, asked.time)
        )
    except AnalysisError as error:
        raise _renamed(error) from error
    entered, counts = asked.entry is not None, rows.weights is None
    influences = influence(fitted, entered=entered)
    each = np.ones(len(order)) if block.weight is None else block.weight
    covariance = sandwich(fitted, influences, each, counts=counts, cluster=cluster)
    hazard = hazard_products(
        fitted, influences, each, counts=counts, cluster=cluster, entered=entered
    )
    known = (covariance, *hazard)
    return _result(found, state, terms, fitted, known, cluster, strata_levels, asked, learnt)


def _result(
    found: StateRows,
    state: Places,
    terms: tuple[Term, ...],
    fitted: Fit,
    known: tuple[Array, Array, Array],
    cluster: Places | None,
    strata_levels: tuple[str, ...],
    asked: _Asked,
    learnt: tuple[Finding, ...],
) -> FineGray:
    rows, design = found.rows, fitted.rows.design
    shown = fitted.reported[fitted.estimated]
    covariance = known[0][np.ix_(shown, shown)]
    coefficients = summarised(terms, fitted, covariance, asked.conf_level)
    own = tuple(replace(f, source=KIND) for f in (*learnt, *few_events(fitted)))
    return FineGray(
        coefficients=coefficients,
        covariance=frozen(covariance),
        covariance_model=frozen(fitted.covariance[np.ix_(shown, shown)]),
        log_likelihood=fitted.at.log_likelihood,
        log_likelihood_null=fitted.null.log_likelihood,
        tests=model_tests(fitted, covariance, likelihood_holds=False),
        cause=asked.cause,
        competing=tuple(c for c in found.causes if c != asked.cause),
        state=found.column,
        n=design.n_all,
        n_event=design.n_event_all,
        n_competing=sum(rows.per_group(state == 2)),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        terms=terms,
        strata=asked.strata,
        weights=asked.weights,
        weighting=rows.weighting(asked.weights),
        cluster=asked.cluster,
        n_cluster=None if cluster is None else int(cluster.max()) + 1,
        entry=asked.entry,
        variance=_variance(asked),
        conf_level=asked.conf_level,
        baseline=replace(
            baseline(fitted, strata_levels),
            variance=frozen(known[1]),
            with_coefficients=frozen(known[2][:, shown]),
        ),
        iterations=fitted.iterations,
        findings=(
            *own,
            *_few_at_levels(coefficients),
            *_nobody_competes(found, state),
            *zero_weight_findings(asked.weights, rows.n_zero),
        ),
        failures=tuple(
            # The penalty is one of Cox models, which this one has not.
            replace(f, analysis=KIND, kind=KIND, advice=f.advice.replace(FIRTH, OTHERS))
            for f in failures(terms, coefficients, fitted)
        ),
    )


def _variance(asked: _Asked) -> Variance:
    if asked.cluster is not None:
        return "by cluster" if asked.entry is None else "by cluster, observation weights known"
    return "Fine and Gray" if asked.entry is None else "by patient, observation weights known"


def _require_events(found: StateRows, state: Places, asked: _Asked) -> None:
    if (state == 1).any():
        return
    raise AnalysisError(
        Problem(
            f"fine_gray: cause '{asked.cause}'",
            f"none of the {len(state)} complete rows of '{found.column}' has this event",
            advice="A hazard ratio needs events: check the endpoint, or follow up longer.",
        )
    )


def _few_at_levels(coefficients: Sequence[Coefficient]) -> tuple[Finding, ...]:
    """A warning for each level with some events of the cause but few.

    Influences of few patients add up to too small a variance; of one patient to next to none.
    """
    found = []
    for c in coefficients:
        if c.level is None or not 0 < c.n_event < FEW_EVENTS:
            continue
        events = "1 event" if c.n_event == 1 else f"{c.n_event} events"
        patients = "1 patient" if c.n == 1 else f"{c.n} patients"
        advice = (
            f"{events} of the cause among {patients} at level '{c.level}' of '{c.term}': the "
            "standard error of its ratio is too small with so few, and its p-value no evidence. "
            "Merge the level with another."
        )
        found.append(Finding("warning", KIND, c.term, c.level, FEW_AT_LEVEL, c.n, advice))
    return tuple(found)


def _nobody_competes(found: StateRows, state: Places) -> tuple[Finding, ...]:
    """A note where the model is Cox's."""
    if (state == 2).any():
        return ()
    said = "No competing event happened: the ratios are those of a Cox model with Breslow ties."
    return (Finding("info", KIND, found.column, "", "no_competing_event", len(state), said),)


def _renamed(error: AnalysisError) -> AnalysisError:
    """What Cox's fit found wrong, told of this model."""
    return AnalysisError(
        replace(
            problem,
            where=problem.where.replace("cox", KIND, 1),
            advice=problem.advice.replace(ASK_FIRTH, "."),
        )
        for problem in error.problems
    )
