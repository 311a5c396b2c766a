"""The effect of a treatment that starts late, by a method that is valid and by one that is not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from analyses.results.cox import CoxModel
from analyses.results.records import Record
from analyses.results.terms import Term

Method = Literal["naive", "landmark", "start_stop", "clone_censor_weight"]
GIVEN, NOT_GIVEN = "yes", "no"


@dataclass(frozen=True, slots=True)
class LateEffect:
    """The log hazard ratio of treated against not treated by one method.

    Attributes
    ----------
    method
        ``naive`` compares ever with never treated from time zero, as if that had been known then:
        who dies early is never treated, so that treatment looks better than it is.
    n, n_event
        Patients and events that the method uses.
    estimate, std_error, statistic, p_value, conf_low, conf_high
        On the log hazard scale; None with a `reason` where not defined.
    """

    method: Method
    treatment: str
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
    def is_valid(self) -> bool:
        """Whether the method keeps immortal time out."""
        return self.method != "naive"

    @property
    def hazard_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Hazard ratio with its limits."""
        low, high = self.conf_low, self.conf_high
        return _exp(self.estimate), _exp(low), _exp(high)

    def values(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    def records(self, analysis: str, kind: str) -> Iterator[Record]:
        """Log hazard ratio and hazard ratio; those of the naive method are named so."""
        before = "" if self.is_valid else "naive_"
        place: dict[str, Any] = {"term": self.treatment, "level": GIVEN, "reference": NOT_GIVEN}
        place |= {"n": self.n, "n_event": self.n_event, "reason": self.reason}
        place["status"] = "ok" if self.estimate is not None else "not_estimable"
        yield Record(
            analysis,
            kind,
            f"{before}effect_log_hazard_ratio",
            estimate=self.estimate,
            std_error=self.std_error,
            statistic=self.statistic,
            p_value=self.p_value,
            conf_low=self.conf_low,
            conf_high=self.conf_high,
            **place,
        )
        ratio, low, high = self.hazard_ratio
        yield Record(
            analysis,
            kind,
            f"{before}effect_hazard_ratio",
            estimate=ratio,
            conf_low=low,
            conf_high=high,
            p_value=self.p_value,
            **place,
        )


def effect_of(method: Method, treatment: str, model: CoxModel, n: int) -> LateEffect:
    """The effect of the treatment in a model of `n` patients, of which it is a term."""
    rows = [row for row in model.coefficients if row.term == treatment and row.level == GIVEN]
    if not rows or rows[0].is_reference:
        who = "everybody was" if rows else "nobody was"
        return LateEffect(method, treatment, n, model.n_event, reason=f"{who} treated")
    found = rows[0]
    names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "reason")
    values = {name: getattr(found, name) for name in names}
    return LateEffect(method, treatment, n, model.n_event, **values)


def adjusted_for(terms: Sequence[Term], treatment: str) -> tuple[str, ...]:
    """Names of the other terms of a model."""
    return tuple(term.name for term in terms if term.name != treatment)


def _exp(value: float | None) -> float | None:
    if value is None or value > 700:
        return None
    return math.exp(value)
