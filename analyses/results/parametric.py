"""Parametric survival models side by side: which distribution fits, and its time ratios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.failure import Failure
from analyses.results.left_out import left_out_records
from analyses.results.lifetimes import KIND, NUMBERS, ParametricFit
from analyses.results.records import Record, checked
from analyses.results.survival import KaplanMeier
from analyses.results.terms import Term, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class ParametricSurvival:
    """Accelerated failure time models of one question, one a distribution.

    Attributes
    ----------
    fits
        The models that have a maximum, in the order asked for.
    chosen_family, chosen_by
        The model that `summary` and the report show: the only one asked for (``asked``), or that
        with the lowest Akaike criterion (``aic``).
    failures
        Distributions asked for whose likelihood has no maximum, and levels without events, each
        with why.
    observed
        Kaplan-Meier curves of the same patients, by the groups that `curves` of a fit have.
    n, n_event, n_input, n_missing
        Patients used and events (sums of whole-number weights), rows given, and (column, rows
        without a value in it).
    n_at_zero, zero_as
        Patients whose time is 0, which no such distribution allows, and the time put in its
        place; without it those censored at 0 are left out, as they tell nothing.
    n_eventless
        Patients at levels without events (`failures`), who are left out.
    """

    fits: tuple[ParametricFit, ...]
    chosen_family: str
    chosen_by: str
    failures: tuple[Failure, ...]
    observed: KaplanMeier
    terms: tuple[Term, ...]
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    n_at_zero: int
    zero_as: float | None
    entry: str | None
    weights: str | None
    conf_level: float
    findings: tuple[Finding, ...] = ()
    n_eventless: int = 0

    @property
    def by(self) -> str | None:
        """Column of the groups that curves are drawn for: the first category of the terms."""
        return self.observed.by

    @property
    def chosen(self) -> ParametricFit:
        """The model that is shown."""
        return self.of(self.chosen_family)

    def of(self, family: str) -> ParametricFit:
        """The model of one distribution; AnalysisError where there is none."""
        for fit in self.fits:
            if fit.family == family:
                return fit
        known = [fit.family for fit in self.fits]
        advice = suggest(family, known)
        raise AnalysisError(
            Problem("parametric", f"no model '{family}'", f"Models: {listed(known)}", advice)
        )

    @property
    def summary(self) -> pd.DataFrame:
        """One row a level or number of the chosen model, on both scales."""
        import pandas as pd

        names = ("time_ratio", "time_ratio_low", "time_ratio_high")
        rows = [
            asdict(c) | dict(zip(names, c.time_ratio, strict=True))
            for c in self.chosen.coefficients
        ]
        columns = ["term", "level", "reference", "per", "n", "n_event", *NUMBERS, "reason", *names]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype(dict.fromkeys(("per", *NUMBERS, *names), float))

    @property
    def comparison(self) -> pd.DataFrame:
        """One row a distribution: likelihood, parameters, AIC and BIC, AIC above the lowest."""
        import pandas as pd

        lowest = min(fit.aic for fit in self.fits)
        rows = [
            {
                "family": fit.family,
                "log_likelihood": fit.log_likelihood,
                "n_parameters": fit.n_parameters,
                "aic": fit.aic,
                "aic_difference": fit.aic - lowest,
                "bic": fit.bic,
                "largest_gap": max(curve.largest_gap for curve in fit.curves),
            }
            for fit in self.fits
        ]
        return pd.DataFrame(rows)

    @property
    def curve_table(self) -> pd.DataFrame:
        """One row a distribution, group and time: fitted survival beside Kaplan-Meier's."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {
                    "family": fit.family,
                    "group": curve.group,
                    "time": curve.time,
                    "estimate": curve.survival,
                    "kaplan_meier": curve.observed,
                }
            )
            for fit in self.fits
            for curve in fit.curves
        ]
        return pd.concat(parts, ignore_index=True)

    def predict_survival(
        self, new: pd.DataFrame, times: Sequence[float], family: str | None = None
    ) -> pd.DataFrame:
        """Survival of the patients in `new` at `times`, also past follow-up; without limits.

        Parameters
        ----------
        new
            One row a patient with the columns of the terms, without missing values.
        times
            In the unit of follow-up, at least 0.
        family
            The distribution, where not the chosen one.

        Returns
        -------
        pandas.DataFrame
            `row` (index label of `new`), `time`, `estimate`.

        Raises
        ------
        AnalysisError
            For a column that is absent or incomplete, a level that the model did not see, a
            negative time, or a distribution that was not fitted.
        """
        import pandas as pd

        fit = self.chosen if family is None else self.of(family)
        at = np.asarray(times, dtype=float)
        _require(self.terms, new, at)
        matrix = design_matrix(columns_of(self.terms, new), len(new))
        with np.errstate(divide="ignore"):
            log_time = np.log(at)
        parts = []
        for place, label in enumerate(new.index):
            row = np.broadcast_to(matrix[place], (len(at), matrix.shape[1]))
            survival = np.where(at > 0, np.exp(fit.log_survival(log_time, row)), 1.0)
            parts.append(pd.DataFrame({"row": label, "time": at, "estimate": survival}))
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; curves are left to tables."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "n_missing": dict(self.n_missing),
            "comparison": self.comparison.to_dict("records"),
            "fits": [
                {
                    "family": fit.family,
                    "coefficients": [
                        asdict(c) | {"time_ratio": list(c.time_ratio)} for c in fit.coefficients
                    ],
                    "parameters": [asdict(p) for p in fit.parameters],
                    "covariance": fit.covariance.tolist(),
                    "test": None if fit.test is None else asdict(fit.test),
                    "knots": list(fit.knots),
                }
                for fit in self.fits
            ],
            "terms": [asdict(term) for term in self.terms],
            "findings": [asdict(finding) for finding in self.findings],
            "failures": [asdict(failure) for failure in self.failures],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number of every model; `unit` is the unit of the times."""
        del unit  # ratios have none; the parameters are on the log of the unit of follow-up
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        if self.n_at_zero:
            yield Record(
                analysis, KIND, "patients_at_time_zero", estimate=self.zero_as, n=self.n_at_zero
            )
        if self.n_eventless:
            yield Record(analysis, KIND, "patients_at_levels_without_events", n=self.n_eventless)
        counts: dict[str, Any] = {"n": self.n, "n_event": self.n_event}
        for fit in self.fits:
            yield from fit.records(analysis, counts)

    def plot(self, ax: Any = None) -> Any:
        """The fitted curves against Kaplan-Meier; returns its named artists."""
        from analyses.plots.fitted_survival import plot_fitted

        return plot_fitted(self, ax=ax)

    def _repr_html_(self) -> str:
        """Comparison of the distributions and the chosen model's ratios, in a notebook."""
        head = (
            f"<p><b>Parametric survival</b>, {self.n:,} patients, {self.n_event:,} events; "
            f"shown: {escape(self.chosen_family)}</p>"
        )
        shown = ["term", "level", "n", "n_event", "time_ratio", "time_ratio_low"]
        shown += ["time_ratio_high", "p_value", "reason"]
        tables = (self.comparison, self.summary[shown])
        return head + "".join(str(t.to_html(index=False, na_rep="")) for t in tables)


_PLAIN = (
    *("chosen_family", "chosen_by", "n", "n_event", "n_input", "n_at_zero", "zero_as", "entry"),
    "n_eventless",
    *("weights", "conf_level"),
)


def _require(terms: tuple[Term, ...], new: pd.DataFrame, times: Any) -> None:
    names = [part.name for term in terms for part in (term.parts or (term,))]
    known = [str(name) for name in new.columns]
    wrong = [n for n in dict.fromkeys(names) if n not in known or new[n].isna().any()]
    problems = []
    if wrong:
        problems.append(
            Problem(
                "predict_survival",
                f"columns absent or incomplete: {listed(wrong)}",
                f"Columns: {listed(known)}",
                "Give every column of the model, without missing values.",
            )
        )
    if new.empty or not len(times):
        problems.append(Problem("predict_survival", "no patient or no time was given"))
    if not (times >= 0).all():
        problems.append(Problem("predict_survival", "a time is negative or not a number"))
    if problems:
        raise AnalysisError(problems)
