"""The maximum of each parametric family's likelihood, from starts that lead there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.kernels.ascent import Summit, ascend
from analyses.kernels.lifetime_likelihood import Likelihood, Lives
from analyses.kernels.lifetimes import spline
from analyses.results.frozen import Array
from analyses.results.lifetimes import Family
from cohort.errors import AnalysisError, Problem

Flags = npt.NDArray[np.bool_]
KNOTS = 4  # of the splines: their cumulative hazard has so many parameters
PARAMETERS: dict[Family, int] = {  # besides those of the terms
    "weibull": 2,
    "lognormal": 2,
    "loglogistic": 2,
    "generalised_gamma": 3,
    "spline": KNOTS,
}
QS = (0.0, 2.0)  # starts of the generalised gamma's shape besides 1, the Weibull
MOST = 2  # starts that are followed, the highest
LARGEST_SHAPE = 15.0  # of a generalised gamma; past it one tail has the form of a wall
NARROWEST = -12.0  # log of a scale below which a distribution is a single point
FURTHER = "Ask for another distribution, for fewer terms, or use a Cox model."


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """Rows with times divided by `unit` (their typical length), columns centred and scaled."""

    time: Array
    event: Flags
    entry: Array
    weight: Array
    matrix: Array
    unit: float
    centre: Array
    spread: Array

    def lives(self, family: Family, *, with_terms: bool) -> Lives:
        """The rows as a likelihood takes them; splines have no constant of their own."""
        columns = self.matrix if with_terms else self.matrix[:, :0]
        if family != "spline":
            columns = np.column_stack([np.ones(len(self.time)), columns])
        return Lives(self.time, self.event, self.entry, self.weight, columns)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A maximum with its information, on the scale of `Scaled`."""

    family: Family
    knots: tuple[float, ...]
    summit: Summit
    null: float

    @property
    def height(self) -> float:
        """The log-likelihood of the scaled times."""
        return self.summit.at.value


def found(family: Family, rows: Scaled) -> Found:
    """The highest of the maxima that the starts lead to; AnalysisError where there is none."""
    _require_events(family, rows)
    knots = _knots(rows) if family == "spline" else ()
    null = _highest(family, rows, knots, with_terms=False)
    full = null if not rows.matrix.shape[1] else _highest(family, rows, knots, with_terms=True)
    result = Found(family, knots, full, null.at.value)
    if family == "spline":
        _require_rising(result, rows)
    return result


def _require_events(family: Family, rows: Scaled) -> None:
    """As many events as parameters, or the data cannot tell them."""
    parameters = PARAMETERS[family] + rows.matrix.shape[1]
    events = int(rows.weight[rows.event].sum())
    if events < parameters:
        counted = "1 event" if events == 1 else f"{events} events"
        found = f"{counted} for {parameters} parameters: the data cannot tell them"
        raise AnalysisError(Problem(f"{family} model", found, advice=FURTHER))


def _highest(family: Family, rows: Scaled, knots: tuple[float, ...], *, with_terms: bool) -> Summit:
    likelihood = Likelihood(family, rows.lives(family, with_terms=with_terms), knots)
    starts = _starts(family, rows, with_terms=with_terms)
    starts.sort(key=likelihood.height, reverse=True)
    summits = [ascend(likelihood.height, likelihood.surface, start) for start in starts[:MOST]]
    good = [s for s in summits if s.converged and not _degenerate(family, s)]
    if not good:
        raise AnalysisError(Problem(f"{family} model", _why(family, summits), advice=FURTHER))
    return max(good, key=lambda s: s.at.value)


def _degenerate(family: Family, summit: Summit) -> bool:
    """Whether the distribution has shrunk to a point: its likelihood then rises without end."""
    if family == "spline":
        return False
    gamma = family == "generalised_gamma"
    extreme = gamma and abs(summit.point[-1]) > LARGEST_SHAPE
    return bool(extreme or abs(summit.point[-2 if gamma else -1]) > abs(NARROWEST))


def _why(family: Family, summits: list[Summit]) -> str:
    """Why there is no model."""
    if any(_degenerate(family, summit) for summit in summits):
        what = "shape or scale" if family == "generalised_gamma" else "scale"
        return f"no maximum of the likelihood: it rises without end as the {what} becomes extreme"
    most = max(summit.iterations for summit in summits)
    return f"no maximum of the likelihood was found in {most} iterations"


def _starts(family: Family, rows: Scaled, *, with_terms: bool) -> list[Array]:
    """Where the search begins: at no effect, or at the models within this one."""
    p = rows.matrix.shape[1] if with_terms else 0
    if family not in ("generalised_gamma", "spline"):
        return [np.zeros(1 + p + 1)]
    weibull = _highest("weibull", rows, (), with_terms=with_terms).point
    if family == "spline":
        rate = float(np.exp(-weibull[-1]))
        return [np.concatenate([weibull[1:-1], [-rate * weibull[0], rate], np.zeros(KNOTS - 2)])]
    normal = _highest("lognormal", rows, (), with_terms=with_terms).point
    return [np.append(weibull, 1.0), *(np.append(normal, q) for q in QS)]


def _knots(rows: Scaled) -> tuple[float, ...]:
    """Quantiles of the log event times, a weight repeats a patient."""
    times = np.log(np.repeat(rows.time, rows.weight.astype(np.intp) * rows.event))
    knots = np.percentile(times, np.linspace(5, 95, KNOTS))
    if len(np.unique(times)) <= KNOTS or (np.diff(knots) <= 1e-8).any():
        raise AnalysisError(
            Problem(
                "spline model",
                "too few different event times for its knots",
                f"More than {KNOTS}, well apart.",
                FURTHER,
            )
        )
    return tuple(float(knot) for knot in knots)


def _require_rising(model: Found, rows: Scaled) -> None:
    """Splines are free to fall, which no cumulative hazard can."""
    p = rows.matrix.shape[1]
    point = model.summit.point
    y = np.sort(np.log(rows.time) - rows.matrix @ point[:p])
    hazard = spline(np.linspace(y[0], y[-1], 1000), point[p:], model.knots)[0]
    if (np.diff(hazard) < 0).any():
        raise AnalysisError(
            Problem(
                "spline model",
                "its cumulative hazard falls somewhere within follow-up, so it is no survival",
                advice=FURTHER,
            )
        )
