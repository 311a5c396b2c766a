"""Tables of adjusted comparisons: balance, weights, matched patients, ratios, differences."""

from __future__ import annotations

from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.rmst import with_limits
from analyses.report.blocks import Cell, Table, aligned
from analyses.report.words import group_words
from analyses.results.adjusted import AdjustedMean, AdjustedRatio
from analyses.results.balance import THRESHOLD
from analyses.results.matched import MatchedAnalysis, MatchedSurvival
from analyses.results.standardised_curves import StandardisedCurves
from analyses.results.weighted import WeightedAnalysis


def population_words(made: Any) -> str:
    """Whom an adjusted comparison is about, its group as a reader names it."""
    if isinstance(made, MatchedSurvival):
        return f"matched patients of {group_words(made.by, made.group)}"
    target = made.target if isinstance(made, StandardisedCurves) else made.weighting.target
    return made.population if target is None else f"patients of {group_words(made.by, target)}"


def balance_table(analysis: WeightedAnalysis | MatchedAnalysis, style: NumberStyle) -> Table:
    """Standardised differences before and after, one line a column, two columns a pair."""
    made = analysis.result.balance
    pairs = list(dict.fromkeys((r.group_a, r.group_b) for r in made.rows))
    lines = list(dict.fromkeys((r.column, r.missing) for r in made.rows))
    found = {(r.column, r.missing, r.group_a, r.group_b): r for r in made.rows}
    rows = []
    for column, missing in lines:
        name = f"{label(column)}, missing" if missing else label(column)
        cells = [Cell(name, strong=True)]
        term = f"{column} missing" if missing else column
        for a, b in pairs:
            row = found[column, missing, a, b]
            for level, value in (("before", row.before), ("after", row.after)):
                record = f"{analysis.id}/standardised_difference/{b}/{term}/{level}/{a}"
                cells.append(Cell(words.number(value, 2, style), record))
        rows.append(tuple(cells))
    heads = ["Column"]
    for a, b in pairs:
        both = f"{group_words(made.by, b)} and {group_words(made.by, a)}"
        heads += [f"{both}: before", "after"]
    over = len(made.unbalanced)
    said = (
        f"No difference after {made.how} is above {words.tick(THRESHOLD, style)}."
        if not over
        else f"{over} differences after {made.how} are above {words.tick(THRESHOLD, style)}."
    )
    reasons = [row.reason for row in made.rows if row.reason]
    if reasons:
        said += f" Not estimable: {'; '.join(dict.fromkeys(reasons))}."
    return Table(
        f"{analysis.id}_balance",
        f"{analysis.title}: absolute standardised differences before and after {made.how}.",
        tuple(heads),
        aligned(len(heads)),
        tuple(rows),
        (2.0, *(1.5, 0.7) * len(pairs)),
        said,
    )


def weights_table(analysis: WeightedAnalysis, style: NumberStyle) -> Table:
    """Sizes of the groups and of their weights."""
    made = analysis.result
    rows = []
    for g in made.weighting.groups:
        at = f"{analysis.id}/{{}}/{g.group}"
        rows.append(
            (
                Cell(group_words(made.by, g.group), strong=True),
                Cell(count(g.n, style), at.format("weight_total")),
                Cell(words.number(g.mean, 2, style), at.format("weight_mean")),
                Cell(words.number(g.largest, 2, style), at.format("weight_largest")),
                Cell(words.percent(g.largest_share, style), at.format("weight_largest_share")),
                Cell(count(g.n_low + g.n_high, style), at.format("weight_lowered")),
                Cell(words.number(g.effective_n, 0, style), at.format("effective_n")),
            )
        )
    heads = (
        *("Group", "Patients", "Mean weight", "Largest", "Its share of the total", "Truncated"),
        "Effective number",
    )
    return Table(
        f"{analysis.id}_weights",
        f"{analysis.title}: weights, standing for {population_words(made)}.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (1.8, 1, 1.1, 1, 1.3, 1.1, 1.2),
        "Effective number (Kish): as many patients of equal weight would tell as much.",
    )


def matched_table(analysis: MatchedAnalysis, style: NumberStyle) -> Table:
    """Who has a counterpart, and who has not."""
    made = analysis.result
    rows = tuple(
        (
            Cell(group_words(made.by, size.group), strong=True),
            Cell(count(size.n, style)),
            Cell(count(size.n_matched, style), f"{analysis.id}/matched_patients/{size.group}"),
            Cell(count(size.n_unmatched, style), f"{analysis.id}/unmatched_patients/{size.group}"),
            Cell(
                words.number(size.effective_n, 0, style), f"{analysis.id}/effective_n/{size.group}"
            ),
        )
        for size in made.sizes
    )
    sets = "; ".join(
        f"{count(n, style)} with {words.counted(size, 'counterpart', style)}"
        for size, n in made.sets
    )
    heads = ("Group", "Patients", "Matched", "Not matched", "Effective number")
    return Table(
        f"{analysis.id}_matched",
        f"{analysis.title}: patients matched.",
        heads,
        aligned(len(heads)),
        rows,
        (2, 1, 1, 1, 1.2),
        f"Patients of {group_words(made.by, made.group)}: {sets}. The comparison is about those "
        "who were matched.",
    )


