"""Pages about relative survival: the curves, survival at times, deaths expected, excess hazards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.axis_words import AxisWords
from analyses.plots.forest_rows import level_words, term_words
from analyses.plots.relative_survival import plot_relative_survival
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section, Sizes
from analyses.report.words import endpoint_of, group_words, in_sentence, joined, used_rows
from analyses.results.excess_hazard import ExcessHazard
from analyses.results.relative_survival import NetCurve, RelativeSurvival, RelativeSurvivalAnalysis
from analyses.results.study import StudyResult

_MEASURES = {"rate": "rates", "probability": "probabilities of dying"}


def relative_survival_pages(
    result: StudyResult, analysis: RelativeSurvivalAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Who it rests on, the curves, survival at the times, and the excess-hazard model."""
    net = analysis.result
    counts = (net.n, net.n_event, net.n_input, net.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    alt, width = alts[analysis.id]
    level = words.tick(100 * net.conf_level, style)
    caption = (
        f"{analysis.title}. Net survival by Pohar Perme's estimator with pointwise {level}% limits "
        "(log scale); thin lines: Ederer II. Curves end where few patients remain."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    yield _table(analysis, style)
    if net.excess is not None:
        yield _excess(analysis, net.excess, style)
        yield from _left_out(net, net.excess, style)


def _table(analysis: RelativeSurvivalAnalysis, style: NumberStyle) -> Table:
    """Deaths seen and expected, and survival at each time, three estimates a group."""
    net = analysis.result
    level = words.tick(100 * net.conf_level, style)
    rows: list[tuple[Cell, ...]] = []
    for curve in net.groups:
        name = Cell(group_words(net.by, curve.group), strong=True)
        record = f"{analysis.id}/expected_deaths/{curve.group}"
        deaths = f"{count(curve.n_event, style)} / {words.number(curve.expected, 1, style)}"
        rows.append(row(name, Cell(deaths, record), *[""] * len(net.times)))
        for quantity, field, said in (
            ("net_survival", "net", "Net, Pohar Perme"),
            ("ederer2_survival", "ederer2", "Net, Ederer II"),
            ("observed_survival", "observed", "Observed"),
        ):
            cells = [Cell(said, indent=1), Cell("")]
            for time in net.times:
                record = f"{analysis.id}/{quantity}/{curve.group}/t={time:.12g}"
                cells.append(Cell(_share(curve, field, time, style), record))
            rows.append(tuple(cells))
    heads = ("Group", "Deaths seen / expected", *(f"At {said}" for said in analysis.times_said))
    return Table(
        analysis.id,
        f"{analysis.title}: survival at chosen times, with {level}% limits of Pohar Perme's.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (1.8, 1.5, *(2.0,) * len(net.times)),
        _note(analysis, style),
    )


def _share(curve: NetCurve, field: str, time: float, style: NumberStyle) -> str:
    place = curve.at(time)
    if place is None:
        return style.dash
    value = float(getattr(curve, field)[place])
    if field != "net" or np.isnan(curve.net_low[place]):
        return words.percent(value, style)
    limits = float(curve.net_low[place]), float(curve.net_high[place])
    return words.percent_with_limits(value, *limits, style)


def _note(analysis: RelativeSurvivalAnalysis, style: NumberStyle) -> str:
    """The test, the table's ends, and what net survival is."""
    net = analysis.result
    said = [
        "Net survival is that of patients who could die of their disease only; it may rise, and "
        "pass 100%, where patients die less than the population."
    ]
    if net.test is not None:
        if net.test.statistic is None:
            said.append(f"Log-rank type test: none ({net.test.reason}).")
        else:
            said.append(
                f"Log-rank type test that groups share one net survival: chi-square "
                f"{words.number(net.test.statistic, 2, style)} on {net.test.df} df, "
                f"{words.p_equals(net.test.p_value, style)}."
            )
    if net.n_beyond:
        said.append(
            f"{count(net.n_beyond, style)} patients are followed past the ages or years of the "
            "life table, where its last rates hold."
        )
    return " ".join(said)


def _left_out(net: RelativeSurvival, model: ExcessHazard, style: NumberStyle) -> Iterator[Block]:
    """Patients of the curves who are not in the model."""
    if model.n < net.n:
        known = dict(net.n_missing)
        more = [(name, n - known.get(name, 0)) for name, n in model.n_missing]
        columns = joined([f"{in_sentence(name)} {count(n, style)}" for name, n in more if n > 0])
        yield Paragraph(
            f"The model of the excess hazard leaves out {count(net.n - model.n, style)} patients "
            f"of the curves, who lack a value of its terms ({columns})."
        )


def _excess(analysis: RelativeSurvivalAnalysis, model: ExcessHazard, style: NumberStyle) -> Table:
    """Excess hazard ratios."""
    level = words.tick(100 * model.conf_level, style)
    rows: list[tuple[Cell, ...]] = []
    for term in model.terms:
        own = [c for c in model.coefficients if c.term == term.name]
        if term.kind == "spline":  # the columns of a curve are no ratios singly
            rows.append(row(Cell(term_words(term), strong=True), "", "a curve", ""))
            continue
        if any(c.level is not None for c in own):
            rows.append(row(Cell(term_words(term), strong=True), "", "", ""))
        for c in own:
            name = term_words(term) if c.level is None else level_words(term, c.level)
            parts = (c.term, c.level, c.reference)
            place = "/".join(str(part) for part in parts if part is not None)
            record = f"{analysis.id}/excess_hazard_ratio/{place}"
            estimate, low, high = c.hazard_ratio
            ratio = words.REFERENCE if c.is_reference else words.hazard_ratio(
                estimate, low, high, style
            )  # fmt: skip
            p = "" if c.p_value is None else words.p_value(c.p_value, style)
            rows.append(
                row(
                    Cell(name, indent=int(c.level is not None), strong=c.level is None),
                    Cell(f"{count(c.n_event, style)} / {count(c.n, style)}", record),
                    Cell(ratio, record),
                    Cell(p, record if p else ""),
                )
            )
    return Table(
        f"{analysis.id}_excess",
        f"{analysis.title}: excess hazard ratios (EHR) with {level}% limits.",
        ("Term", "Deaths / patients", "EHR", style.p_symbol),
        aligned(4),
        tuple(rows),
        (2.6, 1.6, 2.2, 0.9),
        f"{count(model.n, style)} patients, {count(model.n_event, style)} deaths of any cause; "
        f"baseline constant within {len(model.baseline)} intervals of follow-up. Ratios multiply "
        "the hazard beyond that of the population, conditional on the other terms.",
    )


def relative_survival_methods(_result: StudyResult, analysis: RelativeSurvivalAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    net = analysis.result
    table = net.life_table
    by = f" by {in_sentence(net.by)}" if net.by else ""
    told = ["sex", *(["race"] if table.by_race else [])]
    text = (
        f"{analysis.title}: net survival{by} is estimated by Pohar Perme's method, each patient "
        "weighted by the inverse of the expected survival, the expected hazard integrated day by "
        f"day ({_MEASURES[table.measure]} a year by age {table.ages[0]} to {table.ages[1]}, "
        f"calendar year {table.years[0]} to {table.years[1]} and {joined(told)}, file "
        f"{table.name}); 1 year is "
        f"365.25 days, ages and years are taken {_placed(net)}, limits are on the log scale; "
        "Ederer II's estimate stands beside it"
    )
    if net.test is not None:
        text += "; groups are compared by the log-rank type test of Graffeo and colleagues"
    text += "."
    if net.excess is not None:
        terms = joined([in_sentence(term.name) for term in net.excess.terms])
        text += (
            f" The excess hazard is modelled on {terms} by the full likelihood, with a baseline "
            f"that is constant within {len(net.excess.baseline)} intervals of follow-up."
        )
    return text


def _placed(net: RelativeSurvival) -> str:
    return f"at {net.placed}" if net.placed.startswith("the middle") else net.placed


def _figures(
    result: StudyResult, analysis: RelativeSurvivalAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    origin = endpoint_of(result, analysis.endpoint).origin
    axis = AxisWords("Net survival", origin, result.time_unit)
    yield analysis.id, plot_relative_survival(analysis.result, words=axis, style=style)


def _tables(analysis: RelativeSurvivalAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "curves", analysis.result.curves
    if analysis.result.excess is not None:
        yield "excess", analysis.result.excess.summary


def _choices(analysis: RelativeSurvivalAnalysis) -> Iterator[tuple[str, str]]:
    net = analysis.result
    yield "method", "pohar-perme"
    yield "intervals", "log"
    yield "level", f"{net.conf_level:g}"
    yield "life_table", net.life_table.name
    yield "life_table_sha256", net.life_table.sha256
    yield "placed", net.placed


def _sizes(analysis: RelativeSurvivalAnalysis) -> Iterator[Sizes]:
    net = analysis.result
    yield Sizes(net.by, tuple((g.group, g.n, g.n_event) for g in net.groups))


NET = Section(
    pages=relative_survival_pages,
    methods=relative_survival_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
    sizes=_sizes,
)
