"""What the max-combo test says: four weighted log-rank tests, the largest, one p-value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.kernels.max_combo import Joint, critical_values
from analyses.results.frozen import Array
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from analyses.results.standardised import LEVEL, Standardised
from analyses.results.weighting import Weighting, plain_weighting, weighting_records
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "max_combo"


@dataclass(frozen=True, slots=True)
class ComboPart:
    """One of the tests: Fleming-Harrington's weights, chi-square, and its own p-value."""

    rho: float
    gamma: float
    statistic: float | None
    df: int
    p_value: float | None

    @property
    def name(self) -> str:
        """The weights in words."""
        return f"Fleming-Harrington ({self.rho:g}, {self.gamma:g})"


@dataclass(frozen=True, slots=True, eq=False)
class MaxCombo:
    """Whether the groups share one hazard, with power for early, late and crossing differences.

    Attributes
    ----------
    statistic, df
        The largest of the tests' chi-squares, and its degrees of freedom.
    p_value
        The chance that any of the tests would be as extreme, from their joint distribution;
        None with a `reason` where no test exists.
    parts
        The tests that it is the largest of.
    best
        The place of the largest among them, or None.
    loadings
        Of each test on independent normal variables, which are all that its joint distribution
        with the others needs.
    correlation
        Of the tests' statistics where each has one degree of freedom (two groups, or a trend),
        else empty.
    by, groups, n, n_event, strata, scores, weighting
        As in a log-rank test.
    n_input, n_missing, findings
        Rows given, (column, rows without a value in it), and what a reader must be warned of.
    """

    statistic: float | None
    df: int
    p_value: float | None
    parts: tuple[ComboPart, ...]
    best: int | None
    loadings: tuple[Array, ...]
    correlation: Array
    by: str
    groups: tuple[str, ...]
    n: tuple[int, ...]
    n_event: tuple[int, ...]
    strata: tuple[str, ...]
    scores: tuple[float, ...] | None
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    reason: str | None = None
    findings: tuple[Finding, ...] = ()
    weighting: Weighting | None = None

    @property
    def summary(self) -> pd.DataFrame:
        """One row a test and, last, the max-combo test of them all."""
        import pandas as pd

        rows = [
            {"term": p.name, "statistic": p.statistic, "df": p.df, "p_value": p.p_value}
            for p in self.parts
        ]
        last = {"statistic": self.statistic, "df": self.df, "p_value": self.p_value}
        return pd.DataFrame([*rows, {"term": "max-combo"} | last]).astype(
            {"statistic": float, "p_value": float}
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in ("statistic", "df", "p_value", "best", "by")},
            "parts": [asdict(part) for part in self.parts],
            "correlation": self.correlation.tolist(),
            "groups": list(self.groups),
            "n": list(self.n),
            "n_event": list(self.n_event),
            "strata": list(self.strata),
            "scores": None if self.scores is None else list(self.scores),
            "n_input": self.n_input,
            "n_missing": dict(self.n_missing),
            "weighting": plain_weighting(self.weighting),
            "reason": self.reason,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """The test and those that it is the largest of; nothing here is in `unit`."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        counts: dict[str, Any] = {"n": sum(self.n), "n_event": sum(self.n_event)}
        yield from left_out_records(analysis, KIND, sum(self.n), self.n_input, self.n_missing)
        yield from weighting_records(self.weighting, analysis, KIND)
        yield Record(
            analysis,
            KIND,
            "max_combo_test",
            term=self.by,
            statistic=self.statistic,
            df=self.df,
            p_value=self.p_value,
            status="ok" if self.statistic is not None else "not_estimable",
            reason=self.reason,
            **counts,
        )
        for part in self.parts:
            absent = part.statistic is None
            yield Record(
                analysis,
                KIND,
                "max_combo_part",
                term=self.by,
                level=part.name,
                statistic=part.statistic,
                df=part.df,
                p_value=part.p_value,
                status="not_estimable" if absent else "ok",
                reason=(self.reason or NO_PART) if absent else None,
                **counts,
            )

    @property
    def standardised(self) -> tuple[Standardised, ...]:
        """The root of each test's chi-square, and what the largest passes in 5 % by chance.

        That is the value whose p-value any of the tests reaches with this probability; more than
        two groups take it some seconds.
        """
        found = [0.0 if part.statistic is None else part.statistic for part in self.parts]
        joint = Joint(np.array(found), np.array([part.df for part in self.parts]), self.loadings)
        critical_of = critical_values(joint, LEVEL)
        return tuple(
            Standardised(
                part.name,
                "",
                None if part.statistic is None else math.sqrt(part.statistic),
                None if critical is None else math.sqrt(critical),
                part.p_value,
                None if part.statistic is not None else self.reason or NO_PART,
            )
            for part, critical in zip(self.parts, critical_of, strict=True)
        )

    def plot(self, ax: Any = None) -> Any:
        """The four statistics beside the value that the largest passes in 5 %; named artists."""
        from analyses.plots.standardised import plot_max_combo

        return plot_max_combo(self, ax=ax)

    def _repr_html_(self) -> str:
        """The tests as a readable table in a notebook."""
        shown = "no test: " + str(self.reason) if self.reason else f"p {self.p_value:.4g}"
        table = self.summary.to_html(index=False, na_rep="")
        return f"<p><b>Max-combo test</b> by {escape(self.by)}: {shown}</p>{table}"


NO_PART = "with these weights no event compares the groups"
