"""Combinations of a Cox model's coefficients, and joint Wald tests of several terms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc

from analyses.kernels.newton import solved
from analyses.kernels.wald import wald
from analyses.results.coefficient import Coefficient, ModelTest
from cohort.errors import AnalysisError, Problem, listed, suggest

if TYPE_CHECKING:
    from analyses.results.cox import CoxModel
    from analyses.results.terms import Term

Weights = Mapping[str | tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Combination:
    """A weighted sum of log hazard ratios with its Wald test and normal limits.

    `statistic`, `p_value` and limits are None, with a `reason`, where the sum has no variance.
    """

    weights: tuple[tuple[str, str | None, float], ...]
    estimate: float
    std_error: float
    statistic: float | None
    p_value: float | None
    conf_low: float | None
    conf_high: float | None
    reason: str | None = None

    @property
    def hazard_ratio(self) -> tuple[float, float | None, float | None]:
        """Off the logarithmic scale."""
        low, high = (None if v is None else math.exp(v) for v in (self.conf_low, self.conf_high))
        return (math.exp(self.estimate), low, high)


def combination(model: CoxModel, weights: Weights) -> Combination:
    """See `CoxModel.contrast`."""
    named = [
        (key, None, float(weight)) if isinstance(key, str) else (key[0], key[1], float(weight))
        for key, weight in weights.items()
    ]
    if not named or not all(math.isfinite(weight) for *_, weight in named):
        raise AnalysisError(Problem("contrast", "no weights, or weights that are not finite"))
    places = {(c.term, c.level): i for i, c in enumerate(model.estimated)}
    at = np.zeros(len(places))
    for term, level, weight in named:
        c = _coefficient(model, term, level)
        if not c.is_reference:
            at[places[term, level]] += weight
    beta = np.array([c.estimate for c in model.estimated], dtype=float)
    estimate, variance = float(at @ beta), float(at @ model.covariance @ at)
    if variance <= 0:
        why = "nothing is compared: all weight is on references"
        return Combination(tuple(named), estimate, 0.0, None, None, None, None, why)
    error = math.sqrt(variance)
    test = wald(estimate, error, model.conf_level)
    return Combination(
        tuple(named), estimate, error, test.statistic, test.p_value, test.low, test.high
    )


def joint(model: CoxModel, terms: str | Sequence[str]) -> ModelTest:
    """See `CoxModel.wald`."""
    names = [terms] if isinstance(terms, str) else list(terms)
    known = [term.name for term in model.terms]
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        found = f"not among the terms: {listed(wrong)}" if wrong else "no term was named"
        advice = suggest(wrong[0], known) if wrong else ""
        raise AnalysisError(Problem("wald", found, f"Terms: {listed(known)}", advice))
    test = at_places(model, [i for i, c in enumerate(model.estimated) if c.term in names])
    if test is None:
        found = f"no coefficient of {listed(names)} is estimated"
        raise AnalysisError(Problem("wald", found, advice="See the model's failures."))
    return test


def constancy(model: CoxModel, name: str) -> ModelTest | None:
    """Wald test that a term over time has the same coefficient at every time; None if it has none.

    Of a term with periods: that those of each level do not differ. Else that the coefficients of
    its product with the logarithm of time are 0.
    """
    term = next(t for t in model.terms if t.name == name)
    own = {c.level: i for i, c in enumerate(model.estimated) if c.term == name}
    if not term.cuts:
        late = [label for (label, _), (*_, when) in _timed(term) if when]
        return at_places(model, [own[label] for label in late if label in own])
    levels: dict[str | None, list[int]] = {}
    for (label, _), (level, *_) in _timed(term):
        if label in own:
            levels.setdefault(level, []).append(own[label])
    pairs = [pair for places in levels.values() for pair in pairwise(places)]
    if not pairs:
        return None
    lines = np.zeros((len(pairs), len(model.estimated)))
    for line, (before, after) in zip(lines, pairs, strict=True):
        line[before], line[after] = -1.0, 1.0
    beta = lines @ np.array([c.estimate for c in model.estimated], dtype=float)
    weighed = solved(lines @ model.covariance @ lines.T, beta)
    if weighed is None:
        return None
    statistic = max(float(beta @ weighed), 0.0)
    return ModelTest("wald", statistic, len(beta), float(chdtrc(len(beta), statistic)))


def _timed(term: Term) -> Iterator[tuple[Any, Any]]:
    """The label of each column of a term over time, with its level and period."""
    return zip(term.labels, term.in_time, strict=True)


def at_places(model: CoxModel, places: Sequence[int]) -> ModelTest | None:
    """Wald test that these of the estimated coefficients are all 0; None where there is none."""
    if not len(places):
        return None
    beta = np.array([model.estimated[i].estimate for i in places], dtype=float)
    weighed = solved(model.covariance[np.ix_(places, places)], beta)
    if weighed is None:
        return None
    statistic = max(float(beta @ weighed), 0.0)
    return ModelTest("wald", statistic, len(beta), float(chdtrc(len(beta), statistic)))


def _coefficient(model: CoxModel, term: str, level: str | None) -> Coefficient:
    """The coefficient so named, which must have an estimate."""
    own = [c for c in model.coefficients if c.term == term]
    if not own:
        known = [t.name for t in model.terms]
        found = f"'{term}' is not a term"
        raise AnalysisError(
            Problem("contrast", found, f"Terms: {listed(known)}", suggest(term, known))
        )
    for c in own:
        if c.level == level:
            if c.estimate is None:
                raise AnalysisError(Problem(f"contrast: {term}={level}", str(c.reason)))
            return c
    levels = [str(c.level) for c in own if c.level is not None]
    found = f"'{level}' is not one of its levels" if level else "a level must be named"
    allowed = f"Levels: {listed(levels)}" if levels else "A number has no levels: name the term."
    raise AnalysisError(
        Problem(f"contrast: term '{term}'", found, allowed, suggest(level or "", levels))
    )
