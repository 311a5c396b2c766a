"""The parts of an adjusted comparison: hazard ratios of several meanings, means, differences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from analyses.results.coefficient import TOO_LARGE
from analyses.results.contrast import Contrast
from analyses.results.log_ratio import numbers_of, ratio_of
from analyses.results.records import Record, Status

Meaning = Literal["marginal", "conditional"]
Quantity = Literal["survival", "rmst"]


@dataclass(frozen=True, slots=True)
class AdjustedRatio:
    """A hazard ratio against the reference, with how it was made and what it is a ratio of.

    Attributes
    ----------
    method
        ``unadjusted``, ``weighted``, ``weights and terms``, ``matched``, ``terms``.
    meaning, population
        ``marginal``: of a population as a whole, named; ``conditional``: of patients alike in the
        terms. The two differ without any confounding, since a hazard ratio is not collapsible.
    n, n_event
        Patients of the group and their events, unweighted.
    estimate, std_error, statistic, p_value, conf_low, conf_high
        Log hazard scale; None with a `reason` where not defined.
    """

    method: str
    meaning: Meaning
    population: str
    group: str
    reference: str
    n: int
    n_event: int
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    reason: str | None = None

    @property
    def status(self) -> Status:
        """``ok`` where there is an estimate."""
        return "ok" if self.estimate is not None else "not_estimable"

    @property
    def said(self) -> str:
        """The label that stands wherever the ratio is shown."""
        return f"{self.method}: {self.meaning}, {self.population}"

    @property
    def hazard_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Off the log scale, with limits."""
        return ratio_of(self)

    def values(self) -> dict[str, Any]:
        """The fields by name, with the ratio beside its logarithm."""
        row = {name: getattr(self, name) for name in _FIELDS}
        names = ("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high")
        return row | dict(zip(names, self.hazard_ratio, strict=True))

    def records(self, analysis: str, kind: str) -> Iterator[Record]:
        """The logarithm and the ratio, each labelled with its meaning."""
        named: dict[str, Any] = {
            "group": self.group,
            "term": self.method,
            "level": f"{self.meaning}, {self.population}",
            "reference": self.reference,
            "n": self.n,
            "n_event": self.n_event,
        }
        state: dict[str, Any] = {"status": self.status, "reason": self.reason}
        yield Record(analysis, kind, "log_hazard_ratio", **named, **numbers_of(self), **state)
        ratio, low, high = self.hazard_ratio
        if ratio is None and self.estimate is not None:
            state = {"status": "not_estimable", "reason": TOO_LARGE}
        # A limit may be too large to write where the ratio itself is not.
        shown: dict[str, Any] = {}
        if ratio is not None:
            shown = {"estimate": ratio, "p_value": self.p_value}
            shown |= {"conf_low": low, "conf_high": high}
        yield Record(analysis, kind, "hazard_ratio", **named, **shown, **state)


@dataclass(frozen=True, slots=True)
class AdjustedMean:
    """Survival at a time, or mean time up to it, that a population would have in one group.

    `n` and `n_event` are the group's own patients and their events up to the time. Limits of a
    survival are symmetric on the complementary log-log scale; None with a `reason` where there
    are none.
    """

    quantity: Quantity
    group: str
    time: float
    n: int
    n_event: int
    estimate: float | None
    std_error: float | None
    conf_low: float | None
    conf_high: float | None
    reason: str | None = None

    def values(self) -> dict[str, Any]:
        """The fields by name."""
        return {name: getattr(self, name) for name in _MEAN}

    def record(self, analysis: str, kind: str, unit: str | None) -> Record:
        """The number as a record; `unit` is that of follow-up."""
        status: Status = "ok" if self.estimate is not None else "not_estimable"
        own = unit if self.quantity == "rmst" else None
        return Record(analysis, kind, unit=own, status=status, **self.values())


_FIELDS = (
    *("method", "meaning", "population", "group", "reference", "n", "n_event", "estimate"),
    *("std_error", "statistic", "p_value", "conf_low", "conf_high", "reason"),
)
_MEAN = (
    *("quantity", "group", "time", "n", "n_event", "estimate", "std_error", "conf_low"),
    *("conf_high", "reason"),
)


def adjusted_records(
    analysis: str,
    kind: str,
    unit: str | None,
    means: Iterable[AdjustedMean],
    differences: Iterable[Contrast],
) -> Iterator[Record]:
    """Records of survival, means and differences; a mean and its difference are in `unit`."""
    for mean in means:
        yield mean.record(analysis, kind, unit)
    for difference in differences:
        own = unit if difference.quantity == "rmst_difference" else None
        yield difference.record(analysis, kind, own)
