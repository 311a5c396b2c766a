"""An odds ratio of a model of categories: its place, its patients, its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analyses.results.coefficient import REFERENCE
from analyses.results.log_ratio import numbers_of, ratio_of
from analyses.results.records import Record, Status


@dataclass(frozen=True, slots=True)
class OddsRatio:
    """One level or number of one term, for one pair of categories, on the log odds scale.

    Attributes
    ----------
    term, level, reference, per
        As in a Cox model's coefficient.
    group, against
        The category whose odds are modelled, and the one they are against; of an ordinal model
        ``higher`` and ``lower``.
    counts
        Rows at the level by category, all rows for a number; in the order of the categories.
    estimate, std_error, statistic, p_value, conf_low, conf_high
        None with a `reason` where not defined; a reference level is 0 with the reason
        ``reference``.
    """

    term: str
    level: str | None
    reference: str | None
    per: float | None
    group: str
    against: str
    counts: tuple[int, ...]
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
    def odds_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Odds ratio with its limits; None where not defined or too large to write."""
        return ratio_of(self)

    def record(self, analysis: str, kind: str, quantity: str = "odds_ratio") -> Record:
        """The odds ratio, or its logarithm with error and test, as a record."""
        rest: dict[str, Any] = {
            "group": f"{self.group} against {self.against}",
            "term": self.term,
            "level": self.level,
            "reference": self.reference,
            "n": sum(self.counts),
            "unit": None if self.per is None else f"per {self.per:g}",
            "status": self.status,
            "reason": self.reason,
        }
        if quantity == "log_odds_ratio":
            return Record(analysis, kind, quantity, **numbers_of(self), **rest)
        ratio, low, high = self.odds_ratio
        if ratio is None and self.estimate is not None:
            rest |= {"status": "not_estimable", "reason": "the odds ratio is too large to write"}
        return Record(
            analysis, kind, quantity, estimate=ratio, conf_low=low, conf_high=high, **rest
        )


@dataclass(frozen=True, slots=True)
class OddsTest:
    """A chi-square test: of a term, of the whole model, or of proportional odds.

    Values are None with a `reason` where there is no test.
    """

    term: str
    statistic: float | None
    df: int
    p_value: float | None
    reason: str | None = None

    def record(self, analysis: str, kind: str, quantity: str, n: int) -> Record:
        """The test as a record."""
        return Record(
            analysis,
            kind,
            quantity,
            term=self.term or None,
            n=n,
            statistic=self.statistic,
            df=self.df,
            p_value=self.p_value,
            status="ok" if self.p_value is not None else "not_estimable",
            reason=self.reason,
        )
