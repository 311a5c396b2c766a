"""How a journal wants its numbers: presets by name."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

_NO_BREAK, _NARROW = "\u00a0", "\u202f"


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How a journal wants its numbers.

    Attributes
    ----------
    name
        Of the preset.
    leading_zero
        Whether a p-value is written 0.04 or .04 (a ratio always keeps its zero).
    decimal_point
        The sign between whole and fraction.
    thousands, thousands_digits
        The sign between groups of three digits, in numbers of at least so many digits.
    p_symbol, p_decimals
        The letter before a p-value; the decimals of the smallest that is written as a number.
    percent_decimals, ratio_decimals, time_decimals, mean_decimals
        Digits after the point.
    dash
        What stands for a value that is not defined.
    """

    name: str = "default"
    leading_zero: bool = True
    decimal_point: str = "."
    thousands: str = ","
    thousands_digits: int = 4
    p_symbol: str = "p"
    p_decimals: int = 3
    percent_decimals: int = 1
    ratio_decimals: int = 2
    time_decimals: int = 1
    mean_decimals: int = 1
    dash: str = "–"


DEFAULT = NumberStyle()
JAMA = NumberStyle(
    name="jama", leading_zero=False, thousands=_NO_BREAK, thousands_digits=5, p_symbol="P"
)
# NEJM: two decimals for p above 0.01, three down to 0.001 (its statistical guidelines, as quoted
# in Aguinis 2019). Lancet: a midline point. Of the rest, what is usual there, from memory.
NEJM = NumberStyle(name="nejm", p_symbol="P")
LANCET = NumberStyle(
    name="lancet", decimal_point="\u00b7", thousands=_NARROW, thousands_digits=5, p_decimals=4
)
NATURE = NumberStyle(name="nature", p_symbol="P")
BMJ = NumberStyle(name="bmj", thousands=_NARROW, thousands_digits=5, p_symbol="P")
STYLES = MappingProxyType(
    {style.name: style for style in (DEFAULT, NEJM, JAMA, LANCET, NATURE, BMJ)}
)
