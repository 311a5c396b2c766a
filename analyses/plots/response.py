"""Forest of response: odds ratios raw, pooled over strata, adjusted, and within each stratum."""

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
from analyses.results.response import Response, ResponseRatio

_HOW = {"raw": "Raw", "mantel_haenszel": "Pooled over strata", "adjusted": "Adjusted"}


def plot_response(
    result: Response, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> RatioArtists:
    """Every odds ratio of response, group by group, so that what the strata do shows."""
    return plot_ratios(_figure(result, style.numbers), ax=ax, style=style)


def how_words(result: Response, ratio: ResponseRatio) -> str:
    """What an odds ratio is of."""
    if ratio.stratum is not None and result.within is not None:
        return f"Within {label(result.within, ratio.stratum)}"
    return _HOW[ratio.how]


def _figure(result: Response, style: NumberStyle) -> RatioFigure:
    reference = group_words(result.by, result.reference)
    lines = tuple(_lines(result, style))
    held = "" if result.within is None else f" of {label(result.within).lower()}"
    said = [f"{line.words} {line.after[0]}" for line in lines if line.after]
    return RatioFigure(
        lines=lines,
        heads_before=("Responders/\npatients", f"{reference}\nresponders/patients"),
        heads_after=(f"OR ({confidence(result.conf_level, style)})", style.p_symbol),
        title=f"Odds ratio of response, against {reference} (log scale)",
        hints=("← less response", "more response →"),
        note=(
            f"{label(result.response)}; every odds ratio is of the same {count(result.n, style)} "
            f"patients. Pooled over strata{held} by Mantel and Haenszel; adjusted by a logistic "
            "model; squares are sized by responders."
        ),
        alt=f"Forest plot of odds ratios of response against {reference}: {'; '.join(said)}.",
    )


def _lines(result: Response, style: NumberStyle) -> Iterator[RatioLine]:
    for group in result.groups:
        if group == result.reference:
            continue
        yield RatioLine((group,), group_words(result.by, group), is_heading=True)
        for ratio in result.of_group(group):
            yield _line(result, ratio, style)


def _line(result: Response, ratio: ResponseRatio, style: NumberStyle) -> RatioLine:
    sizes = ((ratio.n_response, ratio.n), (ratio.n_response_reference, ratio.n_reference))
    text, p = capitalised(NOT_ESTIMABLE), ""
    if ratio.estimate is not None:
        text, p = hazard_ratio(*ratio.odds_ratio, style), p_value(ratio.p_value, style)
    return RatioLine(
        key=(ratio.group, ratio.how, ratio.stratum or ""),
        words=how_words(result, ratio),
        before=tuple(f"{count(k, style)}/{count(n, style)}" for k, n in sizes),
        after=(text, p),
        estimate=ratio.estimate,
        conf_low=ratio.conf_low,
        conf_high=ratio.conf_high,
        size=ratio.n_response + ratio.n_response_reference,
        depth=1 if ratio.stratum is None else 2,
    )
