"""What a log-rank test says: observed and expected events by group, statistic, p; pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.frozen import Array
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from analyses.results.standardised import NORMAL_CRITICAL, Standardised, in_errors
from analyses.results.weighting import Weighting, plain_weighting, weighting_records
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd


Test = Literal["logrank", "gehan", "tarone_ware", "peto"]


@dataclass(frozen=True, slots=True, eq=False)
class LogRank:
    """A test that the groups share one hazard, with what it is made of.

    Attributes
    ----------
    statistic, df, p_value
        Chi-square; None, 0, None with a `reason` where no test exists.
    groups, n, observed, expected
        In group order. Weighted sums unless every event counts 1.
    variance
        Of observed minus expected, k x k.
    by, strata
        The columns of groups and strata.
    kind
        ``log-rank``, ``Fleming-Harrington (rho, gamma)``, ``Gehan``, ``Tarone-Ware``,
        ``Peto-Peto`` or ``trend``.
    test
        What an event counts for: ``logrank`` (with `rho` and `gamma`), ``gehan`` ...
    rho, gamma
        Exponents of the weights S(t-)^rho (1 - S(t-))^gamma.
    time, excess
        Event times, and observed minus expected events of each group (k x times) up to and with
        each, which end at their difference.
    scores
        One a group for a trend, else None.
    n_event, n_input, n_missing
        Events, rows given, and (column, rows without a value in it).
    weighting
        The column of whole numbers that say for how many patients a row stands; None without.
    findings
        Groups with few or no events, groups never at risk, patients of weight 0.
    """

    statistic: float | None
    df: int
    p_value: float | None
    groups: tuple[str, ...]
    n: tuple[int, ...]
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    variance: Array
    time: Array
    excess: Array
    by: str
    strata: tuple[str, ...]
    kind: str
    test: Test
    rho: float
    gamma: float
    scores: tuple[float, ...] | None
    n_event: tuple[int, ...]
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    reason: str | None = None
    findings: tuple[Finding, ...] = ()
    weighting: Weighting | None = None

    @property
    def is_weighted(self) -> bool:
        """Whether events count for more or less than 1."""
        return self.test != "logrank" or self.rho != 0 or self.gamma != 0

    @property
    def summary(self) -> pd.DataFrame:
        """One row a group: patients, events, observed, expected and its variance, score."""
        import pandas as pd

        return pd.DataFrame(
            {
                "group": self.groups,
                "n": self.n,
                "n_event": self.n_event,
                "observed": self.observed,
                "expected": self.expected,
                "variance": self.variance.diagonal().copy(),
                "score": [None] * len(self.groups) if self.scores is None else self.scores,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in ((name, getattr(self, name)) for name in _PLAIN)
        }
        return plain | {
            "variance": self.variance.tolist(),
            "n_missing": dict(self.n_missing),
            "weighting": plain_weighting(self.weighting),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """The test, and observed and expected events by group; nothing here is in `unit`."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        total = sum(self.n)
        yield from left_out_records(analysis, "logrank", total, self.n_input, self.n_missing)
        yield from weighting_records(self.weighting, analysis, "logrank")
        yield Record(
            analysis,
            "logrank",
            "logrank_test",
            term=self.by,
            n=total,
            n_event=sum(self.n_event),
            statistic=self.statistic,
            df=self.df,
            p_value=self.p_value,
            status="ok" if self.statistic is not None else "not_estimable",
            reason=self.reason,
        )
        sums = {"observed_events": self.observed, "expected_events": self.expected}
        for quantity, values in sums.items():
            for group, n, events, value in zip(
                self.groups, self.n, self.n_event, values, strict=True
            ):
                yield Record(
                    analysis,
                    "logrank",
                    quantity,
                    group=group,
                    n=n,
                    n_event=events,
                    estimate=value,
                )

    @property
    def signed(self) -> float | None:
        """Of two groups: what the second had more than expected, in standard errors."""
        if len(self.groups) != 2 or self.statistic is None or self.scores is not None:
            return None
        return in_errors(self.observed[1] - self.expected[1], float(self.variance[1, 1]))

    def plot(self, ax: Any = None) -> Any:
        """Observed minus expected events of each group over time; returns the named artists."""
        from analyses.plots.excess import plot_excess

        return plot_excess(self, ax=ax)

    def _repr_html_(self) -> str:
        """Statistic and groups as a readable table in a notebook."""
        shown = "no test: " + str(self.reason)
        if self.statistic is not None:
            shown = f"chi-square {self.statistic:.6g}, df {self.df}, p {self.p_value:.4g}"
        shown += "" if self.weighting is None else f"; {escape(self.weighting.words)}"
        table = self.summary.drop(columns=[] if self.scores else "score")
        return (
            f"<p><b>{self.kind}</b> by {escape(self.by)}: {shown}</p>{table.to_html(index=False)}"
        )


