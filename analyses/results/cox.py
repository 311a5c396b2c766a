"""What a Cox model says: hazard ratios with limits, tests, discrimination, baseline hazard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from analyses.results.baseline import Baseline
from analyses.results.coefficient import Coefficient, Concordance, ModelTest
from analyses.results.cox_contrasts import (
    Combination,
    Weights,
    at_places,
    combination,
    constancy,
    joint,
)
from analyses.results.cox_records import cox_records
from analyses.results.failure import Failure
from analyses.results.frozen import Array
from analyses.results.proportionality import Proportionality
from analyses.results.records import Record, checked
from analyses.results.terms import Term
from analyses.results.weighting import Weighting, plain_weighting
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd


class FittedRows(Protocol):
    """The rows of a model, which later questions are put to."""

    def proportionality(self, model: CoxModel, transform: str) -> Proportionality:
        """As `CoxModel.proportionality`."""

    def residuals(self, model: CoxModel, kind: str) -> pd.DataFrame:
        """As `CoxModel.residuals`."""


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
        Partial log-likelihood at the estimates and with every coefficient zero, with the penalty
        where there is one.
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
    weighting
        The column of the weights and what they are; None where every patient counts 1.
    baseline
        Cumulative hazard at the reference values by stratum.
    rows
        The rows of the fit, held for `proportionality` and `residuals`; None where let go.
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
    penalty: str | None
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
    weighting: Weighting | None = None
    rows: FittedRows | None = field(default=None, repr=False)

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
            test = at_places(self, places)
            if test is not None:
                rows.append(
                    {"term": term.name, "statistic": test.statistic, "df": test.df}
                    | {"p_value": test.p_value}
                )
        return pd.DataFrame(rows, columns=["term", "statistic", "df", "p_value"])

    def wald(self, terms: str | Sequence[str]) -> ModelTest:
        """Wald test that no coefficient of these terms differs from 0, all of them together.

        Raises AnalysisError for a name that is no term, and where nothing of them is estimated.
        Checked against sums over `vcov` in R (tests/analyses/test_cox_contrasts.py).
        """
        return joint(self, terms)

    @property
    def constancy_tests(self) -> pd.DataFrame:
        """Wald test of each term over time that its coefficients are the same at every time."""
        import pandas as pd

        rows = []
        for term in self.terms:
            test = constancy(self, term.name) if term.kind == "over_time" else None
            if test is not None:
                rows.append(
                    {"term": term.name, "statistic": test.statistic, "df": test.df}
                    | {"p_value": test.p_value}
                )
        return pd.DataFrame(rows, columns=["term", "statistic", "df", "p_value"])

    def contrast(self, weights: Weights) -> Combination:
        """A weighted sum of log hazard ratios: ``{("grade", "3"): 1, ("grade", "2"): -1}``.

        Parameters
        ----------
        weights
            By (term, level) of a category, an interaction or a spline; by term of a number. A
            reference level counts 0, so that any two levels can be compared.

        Raises
        ------
        AnalysisError
            For a term or level that the model does not have, or has no estimate of.

        Notes
        -----
        Variance from `covariance`, robust where the model is; with Firth's penalty that of the
        information. Checked against R in tests/analyses/test_cox_contrasts.py.
        """
        return combination(self, weights)

    @property
    def events_per_parameter(self) -> float | None:
        """Events for each parameter of the model; None where there is none."""
        return self.n_event / self.n_parameters if self.n_parameters else None

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

    def proportionality(self, transform: str = "km") -> Proportionality:
        """Whether each hazard ratio is constant over time: score tests, and curves over time.

        Parameters
        ----------
        transform
            Of time: ``km`` (1 - S(t-), which events share out evenly), ``rank``, ``identity`` or
            ``log``.

        Raises
        ------
        AnalysisError
            For an unknown transform, the logarithm of an event at time 0, and a model without
            its rows.

        Notes
        -----
        The exact score test of `cox.zph` in survival 3, by term and for all terms together, on
        the strata, weights, ties and entries of the fit; the variance is the model's own, also
        where the fit's is robust (`model_based`). Checked against `cox.zph` and `plot.cox.zph`,
        and by hand, in tests/analyses/test_proportionality.py.
        """
        return self._held("proportionality").proportionality(self, transform)

    def residuals(self, kind: str) -> pd.DataFrame:
        """Residuals of the patients or of the events.

        Parameters
        ----------
        kind
            ``martingale``, ``deviance``, ``score``, ``dfbeta`` or ``dfbetas``: one row a complete
            row of the data, whose index label they have. ``schoenfeld`` or
            ``scaled_schoenfeld``: one row an event, by stratum and time, with its `time`.
            The change of a coefficient without the row (`dfbeta`) counts its weight and is, as
            `dfbetas`, divided by the standard error of the model; the others are unweighted.

        Raises
        ------
        AnalysisError
            For an unknown kind, and for a model without its rows.

        Notes
        -----
        Checked against `residuals.coxph` in tests/analyses/test_cox_residuals.py.
        """
        return self._held("residuals").residuals(self, kind)

    def without_rows(self) -> CoxModel:
        """The same answers without the rows, which take as much memory as the data."""
        return replace(self, rows=None)

    def _held(self, question: str) -> FittedRows:
        if self.rows is None:
            found = "the model was kept without its rows"
            raise AnalysisError(Problem(question, found, advice="Ask before, or fit it anew."))
        return self.rows

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None. The baseline is left to tables."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _SCALARS}
        plain["n_missing"] = dict(self.n_missing)
        plain["weighting"] = plain_weighting(self.weighting)
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
        return checked(cox_records(self, analysis))

    def plot(self, ax: Any = None) -> Any:
        """Forest plot of the hazard ratios; returns its named artists."""
        from analyses.plots.forest import plot_forest

        return plot_forest(self, ax=ax)

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        head = (
            f"<p><b>Cox model</b>, {self.n:,} rows, {self.n_event:,} events, {self.ties} ties"
            f"{'' if self.weighting is None else f', {escape(self.weighting.words)}'}</p>"
        )
        shown = ["term", "level", "n", "n_event", "hazard_ratio", "hazard_ratio_low"]
        shown += ["hazard_ratio_high", "p_value", "reason"]
        return head + str(self.summary[shown].to_html(index=False, na_rep=""))


_SCALARS = (
    *("log_likelihood", "log_likelihood_null", "n_parameters", "ties", "penalty", "n", "n_event"),
    *("n_event_weighted", "n_input", "weights", "cluster", "n_cluster", "offset", "entry"),
    *("robust", "conf_level", "iterations"),
)
_NUMBERS = (
    *("per", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"),
    *("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high"),
)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in row.items()
    }
