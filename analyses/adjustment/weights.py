"""Weights from the chances of the groups: for everyone, for one group, for the overlap.

Stabilised inverse-probability weights p_g / e_g (Robins, Hernan and Brumback, 2000), those for the
patients of one group e_t / e_g (Li, Morgan and Zaslavsky, 2018), and generalised overlap weights
h / e_g with h = 1 / sum(1 / e_k) (Li and Li, 2019, Ann. Appl. Stat. 13, 2389-2415).
"""

from __future__ import annotations

from typing import get_args

import numpy as np

from analyses.results.balancing import BalancingWeights, Estimand, GroupWeights
from analyses.results.frozen import Array, frozen
from analyses.results.propensity import Places, Propensity
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

Truncate = tuple[float, float] | None
SOURCE = "weighting"
TRUNCATED = (0.01, 0.99)
LARGE = 10.0  # times the group's mean weight, from which one patient is said to count for many
FEW_LEFT = 0.5  # of a group's patients: a smaller effective size is said


def balancing_weights(
    propensity: Propensity,
    *,
    estimand: Estimand = "ate",
    target: str | None = None,
    truncate: Truncate = TRUNCATED,
) -> BalancingWeights:
    """A weight for each patient, so that every group looks like one population.

    Parameters
    ----------
    propensity
        A result of `propensity`, with its rows.
    estimand
        ``ate``: like all patients (stabilised: the mean weight is about 1); ``att``: like the
        patients of group `target`; ``ato``: like patients who could have been of any group,
        which needs no truncation and gives none.
    truncate
        Quantiles (type 7) of all weights together to which smaller and larger ones are brought;
        None for none.

    Weights in the order of `propensity.rows`, with Kish's effective size of each group and a
    warning where a weight is many times the mean or that size is small. AnalysisError for an
    unknown estimand or target, quantiles that are none, a model without its rows. Checked against
    R in tests/analyses/test_propensity.py.
    """
    _require(propensity, estimand, target, truncate)
    scores, codes = propensity.scores, propensity.codes
    if scores is None or codes is None:
        found = "the model was kept without its rows"
        raise AnalysisError(Problem("weights", found, advice="Fit the propensity anew."))
    place = propensity.groups.index(target) if target is not None else None
    raw = weights_of(scores, codes, estimand, place)
    bounds = None
    values = raw
    if truncate is not None and estimand != "ato":
        low, high = np.quantile(raw, truncate)
        bounds = float(low), float(high)
        values = np.clip(raw, low, high)
    groups = tuple(
        _group(group, raw[codes == g], values[codes == g])
        for g, group in enumerate(propensity.groups)
    )
    return BalancingWeights(
        by=propensity.by,
        estimand=estimand,
        target=target,
        truncate=None if bounds is None else truncate,
        bounds=bounds,
        groups=groups,
        findings=_findings(propensity.by, groups),
        values=frozen(values),
    )


def weights_of(scores: Array, codes: Places, estimand: Estimand, target: int | None) -> Array:
    """The weights before truncation."""
    own = scores[np.arange(len(codes)), codes]
    if estimand == "ato":
        return np.asarray(1.0 / (1.0 / scores).sum(axis=1) / own)
    if target is not None:
        return np.where(codes == target, 1.0, scores[:, target] / own)
    shares = np.bincount(codes, minlength=scores.shape[1]) / len(codes)
    return np.asarray(shares[codes] / own)


def _group(group: str, raw: Array, values: Array) -> GroupWeights:
    total = float(values.sum())
    return GroupWeights(
        group=group,
        n=len(values),
        total=total,
        mean=total / len(values),
        largest=float(values.max()),
        largest_share=float(values.max()) / total,
        effective_n=total**2 / float((values**2).sum()),
        n_low=int((values > raw).sum()),
        n_high=int((values < raw).sum()),
    )


def _findings(by: str, groups: tuple[GroupWeights, ...]) -> tuple[Finding, ...]:
    found = []
    advice = "Use overlap weights, truncate further, or restrict to patients who can be compared."
    for g in groups:
        if g.largest > LARGE * g.mean:
            said = (
                f"The largest weight is {g.largest:.1f}, {g.largest / g.mean:.0f} times the mean: "
                f"one patient is {100 * g.largest_share:.1f} % of the group's {g.n}. {advice}"
            )
            found.append(Finding("warning", SOURCE, by, g.group, "large_weight", g.n, said))
        if g.effective_n < FEW_LEFT * g.n:
            said = (
                f"The {g.n} weighted patients tell no more than {g.effective_n:.0f} unweighted "
                f"ones (Kish). {advice}"
            )
            found.append(Finding("warning", SOURCE, by, g.group, "small_effective_n", g.n, said))
    return tuple(found)


def _require(propensity: Propensity, estimand: str, target: str | None, truncate: Truncate) -> None:
    problems = []
    known = get_args(Estimand)
    if estimand not in known:
        advice = suggest(str(estimand), known)
        allowed = f"Allowed: {listed(known)}"
        problems.append(Problem("weights: estimand", f"'{estimand}'", allowed, advice))
    allowed = f"Groups: {listed(propensity.groups)}"
    if estimand == "att" and target not in propensity.groups:
        found = "none" if target is None else f"'{target}' is not a group with a complete row"
        advice = suggest(str(target), propensity.groups)
        problems.append(Problem("weights: target", found, allowed, advice))
    if estimand != "att" and target is not None:
        found = f"'{target}' together with estimand '{estimand}'"
        advice = "Only 'att' is about one group: leave one of the two out."
        problems.append(Problem("weights: target", found, advice=advice))
    if truncate is not None and not 0 <= truncate[0] < truncate[1] <= 1:
        found = f"{truncate!r}"
        allowed = "Two rising quantiles from 0 to 1, such as (0.01, 0.99), or none"
        problems.append(Problem("weights: truncate", found, allowed))
    if problems:
        raise AnalysisError(problems)
