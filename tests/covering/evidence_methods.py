"""Studies that differ: random effects against fixed; sites that differ, pooled in two stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import pandas as pd
from covering import Answer, Method

from analyses import by_site, meta_analysis
from analyses.results.meta_analysis import Pooled

MEAN, SPREAD = -0.10, 0.15
SITES, PATIENTS = 12, 150


def studies(k: int, seed: int) -> pd.DataFrame:
    """Log hazard ratios of studies whose own truths vary about the mean."""
    random = np.random.default_rng((seed, 3))
    errors = random.uniform(0.05, 0.25, k)
    own = random.normal(MEAN, SPREAD, k)
    names = [f"s{i}" for i in range(k)]
    return pd.DataFrame({"study": names, "y": random.normal(own, errors), "e": errors})


def pooled(frame: pd.DataFrame, model: str) -> Iterable[Answer]:
    """One of the two pools."""
    found = meta_analysis(frame, estimate="y", std_error="e", study="study")
    pool: Pooled = getattr(found, model)
    yield Answer("mean log ratio", pool.estimate, pool.conf_low, pool.conf_high)


def sites(seed: int) -> pd.DataFrame:
    """Patients of sites with baselines and hazard ratios of their own."""
    random = np.random.default_rng((seed, 5))
    site = np.repeat(np.arange(SITES), PATIENTS)
    low = random.random(len(site)) < 0.6
    ratio = random.normal(MEAN, SPREAD, SITES)[site]
    base = 0.1 * np.exp(random.normal(0, 0.5, SITES))[site]
    death = random.exponential(1 / (base * np.exp(ratio * low)))
    censored = random.uniform(5, 15, len(site))
    group = pd.Categorical(np.where(low, "low", "zero"), ["zero", "low"], ordered=True)
    frame = {"site": site, "group": group, "time": np.minimum(death, censored)}
    return pd.DataFrame(frame | {"event": death <= censored})


def two_stages(frame: pd.DataFrame) -> Iterable[Answer]:
    """Each site's own model, pooled with random effects."""
    found = by_site(frame, time="time", event="event", terms=["group"], of="group", site="site")
    pool = found.levels[0].pool
    assert pool is not None
    yield Answer(
        "mean log ratio", pool.random.estimate, pool.random.conf_low, pool.random.conf_high
    )


def one_stage(frame: pd.DataFrame) -> Iterable[Answer]:
    """One ratio for all sites, stratified."""
    found = by_site(frame, time="time", event="event", terms=["group"], of="group", site="site")
    c = found.levels[0].stratified
    yield Answer("mean log ratio", c.estimate, c.conf_low, c.conf_high)


def truth() -> Mapping[str, float]:
    """What the studies vary about."""
    return {"mean log ratio": MEAN}


METHODS = [
    Method("fixed effects", partial(studies, 8), partial(pooled, model="fixed"), truth, "naive"),
    Method("random effects", partial(studies, 8), partial(pooled, model="random"), truth),
    Method("sites, one ratio", sites, one_stage, truth, "naive"),
    Method("sites, two stages", sites, two_stages, truth),
]