_PLAIN = (
    *("statistic", "df", "p_value", "groups", "n", "n_event", "observed", "expected", "by"),
    *("strata", "kind", "test", "rho", "gamma", "scores", "n_input", "reason"),
)


@dataclass(frozen=True, slots=True, eq=False)
class PairwiseLogRank:
    """Log-rank tests of each two groups, every test on its two groups only.

    Attributes
    ----------
    pairs, results, p_adjusted
        In parallel; the p-value after adjustment is None where a pair has no test.
    method
        Of the adjustment: ``holm``, ``bh``, ``bonferroni`` or ``none``.
    by
        The column of the groups.
    """

    pairs: tuple[tuple[str, str], ...]
    results: tuple[LogRank, ...]
    p_adjusted: tuple[float | None, ...]
    method: str
    by: str
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row a pair: group and reference, statistic, p and adjusted p."""
        import pandas as pd

        rows = [
            {
                "group": second,
                "reference": first,
                "n": sum(result.n),
                "n_event": sum(result.n_event),
                "statistic": result.statistic,
                "df": result.df,
                "p_value": result.p_value,
                "p_adjusted": adjusted,
                "reason": result.reason,
            }
            for (first, second), result, adjusted in self._rows()
        ]
        return pd.DataFrame(rows).astype(
            dict.fromkeys(("statistic", "p_value", "p_adjusted"), float)
        )

    def _rows(self) -> Iterator[tuple[tuple[str, str], LogRank, float | None]]:
        yield from zip(self.pairs, self.results, self.p_adjusted, strict=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            "method": self.method,
            "by": self.by,
            "n_input": self.n_input,
            "n_missing": dict(self.n_missing),
            "pairs": [
                {"groups": list(pair), "p_adjusted": adjusted, "test": result.to_dict()}
                for pair, result, adjusted in self._rows()
            ],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """Two records a pair: its test, and the p-value after adjustment (method in `term`)."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        kind = "pairwise_logrank"
        for (first, second), result, adjusted in self._rows():
            pair: dict[str, Any] = {"group": second, "reference": first, "reason": result.reason}
            pair |= {"n": sum(result.n), "n_event": sum(result.n_event), "df": result.df}
            pair["status"] = "ok" if result.statistic is not None else "not_estimable"
            yield Record(
                analysis,
                kind,
                "logrank_test",
                statistic=result.statistic,
                p_value=result.p_value,
                **pair,
            )
            yield Record(
                analysis, kind, "logrank_adjusted_p", term=self.method, p_value=adjusted, **pair
            )

    @property
    def standardised(self) -> tuple[Standardised, ...]:
        """What the second group of each pair had more than expected, in standard errors."""
        return tuple(
            Standardised(
                second,
                first,
                result.signed,
                None if result.signed is None else NORMAL_CRITICAL,
                adjusted,
                result.reason,
            )
            for (first, second), result, adjusted in self._rows()
        )

    def plot(self, ax: Any = None) -> Any:
        """Each pair's difference in standard errors, with its p; returns the named artists."""
        from analyses.plots.standardised import plot_pairs

        return plot_pairs(self, ax=ax)

    def _repr_html_(self) -> str:
        """The pairs as a readable table in a notebook."""
        head = f"<p><b>Pairs</b> of {escape(self.by)}, p-values adjusted by {self.method}</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))
