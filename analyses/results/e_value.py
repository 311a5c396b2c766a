"""How strong an unmeasured confounder would have to be: the E-value of a ratio and of its limit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from analyses.results.records import Record, checked

Scale = Literal["risk_ratio", "hazard_ratio", "odds_ratio"]
Outcome = Literal["rare", "common"]
KIND = "e_value"
NO_LIMITS = "the ratio has no limits"


@dataclass(frozen=True, slots=True, eq=False)
class EValue:
    """E-value of an estimate and of its limit nearer to 1.

    Attributes
    ----------
    ratio, conf_low, conf_high
        As given, on `scale`.
    scale, outcome
        Whether the ratio is of risks, hazards or odds; ``rare`` where it stands for a risk ratio
        as it is, ``common`` where it was first turned into one.
    risk_ratio, risk_ratio_low, risk_ratio_high
        What the ratio and its limits are as risk ratios.
    point, limit
        The E-values; that of a limit is 1 where the limits hold 1, and None, with a `reason`, where
        there are none.
    """

    ratio: float
    conf_low: float | None
    conf_high: float | None
    scale: Scale
    outcome: Outcome
    risk_ratio: float
    risk_ratio_low: float | None
    risk_ratio_high: float | None
    point: float
    limit: float | None
    reason: str | None = None

    @property
    def summary(self) -> Any:
        """One row a number: the risk ratio, and the E-value of the estimate and of its limit."""
        import pandas as pd

        return pd.DataFrame(self._rows()).astype(dict.fromkeys(_NUMBERS, float))

    def _rows(self) -> list[dict[str, Any]]:
        limits = {"conf_low": self.risk_ratio_low, "conf_high": self.risk_ratio_high}
        return [
            {"quantity": "risk_ratio", "estimate": self.risk_ratio} | limits,
            {"quantity": "e_value", "estimate": self.point},
            {"quantity": "e_value_limit", "estimate": self.limit},
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return asdict(self)

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number; `unit` is that of follow-up, which none is in."""
        del unit
        return checked(
            Record(
                analysis,
                KIND,
                status="ok" if row["estimate"] is not None else "not_estimable",
                reason=None if row["estimate"] is not None else self.reason,
                **row,
            )
            for row in self._rows()
        )

    def _repr_html_(self) -> str:
        """A sentence in a notebook."""
        limit = f", of the limit nearer to 1 {self.limit:.2f}" if self.limit is not None else ""
        return f"<p><b>E-value</b> {self.point:.2f}{limit} ({self.outcome} outcome).</p>"


_NUMBERS = ("estimate", "conf_low", "conf_high")
