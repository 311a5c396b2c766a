"""Risks, means, differences and a hazard ratio of two strategies, with limits from samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from analyses.adjustment.naive_effect import Modelled, naive_effect, term_columns
from analyses.adjustment.strategy_bootstrap import Sampled, points_of
from analyses.adjustment.strategy_curves import Arm, Curves, Plan
from analyses.adjustment.treatment_start import SOURCE, Treated
from analyses.estimators.resampling import ENOUGH, TOO_FEW, enough, lost_samples
from analyses.kernels.wald import wald
from analyses.results.contrast import Contrast
from analyses.results.frozen import Array, frozen
from analyses.results.late_effect import LateEffect
from analyses.results.strategies import (
    NEVER,
    START,
    Estimate,
    Strategies,
    StrategyArm,
    WeightsSummary,
)
from cohort.table import Finding

NO_SAMPLES = "no bootstrap samples were asked for"
FLAT = "the curve is at 0 or 1 there, in the estimate or in the samples"
NO_SPREAD = "the samples do not differ"
LARGE = 20.0  # a weight above it lets one patient stand for so many
THIN = 0.25  # of the clones: below it their effective number is little


@dataclass(frozen=True, slots=True)
class Made:
    """How a comparison was made: its model and columns, covariates that switch on, its plan."""

    asked: Modelled
    start: str
    switching: tuple[str, ...]
    plan: Plan
    grace: float
    seed: int
    resamples: int


def strategies_of(
    rows: Treated,
    made: Made,
    curves: Curves,
    sampled: Sampled,
    findings: Sequence[Finding],
    *,
    naive: bool,
) -> Strategies:
    """The result of a cloned comparison and its samples."""
    plan, conf_level = made.plan, made.asked.conf_level
    treatment = made.asked.treatment
    n_used = len(sampled.log_hazard_ratio)
    if n_used and not enough(n_used, made.resamples):
        sampled = _undefined(sampled)
    why = "a level nobody of which starts, no event"
    lost = lost_samples(made.resamples, n_used, SOURCE, why)
    arms = [
        _strategy_arm(rows, name, g, (curves, sampled), plan, conf_level)
        for g, name in enumerate((START, NEVER))
    ]
    return Strategies(
        grace=made.grace,
        tau=plan.tau,
        treatment=treatment,
        start=made.start,
        terms=term_columns(made.asked.terms),
        time_varying=made.switching,
        model=plan.model,
        intervals=plan.intervals if plan.model == "pooled_logistic" else None,
        truncate=plan.truncate,
        arms=(arms[0], arms[1]),
        risk_differences=_risk_differences(rows, curves, sampled, plan, conf_level),
        mean_difference=_mean_difference(rows, curves, sampled, plan, conf_level),
        effect=_effect(treatment, rows, curves, sampled, conf_level),
        naive=naive_effect(rows, made.asked) if naive else None,
        resamples=made.resamples,
        n_samples=n_used,
        seed=made.seed,
        conf_level=conf_level,
        n=len(rows.time),
        n_event=int(rows.event.sum()),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=(*findings, *_weight_findings(arms, treatment), *lost),
    )


def _undefined(sampled: Sampled) -> Sampled:
    """Samples of which too few are left, their numbers taken away."""
    parts = (sampled.survival, sampled.points, sampled.means, sampled.log_hazard_ratio)
    return Sampled(*(np.full_like(part, np.nan) for part in parts))


def _strategy_arm(
    rows: Treated,
    name: str,
    g: int,
    found: tuple[Curves, Sampled],
    plan: Plan,
    conf_level: float,
) -> StrategyArm:
    curves, sampled = found
    arm = curves.arms[g]
    points = points_of(plan)
    drawn = curves.survival_at(points)[g]
    limits = [
        _risk(t, s, sampled.points[:, g, k], conf_level)
        for k, (t, s) in enumerate(zip(points, drawn, strict=True))
    ]
    # The figure shows survival, whose upper limit is the lower one of the risk.
    low = [np.nan if r.conf_high is None else 1 - r.conf_high for r in limits]
    high = [np.nan if r.conf_low is None else 1 - r.conf_low for r in limits]
    risks = tuple(
        _risk(t, s, sampled.survival[:, g, k], conf_level)
        for k, (t, s) in enumerate(zip(plan.times, curves.survival_at(plan.times)[g], strict=True))
    )
    mean = curves.means(plan.tau)[g]
    n = len(rows.time)
    n_event, n_deviated = int(arm.clone.event.sum()), int(arm.clone.deviated.sum())
    return StrategyArm(
        strategy=name,
        n=n,
        n_event=n_event,
        n_deviated=n_deviated,
        n_ended=n - n_event - n_deviated,
        weights=_summary(arm, plan),
        time=frozen(points),
        survival=frozen(drawn),
        conf_low=frozen(low),
        conf_high=frozen(high),
        risks=risks,
        mean=_plain(plan.tau, float(mean), sampled.means[:, g], conf_level),
    )


def _summary(arm: Arm, plan: Plan) -> WeightsSummary:
    own = arm.weights
    return WeightsSummary(
        n=len(own),
        effective=float(own.sum() ** 2 / (own**2).sum()),
        smallest=float(own.min()),
        mean=float(own.mean()),
        median=float(np.median(own)),
        largest=float(own.max()),
        cap=arm.cap if plan.truncate < 1 else None,
        n_capped=int((arm.uncapped > arm.cap).sum()),
        largest_before=float(arm.uncapped.max()),
    )


def _risk(time: float, survival: float, samples: Array, conf_level: float) -> Estimate:
    """1 - survival with limits on the complementary log-log scale."""
    if np.isnan(samples).any():
        return Estimate(float(time), 1 - float(survival), reason=TOO_FEW)
    inside = (samples > 0) & (samples < 1)
    spread, reason = _spread(np.log(-np.log(samples[inside])), len(samples))
    if len(samples) and (not 0 < survival < 1 or inside.mean() < ENOUGH):
        reason = FLAT
    if reason is not None:
        return Estimate(float(time), 1 - float(survival), reason=reason)
    reach = float(np.exp(ndtri((1 + conf_level) / 2) * spread))
    return Estimate(
        time=float(time),
        estimate=1 - float(survival),
        std_error=float((1 - samples).std(ddof=1)),
        conf_low=1 - float(survival ** (1 / reach)),
        conf_high=1 - float(survival**reach),
    )


def _spread(samples: Array, drawn: int) -> tuple[float, str | None]:
    """The standard deviation of the samples, or why there is none."""
    if not drawn:
        return 0.0, NO_SAMPLES
    if np.isnan(samples).any():
        return 0.0, TOO_FEW
    error = float(samples.std(ddof=1)) if len(samples) > 1 else 0.0
    return error, None if error > 0 else NO_SPREAD


def _plain(time: float, estimate: float, samples: Array, conf_level: float) -> Estimate:
    """A number with limits on its own scale."""
    error, reason = _spread(samples, len(samples))
    if reason is not None:
        return Estimate(time, estimate, reason=reason)
    test = wald(estimate, error, conf_level)
    return Estimate(time, estimate, error, test.low, test.high)


def _risk_differences(
    rows: Treated, curves: Curves, sampled: Sampled, plan: Plan, conf_level: float
) -> tuple[Contrast, ...]:
    survival = curves.survival_at(plan.times)
    made = []
    for k, time in enumerate(plan.times):
        n_event = int((rows.event & (rows.time <= time)).sum())
        samples = sampled.survival[:, 1, k] - sampled.survival[:, 0, k]
        estimate = float(survival[1, k] - survival[0, k])
        counts = (len(rows.time), n_event)
        made.append(_contrast("risk_difference", time, counts, estimate, samples, conf_level))
    return tuple(made)


def _mean_difference(
    rows: Treated, curves: Curves, sampled: Sampled, plan: Plan, conf_level: float
) -> Contrast:
    means = curves.means(plan.tau)
    n_event = int((rows.event & (rows.time <= plan.tau)).sum())
    samples = sampled.means[:, 0] - sampled.means[:, 1]
    estimate = float(means[0] - means[1])
    counts = (len(rows.time), n_event)
    return _contrast("rmst_difference", plan.tau, counts, estimate, samples, conf_level)


def _contrast(
    quantity: str,
    time: float,
    counts: tuple[int, int],
    estimate: float,
    samples: Array,
    conf_level: float,
) -> Contrast:
    error, reason = _spread(samples, len(samples))
    if reason is not None:
        return Contrast(quantity, START, NEVER, time, *counts, estimate=estimate, reason=reason)
    test = wald(estimate, error, conf_level)
    return Contrast(
        quantity,
        START,
        NEVER,
        time,
        *counts,
        estimate=estimate,
        std_error=error,
        statistic=test.statistic,
        p_value=test.p_value,
        conf_low=test.low,
        conf_high=test.high,
    )


def _effect(
    treatment: str, rows: Treated, curves: Curves, sampled: Sampled, conf_level: float
) -> LateEffect:
    n, n_event = len(rows.time), int(rows.event.sum())
    samples, estimate = sampled.log_hazard_ratio, curves.log_hazard_ratio
    error, reason = _spread(samples, len(samples))
    if reason is not None:
        return LateEffect("clone_censor_weight", treatment, n, n_event, estimate, reason=reason)
    test = wald(estimate, error, conf_level)
    return LateEffect(
        "clone_censor_weight",
        treatment,
        n,
        n_event,
        estimate,
        error,
        test.statistic,
        test.p_value,
        test.low,
        test.high,
    )


def _weight_findings(arms: Sequence[StrategyArm], treatment: str) -> tuple[Finding, ...]:
    """A warning where a few clones carry a strategy."""
    found = []
    for arm in arms:
        own = arm.weights
        if own.largest <= LARGE and own.effective >= THIN * own.n:
            continue
        advice = (
            f"Weights of '{arm.strategy}' reach {own.largest_before:.3g} (held at "
            f"{own.largest:.3g}); its {own.n} clones past the grace period count as "
            f"{own.effective:.0f}. Few patients stand for many: choose another grace period, or "
            "patients among whom the strategies overlap."
        )
        found.append(
            Finding("warning", SOURCE, treatment, arm.strategy, "large_weights", own.n, advice)
        )
    return tuple(found)
