"""What shares over years say: each category's share by year, and whether it rises or falls."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "share_trend"


@dataclass(frozen=True, slots=True)
class YearShare:
    """Patients of one category among those of one year, with Wilson's limits."""

    category: str
    year: int
    n: int
    n_category: int
    estimate: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class CategoryTrend:
    """How the odds of one category against all others change from year to year.

    Attributes
    ----------
    statistic, df, p_value
        Cochran-Armitage test of the share over years, without a continuity correction.
    estimate, std_error, conf_low, conf_high
        Log odds ratio for a year more, by a logistic model.
    reason
        Why there is neither, where there is none.
    """

    category: str
    n: int
    n_category: int
    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    estimate: float | None = None
    std_error: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    reason: str | None = None

    @property
    def odds_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Odds ratio for a year more, with its limits."""
        values = (self.estimate, self.conf_low, self.conf_high)
        ratio, low, high = (None if v is None else math.exp(v) for v in values)
        return ratio, low, high


@dataclass(frozen=True, slots=True, eq=False)
class ShareTrend:
    """Shares of the categories by year.

    Attributes
    ----------
    shares
        By category in order, then year.
    trends
        One a category.
    of, year, categories, years
        Columns, the categories in order, the years that have a patient.
    n, n_input, n_missing
        Patients with both, rows given, and (column, rows without a value).
    """

    shares: tuple[YearShare, ...]
    trends: tuple[CategoryTrend, ...]
    of: str
    year: str
    categories: tuple[str, ...]
    years: tuple[int, ...]
    conf_level: float
    n: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row a category and year."""
        import pandas as pd

        return pd.DataFrame([asdict(share) for share in self.shares])

    @property
    def trend_table(self) -> pd.DataFrame:
        """One row a category: its test, and the odds ratio for a year more."""
        import pandas as pd

        names = ("odds_ratio", "odds_ratio_low", "odds_ratio_high")
        rows = [asdict(t) | dict(zip(names, t.odds_ratio, strict=True)) for t in self.trends]
        numbers = ("statistic", "p_value", "estimate", "std_error", "conf_low", "conf_high")
        return pd.DataFrame(rows).astype(dict.fromkeys((*numbers, *names), float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in ("of", "year", "conf_level", "n", "n_input")},
            "categories": list(self.categories),
            "years": list(self.years),
            "n_missing": dict(self.n_missing),
            "shares": [asdict(share) for share in self.shares],
            "trends": [asdict(trend) for trend in self.trends],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        for share in self.shares:
            yield Record(
                analysis,
                KIND,
                "share",
                group=share.category,
                level=f"{share.year}",
                n=share.n,
                n_event=share.n_category,
                estimate=share.estimate,
                conf_low=share.conf_low,
                conf_high=share.conf_high,
            )
        for trend in self.trends:
            missing = trend.p_value is None
            place: dict[str, Any] = {"group": trend.category, "n": trend.n}
            place |= {"n_event": trend.n_category}
            place |= {"status": "not_estimable" if missing else "ok", "reason": trend.reason}
            yield Record(
                analysis,
                KIND,
                "cochran_armitage_test",
                statistic=trend.statistic,
                df=trend.df,
                p_value=trend.p_value,
                **place,
            )
            ratio, low, high = trend.odds_ratio
            yield Record(
                analysis,
                KIND,
                "odds_ratio_per_year",
                estimate=ratio,
                conf_low=low,
                conf_high=high,
                **place,
            )
            yield Record(
                analysis,
                KIND,
                "log_odds_ratio_per_year",
                estimate=trend.estimate,
                std_error=trend.std_error,
                conf_low=trend.conf_low,
                conf_high=trend.conf_high,
                **place,
            )

    def plot(self, ax: Any = None) -> Any:
        """Shares over years with their limits; returns its named artists."""
        from analyses.plots.share_trend import plot_share_trend

        return plot_share_trend(self, ax=ax)

    def _repr_html_(self) -> str:
        """Shares as a readable table in a notebook."""
        from html import escape

        head = f"<p><b>{escape(self.of)}</b> by {escape(self.year)}, {self.n:,} patients</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))


@dataclass(frozen=True, slots=True, eq=False)
class TrendAnalysis:
    """Shares over years, as a study file asked for them."""

    id: str
    title: str
    result: ShareTrend
