"""Mortality of the population, by age, sex, calendar year and whatever else it is told by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyses.results.frozen import Array

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class LifeTable:
    """A complete life table.

    Attributes
    ----------
    hazard
        A year, [sex and race, year, age].
    ages, years
        First and last whole years.
    strata
        (sex,) or (sex, race) of the first axis.
    measure
        What was given: ``rate`` or ``probability``.
    """

    hazard: Array
    ages: tuple[int, int]
    years: tuple[int, int]
    strata: tuple[tuple[str, ...], ...]
    measure: str
    name: str = ""
    sha256: str = ""

    @property
    def by_race(self) -> bool:
        """Whether races have rates of their own."""
        return len(self.strata[0]) == 2

    @property
    def sexes(self) -> tuple[str, ...]:
        """The sexes that it knows."""
        return tuple(dict.fromkeys(s[0] for s in self.strata))

    @property
    def races(self) -> tuple[str, ...]:
        """The races that it knows; none where all have the same rates."""
        return tuple(dict.fromkeys(s[1] for s in self.strata)) if self.by_race else ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row a cell: age, sex, year, race where told apart, and the yearly hazard."""
        import pandas as pd

        rows = [
            {"age": self.ages[0] + a, "sex": s[0], "year": self.years[0] + y}
            | ({"race": s[1]} if self.by_race else {})
            | {"rate": float(self.hazard[i, y, a])}
            for i, s in enumerate(self.strata)
            for y in range(self.hazard.shape[1])
            for a in range(self.hazard.shape[2])
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Its extent as plain JSON types; the rates are in `summary`."""
        return {
            "ages": list(self.ages),
            "years": list(self.years),
            "strata": [list(s) for s in self.strata],
            "measure": self.measure,
            "name": self.name,
            "sha256": self.sha256,
        }
