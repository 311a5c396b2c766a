"""From a maximised likelihood to what a reader sees: coefficients, tests, baseline, failures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri

from analyses.estimators.cox_fit import Fit, linear_predictor
from analyses.estimators.cox_rows import Design, Followed
from analyses.kernels import cox as kernel
from analyses.kernels.concordance import count_pairs, standard_error
from analyses.kernels.newton import aliased, solved
from analyses.results.baseline import Baseline
from analyses.results.coefficient import (
    REFERENCE,
    Coefficient,
    Concordance,
    ModelTest,
    TestName,
)
from analyses.results.failure import Failure
from analyses.results.frozen import Array, frozen
from analyses.results.terms import Term
from cohort.table import Finding

Places = npt.NDArray[np.intp]
FEW_EVENTS = 10  # events a parameter below which estimates and limits are not to be relied on


def summarised(
    terms: tuple[Term, ...], fitted: Fit, covariance: Array, conf_level: float
) -> tuple[Coefficient, ...]:
    """One row a level or number, references included, in the order of the terms."""
    design = fitted.rows.design
    errors = np.full(len(fitted.beta), np.nan)
    errors[fitted.reported] = np.sqrt(np.diag(covariance))
    quantile = float(ndtri((1 + conf_level) / 2))
    result = []
    first = 0
    for term in terms:
        width = len(term.labels)
        own = slice(first, first + width)
        columns = iter(range(first, first + width))
        first += width
        labels = dict(term.labels) if term.kind == "category" else None
        for level, reference in _rows(term):
            if labels is not None and level == term.reference:
                result.append(_reference(term, design, own))
            else:
                place = next(columns)
                result.append(
                    _coefficient(term, level, reference, fitted, place, errors[place], quantile)
                )
    return tuple(result)


def _rows(term: Term) -> Iterator[tuple[str | None, str | None]]:
    """(level, reference) of each row: the columns of a term, and a category's reference."""
    if term.kind == "category":
        yield from ((level, term.reference) for level in term.levels)
    else:
        yield from term.labels


def _reference(term: Term, design: Design, own: slice) -> Coefficient:
    return Coefficient(
        term=term.name,
        level=term.reference,
        reference=term.reference,
        per=None,
        n=design.n_all - int(design.n[own].sum()),
        n_event=design.n_event_all - int(design.n_event[own].sum()),
        estimate=0.0,
        reason=REFERENCE,
    )


def _coefficient(
    term: Term,
    level: str | None,
    reference: str | None,
    fitted: Fit,
    place: int,
    error: float,
    quantile: float,
) -> Coefficient:
    design = fitted.rows.design
    n, n_event, per = int(design.n[place]), int(design.n_event[place]), _per(term)
    if place in fitted.unreported:
        why = fitted.unreported[place][0]
        return Coefficient(
            term.name, level, reference, per, n, n_event, status="not_estimable", reason=why
        )
    estimate, error = float(fitted.beta[place]), float(error)
    z = estimate / error
    return Coefficient(
        term.name,
        level,
        reference,
        per,
        n,
        n_event,
        estimate,
        error,
        z,
        float(2 * ndtr(-abs(z))),
        estimate - quantile * error,
        estimate + quantile * error,
    )


def _per(term: Term) -> float | None:
    """Units that one step of the coefficient means; None for a category."""
    if term.kind == "interaction":
        scales = [scale for scale in map(_per, term.parts) if scale is not None]
        return float(np.prod(scales)) if scales else None
    if term.kind == "over_time":
        return _per(term.parts[0])
    return None if term.kind == "category" else term.per


def model_tests(fitted: Fit, covariance: Array, *, likelihood_holds: bool) -> tuple[ModelTest, ...]:
    """Tests that no counted coefficient differs from zero; Wald over those that are reported."""
    tests = []
    df = int(fitted.counted.sum())
    if likelihood_holds and df:
        gain = 2 * (fitted.at.log_likelihood - fitted.null.log_likelihood)
        tests.append(_test("likelihood_ratio", gain, df))
    beta = fitted.beta[fitted.reported]
    # With fewer clusters than coefficients the robust variance has directions without any.
    weighed = None if aliased(covariance) else solved(covariance, beta)
    if len(beta) and weighed is not None:
        tests.append(_test("wald", float(beta @ weighed), len(beta)))
    if likelihood_holds and df:
        score = fitted.null.score[fitted.counted]
        own = fitted.null.information[np.ix_(fitted.counted, fitted.counted)]
        weighed = solved(own, score)
        assert weighed is not None  # dependent columns were refused before the fit
        tests.append(_test("score", float(score @ weighed), df))
    return tuple(tests)


