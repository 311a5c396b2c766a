"""The effect of a treatment that starts late, by a method that is valid and by one that is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.cox import CoxModel
from analyses.results.log_ratio import NUMBERS, numbers_of, ratio_of
from analyses.results.records import Record
from analyses.results.survival import KaplanMeier
from analyses.results.terms import Term

if TYPE_CHECKING:
    import pandas as pd

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
        return ratio_of(self)

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
            **numbers_of(self),
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


class LateTreatment:
    """What every analysis of a treatment that starts late answers: its effect, valid and naive."""

    __slots__ = ()

    curves: KaplanMeier
    model: CoxModel
    effect: LateEffect
    naive: LateEffect | None

    @property
    def summary(self) -> pd.DataFrame:
        """One row a method: hazard ratio of the treatment, valid and naive, with its limits."""
        return effects_table(self.effects)

    @property
    def effects(self) -> tuple[LateEffect, ...]:
        """The valid effect, then the naive one."""
        return (self.effect,) if self.naive is None else (self.effect, self.naive)

    def answer_records(
        self, analysis: str, kind: str, unit: str | None, times: Sequence[float]
    ) -> Iterator[Record]:
        """One record a number of the effects, the model and the curves."""
        for effect in self.effects:
            yield from effect.records(analysis, kind)
        yield from self.model.records(analysis, unit)
        yield from self.curves.records(f"{analysis}.curves", unit, times)


def effects_table(effects: Sequence[LateEffect]) -> pd.DataFrame:
    """One row a method: log hazard ratio with its limits, and the hazard ratio with its own."""
    import pandas as pd

    rows = []
    for effect in effects:
        ratio, low, high = effect.hazard_ratio
        row = effect.values()
        row |= {"hazard_ratio": ratio, "hazard_ratio_low": low, "hazard_ratio_high": high}
        rows.append(row)
    table = pd.DataFrame(rows)
    ratios = ("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high")
    return table.astype(dict.fromkeys((*NUMBERS, *ratios), float))


def effect_of(method: Method, treatment: str, model: CoxModel, n: int) -> LateEffect:
    """The effect of the treatment in a model of `n` patients, of which it is a term."""
    rows = [row for row in model.coefficients if row.term == treatment and row.level == GIVEN]
    if not rows or rows[0].is_reference:
        who = "everybody was" if rows else "nobody was"
        return LateEffect(method, treatment, n, model.n_event, reason=f"{who} treated")
    found = rows[0]
    values = numbers_of(found)
    return LateEffect(method, treatment, n, model.n_event, **values, reason=found.reason)


def adjusted_for(terms: Sequence[Term], treatment: str) -> tuple[str, ...]:
    """Names of the other terms of a model."""
    return tuple(term.name for term in terms if term.name != treatment)