def ratios_table(analysis: Any, style: NumberStyle) -> Table:
    """Hazard ratios, each with what it is a ratio of."""
    made = analysis.result
    rows = tuple(_ratio_row(analysis.id, made, ratio, style) for ratio in made.ratios)
    heads = ("Group", "Method", "What it is", "Events / patients", "Hazard ratio", style.p_symbol)
    level = words.tick(100 * made.conf_level, style)
    reasons = [r.reason for r in made.ratios if r.reason]
    note = f"Reference: {group_words(made.by, made.reference)}."
    if reasons:
        note += f" No estimate or no limits: {'; '.join(dict.fromkeys(reasons))}."
    return Table(
        f"{analysis.id}_ratios",
        f"{analysis.title}: hazard ratios with {level}% limits.",
        heads,
        ("left", "left", "left", "right", "right", "right"),
        rows,
        (1.4, 1.3, 2.2, 1.3, 1.9, 0.8),
        note,
    )


def _ratio_row(
    analysis: str, made: Any, ratio: AdjustedRatio, style: NumberStyle
) -> tuple[Cell, ...]:
    whom = ratio.population if ratio.population != made.population else population_words(made)
    record = (
        f"{analysis}/hazard_ratio/{ratio.group}/{ratio.method}/"
        f"{ratio.meaning}, {ratio.population}/{ratio.reference}"
    )
    return (
        Cell(group_words(made.by, ratio.group), strong=True),
        Cell(words.capitalised(ratio.method)),
        Cell(f"{ratio.meaning}: {whom}"),
        Cell(f"{count(ratio.n_event, style)} / {count(ratio.n, style)}", record),
        Cell(with_limits(*ratio.hazard_ratio, style.ratio_decimals, style), record),
        Cell(words.p_value(ratio.p_value, style), record),
    )


def differences_table(analysis: Any, style: NumberStyle, unit: str) -> Table:
    """Survival at times and mean time by group, and the differences."""
    made = analysis.result
    differences = {(d.quantity, d.time, d.group): d for d in made.differences}
    said = dict(zip(sorted({m.time for m in made.means if m.quantity == "survival"}),
                    analysis.times_said, strict=False))  # fmt: skip
    rows = []
    for mean in made.means:
        what = f"Mean, {unit}, up to {analysis.tau_said}"
        if mean.quantity == "survival":
            what = f"Survival at {said.get(mean.time, words.tick(mean.time, style))}, %"
        record = f"{analysis.id}/{mean.quantity}/{mean.group}/t={mean.time:.12g}"
        cells = [
            Cell(what),
            Cell(group_words(made.by, mean.group), strong=True),
            Cell(_limits(mean, mean.quantity, style), record),
        ]
        other = differences.get((f"{mean.quantity}_difference", mean.time, mean.group))
        if other is None:
            cells += [Cell("reference"), Cell("")]
        else:
            name = f"{mean.quantity}_difference/{mean.group}/{made.reference}"
            record = f"{analysis.id}/{name}/t={mean.time:.12g}"
            cells.append(Cell(_limits(other, mean.quantity, style), record))
            cells.append(Cell(words.p_value(other.p_value, style), record))
        rows.append(tuple(cells))
    heads = ("", "Group", "Estimate", "Difference", style.p_symbol)
    level = words.tick(100 * made.conf_level, style)
    reasons = [d.reason for d in (*made.means, *made.differences) if d.reason]
    note = "Differences of survival in percentage points."
    if reasons:
        note += f" Not defined: {'; '.join(dict.fromkeys(reasons))}."
    return Table(
        f"{analysis.id}_differences",
        f"{analysis.title}: survival of {population_words(made)}, with {level}% limits.",
        heads,
        ("left", "left", "right", "right", "right"),
        tuple(rows),
        (2.0, 1.5, 2.1, 2.1, 0.8),
        note,
    )


def _limits(found: AdjustedMean | Any, quantity: str, style: NumberStyle) -> str:
    """A number with its limits, shares in percent."""
    numbers = (found.estimate, found.conf_low, found.conf_high)
    if quantity == "rmst":
        return with_limits(*numbers, 2, style)
    scaled = [None if value is None else 100 * value for value in numbers]
    return with_limits(scaled[0], scaled[1], scaled[2], 1, style)
