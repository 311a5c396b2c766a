"""How likely a clone was to follow its strategy so far: inverse-probability-of-censoring weights.

Clones that must not start are censored as their patients start: the hazard of starting is that of
a Cox model, or of a pooled logistic model on intervals of the grace period. Clones that must
start are censored all at the end of the grace period, so that one logistic model of those still
followed there is the whole of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from analyses.adjustment.clones import Patients, Places
from analyses.adjustment.treatment_start import Flags
from analyses.estimators.cox_asked import asking
from analyses.estimators.cox_fit import fit
from analyses.estimators.cox_prepared import prepared
from analyses.estimators.terms import TermSpec, declared, learn
from analyses.results.frozen import Array
from analyses.results.terms import columns_of, design_matrix
from cohort.errors import AnalysisError, Problem

Model = Literal["cox", "pooled_logistic"]
WHERE = "clone_censor_weight"
NO_OVERLAP = "Leave those patients out (only), merge rare levels, or use fewer terms."
CERTAIN = 1e-8  # a probability nearer to 0 or 1 has no finite coefficient behind it


class Hazard(Protocol):
    """The cumulative hazard of starting treatment."""

    def before(self, time: float, n: int | None = None) -> Array:
        """Of each patient, or the first `n`, up to a time and without it."""

    def ordered(self, rows: Places) -> Hazard:
        """Of the patients at these places, in their order."""


@dataclass(frozen=True, slots=True, eq=False)
class CoxHazard:
    """Cumulative hazard of a Cox model, whose covariates may switch on.

    A patient's time is in segments (patients x k+1) of constant covariates: `ratio` is the hazard
    ratio in each, `since` and `until` the baseline's cumulative hazard at its ends.
    """

    time: Array
    cumulative: Array
    ratio: Array
    since: Array
    until: Array

    def before(self, time: float, n: int | None = None) -> Array:
        """Of each patient, or the first `n`, up to a time and without it."""
        place = int(np.searchsorted(self.time, time, side="left"))
        base = self.cumulative[place - 1] if place else 0.0
        total = np.zeros(len(self.ratio[:n]))
        for j in range(self.ratio.shape[1]):
            passed = np.minimum(base, self.until[:n, j]) - np.minimum(base, self.since[:n, j])
            total += self.ratio[:n, j] * passed
        return total

    def ordered(self, rows: Places) -> CoxHazard:
        """Of the patients at these places, in their order."""
        parts = {name: getattr(self, name)[rows] for name in ("ratio", "since", "until")}
        return replace(self, **parts)


@dataclass(frozen=True, slots=True, eq=False)
class IntervalHazard:
    """Cumulative hazard by intervals, in each of which it grows evenly: `steps` is (n x K)."""

    edges: Array
    steps: Array

    def before(self, time: float, n: int | None = None) -> Array:
        """Of each patient, or the first `n`, up to a time."""
        lengths = np.diff(self.edges)
        share = np.clip((time - self.edges[:-1]) / lengths, 0.0, 1.0)
        return np.asarray(self.steps[:n] @ share)

    def ordered(self, rows: Places) -> IntervalHazard:
        """Of the patients at these places, in their order."""
        return replace(self, steps=self.steps[rows])


def hazard_of_starting(
    patients: Patients, terms: Sequence[TermSpec], model: Model, intervals: int
) -> Hazard:
    """The hazard of starting within the grace period while followed and untreated."""
    if model == "cox":
        return _cox_hazard(patients, terms)
    return _interval_hazard(patients, terms, intervals)


def chance_of_having_started(patients: Patients, terms: Sequence[TermSpec]) -> Array:
    """Of each patient followed past the grace period, the probability of having started by then.

    NaN for the others. Time-varying covariates are those at the end of the grace period.
    """
    past = patients.past_grace
    started = patients.start[past] <= patients.grace
    _require_overlap(patients.frame[past], terms, started)
    x = _design(patients.frame[past], terms)
    x = np.column_stack([x, patients.switches[past] <= patients.grace])
    result = np.full(len(past), np.nan)
    result[past] = _logistic(x, started, "having started by the end of the grace period")
    return result


def _design(frame: pd.DataFrame, terms: Sequence[TermSpec]) -> Array:
    learnt, _ = learn(declared(terms), frame)
    return design_matrix(columns_of(learnt, frame), len(frame))


def _require_overlap(frame: pd.DataFrame, terms: Sequence[TermSpec], started: Flags) -> None:
    """AnalysisError for each level at which all or none of the patients start."""
    problems = []
    for term in learn(declared(terms), frame)[0]:
        if term.kind != "category":
            continue
        codes = term.codes(frame)
        for place, level in enumerate(term.levels):
            own = started[codes == place]
            if len(own) and own.sum() in (0, len(own)):
                found = (
                    f"{term.name} {level}: {int(own.sum())} of {len(own)} patients followed past "
                    "the grace period had started by then, so the strategies do not overlap"
                )
                problems.append(Problem(WHERE, found, advice=NO_OVERLAP))
    if problems:
        raise AnalysisError(problems)


def _cox_hazard(patients: Patients, terms: Sequence[TermSpec]) -> CoxHazard:
    """Order alone matters to the model: times count from 1, so that a start at 0 is a row."""
    last = np.minimum(np.where(patients.started, patients.start, patients.time), patients.grace)
    count = patients.switches.shape[1]
    bounds = np.sort(np.minimum(patients.switches, last[:, None]), axis=1)
    first = np.column_stack([np.full(len(last), -1.0), bounds])
    end = np.column_stack([bounds, last])
    n, pieces = first.shape
    kept = (end > first).ravel()
    who = np.repeat(np.arange(n), pieces)[kept]
    until = end.ravel()[kept]
    event = patients.started[who] & (until == last[who])
    names = [f"switch {name}" for name in patients.switching]
    made: dict[str, Any] = {"until": until + 1.0, "event": event}
    if count:
        made["from"] = first.ravel()[kept] + 1.0
    on = {name: (patients.switches[who, j] < until).astype(float) for j, name in enumerate(names)}
    frame = patients.frame.iloc[who].reset_index(drop=True)
    frame.columns = [f"covariate {name}" for name in frame.columns]
    asked = asking(
        "until", "event", "from" if count else None, None, None, None, None, None, "efron", 0.95
    )
    wanted = declared([*(_renamed(term) for term in terms), *names])
    ready = prepared(frame.assign(**made, **on), wanted, asked)
    fitted = fit(ready.rows)
    if fitted.unreported:
        place = min(fitted.unreported)
        kind, _, column = fitted.rows.design.names[place].partition(" ")
        varies = ", which varies over time" if kind == "switch" else ""
        found = f"{column}{varies}: {fitted.unreported[place][0]}, in the model of starting"
        raise AnalysisError(Problem(WHERE, found, advice=NO_OVERLAP))
    grid, step = fitted.rows.grid, fitted.at.steps
    own = patients.frame.copy(deep=False)
    own.columns = [f"covariate {name}" for name in own.columns]
    ratio, since, to = _segments(patients, ready.terms, own, fitted.beta, fitted.rows.design.centre)
    time, total = grid.time - 1.0, grid.cumulated(step.hazard)
    return CoxHazard(time, total, ratio, _at(time, total, since), _at(time, total, to))


def _renamed(term: TermSpec) -> TermSpec:
    """A term whose columns cannot be taken for the model's own."""
    if isinstance(term, str):
        return f"covariate {term}"
    made = dict(term)
    if "interaction" in made:
        made["interaction"] = [f"covariate {name}" for name in made["interaction"]]
    else:
        made["name"] = f"covariate {made['name']}"
    return made


