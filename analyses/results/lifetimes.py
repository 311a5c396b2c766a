"""One parametric model of the time to an event: time ratios, its distribution, how it fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from analyses.kernels.lifetimes import log_survival
from analyses.results.coefficient import ModelTest
from analyses.results.frozen import Array
from analyses.results.log_ratio import ratio_of
from analyses.results.records import Record, Status

Family = Literal["weibull", "lognormal", "loglogistic", "generalised_gamma", "spline"]
FAMILIES: tuple[Family, ...] = get_args(Family)
FAMILY_WORDS = {
    "weibull": "Weibull",
    "lognormal": "log-normal",
    "loglogistic": "log-logistic",
    "generalised_gamma": "generalised gamma",
    "spline": "spline",
}
KIND = "parametric"
REFERENCE = "reference"
LARGEST_LOG = 700.0  # exp beyond this is not a number a machine holds
TOO_LARGE = "the time ratio is too large to write; its logarithm is given"
NUMBERS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True)
class TimeRatio:
    """How many times longer patients at a level live, as the logarithm of the ratio of times.

    Attributes
    ----------
    term, level, reference, per, n, n_event
        As those of a Cox model's `Coefficient`.
    estimate, std_error, statistic, p_value, conf_low, conf_high
        On the log time scale: above 0, times are longer. z statistic and two-sided normal p.
    reason
        ``reference`` for the level that others are compared with, whose estimate is 0.
    """

    term: str
    level: str | None
    reference: str | None
    per: float | None
    n: int
    n_event: int
    estimate: float
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    reason: str | None = None

    @property
    def is_reference(self) -> bool:
        """Whether this row is the level that others are compared with."""
        return self.reason == REFERENCE

    @property
    def time_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Time ratio and its limits."""
        return ratio_of(self)

    def records(self, analysis: str, family: str) -> Iterator[Record]:
        """The ratio on both scales."""
        rest: dict[str, Any] = {"group": family, "term": self.term, "level": self.level}
        rest |= {"reference": self.reference, "n": self.n, "n_event": self.n_event}
        rest |= {"reason": self.reason, "unit": None if self.per is None else f"per {self.per:g}"}
        values: dict[str, Any] = {name: getattr(self, name) for name in NUMBERS}
        yield Record(analysis, KIND, "log_time_ratio", **values, **rest)
        ratio, low, high = self.time_ratio
        if ratio is None:
            status: Status = "not_estimable"
            rest |= {"status": status, "reason": TOO_LARGE}
        yield Record(
            analysis, KIND, "time_ratio", estimate=ratio, conf_low=low, conf_high=high, **rest
        )


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the distribution itself: the intercept, the log of the scale, the shape."""

    name: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, eq=False)
class FittedCurve:
    """The model's survival in one group: the mean over its patients' own curves.

    Beside it the Kaplan-Meier estimate of the same patients at the same times; NaN past the
    group's last follow-up.
    """

    group: str
    time: Array
    survival: Array
    observed: Array

    @property
    def largest_gap(self) -> float:
        """The largest distance of the two curves, on the scale of survival."""
        gaps = [abs(a - b) for a, b in zip(self.survival, self.observed, strict=True) if b == b]
        return float(max(gaps, default=0.0))


@dataclass(frozen=True, slots=True, eq=False)
class ParametricFit:
    """A model of one family, fitted.

    Attributes
    ----------
    family
        ``weibull``, ``lognormal``, ``loglogistic``, ``generalised_gamma`` or ``spline``.
    coefficients
        In the order of the terms, reference levels among them.
    parameters
        Intercept (log time; none for splines), then ``log_scale`` as R's `survreg` has it, then
        ``shape`` (the generalised gamma's Q), or the splines' ``gamma0``, ``gamma1``, ...
    covariance
        Of the coefficients that are no references, then of the parameters.
    log_likelihood, log_likelihood_null
        Of the density of the times in their own unit; without any term.
    test
        Likelihood-ratio test of all terms together; None where there is none.
    aic, bic
        Akaike's criterion; Bayes' criterion counting events, as for Cox models.
    intercept, slopes, shapes, knots
        y = log time - intercept - columns x slopes, whose distribution `shapes` (and, for
        splines, the `knots` on the scale of y) describe; see kernels/lifetimes.py.
    curves
        Fitted against Kaplan-Meier by group.
    """

    family: str
    coefficients: tuple[TimeRatio, ...]
    parameters: tuple[Parameter, ...]
    covariance: Array
    log_likelihood: float
    log_likelihood_null: float
    test: ModelTest | None
    aic: float
    bic: float
    iterations: int
    intercept: float
    slopes: Array
    shapes: Array
    knots: tuple[float, ...]
    curves: tuple[FittedCurve, ...]

    @property
    def n_parameters(self) -> int:
        """Coefficients and parameters that were estimated."""
        return len(self.covariance)

    def log_survival(self, log_time: Array, columns: Array) -> Array:
        """Log survival at log times of patients with these columns, row by row."""
        y = log_time - self.intercept - columns @ self.slopes
        return log_survival(self.family, y, self.shapes, self.knots)

    def records(self, analysis: str, counts: dict[str, Any]) -> Iterator[Record]:
        """One record a number, the family as the group."""
        for coefficient in self.coefficients:
            yield from coefficient.records(analysis, self.family)
        for p in self.parameters:
            values = {n: getattr(p, n) for n in ("estimate", "std_error", "conf_low", "conf_high")}
            yield Record(
                analysis, KIND, "parameter", group=self.family, term=p.name, **values, **counts
            )
        for name in ("log_likelihood", "log_likelihood_null", "aic", "bic"):
            yield Record(
                analysis, KIND, name, group=self.family, estimate=getattr(self, name), **counts
            )
        if self.test is not None:
            yield Record(
                analysis,
                KIND,
                "likelihood_ratio_test",
                group=self.family,
                statistic=self.test.statistic,
                df=self.test.df,
                p_value=self.test.p_value,
                **counts,
            )
        for curve in self.curves:
            yield Record(
                analysis,
                KIND,
                "largest_gap_to_kaplan_meier",
                group=self.family,
                level=curve.group,
                estimate=curve.largest_gap,
            )
