"""Cumulative incidence: a panel an event, a curve a group; and a group's states, stacked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import capitalised, confidence, label, percent
from analyses.plots.axis_words import AxisWords
from analyses.plots.curve_words import group_words
from analyses.plots.panels import Key, Panels, Wanted, panels
from analyses.plots.style import PAGE, FigureStyle, Look, looks, own_settings
from analyses.results.cumulative_incidence import CumulativeIncidence, IncidenceCurve
from analyses.results.frozen import Array

# Ends of the vertical axis, each with its number of steps.
_ENDS = ((0.05, 5), (0.1, 5), (0.2, 4), (0.4, 4), (0.5, 5), (0.6, 3), (0.8, 4), (1.0, 5))
_BAND_ALPHA = 0.16
_EVENT_WORDS = {"event": "Event", "competing": "Competing event"}
_FREE = Look("#e6e6e6", (0.0, None))
_STACKED = ("#7b3b4f", "#9db4c0", "#c9a66b", "#6b8f71", "#5c6b8a", "#b0778d")


@dataclass(frozen=True, slots=True, eq=False)
class IncidenceArtists:
    """Every artist of a figure of incidences by name, and the words that stand in for it.

    Attributes
    ----------
    axes
        (event, its panel); of a stacked figure (group, its panel).
    curves, bands
        (event, group, artist); of a stacked figure bands only: (group, state, area).
    keys, notes
        Entries of the legend; the statements beneath.
    alt
        The figure in words.
    """

    figure: Figure
    axes: tuple[tuple[str, Axes], ...]
    curves: tuple[tuple[str, str, Line2D], ...]
    bands: tuple[tuple[str, str, FillBetweenPolyCollection], ...]
    keys: tuple[tuple[str, Text], ...]
    notes: tuple[Text, ...]
    alt: str


def plot_cumulative_incidence(
    result: CumulativeIncidence,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    words: AxisWords | None = None,
) -> IncidenceArtists:
    """The incidence of each event in a panel of its own, one curve with its band a group.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    words
        What time zero is, and the unit of follow-up.

    Returns
    -------
    IncidenceArtists
        The curves' coordinates are the result's own, in the unit of follow-up. Curves end where
        fewer than `style.curtail_below` patients remain at risk, which the figure then says.
    """
    chosen = looks(result.by, result.groups)
    shown = [_shown(curve, style) for curve in result.curves]
    keys = tuple(
        Key(group_words(result.by, group), look)
        for group, look in zip(result.groups, chosen, strict=True)
    )
    note = f"Bands: pointwise {confidence(result.conf_level, style.numbers)}."
    note += _cut(result, shown, style)
    heads = tuple(event_words(cause) for cause in result.causes)
    with own_settings():
        made = panels(
            ax, style, _wanted(result, shown, words, heads, keys, note, _shares(result, shown))
        )
        curves, bands = [], []
        for j, (cause, axes) in enumerate(zip(result.causes, made.axes, strict=True)):
            for curve, k, look in zip(result.curves, shown, chosen, strict=True):
                line, band = _curve(axes, curve, j, k, look, style)
                curves.append((cause, curve.group, line))
                bands += [] if band is None else [(cause, curve.group, band)]
    return _artists(made, result.causes, curves, bands, _alternative(result, style))


def plot_stacked_incidence(
    result: CumulativeIncidence,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    words: AxisWords | None = None,
) -> IncidenceArtists:
    """All patients of each group by what has happened to them: areas that add up to 100 %.

    Parameters are those of `plot_cumulative_incidence`.
    """
    shown = [_shown(curve, style) for curve in result.curves]
    states = ["Free of every event", *(event_words(cause) for cause in result.causes)]
    chosen = [
        _FREE,
        *(Look(_STACKED[j % len(_STACKED)], (0.0, None)) for j in range(len(result.causes))),
    ]
    keys = tuple(Key(state, look, patch=True) for state, look in zip(states, chosen, strict=True))
    note = "Areas of a group add up to all its patients." + _cut(result, shown, style)
    heads = tuple(group_words(result.by, group) for group in result.groups)
    shares = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    with own_settings():
        made = panels(ax, style, _wanted(result, shown, words, heads, keys, note, shares))
        bands = []
        for curve, k, axes in zip(result.curves, shown, made.axes, strict=True):
            areas = _stacked(axes, curve, k, chosen)
            names = [*result.causes, "event_free"]
            bands += [(curve.group, name, a) for name, a in zip(names, areas, strict=True)]
    return _artists(made, result.groups, [], bands, _alternative(result, style))


def event_words(cause: str) -> str:
    """An event as a reader names it."""
    return _EVENT_WORDS.get(cause, capitalised(cause))


def _artists(
    made: Panels,
    names: tuple[str, ...],
    curves: list[tuple[str, str, Line2D]],
    bands: list[tuple[str, str, FillBetweenPolyCollection]],
    alt: str,
) -> IncidenceArtists:
    axes = tuple(zip(names, made.axes, strict=True))
    return IncidenceArtists(
        made.figure, axes, tuple(curves), tuple(bands), made.keys, made.notes, alt
    )


def _shown(curve: IncidenceCurve, style: FigureStyle) -> int:
    """How many of a curve's times are drawn: to the last with enough patients at risk."""
    enough = np.flatnonzero(curve.n_risk >= style.curtail_below)
    return int(enough[-1]) + 1 if len(enough) else 0


