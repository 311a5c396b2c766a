"""What a Cox model says: hazard ratios with limits, tests, discrimination, baseline hazard."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import chdtrc

from analyses.results.baseline import Baseline
from analyses.results.failure import Failure
from analyses.results.frozen import Array
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, Status, checked
from analyses.results.terms import Term
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

TestName = Literal["likelihood_ratio", "wald", "score"]
REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One level, number or combination of a model, with its log hazard ratio.

    Attributes
    ----------
    term, level, reference
        Column as declared, the level and the level it is compared with (None for a number).
    per
        Units of the column that one step of the estimate means (None for a category).
    n, n_event
        Rows and events at that level, all rows for a number; patients with counts as weights.
    estimate, std_error, statistic, p_value, conf_low, conf_high
        Log hazard scale; z statistic and two-sided normal p. None where not defined.
    status, reason
        ``ok``, or ``not_estimable`` with the reason. A reference level is ``ok`` with the
        reason ``reference``: estimate 0 without error or limits.
    """

    term: str
    level: str | None
    reference: str | None
    per: float | None
    n: int
    n_event: int
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    status: Status = "ok"
    reason: str | None = None

    @property
    def is_reference(self) -> bool:
        """Whether this row is the level that others are compared with."""
        return self.reason == REFERENCE

    @property
    def hazard_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Hazard ratio and its limits."""
        return (_exp(self.estimate), _exp(self.conf_low), _exp(self.conf_high))


@dataclass(frozen=True, slots=True)
class ModelTest:
    """A test that all coefficients are zero: chi-square statistic, degrees of freedom, p."""

    name: TestName
    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Concordance:
    """Of the pairs whose order in time is known, the share in which the higher hazard died first.

    Pairs tied in the predictor count one half. `estimate` and `std_error` (infinitesimal
    jackknife) are None where no pair can be compared; the counts are weighted pairs.
    """

    estimate: float | None
    std_error: float | None
    concordant: float
    discordant: float
    tied_x: float
    tied_y: float
    tied_xy: float


@dataclass(frozen=True, slots=True, eq=False)
class CoxModel:
    """A fitted proportional-hazards model with everything a reader needs to judge it.

    Attributes
    ----------
    coefficients
        In the order of the terms, reference levels among them.
    covariance
        Of the estimated coefficients (`estimated`), robust where `robust`.
    covariance_model
        The inverse of the information, whether or not `robust`.
    log_likelihood, log_likelihood_null
        Partial log-likelihood at the estimates and with every coefficient zero.
    tests
        Likelihood-ratio, Wald and score tests; with clusters or weights that are not counts only
        the robust Wald test, since the others do not hold their level there.
    n_parameters
        Coefficients that the likelihood-ratio test counts: those estimated and those at plus or
        minus infinity.
    n, n_event, n_input, n_missing
        Complete rows, events among them, rows given, and (column, rows without a value). With
        weights that are counts, `n` and `n_event` are patients: the sums of the weights.
    n_event_weighted
        Sum of the events' weights, which is what BIC counts.
    terms
        As declared and learnt: levels, references, scales, knots.
    baseline
        Cumulative hazard at the reference values by stratum.
    """

    coefficients: tuple[Coefficient, ...]
    covariance: Array
    covariance_model: Array
    log_likelihood: float
    log_likelihood_null: float
    tests: tuple[ModelTest, ...]
    concordance: Concordance
    n_parameters: int
    ties: str
    n: int
    n_event: int
    n_event_weighted: float
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    terms: tuple[Term, ...]
    strata: tuple[str, ...]
    weights: str | None
    cluster: str | None
    n_cluster: int | None
    offset: str | None
    entry: str | None
    robust: bool
    conf_level: float
    baseline: Baseline
    iterations: int
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def estimated(self) -> tuple[Coefficient, ...]:
        """Coefficients with an estimate, in the order of `covariance`; no reference levels."""
        return tuple(c for c in self.coefficients if c.status == "ok" and not c.is_reference)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a level or number, reference levels included, on both scales."""
        import pandas as pd

        rows = []
        for c in self.coefficients:
            names = ("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high")
            rows.append(asdict(c) | dict(zip(names, c.hazard_ratio, strict=True)))
        frame = pd.DataFrame(rows)
        numbers = [name for name in _NUMBERS if name in frame]
        return frame.astype(dict.fromkeys(numbers, float))

    @property
    def term_tests(self) -> pd.DataFrame:
        """Wald test of each term as a whole: one line for all levels of a category."""
        import pandas as pd

        rows = []
        for term in self.terms:
            places = [i for i, c in enumerate(self.estimated) if c.term == term.name]
            if places:
                test = self.wald(places)
                rows.append(
                    {"term": term.name, "statistic": test.statistic, "df": test.df}
                    | {"p_value": test.p_value}
                )
        return pd.DataFrame(rows, columns=["term", "statistic", "df", "p_value"])

    def wald(self, places: Sequence[int]) -> ModelTest:
        """Wald test that the coefficients at these places of `estimated` are all zero."""
        beta = np.array([self.estimated[i].estimate for i in places], dtype=float)
        variance = self.covariance[np.ix_(places, places)]
        statistic = float(beta @ np.linalg.solve(variance, beta))
        return ModelTest("wald", statistic, len(beta), float(chdtrc(len(beta), statistic)))

    @property
    def has_likelihood(self) -> bool:
        """Whether likelihood-based numbers mean anything: no clusters, weights that are counts."""
        return any(test.name == "likelihood_ratio" for test in self.tests)

    @property
    def aic(self) -> float | None:
        """Akaike's criterion; None with clusters or weights that are not counts."""
        if not self.has_likelihood:
            return None
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float | None:
        """Bayes' criterion, counting events; None where `aic` is."""
        if not self.has_likelihood:
            return None
        penalty = float(np.log(self.n_event_weighted))
        return -2 * self.log_likelihood + penalty * self.n_parameters

    def predict_survival(self, new: pd.DataFrame, times: Sequence[float]) -> pd.DataFrame:
        """Survival of the patients in `new` at `times`, with limits.

        Parameters
        ----------
        new
            One row a patient with the columns of the terms, the strata and the offset.
        times
            In the unit of follow-up.

        Returns
        -------
        pandas.DataFrame
            `row` (index label of `new`), `time`, `estimate`, `std_error`, `conf_low`,
            `conf_high` (log-log limits). Null past the last follow-up of the patient's stratum
            and for a patient at a level that has no estimate.

        Raises
        ------
        AnalysisError
            For a column that is absent or incomplete, and for a level or stratum that the
            model did not see.

        Notes
        -----
        The variance adds that of the baseline hazard and that of the coefficients (Tsiatis,
        1981). Checked against `survfit(coxph(...), newdata, conf.type = "log-log")` in
        tests/analyses/test_cox.py.
        """
        from analyses.results.prediction import survival_of

        return survival_of(self, new, np.asarray(times, dtype=float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None. The baseline is left to tables."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _SCALARS}
        plain["n_missing"] = dict(self.n_missing)
        plain["coefficients"] = [_plain(row) for row in self.summary.to_dict("records")]
        plain["tests"] = [asdict(test) for test in self.tests]
        plain["concordance"] = asdict(self.concordance)
        plain["covariance"] = self.covariance.tolist()
        plain["terms"] = [asdict(term) for term in self.terms]
        plain["strata"] = list(self.strata)
        plain["findings"] = [asdict(finding) for finding in self.findings]
        plain["failures"] = [asdict(failure) for failure in self.failures]
        return plain | {"aic": self.aic, "bic": self.bic}

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: both scales of each coefficient, tests, concordance, fit, rows.

        `unit` is the unit of follow-up, which no number of this result is in.
        """
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        for c in self.coefficients:
            rest: dict[str, Any] = {"term": c.term, "level": c.level, "reference": c.reference}
            rest |= {"n": c.n, "n_event": c.n_event, "status": c.status}
            rest |= {"reason": c.reason, "unit": None if c.per is None else f"per {c.per:g}"}
            numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
            values: dict[str, Any] = {name: getattr(c, name) for name in numbers}
            yield Record(analysis, "cox", "log_hazard_ratio", **values, **rest)
            ratio, low, high = c.hazard_ratio
            if ratio is None and c.estimate is not None:
                rest |= {"status": "not_estimable", "reason": TOO_LARGE}
            yield Record(
                analysis,
                "cox",
                "hazard_ratio",
                estimate=ratio,
                conf_low=low,
                conf_high=high,
                **rest,
            )
        counts: dict[str, Any] = {"n": self.n, "n_event": self.n_event}
        for test_of_all in self.tests:
            value = {name: getattr(test_of_all, name) for name in ("statistic", "df", "p_value")}
            yield Record(analysis, "cox", f"{test_of_all.name}_test", **value, **counts)
        for row in self.term_tests.to_dict("records"):
            test = {str(name): value for name, value in row.items()}
            yield Record(analysis, "cox", "term_test", **test, **counts)
        c_index = self.concordance
        missing = c_index.estimate is None
        yield Record(
            analysis,
            "cox",
            "concordance",
            estimate=c_index.estimate,
            std_error=c_index.std_error,
            status="not_estimable" if missing else "ok",
            reason="no pair of patients can be compared" if missing else None,
            **counts,
        )
        fit = {"log_likelihood": self.log_likelihood, "aic": self.aic, "bic": self.bic}
        fit["log_likelihood_null"] = self.log_likelihood_null
        for name, number in fit.items():
            if number is not None:
                yield Record(analysis, "cox", name, estimate=number, **counts)
        yield from left_out_records(analysis, "cox", self.n, self.n_input, self.n_missing)

    def plot(self, ax: Any = None) -> Any:
        """Forest plot of the hazard ratios; returns its named artists."""
        from analyses.plots.forest import plot_forest

        return plot_forest(self, ax=ax)

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        head = (
            f"<p><b>Cox model</b>, {self.n:,} rows, {self.n_event:,} events, {self.ties} ties</p>"
        )
        shown = ["term", "level", "n", "n_event", "hazard_ratio", "hazard_ratio_low"]
        shown += ["hazard_ratio_high", "p_value", "reason"]
        return head + str(self.summary[shown].to_html(index=False, na_rep=""))


_SCALARS = (
    *("log_likelihood", "log_likelihood_null", "n_parameters", "ties", "n", "n_event"),
    *("n_event_weighted", "n_input", "weights", "cluster", "n_cluster", "offset", "entry"),
    *("robust", "conf_level", "iterations"),
)
_NUMBERS = (
    *("per", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"),
    *("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high"),
)
TOO_LARGE = "the hazard ratio is too large to write; its logarithm is given"
LARGEST_LOG = 700.0  # exp beyond this is not a number a machine holds


def _exp(value: float | None) -> float | None:
    """The number off the log scale, or None where it is not defined or too large to write."""
    return None if value is None or value > LARGEST_LOG else math.exp(value)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in row.items()
    }
