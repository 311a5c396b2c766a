"""What stands beside a complete-case answer: the same over imputations, and who lacked what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from analyses.results.imputations import Imputations
from analyses.results.missingness import Missingness
from analyses.results.pooled_cox import PooledCox
from analyses.results.pooled_numbers import PooledNumbers

T = TypeVar("T", PooledCox, PooledNumbers)


@dataclass(frozen=True, slots=True, eq=False)
class Imputed(Generic[T]):
    """An answer over imputations, and who lacked what of the columns that they rest on."""

    pooled: T
    missingness: Missingness

    @property
    def imputations(self) -> Imputations:
        """How values were drawn."""
        return self.pooled.imputations


@dataclass(frozen=True, slots=True, eq=False)
class MissingnessAnalysis:
    """Missing values by column, group and pattern."""

    id: str
    title: str
    result: Missingness
