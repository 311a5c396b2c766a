"""The effect of a treatment within each group: hazard ratios, interaction, absolute differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from analyses.estimators.clustered_differences import clustered_covariances, with_error
from analyses.estimators.cox_prepared import whole_numbers
from analyses.estimators.interaction_test import ProductModel, product_model
from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.strata import Strata, strata_names
from analyses.estimators.subgroup_factors import AskedFactor, FactorCodes
from analyses.estimators.subgroup_rows import Options, SubgroupRows, subgroup_rows
from analyses.estimators.subgroups import LEAST_EVENTS, compared_within
from analyses.estimators.survival_data import By, as_pandas
from analyses.estimators.terms import TermSpec
from analyses.estimators.time_zero import require_known_at_time_zero
from analyses.kernels.newton import solved
from analyses.results.contrast import Contrast
from analyses.results.failure import Failure
from analyses.results.frozen import Array
from analyses.results.subgroups import Subgroups
from analyses.results.treatment_by_group import (
    AbsoluteEffect,
    AbsoluteTest,
    EffectRatio,
    Estimand,
    TreatmentByGroup,
)
from cohort.errors import AnalysisError, Problem, listed, suggest


def treatment_effect(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: By,
    by: By,
    terms: Sequence[TermSpec] = (),
    at: Sequence[float] = (),
    start: str | None = None,
    reference: str | None = None,
    entry: str | None = None,
    strata: Strata | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    ties: str = "efron",
    least_events: int = LEAST_EVENTS,
    conf_level: float = 0.95,
) -> TreatmentByGroup:
    """What a treatment does in each group: hazard ratio, interaction, difference in survival.

    Parameters
    ----------
    data, time, event, entry, terms, strata, weights, cluster, ties, conf_level
        As in `cox`; with weights that are not counts (of a propensity) effects are marginal.
    treatment
        Two levels, the first compared with: boolean, ordered, or ``{"name", "levels"}``.
    by, reference
        The groups, and the one whose hazard ratio the others' are divided by (else the first).
    at
        Times of the absolute differences, by Kaplan-Meier in each arm of each group.
    start
        When the treatment began, from time zero in the unit of `time`. One that began later in
        anybody is refused: until then the treated could not have the event.
    least_events
        As in `subgroups`.

    Returns
    -------
    TreatmentByGroup
        Rows without a value are left out and counted. What does not exist has its reason.

    Raises
    ------
    AnalysisError
        As `subgroups`; a treatment of other than two levels, or one that starts late.

    Notes
    -----
    Checked against ``coxph``, ``anova`` and ``survfit`` in R, and by hand:
    tests/analyses/test_treatment_by_group.py.
    """
    frame = as_pandas(data)
    if start is not None:
        require_known_at_time_zero(frame, treatment, start, time)
    options = Options(time, event, entry, strata_names(strata), weights, cluster, ties, conf_level)
    rows = subgroup_rows(frame, options, treatment, None, terms, [_factor(by)])
    return _of_rows(rows, options, reference, at, least_events)


def _of_rows(
    rows: SubgroupRows,
    options: Options,
    reference: str | None,
    at: Sequence[float],
    least_events: int,
) -> TreatmentByGroup:
    """The effect in rows that are ready.

    Each group has a model of its own; ratios of hazard ratios come from one with the product.
    """
    if len(rows.groups) != 2:
        found = f"{len(rows.groups)} levels: {listed(rows.groups)}"
        advice = "Compare two of them: select the patients, or merge levels."
        raise AnalysisError(Problem(f"treatment '{rows.by}'", found, "Two levels", advice))
    factor = rows.factors[0]
    base = _reference(factor, reference)
    within = compared_within(rows, options, "none", least_events)
    absolute = _absolute(rows, factor, options, at)
    together: Mapping[float, Array] = {}
    if options.cluster is not None and absolute:
        together = dict(zip(at, clustered_covariances(rows, factor, options, at), strict=True))
        absolute = _clustered(absolute, factor, together, options.conf_level)
    return TreatmentByGroup(
        within=within,
        treatment=rows.by,
        treated=rows.groups[1],
        untreated=rows.groups[0],
        by=factor.name,
        groups=factor.levels,
        reference=factor.levels[base],
        ratios=_ratios(product_model(rows, factor, options), factor, base, within),
        absolute=absolute,
        absolute_tests=tuple(_alike(absolute, float(t), together.get(t)) for t in at),
        estimand=_estimand(rows, options),
        variance=_variance(rows, options),
        is_weighted=_is_weighted(rows, options),
        findings=within.findings,
        failures=(*within.failures, *(_missing(e) for e in absolute if e.difference.reason)),
    )


def _factor(by: By) -> AskedFactor:
    """The groups as the factor that makes the subgroups."""
    if isinstance(by, Mapping):
        return AskedFactor(str(by["name"]), tuple(map(str, by["levels"])))
    return AskedFactor(by)


def _reference(factor: FactorCodes, reference: str | None) -> int:
    if reference is None:
        return 0
    if str(reference) not in factor.levels:
        raise AnalysisError(
            Problem(
                f"treatment by '{factor.name}'",
                f"reference '{reference}' is not a group with a complete row",
                f"Groups: {listed(factor.levels)}",
                suggest(str(reference), factor.levels),
            )
        )
    return factor.levels.index(str(reference))


def _is_weighted(rows: SubgroupRows, options: Options) -> bool:
    """Whether there are weights that are not counts of patients."""
    if options.weights is None:
        return False
    return not whole_numbers(rows.frame[options.weights].to_numpy(dtype=float))


def _estimand(rows: SubgroupRows, options: Options) -> Estimand:
    if _is_weighted(rows, options):
        return "conditional" if rows.terms or options.strata else "marginal"
    return "conditional" if rows.terms or options.strata else "unadjusted"


def _variance(rows: SubgroupRows, options: Options) -> str:
    """How the errors of the survival curves come about."""
    if options.cluster is not None:
        return "clustered infinitesimal jackknife"
    return "infinitesimal jackknife" if _is_weighted(rows, options) else "Greenwood"


def _ratios(
    made: ProductModel, factor: FactorCodes, base: int, within: Subgroups
) -> tuple[EffectRatio, ...]:
    """Every other group's hazard ratio over that of the reference."""
    subs, columns = within.factors[0].subgroups, {k: name for name, _, k in made.products}
    found = []
    for k, group in enumerate(factor.levels):
        if k == base:
            continue
        pair = (subs[k], subs[base])
        place = (group, factor.levels[base], sum(s.n for s in pair), sum(s.n_event for s in pair))
        found.append(
            _ratio(made, place, [(columns.get(k), k, 1.0), (columns.get(base), base, -1.0)])
        )
    return tuple(found)


