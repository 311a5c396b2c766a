"""Bootstrap samples of the patients of a cloned comparison, everything estimated anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from analyses.adjustment.censoring_weights import WHERE
from analyses.adjustment.clones import Patients
from analyses.adjustment.strategy_curves import Curves, Plan, curves_of
from analyses.estimators.processes import Progress
from analyses.estimators.resampling import Places, Resampling
from analyses.results.frozen import Array

POINTS = 101  # of the curves in a figure


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What each usable sample gave: survival at times and at points, means, log hazard ratios.

    `survival` and `points` are (samples x 2 x times), `means` (samples x 2).
    """

    survival: Array
    points: Array
    means: Array
    log_hazard_ratio: Array


def points_of(plan: Plan) -> Array:
    """The times at which a figure's curves have limits."""
    return np.linspace(0.0, plan.tau, POINTS)


def drawn(
    patients: Patients,
    plan: Plan,
    seed: int,
    resamples: int,
    processes: int,
    progress: Progress | None,
) -> Sampled:
    """The samples that have an estimate; AnalysisError where fewer than half have one."""
    if not resamples:
        times = len(plan.times)
        return Sampled(
            np.empty((0, 2, times)), np.empty((0, 2, POINTS)), np.empty((0, 2)), np.empty(0)
        )
    drawing = Resampling(len(patients.time), None, resamples, seed, WHERE)
    found = drawing.results(partial(_sample, patients, plan), processes, progress)
    return Sampled(*(np.array(part) for part in zip(*found, strict=True)))


def _sample(patients: Patients, plan: Plan, rows: Places) -> tuple[Array, Array, Array, float]:
    """One sample's numbers; AnalysisError where it has none (nobody of a level starts)."""
    return _numbers(curves_of(patients.some(rows), plan), plan)


def _numbers(curves: Curves, plan: Plan) -> tuple[Array, Array, Array, float]:
    return (
        curves.survival_at(plan.times),
        curves.survival_at(points_of(plan)),
        curves.means(plan.tau),
        curves.log_hazard_ratio,
    )
