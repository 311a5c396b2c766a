"""Hazard ratios of a late treatment: the valid one, and beneath it the biased one in grey."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from analyses.formatting import (
    NOT_ESTIMABLE,
    NumberStyle,
    capitalised,
    confidence,
    count,
    hazard_ratio,
    label,
    p_value,
)
from analyses.plots.ratio_forest import RatioArtists, plot_ratios
from analyses.plots.ratio_lines import RatioFigure, RatioLine
from analyses.plots.style import PAGE, FigureStyle
from analyses.results.late_effect import LateEffect, Method

METHOD_WORDS: dict[Method, str] = {
    "naive": "BIASED: ever against never, from time zero",
    "landmark": "Valid: by then or not, from the landmark",
    "start_stop": "Valid: since the start or not yet",
    "clone_censor_weight": "Valid: strategies, cloned and weighted",
}


def plot_late_effects(
    effects: Sequence[LateEffect],
    conf_level: float,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
) -> RatioArtists:
    """Hazard ratios side by side, what is biased by immortal time marked and grey.

    Parameters
    ----------
    effects
        Drawn as they are; nothing is estimated here.
    conf_level
        Of their limits.
    """
    return plot_ratios(_figure(effects, conf_level, style.numbers), ax=ax, style=style)


def _figure(effects: Sequence[LateEffect], conf_level: float, style: NumberStyle) -> RatioFigure:
    name = label(effects[0].treatment)
    said = [f"{METHOD_WORDS[e.method]} {_ratio(e, style)}" for e in effects]
    note = "Squares are sized by events."
    if any(not effect.is_valid for effect in effects):
        note += (
            " Grey: biased by immortal time, since whoever is treated has lived until then; shown "
            "for comparison only."
        )
    return RatioFigure(
        lines=tuple(_line(effect, style) for effect in effects),
        heads_before=("Events/patients",),
        heads_after=(f"HR ({confidence(conf_level, style)})", style.p_symbol),
        title=f"Hazard ratio of {name[:1].lower()}{name[1:]} (log scale)",
        hints=("← fewer events", "more events →"),
        note=note,
        alt=f"Hazard ratios of {name}: {'; '.join(said)}.",
    )


def _line(effect: LateEffect, style: NumberStyle) -> RatioLine:
    return RatioLine(
        key=(effect.method,),
        words=METHOD_WORDS[effect.method],
        before=(f"{count(effect.n_event, style)}/{count(effect.n, style)}",),
        after=(_ratio(effect, style), p_value(effect.p_value, style)),
        estimate=effect.estimate,
        conf_low=effect.conf_low,
        conf_high=effect.conf_high,
        size=effect.n_event,
        is_grey=not effect.is_valid,
    )


def _ratio(effect: LateEffect, style: NumberStyle) -> str:
    if effect.estimate is None:
        return capitalised(NOT_ESTIMABLE)
    return hazard_ratio(*effect.hazard_ratio, style)
