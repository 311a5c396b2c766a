"""The smallest difference that so many events could have shown."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from scipy.special import ndtri

from analyses.results.records import Record, checked

if TYPE_CHECKING:
    from analyses.results.coefficient import Coefficient
    from analyses.results.cox import CoxModel

KIND = "detectable"
POWER = 0.8  # chance with which a detectable ratio is found


@dataclass(frozen=True, slots=True, eq=False)
class Detectable:
    """Hazard ratios beyond which two groups of these sizes would have been told apart.

    Attributes
    ----------
    group, reference
        Names of the two groups.
    n, n_reference, n_event
        Patients of either group, and the events of both together.
    above, below
        The smallest hazard ratio above 1 that could be detected, and its reciprocal; None, with
        a `reason`, where there is no event or one group is empty.
    conf_level, power
        1 less the two-sided level of the test, and the chance to find such a ratio.
    """

    group: str
    reference: str
    n: int
    n_reference: int
    n_event: int
    above: float | None
    conf_level: float
    power: float
    reason: str | None = None

    @property
    def below(self) -> float | None:
        """The largest hazard ratio below 1 that could be detected."""
        return None if self.above is None else 1.0 / self.above

    @property
    def summary(self) -> Any:
        """One row a hazard ratio: that above 1, and that below."""
        import pandas as pd

        return pd.DataFrame(self._rows()).astype({"estimate": float})

    def _rows(self) -> list[dict[str, Any]]:
        place: dict[str, Any] = {"group": self.group, "reference": self.reference}
        place |= {"n": self.n + self.n_reference, "n_event": self.n_event}
        return [
            {"quantity": f"detectable_hazard_ratio_{side}"} | place | {"estimate": value}
            for side, value in (("above", self.above), ("below", self.below))
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return asdict(self) | {"below": self.below}

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """The two hazard ratios; `unit` is that of follow-up, which neither is in."""
        del unit
        status: Any = "ok" if self.reason is None else "not_estimable"
        return checked(
            Record(analysis, KIND, status=status, reason=self.reason, **row) for row in self._rows()
        )

    def _repr_html_(self) -> str:
        """A sentence in a notebook."""
        if self.above is None:
            return f"<p>No hazard ratio could be detected: {self.reason}.</p>"
        return (
            f"<p>With {self.n_event:,} events only hazard ratios below {self.below:.2f} or above "
            f"{self.above:.2f} could be detected ({100 * self.power:g}&nbsp;% power).</p>"
        )


def detectable(
    groups: tuple[str, str],
    n: tuple[int, int],
    n_event: int,
    reach: float,
    levels: tuple[float, float],
) -> Detectable:
    """The result of (group, reference); `reach` is the sum of the two normal quantiles.

    A ratio too large for a machine to hold is none that could be detected.
    """
    given = (*groups, *n, n_event)
    share = n[0] / sum(n) if min(n) > 0 else 0.0
    information = n_event * share * (1.0 - share)
    if information <= 0:
        why = "no patient in one of the groups" if min(n) <= 0 else "no event in either group"
        return Detectable(*given, None, *levels, why)
    log_ratio = reach / math.sqrt(information)
    if log_ratio > 700:
        return Detectable(*given, None, *levels, "the hazard ratio is too large to write")
    return Detectable(*given, math.exp(log_ratio), *levels)


def detectable_of(model: CoxModel, c: Coefficient, power: float = POWER) -> Detectable | None:
    """What the events of a level and of its reference could have shown; None of a number.

    Of categories in models whose counts are patients: not of interactions, nor of weighted rows.
    """
    own = [one for one in model.coefficients if one.term == c.term]
    bases = [one for one in own if one.is_reference]
    if c.is_reference or len(bases) != 1 or model.weights is not None:
        return None
    (base,) = bases
    reach = float(ndtri((1 + model.conf_level) / 2) + ndtri(power))
    return detectable(
        (str(c.level), str(base.level)),
        (c.n, base.n),
        c.n_event + base.n_event,
        reach,
        (model.conf_level, power),
    )