def _segments(
    patients: Patients, terms: Any, frame: pd.DataFrame, beta: Array, centre: Array
) -> tuple[Array, Array, Array]:
    """Hazard ratio against the mean, start and end of each patient's segments (n x k+1)."""
    n, count = patients.switches.shape
    order = np.argsort(patients.switches, axis=1, kind="stable")
    switched = np.take_along_axis(patients.switches, order, axis=1)
    states = [np.zeros((n, count))]
    for j in range(count):
        state = states[-1].copy()
        state[np.arange(n), order[:, j]] = 1.0
        states.append(state)
    base = frame.assign(**{f"switch {name}": np.zeros(n) for name in patients.switching})
    eta = design_matrix(columns_of(terms, base), n, centre) @ beta
    ratio = np.column_stack([np.exp(eta + state @ beta[len(beta) - count :]) for state in states])
    since = np.column_stack([np.full(n, -np.inf), switched])
    until = np.column_stack([switched, np.full(n, np.inf)])
    return ratio, since, until


def _at(time: Array, cumulative: Array, when: Array) -> Array:
    """The step function just after each time."""
    steps = np.concatenate([[0.0], cumulative])
    return np.asarray(steps[np.searchsorted(time, when, side="right")])


def _interval_hazard(
    patients: Patients, terms: Sequence[TermSpec], intervals: int
) -> IntervalHazard:
    """A logistic model of starting in each interval, one intercept an interval."""
    edges = np.linspace(0.0, patients.grace, intervals + 1)
    exit_ = np.where(patients.started, patients.start, patients.time)
    own, x = [], _design(patients.frame, terms)
    for k in range(intervals):
        # Time zero itself belongs to the first interval.
        at_risk = exit_ > edges[k] if k else np.ones(len(exit_), dtype=bool)
        started = at_risk & patients.started & (patients.start <= edges[k + 1])
        if not started.any() or started.sum() == at_risk.sum():
            found = (
                f"in interval {k + 1} of {intervals} {int(started.sum())} of "
                f"{int(at_risk.sum())} patients start"
            )
            raise AnalysisError(Problem(WHERE, found, advice="Ask for fewer intervals, or cox."))
        own.append((at_risk, started))
    rows = [
        np.column_stack(
            [
                _one_hot(k, intervals, int(at_risk.sum())),
                x[at_risk],
                patients.switches[at_risk] <= edges[k],
            ]
        )
        for k, (at_risk, _) in enumerate(own)
    ]
    y = np.concatenate([started[at_risk] for at_risk, started in own])
    everywhere = [
        np.column_stack([_one_hot(k, intervals, len(exit_)), x, patients.switches <= edges[k]])
        for k in range(intervals)
    ]
    chances = _logistic(np.vstack(rows), y, "starting in an interval", everywhere)
    return IntervalHazard(edges, -np.log1p(-chances))


