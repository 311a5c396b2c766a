"""What it would take to change a conclusion: a confounder, more events, misread patients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from analyses.results.records import Record, checked
from analyses.results.robust import Conclusion, Estimate

if TYPE_CHECKING:
    import pandas as pd

KIND = "tipping_point"
ERRORS = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40)  # shares misread that are tried
DRAWS = 40  # of the true levels for each


@dataclass(frozen=True, slots=True)
class ConfounderPoint:
    """A yes-or-no confounder that moves the deciding limit to 1.

    Attributes
    ----------
    association
        Its risk ratio with the outcome.
    prevalence_reference, prevalence
        Its share among the reference, and what its share at the level must then be; None, with a
        `reason`, where no share does it.
    """

    association: float
    prevalence_reference: float
    prevalence: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EventPoint:
    """Events more, in one group, with which another conclusion is drawn.

    `n_more` of the `n_censored` patients of the `group`, spread evenly over their times of
    censoring, would have had the event that day; None, with a `reason`, where not even all do it.
    `after` is the estimate with them.
    """

    group: str
    conclusion: Conclusion
    n_censored: int
    n_more: int | None
    after: Estimate | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MisreadingPoint:
    """The estimate if the two levels were misread for each other in this share of patients.

    None, with a `reason`, where such misreading cannot have given what was read.
    """

    error: float
    after: Estimate | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TippingPoints:
    """How far a conclusion is from another.

    Attributes
    ----------
    term, level, reference, estimate
        The contrast as estimated; its `conclusion` is what the points change.
    limit
        The hazard ratio that a confounder must move to 1: the limit on the side of the estimate
        that is nearer to 1 or beyond it; and `bias`, by which factor, as a ratio of risks.
    outcome, event_share
        ``common`` where more than 15 % of all patients have the event by the end, the share.
    confounders, events, misreadings
        The points; of misreadings in the order of the error.
    draws, seed
        Draws of the true levels for each error, and the seed.
    """

    term: str
    level: str
    reference: str
    estimate: Estimate
    limit: float
    bias: float
    outcome: str
    event_share: float
    confounders: tuple[ConfounderPoint, ...]
    events: tuple[EventPoint, ...]
    misreadings: tuple[MisreadingPoint, ...]
    draws: int
    seed: int | None
    conf_level: float

    @property
    def conclusion(self) -> Conclusion:
        """What is concluded as things are."""
        return self.estimate.conclusion

    @property
    def misreading_tip(self) -> float | None:
        """The smallest share misread at which another conclusion is drawn; None where none is."""
        for point in self.misreadings:
            if point.after is not None and point.after.conclusion != self.conclusion:
                return point.error
        return None

    @property
    def summary(self) -> pd.DataFrame:
        """One row a point: of a confounder its share, of events their number, of errors a ratio."""
        import pandas as pd

        table = pd.DataFrame(list(self._rows()), columns=list(_COLUMNS))
        return table.astype(dict.fromkeys(("estimate", "conf_low", "conf_high", "n"), float))

    def _rows(self) -> Iterator[dict[str, Any]]:
        term = {"term": self.term, "reference": self.reference}
        for c in self.confounders:
            yield term | {
                "quantity": "confounder_share",
                "group": f"association {c.association:g}",
                "level": f"reference share {c.prevalence_reference:g}",
                "estimate": c.prevalence,
                "reason": c.reason,
            }
        for e in self.events:
            yield term | {
                "quantity": "events_to_tip",
                "group": e.group,
                "level": e.conclusion,
                "n": e.n_censored,
                "estimate": e.n_more,
                "reason": e.reason,
            }
        for m in self.misreadings:
            ratio, low, high = (None,) * 3 if m.after is None else m.after.hazard_ratio
            yield term | {
                "quantity": "hazard_ratio_misread",
                "group": f"error {m.error:g}",
                "level": self.level,
                "estimate": ratio,
                "conf_low": low,
                "conf_high": high,
                "reason": m.reason,
            }

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return asdict(self) | {
            "conclusion": self.conclusion,
            "misreading_tip": self.misreading_tip,
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a point; `unit` is that of follow-up, which none is in."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield Record(analysis, KIND, "limit_to_move", estimate=self.limit)
        yield Record(analysis, KIND, "bias_to_move", estimate=self.bias)
        yield Record(analysis, KIND, "event_share", estimate=self.event_share)
        for row in self._rows():
            held = row["estimate"] is not None
            reason = row["reason"]
            if not held and reason is None:
                reason = "the hazard ratio is too large to write"
            kept = row | {"reason": None if held else reason}
            yield Record(analysis, KIND, status="ok" if held else "not_estimable", **kept)
        if self.misreadings:
            tip = self.misreading_tip
            yield Record(
                analysis,
                KIND,
                "misreading_to_tip",
                term=self.term,
                estimate=tip,
                status="ok" if tip is not None else "not_reached",
                reason=None if tip is not None else "no share that was tried changes it",
            )

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        head = f"<p><b>Tipping points</b> of the conclusion: {self.conclusion}</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))


_COLUMNS = (
    *("quantity", "group", "term", "level", "reference", "n", "estimate", "conf_low", "conf_high"),
    "reason",
)
