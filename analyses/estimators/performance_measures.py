"""The measures of a model's performance in patients whose predictions are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from analyses.estimators.cox import cox
from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.predicted_risk import Predicted
from analyses.kernels.concordance import count_pairs, standard_error
from analyses.kernels.followed import Censoring, censoring
from analyses.kernels.prediction_error import area_under_curve, brier, integrated_brier
from analyses.kernels.uno import time_weighted_concordance
from analyses.kernels.wald import wald
from analyses.results.curve import Curve
from analyses.results.frozen import Array, defined
from analyses.results.performance import CalibrationGroup, Measure
from cohort.errors import AnalysisError

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
MOST_STEPS = 2000  # of the integrated score; more steps are thinned to so many
NO_PAIR = "no pair of patients can be compared"
NOBODY = "nobody has died by this time, or nobody is followed past it"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What happened to the patients: their times and events, and how they were lost."""

    time: Array
    event: Flags
    followed: Censoring
    conf_level: float

    @classmethod
    def of(cls, time: Array, event: Flags, conf_level: float) -> Seen:
        """With the censoring weights of these very patients."""
        return cls(time, event, censoring(time, event), conf_level)


def measures(
    predictions: Predicted, seen: Seen, times: tuple[float, ...], tau: float
) -> tuple[Measure, ...]:
    """Every measure, in the order of `MEASURES`."""
    found = [*_concordances(predictions, seen, tau)]
    survival = {t: predictions.survival(t) for t in times}
    null = _everybody(seen)
    found += [_auc(1 - survival[t], t, seen) for t in times]
    for t in times:
        found += _briers(survival[t], null, t, seen)
    found += _integrated(predictions, null, seen, tau)
    found.append(_slope(predictions, seen))
    found += [_in_the_large(predictions, t, seen) for t in times]
    for t in times:
        found += _risks(survival[t], null, t, seen)
    return tuple(found)


def _concordances(predictions: Predicted, seen: Seen, tau: float) -> Iterator[Measure]:
    """Harrell's and Uno's, within strata where the model has them."""
    stratum = predictions.stratum
    last, start = _places(seen, stratum, predictions.n_strata)
    linear, event = predictions.linear, seen.event
    pairs = count_pairs(linear, event, last, start, stratum)
    total = pairs.concordant + pairs.discordant + pairs.tied_x
    if total <= 0:
        yield Measure("harrell_c", reason=NO_PAIR)
    else:
        estimate = (pairs.concordant + pairs.tied_x / 2) / total
        error = standard_error(pairs, None, None)
        yield _share("harrell_c", estimate, error, None, seen.conf_level)
    counts = event & (seen.time <= tau)
    weight = np.zeros(len(event))
    weight[counts] = seen.followed.before(seen.time[counts]) ** -2.0
    uno = time_weighted_concordance(linear, event, last, start, stratum, weight)
    if uno is None:
        yield Measure("uno_c", tau, reason=NO_PAIR)
    else:
        yield _share("uno_c", uno.estimate, uno.std_error, tau, seen.conf_level)


def _share(
    quantity: str, estimate: float, error: float, time: float | None, conf_level: float
) -> Measure:
    if error <= 0:
        return Measure(quantity, time, estimate, 0.0, reason="its limits: its standard error is 0")
    test = wald(estimate, error, conf_level)
    return Measure(quantity, time, estimate, error, max(test.low, 0.0), min(test.high, 1.0))


def _places(seen: Seen, stratum: Places, n_strata: int) -> tuple[Places, Places]:
    """Each row's last place on the grid of its stratum's event times, and where strata start."""
    last = np.full(len(seen.time), -1, dtype=np.intp)
    start = np.zeros(n_strata + 1, dtype=np.intp)
    for s in range(n_strata):
        rows = stratum == s
        grid = np.unique(seen.time[rows & seen.event])
        place = np.searchsorted(grid, seen.time[rows], side="right") - 1
        last[rows] = np.where(place >= 0, place + start[s], -1)
        start[s + 1] = start[s] + len(grid)
    return last, start


def _everybody(seen: Seen) -> Curve:
    """Kaplan-Meier of all patients: a prediction without any covariate."""
    frame = pd.DataFrame({"time": seen.time, "event": seen.event})
    km = kaplan_meier(frame, time="time", event="event", conf_level=seen.conf_level)
    return km.curves[0]


def _auc(risk: Array, t: float, seen: Seen) -> Measure:
    estimate = area_under_curve(risk, t, seen.time, seen.event, seen.followed)
    return Measure("auc", t, estimate, reason=NOBODY if estimate is None else None)


def _briers(survival: Array, null: Curve, t: float, seen: Seen) -> Iterator[Measure]:
    score = brier(survival, t, seen.time, seen.event, seen.followed)
    flat = np.full(len(survival), float(null.step("survival", np.array([t]), 1.0)[0]))
    without = brier(flat, t, seen.time, seen.event, seen.followed)
    yield Measure("brier", t, score)
    yield Measure("brier_null", t, without)
    yield _scaled("brier_scaled", score, without, t)


def _scaled(quantity: str, score: float, without: float, t: float) -> Measure:
    if without <= 0:
        return Measure(quantity, t, reason="the score without covariates is 0: nobody has died")
    return Measure(quantity, t, 1 - score / without)


