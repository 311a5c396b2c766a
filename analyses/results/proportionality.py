"""What a test of proportional hazards says, and how each coefficient changes over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.frozen import Array
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class HazardTest:
    """A score test that a term's effect is the same at every time.

    `term` is None for the test of all terms together, `level` is given where one column of a
    term is tested alone. Without a test `statistic` is None, `df` 0 and `reason` says why.
    """

    term: str | None
    level: str | None
    statistic: float | None
    df: int
    p_value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BetaCurve:
    """A log hazard ratio over time: smoothed scaled Schoenfeld residuals, with pointwise limits.

    Attributes
    ----------
    term, level, reference, per
        As of the coefficient.
    constant
        The coefficient itself, which is the curve under proportional hazards.
    transformed, time
        Where the curve is evaluated, on the transformed scale and in the unit of follow-up.
    estimate, std_error, conf_low, conf_high
        Empty where there is no curve, and then `reason` says why.
    point_time, point
        Time and scaled residual of each event; empty where there are more than can be drawn.
    """

    term: str
    level: str | None
    reference: str | None
    per: float | None
    constant: float
    transformed: Array
    time: Array
    estimate: Array
    std_error: Array
    conf_low: Array
    conf_high: Array
    point_time: Array
    point: Array
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Proportionality:
    """Whether hazard ratios are constant over time, by term and for all terms together.

    Attributes
    ----------
    transform
        Of time, with which each effect may change: ``km``, ``rank``, ``identity`` or ``log``.
    tests
        One a term, in the order of the model.
    level_tests
        One for each column of the terms that have several.
    overall
        All terms together.
    curves
        One for each estimated coefficient.
    model_based
        Whether the model's own variance was used although the fit has another (weights that are
        not counts, clusters): the test then does not hold its level exactly.
    n, n_event
        As of the model.
    """

    transform: str
    tests: tuple[HazardTest, ...]
    level_tests: tuple[HazardTest, ...]
    overall: HazardTest
    curves: tuple[BetaCurve, ...]
    model_based: bool
    n: int
    n_event: int
    conf_level: float
    findings: tuple[Finding, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row a test: terms, then columns of terms that have several, then all together."""
        import pandas as pd

        rows = [asdict(test) for test in (*self.tests, *self.level_tests, self.overall)]
        return pd.DataFrame(rows).astype({"statistic": float, "p_value": float})

    @property
    def curve_table(self) -> pd.DataFrame:
        """Every curve: term, level, reference, time, transformed, estimate and limits."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {"term": c.term, "level": c.level, "reference": c.reference}
                | {name: getattr(c, name) for name in _CURVE}
            )
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; the curves are left to tables."""
        return {
            "transform": self.transform,
            "tests": [asdict(test) for test in (*self.tests, *self.level_tests)],
            "overall": asdict(self.overall),
            "model_based": self.model_based,
            "n": self.n,
            "n_event": self.n_event,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a test; nothing here is in the unit of follow-up."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        kinds = (
            ("proportionality_test", self.tests),
            ("proportionality_level_test", self.level_tests),
            ("proportionality_test_all", (self.overall,)),
        )
        for quantity, tests in kinds:
            for test in tests:
                yield Record(
                    analysis,
                    "cox",
                    quantity,
                    term=test.term,
                    level=test.level,
                    n=self.n,
                    n_event=self.n_event,
                    statistic=test.statistic,
                    df=test.df,
                    p_value=test.p_value,
                    status="ok" if test.statistic is not None else "not_estimable",
                    reason=test.reason,
                )

    def plot(self, term: str | None = None) -> Any:
        """The curves of one term, or of the term whose test is the most extreme."""
        from analyses.plots.beta_curve import plot_beta_curve

        return plot_beta_curve(self, term=term)

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        head = f"<p><b>Proportional hazards</b>, score test, time by {escape(self.transform)}</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))


_CURVE = ("time", "transformed", "estimate", "std_error", "conf_low", "conf_high")
