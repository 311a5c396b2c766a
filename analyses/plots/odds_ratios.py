"""Forest of odds ratios of a model of a category: one pair of categories, term by term."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axes import Axes

from analyses.formatting import (
    NOT_ESTIMABLE,
    REFERENCE,
    NumberStyle,
    capitalised,
    confidence,
    count,
    hazard_ratio,
    label,
    p_value,
)
from analyses.plots.forest_rows import level_words, term_words
from analyses.plots.ratio_forest import RatioArtists, plot_ratios
from analyses.plots.ratio_lines import RatioFigure, RatioLine
from analyses.plots.style import PAGE, FigureStyle
from analyses.results.category_model import HIGHER, LOWER, CategoryModel
from analyses.results.odds import OddsRatio
from analyses.results.terms import Term


def plot_odds(
    model: CategoryModel,
    *,
    pair: tuple[str, str] | None = None,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
) -> RatioArtists:
    """Odds ratios of one category against another, with their limits, term by term.

    `pair` is (group, against), the model's first pair where not given. Reference levels are open
    squares; a level without an odds ratio says so.
    """
    chosen = model.pairs[0] if pair is None else pair
    if chosen not in model.pairs:
        raise ValueError(f"pair is one of {model.pairs}, not {chosen!r}")
    return plot_ratios(_figure(model, chosen, style.numbers), ax=ax, style=style)


def pair_words(model: CategoryModel, pair: tuple[str, str]) -> str:
    """A pair of categories in words."""
    if pair == (HIGHER, LOWER):
        return f"higher against lower {label(model.of)}"
    return f"{label(model.of, pair[0])} against {label(model.of, pair[1])}"


def _figure(model: CategoryModel, pair: tuple[str, str], style: NumberStyle) -> RatioFigure:
    ordinal = pair == (HIGHER, LOWER)
    shown = list(model.categories) if ordinal else list(pair)
    heads = tuple(f"{label(model.of, c)}\npatients" for c in shown)
    lines = tuple(_lines(model, pair, shown, style))
    kind = "Proportional-odds" if ordinal else "Multinomial"
    note = (
        f"{kind} logistic model of {count(model.n, style)} patients, each term adjusted for the "
        "others; squares are sized by patients, open ones are references."
    )
    parts = [f"{line.words} {line.after[0]}" for line in lines if line.after and not line.is_open]
    return RatioFigure(
        lines=lines,
        heads_before=heads,
        heads_after=(f"OR ({confidence(model.conf_level, style)})", style.p_symbol),
        title=f"Odds ratio, {pair_words(model, pair)} (log scale)",
        hints=("← lower odds", "higher odds →"),
        note=note,
        alt=f"Forest plot of odds ratios, {pair_words(model, pair)}: {'; '.join(parts)}.",
    )


def _lines(
    model: CategoryModel, pair: tuple[str, str], shown: list[str], style: NumberStyle
) -> Iterator[RatioLine]:
    places = [model.categories.index(category) for category in shown]
    own = model.of_pair(*pair)
    for term in model.terms:
        ratios = [ratio for ratio in own if ratio.term == term.name]
        if term.kind == "spline":
            yield RatioLine((term.name,), f"{term_words(term)}: a curve", is_heading=True)
            continue
        if any(ratio.level is not None for ratio in ratios):
            yield RatioLine((term.name,), term_words(term), is_heading=True)
        for ratio in ratios:
            yield _line(term, ratio, places, style)


def _line(term: Term, ratio: OddsRatio, places: list[int], style: NumberStyle) -> RatioLine:
    text, p = capitalised(NOT_ESTIMABLE), ""
    if ratio.is_reference:
        text = REFERENCE
    elif ratio.estimate is not None:
        text, p = hazard_ratio(*ratio.odds_ratio, style), p_value(ratio.p_value, style)
    plain = ratio.level is None
    return RatioLine(
        key=(ratio.term, ratio.level or ""),
        words=term_words(term) if ratio.level is None else level_words(term, ratio.level),
        before=tuple(count(ratio.counts[place], style) for place in places),
        after=(text, p),
        estimate=ratio.estimate,
        conf_low=ratio.conf_low,
        conf_high=ratio.conf_high,
        size=float(sum(ratio.counts[place] for place in places)),
        depth=0 if plain else 1,
        is_heading=plain,
        is_open=ratio.is_reference,
    )