def _test(name: TestName, statistic: float, df: int) -> ModelTest:
    statistic = max(float(statistic), 0.0)
    return ModelTest(name, statistic, df, float(chdtrc(df, statistic)))


def concordance(
    fitted: Fit, followed: Followed, cluster: Places | None, *, as_counts: bool
) -> Concordance:
    """Concordance of the linear predictor over all rows, those that left the risk sets too."""
    weight = followed.weight if followed.count is None else followed.count
    pairs = count_pairs(
        linear_predictor(fitted),
        followed.event,
        followed.last,
        fitted.rows.grid.start,
        followed.stratum,
        followed.before,
        weight,
    )
    tied_xy = pairs.tied_xy
    if followed.count is not None:  # pairs of patients of one row: alike, their events tied
        deaths = followed.count[followed.event]
        tied_xy += float((deaths * (deaths - 1)).sum() / 2)
    counts = (pairs.concordant, pairs.discordant, pairs.tied_x, pairs.tied_y, tied_xy)
    total = sum(counts[:3])
    if total <= 0:
        return Concordance(None, None, *counts)
    estimate = (pairs.concordant + pairs.tied_x / 2) / total
    error = standard_error(pairs, weight, cluster, as_counts=as_counts)
    return Concordance(estimate, error, *counts)


def baseline(fitted: Fit, strata_levels: tuple[str, ...]) -> Baseline:
    """Cumulative hazard of the fitted model, by stratum."""
    grid, followed, centre = fitted.rows.grid, fitted.rows.followed, fitted.rows.design.centre
    step = fitted.at.steps
    means = kernel.hazard_means(fitted.at)[0] + step.hazard[:, None] * centre
    last = np.full(len(strata_levels), -np.inf)
    np.maximum.at(last, followed.stratum, followed.exit)
    stratum = grid.stratum.copy()
    stratum.setflags(write=False)
    return Baseline(
        strata=strata_levels,
        last_time=frozen(last),
        stratum=stratum,
        time=frozen(grid.time),
        hazard_at_means=frozen(grid.cumulated(step.hazard)),
        log_ratio=-np.inf
        if fitted.reference_away
        else -float(centre @ fitted.beta) - fitted.rows.shift,
        variance=frozen(grid.cumulated(step.square)),
        mean_covariates=frozen(grid.cumulated(means[:, fitted.reported])),
    )


def few_events(fitted: Fit) -> tuple[Finding, ...]:
    """A warning where there are fewer than ten events for each parameter."""
    events = fitted.rows.design.n_event_all
    parameters = int(fitted.counted.sum())
    if events >= FEW_EVENTS * parameters:
        return ()
    advice = (
        f"{events} events for {parameters} parameters, fewer than {FEW_EVENTS} for each: "
        "estimates may be biased and limits too narrow. Use fewer terms."
    )
    value = f"{events} events, {parameters} parameters"
    return (Finding("warning", "cox", "", value, "few_events_per_parameter", events, advice),)


def failures(
    terms: tuple[Term, ...], coefficients: tuple[Coefficient, ...], fitted: Fit
) -> tuple[Failure, ...]:
    """What was asked for and does not exist, with the patients, the events and what to try."""
    advice = [fitted.unreported[place][1] for place in sorted(fitted.unreported)]
    missing = [c for c in coefficients if c.status == "not_estimable"]
    found = [
        Failure("cox", "cox", c.level or "", c.term, c.reason or "", c.n, c.n_event, text)
        for c, text in zip(missing, advice, strict=True)
    ]
    design = fitted.rows.design
    alone = [term for term in terms if term.kind == "category" and not term.labels]
    found += [
        Failure(
            "cox",
            "cox",
            term.levels[0],
            term.name,
            f"every complete row is at the level '{term.levels[0]}'",
            design.n_all,
            design.n_event_all,
            "There is nothing to compare: widen the selection, or leave the term out.",
        )
        for term in alone
    ]
    return tuple(found)
