"""Starting a treatment within a grace period against not starting it: clone, censor, weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from analyses.adjustment.censoring_weights import WHERE, Model
from analyses.adjustment.clones import Patients
from analyses.adjustment.naive_effect import Modelled, term_columns
from analyses.adjustment.strategy_bootstrap import drawn
from analyses.adjustment.strategy_curves import Plan, curves_of
from analyses.adjustment.strategy_numbers import Made, strategies_of
from analyses.adjustment.treatment_start import (
    SOURCE,
    Treated,
    UnknownStart,
    starts_of,
    treated_rows,
)
from analyses.estimators.processes import Progress
from analyses.estimators.survival_data import as_pandas, require_columns
from analyses.estimators.terms import TermSpec
from analyses.results.frozen import Array
from analyses.results.strategies import Strategies
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding


def clone_censor_weight(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str,
    start: str,
    grace: float,
    terms: Sequence[TermSpec],
    time_varying: Mapping[str, str] | None = None,
    times: Sequence[float] = (),
    tau: float | None = None,
    model: Model = "cox",
    intervals: int = 6,
    truncate: float = 0.99,
    resamples: int = 200,
    seed: int | None = None,
    processes: int = 1,
    progress: Progress | None = None,
    unknown_start: UnknownStart = "refuse",
    naive: bool = True,
    conf_level: float = 0.95,
) -> Strategies:
    """Risks under "start within the grace period" and "do not start within it".

    Each patient stands for both at time zero. A clone is censored when it deviates: one that
    must not start as it starts, one that must at the end of the grace period, if still untreated.
    Clones that stay are weighted for those censored like them.

    Parameters
    ----------
    data, time, event, treatment, start, unknown_start, naive, conf_level
        As in `landmark`; everybody is followed from time zero.
    grace, times, tau
        Length of the grace period, times of the risks, end of the restricted mean (where not
        given, from the data: a finding), in the unit of `time`.
    terms, time_varying
        Covariates that decide who starts: as in `cox`; and those that switch on, as name ->
        column of the time from which they are (missing: never).
    model, intervals, truncate
        Hazard of starting: ``cox``, or ``pooled_logistic`` on equal intervals of the grace
        period (who has started by its end is always a logistic model); the quantile of the
        weights past the grace period that larger ones are brought down to.
    resamples, seed, processes, progress
        Bootstrap of patients, all estimated anew (0: no limits); limits are normal, those of
        risks on the complementary log-log scale.

    Maringe et al. (2020). AnalysisError where strategies do not overlap. Checked against loops
    over clones in R and by hand: tests/analyses/test_clone_censor_weight.py.
    """
    _require(grace, model, intervals, truncate, resamples, seed, terms, conf_level)
    asked = Modelled((time, event, None), treatment, tuple(terms), (), conf_level)
    switching = dict(time_varying or {})
    rows, patients = _patients(data, asked, start, float(grace), switching, unknown_start)
    end, noted = _tau(patients, tau, times, time)
    plan = Plan(tuple(terms), model, intervals, truncate, tuple(map(float, times)), end)
    found = curves_of(patients, plan)
    made = Made(asked, start, tuple(switching), plan, float(grace), int(seed or 0), resamples)
    sampled = drawn(patients, plan, made.seed, resamples, processes, progress)
    return strategies_of(rows, made, found, sampled, (*rows.findings, *noted), naive=naive)


def _patients(
    data: Any,
    asked: Modelled,
    start: str,
    grace: float,
    switching: Mapping[str, str],
    unknown_start: UnknownStart,
) -> tuple[Treated, Patients]:
    """The complete rows, and the same as patients of a cloned comparison."""
    time, event, _ = asked.columns
    names = term_columns(asked.terms)
    rows = treated_rows(
        data, time=time, event=event, treatment=asked.treatment, start=start, others=names,
        unknown_start=unknown_start,
    )  # fmt: skip
    _require_grace(rows, grace)
    switches = _switches(data, rows, list(switching.values()))
    shown = rows.frame[list(names)]
    followed = (rows.time, rows.event, rows.start)
    return rows, Patients(shown, *followed, switches, grace, tuple(switching))


def _require(
    grace: float,
    model: str,
    intervals: int,
    truncate: float,
    resamples: int,
    seed: int | None,
    terms: Sequence[TermSpec],
    conf_level: float,
) -> None:
    """AnalysisError listing every choice that makes no sense."""
    said = [
        ("grace", not (np.isfinite(grace) and grace > 0), grace, "A finite time above 0."),
        ("model", model not in get_args(Model), model, f"Allowed: {listed(get_args(Model))}"),
        ("intervals", intervals < 1, intervals, "A whole number from 1."),
        ("truncate", not 0.5 < truncate <= 1, truncate, "Above 0.5, at most 1 (no truncation)."),
        ("resamples", resamples < 0 or resamples == 1, resamples, "0 (no limits), or from 2."),
        ("conf_level", not 0 < conf_level < 1, conf_level, "Between 0 and 1."),
        ("seed", seed is None, "none", "A whole number, so that the numbers can be had again."),
        ("terms", not terms, "none", "What decides who starts; without, weights are all alike."),
    ]
    problems = [
        Problem(f"{WHERE}: {name}", f"{value}", allowed)
        for name, wrong, value, allowed in said
        if wrong
    ]
    if problems:
        raise AnalysisError(problems)


def _require_grace(rows: Treated, grace: float) -> None:
    if (rows.time > grace).any():
        return
    found = f"nobody is followed past the grace period, which ends at {grace:g}"
    last = f"The last time is {float(rows.time.max()):.12g}."
    raise AnalysisError(Problem(WHERE, found, last, "Choose a shorter grace period."))


def _switches(data: Any, rows: Treated, columns: Sequence[str]) -> Array:
    """The times from which time-varying covariates are on (n x k); on by time zero: always."""
    made = np.full((len(rows.time), len(columns)), np.inf)
    if not columns:
        return made
    frame = as_pandas(data).reset_index(drop=True)
    require_columns(frame, columns)
    for j, name in enumerate(columns):
        values = starts_of(frame.loc[rows.labels, name], name)
        made[:, j] = np.where(np.isnan(values), np.inf, np.where(values <= 0, -1.0, values))
    return made


def _tau(
    patients: Patients, tau: float | None, times: Sequence[float], column: str
) -> tuple[float, tuple[Finding, ...]]:
    """The end of the restricted mean; AnalysisError for times that no strategy is followed to."""
    arms = (patients.starting(), patients.never_starting())
    last = min(float(arm.exit.max()) for arm in arms)
    asked = [*times, *([] if tau is None else [tau])]
    if not all(np.isfinite(value) and 0 < value <= last for value in asked):
        found = f"times {', '.join(f'{value:g}' for value in asked)}"
        allowed = f"Above 0 and at most {last:.12g}, the last time of both strategies."
        raise AnalysisError(Problem(f"{WHERE}: times, tau", found, allowed))
    if tau is not None:
        return float(tau), ()
    advice = (
        f"Tau was taken from the data: {last:g}, the smaller of the strategies' last times. State "
        "tau beforehand."
    )
    n = len(patients.time)
    return last, (Finding("warning", SOURCE, column, f"{last:g}", "tau_from_data", n, advice),)
