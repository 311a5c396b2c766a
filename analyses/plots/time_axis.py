"""The time axis: follow-up stays in the source's unit, ticks are labelled in a readable one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analyses.formatting import tick
from analyses.number_style import DEFAULT, NumberStyle
from cohort.table import TimeUnit

DAYS_PER_MONTH = 30.4375
DAYS_PER_YEAR = 365.25
_LONGEST_IN_MONTHS = 5 * DAYS_PER_YEAR
_LONGEST_IN_DAYS = 2 * DAYS_PER_MONTH
_MONTH_STEPS = (1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 36.0, 60.0, 120.0, 240.0, 600.0)
_YEAR_STEPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_DAY_STEPS = (1.0, 2.0, 7.0, 14.0, 28.0)
_MOST_TICKS = 11


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Ticks of a time axis.

    Attributes
    ----------
    unit
        In which ticks are labelled; None where the unit of follow-up is not known.
    factor
        Units of follow-up in one unit of the labels.
    end
        Right end of the axis, in units of follow-up.
    ticks
        In units of follow-up, ascending from 0.
    labels
        The ticks' numbers in `unit`.
    title
        With time zero, the unit and the conversion where there is one.
    crowded
        Requested times without room for a number.
    """

    unit: str | None
    factor: float
    end: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    title: str
    crowded: tuple[float, ...] = ()


def time_axis(
    end: float,
    *,
    time_unit: TimeUnit | None,
    origin: str,
    times: Sequence[float] | None,
    pitch: float,
    style: NumberStyle = DEFAULT,
) -> TimeAxis:
    """The axis from 0 to `end`, with ticks at `times` or at round steps.

    Parameters
    ----------
    end
        Last time shown, in units of follow-up.
    time_unit
        Unit of follow-up.
    origin
        What time zero is ("diagnosis"); empty where not known.
    times
        Ticks that are wanted, in units of follow-up; 0 is added.
    pitch
        Least distance of two ticks as a share of the axis, so that numbers under them are apart.
    style
        Of the labels.
    """
    unit, factor, conversion = _display(end, time_unit)
    since = f" since {origin}" if origin else ""
    title = (unit.capitalize() if unit else "Time") + since + conversion
    crowded: tuple[float, ...] = ()
    if times is None:
        ticks = _round_ticks(end, unit, factor, pitch)
    else:
        wanted = sorted({0.0, *(float(t) for t in times if t >= 0)})
        ticks = _apart(wanted, pitch * end)
        crowded = tuple(t for t in wanted if t not in ticks)
    labels = tuple(tick(t / factor, style) for t in ticks)
    return TimeAxis(unit, factor, end, ticks, labels, title, crowded)


def _display(end: float, time_unit: TimeUnit | None) -> tuple[str | None, float, str]:
    """Unit of the labels, units of follow-up in it, and the words for the conversion."""
    if time_unit != "days":
        return time_unit, 1.0, ""
    if end <= _LONGEST_IN_DAYS:
        return "days", 1.0, ""
    if end <= _LONGEST_IN_MONTHS:
        return "months", DAYS_PER_MONTH, f" (1 month = {DAYS_PER_MONTH:g} days)"
    return "years", DAYS_PER_YEAR, f" (1 year = {DAYS_PER_YEAR:g} days)"


def _round_ticks(end: float, unit: str | None, factor: float, pitch: float) -> tuple[float, ...]:
    """Multiples of the smallest round step that leaves room for the numbers under the ticks."""
    known = {"months": _MONTH_STEPS, "years": _YEAR_STEPS, "days": _DAY_STEPS}
    shown = end / factor
    steps = known[unit] if unit is not None and shown >= 2 else ()
    power = 10.0 ** math.floor(math.log10(shown) - 2)
    while power < 10 * shown:
        if not steps or power > steps[-1]:
            steps += (power, 2 * power, 5 * power)
        power *= 10
    fits = [s for s in steps if s >= pitch * shown and shown / s <= _MOST_TICKS]
    step = fits[0] if fits else max(shown, pitch)
    n = int(shown / step * (1 + 1e-12))
    return tuple(min(i * step * factor, end) for i in range(n + 1))


def _apart(wanted: Sequence[float], least: float) -> tuple[float, ...]:
    """The times that keep their distance from the one before, the first always among them."""
    kept: list[float] = []
    for t in wanted:
        if not kept or t - kept[-1] >= least:
            kept.append(t)
    return tuple(kept)
