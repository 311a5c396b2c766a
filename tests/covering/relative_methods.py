"""Deaths of every cause and a population's mortality: net survival against observed survival.

The excess hazard is higher in older patients, in whom other deaths are more frequent as well, so
that Ederer II, which does not weight, is biased; the truth is the mean of exp(-excess x 5) over the
patients at diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
import pandas as pd
from covering import Answer, Method

from analyses import excess_hazard, life_table, relative_survival
from analyses.results.life_table import LifeTable

N, YEARS, AT = 1_500, 8.0, 5.0
BASE, PER_TEN, LOW = 0.05, 0.45, -0.30
STEP = 0.02
COLUMNS = {"time": "time", "event": "event", "age": "age", "sex": "sex", "year": "year"}
GROUP = {"name": "group", "levels": ["zero", "low"]}


@cache
def population() -> LifeTable:
    """Mortality that doubles in 7.5 years of age and falls by 1.5 % a calendar year."""
    cells = [
        {
            "age": a,
            "sex": "female",
            "year": y,
            "rate": 4e-5 * np.exp(0.093 * a) * 0.985 ** (y - 2000),
        }
        for a in range(40, 101)
        for y in range(2000, 2016)
    ]
    return life_table(pd.DataFrame(cells))


def excess(frame: pd.DataFrame) -> np.ndarray:  # type: ignore[type-arg]
    """Each patient's excess hazard a year."""
    risk = PER_TEN * (frame["age"] - 65) / 10 + LOW * (frame["group"] == "low")
    return np.asarray(BASE * np.exp(risk))


def patients(n: int, seed: int) -> pd.DataFrame:
    """Ages, years and groups at diagnosis."""
    random = np.random.default_rng((seed, 7))
    return pd.DataFrame(
        {
            "age": random.uniform(45, 88, n),
            "year": random.uniform(2000, 2007, n),
            "sex": "female",
            "group": np.where(random.random(n) < 0.5, "low", "zero"),
        }
    )


def cohort(seed: int) -> pd.DataFrame:
    """The patients followed to death of any cause, or 8 years."""
    frame = patients(N, seed)
    random = np.random.default_rng((seed, 8))
    of_disease = random.exponential(1 / excess(frame))
    table = population()
    starts = np.arange(0, YEARS + STEP, STEP)
    ages = np.clip(np.floor(frame["age"].to_numpy()[:, None] + starts), 40, 100).astype(int) - 40
    years = np.floor(frame["year"].to_numpy()[:, None] + starts).astype(int) - 2000
    cumulated = np.cumsum(STEP * table.hazard[0][np.minimum(years, 15), ages], axis=1)
    place = (cumulated < random.exponential(1, N)[:, None]).sum(axis=1)
    other = STEP * (place + random.random(N))
    dead = np.minimum(of_disease, other)
    time = np.ceil(np.minimum(dead, YEARS) * 365.25)
    return frame.assign(time=time, event=dead < YEARS)


def net(frame: pd.DataFrame) -> Iterable[Answer]:
    """Pohar Perme."""
    found = relative_survival(frame, life_table=population(), times=[AT * 365.25], **COLUMNS)
    curve = found.groups[0]
    place = curve.at(AT * 365.25)
    values = (curve.net[place], curve.net_low[place], curve.net_high[place])
    yield Answer("net survival at 5 years", *(float(value) for value in values))


def observed(frame: pd.DataFrame) -> Iterable[Answer]:
    """Kaplan-Meier of deaths of every cause, its error Ederer II's, which is Greenwood's kin."""
    found = relative_survival(frame, life_table=population(), times=[AT * 365.25], **COLUMNS)
    curve = found.groups[0]
    place = curve.at(AT * 365.25)
    value, reach = float(curve.observed[place]), 1.96 * float(curve.ederer2_error[place])
    yield Answer("net survival at 5 years", value, value * np.exp(-reach), value * np.exp(reach))


def model(frame: pd.DataFrame) -> Iterable[Answer]:
    """The excess-hazard model of the group and age."""
    terms = [GROUP, {"name": "age", "per": 10}]
    found = excess_hazard(frame, terms=terms, life_table=population(), cuts=[730], **COLUMNS)
    for c in found.coefficients:
        if not c.is_reference:
            yield Answer(f"log EHR {c.level or c.term}", c.estimate, c.conf_low, c.conf_high)


@cache
def net_truth() -> Mapping[str, float]:
    """The mean over a million patients."""
    everybody = patients(1_000_000, 0)
    return {"net survival at 5 years": float(np.exp(-AT * excess(everybody)).mean())}


def model_truth() -> Mapping[str, float]:
    """What the excess was made with."""
    return {"log EHR low": LOW, "log EHR age": PER_TEN}


METHODS = [
    Method("observed survival", cohort, observed, net_truth, "naive"),
    Method("net survival", cohort, net, net_truth),
    Method("excess hazard", cohort, model, model_truth),
]