def _integrated(predictions: Predicted, null: Curve, seen: Seen, tau: float) -> Iterator[Measure]:
    steps = np.union1d(predictions.steps, seen.time)
    steps = steps[steps < tau]
    if len(steps) > MOST_STEPS:
        steps = steps[np.linspace(0, len(steps) - 1, MOST_STEPS).astype(np.intp)]
    order = np.argsort(seen.time, kind="stable")
    data = (seen.time[order], seen.event[order], seen.followed)
    score = integrated_brier(predictions.of(order).survival, steps, tau, *data)

    def flat(t: float) -> Array:
        return null.step("survival", np.array([t]), 1.0)

    without = integrated_brier(flat, steps, tau, *data)
    yield Measure("integrated_brier", tau, score)
    yield Measure("integrated_brier_null", tau, without)
    yield _scaled("integrated_brier_scaled", score, without, tau)


def _slope(predictions: Predicted, seen: Seen) -> Measure:
    """The coefficient of the predicted log hazard in these patients: 1 where calibrated."""
    frame = pd.DataFrame(
        {
            "time": seen.time,
            "event": seen.event,
            "linear": predictions.linear,
            "stratum": predictions.stratum,
        }
    )
    try:
        fit = cox(
            frame,
            time="time",
            event="event",
            terms=["linear"],
            ties=predictions.model.ties,
            conf_level=seen.conf_level,
            strata="stratum" if predictions.n_strata > 1 else None,
        )
    except AnalysisError as error:
        return Measure("calibration_slope", reason=error.problems[0].found)
    c = fit.coefficients[0]
    return Measure(
        "calibration_slope", None, c.estimate, c.std_error, c.conf_low, c.conf_high, c.reason
    )


def _in_the_large(predictions: Predicted, t: float, seen: Seen) -> Measure:
    """Log of the events up to t over those that the cumulative hazards expect (Crowson, 2016)."""
    events = float((seen.event & (seen.time <= t)).sum())
    expected = float(predictions.hazard(np.minimum(seen.time, t)).sum())
    if events <= 0 or expected <= 0:
        return Measure("calibration_in_the_large", t, reason="no event by this time")
    estimate, error = float(np.log(events / expected)), events**-0.5
    test = wald(estimate, error, seen.conf_level)
    return Measure("calibration_in_the_large", t, estimate, error, test.low, test.high)


def _risks(survival: Array, null: Curve, t: float, seen: Seen) -> Iterator[Measure]:
    """Mean predicted risk, Kaplan-Meier's, and their ratio with log limits."""
    expected = float(np.mean(1 - survival))
    yield Measure("expected_risk", t, expected)
    at = np.array([t])
    observed = 1 - float(null.step("survival", at, 1.0)[0])
    error = float(null.step("std_error", at, 0.0)[0])
    low = defined(1 - float(null.step("conf_high", at, np.nan)[0]))
    high = defined(1 - float(null.step("conf_low", at, np.nan)[0]))
    yield Measure("observed_risk", t, observed, defined(error), low, high)
    if observed <= 0 or expected <= 0 or not np.isfinite(error):
        yield Measure("observed_over_expected", t, reason="no event by this time, or none left")
        return
    ratio = observed / expected
    reach = float(np.exp(ndtri((1 + seen.conf_level) / 2) * error / observed))
    yield Measure(
        "observed_over_expected", t, ratio, error / expected, ratio / reach, ratio * reach
    )


def calibration_groups(
    risk: Array, t: float, seen: Seen, n_groups: int
) -> Iterator[CalibrationGroup]:
    """Groups of equal size by predicted risk; patients of one risk are never parted."""
    order = np.argsort(risk, kind="stable")
    ends = np.searchsorted(risk[order], risk[order][_cuts(len(risk), n_groups)], side="right")
    edges = np.unique(np.concatenate([[0], ends, [len(risk)]]))
    for place, (first, end) in enumerate(pairwise(edges.tolist()), start=1):
        rows = order[first:end]
        frame = pd.DataFrame({"time": seen.time[rows], "event": seen.event[rows]})
        km = kaplan_meier(frame, time="time", event="event", conf_level=seen.conf_level)
        curve, at = km.curves[0], np.array([t])
        observed = defined(1 - float(curve.step("survival", at, 1.0)[0]))
        yield CalibrationGroup(
            t,
            place,
            len(rows),
            int((seen.event[rows] & (seen.time[rows] <= t)).sum()),
            float(risk[rows].mean()),
            observed,
            defined(1 - float(curve.step("conf_high", at, np.nan)[0])),
            defined(1 - float(curve.step("conf_low", at, np.nan)[0])),
            _why(observed, curve, at),
        )


def _cuts(n: int, n_groups: int) -> Places:
    """Place of the last patient of each group but the last, were there no ties."""
    shares = np.arange(1, n_groups) / n_groups
    return np.maximum(np.ceil(shares * n).astype(np.intp) - 1, 0)


def _why(observed: float | None, curve: Curve, at: Array) -> str | None:
    if observed is None:
        return f"follow-up of the group ends at {curve.last_time:g}"
    if not np.isfinite(curve.step("conf_low", at, np.nan)[0]):
        return "its limits: not defined for log-log limits at this estimate"
    return None
