"""Regression of the excess hazard, by the full likelihood with a baseline constant by interval."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analyses.estimators.cox_design import design_of, named_columns
from analyses.estimators.cox_rows import Design
from analyses.estimators.expected_mortality import (
    UNITS,
    YEAR_DAYS,
    expected_of,
    in_days,
    require_race,
)
from analyses.estimators.relative_survival import among_known, require_options
from analyses.estimators.survival_data import SurvivalData, as_pandas, survival_data
from analyses.estimators.terms import TermSpec, declared, learn
from analyses.kernels.excess_hazard import Fitted, Rows, maximise
from analyses.kernels.net_survival import hazards_at
from analyses.kernels.newton import aliased
from analyses.kernels.wald import wald
from analyses.results.coefficient import REFERENCE, Coefficient
from analyses.results.excess_hazard import ExcessHazard, Interval
from analyses.results.frozen import Array, frozen
from analyses.results.life_table import LifeTable
from analyses.results.terms import Term, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

SOURCE = "excess_hazard"
FEWEST_YEARS = 5
FEW_EVENTS = 10


def excess_hazard(
    data: Any,
    *,
    time: str,
    event: str,
    terms: Sequence[TermSpec],
    life_table: LifeTable,
    age: str,
    sex: str,
    year: str,
    race: str | None = None,
    cuts: Sequence[float] | None = None,
    unit: str = "days",
    conf_level: float = 0.95,
) -> ExcessHazard:
    """How terms multiply the excess hazard: deaths beyond those that the population has.

    Parameters
    ----------
    data, time, event, life_table, age, sex, year, race, unit
        As in `relative_survival`.
    terms
        As in `cox`; no terms over time.
    cuts
        Ends of the intervals in which the baseline excess hazard is constant, in the unit of
        `time`; one, two, ... five years where not given, as deaths go. One outside is warned of.

    Returns
    -------
    ExcessHazard
        Log excess hazard ratios with limits, and the baseline by interval. Rows without a value,
        or unknown to the life table, are left out and counted.

    Raises
    ------
    AnalysisError
        An interval without a death; columns constant or determined by others; a model that runs
        off, its terms named.

    Notes
    -----
    Esteve et al. (1990), Dickman et al. (2004): full likelihood of expected hazard + exp(baseline
    + terms), variance from the observed information. Checked against relsurv's
    ``rsadd(method = "max.lik")``, and by hand: tests/analyses/test_excess_hazard.py.
    """
    require_options(unit, conf_level)
    require_race(life_table, race)
    columns = (age, sex, year, *((race,) if race else ()))
    wanted = declared(terms)
    known, missing, findings = among_known(as_pandas(data), life_table, columns)
    others = [*columns, *(name for term in wanted for name in term.columns)]
    rows = survival_data(known, time=time, event=event, others=list(dict.fromkeys(others)))
    learnt, noted = learn(wanted, rows.frame)
    made = _fitted(rows, learnt, life_table, columns, cuts, unit, conf_level)
    return replace(
        made,
        n_input=rows.n_input + sum(n for _, n in missing),
        n_missing=(*rows.n_missing, *missing),
        findings=(*findings, *noted, *made.findings),
    )


def _fitted(
    rows: SurvivalData,
    terms: tuple[Term, ...],
    table: LifeTable,
    columns: tuple[str, ...],
    cuts: Sequence[float] | None,
    unit: str,
    conf_level: float,
) -> ExcessHazard:
    """The model of complete rows."""
    days = in_days(rows.time, unit)
    expected = expected_of(table, rows.frame, columns, days)
    hazard = hazards_at(expected.table, expected.stratum, expected.age, expected.year, days)
    edges = _edges(cuts, rows, days, UNITS[unit])
    ready, design, size = _ready(rows, terms, days / YEAR_DAYS, hazard * YEAR_DAYS, edges)
    fitted = maximise(ready, _start(ready))
    _require_fit(fitted, design, edges)
    # The design was centred and scaled for the search: take its own units again.
    turn = np.diag(np.concatenate([1 / size, np.ones(len(edges) - 1)]))
    turn[len(size) :, : len(size)] = -design.centre / size
    theta = turn @ fitted.theta
    covariance = turn @ np.linalg.inv(fitted.at.information) @ turn.T
    return ExcessHazard(
        coefficients=_coefficients(terms, design, theta, covariance, conf_level),
        baseline=_baseline(ready, edges / UNITS[unit] * YEAR_DAYS, theta, covariance, conf_level),
        covariance=frozen(covariance),
        log_likelihood=fitted.at.log_likelihood,
        terms=terms,
        unit=unit,
        conf_level=conf_level,
        iterations=fitted.iterations,
        n=rows.n,
        n_event=int(rows.event.sum()),
        n_input=rows.n,
        n_missing=(),
        findings=(
            *expected.findings,
            *_beyond(cuts, rows),
            *_few(int(rows.event.sum()), len(theta)),
        ),
    )


def _few(n_event: int, n_parameters: int) -> tuple[Finding, ...]:
    """A warning of fewer than ten deaths for each parameter, baselines among them."""
    if n_event >= FEW_EVENTS * n_parameters:
        return ()
    advice = (
        f"{n_event} deaths for {n_parameters} parameters (terms and baselines), and only a part of "
        "them is excess: fewer terms or intervals can be relied on."
    )
    return (Finding("warning", SOURCE, "", "", "few_events", n_event, advice, "death"),)


def _edges(cuts: Sequence[float] | None, rows: SurvivalData, days: Array, factor: float) -> Array:
    """Ends of the intervals in years, from 0 to the last; AnalysisError without deaths."""
    years = days / YEAR_DAYS
    last = float(years.max())
    deaths = years[rows.event]
    if not len(deaths):
        found = f"none of the {rows.n} complete rows has an event"
        raise AnalysisError(Problem(SOURCE, found, advice="An excess needs deaths."))
    if cuts is None:
        inner = [float(k) for k in range(1, FEWEST_YEARS + 1) if (deaths > k).any()]
        edges = np.array([0.0, *inner, last])
        counts = _deaths_within(edges, deaths)
        # Years without a death join the one before.
        keep = [i for i in range(1, len(edges) - 1) if counts[i - 1] > 0]
        return np.concatenate([[0.0], edges[keep], [last]])
    inner = sorted(float(cut) * factor / YEAR_DAYS for cut in cuts)
    inner = [cut for cut in inner if 0 < cut < last]
    edges = np.array([0.0, *inner, last])
    counts = _deaths_within(edges, deaths)
    empty = [
        f"{a:g} to {b:g} years" for (a, b), k in zip(_pairs(edges), counts, strict=True) if not k
    ]
    if empty:
        advice = "Leave out the cut before or after it."
        raise AnalysisError(
            Problem(f"{SOURCE}: cuts", f"no death in {listed(empty)}", advice=advice)
        )
    return edges


def _deaths_within(edges: Array, deaths: Array) -> list[int]:
    """Deaths of each interval as the fit has them: after its start, up to and with its end."""
    places = np.clip(np.searchsorted(edges, deaths, side="left") - 1, 0, len(edges) - 2)
    return [int(n) for n in np.bincount(places, minlength=len(edges) - 1)]


def _beyond(cuts: Sequence[float] | None, rows: SurvivalData) -> tuple[Finding, ...]:
    """A warning of cuts that part nothing, since nobody is followed on both sides of them."""
    last = float(rows.time.max())
    unused = [float(cut) for cut in cuts or () if not 0 < cut < last]
    if not unused:
        return ()
    advice = (
        f"No follow-up lies on both sides of {listed(f'{cut:g}' for cut in unused)} (it goes from "
        f"0 to {last:g}): the baseline is not cut there."
    )
    return (Finding("warning", SOURCE, "", "", "cuts_outside", len(unused), advice, "cut"),)


def _pairs(edges: Array) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in itertools.pairwise(edges)]


def _ready(
    rows: SurvivalData, terms: tuple[Term, ...], years: Array, hazard: Array, edges: Array
) -> tuple[Rows, Design, Array]:
    """The rows as the kernel takes them, the design centred and scaled."""
    columns = columns_of(terms, rows.frame)
    design = design_of(terms, columns, rows.event, None)
    matrix = design_matrix(columns, rows.n) - design.centre
    size = np.where(design.spread > 0, design.spread, 1.0)
    names = named_columns(terms)[0]
    problems = [
        Problem(f"term '{names[i]}'", "the same in every row", advice="Leave the term out.")
        for i in np.flatnonzero(design.spread <= 1e-12 * np.maximum(design.reach, 1e-300))
    ]
    matrix = matrix / size
    if not problems and len(names):
        problems = [
            Problem(
                f"term '{names[column]}'",
                f"determined by {listed(names[o] for o in other)}",
                advice="Leave one of them out.",
            )
            for column, other in aliased(matrix.T @ matrix)
        ]
    if problems:
        raise AnalysisError(problems)
    spent = np.clip(years[:, None] - edges[None, :-1], 0.0, np.diff(edges)[None, :])
    interval = np.clip(np.searchsorted(edges, years, side="left") - 1, 0, len(edges) - 2)
    return Rows(matrix, spent, interval.astype(np.intp), rows.event, hazard), design, size


def _start(rows: Rows) -> Array:
    """No effects, and half of the deaths of an interval taken as excess."""
    deaths = np.bincount(rows.interval[rows.event], minlength=rows.spent.shape[1])
    baseline = np.log(np.maximum(deaths, 0.5) / 2 / np.maximum(rows.spent.sum(axis=0), 1e-12))
    return np.concatenate([np.zeros(rows.design.shape[1]), baseline])


def _require_fit(fitted: Fitted, design: Design, edges: Array) -> None:
    """AnalysisError for a search that ran off, with what ran."""
    if fitted.converged:
        return
    names = [*design.names, *(f"baseline {a:g} to {b:g} years" for a, b in _pairs(edges))]
    moving = [name for name, runs in zip(names, fitted.moving, strict=True) if runs]
    raise AnalysisError(
        Problem(
            SOURCE,
            f"no finite estimate: {listed(moving) or 'the search did not end'}",
            advice="There may be no more deaths than the population has: merge levels or "
            "intervals, or leave the term out.",
        )
    )


def _coefficients(
    terms: tuple[Term, ...], design: Design, theta: Array, covariance: Array, conf_level: float
) -> tuple[Coefficient, ...]:
    """One row a level or number, references included, in the order of the terms."""
    result: list[Coefficient] = []
    place = 0
    for term in terms:
        own = slice(place, place + len(term.labels))
        rows = term.labels
        if term.kind == "category":
            rows = tuple((level, term.reference) for level in term.levels)
        for level, reference in rows:
            if term.kind == "category" and level == reference:
                result.append(
                    Coefficient(
                        term=term.name,
                        level=level,
                        reference=reference,
                        per=None,
                        n=design.n_all - int(design.n[own].sum()),
                        n_event=design.n_event_all - int(design.n_event[own].sum()),
                        estimate=0.0,
                        reason=REFERENCE,
                    )
                )
                continue
            error = float(np.sqrt(covariance[place, place]))
            test = wald(float(theta[place]), error, conf_level)
            result.append(
                Coefficient(
                    term=term.name,
                    level=level,
                    reference=reference,
                    per=term.per if term.kind == "number" else None,
                    n=int(design.n[place]),
                    n_event=int(design.n_event[place]),
                    estimate=float(theta[place]),
                    std_error=error,
                    statistic=test.statistic,
                    p_value=test.p_value,
                    conf_low=test.low,
                    conf_high=test.high,
                )
            )
            place += 1
    return tuple(result)


def _baseline(
    rows: Rows, edges: Array, theta: Array, covariance: Array, conf_level: float
) -> tuple[Interval, ...]:
    """The log baseline hazard a year of each interval."""
    p = rows.design.shape[1]
    deaths = np.bincount(rows.interval[rows.event], minlength=len(edges) - 1)
    found = []
    for k, (start, end) in enumerate(_pairs(edges)):
        error = float(np.sqrt(covariance[p + k, p + k]))
        test = wald(float(theta[p + k]), error, conf_level)
        limits = (test.low, test.high)
        found.append(Interval(start, end, int(deaths[k]), float(theta[p + k]), error, *limits))
    return tuple(found)
