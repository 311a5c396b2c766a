"""What a Fine and Gray model says: subdistribution hazard ratios, tests, predicted incidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analyses.results.baseline import Baseline
from analyses.results.coefficient import Coefficient, ModelTest
from analyses.results.failure import Failure
from analyses.results.frozen import Array, defined
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from analyses.results.term_tests import term_tests
from analyses.results.terms import Term
from analyses.results.weighting import Weighting, plain_weighting, weighting_records
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "fine_gray"
FEW_AT_LEVEL = "few_events_at_level"
RATIO = "subdistribution_hazard_ratio"
TOO_LARGE = "the ratio is too large to write; its logarithm is given"
Variance = Literal[
    "Fine and Gray",
    "by cluster",
    "by patient, observation weights known",
    "by cluster, observation weights known",
]


@dataclass(frozen=True, slots=True, eq=False)
class FineGray:
    """A fitted model of the subdistribution hazard of one event.

    Attributes
    ----------
    coefficients
        In the order of the terms, reference levels among them; logarithms of subdistribution
        hazard ratios.
    covariance, covariance_model
        Of the estimated coefficients: as `variance` says, and the inverse of the information.
    log_likelihood, log_likelihood_null
        Log pseudo-likelihood; its differences are no likelihood-ratio tests.
    tests
        The Wald test of all coefficients together.
    cause, competing, state
        The event looked at, those that compete with it, and the column of both.
    n, n_event, n_competing, n_input, n_missing
        Complete rows, events of the cause, of others, rows given, and (column, rows without a
        value). With weights that are counts these are patients.
    terms
        As declared and learnt: levels, references, scales, knots.
    variance
        ``Fine and Gray`` (with the censoring distribution's part), ``by cluster``; with delayed
        entry the weights of observation are taken as known.
    weighting
        The column of the weights and what they are; None where every patient counts 1.
    baseline
        Cumulative subdistribution hazard at the reference values by stratum.
    """

    coefficients: tuple[Coefficient, ...]
    covariance: Array
    covariance_model: Array
    log_likelihood: float
    log_likelihood_null: float
    tests: tuple[ModelTest, ...]
    cause: str
    competing: tuple[str, ...]
    state: str
    n: int
    n_event: int
    n_competing: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    terms: tuple[Term, ...]
    strata: tuple[str, ...]
    weights: str | None
    cluster: str | None
    n_cluster: int | None
    entry: str | None
    variance: Variance
    conf_level: float
    baseline: Baseline
    iterations: int
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    weighting: Weighting | None = None

    @property
    def estimated(self) -> tuple[Coefficient, ...]:
        """Coefficients with an estimate, in the order of `covariance`; no reference levels."""
        return tuple(c for c in self.coefficients if c.status == "ok" and not c.is_reference)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a level or number, reference levels included, on both scales."""
        import pandas as pd

        ratios = (RATIO, f"{RATIO}_low", f"{RATIO}_high")
        rows = [
            asdict(c) | dict(zip(ratios, c.hazard_ratio, strict=True)) for c in self.coefficients
        ]
        numbers = ("per", *_NUMBERS, *ratios)
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))

    @property
    def term_tests(self) -> pd.DataFrame:
        """Wald test of each term as a whole: one line for all levels of a category."""
        return term_tests(self.terms, self.estimated, self.covariance)

    def predict_incidence(self, new: pd.DataFrame, times: Sequence[float]) -> pd.DataFrame:
        """Cumulative incidence of the event for the patients in `new` at `times`.

        One row a patient and time: `row` (index label of `new`), `time`, `estimate`, `std_error`,
        `conf_low`, `conf_high` (log-log limits, of the level of the model). Null past the last
        follow-up of the patient's stratum and for a patient at a level without estimate; limits
        also where nobody has had the event yet.

        Raises
        ------
        AnalysisError
            For a column that is absent or incomplete, and for a level or stratum that the model
            did not see.

        Notes
        -----
        The estimate is that of ``predict.crr``. Its standard error is by the influence of each
        patient on the coefficients, the baseline and the censoring distribution (Fine and Gray,
        1999, section 3), by cluster where there are clusters; with delayed entry the weights of
        observation are taken as known. Checked against derivatives by each patient's weight in R:
        tests/analyses/test_fine_gray_limits.py.
        """
        from analyses.results.incidence_prediction import incidence_of

        return incidence_of(self, new, np.asarray(times, dtype=float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None. The baseline is left to tables."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _SCALARS}
        plain["n_missing"] = dict(self.n_missing)
        plain["weighting"] = plain_weighting(self.weighting)
        plain["coefficients"] = [
            {str(key): defined(v) if isinstance(v, float) else v for key, v in row.items()}
            for row in self.summary.to_dict("records")
        ]
        plain["tests"] = [asdict(test) for test in self.tests]
        plain["covariance"] = self.covariance.tolist()
        plain["terms"] = [asdict(term) for term in self.terms]
        plain["competing"], plain["strata"] = list(self.competing), list(self.strata)
        plain["findings"] = [asdict(finding) for finding in self.findings]
        plain["failures"] = [asdict(failure) for failure in self.failures]
        return plain

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: both scales of each coefficient, tests, rows.

        `unit` is the unit of follow-up, which no number of this result is in.
        """
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        for c in self.coefficients:
            rest: dict[str, Any] = {"term": c.term, "level": c.level, "reference": c.reference}
            rest |= {"n": c.n, "n_event": c.n_event, "status": c.status}
            rest |= {"reason": c.reason, "unit": None if c.per is None else f"per {c.per:g}"}
            values: dict[str, Any] = {name: getattr(c, name) for name in _NUMBERS}
            yield Record(analysis, KIND, f"log_{RATIO}", **values, **rest)
            ratio, low, high = c.hazard_ratio
            if ratio is None and c.estimate is not None:
                rest |= {"status": "not_estimable", "reason": TOO_LARGE}
            yield Record(
                analysis, KIND, RATIO, estimate=ratio, conf_low=low, conf_high=high, **rest
            )
        counts: dict[str, Any] = {"n": self.n, "n_event": self.n_event}
        for test in self.tests:
            value = {name: getattr(test, name) for name in ("statistic", "df", "p_value")}
            yield Record(analysis, KIND, f"{test.name}_test", level=self.cause, **value, **counts)
        for row in self.term_tests.to_dict("records"):
            tested = {str(name): value for name, value in row.items()}
            yield Record(analysis, KIND, "term_test", **tested, **counts)
        yield Record(analysis, KIND, "competing_events", n=self.n, n_event=self.n_competing)
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        yield from weighting_records(self.weighting, analysis, KIND)

    def plot(self, ax: Any = None) -> Any:
        """Forest plot of the subdistribution hazard ratios; returns its named artists."""
        from analyses.plots.forest import plot_forest

        return plot_forest(self, ax=ax)

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        head = (
            f"<p><b>Fine and Gray model</b> of {escape(self.cause)}, {self.n:,} patients, "
            f"{self.n_event:,} events, {self.n_competing:,} competing"
            f"{'' if self.weighting is None else f', {escape(self.weighting.words)}'}</p>"
        )
        shown = ["term", "level", "n", "n_event", RATIO, f"{RATIO}_low", f"{RATIO}_high"]
        return head + str(
            self.summary[[*shown, "p_value", "reason"]].to_html(index=False, na_rep="")
        )


_NUMBERS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
_SCALARS = (
    *("log_likelihood", "log_likelihood_null", "cause", "state", "n", "n_event", "n_competing"),
    *("n_input", "weights", "cluster", "n_cluster", "entry", "variance", "conf_level"),
    "iterations",
)
