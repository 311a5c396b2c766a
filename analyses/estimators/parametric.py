"""Parametric accelerated failure time models: time ratios under five distributions of time.

Weibull, log-normal, log-logistic, generalised gamma (Prentice, 1974) and flexible splines
(Crowther, Royston and Clements, 2022). The models are those of lifelines 0.30, which the tests
hold every likelihood against, but its optimiser is not used: it leaves coefficients right to
three digits, ends on R's `veteran` for the generalised gamma at -722.35, below the log-normal
model within it (-720.63), does not end for splines, and takes minutes for 20,000 patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.estimators.cox_rows import Design
from analyses.estimators.parametric_fit import Told, told
from analyses.estimators.parametric_rows import SOURCE, prepared
from analyses.estimators.parametric_search import found
from analyses.estimators.survival_data import survival_data
from analyses.estimators.terms import TermSpec, declared
from analyses.results.failure import Failure
from analyses.results.lifetimes import FAMILIES, Family, ParametricFit
from analyses.results.parametric import ParametricSurvival
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

FEW_EVENTS = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """How the models are to be fitted: everything but the data and the terms."""

    families: tuple[Family, ...]
    entry: str | None
    weights: str | None
    zero_as: float | None
    conf_level: float


def parametric_survival(
    data: Any,
    *,
    time: str,
    event: str,
    terms: Sequence[TermSpec] = (),
    distributions: str | Sequence[str] = FAMILIES,
    entry: str | None = None,
    weights: str | None = None,
    zero_as: float | None = None,
    conf_level: float = 0.95,
) -> ParametricSurvival:
    """How many times longer or shorter patients live, under each distribution, and which fits.

    Parameters
    ----------
    data, time, event, terms, entry
        As in `cox`; without terms the distribution of everybody's time.
    distributions
        One or several of ``weibull``, ``lognormal``, ``loglogistic``, ``generalised_gamma`` and
        ``spline`` (a log cumulative hazard with 4 knots at the 5th to 95th percentile of the log
        event times). Of several, that of the lowest Akaike criterion is shown first.
    weights
        Whole numbers above 0, which count identical patients. Others are refused: the variance
        of such a model is not that of weighted patients.
    zero_as
        The time that stands in for 0 (say half a month), at which none of these distributions
        has a density. Where not given, patients censored at 0 are left out (they tell nothing)
        and counted; an event at 0 is an error.

    Returns
    -------
    ParametricSurvival
        Rows without a value in any column are left out and counted. A distribution whose
        likelihood has no maximum is a Failure; the others stand. So is a level without events,
        whose time ratio is infinite: its patients are left out and counted, since they do not
        bear on the rest.

    Raises
    ------
    AnalysisError
        As `cox`; for a reference or a combination of levels without events (an infinite time
        ratio), an event at time 0, and where no distribution asked for could be fitted.

    Notes
    -----
    Limits are normal on the log time scale. A curve laid over Kaplan-Meier is the mean of the
    group's patients' own. Checked against `survreg` of R's survival, and for the generalised
    gamma, splines and entry a maximisation in R: tests/analyses/test_parametric.py.
    """
    asked = Asked(
        _families(distributions, conf_level, zero_as), entry, weights, zero_as, conf_level
    )
    return _compared(data, time, event, terms, asked)


def _compared(
    data: Any, time: str, event: str, terms: Sequence[TermSpec], asked: Asked
) -> ParametricSurvival:
    """The models of checked rows."""
    wanted = declared(terms) if len(terms) else ()
    names = list(dict.fromkeys(name for term in wanted for name in term.columns))
    rows = survival_data(
        data, time=time, event=event, entry=asked.entry, weights=asked.weights, others=names
    )
    columns = (time, event, asked.weights)
    ready = prepared(rows, wanted, columns, asked.zero_as, asked.conf_level)
    fits, failures = _fitted(asked.families, ready.told)
    most = max(fit.n_parameters for fit in fits)
    design = ready.told.design
    return ParametricSurvival(
        fits=fits,
        chosen_family=min(fits, key=lambda fit: fit.aic).family,
        chosen_by="asked" if len(asked.families) == 1 else "aic",
        failures=(*ready.failures, *failures),
        observed=ready.told.observed,
        terms=ready.told.terms,
        n=design.n_all,
        n_event=design.n_event_all,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        n_at_zero=ready.n_zero,
        n_eventless=ready.n_eventless,
        zero_as=asked.zero_as,
        entry=asked.entry,
        weights=asked.weights,
        conf_level=asked.conf_level,
        findings=(*ready.findings, *_few_events(design.n_event_all, most)),
    )


def _fitted(
    asked: tuple[Family, ...], of: Told
) -> tuple[tuple[ParametricFit, ...], tuple[Failure, ...]]:
    """The models that have a maximum, and why the others have none."""
    fits, failures = [], []
    for family in asked:
        try:
            fits.append(told(found(family, of.rows), of))
        except AnalysisError as error:
            failures.append(_failure(family, error, of.design))
    if not fits:
        raise AnalysisError(
            Problem(f"{f.group} model", f.reason, advice=f.advice) for f in failures
        )
    return tuple(fits), tuple(failures)


def _families(
    distributions: str | Sequence[str], conf_level: float, zero_as: float | None
) -> tuple[Family, ...]:
    """The distributions asked for, every mistake in the arguments listed."""
    given = (distributions,) if isinstance(distributions, str) else tuple(distributions)
    problems = [
        Problem(
            "parametric: distributions",
            f"'{name}'",
            f"Allowed: {listed(FAMILIES)}",
            suggest(str(name), FAMILIES),
        )
        for name in given
        if name not in FAMILIES
    ]
    if not given:
        problems.append(
            Problem("parametric: distributions", "none", f"Allowed: {listed(FAMILIES)}")
        )
    if not 0 < conf_level < 1:
        problems.append(
            Problem("parametric: conf_level", f"{conf_level!r}", "Allowed: between 0 and 1")
        )
    if zero_as is not None and not 0 < zero_as < np.inf:
        problems.append(Problem("parametric: zero_as", f"{zero_as!r}", "Allowed: above 0"))
    if problems:
        raise AnalysisError(problems)
    return tuple(family for family in FAMILIES if family in given)


def _failure(family: str, error: AnalysisError, design: Design) -> Failure:
    first = error.problems[0]
    return Failure(
        analysis=SOURCE,
        kind=SOURCE,
        group=family,
        term="",
        reason=first.found,
        n=design.n_all,
        n_event=design.n_event_all,
        advice=first.advice or first.allowed,
    )


def _few_events(events: int, parameters: int) -> tuple[Finding, ...]:
    if events >= FEW_EVENTS * parameters:
        return ()
    advice = (
        f"{events} events for up to {parameters} parameters, fewer than {FEW_EVENTS} for each: "
        "estimates may be biased and limits too narrow. Use fewer terms."
    )
    value = f"{events} events, {parameters} parameters"
    return (Finding("warning", SOURCE, "", value, "few_events_per_parameter", events, advice),)
