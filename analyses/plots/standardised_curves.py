"""Standardised curves: one population, a curve for each group that it might have been in."""

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
from analyses.plots.panels import Key, Wanted, panels
from analyses.plots.style import PAGE, FigureStyle, Look, looks, own_settings
from analyses.results.standardised_curves import StandardisedCurve, StandardisedCurves

_BAND_ALPHA = 0.16
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class StandardisedArtists:
    """Every artist of the figure by name, and the words that stand in for it.

    Attributes
    ----------
    curves, bands
        (group, artist); a group whose limits are nowhere defined has no band.
    """

    figure: Figure
    axes: Axes
    curves: tuple[tuple[str, Line2D], ...]
    bands: tuple[tuple[str, FillBetweenPolyCollection], ...]
    keys: tuple[tuple[str, Text], ...]
    notes: tuple[Text, ...]
    alt: str


def plot_standardised(
    result: StandardisedCurves,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    words: AxisWords | None = None,
) -> StandardisedArtists:
    """One curve with its band for each group; for whom it is drawn stands above.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    words
        Names of the outcome and of time zero, and the unit of follow-up.
    """
    said = AxisWords() if words is None else words
    chosen = looks(result.by, result.groups)
    end = max(float(curve.time[-1]) for curve in result.curves)
    keys = tuple(
        Key(group_words(result.by, group), look)
        for group, look in zip(result.groups, chosen, strict=True)
    )
    whom = result.population
    if result.target is not None:
        whom = f"patients of {group_words(result.by, result.target)}"
    head = f"{capitalised(whom)}, had all of them been of one group"
    wanted = Wanted((head,), _SHARES, said.outcome, end, said.origin, said.time_unit, keys,
                    _note(result, style))  # fmt: skip
    with own_settings():
        made = panels(ax, style, wanted)
        (axes,) = made.axes
        curves, bands = [], []
        for curve, look in zip(result.curves, chosen, strict=True):
            line, band = _drawn(axes, curve, look, style)
            curves.append((curve.group, line))
            bands += [] if band is None else [(curve.group, band)]
    return StandardisedArtists(
        made.figure,
        axes,
        tuple(curves),
        tuple(bands),
        made.keys,
        made.notes,
        _alternative(result, style),
    )


def _drawn(
    axes: Axes, curve: StandardisedCurve, look: Look, style: FigureStyle
) -> tuple[Line2D, FillBetweenPolyCollection | None]:
    (line,) = axes.plot(
        np.concatenate([[0.0], curve.time]),
        np.concatenate([[1.0], curve.survival]),
        drawstyle="steps-post",
        color=look.colour,
        linestyle=look.dashes,
        linewidth=style.line_width,
        zorder=3,
    )
    known = np.isfinite(curve.conf_low) & np.isfinite(curve.conf_high)
    if not known.any():
        return line, None
    band = axes.fill_between(
        curve.band_time[known],
        curve.conf_low[known],
        curve.conf_high[known],
        color=look.colour,
        alpha=_BAND_ALPHA,
        linewidth=0,
    )
    return line, band


def _note(result: StandardisedCurves, style: FigureStyle) -> str:
    how = {
        "g-formula": "Mean of every patient's prediction by a Cox model with the group set",
        "weighting": "Weighted Kaplan-Meier estimates",
    }[result.method]
    spread = "delta method" if result.method == "g-formula" else "robust"
    return f"{how}. Bands: pointwise {confidence(result.conf_level, style.numbers)} ({spread})."


def _alternative(result: StandardisedCurves, style: FigureStyle) -> str:
    said = [f"Standardised survival by {label(result.by)}, {result.population}."]
    for curve in result.curves:
        last = f"{percent(float(curve.survival[-1]), style.numbers)} at the end"
        said.append(f"{group_words(result.by, curve.group)}: {last}.")
    return " ".join(said)
