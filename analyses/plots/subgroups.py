"""Forest of subgroups: one group against the reference in each, in the order asked for."""

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
    percent,
)
from analyses.number_style import DEFAULT
from analyses.plots.curve_words import group_words
from analyses.plots.ratio_forest import RatioArtists, plot_ratios
from analyses.plots.ratio_lines import RatioFigure, RatioLine
from analyses.plots.style import PAGE, FigureStyle
from analyses.results.subgroups import Factor, GroupEffect, Subgroups

_TESTS = {"likelihood_ratio": "likelihood ratio", "wald": "robust Wald test"}


def plot_subgroups(
    result: Subgroups,
    *,
    group: str | None = None,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
) -> RatioArtists:
    """Hazard ratios of one group against the reference, in everybody and in each subgroup.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here. Subgroups stand in its order; those with few
        events are grey, those without an estimate say so.
    group
        The group compared; the first besides the reference where not given.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    """
    others = [name for name in result.groups if name != result.reference]
    chosen = others[0] if group is None else group
    if chosen not in others:
        raise ValueError(f"group is one of {others}, not {group!r}")
    return plot_ratios(_figure(result, chosen, style.numbers), ax=ax, style=style)


def factor_words(factor: str) -> str:
    """A factor's name over its subgroups."""
    return label(factor)


def level_words(factor: str, level: str) -> str:
    """A subgroup in words."""
    return label(factor, level)


def _figure(result: Subgroups, group: str, style: NumberStyle) -> RatioFigure:
    names = [group_words(result.by, name) for name in (group, result.reference)]
    lines = tuple(_lines(result, group, style))
    level = confidence(result.conf_level, style)
    return RatioFigure(
        lines=lines,
        heads_before=tuple(f"{name}\nevents/patients" for name in names),
        heads_after=(f"HR ({level})", f"{style.p_symbol} for\ninteraction"),
        title=f"Hazard ratio, {names[0]} against {names[1]} (log scale)",
        hints=("← lower hazard", "higher hazard →"),
        note=note_words(result, style),
        alt=_alternative(result, group, style),
    )


def _lines(result: Subgroups, group: str, style: NumberStyle) -> Iterator[RatioLine]:
    """Everybody, then each factor with its subgroups."""
    overall = next(e for e in result.overall.effects if e.group == group)
    yield _line(overall, "All patients", 0, style)
    for factor in result.factors:
        test = next(t for t in factor.by_group if t.group == group)
        p = p_value(test.p_value, style) if test.p_value is not None else style.dash
        yield RatioLine((factor.name,), factor_words(factor.name), after=("", p), is_heading=True)
        for sub in factor.subgroups:
            effect = next(e for e in sub.effects if e.group == group)
            yield _line(effect, level_words(factor.name, str(sub.level)), 1, style)
        if factor.n_missing:
            yield _not_known(factor, style)


def _line(effect: GroupEffect, words: str, depth: int, style: NumberStyle) -> RatioLine:
    """One subgroup."""
    sizes = ((effect.n_event, effect.n), (effect.n_event_reference, effect.n_reference))
    ratio = capitalised(NOT_ESTIMABLE)
    if effect.estimate is not None:
        ratio = hazard_ratio(*effect.hazard_ratio, style)
    key = ("all",) if effect.factor is None else (effect.factor, str(effect.level))
    return RatioLine(
        key=key,
        words=words,
        before=tuple(f"{count(events, style)}/{count(n, style)}" for events, n in sizes),
        after=(ratio,),
        estimate=effect.estimate,
        conf_low=effect.conf_low,
        conf_high=effect.conf_high,
        size=effect.n_event + effect.n_event_reference,
        depth=depth,
        is_heading=depth == 0,
        is_grey=effect.is_small,
    )


def _not_known(factor: Factor, style: NumberStyle) -> RatioLine:
    """Patients in no subgroup."""
    sizes = f"{count(factor.n_event_missing, style)}/{count(factor.n_missing, style)}"
    words = f"Not known: {sizes}, in no subgroup"
    return RatioLine((factor.name, "not known"), words, depth=1, is_grey=True)


def note_words(result: Subgroups, style: NumberStyle = DEFAULT) -> str:
    """What a reader must know of the picture: models, tests and how many, what grey means."""
    tests = {test.test for test in result.tests}
    kinds = " and ".join(_TESTS[name] for name in _TESTS if name in tests)
    said = [
        f"Each subgroup has a Cox model of its own, {result.ties.capitalize()} ties"
        f"{_adjusted_for(result)}; squares are sized by events.",
        f"Interaction by {kinds}, of this group against the reference.",
        multiplicity_words(result, style),
    ]
    if any(effect.is_small for effect in result.effects):
        said.append(
            f"Grey: fewer than {result.least_events} events in the two groups together, on which "
            "no conclusion can rest."
        )
    return " ".join(said)


def _adjusted_for(result: Subgroups) -> str:
    robust = ", limits from the robust variance" if result.robust else ""
    n = len(result.terms)
    return (f", adjusted for {n} {'term' if n == 1 else 'terms'}" if n else "") + robust


def multiplicity_words(result: Subgroups, style: NumberStyle = DEFAULT) -> str:
    """How many tests of interaction there are, and what that means for their p-values."""
    n = result.n_tests
    if not n:
        return "No factor has a test of interaction."
    factors = "1 factor" if n == 1 else f"{n} factors"
    if n == 1:
        return f"{factors} tested."
    if result.adjust != "none":
        return f"{factors} tested; p in the figure are not adjusted."
    return (
        f"{factors} tested, p not adjusted: without any interaction at least one is below "
        f"{p_value(0.05, style)} with a chance of about "
        f"{percent(result.chance_of_a_false_one, style, 0)}."
    )


def _alternative(result: Subgroups, group: str, style: NumberStyle) -> str:
    """The figure in words: every hazard ratio with its limits."""
    names = [group_words(result.by, name) for name in (group, result.reference)]
    parts = []
    for effect in result.effects:
        if effect.group != group:
            continue
        where = "all patients"
        if effect.factor is not None:
            words = level_words(effect.factor, str(effect.level))
            where = f"{factor_words(effect.factor)} {words}"
        ratio = hazard_ratio(*effect.hazard_ratio, style)
        few = " (few events)" if effect.is_small else ""
        parts.append(f"{where} {ratio}{few}")
    return f"Forest plot of hazard ratios, {names[0]} against {names[1]}: {'; '.join(parts)}."
