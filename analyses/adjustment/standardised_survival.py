"""Standardised survival curves: one population, each group in turn, by model or by weights.

Robins (1986) for the g-formula; Makuch (1982), J. Chronic Dis. 35, 437-443, for its use with a Cox
model; weighted curves by Xie and Liu (2005), Stat. Med. 24, 3089-3110.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from analyses.adjustment import g_formula
from analyses.adjustment.followed import (
    Patients,
    columns_of_terms,
    group_counts,
    patients,
    ratios_of,
    without_group,
)
from analyses.adjustment.spreads import Numbers, Places, sample_covariance
from analyses.adjustment.weighted_curves import Asked, asked_for
from analyses.adjustment.weighted_survival import weighted_survival
from analyses.estimators.cox import cox
from analyses.estimators.cox_asked import Asked as CoxAsked
from analyses.estimators.cox_asked import asking
from analyses.estimators.resampling import (
    Resampling,
    cluster_codes,
    lost_samples,
    required_seed,
)
from analyses.estimators.survival_data import By
from analyses.estimators.terms import Declared, TermSpec, declared
from analyses.kernels.intervals import survival_limits
from analyses.results.adjusted import Meaning
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array, frozen
from analyses.results.standardised_curves import Method, StandardisedCurve, StandardisedCurves
from analyses.results.weighted import WeightedSurvival
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

WHERE = g_formula.WHERE
NOT_PROPORTIONAL = 0.05
BAND = 40  # times at which the limits of a curve are computed for its figure


def standardised_survival(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    terms: Sequence[TermSpec],
    method: Method = "g-formula",
    target: str | None = None,
    strata: str | Sequence[str] | None = None,
    reference: str | None = None,
    entry: str | None = None,
    cluster: str | None = None,
    times: Sequence[float] = (),
    tau: float | None = None,
    resamples: int = 0,
    seed: int | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    conf_level: float = 0.95,
) -> StandardisedCurves:
    """The survival that one population would have in each of the groups.

    Parameters
    ----------
    data, time, event, entry, by, reference, cluster, times, tau
        As in `weighted_survival`.
    terms
        Of the Cox model besides the group, interactions with it among them; of the propensity.
    method, target
        ``g-formula`` or ``weighting``; over the patients of this group (all where not given).
    strata
        Strata of the Cox model; each patient keeps that of their own.
    resamples, seed, processes, progress
        Bootstrap samples with everything done again; 0: delta method by each patient's influence,
        which is exact to first order and counts the sampling of the population.

    Rows without a value in any column are left out and counted. Differences are marginal; the
    model's hazard ratios are conditional, and labelled so. AnalysisError as `cox` and
    `weighted_survival`, for a coefficient without an estimate, a time past follow-up. Checked
    against R: ``coxph`` refitted with each patient's weight changed, predictions averaged
    (tests/analyses/test_standardised_survival.py).
    """
    _require_method(method, strata)
    asked, names = asked_for(times, tau, WHERE), (time, event, entry)
    if method == "weighting":
        weighted = weighted_survival(
            data, time=time, event=event, by=by, terms=terms,
            estimand="ate" if target is None else "att", target=target, reference=reference,
            entry=entry, cluster=cluster, times=times, tau=tau, resamples=resamples, seed=seed,
            processes=processes, progress=progress, conf_level=conf_level,
        )  # fmt: skip
        return _of_weights(weighted, terms)
    plan = _plan(data, names, by, terms, target, strata, reference, cluster, asked, conf_level)
    result, numbers, sampling = _modelled(plan, cluster, resamples, seed)
    if sampling is None:
        return result
    samples = sampling.results(plan.sample, processes, progress)
    return _resampled(result, numbers, samples, resamples)


def _modelled(
    plan: _Plan, cluster: str | None, resamples: int, seed: int | None
) -> tuple[StandardisedCurves, Numbers, Resampling | None]:
    """Curves by the g-formula with the delta method, and whose samples are to be drawn."""
    n, codes = len(plan.who.frame), cluster_codes(plan.who.frame, cluster)
    sampling = None
    if resamples:
        sampling = Resampling(n, codes, resamples, required_seed(seed, WHERE), WHERE)
    model = plan.fitted(plan.who)
    _require_within(plan.asked, model.last)
    numbers = g_formula.numbers_of(model, plan.who, plan.asked, codes)
    return _result(plan, model, numbers, cluster, codes), numbers, sampling


def _resampled(
    result: StandardisedCurves, numbers: Numbers, samples: list[Array], resamples: int
) -> StandardisedCurves:
    """The same estimates with the samples' variance in the place of the delta method's."""
    spread = replace(numbers, covariance=sample_covariance(np.array(samples), resamples))
    why = "a group or level without patients or events, a time past the follow-up of the sample"
    return replace(
        result,
        means=spread.means(result.conf_level),
        differences=spread.differences(result.reference, result.conf_level),
        variance="bootstrap",
        resamples=resamples,
        n_samples=len(samples),
        findings=(*result.findings, *lost_samples(resamples, len(samples), WHERE, why)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Everything that is done to the patients, and again to every sample of them."""

    who: Patients
    specs: tuple[TermSpec, ...]
    terms: tuple[Declared, ...]
    model: CoxAsked
    target: str | None
    asked: Asked

    def fitted(self, who: Patients) -> g_formula.Fitted:
        """The model of these patients, each set to every group."""
        return g_formula.fitted(who, self.terms, self.model, self.target)

    def sample(self, rows: Places) -> Array:
        """Survival and means of the patients at some places."""
        frame = self.who.frame.iloc[rows].reset_index(drop=True)
        groups = replace(self.who.groups, codes=self.who.groups.codes[rows])
        found = g_formula.values_of(
            self.fitted(replace(self.who, frame=frame, groups=groups)), self.asked
        )
        if not np.isfinite(found).all():
            raise AnalysisError(Problem(WHERE, "a time past the follow-up of the sample"))
        return found


