"""Subgroups: each group against the reference within each, and whether the ratios differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analyses.estimators.cox import cox
from analyses.estimators.cox_result import FEW_EVENTS
from analyses.estimators.interaction_test import interaction_tests
from analyses.estimators.multiplicity import ADJUSTMENTS, Adjustment, adjusted_p
from analyses.estimators.strata import Strata, strata_names
from analyses.estimators.subgroup_factors import FactorCodes, FactorSpec, asked_factors
from analyses.estimators.subgroup_rows import Flags, Options, SubgroupRows, subgroup_rows
from analyses.estimators.survival_data import By
from analyses.estimators.terms import TermSpec
from analyses.results.cox import CoxModel
from analyses.results.failure import Failure
from analyses.results.log_ratio import numbers_of
from analyses.results.subgroups import Factor, GroupEffect, InteractionTest, Subgroup, Subgroups
from cohort.errors import AnalysisError, listed
from cohort.table import Finding

LEAST_EVENTS = 10


def subgroups(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    factors: FactorSpec | Sequence[FactorSpec],
    terms: Sequence[TermSpec] = (),
    reference: str | None = None,
    entry: str | None = None,
    strata: Strata | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    ties: str = "efron",
    adjust: Adjustment = "none",
    least_events: int = LEAST_EVENTS,
    conf_level: float = 0.95,
) -> Subgroups:
    """Hazard ratios of the groups in all patients and in each subgroup, and whether they differ.

    Parameters
    ----------
    data, time, event, entry, strata, weights, cluster, ties, conf_level
        As in `cox`.
    by, reference
        The groups compared, and the one that the others are compared with (else the first).
    factors
        A category or boolean by name, text as ``{"name", "levels"}``, a number as ``{"name":
        "age_years", "cut": [50, 70]}``. Shown in the order given.
    terms
        What every model adjusts for; a factor among them is left out within its own subgroups.
    adjust
        P-values of interaction for the factors: ``holm``, ``bh``, ``bonferroni`` or ``none``.
    least_events
        Of two groups: a ratio from fewer is marked small (at 10 its limits are a factor 3.5 off).

    Returns
    -------
    Subgroups
        Each subgroup has a model of its own. A row without a value of a factor is left out of its
        subgroups only, and counted there; other missing values leave it out of everything. A
        ratio that does not exist has its reason and a Failure.

    Raises
    ------
    AnalysisError
        As `cox` on all patients; one group only; a factor that is a number without cuts.

    Notes
    -----
    Interaction by likelihood ratio of models with and without the product, on the same patients;
    by the robust Wald test under clusters or weights that are not counts. Checked against
    ``coxph`` and ``anova`` in R, and by hand: tests/analyses/test_subgroups.py.
    """
    if adjust not in (*ADJUSTMENTS, "none"):
        raise ValueError(f"adjust is one of {[*ADJUSTMENTS, 'none']}, not {adjust!r}")
    asked = asked_factors(factors)
    options = Options(time, event, entry, strata_names(strata), weights, cluster, ties, conf_level)
    rows = subgroup_rows(data, options, by, reference, terms, asked)
    return compared_within(rows, options, adjust, least_events)


def compared_within(
    rows: SubgroupRows, options: Options, adjust: str, least_events: int
) -> Subgroups:
    """The comparison of rows that are ready."""
    everybody = np.ones(len(rows.frame), dtype=bool)
    whole = _model(rows, everybody, None, options)
    overall, _ = _subgroup(rows, None, None, everybody, whole, least_events)
    made, thin = [], []
    for factor in rows.factors:
        subs = []
        for k, level in enumerate(factor.levels):
            mask = factor.codes == k
            sub, is_thin = _fitted(rows, (factor.name, level), mask, options, least_events)
            subs.append(sub)
            thin += [f"{factor.name}={level}"] * is_thin
        unknown = rows.size(factor.codes < 0)
        together, apart = interaction_tests(rows, factor, options)
        made.append(Factor(factor.name, tuple(subs), *unknown, together, apart))
    tested = _adjusted(made, adjust)
    effects = [e for f in tested for sub in f.subgroups for e in sub.effects]
    n, n_event = rows.size(everybody)
    return Subgroups(
        overall=overall,
        factors=tested,
        by=rows.by,
        groups=rows.groups,
        reference=rows.groups[rows.reference],
        terms=tuple(term.name for _, term in rows.terms),
        strata=options.strata,
        entry=options.entry,
        weights=options.weights,
        cluster=options.cluster,
        robust=whole.robust,
        ties=options.ties,
        adjust=adjust,
        least_events=least_events,
        conf_level=options.conf_level,
        n=n,
        n_event=n_event,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=(
            *whole.findings,
            *_small(effects, least_events),
            *_thin(thin),
            *_alone(rows.factors),
        ),
        failures=tuple(
            _failure(effect) for effect in (*overall.effects, *effects) if effect.status != "ok"
        ),
    )


def _model(rows: SubgroupRows, mask: Flags, without: str | None, options: Options) -> CoxModel:
    """The model of one subgroup: the groups and the terms but for the factor itself."""
    frame = rows.frame if mask.all() else rows.frame.loc[mask].reset_index(drop=True)
    by: TermSpec = {"name": rows.by, "reference": rows.groups[rows.reference]}
    return cox(frame, terms=[by, *rows.adjusting(without)], **options.keywords).without_rows()


def _fitted(
    rows: SubgroupRows,
    place: tuple[str, str],
    mask: Flags,
    options: Options,
    least_events: int,
) -> tuple[Subgroup, bool]:
    """One subgroup, and whether its model has few events for its parameters."""
    factor = next(f for f in rows.factors if f.name == place[0])
    without = None if factor.cut else factor.name
    present = np.bincount(rows.codes[mask], minlength=len(rows.groups))
    model: CoxModel | str = "nobody of the reference group is in this subgroup"
    if present[rows.reference]:
        try:
            model = _model(rows, mask, without, options)
        except AnalysisError as error:
            model = listed(f"{p.where}: {p.found}" if p.where else p.found for p in error.problems)
    return _subgroup(rows, *place, mask, model, least_events)


def _subgroup(
    rows: SubgroupRows,
    factor: str | None,
    level: str | None,
    mask: Flags,
    model: CoxModel | str,
    least_events: int,
) -> tuple[Subgroup, bool]:
    """The subgroup with an effect for each group, of its model or of why there is none."""
    sizes = [rows.size(mask & (rows.codes == g)) for g in range(len(rows.groups))]
    base = sizes[rows.reference]
    effects = []
    for g, group in enumerate(rows.groups):
        if g == rows.reference:
            continue
        n, n_event = sizes[g]
        is_small = n_event + base[1] < least_events
        reference = rows.groups[rows.reference]
        bare = GroupEffect(factor, level, group, reference, n, n_event, *base, is_small)
        effects.append(_effect(bare, rows.by, model))
    by_group = tuple((g, *size) for g, size in zip(rows.groups, sizes, strict=True))
    sub = Subgroup(factor, level, *rows.size(mask), by_group, tuple(effects))
    per = None if isinstance(model, str) else model.events_per_parameter
    return sub, per is not None and per < FEW_EVENTS


def _effect(bare: GroupEffect, by: str, model: CoxModel | str) -> GroupEffect:
    """The effect with its group's coefficient in the model, or with the reason of none."""
    if bare.n == 0:
        return replace(bare, status="not_estimable", reason="nobody of the group")
    if isinstance(model, str):
        return replace(bare, status="not_estimable", reason=model)
    c = next(c for c in model.coefficients if c.term == by and c.level == bare.group)
    return replace(bare, **numbers_of(c), status=c.status, reason=c.reason)


