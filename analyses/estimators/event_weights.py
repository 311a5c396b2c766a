"""What an event counts for in a test of the log-rank family: Fleming-Harrington, Gehan, ..."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from analyses.kernels.logrank import Cells, at_risk_power, fleming_harrington
from analyses.kernels.product_limit import Array
from analyses.results.logrank import Test

# The power of the number at risk in the stratum that an event is counted with.
POWERS = MappingProxyType({"gehan": 1.0, "tarone_ware": 0.5})
NAMES = MappingProxyType({"gehan": "Gehan", "tarone_ware": "Tarone-Ware", "peto": "Peto-Peto"})


@dataclass(frozen=True, slots=True)
class EventWeights:
    """A named test, or Fleming and Harrington's exponents of S(t-) and 1 - S(t-)."""

    test: Test = "logrank"
    rho: float = 0.0
    gamma: float = 0.0

    @property
    def name(self) -> str:
        """The test in words."""
        if self.test in NAMES:
            return NAMES[self.test]
        both = f"Fleming-Harrington ({self.rho:g}, {self.gamma:g})"
        return both if self.rho or self.gamma else "log-rank"

    def by_cell(self, cells: Cells) -> Array | None:
        """The weight at each risk set; None where every event counts 1."""
        if self.test in POWERS:
            return at_risk_power(cells, POWERS[self.test])
        if self.rho or self.gamma:
            return fleming_harrington(cells, self.rho, self.gamma)
        return None


def event_weights(test: Test, rho: float, gamma: float) -> EventWeights:
    """The weights asked for; ``peto`` is Peto and Peto's S(t-), so rho 1.

    ValueError for a test that does not exist, exponents below 0, or both a name and exponents.
    """
    if test not in get_args(Test):
        raise ValueError(f"test is one of {get_args(Test)}, not {test!r}")
    if not (rho >= 0 and gamma >= 0):
        raise ValueError(f"rho and gamma are at least 0, not {rho} and {gamma}")
    if test != "logrank" and (rho or gamma):
        raise ValueError(f"rho and gamma belong to test='logrank', not to {test!r}")
    return EventWeights(test, 1.0 if test == "peto" else float(rho), float(gamma))
