"""What it would take to change what is concluded from one contrast."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.estimators.processes import spread
from analyses.kernels.product_limit import count
from analyses.kernels.wald import wald
from analyses.results.cox import CoxModel
from analyses.results.robust import Conclusion, Estimate
from analyses.results.tipping import (
    DRAWS,
    ERRORS,
    ConfounderPoint,
    EventPoint,
    MisreadingPoint,
    TippingPoints,
)
from analyses.robustness.contrasted import Contrast, Contrasted, contrasted
from analyses.robustness.e_value import as_risk_ratio, outcome_of
from analyses.robustness.misreading import Matrix, Misread, drawing, misread
from cohort.errors import AnalysisError, Problem

WHERE = "tipping_points"
ASSOCIATIONS = (1.5, 2.0, 3.0, 5.0)  # of a confounder with the outcome, as a risk ratio
SHARES = (0.1, 0.3, 0.5)  # of it among the reference
Progress = Callable[[int, int], None]
_Way = tuple[int, int, int, Progress | None]  # draws, seed, processes, whom to tell
_Piece = tuple[float, np.random.SeedSequence]


def tipping_points(
    model: CoxModel,
    data: Any,
    *,
    time: str,
    event: str,
    contrast: Contrast,
    among: str | None = None,
    errors: Sequence[float] = ERRORS,
    draws: int = DRAWS,
    seed: int | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> TippingPoints:
    """How strong a confounder, how many events, how much misreading would change the conclusion.

    The conclusion is lower, higher, or inconclusive where the limits hold 1. Of an inconclusive
    one the points say what it would have taken to conclude.

    Parameters
    ----------
    model, data, time, event, contrast
        As `bias_analysis`.
    among
        Boolean column of those who may have been misread; all at the two levels where not given.
    errors
        Shares of either level read as the other, alike in patients with and without the event;
        empty to leave misreading out.
    draws, seed, processes, progress
        Draws of the true levels for each error: the seed is needed where there are errors.

    Returns
    -------
    TippingPoints
        A point that cannot be reached is None with its reason.

    Raises
    ------
    AnalysisError
        As `bias_analysis`; for errors that are not between 0 and one half.

    Notes
    -----
    A confounder of prevalences p1 and p0 and risk ratio g moves a ratio by (1 + p1 (g - 1)) /
    (1 + p0 (g - 1)) (Bross, 1966). Events: of the censored patients of a group, evenly spread
    over their times of censoring, so many have the event at that time; the fewest are found by
    halving. Misreading: the mean over draws, its variance that of the corrected models plus
    (1 + 1/m) times that between draws (Rubin), with normal limits.

    Checked against loops and a root finder in R and by hand
    (tests/analyses/test_tipping.py).
    """
    besides = () if among is None else (among,)
    asked = contrasted(model, data, (time, event), contrast, where=WHERE, besides=besides)
    _require(errors, draws, seed)
    misreadings: tuple[MisreadingPoint, ...] = ()
    if errors and seed is not None:
        given = misread(asked, among, (Matrix(((1, 0), (0, 1))),) * 2)
        misreadings = tuple(_misreadings(given, errors, (draws, seed, processes, progress)))
    return _tipped(asked, misreadings, draws, seed)


def _tipped(
    asked: Contrasted, misreadings: tuple[MisreadingPoint, ...], draws: int, seed: int | None
) -> TippingPoints:
    """The points of every kind beside the estimate as it is."""
    own = asked.estimate(asked.frame)
    share = event_share(asked)
    outcome = outcome_of(share)
    limit = deciding_limit(own)
    bias = as_risk_ratio(limit, "hazard_ratio", outcome)
    return TippingPoints(
        term=asked.term,
        level=asked.level,
        reference=asked.reference,
        estimate=own,
        limit=limit,
        bias=bias,
        outcome=outcome,
        event_share=share,
        confounders=confounders(bias),
        events=tuple(_events(asked, own)),
        misreadings=misreadings,
        draws=draws if misreadings else 0,
        seed=seed if misreadings else None,
        conf_level=asked.asked.conf_level,
    )


def event_share(asked: Contrasted) -> float:
    """Share of all patients with the event by the end of follow-up: 1 less Kaplan and Meier's."""
    time = asked.frame[asked.time].to_numpy(dtype=float)
    entry = None if asked.entry is None else asked.frame[asked.entry].to_numpy(dtype=float)
    counts = count(time, asked.happened, np.zeros(len(time), dtype=np.intp), 1, entry=entry)
    risk = counts.n_risk[0]
    steps = np.divide(counts.events[0], risk, out=np.zeros(len(risk)), where=risk > 0)
    return float(1.0 - np.prod(1.0 - steps))


def deciding_limit(own: Estimate) -> float:
    """The limit that a conclusion hangs on, as a hazard ratio.

    That nearer to 1 where both lie on one side; else that beyond 1 on the side away from the
    estimate, which would have to come back to 1.
    """
    if own.conf_low is None or own.conf_high is None:
        raise AnalysisError(
            Problem(WHERE, "the estimate has no limits", advice="Nothing is concluded from it.")
        )
    return math.exp(own.conf_high if own.estimate < 0 else own.conf_low)