def _ratio(
    made: ProductModel,
    place: tuple[str, str, int, int],
    parts: Sequence[tuple[str | None, int, float]],
) -> EffectRatio:
    """The contrast of two products; that of the first group is the reference of the model, 0."""
    if made.full is None:
        return EffectRatio(*place, reason=made.reason)
    weights: dict[str | tuple[str, str], float] = {}
    for column, k, sign in parts:
        if column is not None:
            weights[column, "True"] = sign
        elif k:
            return EffectRatio(*place, reason="one arm of a group has no patients")
    try:
        found = made.full.contrast(weights)
    except AnalysisError as error:
        return EffectRatio(*place, reason=error.problems[0].found)
    return EffectRatio(
        *place,
        found.estimate,
        found.std_error,
        found.statistic,
        found.p_value,
        found.conf_low,
        found.conf_high,
        found.reason,
    )


def _absolute(
    rows: SubgroupRows, factor: FactorCodes, options: Options, at: Sequence[float]
) -> tuple[AbsoluteEffect, ...]:
    """Differences of survival between the arms at each time, by group."""
    wrong = [t for t in at if not np.isfinite(t) or t <= 0]
    if wrong:
        allowed = "Finite times above 0, in the unit of follow-up."
        raise AnalysisError(Problem("treatment effect: at", f"{wrong[0]!r}", allowed))
    found = []
    for k, group in enumerate(factor.levels):
        mask = factor.codes == k
        found += _of_group(rows, rows.frame.loc[mask], group, options, at)
    return tuple(sorted(found, key=lambda effect: effect.difference.time))