def _one_hot(place: int, size: int, n: int) -> Array:
    """Indicators of the intervals after the first, whose intercept is the model's."""
    made = np.zeros((n, size - 1))
    if place:
        made[:, place - 1] = 1.0
    return made


def _logistic(x: Array, y: Flags, what: str, others: Sequence[Array] | None = None) -> Array:
    """Fitted probabilities of a logistic model: of its own rows, or of others (n x K)."""
    import statsmodels.api as sm

    if not y.any() or y.all():
        found = f"{what}: {int(y.sum())} of {len(y)} patients"
        advice = "Choose another grace period, in which some start and some do not."
        raise AnalysisError(Problem(WHERE, found, advice=advice))
    full = np.column_stack([np.ones(len(x)), x])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # told by `converged` and by the probabilities
        found_fit = sm.GLM(y.astype(float), full, family=sm.families.Binomial()).fit(tol=1e-12)
    own = np.asarray(found_fit.fittedvalues)
    if not found_fit.converged or own.min() < CERTAIN or own.max() > 1 - CERTAIN:
        extreme = int(((own < CERTAIN) | (own > 1 - CERTAIN)).sum())
        found = (
            f"the logistic model of {what} separates: {extreme} of {len(own)} patients are "
            "certain to start or not to start, so the strategies do not overlap"
        )
        raise AnalysisError(Problem(WHERE, found, advice=NO_OVERLAP))
    if others is None:
        return own
    beta = np.asarray(found_fit.params)
    with np.errstate(over="ignore"):
        return np.column_stack([1 / (1 + np.exp(-(beta[0] + part @ beta[1:]))) for part in others])