def confounders(bias: float) -> tuple[ConfounderPoint, ...]:
    """The shares of confounders of several strengths that bias a ratio of risks by `bias`."""
    return tuple(_confounder(bias, g, p0) for g in ASSOCIATIONS for p0 in SHARES)


def _confounder(bias: float, association: float, share: float) -> ConfounderPoint:
    needed = (bias * (1 + share * (association - 1)) - 1) / (association - 1)
    if 0 <= needed <= 1:
        return ConfounderPoint(association, share, needed)
    side = "even in every patient" if needed > 1 else "even in no patient"
    return ConfounderPoint(association, share, None, f"{side} of the level it is too weak")


def _events(asked: Contrasted, own: Estimate) -> Iterator[EventPoint]:
    """Towards 1 from a difference; from none to either difference."""
    if own.conclusion == "lower":
        yield _more_events(asked, asked.level, own.conclusion, "inconclusive")
    elif own.conclusion == "higher":
        yield _more_events(asked, asked.reference, own.conclusion, "inconclusive")
    else:
        yield _more_events(asked, asked.reference, own.conclusion, "lower")
        yield _more_events(asked, asked.level, own.conclusion, "higher")


def _more_events(
    asked: Contrasted, group: str, before: Conclusion, wanted: Conclusion
) -> EventPoint:
    """The fewest events more in a group with which the wanted conclusion is drawn."""
    censored = np.flatnonzero(asked.at(group) & ~asked.happened)
    time = asked.frame[asked.time].to_numpy(dtype=float)
    censored = censored[np.argsort(time[censored], kind="stable")]
    n = len(censored)
    seen: dict[int, Estimate | None] = {}

    def after(k: int) -> Estimate | None:
        if k not in seen:
            seen[k] = _with_events(asked, spread_evenly(censored, k))
        return seen[k]

    def changed(k: int) -> bool:
        found = after(k)
        return found is not None and found.conclusion != before

    if not n or not changed(n):
        why = "no patient of the group is censored"
        if n:
            why = "not even all of them do it"
            if after(n) is None:
                why = "with the event in all of them there is no estimate"
        return EventPoint(group, wanted, n, None, None, why)
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if changed(middle) else (middle, high)
    found = after(high)
    assert found is not None
    return EventPoint(group, found.conclusion, n, high, found)


def spread_evenly(places: npt.NDArray[np.intp], k: int) -> npt.NDArray[np.intp]:
    """`k` of the places: those in the middle of as many equal parts."""
    return places[((2 * np.arange(k) + 1) * len(places)) // (2 * k)] if k else places[:0]


def _with_events(asked: Contrasted, places: npt.NDArray[np.intp]) -> Estimate | None:
    """The estimate once these patients have the event; None where it does not exist."""
    event = asked.happened.copy()
    event[places] = True
    try:
        return asked.estimate(asked.frame.assign(**{asked.event: event}))
    except AnalysisError:
        return None


def _misreadings(given: Misread, errors: Sequence[float], way: _Way) -> Iterator[MisreadingPoint]:
    """The estimate at each error, from as many draws of the true levels."""
    draws, seed, processes, progress = way
    errors = sorted(errors)
    seeds = np.random.SeedSequence(seed).spawn(len(errors) * draws)
    pieces = [(errors[i // draws], one) for i, one in enumerate(seeds)]
    drawn = list(
        spread(
            _at_error, given, pieces, processes=processes, progress=progress,
            what=f"{WHERE}: processes",
        )
    )  # fmt: skip
    asked = given.asked
    own = asked.estimate(asked.frame)
    for k, error in enumerate(errors):
        used = [one for one in drawn[k * draws : (k + 1) * draws] if one is not None]
        if len(used) < max(2, draws / 2):
            share = 100 * given.readings.upper.mean()
            why = f"it cannot have given the {share:.1f} % that were read as {asked.level}"
            yield MisreadingPoint(error, None, why)
            continue
        values, errors_of = (np.array(part) for part in zip(*used, strict=True))
        total = math.sqrt(float((errors_of**2).mean() + (1 + 1 / len(used)) * values.var(ddof=1)))
        test = wald(float(values.mean()), total, asked.asked.conf_level)
        after = Estimate(float(values.mean()), total, test.low, test.high, own.n, own.n_event)
        yield MisreadingPoint(error, after)


def _at_error(given: Misread, piece: _Piece) -> tuple[float, float] | None:
    """One draw at an error: the estimate and its standard error."""
    error, seed = piece
    right = 1 - error
    one = drawing(given.with_matrix(Matrix(((right, error), (error, right)), certain=True)), seed)
    if one.estimate is None or one.std_error is None:
        return None
    return one.estimate, one.std_error


def _require(errors: Sequence[float], draws: int, seed: int | None) -> None:
    problems = []
    wrong = [error for error in errors if not 0 < error < 0.5]
    if wrong:
        problems.append(Problem(f"{WHERE}: errors", f"{wrong[0]!r}", "Between 0 and 0.5"))
    if errors and seed is None:
        advice = "Give a whole number, so that the numbers can be had again."
        problems.append(Problem(f"{WHERE}: seed", "none", advice=advice))
    if errors and draws < 2:
        problems.append(Problem(f"{WHERE}: draws", f"{draws}", "2 or more"))
    if problems:
        raise AnalysisError(problems)