def _plan(
    data: Any,
    names: tuple[str, str, str | None],
    by: By,
    terms: Sequence[TermSpec],
    target: str | None,
    strata: str | Sequence[str] | None,
    reference: str | None,
    cluster: str | None,
    asked: Asked,
    conf_level: float,
) -> _Plan:
    """The patients and the model, every problem of the arguments told before any number."""
    simple = [term for term in terms if isinstance(term, str) or "interaction" not in term]
    crossed = [term for term in terms if not (isinstance(term, str) or "interaction" not in term)]
    name = by if isinstance(by, str) else str(by["name"])
    if simple:
        without_group(simple, name, WHERE)
    layers = (strata,) if isinstance(strata, str) else tuple(strata or ())
    others = [*columns_of_terms(simple), *layers, *([] if cluster is None else [cluster])]
    who = patients(data, names=names, by=by, reference=reference, others=others, where=WHERE)
    if target is not None and target not in who.levels:
        allowed = f"Groups: {listed(who.levels)}"
        found = f"'{target}' is not a group with a complete row"
        advice = suggest(str(target), who.levels)
        raise AnalysisError(Problem(f"{WHERE}: target", found, allowed, advice))
    specs = (who.group_term, *simple, *crossed)
    wanted = declared(specs)
    over_time = [term.name for term in wanted if term.is_over_time]
    if over_time:
        found = f"{listed(over_time)} varies over time"
        advice = "Leave `time_varying` out, or stratify by the column."
        raise AnalysisError(Problem(f"{WHERE}: terms", found, advice=advice))
    model = asking(*names, layers, None, cluster, None, None, "efron", conf_level)
    return _Plan(who, specs, wanted, model, target, asked)


def _result(
    plan: _Plan,
    model: g_formula.Fitted,
    numbers: Numbers,
    cluster: str | None,
    codes: Places | None,
) -> StandardisedCurves:
    who, level = plan.who, plan.model.conf_level
    whole = cox(
        who.frame,
        **who.followed,
        terms=list(plan.specs),
        strata=list(plan.model.strata) or None,
        cluster=cluster,
        conf_level=level,
    )
    shown = whole.without_rows()
    counts = group_counts(who)
    simple = not any(who.by in term.parts for term in plan.terms)
    named: tuple[str, Meaning, str] = ("terms", "conditional", "patients alike in the terms")
    return StandardisedCurves(
        by=who.by,
        groups=who.levels,
        reference=who.reference,
        method="g-formula",
        target=plan.target,
        population="all patients" if plan.target is None else f"patients of {plan.target}",
        n_population=int(model.member.sum()),
        variance="delta method",
        curves=_curves(plan, model, counts, codes),
        means=numbers.means(level),
        differences=numbers.differences(who.reference, level),
        ratios=ratios_of(shown, who.by, named, counts) if simple else (),
        model=shown,
        terms=tuple(term.name for term in plan.terms[1:]),
        cluster=cluster,
        n_cluster=None if codes is None else int(codes.max()) + 1,
        resamples=0,
        n_samples=0,
        conf_level=level,
        n=len(who.frame),
        n_event=int(who.event.sum()),
        n_input=who.n_input,
        n_missing=who.n_missing,
        findings=(*shown.findings, *_not_proportional(whole, who), *_extrapolated(plan)),
    )


