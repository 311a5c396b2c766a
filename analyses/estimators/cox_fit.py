"""The partial likelihood maximised where it has a maximum, and its limits where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.estimators.cox_rows import Leaving, Rows
from analyses.kernels import cox as kernel
from analyses.kernels.newton import Maximum, aliased, maximise, silent, solved
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Why = tuple[str, str]
ASK_FIRTH = ", or ask for Firth's penalty, under which every estimate is finite."
FIRTH = f"{ASK_FIRTH} Other terms are reported."
MERGE = f"Merge the level with another or leave the term out{FIRTH}"
REBASE = f"Choose another reference or merge it with another level{FIRTH}"
LEAVE_OUT = "Leave the term out. Other terms are reported."
SAME = ("it is the same in every row that is compared", LEAVE_OUT)
EMPTY = ("no row holds this combination of levels", LEAVE_OUT)
NOTHING_LEFT = (
    "no finite estimate: nothing is left to compare once other coefficients have become infinite",
    LEAVE_OUT,
)
OUT_OF_REACH = 30.0  # of a log hazard over a column's reach: a ratio of 1e13
NEAR = 1e-2  # of a standard error: as near as a sample's estimate need be found
NO_SPREAD = 1e-14  # of the model's variance: below it the robust one is rounding error


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Where the likelihood is largest, or what it tends to.

    Attributes
    ----------
    rows
        The rows, those that left the risk sets with weight 0.
    null, at
        Likelihood with every coefficient zero (and all rows), and where the search ended.
    beta
        One for each column; 0 where not estimated.
    estimated
        Columns with a finite coefficient in the model that was maximised. Where several become
        infinite together but not apart, all but one of them, which carries the rest's limit.
    counted
        Columns that the tests of the whole model count: estimated or infinite.
    unreported
        Why a column has no estimate to report, and what to try, by its place.
    away
        Rows at a level without events: they leave every risk set as its coefficient tends to
        minus infinity.
    reference_away
        Whether those rows include a reference, whose own hazard then tends to zero.
    covariance
        Inverse of the information of the estimated columns.
    """

    rows: Rows
    null: kernel.Likelihood
    at: kernel.Likelihood
    beta: Array
    estimated: Flags
    counted: Flags
    unreported: dict[int, Why]
    away: Flags
    reference_away: bool
    iterations: int
    covariance: Array

    @property
    def reported(self) -> Flags:
        """Columns whose coefficient is an answer: estimated against their own reference."""
        without = np.zeros(len(self.beta), dtype=bool)
        without[list(self.unreported)] = True
        return self.estimated & ~without


def fit(rows: Rows) -> Fit:
    """Largest partial likelihood; columns without a finite estimate named, the rest estimated.

    A level with rows but no events drives its coefficient to minus infinity; in that limit its
    rows leave every risk set, so the other coefficients are those of the model without them
    (what R's `coxph` tends to with a large `iter.max`). A reference without events does the
    same to its rows, and no level can then be compared with it. Any other direction along which
    the likelihood rises for ever is found by Newton's steps not shrinking, or by the information
    along it vanishing; columns that take part in it have no estimate. A column that others
    determine in the risk sets alone has none either, as in R.

    Raises
    ------
    AnalysisError
        Columns that are sums of others, and a search that does not end; both named.
    """
    zero = np.zeros(len(rows.design.names))
    null, active, unreported = checked_columns(rows)
    counted = active.copy()
    leaving = _without_events(rows, active, unreported)
    away = np.zeros(len(rows.followed.exit), dtype=bool)
    start = null
    if leaving.levels or leaving.references:
        away = rows.away(leaving)
        rows = rows.lighter(leaving)
        start = rows.likelihood(zero)
        for place in _constant(rows, start):
            if active[place]:
                why = "it does not vary once the rows at levels without events have left"
                unreported.setdefault(place, (why, LEAVE_OUT))
                active[place] = False
        _leave_out_dependent(rows, start, active, unreported)
    end, estimated, iterations = _limit(rows, start, active, unreported)
    own = end.at.information[np.ix_(estimated, estimated)]
    covariance = solved(own, np.eye(len(own)))
    if covariance is None:
        raise not_converged(rows, end, estimated)
    return Fit(
        rows=rows,
        null=null,
        at=end.at,
        beta=end.beta,
        estimated=estimated,
        counted=counted,
        unreported=unreported,
        away=away,
        reference_away=bool(leaving.references),
        iterations=iterations,
        covariance=(covariance + covariance.T) / 2,
    )