def _cut(result: CumulativeIncidence, shown: list[int], style: FigureStyle) -> str:
    """What is said where curves are not drawn to their end."""
    whole = all(k == len(c.time) for c, k in zip(result.curves, shown, strict=True))
    if whole:
        return ""
    return f" Drawn while at least {style.curtail_below} patients of a group are at risk."


def _wanted(
    result: CumulativeIncidence,
    shown: list[int],
    words: AxisWords | None,
    heads: tuple[str, ...],
    keys: tuple[Key, ...],
    note: str,
    shares: tuple[float, ...],
) -> Wanted:
    said = AxisWords("Cumulative incidence") if words is None else words
    ends = [float(c.time[k - 1]) for c, k in zip(result.curves, shown, strict=True) if k]
    last = max(ends, default=max(curve.last_time for curve in result.curves))
    return Wanted(
        heads,
        shares,
        "Cumulative incidence" if len(keys) and not keys[0].patch else "Patients",
        last if last > 0 else 1.0,
        said.origin,
        said.time_unit,
        keys,
        note,
    )


def _shares(result: CumulativeIncidence, shown: list[int]) -> tuple[float, ...]:
    """Ticks of the vertical axis, up to the least round end above every curve."""
    tops = [c.incidence[:, k - 1].max() for c, k in zip(result.curves, shown, strict=True) if k]
    top = max((float(value) for value in tops), default=1.0)
    end, steps = next((one for one in _ENDS if one[0] >= 1.1 * top), _ENDS[-1])
    return tuple(float(share) for share in np.linspace(0, end, steps + 1))


def _curve(
    axes: Axes, curve: IncidenceCurve, cause: int, k: int, look: Look, style: FigureStyle
) -> tuple[Line2D, FillBetweenPolyCollection | None]:
    """The steps of one group and event, and its band where there are limits."""
    time, values = _steps(curve, curve.incidence[cause], k)
    (line,) = axes.plot(
        time,
        values,
        drawstyle="steps-post",
        color=look.colour,
        linestyle=look.dashes,
        linewidth=style.line_width,
        solid_capstyle="butt",
        dash_capstyle="butt",
        zorder=3,
    )
    low, high = curve.conf_low[cause, :k], curve.conf_high[cause, :k]
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return line, None
    band = axes.fill_between(
        curve.time[:k],
        low,
        high,
        where=known,
        step="post",
        color=look.colour,
        alpha=_BAND_ALPHA,
        linewidth=0,
    )
    return line, band


def _stacked(
    axes: Axes, curve: IncidenceCurve, k: int, chosen: list[Look]
) -> list[FillBetweenPolyCollection]:
    """The areas of one group from below: each event, then who is free of all."""
    lower = np.zeros(k + 1)
    areas = []
    for cause, look in enumerate(chosen[1:]):
        time, values = _steps(curve, curve.incidence[cause], k)
        areas.append(
            axes.fill_between(
                time, lower, lower + values, step="post", color=look.colour, linewidth=0
            )
        )
        lower = lower + values
    time, _ = _steps(curve, curve.event_free, k)
    top = np.ones(k + 1)
    areas.append(
        axes.fill_between(time, lower, top, step="post", color=chosen[0].colour, linewidth=0)
    )
    return areas


def _steps(curve: IncidenceCurve, values: Array, k: int) -> tuple[Array, Array]:
    """Times and values of the part that is drawn, from 0 on."""
    return np.concatenate([[0.0], curve.time[:k]]), np.concatenate([[0.0], values[:k]])


def _alternative(result: CumulativeIncidence, style: FigureStyle) -> str:
    """The figure in words: each group's incidences at its last time."""
    by = f" by {label(result.by)}" if result.by else ""
    said = [f"Cumulative incidence{by}."]
    for curve in result.curves:
        parts = [
            f"{event_words(cause)} {percent(float(curve.incidence[j, -1]), style.numbers)}"
            for j, cause in enumerate(result.causes)
        ]
        said.append(f"{group_words(result.by, curve.group)}, at the end: {', '.join(parts)}.")
    return " ".join(said)
