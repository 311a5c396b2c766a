"""A Cox model over imputations: pooled hazard ratios, and how much of each rests on imputation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.coefficient import TOO_LARGE, Coefficient
from analyses.results.failure import Failure
from analyses.results.frozen import Array
from analyses.results.imputations import Imputations
from analyses.results.pooled import Pooled, PooledTest
from analyses.results.records import Record, checked
from analyses.results.terms import Term
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "cox_imputed"


@dataclass(frozen=True, slots=True, eq=False)
class PooledCox:
    """Hazard ratios of a Cox model by Rubin's rules.

    Attributes
    ----------
    coefficients
        In the order of the terms, reference levels among them; Student's t in place of z. Rows
        and events at a level are means over the imputations, rounded to whole patients.
    pooled
        What each coefficient was pooled from, in the same order; None for a reference level and
        where there is no estimate.
    covariance
        Of the estimated coefficients: mean within plus (1 + 1/m) between imputations.
    tests
        D1 and D2 of all estimated coefficients together.
    term_tests
        (term, D1, D2) of each term as a whole.
    df_complete
        Events less parameters: the degrees of freedom that complete data would have.
    n, n_event
        Patients and events, the same in each imputation.
    imputations
        How values were drawn, with the diagnostics.
    """

    coefficients: tuple[Coefficient, ...]
    pooled: tuple[Pooled | None, ...]
    covariance: Array
    tests: tuple[PooledTest, ...]
    term_tests: tuple[tuple[str, PooledTest, PooledTest], ...]
    df_complete: int
    m: int
    n: int
    n_event: int
    n_parameters: int
    terms: tuple[Term, ...]
    strata: tuple[str, ...]
    cluster: str | None
    ties: str
    robust: bool
    conf_level: float
    imputations: Imputations
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def estimated(self) -> tuple[Coefficient, ...]:
        """Coefficients with an estimate, in the order of `covariance`; no reference levels."""
        return tuple(c for c in self.coefficients if c.status == "ok" and not c.is_reference)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a level or number, on both scales, with degrees of freedom and `fmi`."""
        import pandas as pd

        rows = []
        for c, made in zip(self.coefficients, self.pooled, strict=True):
            names = ("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high")
            parts: dict[str, float | None] = {"df": None, "riv": None, "fmi": None}
            if made is not None:
                parts = {"df": made.df, "riv": made.riv, "fmi": made.fmi}
            rows.append(asdict(c) | parts | dict(zip(names, c.hazard_ratio, strict=True)))
        return pd.DataFrame(rows).astype(dict.fromkeys(_NUMBERS, float))

    @property
    def largest_fmi(self) -> float | None:
        """The largest fraction of missing information of a coefficient; None without any."""
        return max((p.fmi for p in self.pooled if p is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        rows = [
            {
                str(k): None if isinstance(v, float) and not np.isfinite(v) else v
                for k, v in r.items()
            }
            for r in self.summary.to_dict("records")
        ]
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "coefficients": rows,
            "covariance": self.covariance.tolist(),
            "tests": [asdict(test) for test in self.tests],
            "term_tests": [
                {"term": name, "D1": asdict(one), "D2": asdict(two)}
                for name, one, two in self.term_tests
            ],
            "terms": [asdict(term) for term in self.terms],
            "strata": list(self.strata),
            "imputations": self.imputations.to_dict(),
            "findings": [asdict(finding) for finding in self.findings],
            "failures": [asdict(failure) for failure in self.failures],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: both scales, fractions of missing information, tests, imputation."""
        return checked((*self._records(analysis), *self.imputations.records(analysis, unit)))

    def _records(self, analysis: str) -> Iterator[Record]:
        for c, made in zip(self.coefficients, self.pooled, strict=True):
            rest: dict[str, Any] = {"term": c.term, "level": c.level, "reference": c.reference}
            rest |= {"n": c.n, "n_event": c.n_event}
            state: dict[str, Any] = {"status": c.status, "reason": c.reason}
            state |= {"unit": None if c.per is None else f"per {c.per:g}"}
            names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
            values: dict[str, Any] = {name: getattr(c, name) for name in names}
            values["df"] = None if made is None or not np.isfinite(made.df) else made.df
            yield Record(analysis, KIND, "log_hazard_ratio", **values, **rest, **state)
            ratio, low, high = c.hazard_ratio
            if ratio is None and c.estimate is not None:
                state |= {"status": "not_estimable", "reason": TOO_LARGE}
            yield Record(
                analysis, KIND, "hazard_ratio", estimate=ratio, conf_low=low, conf_high=high,
                **rest, **state,
            )  # fmt: skip
            if made is not None:
                yield Record(
                    analysis, KIND, "fraction_missing_information", estimate=made.fmi, **rest
                )
        yield Record(
            analysis, KIND, "df_complete", n=self.n, n_event=self.n_event,
            estimate=float(self.df_complete),
        )  # fmt: skip
        for test in self.tests:
            yield from _test_records(analysis, "", test, self.n, self.n_event)
        for name, *both in self.term_tests:
            for test in both:
                yield from _test_records(analysis, name, test, self.n, self.n_event)

    def plot(self, ax: Any = None) -> Any:
        """Forest plot of the pooled hazard ratios; returns its named artists."""
        from analyses.plots.forest import plot_forest

        return plot_forest(self, ax=ax)

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        head = (
            f"<p><b>Cox model over {self.m} imputations</b>, {self.n:,} patients, "
            f"{self.n_event:,} events, {self.ties} ties</p>"
        )
        shown = ["term", "level", "hazard_ratio", "hazard_ratio_low", "hazard_ratio_high"]
        shown += ["p_value", "fmi", "reason"]
        return head + str(self.summary[shown].to_html(index=False, na_rep=""))


_PLAIN = (
    *("df_complete", "m", "n", "n_event", "n_parameters", "cluster", "ties", "robust"),
    "conf_level",
)
_NUMBERS = (
    *("per", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "df"),
    *("riv", "fmi", "hazard_ratio", "hazard_ratio_low", "hazard_ratio_high"),
)


def _test_records(
    analysis: str, term: str, test: PooledTest, n: int, n_event: int
) -> Iterator[Record]:
    """The F statistic of a pooled test; its second degrees of freedom stand in a name of theirs."""
    quantity = f"pooled_test_{test.name.lower()}"
    yield Record(
        analysis,
        KIND,
        quantity,
        term=term or None,
        n=n,
        n_event=n_event,
        statistic=test.statistic,
        df=float(test.df),
        p_value=test.p_value,
        status="ok" if test.p_value is not None else "not_estimable",
        reason=test.reason,
    )
    rest = test.df_residual
    defined = rest is not None and np.isfinite(rest)
    reason = test.reason or "without end: the imputations agree"
    yield Record(
        analysis,
        KIND,
        f"{quantity}_df_residual",
        term=term or None,
        estimate=rest if defined else None,
        status="ok" if defined else "not_estimable",
        reason=None if defined else reason,
    )