def checked_columns(rows: Rows) -> tuple[kernel.Likelihood, Flags, dict[int, Why]]:
    """Likelihood with every coefficient zero, columns that can be estimated, why others cannot."""
    p = len(rows.design.names)
    null = rows.likelihood(np.zeros(p))
    empty = rows.design.n == 0
    unreported = {i: EMPTY if empty[i] else SAME for i in _constant(rows, null)}
    active = np.ones(p, dtype=bool)
    active[list(unreported)] = False
    _leave_out_dependent(rows, null, active, unreported)
    return null, active, unreported


def robust_covariance(fitted: Fit, cluster: Places | None) -> Array:
    """Sandwich variance of the estimated coefficients; every row, or every cluster, counts once.

    Lin, D. Y. and Wei, L. J. (1989), J. Am. Stat. Assoc. 84, 1074-1078.

    Raises
    ------
    AnalysisError
        Where it is zero, as with one cluster.
    """
    found = fitted.rows.score_products(fitted.beta, fitted.at, cluster)
    kept = fitted.estimated
    middle = found[np.ix_(kept, kept)] if cluster is None else found[:, kept].T @ found[:, kept]
    result = np.asarray(fitted.covariance @ middle @ fitted.covariance)
    none = np.diag(result) <= NO_SPREAD * np.diag(fitted.covariance)
    wrong = [fitted.rows.design.names[i] for i in np.flatnonzero(kept)[none] if fitted.reported[i]]
    if wrong:
        raise AnalysisError(
            Problem(
                f"cox: {' and '.join(wrong)}",
                "the robust variance is zero: the parts of the score cancel within every unit",
                advice="There are too few rows or clusters for a robust variance.",
            )
        )
    return result


def linear_predictor(fitted: Fit) -> Array:
    """Log hazard of each row up to a constant, minus infinity for rows that left the risk sets."""
    eta = fitted.rows.predictor(fitted.beta)
    eta[fitted.away] = -np.inf
    return eta


def _constant(rows: Rows, at: kernel.Likelihood) -> list[int]:
    """Columns that do not vary within the risk sets, as far as the arithmetic can tell."""
    own = np.diag(at.information)
    events = max(float(at.total[:, 2].sum()), 1.0)
    rounding = 1e-12 * rows.design.spread**2 + 1e-24 * rows.design.centre**2
    return [int(place) for place in np.flatnonzero(own <= rounding * events)]


def _limit(
    rows: Rows, start: kernel.Likelihood, active: Flags, unreported: dict[int, Why]
) -> tuple[Maximum[kernel.Likelihood], Flags, int]:
    """The maximum or the limit it tends to, its finite columns, and the iterations it took.

    Each direction to infinity has one column held where the search left it, and the search goes
    on along the others: in the limit they do not depend on which column is held.
    """
    estimated, iterations = active.copy(), 0
    beta, at = _first_guess(rows, start, active)
    while True:
        end = maximise(rows.likelihood, beta, rows.design.reach, estimated, at)
        iterations += end.iterations
        if end.status == "converged":
            return end, estimated, iterations
        taking_part, held = silent(start.information, end, estimated)
        if not held.any():
            held = _out_of_reach(rows, end, estimated)
        if not held.any():
            raise not_converged(rows, end, estimated)
        moving = end.moving & estimated
        for place in map(int, np.flatnonzero(moving | taking_part)):
            sign = "plus" if end.beta[place] > 0 else "minus"
            away = (f"no finite estimate: it goes to {sign} infinity", MERGE)
            unreported.setdefault(place, away if moving[place] else NOTHING_LEFT)
        estimated &= ~held
        beta, at = end.beta, end.at


