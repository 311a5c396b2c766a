"""Ways to adjust for confounding, each against the truth of what it aims at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from covering import Answer, Method

from analyses import (
    cox,
    kaplan_meier,
    matched_survival,
    rmst,
    standardised_survival,
    weighted_survival,
)
from analyses.adjustment.weights import TRUNCATED
from cohort.simulation import potential_outcomes, simulated_confounding

N = 1_500
N_TRUE = 1_000_000
TRUE_SEED = 2
GROUPS = ("zero", "low", "positive")
AT, TAU = 60.0, 84.0
TERMS = [{"name": "age_years", "per": 10}, "grade", "hr_status"]
FOLLOWED = {"time": "time", "event": "event"}


@cache
def truth(population: str = "everyone") -> Mapping[str, float]:
    """What a trial in everyone, in those of one group or in the overlap would find.

    From potential outcomes: the hazard ratio of a Cox model without covariates under the cohort's
    censoring, shares alive and means as counted. No model of the covariates takes part.
    """
    full = potential_outcomes(N_TRUE, TRUE_SEED)
    weight = np.ones(len(full))
    if population in GROUPS:
        weight = (full["her2_status"] == population).to_numpy(float)
    elif population == "overlap":
        weight = 1 / sum(1 / full[f"probability_{group}"].to_numpy() for group in GROUPS)
    full, weight = full[weight > 0], weight[weight > 0]
    times = {group: full[f"time_{group}"].to_numpy() for group in GROUPS}
    alive = {group: np.average(times[group] > AT, weights=weight) for group in GROUPS}
    lived = {group: np.average(np.minimum(times[group], TAU), weights=weight) for group in GROUPS}
    share = dict.fromkeys(GROUPS, 1.0)
    if population == "everyone":  # groups in their own sizes, as stabilised weights keep them
        share = dict(full["her2_status"].value_counts(normalize=True))
    stacked = pd.concat(
        pd.DataFrame(
            {
                "group": pd.Categorical([group], GROUPS, ordered=True).repeat(len(full)),
                "time": np.minimum(times[group], full["censored"]),
                "event": times[group] <= full["censored"],
                "weight": share[group] * weight / weight.mean() + 1e-9,
            }
        )
        for group in GROUPS
    )
    model = cox(stacked, **FOLLOWED, terms=["group"], weights="weight")
    found = {f"log HR {c.level}": c.estimate for c in model.estimated}
    for group in GROUPS:
        found[f"S({AT:g}) {group}"] = alive[group]
    for group in GROUPS[1:]:
        found[f"S({AT:g}) {group} - zero"] = alive[group] - alive["zero"]
        found[f"RMST {group} - zero"] = lived[group] - lived["zero"]
    return {name: float(value) for name, value in found.items() if value is not None}


def conditional() -> Mapping[str, float]:
    """The hazard ratios that the patients were made with."""
    return {"log HR low": float(np.log(0.80)), "log HR positive": float(np.log(0.65))}


def only(kinds: tuple[str, ...], population: str = "everyone") -> Mapping[str, float]:
    """The truths of some kinds."""
    return {name: value for name, value in truth(population).items() if name.startswith(kinds)}


def crude(frame: pd.DataFrame) -> Iterable[Answer]:
    """Every comparison without any adjustment."""
    model = cox(frame, **FOLLOWED, terms=["her2_status"])
    for c in model.estimated:
        yield Answer(f"log HR {c.level}", c.estimate, c.conf_low, c.conf_high)
    curves = kaplan_meier(frame, **FOLLOWED, by="her2_status")
    for d in curves.contrasts([AT], "zero"):
        yield Answer(f"S({AT:g}) {d.group} - zero", d.estimate, d.conf_low, d.conf_high)
    for d in rmst(frame, **FOLLOWED, by="her2_status", tau=TAU).differences:
        yield Answer(f"RMST {d.group} - zero", d.estimate, d.conf_low, d.conf_high)


def adjusted(frame: pd.DataFrame) -> Iterable[Answer]:
    """A Cox model with all covariates, which estimates the conditional hazard ratio."""
    for c in cox(frame, **FOLLOWED, terms=["her2_status", *TERMS]).estimated:
        if c.term == "her2_status":
            yield Answer(f"log HR {c.level}", c.estimate, c.conf_low, c.conf_high)


def _said(result: Any) -> Iterable[Answer]:
    """Differences and survival of an adjusted comparison, and its marginal hazard ratios."""
    for m in result.means:
        if m.quantity == "survival":
            yield Answer(f"S({AT:g}) {m.group}", m.estimate, m.conf_low, m.conf_high)
    for d in result.differences:
        name = f"S({AT:g})" if d.quantity == "survival_difference" else "RMST"
        yield Answer(f"{name} {d.group} - zero", d.estimate, d.conf_low, d.conf_high)
    for r in result.ratios:
        if r.method in ("weighted", "matched"):
            yield Answer(f"log HR {r.group}", r.estimate, r.conf_low, r.conf_high)


def weighted(frame: pd.DataFrame, **asked: Any) -> Iterable[Answer]:
    """Weights for some population, as they are where no truncation is asked for."""
    return _said(weighted_survival(frame, **FOLLOWED, **{"truncate": None, **ASKED, **asked}))


def doubly_robust(frame: pd.DataFrame) -> Iterable[Answer]:
    """Weights and terms: the conditional hazard ratio."""
    found = weighted_survival(frame, **FOLLOWED, **ASKED, outcome_terms=TERMS)
    for r in found.ratios:
        if r.method == "weights and terms":
            yield Answer(f"log HR {r.group}", r.estimate, r.conf_low, r.conf_high)


def standardised(frame: pd.DataFrame, target: str | None = None) -> Iterable[Answer]:
    """The g-formula from a Cox model, by the delta method."""
    return _said(standardised_survival(frame, **FOLLOWED, **ASKED, target=target))


def matched(frame: pd.DataFrame) -> Iterable[Answer]:
    """Pairs of positive and zero patients: the effect in the positive."""
    return _said(matched_survival(frame, **FOLLOWED, **ASKED, pair=("positive", "zero")))


ASKED: dict[str, Any] = {"by": "her2_status", "terms": TERMS, "times": [AT], "tau": TAU}
cohort = partial(simulated_confounding, N)
RATIOS, CURVES = ("log HR",), ("S(60)", "RMST")
CONTRASTS = ("log HR", "S(60) low -", "S(60) positive -", "RMST")
ALL = (*RATIOS, *CURVES)
POSITIVE = ("log HR positive", "S(60) positive - zero", "RMST positive")
IN_LOW: dict[str, Any] = {"estimand": "att", "target": "low"}
REFITTED: dict[str, Any] = {"resamples": 200, "seed": 1}
REFITTED_NAME = "weights, everyone, refitted in 200 samples"
DOUBLE = "weights and terms, conditional"
METHODS = [
    Method("crude", cohort, crude, partial(only, CONTRASTS), "naive"),
    Method("Cox, terms, conditional", cohort, adjusted, conditional),
    Method("weights, everyone", cohort, weighted, partial(only, ALL), "conservative"),
    Method("weights, everyone, truncated", cohort, partial(weighted, truncate=TRUNCATED),
           partial(only, ALL), "conservative"),
    Method(REFITTED_NAME, cohort, partial(weighted, **REFITTED), partial(only, ALL)),
    Method("weights, low", cohort, partial(weighted, **IN_LOW), partial(only, ALL, "low"),
           "conservative"),
    Method("weights, overlap", cohort, partial(weighted, estimand="ato"),
           partial(only, ALL, "overlap"), "conservative"),
    Method(DOUBLE, cohort, doubly_robust, conditional, "conservative"),
    Method("matching, positive", cohort, matched, partial(only, POSITIVE, "positive"),
           "conservative"),
    Method("g-formula, everyone", cohort, standardised, partial(only, CURVES)),
    Method("g-formula, low", cohort, partial(standardised, target="low"),
           partial(only, CURVES, "low")),
]  # fmt: skip
