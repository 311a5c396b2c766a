"""Pages about parametric models: which distribution fits, its time ratios, its curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, counted, label
from analyses.plots.fitted_survival import plot_fitted
from analyses.plots.forest_rows import level_words, term_words
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section, Sizes, axis_words
from analyses.report.words import joined, used_rows
from analyses.results.lifetimes import FAMILY_WORDS, TimeRatio
from analyses.results.parametric import ParametricSurvival
from analyses.results.study import ParametricAnalysis, StudyResult


def parametric_pages(
    result: StudyResult, analysis: ParametricAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """The curves against Kaplan-Meier, the distributions side by side, the time ratios."""
    models = analysis.result
    n_given = models.n_input - models.n_eventless
    counts = (models.n, models.n_event, n_given, models.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style) + _eventless(models, style))
    alt, width = alts[analysis.id]
    yield FigureBlock(
        analysis.id,
        f"{analysis.title}. The {FAMILY_WORDS[models.chosen_family]} model, as the mean of its "
        "patients' curves, laid over Kaplan-Meier estimates.",
        alt,
        width,
    )
    yield _comparison(analysis, style)
    if models.chosen.coefficients:
        yield _ratios(analysis, style)


def _eventless(models: ParametricSurvival, style: NumberStyle) -> str:
    """Who is left out because nothing happened at their level."""
    if not models.n_eventless:
        return ""
    levels = joined([label(f.term, f.group) for f in models.failures if f.term])
    patients = counted(models.n_eventless, "patient", style)
    return f" Left out besides: {patients} at levels without events ({levels})."


def parametric_methods(_result: StudyResult, analysis: ParametricAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    models = analysis.result
    families = joined([FAMILY_WORDS[fit.family] for fit in models.fits])
    text = (
        f"{analysis.title}: accelerated failure time models by maximum likelihood ({families}), "
        f"normal {words.tick(100 * models.conf_level)}% limits on the log time scale"
    )
    if len(models.fits) > 1:
        text += "; the one with the lowest AIC is shown, its limits taking no account of the choice"
    if any(fit.family == "spline" for fit in models.fits):
        text += (
            "; splines are restricted cubic splines of the log cumulative hazard with knots at "
            "four percentiles (5th to 95th) of the log event times"
        )
    if analysis.zero_said:
        text += f"; a follow-up of 0 was taken as {analysis.zero_said}"
    elif models.n_at_zero:
        text += "; patients censored at 0 are left out"
    return f"{text}."


def _comparison(analysis: ParametricAnalysis, style: NumberStyle) -> Table:
    """One row a distribution."""
    rows = []
    for fit in analysis.result.fits:
        where = fit.family
        gap = max(curve.largest_gap for curve in fit.curves)
        widest = max(fit.curves, key=lambda curve: curve.largest_gap).group
        rows.append(
            row(
                Cell(words.capitalised(FAMILY_WORDS[fit.family]), strong=True),
                Cell(count(fit.n_parameters, style), f"{analysis.id}/aic/{where}"),
                Cell(
                    words.number(fit.log_likelihood, 2, style),
                    f"{analysis.id}/log_likelihood/{where}",
                ),
                Cell(words.number(fit.aic, 1, style), f"{analysis.id}/aic/{where}"),
                Cell(words.number(fit.bic, 1, style), f"{analysis.id}/bic/{where}"),
                Cell(
                    words.percent(gap, style),
                    f"{analysis.id}/largest_gap_to_kaplan_meier/{where}/{widest}",
                ),
            )
        )
    return Table(
        f"{analysis.id}_distributions",
        f"{analysis.title}: the distributions side by side.",
        ("Distribution", "Parameters", "Log-likelihood", "AIC", "BIC", "Largest gap"),
        aligned(6),
        tuple(rows),
        (2.2, 1.2, 1.6, 1.2, 1.2, 1.3),
        "BIC counts events. Largest gap: the most that a group's fitted curve and its "
        "Kaplan-Meier estimate are apart, in points of survival.",
    )


def _ratios(analysis: ParametricAnalysis, style: NumberStyle) -> Table:
    """The chosen model's time ratios."""
    models = analysis.result
    fit = models.chosen
    rows = []
    for term in models.terms:
        own = [c for c in fit.coefficients if c.term == term.name]
        if any(c.level is not None for c in own):
            rows.append(row(Cell(term_words(term), strong=True), "", "", ""))
        for c in own:
            name = term_words(term) if c.level is None else level_words(term, c.level)
            record = _record(analysis.id, fit.family, c)
            rows.append(
                row(
                    Cell(name, indent=int(c.level is not None), strong=c.level is None),
                    Cell(f"{count(c.n_event, style)} / {count(c.n, style)}", record),
                    Cell(_ratio(c, style), record),
                    Cell("" if c.is_reference else words.p_value(c.p_value, style), record),
                )
            )
    level = words.tick(100 * models.conf_level, style)
    return Table(
        analysis.id,
        f"{analysis.title}: time ratios of the {FAMILY_WORDS[fit.family]} model with {level}% "
        "limits.",
        ("Term", "Events / patients", "Time ratio", style.p_symbol),
        aligned(4),
        tuple(rows),
        (2.6, 1.5, 2.4, 0.9),
        _note(models, style),
    )


def _record(analysis: str, family: str, c: TimeRatio) -> str:
    parts = [part for part in (c.term, c.level, c.reference) if part is not None]
    return "/".join([analysis, "time_ratio", family, *parts])


def _ratio(c: TimeRatio, style: NumberStyle) -> str:
    return words.REFERENCE if c.is_reference else words.hazard_ratio(*c.time_ratio, style)


def _note(models: ParametricSurvival, style: NumberStyle) -> str:
    """What a ratio means, and the distribution's own parameters."""
    fit = models.chosen
    said = "A time ratio of 2: patients live free of the event twice as long. "
    parameters = [
        f"{words.capitalised(p.name.replace('_', ' '))} {words.number(p.estimate, 3, style)} "
        f"(SE {words.number(p.std_error, 3, style)})"
        for p in fit.parameters
    ]
    said += "; ".join(parameters) + "."
    if fit.test is not None:
        statistic = words.number(fit.test.statistic, 2, style)
        said += (
            f" Likelihood-ratio chi-square {statistic} on {fit.test.df} df, "
            f"{words.p_equals(fit.test.p_value, style)}."
        )
    return said


def _figures(
    result: StudyResult, analysis: ParametricAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    yield (
        analysis.id,
        plot_fitted(analysis.result, words=axis_words(result, analysis), style=style),
    )


def _tables(analysis: ParametricAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "curve", analysis.result.curve_table


def _choices(analysis: ParametricAnalysis) -> Iterator[tuple[str, str]]:
    models = analysis.result
    yield "distribution", models.chosen_family
    yield "chosen_by", models.chosen_by
    yield "intervals", "normal, log time scale"
    yield "level", f"{models.conf_level:g}"


def _sizes(analysis: ParametricAnalysis) -> Iterator[Sizes]:
    """The levels of HER2 status, where it is a term."""
    levels = [
        (c.level, c.n, c.n_event)
        for c in analysis.result.chosen.coefficients
        if c.term == "her2_status" and c.level is not None
    ]
    yield Sizes("her2_status", tuple(levels))


LIFETIMES = Section(
    pages=parametric_pages,
    methods=parametric_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
    sizes=_sizes,
)
