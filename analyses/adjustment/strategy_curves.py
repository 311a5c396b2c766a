"""Weighted curves of cloned strategies, and what is read off them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyses.adjustment.censoring_weights import (
    WHERE,
    Hazard,
    Model,
    chance_of_having_started,
    hazard_of_starting,
)
from analyses.adjustment.clones import Clone, Patients
from analyses.adjustment.treatment_start import Flags
from analyses.estimators.cox_asked import asking
from analyses.estimators.cox_fit import fit
from analyses.estimators.cox_prepared import prepared
from analyses.estimators.terms import TermSpec, declared
from analyses.kernels.restricted_mean import restricted_mean
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem


@dataclass(frozen=True, slots=True)
class Plan:
    """How the weights are made and what is looked at."""

    terms: tuple[TermSpec, ...]
    model: Model
    intervals: int
    truncate: float
    times: tuple[float, ...]
    tau: float


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One strategy's clones, what they weigh, and their weighted curve at the event times.

    Attributes
    ----------
    past
        Clones followed past the grace period under their strategy.
    weights, uncapped
        What those clones weigh from then on, and would without truncation.
    cap
        The largest weight that was let stand, during the grace period too.
    at_risk, events
        Sums of weights at each event time.
    survival
        Just after each event time.
    """

    clone: Clone
    past: Flags
    weights: Array
    uncapped: Array
    cap: float
    at_risk: Array
    events: Array
    survival: Array


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Both strategies on the grid of the event times that either has."""

    time: Array
    arms: tuple[Arm, Arm]
    log_hazard_ratio: float

    def survival_at(self, times: Sequence[float] | Array) -> Array:
        """Survival of both arms (2 x T) just after each time; past the last event as there."""
        place = np.searchsorted(self.time, np.asarray(times, dtype=float), side="right")
        return np.array([np.concatenate([[1.0], arm.survival])[place] for arm in self.arms])

    def means(self, tau: float) -> Array:
        """Restricted mean of both arms up to tau."""
        both = np.array([arm.survival for arm in self.arms])
        return restricted_mean(self.time, both, tau)


def curves_of(patients: Patients, plan: Plan) -> Curves:
    """The weighted curves of both strategies, all of it estimated from these patients.

    Raises AnalysisError where the weights cannot be had, or a strategy has no event.
    """
    starting, never = patients.starting(), patients.never_starting()
    grid = np.unique(patients.time[starting.event | never.event])
    past = patients.past_grace
    treated = past & ~starting.deviated
    untreated = past & ~never.deviated
    chance = chance_of_having_started(patients, plan.terms)
    hazard = hazard_of_starting(patients, plan.terms, plan.model, plan.intervals)
    late = 1.0 / chance[treated]
    # Deaths come before starts of the same day, so that the last day of grace counts whole.
    kept = np.exp(hazard.before(np.nextafter(patients.grace, np.inf)))[untreated]
    arms = (
        _arm(patients, starting, treated, late, plan.truncate, grid, None),
        _arm(patients, never, untreated, kept, plan.truncate, grid, hazard),
    )
    return Curves(grid, arms, _log_hazard_ratio(arms))


def _arm(
    patients: Patients,
    clone: Clone,
    past: Flags,
    uncapped: Array,
    truncate: float,
    grid: Array,
    hazard: Hazard | None,
) -> Arm:
    """The weighted curve of one strategy; without a hazard weights are 1 up to the grace."""
    if not past.any():
        found = "nobody follows a strategy past the grace period"
        raise AnalysisError(Problem(WHERE, found, advice="Choose a shorter grace period."))
    cap = float(np.quantile(uncapped, truncate)) if truncate < 1 else float(uncapped.max())
    weights = np.minimum(uncapped, cap)
    at_risk, events = np.zeros(len(grid)), np.zeros(len(grid))
    early = int(np.searchsorted(grid, patients.grace, side="right"))
    _late_sums(clone, past, weights, grid, early, at_risk, events)
    if hazard is None:
        _sums(clone, np.ones(len(clone.exit)), grid[:early], at_risk[:early], events[:early])
    else:
        _early_sums(clone, hazard, cap, grid[:early], at_risk, events)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(events > 0, events / at_risk, 0.0)
    # What rounding leaves of a risk set that empties is no survival.
    survival = np.cumprod(np.where(step > 1 - 1e-12, 0.0, 1 - step), dtype=np.float64)
    return Arm(clone, past, weights, uncapped, cap, at_risk, events, survival)


def _sums(clone: Clone, weights: Array, grid: Array, at_risk: Array, events: Array) -> None:
    """Sums of constant weights over those with exit >= t, and over events at t."""
    place = np.searchsorted(grid, clone.exit, side="right")
    leaving = np.bincount(place, weights, minlength=len(grid) + 1)
    at_risk[:] = np.cumsum(leaving[::-1])[::-1][1:]
    own = clone.event & (place > 0)
    own &= grid[np.maximum(place - 1, 0)] == clone.exit if len(grid) else False
    events[:] = np.bincount(place[own] - 1, weights[own], minlength=len(grid))


def _late_sums(
    clone: Clone,
    past: Flags,
    weights: Array,
    grid: Array,
    early: int,
    at_risk: Array,
    events: Array,
) -> None:
    """After the grace period: those still there, with the weights that they keep."""
    some = Clone(clone.exit[past], clone.event[past], clone.deviated[past])
    _sums(some, weights, grid[early:], at_risk[early:], events[early:])


def _early_sums(
    clone: Clone, hazard: Hazard, cap: float, grid: Array, at_risk: Array, events: Array
) -> None:
    """Within the grace period: weights grow with the hazard of starting that was survived."""
    order = np.argsort(-clone.exit, kind="stable")
    leaving, event, own = -clone.exit[order], clone.event[order], hazard.ordered(order)
    for k, time in enumerate(grid):
        before = int(np.searchsorted(leaving, -time, side="left"))
        there = int(np.searchsorted(leaving, -time, side="right"))
        weights = np.minimum(np.exp(own.before(float(time), there)), cap)
        at_risk[k] = weights.sum()
        events[k] = weights[before:][event[before:there]].sum()


def _log_hazard_ratio(arms: tuple[Arm, Arm]) -> float:
    """Of starting against never starting: a weighted Cox model with Breslow's ties.

    With one column, and ties by Breslow, the rows at an event time are known by their sums: one
    row of each arm for those without the event and one for those with it.
    """
    rows = []
    for group, arm in zip((1.0, 0.0), arms, strict=True):
        k = np.arange(len(arm.events), dtype=float)
        for weight, event in ((arm.at_risk - arm.events, False), (arm.events, True)):
            rows.append(
                pd.DataFrame(
                    {"from": k, "until": k + 1, "event": event, "start": group, "weight": weight}
                )
            )
    frame = pd.concat(rows, ignore_index=True)
    frame = frame[frame["weight"] > 1e-12 * frame["weight"].max()]
    asked = asking("until", "event", "from", None, "weight", None, None, None, "breslow", 0.95)
    fitted = fit(prepared(frame, declared(["start"]), asked).rows)
    if not fitted.reported[0]:
        found = "a strategy has no event: its hazard has no ratio to the other's"
        raise AnalysisError(Problem(WHERE, found, advice="Follow up longer."))
    return float(fitted.beta[0])
