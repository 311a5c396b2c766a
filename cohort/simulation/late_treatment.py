"""Patients whose treatment starts after time zero, with what each strategy would have given them.

Two published analyses of a registry are reproduced in kind: radiotherapy after mastectomy, which
does nothing here but looks protective where it counts as known at diagnosis (standard Cox 0.93,
time-dependent 0.97, landmark 0.98: Cancer Control 2018;25, doi 10.1177/1073274818789355), and
surgery of the primary in metastatic disease, which helps less than it seems (0.54 against
0.67-0.84 by unbiased methods: Cancer Epidemiol Biomarkers Prev 2022;31:2079). Age and comorbidity
act on who is treated and on who dies; nothing that is not seen acts on both. Treatment starts at
a hazard that is constant within a window, and multiplies the hazard of death from its start on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from cohort.errors import Problem, SpecError, listed, suggest
from cohort.simulation.draws import Draws, Real

if TYPE_CHECKING:
    import pandas as pd

PATIENTS_TRUTH = 1_000_000


@dataclass(frozen=True, slots=True)
class LateTreatment:
    """One example: days of the window, hazards a day, and what the treatment really does.

    `start` and `death` are hazards of a patient of 60 without comorbidity; `published` and
    `published_valid` the hazard ratios of the naive and of the valid analyses that it resembles.
    """

    treatment: str
    window: tuple[float, float]
    start: float
    death: float
    hazard_ratio: float
    followed: tuple[int, int]
    published: float
    published_valid: tuple[float, float]


EXAMPLES: Mapping[str, LateTreatment] = MappingProxyType(
    {
        "postmastectomy_radiotherapy": LateTreatment(
            "radiotherapy", (20.0, 150.0), 0.0070, 0.00011, 1.0, (1500, 4000), 0.93, (0.97, 0.98)
        ),
        "metastatic_surgery": LateTreatment(
            "surgery", (0.0, 180.0), 0.0055, 0.00115, 0.75, (400, 1800), 0.54, (0.67, 0.84)
        ),
    }
)
# Log hazard of starting and of death for ten years of age more, and for comorbidity.
_STARTS = (-0.15, -0.30)
_DIES = (0.25, 0.45)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """Patients of an example before anything happened to them."""

    age: Real
    ill: Real
    starts: Real
    dies: Real
    first: Real
    second: Real
    life: Real
    censored: Real


def simulated_late_treatment(n: int, seed: int, example: str) -> pd.DataFrame:
    """Patients of one of the `EXAMPLES`, one row each; days are whole.

    Returns
    -------
    DataFrame
        `age_years`, `comorbidity` (no, yes), `time`, `event`, `treated` (boolean) and `start`
        (days; missing where not treated while followed).
    """
    import pandas as pd

    known = _known(example)
    drawn = _draw(n, seed, known)
    start = np.ceil(_started(known, drawn, drawn.first, 0.0))
    death = np.ceil(_death(known, drawn, start))
    time = np.minimum(death, drawn.censored)
    treated = start <= time
    return pd.DataFrame(
        {
            "age_years": drawn.age,
            "comorbidity": pd.Categorical.from_codes(
                drawn.ill.astype(np.int64), pd.Index(["no", "yes"]), ordered=True
            ),
            "time": time,
            "event": death <= drawn.censored,
            "treated": treated,
            "start": np.where(treated, start, np.nan),
        }
    )


def late_treatment_truth(
    example: str, *, grace: float, times: Sequence[float], tau: float, seed: int = 1
) -> Mapping[str, float]:
    """What two strategies would give a million patients, each followed under both to the end.

    Under ``start`` a treatment that has not started by the end of the grace period starts then;
    under ``never_start`` it does not start before, and later as it would have in those not
    treated yet.

    Returns
    -------
    mapping
        ``risk_difference <time>`` and ``rmst_difference`` (start less never), and
        ``hazard_ratio``, that of the treatment given the covariates, which is exact.
    """
    known = _known(example)
    drawn = _draw(PATIENTS_TRUTH, seed, known)
    natural = _started(known, drawn, drawn.first, 0.0)
    late = np.where(natural > grace, natural, _started(known, drawn, drawn.second, grace))
    lives = (_death(known, drawn, np.minimum(natural, grace)), _death(known, drawn, late))
    found = {
        f"risk_difference {time:g}": float(np.mean(lives[0] <= time) - np.mean(lives[1] <= time))
        for time in times
    }
    means = [float(np.minimum(life, tau).mean()) for life in lives]
    found["rmst_difference"] = means[0] - means[1]
    found["hazard_ratio"] = known.hazard_ratio
    return MappingProxyType(found)


def _known(example: str) -> LateTreatment:
    if example not in EXAMPLES:
        names = list(EXAMPLES)
        raise SpecError(
            Problem(
                "example", f"'{example}'", f"Examples: {listed(names)}", suggest(example, names)
            )
        )
    return EXAMPLES[example]


def _draw(n: int, seed: int, known: LateTreatment) -> _Drawn:
    draws = Draws(n, (seed, 11))
    age = np.clip(draws.normal(60, 11), 25, 90)
    ill = draws.chance(0.25).astype(np.float64)
    older = (age - 60) / 10
    return _Drawn(
        age=age,
        ill=ill,
        starts=known.start * np.exp(_STARTS[0] * older + _STARTS[1] * ill),
        dies=known.death * np.exp(_DIES[0] * older + _DIES[1] * ill),
        first=draws.exponential(),
        second=draws.exponential(),
        life=draws.exponential(),
        censored=draws.whole(*known.followed).astype(np.float64),
    )


def _started(known: LateTreatment, drawn: _Drawn, until: Real, after: float) -> Real:
    """Day of the start in the window, after a day; infinite where it does not come."""
    first, last = max(known.window[0], after), known.window[1]
    day = first + until / drawn.starts
    return np.where((day <= last) & (first < last), day, np.inf)


def _death(known: LateTreatment, drawn: _Drawn, start: Real) -> Real:
    """Day of death where the treatment starts on a day."""
    plain = drawn.life / drawn.dies
    spared = np.isfinite(start) & (plain > start)
    since = np.where(spared, start, 0.0)
    return np.where(spared, since + (plain - since) / known.hazard_ratio, plain)
