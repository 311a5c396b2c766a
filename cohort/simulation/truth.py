"""The hazard ratios that a simulated registry holds, and the follow-up made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from cohort.errors import Problem, SpecError, listed, suggest
from cohort.simulation.draws import Real, Whole

if TYPE_CHECKING:
    import pandas as pd

    from cohort.simulation.patients import Tumour

HazardRatios = Mapping[str, float | Mapping[str, float]]

# Baseline hazard: Weibull, for a woman of 60 with a HER2-zero, grade 1, stage I, receptor-positive
# tumour and no other disease. The scale is set so that about a fifth of 4,000 patients die.
SHAPE = 1.15
SCALE_YEARS = 46.0
CENTRE_AGE = 60.0


@dataclass(frozen=True, slots=True)
class Effect:
    """One true hazard ratio: of a level against its reference, or for so many units more."""

    term: str
    level: str | None
    reference: str | None
    per: float | None
    hazard_ratio: float

    @property
    def key(self) -> str:
        """The word that stands for it in a hand-written table: the level, or the unit step."""
        return self.term if self.level is None else self.level


EFFECTS = (
    Effect("her2_status", "low", "zero", None, 0.93),
    Effect("her2_status", "positive", "zero", None, 0.88),
    Effect("age_years", None, None, 10.0, 1.42),
    Effect("grade", "2", "1", None, 1.25),
    Effect("grade", "3", "1", None, 1.70),
    Effect("stage", "0", "I", None, 0.60),
    Effect("stage", "II", "I", None, 1.60),
    Effect("stage", "III", "I", None, 3.00),
    Effect("stage", "IV", "I", None, 9.00),
    Effect("hr_status", "negative", "positive", None, 1.60),
    Effect("comorbidity_index", "1", "0", None, 1.35),
    Effect("comorbidity_index", "2", "0", None, 1.80),
    Effect("comorbidity_index", "3+", "0", None, 2.40),
)
# The default truth by (term, level); a number stands with no level, for its step (age: 10 years).
HAZARD_RATIOS: Mapping[tuple[str, str | None], float] = MappingProxyType(
    {(effect.term, effect.level): effect.hazard_ratio for effect in EFFECTS}
)


def simulated_truth(hazard_ratios: HazardRatios | None = None) -> pd.DataFrame:
    """The true hazard ratios behind a simulated registry, one row a term and level.

    Parameters
    ----------
    hazard_ratios
        The same departures from the defaults as given to `simulate`.

    Returns
    -------
    DataFrame
        `term`, `level`, `reference` (canonical columns and their levels), `per` (units of a
        number), `hazard_ratio`, and `estimate`, its logarithm. They hold exactly and at every
        time (proportional hazards) in the model of all these terms together; a model of fewer
        terms has another truth, since a hazard ratio is not collapsible.

    Raises
    ------
    SpecError
        For a term or level that does not exist, or a hazard ratio that is not positive.
    """
    import pandas as pd

    rows = [
        {
            "term": effect.term,
            "level": effect.level,
            "reference": effect.reference,
            "per": effect.per,
            "hazard_ratio": effect.hazard_ratio,
            "estimate": math.log(effect.hazard_ratio),
        }
        for effect in effects(hazard_ratios)
    ]
    return pd.DataFrame(rows)


def effects(hazard_ratios: HazardRatios | None = None) -> tuple[Effect, ...]:
    """The default effects with those of `hazard_ratios` in their place, checked."""
    given = {term: _levels(term, value) for term, value in (hazard_ratios or {}).items()}
    problems = [problem for term, levels in given.items() for problem in _wrong(term, levels)]
    if problems:
        raise SpecError(problems)
    return tuple(
        replace(
            effect, hazard_ratio=given.get(effect.term, {}).get(effect.key, effect.hazard_ratio)
        )
        for effect in EFFECTS
    )


def _levels(term: str, value: float | Mapping[str, float]) -> Mapping[str, float]:
    """Hazard ratios by level; that of a number stands under the term's own name."""
    return value if isinstance(value, Mapping) else {term: value}


def _wrong(term: str, levels: Mapping[str, float]) -> list[Problem]:
    """What cannot be simulated in the hazard ratios of one term."""
    terms = list(dict.fromkeys(effect.term for effect in EFFECTS))
    where = f"hazard_ratios['{term}']"
    if term not in terms:
        allowed = f"Terms: {listed(terms)}"
        return [Problem(where, "no such term", allowed, suggest(term, terms))]
    known = [effect.key for effect in EFFECTS if effect.term == term]
    problems = []
    for level, ratio in levels.items():
        if level not in known:
            allowed = f"Levels with a hazard ratio: {listed(known)}"
            problems.append(
                Problem(where, f"'{level}' is not a level", allowed, suggest(level, known))
            )
        elif not (math.isfinite(ratio) and ratio > 0):
            problems.append(Problem(where, f"{ratio!r} for '{level}'", "a positive number"))
    return problems


def log_hazard(age: Real, comorbidity: Whole, tumour: Tumour, truth: Sequence[Effect]) -> Real:
    """Log hazard of each patient against the baseline patient."""
    codes = {
        "her2_status": (tumour.her2, ("zero", "low", "positive")),
        "grade": (tumour.grade - 1, ("1", "2", "3")),
        "stage": (tumour.stage, ("0", "I", "II", "III", "IV")),
        "hr_status": (tumour.hr_positive.astype(np.int64), ("negative", "positive")),
        "comorbidity_index": (comorbidity, ("0", "1", "2", "3+")),
    }
    total = np.zeros(len(age))
    for effect in truth:
        step = math.log(effect.hazard_ratio)
        if effect.per is not None:
            total += step * (age - CENTRE_AGE) / effect.per
        elif effect.level is not None:
            values, levels = codes[effect.term]
            total += np.where(values == levels.index(effect.level), step, 0.0)
    return total


def days_to_death(log_hazards: Real, standard_exponential: Real) -> Real:
    """Days from diagnosis to death under the Weibull baseline: whole days are what is recorded."""
    years = SCALE_YEARS * (standard_exponential * np.exp(-log_hazards)) ** (1 / SHAPE)
    days: Real = years * 365.25
    return days
