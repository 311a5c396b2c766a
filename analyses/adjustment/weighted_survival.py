"""Survival of groups made alike by weights: hazard ratios, curves, differences, and the balance.

Robins, Hernan and Brumback (2000), Epidemiology 11, 550-560; weighted curves by Xie and Liu (2005);
robust variance by Lin and Wei (1989), the weights as known, which overstates it for weights that
are estimated; or the bootstrap with the propensity refitted (Austin, 2016, Stat. Med. 35, 5642).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.adjustment.balance import balance
from analyses.adjustment.followed import (
    WEIGHT,
    Patients,
    columns_of_terms,
    group_counts,
    log_ratios,
    patients,
    ratios_of,
    without_group,
)
from analyses.adjustment.propensity import propensity
from analyses.adjustment.spreads import Numbers, Places, sample_covariance
from analyses.adjustment.weighted_curves import (
    Asked,
    Followed,
    asked_for,
    curve_numbers,
    curve_values,
    require_tau,
)
from analyses.adjustment.weights import TRUNCATED, Truncate, balancing_weights
from analyses.estimators.cox import cox
from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.resampling import (
    TOO_FEW,
    Resampling,
    cluster_codes,
    enough,
    lost_samples,
    required_seed,
)
from analyses.estimators.survival_data import By
from analyses.estimators.terms import TermSpec
from analyses.kernels.wald import wald
from analyses.results.adjusted import AdjustedRatio, Meaning
from analyses.results.balancing import BalancingWeights, Estimand
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from analyses.results.propensity import Propensity
from analyses.results.weighted import WeightedSurvival
from cohort.errors import AnalysisError, Problem

WHERE = "weighted comparison"


def weighted_survival(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    terms: Sequence[TermSpec],
    estimand: Estimand = "ate",
    target: str | None = None,
    truncate: Truncate = TRUNCATED,
    outcome_terms: Sequence[TermSpec] = (),
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
) -> WeightedSurvival:
    """How groups would differ had all of them the same patients, by weighting.

    Parameters
    ----------
    data, time, event, entry, by, reference
        As in `cox`, one row a patient; two or more groups, and which others are compared with.
    terms
        Of the propensity model: what acts on the group and on survival.
    estimand, target, truncate
        For whom, as in `balancing_weights`.
    outcome_terms
        Where given, a weighted Cox model with these besides (doubly robust, conditional on them).
    cluster
        Units whose patients are alike: the robust variance and the bootstrap go by them.
    times, tau
        Times of survival and its differences; end of the mean time. In the unit of `time`.
    resamples, seed, processes, progress
        Bootstrap samples with the propensity refitted; 0: robust, the weights as known.

    Rows without a value in any column are left out and counted; what is not defined is None with
    its reason. AnalysisError as `propensity`, `balancing_weights`, `cox`. Checked against R's
    ``coxph(weights, robust)``, ``svycoxph`` and sums of influences, and by simulation for each
    estimand: tests/analyses/test_weighted_survival.py, ``make coverage``.
    """
    weights = (estimand, target, truncate)
    asked = asked_for(times, tau, WHERE)
    who = _patients(data, (time, event, entry), by, reference, (terms, outcome_terms), cluster)
    plan = _Plan(who, tuple(terms), weights, tuple(outcome_terms), asked, conf_level)
    codes = cluster_codes(who.frame, cluster)
    result = _result(plan, *plan.weighed(who.frame), cluster, codes)
    if not resamples:
        return result
    sampling = Resampling(len(who.frame), codes, resamples, required_seed(seed, WHERE), WHERE)
    whole = _numbers(plan, result.weighting)
    logs = [r.estimate is not None for r in result.ratios if r.method != "unadjusted"]
    plan = replace(plan, defined=(np.array(logs), np.isfinite(whole.values)))
    samples = sampling.results(plan.sample, processes, progress)
    return _resampled(result, plan, whole, samples, resamples)


def _patients(
    data: Any,
    names: tuple[str, str, str | None],
    by: By,
    reference: str | None,
    terms: tuple[Sequence[TermSpec], Sequence[TermSpec]],
    cluster: str | None,
) -> Patients:
    """Complete rows; AnalysisError where the group is among the terms."""
    others = [name for some in terms for name in columns_of_terms(some)]
    others += [] if cluster is None else [cluster]
    who = patients(data, names=names, by=by, reference=reference, others=others, where=WHERE)
    for some in terms:
        without_group(some, who.by, WHERE)
    return who


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Everything that is done to the patients, and again to every sample of them.

    `defined` says which ratios and which numbers of curves all patients have, so that a sample
    must have them too.
    """

    who: Patients
    terms: tuple[TermSpec, ...]
    weights: tuple[Estimand, str | None, Truncate]
    outcome_terms: tuple[TermSpec, ...]
    asked: Asked
    conf_level: float
    defined: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None = None

    def weighed(self, frame: pd.DataFrame) -> tuple[Propensity, BalancingWeights]:
        """The propensity of these patients, and their weights."""
        estimand, target, truncate = self.weights
        model = propensity(frame, by=self.who.by, terms=self.terms, conf_level=self.conf_level)
        return model, balancing_weights(model, estimand=estimand, target=target, truncate=truncate)

    def sample(self, rows: Places) -> tuple[Array, Array]:
        """Log hazard ratios, and survival and means, of the patients at some places.

        AnalysisError where a group is absent, or a number that all patients have is not defined.
        """
        codes = self.who.groups.codes[rows]
        absent = np.bincount(codes, minlength=len(self.who.levels)) == 0
        if absent.any():
            raise AnalysisError(Problem(WHERE, "a group without a patient in the sample"))
        frame = self.who.frame.iloc[rows].reset_index(drop=True)
        _, weighting = self.weighed(frame)
        frame[WEIGHT] = weighting.values
        who = replace(self.who, frame=frame, groups=replace(self.who.groups, codes=codes))
        ratios = [log_ratios(frame, who, (), WEIGHT)]
        if self.outcome_terms:
            ratios.append(log_ratios(frame, who, self.outcome_terms, WEIGHT))
        logs = np.concatenate(ratios)
        values = curve_values(_followed(who, codes, weighting), who.levels, self.asked)
        for own, known in zip((logs, values), self.defined or (), strict=False):
            if not np.isfinite(own[known]).all():
                raise AnalysisError(Problem(WHERE, "a number that the sample does not define"))
        return logs, values


