"""Cut points of numbers as the rule tables write them, and the classes they make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import narwhals as nw

ANY, KNOWN, MISSING = "any", "known", "missing"
_BOUND = re.compile(r"(>=|<=|>|<)([0-9]+(?:\.[0-9]+)?)")
# A quotient such as 1.9999999999 is 2.0: laboratories give two decimals, registries one.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """A place on the line of numbers: just below `value`, or just above it."""

    value: float
    above: bool

    @property
    def from_here(self) -> str:
        """The bound that begins here, as the tables write it."""
        return f"{'>' if self.above else '>='}{self.value:g}"

    @property
    def up_to_here(self) -> str:
        """The bound that ends here."""
        return f"{'<=' if self.above else '<'}{self.value:g}"

    def passed_by(self, number: nw.Expr) -> nw.Expr:
        """True where the number lies beyond this cut; null where it is missing."""
        if self.above:
            return number > self.value + _TOLERANCE
        return number >= self.value - _TOLERANCE

    def not_reached_by(self, number: nw.Expr) -> nw.Expr:
        """True where the number lies before this cut; null where it is missing."""
        if self.above:
            return number <= self.value + _TOLERANCE
        return number < self.value - _TOLERANCE


@dataclass(frozen=True, slots=True)
class NumberClass:
    """All numbers between two neighbouring cuts; None is open."""

    low: Cut | None
    high: Cut | None

    @property
    def name(self) -> str:
        """The class as the tables would write it, such as ``>=4 <6``."""
        bounds = ([self.low.from_here] if self.low else []) + (
            [self.high.up_to_here] if self.high else []
        )
        return " ".join(bounds) or KNOWN


def classes(cells: Iterable[str]) -> tuple[NumberClass, ...]:
    """The classes, in ascending order, that the bounds in these cells make."""
    cuts = sorted({cut for cell in cells for cut in _bounds(cell) if cut is not None})
    ends: list[Cut | None] = [None, *cuts, None]
    return tuple(NumberClass(ends[i], ends[i + 1]) for i in range(len(ends) - 1))


def members(cell: str, every: Sequence[NumberClass]) -> tuple[str, ...]:
    """Names of the classes that a cell holds: ``any`` all and missing, ``known`` all."""
    if cell == MISSING:
        return (MISSING,)
    low, high = _bounds(cell)
    inside = tuple(
        one.name
        for one in every
        if (low is None or (one.low is not None and one.low >= low))
        and (high is None or (one.high is not None and one.high <= high))
    )
    return (*inside, MISSING) if cell == ANY else inside


def class_of(value: nw.Expr, low: nw.Expr, high: nw.Expr, every: Sequence[NumberClass]) -> nw.Expr:
    """Name of the class of a number, or of an interval that lies in one class; else missing.

    `low` and `high` bound the value where it is no number; the upper bound is exclusive.
    """
    expression = nw.lit(MISSING)
    at_least, below = nw.coalesce(value, low), high
    known = ~(value.is_null() & low.is_null() & high.is_null())
    for one in every:
        fits = known
        if one.low is not None:
            fits = fits & one.low.passed_by(at_least).fill_null(False)
        if one.high is not None:
            end = one.high.not_reached_by(value) | (
                value.is_null() & (below <= one.high.value + _TOLERANCE)
            )
            fits = fits & end.fill_null(False)
        expression = nw.when(fits).then(nw.lit(one.name)).otherwise(expression)
    return expression


def _bounds(cell: str) -> tuple[Cut | None, Cut | None]:
    """The lower and the upper cut of a cell such as ``>=4.0 <6.0``."""
    low = high = None
    if cell in (ANY, KNOWN, MISSING):
        return low, high
    for word in cell.split():
        match = _BOUND.fullmatch(word)
        if match is None:
            raise ValueError(f"'{cell}' is no range of numbers")
        sign, number = match[1], float(match[2])
        cut = Cut(number, above=sign in (">", "<="))
        low, high = (cut, high) if sign[0] == ">" else (low, cut)
    return low, high