def _curves(
    plan: _Plan,
    model: g_formula.Fitted,
    counts: dict[str, tuple[int, int]],
    codes: Places | None,
) -> tuple[StandardisedCurve, ...]:
    """Every group's curve at all event times, with limits at some of them."""
    who, level = plan.who, plan.model.conf_level
    times = np.unique(model.grid.time)
    times = times[times <= model.last]
    places = np.unique(np.linspace(0, len(times) - 1, min(BAND, len(times))).astype(np.intp))
    at = Asked(tuple(float(t) for t in times[places]), None)
    numbers = g_formula.numbers_of(model, who, at, codes)
    found = []
    for g, group in enumerate(who.levels):
        errors = np.sqrt(numbers.covariance[:, g, g])
        limits = survival_limits(numbers.values[g], errors, level, "log-log")
        curve = g_formula.curve_of(model, g, times)
        found.append(
            StandardisedCurve(
                group,
                *counts[group],
                frozen(times),
                frozen(curve),
                frozen(times[places]),
                frozen(limits[0]),
                frozen(limits[1]),
            )
        )
    return tuple(found)


def _not_proportional(model: CoxModel, who: Patients) -> tuple[Finding, ...]:
    """A warning where the groups' hazards are not proportional: the curves assume that they are."""
    test = next((t for t in model.proportionality().tests if t.term == who.by), None)
    if test is None or test.p_value is None or test.p_value >= NOT_PROPORTIONAL:
        return ()
    advice = (
        f"The hazards of the groups are not proportional (p {test.p_value:.2g}), which curves by "
        "the g-formula assume: standardise by weighting, which does not, and compare the two."
    )
    return (Finding("warning", WHERE, who.by, "", "not_proportional", len(who.frame), advice),)


def _extrapolated(plan: _Plan) -> tuple[Finding, ...]:
    """A warning where a group's curve is asked for past its own follow-up: the model draws it."""
    who, found = plan.who, []
    wanted = [*plan.asked.times, *([] if plan.asked.tau is None else [plan.asked.tau])]
    for g, group in enumerate(who.levels):
        own = who.time[who.groups.codes == g]
        last = float(own.max())
        if any(t > last for t in wanted):
            advice = (
                f"Nobody of {group} is followed past {last:g}: beyond it the curve is that of the "
                "model, from the other groups' hazards. Ask for an earlier time."
            )
            rule = "extrapolated_curve"
            found.append(Finding("warning", WHERE, who.by, group, rule, len(own), advice))
    return tuple(found)


def _require_method(method: str, strata: str | Sequence[str] | None) -> None:
    known = get_args(Method)
    if method not in known:
        allowed = f"Allowed: {listed(known)}"
        advice = suggest(str(method), known)
        raise AnalysisError(Problem(f"{WHERE}: method", f"'{method}'", allowed, advice))
    if method == "weighting" and strata:
        found = "together with method 'weighting', which has no model of survival"
        raise AnalysisError(Problem(f"{WHERE}: strata", found, advice="Put them among the terms."))


def _require_within(asked: Asked, last: float) -> None:
    """AnalysisError for a time or tau past the follow-up that the model rests on."""
    late = [t for _, t in asked.names if t > last]
    if late:
        raise AnalysisError(
            Problem(
                f"{WHERE}: time",
                f"{t:g} lies past the last follow-up",
                f"At most {last:.12g}.",
                "Give an earlier one.",
            )
            for t in dict.fromkeys(late)
        )


def _of_weights(result: WeightedSurvival, terms: Sequence[TermSpec]) -> StandardisedCurves:
    """The weighted curves in the same shape."""
    curves = tuple(
        StandardisedCurve(
            c.group, c.n, c.n_event, c.time, c.survival, c.time, c.conf_low, c.conf_high
        )
        for c in result.curves.curves
    )
    target = result.weighting.target
    sizes = dict(zip(result.propensity.groups, result.propensity.n, strict=True))
    return StandardisedCurves(
        by=result.by,
        groups=result.groups,
        reference=result.reference,
        method="weighting",
        target=target,
        population=result.population,
        n_population=result.n if target is None else sizes[target],
        variance=result.variance,
        curves=curves,
        means=result.means,
        differences=result.differences,
        ratios=tuple(ratio for ratio in result.ratios if ratio.method == "weighted"),
        model=None,
        terms=tuple(columns_of_terms(terms)),
        cluster=result.cluster,
        n_cluster=result.n_cluster,
        resamples=result.resamples,
        n_samples=result.n_samples,
        conf_level=result.conf_level,
        n=result.n,
        n_event=result.n_event,
        n_input=result.n_input,
        n_missing=result.n_missing,
        findings=result.findings,
    )