def _followed(who: Patients, codes: Places, weighting: BalancingWeights) -> Followed:
    assert weighting.values is not None
    return Followed(who.time, who.event, who.entry, codes, weighting.values)


def _numbers(plan: _Plan, weighting: BalancingWeights) -> Numbers:
    """Survival and means of all patients, without clusters."""
    who = plan.who
    return curve_numbers(_followed(who, who.groups.codes, weighting), who.levels, plan.asked, None)


def _result(
    plan: _Plan,
    model: Propensity,
    weighting: BalancingWeights,
    cluster: str | None,
    codes: Places | None,
) -> WeightedSurvival:
    """The comparison with robust variance."""
    who, asked, level = plan.who, plan.asked, plan.conf_level
    frame = who.frame.assign(**{WEIGHT: weighting.values})
    followed = _followed(who, who.groups.codes, weighting)
    require_tau(followed, who.levels, asked.tau, WHERE)
    numbers = curve_numbers(followed, who.levels, asked, codes)
    term = [who.group_term]
    crude = cox(frame, **who.followed, terms=term, cluster=cluster, conf_level=level)
    shared: dict[str, Any] = {
        "weights": WEIGHT,
        "cluster": cluster,
        "robust": True,
        "conf_level": level,
    }
    marginal = cox(frame, **who.followed, terms=[who.group_term], **shared)
    both = None
    if plan.outcome_terms:
        both = cox(frame, **who.followed, terms=[who.group_term, *plan.outcome_terms], **shared)
    curves = kaplan_meier(frame, **who.followed, by=who.by, weights=WEIGHT, conf_level=level)
    columns = described(frame, columns_of_terms(plan.terms))
    balanced = balance(frame, by=who.by, columns=columns, weights=WEIGHT)
    return WeightedSurvival(
        by=who.by,
        groups=who.levels,
        reference=who.reference,
        ratios=_ratios(who, weighting.population, crude, marginal, both),
        means=numbers.means(level),
        differences=numbers.differences(who.reference, level),
        curves=curves,
        model=marginal.without_rows(),
        doubly_robust=None if both is None else both.without_rows(),
        propensity=model,
        weighting=weighting,
        balance=balanced,
        variance="robust, weights as known",
        cluster=cluster,
        n_cluster=None if codes is None else int(codes.max()) + 1,
        resamples=0,
        n_samples=0,
        conf_level=level,
        n=len(frame),
        n_event=int(who.event.sum()),
        n_input=who.n_input,
        n_missing=who.n_missing,
        findings=(*model.findings, *weighting.findings, *curves.findings, *marginal.findings),
    )