def _of_group(
    rows: SubgroupRows, frame: pd.DataFrame, group: str, options: Options, at: Sequence[float]
) -> list[AbsoluteEffect]:
    """The arms of one group."""
    arms = (rows.groups[1], rows.groups[0])
    if not at:
        return []
    curves = kaplan_meier(
        frame.reset_index(drop=True),
        time=options.time,
        event=options.event,
        by=rows.by,
        entry=options.entry,
        weights=options.weights,
        conf_level=options.conf_level,
    )
    if len(curves.curves) < 2:
        lacking = next(arm for arm in arms if arm not in curves.groups)
        reason = f"nobody of this group is at '{lacking}'"
        sizes = (curves.n, curves.n_event)
        bare = [Contrast("survival_difference", *arms, float(t), *sizes, reason=reason) for t in at]
        return [AbsoluteEffect(group, None, None, contrast) for contrast in bare]
    table = curves.at(at).set_index(["group", "time"])["estimate"]
    result = []
    for contrast in curves.contrasts(at, reference=arms[1]):
        both = [float(table[arm, contrast.time]) for arm in arms]
        treated, untreated = (value if np.isfinite(value) else None for value in both)
        result.append(AbsoluteEffect(group, treated, untreated, contrast))
    return result


def _clustered(
    effects: Sequence[AbsoluteEffect],
    factor: FactorCodes,
    together: Mapping[float, Array],
    conf_level: float,
) -> tuple[AbsoluteEffect, ...]:
    """The differences with the errors that clusters leave them."""
    found = []
    for effect in effects:
        k, change = factor.levels.index(effect.group), effect.difference
        variance = float(together[change.time][k, k])
        found.append(replace(effect, difference=with_error(change, variance, conf_level)))
    return tuple(found)


def _alike(
    effects: Sequence[AbsoluteEffect], time: float, covariance: Array | None
) -> AbsoluteTest:
    """Whether the differences at a time are alike; independent without a covariance of clusters."""
    own = [e.difference for e in effects if e.difference.time == time]
    df = len(own) - 1
    if df < 1:
        return AbsoluteTest(time, None, df, None, "one group only")
    known = [(d.estimate, d.std_error) for d in own if d.estimate is not None and d.std_error]
    if len(known) < len(own):
        return AbsoluteTest(time, None, df, None, "a group has no difference with an error")
    values, errors = (np.array(part) for part in zip(*known, strict=True))
    if covariance is None:
        covariance = np.diag(errors**2)
    change = np.column_stack([-np.ones(df), np.eye(df)])
    apart = change @ values
    weighed = solved(change @ covariance @ change.T, apart)
    if weighed is None:
        return AbsoluteTest(time, None, df, None, "there are too few clusters to compare groups")
    statistic = max(float(apart @ weighed), 0.0)
    return AbsoluteTest(time, statistic, df, float(chdtrc(df, statistic)))


def _missing(effect: AbsoluteEffect) -> Failure:
    """What stands for a difference that does not exist, or has no limits."""
    change = effect.difference
    return Failure(
        analysis="treatment_effect",
        kind="treatment_effect",
        group=effect.group,
        term=f"difference at {change.time:g}",
        reason=str(change.reason),
        n=change.n,
        n_event=change.n_event,
        advice="Choose an earlier time, or follow up longer.",
    )
