"""Residuals of a fitted Cox model, one row a patient or one an event.

Therneau, T. M. and Grambsch, P. M. (2000), Modeling Survival Data, chapters 4 to 7. With Efron
ties an event's own exposure at its time counts by its share, and the mean covariates of its time
are averaged over its tied events, as in R.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import xlogy

from analyses.estimators.cox_fit import Fit, linear_predictor
from analyses.kernels import cox as kernel
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem, listed, suggest

Places = npt.NDArray[np.intp]
KINDS = (
    *("martingale", "deviance", "schoenfeld", "scaled_schoenfeld", "score", "dfbeta", "dfbetas"),
)


def residuals(fitted: Fit, kind: str) -> tuple[Places, pd.DataFrame]:
    """Rows in the order of the fit, and their residuals; see `CoxModel.residuals`."""
    if kind not in KINDS:
        advice = suggest(kind, KINDS)
        raise AnalysisError(
            Problem("residuals: kind", repr(kind), f"Allowed: {listed(KINDS)}", advice)
        )
    if kind in ("martingale", "deviance"):
        values = martingale(fitted)
        if kind == "deviance":
            values = deviance(values, fitted.rows.followed.event)
        return np.arange(len(values)), pd.DataFrame({kind: values})
    shown = np.flatnonzero(fitted.reported)
    names = [fitted.rows.design.names[place] for place in shown]
    if kind in ("schoenfeld", "scaled_schoenfeld"):
        return _of_events(fitted, kind, shown, names)
    values = _scores(fitted)
    if kind != "score":
        weight = fitted.rows.followed.weight
        covariance = np.zeros((len(fitted.beta),) * 2)
        covariance[np.ix_(fitted.estimated, fitted.estimated)] = fitted.covariance
        values = values @ covariance
        if weight is not None:
            values *= weight[:, None]
        if kind == "dfbetas":
            size = np.sqrt(np.diag(covariance))
            values = values / np.where(size > 0, size, 1.0)
    return np.arange(len(values)), pd.DataFrame(values[:, shown], columns=names)


def martingale(fitted: Fit) -> Array:
    """Events less the hazard gathered under the model; a row that left the risk sets gathers 0."""
    rows, at = fitted.rows, fitted.at
    cumulative = rows.grid.cumulated(at.steps.hazard)
    work = partial(_gathered, hazard=cumulative, event_hazard=at.steps.event_hazard)
    (gathered,) = rows.blocks.joined(work)
    return np.asarray(rows.followed.event - gathered * np.exp(linear_predictor(fitted)))


def _gathered(placed: kernel.Placed, hazard: Array, event_hazard: Array) -> kernel.Arrays:
    return (kernel.exposure(placed, hazard, event_hazard),)


def deviance(martingales: Array, event: npt.NDArray[np.bool_]) -> Array:
    """Martingale residuals stretched to be more symmetric."""
    inside = martingales + xlogy(event, event - martingales)
    return np.asarray(np.sign(martingales) * np.sqrt(np.maximum(-2 * inside, 0.0)))


def schoenfeld(fitted: Fit) -> tuple[Places, Array]:
    """Events by stratum and time, and their covariates less the mean of those at risk."""
    rows = fitted.rows
    mean = kernel.hazard_means(fitted.at)[2]
    (values,) = rows.blocks.joined(partial(_less_mean, mean=mean))
    events = np.flatnonzero(rows.followed.event)
    order = np.argsort(rows.followed.last[events], kind="stable")
    return events[order], values[order]


def _less_mean(placed: kernel.Placed, mean: Array) -> kernel.Arrays:
    return (placed.block.x[placed.events] - mean[placed.last[placed.events]],)


def _of_events(
    fitted: Fit, kind: str, shown: Places, names: list[str]
) -> tuple[Places, pd.DataFrame]:
    """Schoenfeld residuals, or those times the number of events and the model's variance."""
    events, values = schoenfeld(fitted)
    if kind == "scaled_schoenfeld":
        kept = np.flatnonzero(fitted.estimated)
        scaled = values[:, kept] @ fitted.covariance * len(events)
        values[:, kept] = scaled + fitted.beta[kept]
    frame = pd.DataFrame(values[:, shown], columns=names)
    frame.insert(0, "time", fitted.rows.followed.exit[events])
    return events, frame


def _scores(fitted: Fit) -> Array:
    """Each row's part of the score, unweighted; 0 for rows that left the risk sets."""
    rows = fitted.rows
    (result,) = rows.blocks.joined(
        partial(_score_rows, on=rows.grid, beta=fitted.beta, at=fitted.at)
    )
    result[fitted.away] = 0.0
    return result


def _score_rows(
    placed: kernel.Placed, on: kernel.Grid, beta: Array, at: kernel.Likelihood
) -> kernel.Arrays:
    result = np.empty((len(placed.last), len(beta)))
    for some, values in kernel.score_residuals(placed, on, beta, at):
        result[some] = values
    return (result,)
