"""The E-value: how strong an unmeasured confounder would have to be to explain a ratio away."""

from __future__ import annotations

import math

from analyses.results.e_value import NO_LIMITS, EValue, Outcome, Scale
from cohort.errors import AnalysisError, Problem, listed, suggest

COMMON_FROM = 0.15  # share with the event at the end of follow-up above which it is common
SCALES: tuple[Scale, ...] = ("risk_ratio", "hazard_ratio", "odds_ratio")
OUTCOMES: tuple[Outcome, ...] = ("rare", "common")


def e_value(
    ratio: float,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    scale: str = "hazard_ratio",
    outcome: str,
) -> EValue:
    """The least strength that a confounder needs with both the group and the outcome.

    A confounder that explains the ratio away must be associated with the group and with the
    outcome by risk ratios of at least the E-value each, beyond what was adjusted for; a weaker
    one can not. That of the limit is about moving the limit to 1.

    Parameters
    ----------
    ratio, conf_low, conf_high
        Above 0; of a level against its reference (of one contrast: one E-value each).
    scale
        ``hazard_ratio``, ``odds_ratio`` or ``risk_ratio``.
    outcome
        ``rare`` where at most 15 % have the event by the end of follow-up, else ``common``:
        ratios of hazards and odds then are first turned into ratios of risks.

    Returns
    -------
    EValue
        Its `limit` is 1 where the limits hold 1, and None without limits.

    Raises
    ------
    AnalysisError
        For a ratio or limit that is not a finite number above 0, limits that do not hold the
        ratio, one limit alone, and unknown words.

    Notes
    -----
    RR + sqrt(RR (RR - 1)) with RR or its reciprocal, whichever is above 1; common hazard ratios by
    (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1/HR)), common odds ratios by their root. VanderWeele and
    Ding (2017), Ann Intern Med 167, 268-274.

    Checked against the vectors of the R package EValue and its formulas written out in R
    (tests/analyses/test_robustness_numbers.py).
    """
    _require(ratio, (conf_low, conf_high), scale, outcome)
    known_scale = next(word for word in SCALES if word == scale)
    known_outcome = next(word for word in OUTCOMES if word == outcome)
    return _valued(ratio, (conf_low, conf_high), known_scale, known_outcome)


def _valued(
    ratio: float, limits: tuple[float | None, float | None], scale: Scale, outcome: Outcome
) -> EValue:
    risk = as_risk_ratio(ratio, scale, outcome)
    low, high = (
        None if value is None else as_risk_ratio(value, scale, outcome) for value in limits
    )
    nearest = None
    if low is not None and high is not None:
        nearest = 1.0 if low <= 1 <= high else of_risk_ratio(low if risk > 1 else high)
    return EValue(
        ratio=float(ratio),
        conf_low=limits[0],
        conf_high=limits[1],
        scale=scale,
        outcome=outcome,
        risk_ratio=risk,
        risk_ratio_low=low,
        risk_ratio_high=high,
        point=of_risk_ratio(risk),
        limit=nearest,
        reason=NO_LIMITS if nearest is None else None,
    )


def outcome_of(event_share: float) -> Outcome:
    """Whether an outcome that this share of patients have by the end of follow-up is common."""
    return "common" if event_share > COMMON_FROM else "rare"


def as_risk_ratio(ratio: float, scale: Scale, outcome: Outcome) -> float:
    """The ratio of risks that a ratio stands for."""
    if scale == "risk_ratio" or outcome == "rare":
        return float(ratio)
    root = math.sqrt(ratio)
    if scale == "odds_ratio":
        return root
    # -expm1(-x log 2) is 1 - 0.5^x, exact for ratios close to 0 too.
    return math.expm1(-root * math.log(2)) / math.expm1(-math.log(2) / root)


def of_risk_ratio(ratio: float) -> float:
    """The E-value of a ratio of risks."""
    away = max(ratio, 1.0 / ratio)
    return away + math.sqrt(away * (away - 1.0))


def _require(
    ratio: float, limits: tuple[float | None, float | None], scale: str, outcome: str
) -> None:
    problems = []
    given = [value for value in (ratio, *limits) if value is not None]
    if not all(math.isfinite(value) and value > 0 for value in given):
        problems.append(Problem("e_value", f"{listed(map(str, given))}", "Finite ratios above 0"))
    elif (limits[0] is None) != (limits[1] is None):
        problems.append(Problem("e_value: limits", "one of the two", "Both, or neither"))
    elif len(given) == 3 and not given[1] <= given[0] <= given[2]:
        found = f"{given[1]:g} to {given[2]:g} does not hold {given[0]:g}"
        problems.append(Problem("e_value: limits", found, "The lower limit first"))
    for name, word, known in (("scale", scale, SCALES), ("outcome", outcome, OUTCOMES)):
        if word not in known:
            allowed = f"Allowed: {listed(known)}"
            problems.append(Problem(f"e_value: {name}", repr(word), allowed, suggest(word, known)))
    if problems:
        raise AnalysisError(problems)
