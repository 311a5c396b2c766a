"""Pages about missing data: who lacks what, and complete cases beside imputation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.forest import plot_forest
from analyses.plots.forest_rows import Model, level_words, term_words
from analyses.plots.imputation_traces import plot_imputation_traces
from analyses.plots.missingness import plot_missingness
from analyses.plots.style import FigureStyle
from analyses.report.blocks import (
    Block,
    Callout,
    Cell,
    FigureBlock,
    Heading,
    Paragraph,
    Table,
    aligned,
    row,
)
from analyses.report.missing_table import missing_table
from analyses.report.section import Alts
from analyses.report.words import group_words, joined
from analyses.results.coefficient import Coefficient
from analyses.results.frozen import defined
from analyses.results.imputations import LARGEST_R_HAT, Imputations
from analyses.results.pooled import PooledTest
from analyses.results.pooled_cox import PooledCox
from analyses.results.pooled_numbers import PooledNumber, PooledNumbers
from analyses.results.study import CoxAnalysis, CurveAnalysis, RmstAnalysis, StudyResult

Beside = CoxAnalysis | CurveAnalysis | RmstAnalysis
Limits = tuple[float | None, float | None, float | None]
MAP, FOREST, TRACES = "_missing", "_imputed", "_traces"


def imputed_pages(
    result: StudyResult, analysis: Beside, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Nothing where the analysis did not impute."""
    made = analysis.imputed
    if made is None:
        return
    yield Heading(f"{analysis.title}: missing data", 3)
    yield Paragraph(_who(made.imputations, style))
    yield missing_table(f"{analysis.id}{MAP}", f"{analysis.id}.missing", made.missingness, style)
    yield from _figure(f"{analysis.id}{MAP}", "Missing values by pattern.", alts)
    if isinstance(made.pooled, PooledCox):
        assert isinstance(analysis, CoxAnalysis)
        yield _ratios(analysis, made.pooled, style)
        yield Paragraph(_tests(made.pooled, style))
        caption = "Hazard ratios of complete cases and of all patients, what they lack imputed."
        yield from _figure(f"{analysis.id}{FOREST}", caption, alts)
    else:
        yield _numbers(result, analysis, made.pooled, style)
    caption = "Chains of the imputation: what was drawn by iteration."
    yield from _figure(f"{analysis.id}{TRACES}", caption, alts)
    yield from _warnings(made.imputations)


def imputed_figures(analysis: Beside, style: FigureStyle) -> Iterator[tuple[str, Any]]:
    """The map of missing values, the forest of both answers, and the traces."""
    made = analysis.imputed
    if made is None:
        return
    yield f"{analysis.id}{MAP}", plot_missingness(made.missingness, style=style)
    if isinstance(made.pooled, PooledCox):
        assert isinstance(analysis, CoxAnalysis)
        both: dict[str, Model] = {"Complete cases": analysis.adjusted, "Imputed": made.pooled}
        yield f"{analysis.id}{FOREST}", plot_forest(both, style=style)
    yield f"{analysis.id}{TRACES}", plot_imputation_traces(made.imputations, style=style)


def imputed_tables(analysis: Beside) -> Iterator[tuple[str, Any]]:
    """Tidy tables of the pooled answer."""
    made = analysis.imputed
    if made is None:
        return
    yield "imputed", made.pooled.summary
    yield "missing_values", made.missingness.summary
    yield "missing_patterns", made.missingness.pattern_table
    if isinstance(made.pooled, PooledNumbers) and made.pooled.curves:
        yield "imputed_curve", made.pooled.curve_table


def imputed_choices(analysis: Beside) -> Iterator[tuple[str, str]]:
    """What was chosen, for the manifest."""
    if analysis.imputed is None:
        yield "missing", "complete_case"
        return
    made = analysis.imputed.imputations
    yield "missing", "impute"
    yield "imputations", f"{made.m} ({made.m_from})"
    yield "imputation iterations", str(made.iterations)
    yield "imputation donors", str(made.donors)
    yield "imputation seed", str(made.seed)
    for column in made.columns:
        yield f"imputation of {column.name}", column.method


def _who(made: Imputations, style: NumberStyle) -> str:
    lacks = count(made.n_incomplete, style)
    share = words.percent(made.n_incomplete / made.n, style)
    gaps = joined(
        [f"{label(c.name)} {count(c.n_missing, style)} ({c.method})" for c in made.columns]
    )
    said = (
        f"Of {count(made.n, style)} patients {lacks} ({share}) lack a value: {gaps}. Complete "
        "cases leave out those who lack a column of the analysis itself. By imputation all are in, "
        f"what they lack drawn {made.m} times"
    )
    said += " (the percentage of incomplete patients, at least 20)" if made.m_from == "data" else ""
    if made.within:
        within = joined([label(name) for name in made.within])
        said += f", apart in each group of {within}"
    if made.n_without_outcome:
        said += f"; {count(made.n_without_outcome, style)} without an outcome are in neither"
    return f"{said}."