def _out_of_reach(rows: Rows, end: Maximum[kernel.Likelihood], estimated: Flags) -> Flags:
    """The column that ran furthest, where the search ended at the edge of what numbers can hold.

    Rows all but alike in a column that separates them need hazard ratios so large that their
    exponentials leave the numbers before the likelihood is flat.
    """
    run = np.where(estimated & end.moving, np.abs(end.beta) * rows.design.reach, 0.0)
    held = np.zeros(len(run), dtype=bool)
    if run.max(initial=0.0) > OUT_OF_REACH:
        held[int(np.argmax(run))] = True
    return held


def _first_guess(
    rows: Rows, null: kernel.Likelihood, active: Flags
) -> tuple[Array, kernel.Likelihood]:
    """Where to begin: among many rows the estimate of every so-manieth, else zero.

    It is some standard errors off, where Newton's steps already square the error: three passes
    over all rows are saved.
    """
    zero = np.zeros(len(active))
    sample = rows.sample()
    if sample is None:
        return zero, null
    end = maximise(sample.likelihood, zero, rows.design.reach, active, close=NEAR)
    if end.status != "converged":
        return zero, null
    at = rows.likelihood(end.beta)
    higher = np.isfinite(at.information).all() and at.log_likelihood > null.log_likelihood
    return (end.beta, at) if higher else (zero, null)


def _leave_out_dependent(
    rows: Rows, at: kernel.Likelihood, active: Flags, unreported: dict[int, Why]
) -> None:
    """Take out columns that earlier ones determine in the risk sets; over all rows is an error.

    There, which one to leave out is not for a program to choose.
    """
    places = np.flatnonzero(active)
    found = aliased(at.information[np.ix_(active, active)])
    if not found:
        return
    everywhere = dict(aliased(rows.cross_products()[np.ix_(active, active)]))
    problems = []
    for column, others in found:
        own = everywhere.get(column, others)
        names = [rows.design.names[places[other]] for other in own]
        named = " and ".join(names) or "the other columns"
        if column in everywhere:
            problems.append(
                Problem(
                    f"cox: {rows.design.names[places[column]]}",
                    f"is fully determined by {named}",
                    advice="Leave one of these terms out, or merge the level with another.",
                )
            )
        why = f"in the risk sets it is fully determined by {named}"
        unreported.setdefault(int(places[column]), (why, LEAVE_OUT))
        active[places[column]] = False
    if problems:
        raise AnalysisError(problems)


def _without_events(rows: Rows, active: Flags, unreported: dict[int, Why]) -> Leaving:
    """Rows at levels and references without events; their columns are taken out of `active`.

    At a reference without events a level, then dependent, becomes the base of the fit: other
    terms' coefficients do not depend on which, and those of this term have no meaning.
    """
    design = rows.design
    levels = [*map(int, np.flatnonzero(active & design.is_level & (design.n_event == 0)))]
    for place in levels:
        active[place] = False
        why = f"no finite estimate: {design.n[place]} patients and no events at this level"
        unreported[place] = (why, MERGE)
    references = []
    for columns in design.factors:
        places = list(columns)
        left = [place for place in places if active[place]]
        if left and design.n_event[places].sum() == design.n_event_all:
            references.append(columns)
            n = design.n_all - int(design.n[places].sum())
            why = f"no finite estimate: {n} patients and no events at the reference level"
            unreported.update(dict.fromkeys(left, (why, REBASE)))
    return Leaving(tuple(levels), tuple(references), design.centre)


def not_converged(rows: Rows, end: Maximum[Any], estimated: Flags | None = None) -> AnalysisError:
    """What to say of a search that did not end: which columns, how many patients and events."""
    design = rows.design
    every = np.ones(len(design.names), dtype=bool) if estimated is None else estimated
    still = np.flatnonzero(end.moving & every)
    if not len(still):  # then the one that ran furthest
        still = np.argsort(-np.abs(end.beta) * design.reach * every)[:1]
    said = [
        f"{design.names[i]} ({design.n[i]:,} patients, {design.n_event[i]:,} events)"
        for i in map(int, still)
    ]
    return AnalysisError(
        Problem(
            "cox",
            f"no convergence after {end.iterations} iterations; not settled: {', '.join(said)}",
            advice="Leave these terms out, merge their levels, or mend the numbers' scale"
            f"{ASK_FIRTH}",
        )
    )