def _adjusted(factors: Sequence[Factor], adjust: str) -> tuple[Factor, ...]:
    """The factors with p-values adjusted: tests of all groups, and of each group by itself."""
    families: list[list[InteractionTest]] = [[f.interaction for f in factors]]
    families += [list(tests) for tests in zip(*(f.by_group for f in factors), strict=True)]
    done = [
        [
            replace(test, p_adjusted=None if adjust == "none" else p)
            for test, p in zip(
                family, adjusted_p([test.p_value for test in family], adjust), strict=True
            )
        ]
        for family in families
    ]
    return tuple(
        replace(f, interaction=done[0][i], by_group=tuple(family[i] for family in done[1:]))
        for i, f in enumerate(factors)
    )


def _small(effects: Sequence[GroupEffect], least_events: int) -> tuple[Finding, ...]:
    """A warning that names the ratios from few events, of each group."""
    found = []
    for group in dict.fromkeys(effect.group for effect in effects):
        small = [e for e in effects if e.group == group and e.is_small]
        if small:
            where = listed(f"{e.factor}={e.level}" for e in small)
            advice = (
                f"{group} against {small[0].reference} has fewer than {least_events} events in "
                f"{where}: drawn grey, no conclusion can rest on it."
            )
            n = len(small)
            found.append(
                Finding("warning", "subgroups", "", group, "small_subgroups", n, advice, "subgroup")
            )
    return tuple(found)


def _thin(places: Sequence[str]) -> tuple[Finding, ...]:
    """A warning that names subgroups whose model has few events for its parameters."""
    if not places:
        return ()
    advice = (
        f"The model has fewer than {FEW_EVENTS} events for each parameter in: {listed(places)}. "
        "Estimates there may be biased and limits too narrow. Use fewer terms."
    )
    value = listed(places)
    n = len(places)
    return (
        Finding(
            "warning", "subgroups", "", value, "few_events_per_parameter", n, advice, "subgroup"
        ),
    )


def _alone(factors: Sequence[FactorCodes]) -> tuple[Finding, ...]:
    """A warning of factors that make one subgroup only."""
    return tuple(
        Finding(
            "warning",
            "subgroups",
            factor.name,
            factor.levels[0],
            "one_subgroup",
            int((factor.codes == 0).sum()),
            "Every patient with a value is in this one subgroup: there is nothing to compare.",
        )
        for factor in factors
        if len(factor.levels) == 1
    )


def _failure(effect: GroupEffect) -> Failure:
    """What stands for a ratio that does not exist."""
    where = "" if effect.factor is None else f"{effect.factor}={effect.level}"
    return Failure(
        analysis="subgroups",
        kind="subgroups",
        group=effect.group,
        term=where,
        reason=str(effect.reason),
        n=effect.n + effect.n_reference,
        n_event=effect.n_event + effect.n_event_reference,
        advice="Merge the subgroup with another, or follow up longer. The others are reported.",
    )
