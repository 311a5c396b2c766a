"""Forest of a treatment: treated against untreated in everybody and in each group."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axes import Axes

from analyses.formatting import (
    NOT_ESTIMABLE,
    NumberStyle,
    capitalised,
    confidence,
    count,
    estimate_with_limits,
    hazard_ratio,
    label,
    p_value,
)
from analyses.plots.curve_words import group_words
from analyses.plots.ratio_forest import RatioArtists, plot_ratios
from analyses.plots.ratio_lines import RatioFigure, RatioLine
from analyses.plots.style import PAGE, FigureStyle
from analyses.results.contrast import Contrast
from analyses.results.subgroups import GroupEffect
from analyses.results.treatment_by_group import TreatmentByGroup

_TESTS = {"likelihood_ratio": "likelihood ratio", "wald": "robust Wald test"}


def plot_treatment(
    result: TreatmentByGroup,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    times_said: tuple[str, ...] = (),
) -> RatioArtists:
    """Hazard ratios of the treatment by group, beside the differences of survival.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    times_said
        The times of the differences in words; the numbers where not given.
    """
    said = times_said or tuple(f"time {time:g}" for time in result.times)
    return plot_ratios(_figure(result, said, style.numbers), ax=ax, style=style)


def arm_words(result: TreatmentByGroup) -> tuple[str, str]:
    """Treated and untreated in words."""
    name = label(result.treatment)
    known = {"yes": name, "no": f"No {name[:1].lower()}{name[1:]}", "True": name}
    known["False"] = known["no"]
    treated, untreated = (
        known.get(level, label(result.treatment, level))
        for level in (result.treated, result.untreated)
    )
    return treated, untreated


def difference_words(change: Contrast, style: NumberStyle) -> str:
    """A difference of survival in points with its limits; a dash where it does not exist."""
    if change.estimate is None:
        return style.dash
    values = [
        None if v is None else 100 * v for v in (change.estimate, change.conf_low, change.conf_high)
    ]
    return estimate_with_limits(values[0], values[1], values[2], 1, None, style)


def _figure(result: TreatmentByGroup, said: tuple[str, ...], style: NumberStyle) -> RatioFigure:
    level = confidence(result.within.conf_level, style)
    treated, untreated = arm_words(result)
    heads = (f"HR ({level})", *(f"Difference at\n{time}, points" for time in said))
    return RatioFigure(
        lines=tuple(_lines(result, style)),
        heads_before=(f"{treated}\nevents/patients", f"{untreated}\nevents/patients"),
        heads_after=heads,
        title="Hazard ratio (log scale)",
        hints=("← favours treatment", "against →"),
        note=_note(result, style),
        alt=_alternative(result, style),
    )


def _lines(result: TreatmentByGroup, style: NumberStyle) -> Iterator[RatioLine]:
    yield _line(result.overall, "All patients", (), style, is_heading=True)
    for effect in result.effects:
        differences = tuple(
            difference_words(e.difference, style)
            for e in result.absolute
            if e.group == effect.level
        )
        words = group_words(result.by, str(effect.level))
        yield _line(effect, words, differences, style, is_heading=False)


def _line(
    effect: GroupEffect,
    words: str,
    differences: tuple[str, ...],
    style: NumberStyle,
    *,
    is_heading: bool,
) -> RatioLine:
    sizes = ((effect.n_event, effect.n), (effect.n_event_reference, effect.n_reference))
    ratio = capitalised(NOT_ESTIMABLE)
    if effect.estimate is not None:
        ratio = hazard_ratio(*effect.hazard_ratio, style)
    return RatioLine(
        key=("all",) if effect.factor is None else (str(effect.level),),
        words=words,
        before=tuple(f"{count(events, style)}/{count(n, style)}" for events, n in sizes),
        after=(ratio, *differences),
        estimate=effect.estimate,
        conf_low=effect.conf_low,
        conf_high=effect.conf_high,
        size=effect.n_event + effect.n_event_reference,
        depth=0 if is_heading else 1,
        is_heading=is_heading,
        is_grey=effect.is_small,
    )


def interaction_words(result: TreatmentByGroup, style: NumberStyle) -> str:
    """Whether the hazard ratios are alike, by the test of interaction."""
    test = result.interaction
    if test.p_value is None:
        return f"no test of interaction ({test.reason})"
    symbol = style.p_symbol
    return f"{symbol} for interaction {p_value(test.p_value, style)} ({_TESTS[test.test]})"


def _note(result: TreatmentByGroup, style: NumberStyle) -> str:
    """What a reader must know of the picture."""
    said = [
        f"{capitalised(result.estimand)} hazard ratios, each group by a Cox model of its own; "
        f"squares are sized by events; {interaction_words(result, style)}."
    ]
    if result.absolute:
        kind = "weighted" if result.is_weighted else "unadjusted"
        said.append(f"Differences of survival are {kind} Kaplan-Meier estimates, in points.")
    if any(effect.is_small for effect in (result.overall, *result.effects)):
        said.append(f"Grey: fewer than {result.within.least_events} events.")
    return " ".join(said)


def _alternative(result: TreatmentByGroup, style: NumberStyle) -> str:
    """The figure in words: every hazard ratio with its limits."""
    treated, untreated = arm_words(result)
    parts = [f"all patients {hazard_ratio(*result.overall.hazard_ratio, style)}"]
    parts += [
        f"{group_words(result.by, str(e.level))} {hazard_ratio(*e.hazard_ratio, style)}"
        for e in result.effects
    ]
    return f"Forest plot of hazard ratios, {treated} against {untreated}: {'; '.join(parts)}."
