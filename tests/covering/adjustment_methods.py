"""Ways to adjust for confounding, each against the truth of what it aims at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial

import numpy as np
import pandas as pd
from covering import Answer, Method

from analyses import cox, kaplan_meier, rmst
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
    stacked = pd.concat(
        pd.DataFrame(
            {
                "group": pd.Categorical([group], GROUPS, ordered=True).repeat(len(full)),
                "time": np.minimum(times[group], full["censored"]),
                "event": times[group] <= full["censored"],
                "weight": weight / weight.mean() + 1e-9,
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


cohort = partial(simulated_confounding, N)
CONTRASTS = ("log HR", "S(60) low -", "S(60) positive -", "RMST")
METHODS = [
    Method("crude", cohort, crude, partial(only, CONTRASTS), "naive"),
    Method("Cox, covariates, conditional", cohort, adjusted, conditional),
]