def _figure(name: str, caption: str, alts: Alts) -> Iterator[Block]:
    if name in alts:
        alt, width = alts[name]
        yield FigureBlock(name, caption, alt, width)


def _ratios(analysis: CoxAnalysis, pooled: PooledCox, style: NumberStyle) -> Table:
    """Hazard ratios side by side, with the fraction of information that is missing."""
    complete = {(c.term, c.level, c.reference): c for c in analysis.adjusted.coefficients}
    fmi = {
        (c.term, c.level): made.fmi
        for c, made in zip(pooled.coefficients, pooled.pooled, strict=True)
        if made is not None
    }
    rows: list[tuple[Cell, ...]] = []
    for term in pooled.terms:
        own = [c for c in pooled.coefficients if c.term == term.name]
        if any(c.level is not None for c in own):
            rows.append(row(Cell(term_words(term), strong=True), *[""] * 5))
        for c in own:
            name = term_words(term) if c.level is None else level_words(term, c.level)
            first = Cell(name, indent=int(c.level is not None), strong=c.level is None)
            whole = complete.get((c.term, c.level, c.reference))
            share = fmi.get((c.term, c.level))
            told = _record(f"{analysis.id}.imputed", "fraction_missing_information", c)
            rows.append(
                (
                    first,
                    *_cells(analysis.id, whole, style),
                    *_cells(f"{analysis.id}.imputed", c, style),
                    Cell("") if share is None else Cell(words.percent(share, style), told),
                )
            )
    p = style.p_symbol
    level = words.tick(100 * pooled.conf_level, style)
    sizes = [f"{count(m.n, style)} patients, {count(m.n_event, style)} events"
             for m in (analysis.adjusted, pooled)]  # fmt: skip
    return Table(
        f"{analysis.id}{FOREST}",
        f"{analysis.title}: complete cases ({sizes[0]}) and imputed ({sizes[1]}), hazard ratios "
        f"(HR) with {level}% limits.",
        ("Term", "Complete: HR", p, "Imputed: HR", p, "Missing information"),
        aligned(6),
        tuple(rows),
        (2.6, 2.2, 0.9, 2.2, 0.9, 1.2),
        f"Imputed: Rubin's rules over {pooled.m} imputations, degrees of freedom by Barnard and "
        f"Rubin ({count(pooled.df_complete, style)} of complete data: events less parameters). "
        "Missing information: its fraction for each coefficient.",
    )


def _record(name: str, quantity: str, c: Coefficient) -> str:
    parts = [part for part in (c.term, c.level, c.reference) if part is not None]
    return "/".join([name, quantity, *parts])


def _cells(name: str, c: Coefficient | None, style: NumberStyle) -> list[Cell]:
    if c is None:
        return [Cell(style.dash), Cell(style.dash)]
    record = _record(name, "hazard_ratio", c)
    if c.is_reference:
        return [Cell(words.REFERENCE, record), Cell("")]
    ratio = words.hazard_ratio(*c.hazard_ratio, style)
    return [Cell(ratio, record), Cell(words.p_value(c.p_value, style), record)]


def _tests(pooled: PooledCox, style: NumberStyle) -> str:
    """Tests of each term over imputations."""
    several = [(name, one, two) for name, one, two in pooled.term_tests if one.df > 1]
    said = [
        f"{label(name)}: D1 {_test(one, style)}; D2 {_test(two, style)}"
        for name, one, two in several
    ]
    if len(pooled.tests) == len(("D1", "D2")):
        one, two = pooled.tests
        said.append(f"all terms: D1 {_test(one, style)}; D2 {_test(two, style)}")
    return f"Tests of several coefficients over the imputations. {'. '.join(said)}."


def _test(test: PooledTest, style: NumberStyle) -> str:
    if test.statistic is None or test.df_residual is None:
        return f"none ({test.reason})"
    value = words.number(test.statistic, 2, style)
    rest = words.number(min(test.df_residual, 1e6), 0, style)
    return f"F {value} on {test.df} and {rest} df, {words.p_equals(test.p_value, style)}"


