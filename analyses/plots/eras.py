"""Hazard ratios of one term by the end of follow-up."""

from __future__ import annotations

from collections.abc import Iterator

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
from analyses.plots.curve_words import group_words
from analyses.plots.ratio_forest import RatioArtists, plot_ratios
from analyses.plots.ratio_lines import RatioFigure, RatioLine
from analyses.plots.style import PAGE, FigureStyle
from analyses.results.treatment_eras import ALL, EraModel, TreatmentEras


def plot_eras(
    result: TreatmentEras, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> RatioArtists:
    """The term's hazard ratios with all follow-up, and with follow-up up to each date.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    """
    numbers = style.numbers
    lines = tuple(_lines(result, numbers))
    said = [f"{line.words} {line.after[0]}" for line in lines if not line.is_heading]
    shown = RatioFigure(
        lines=lines,
        heads_before=("Events/patients",),
        heads_after=(f"HR ({confidence(result.conf_level, style.numbers)})", numbers.p_symbol),
        title="Hazard ratio (log scale)",
        hints=("← fewer events", "more events →"),
        note="The same model with follow-up ending at each date; squares are sized by events.",
        alt=f"Hazard ratios of {label(result.term)} by the end of follow-up: {'; '.join(said)}.",
    )
    return plot_ratios(shown, ax=ax, style=style)


def era_words(era: EraModel) -> str:
    """The end of follow-up in words."""
    return "All follow-up" if era.era == ALL else f"Up to {era.until}"


def _lines(result: TreatmentEras, style: NumberStyle) -> Iterator[RatioLine]:
    for era in result.models:
        sizes = f"{count(era.n_event, style)}/{count(era.n, style)}"
        yield RatioLine((era.era,), era_words(era), (sizes,), ("", ""), is_heading=True)
        for c in era.shown(result.term):
            ratio = capitalised(NOT_ESTIMABLE)
            if c.estimate is not None:
                ratio = hazard_ratio(*c.hazard_ratio, style)
            name = label(c.term) if c.level is None else group_words(c.term, c.level)
            yield RatioLine(
                key=(era.era, c.level or c.term),
                words=name,
                before=("",),
                after=(ratio, p_value(c.p_value, style)),
                estimate=c.estimate,
                conf_low=c.conf_low,
                conf_high=c.conf_high,
                size=era.n_event,
                depth=1,
            )
