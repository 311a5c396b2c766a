"""What the max-combo test says: four weighted log-rank tests, the largest, one p-value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.frozen import Array
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
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

    def _repr_html_(self) -> str:
        """The tests as a readable table in a notebook."""
        shown = "no test: " + str(self.reason) if self.reason else f"p {self.p_value:.4g}"
        table = self.summary.to_html(index=False, na_rep="")
        return f"<p><b>Max-combo test</b> by {escape(self.by)}: {shown}</p>{table}"


NO_PART = "with these weights no event compares the groups"