def _numbers(
    result: StudyResult,
    analysis: CoxAnalysis | CurveAnalysis | RmstAnalysis,
    pooled: PooledNumbers,
    style: NumberStyle,
) -> Table:
    """Numbers by group side by side."""
    complete = _of_complete(analysis)
    rows = []
    for number in pooled.numbers:
        name = group_words(pooled.by, number.group)
        if number.reference is not None:
            name += f" vs {group_words(pooled.by, number.reference)}"
        at = f"t={number.time:.12g}"
        parts = [number.quantity, number.group]
        parts += [] if number.reference is None else [number.reference]
        record = "/".join([f"{analysis.id}.imputed", *parts, at])
        share = number.pooled
        told = "/".join(
            [f"{analysis.id}.imputed", "fraction_missing_information", number.group,
             number.quantity, *([] if number.reference is None else [number.reference]), at]
        )  # fmt: skip
        key = (number.quantity, number.group, number.reference, number.time)
        values = (number.estimate, number.conf_low, number.conf_high)
        rows.append(
            (
                Cell(name, strong=number.reference is None),
                Cell(_what(number, result.time_unit)),
                Cell(_shown(number.quantity, complete.get(key), result.time_unit, style)),
                Cell(_shown(number.quantity, values, result.time_unit, style), record),
                Cell(style.dash) if share is None else Cell(words.percent(share.fmi, style), told),
            )
        )
    level = words.tick(100 * pooled.conf_level, style)
    return Table(
        f"{analysis.id}{FOREST}",
        f"{analysis.title}: complete cases and imputed, with {level}% limits.",
        ("Group", "What", "Complete", "Imputed", "Missing information"),
        ("left", "left", "right", "right", "right"),
        tuple(rows),
        (2.4, 2.2, 2.3, 2.3, 1.3),
        f"Imputed: Rubin's rules over {pooled.m} imputations, survival on the complementary "
        "log-log scale, ratios on the logarithmic scale. Tests between the groups are those of "
        "complete cases.",
    )


def _what(number: PooledNumber, unit: str) -> str:
    names = {
        "survival": f"survival at {words.tick(number.time)} {unit}",
        "survival_difference": f"difference at {words.tick(number.time)} {unit}",
        "rmst": f"mean to {words.tick(number.time)} {unit}",
        "rmst_difference": "difference of means",
        "rmst_ratio": "ratio of means",
    }
    return names[number.quantity]


def _shown(quantity: str, values: Limits | None, unit: str, style: NumberStyle) -> str:
    """A number with its limits; survival as per cent."""
    if values is None:
        return style.dash
    if quantity.startswith("survival"):
        share, low, high = values
        return words.percent_with_limits(share, low, high, style)
    decimals = style.ratio_decimals if quantity == "rmst_ratio" else 1 if unit == "days" else 2
    estimate, low, high = values
    return words.estimate_with_limits(estimate, low, high, decimals, None, style)


def _of_complete(analysis: Any) -> dict[Any, Limits]:
    """The complete-case numbers by quantity, group, reference and time; None where not defined."""
    found: dict[Any, Limits] = {}
    if isinstance(analysis, CurveAnalysis):
        if analysis.times:
            for r in analysis.curves.at(analysis.times).to_dict("records"):
                found["survival", r["group"], None, r["time"]] = _limits(r)
        for c in analysis.differences:
            found[c.quantity, c.group, c.reference, c.time] = (c.estimate, c.conf_low, c.conf_high)
        return found
    means = analysis.result
    for g in means.groups:
        found["rmst", g.group, None, means.tau] = (g.estimate, g.conf_low, g.conf_high)
    for c in means.differences:
        found[c.quantity, c.group, c.reference, c.time] = (c.estimate, c.conf_low, c.conf_high)
    table = means.summary
    for r in table[table["quantity"] == "rmst_ratio"].to_dict("records"):
        found["rmst_ratio", r["group"], r["reference"], r["time"]] = _limits(r)
    return found


def _limits(numbers: Mapping[Any, Any]) -> Limits:
    """Estimate and limits of a table's row, None where not defined."""
    estimate, low, high = (defined(numbers[k]) for k in ("estimate", "conf_low", "conf_high"))
    return estimate, low, high


def _warnings(made: Imputations) -> Iterator[Block]:
    """What must not be missed: HER2 that was drawn, chains that did not settle."""
    drawn = [c for c in made.columns if c.name.startswith("her2")]
    for column in drawn:
        yield Callout(
            "HER2 was imputed",
            f"The study says so: {count(column.n_missing)} patients without {label(column.name)} "
            f"were drawn into a category{f' ({column.among} only)' if column.among else ''}.",
        )
    if made.not_converged:
        names = joined([label(name) for name in made.not_converged])
        yield Callout(
            "Chains that did not settle",
            f"R-hat is above {LARGEST_R_HAT:g}, or chains keep apart, for {names}: ask "
            "for more iterations before this imputation is used.",
        )