def described(frame: pd.DataFrame, names: Sequence[str]) -> list[Any]:
    """Columns as a table of features takes them: text gets its levels in the order of words."""
    found: list[Any] = []
    for name in names:
        values = frame[name]
        plain = isinstance(values.dtype, pd.CategoricalDtype) or pd.api.types.is_numeric_dtype(
            values
        )
        levels = None if plain else sorted(map(str, values.unique()))
        found.append(name if levels is None else {"name": name, "levels": levels})
    return found


def _ratios(
    who: Patients, population: str, crude: CoxModel, marginal: CoxModel, both: CoxModel | None
) -> tuple[AdjustedRatio, ...]:
    counts = group_counts(who)
    found = [
        *ratios_of(crude, who.by, ("unadjusted", "marginal", "each group's own patients"), counts),
        *ratios_of(marginal, who.by, ("weighted", "marginal", population), counts),
    ]
    if both is not None:
        named: tuple[str, Meaning, str]
        named = ("weights and terms", "conditional", "patients alike in the terms")
        found += ratios_of(both, who.by, named, counts)
    return tuple(found)


def _resampled(
    result: WeightedSurvival,
    plan: _Plan,
    whole: Numbers,
    samples: list[tuple[Array, Array]],
    resamples: int,
) -> WeightedSurvival:
    """The same estimates with the samples' variance in the place of the robust one."""
    logs = np.array([ratios for ratios, _ in samples])
    curves = np.array([values for _, values in samples])
    used = len(samples)
    numbers = replace(whole, covariance=sample_covariance(curves, resamples))
    errors = np.full(logs.shape[1], np.nan)
    if enough(used, resamples):
        errors = logs.std(axis=0, ddof=1)
    why = "a group or level without patients or events, a time past a group's follow-up"
    others = [ratio for ratio in result.ratios if ratio.method != "unadjusted"]
    spread = [
        with_error(ratio, float(error), plan.conf_level)
        for ratio, error in zip(others, errors, strict=True)
    ]
    return replace(
        result,
        ratios=(*result.ratios[: len(result.ratios) - len(others)], *spread),
        means=numbers.means(plan.conf_level),
        differences=numbers.differences(result.reference, plan.conf_level),
        variance="bootstrap, propensity refitted",
        resamples=resamples,
        n_samples=used,
        findings=(*result.findings, *lost_samples(resamples, used, WHERE, why)),
    )


def with_error(ratio: AdjustedRatio, error: float, conf_level: float) -> AdjustedRatio:
    """The ratio with another standard error; as it was where it has no estimate."""
    if ratio.estimate is None:
        return ratio
    if not (np.isfinite(error) and error > 0):
        none: dict[str, Any] = {
            "std_error": None,
            "statistic": None,
            "p_value": None,
            "conf_low": None,
        }
        why = "the bootstrap samples do not differ" if np.isfinite(error) else TOO_FEW
        return replace(ratio, **none, conf_high=None, reason=why)
    test = wald(ratio.estimate, error, conf_level)
    return replace(
        ratio,
        std_error=error,
        statistic=test.statistic,
        p_value=test.p_value,
        conf_low=test.low,
        conf_high=test.high,
    )
