"""Pages about robustness: what it would take to change what a model concludes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label, percent
from analyses.plots.bias_analysis import plot_bias_analysis
from analyses.plots.leave_one_out import plot_leave_one_out
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section
from analyses.report.sensitivity_pages import inconclusive
from analyses.report.words import endpoint_of, in_sentence, joined
from analyses.results.bias_analysis import BiasAnalysis
from analyses.results.leave_one_out import LeaveOneOut
from analyses.results.robust import Conclusion, Estimate
from analyses.results.robustness import ContrastRobustness, RobustnessAnalysis
from analyses.results.study import StudyResult
from analyses.results.tipping import TippingPoints

MOST_UNITS = 5  # units shown one by one, those of most influence
CONCLUDED: dict[Conclusion, str] = {
    "lower": "a lower hazard",
    "inconclusive": "nothing concluded",
    "higher": "a higher hazard",
}


def robustness_pages(
    result: StudyResult, analysis: RobustnessAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Each contrast: what is concluded, and what would change it."""
    for one in analysis.contrasts:
        yield Paragraph(_concluded(result, analysis, one, style))
        yield _answers(analysis, one, style)
        if one.tipping is not None:
            yield _confounders(analysis, one, one.tipping, style)
            if one.tipping.misreadings:
                yield _misreadings(analysis, one, one.tipping, style)
        if one.bias is not None:
            yield from _bias(analysis, one, one.bias, style, alts)
        if one.left_out is not None:
            yield from _units(analysis, one, one.left_out, style, alts)


def _pair(analysis: RobustnessAnalysis, one: ContrastRobustness) -> str:
    return f"{label(analysis.term, one.level)} against {label(analysis.term, one.reference)}"


def _ratio(estimate: Estimate, style: NumberStyle) -> str:
    return words.hazard_ratio(*estimate.hazard_ratio, style)


def _concluded(
    result: StudyResult, analysis: RobustnessAnalysis, one: ContrastRobustness, style: NumberStyle
) -> str:
    """The estimate, what is concluded, and what could have been found where nothing was."""
    said = f"{_pair(analysis, one)}: hazard ratio {_ratio(one.estimate, style)}"
    if one.estimate.conclusion != "inconclusive":
        return f"{said}, {CONCLUDED[one.estimate.conclusion]}."
    if one.detectable is None:
        return f"{said}, inconclusive."
    endpoint = endpoint_of(result, analysis.endpoint)
    return f"{said}, {inconclusive(one.detectable, endpoint, style)}."


def _answers(analysis: RobustnessAnalysis, one: ContrastRobustness, style: NumberStyle) -> Table:
    """One row a question, with its answer in numbers."""
    rows = [row(*cells) for cells in _rows(analysis, one, style)]
    return Table(
        f"{analysis.id}_{one.level}",
        f"{analysis.title}, {_pair(analysis, one)}: what it would take.",
        ("Question", "Answer"),
        aligned(2),
        tuple(rows),
        (5, 3.2),
        "E-value: the least risk ratio that an unmeasured confounder must have with both the "
        "group and the outcome, beyond what was adjusted for, to move the estimate (or its limit "
        "nearer to 1) to 1.",
    )


def _rows(
    analysis: RobustnessAnalysis, one: ContrastRobustness, style: NumberStyle
) -> Iterator[tuple[str | Cell, Cell]]:
    name = f"{analysis.id}.{one.level}"
    if one.e_value is not None:
        e = one.e_value
        yield (
            f"E-value of the estimate ({e.outcome} outcome)",
            Cell(words.ratio(e.point, style), f"{name}/e_value"),
        )
        yield (
            "E-value of the limit nearer to 1",
            Cell(words.ratio(e.limit, style), f"{name}/e_value_limit"),
        )
    if one.detectable is not None and one.detectable.above is not None:
        d = one.detectable
        place = f"{d.group}"
        yield (
            f"Hazard ratios that could be detected ({percent(d.power, style, 0)} power)",
            Cell(
                f"below {words.ratio(d.below, style)} or above {words.ratio(d.above, style)}",
                f"{name}/detectable_hazard_ratio_above/{place}/{d.reference}",
            ),
        )
    if one.tipping is not None:
        for point in one.tipping.events:
            group = label(analysis.term, point.group)
            answer = str(point.reason) if point.n_more is None else count(point.n_more, style)
            wanted = CONCLUDED[point.conclusion]
            yield (
                f"Events more in {group} until {wanted} "
                f"(of {count(point.n_censored, style)} censored)",
                Cell(answer, f"{name}/events_to_tip/{point.group}/{one.tipping.term}/"
                     f"{point.conclusion}/{one.tipping.reference}"),
            )  # fmt: skip
        if one.tipping.misreadings:
            tip = one.tipping.misreading_tip
            yield (
                "Share of either level misread that changes the conclusion",
                Cell(
                    "none of those tried" if tip is None else percent(tip, style, 0),
                    f"{name}/misreading_to_tip/{one.tipping.term}",
                ),
            )
    if one.left_out is not None:
        n = len(one.left_out.changing)
        yield (
            f"Units of {in_sentence(one.left_out.column)} without which the conclusion changes "
            f"(of {count(one.left_out.n_fitted, style)} left out in turn)",
            Cell(count(n, style), f"{name}/units_changing/{one.left_out.column}"),
        )


def _confounders(
    analysis: RobustnessAnalysis,
    one: ContrastRobustness,
    tipping: TippingPoints,
    style: NumberStyle,
) -> Table:
    """The share of a confounder at the level, by its strength and its share at the reference."""
    shares = list(dict.fromkeys(c.prevalence_reference for c in tipping.confounders))
    found = {(c.association, c.prevalence_reference): c for c in tipping.confounders}
    rows = []
    for strength in dict.fromkeys(c.association for c in tipping.confounders):
        cells: list[str | Cell] = [words.tick(strength, style)]
        for share in shares:
            c = found[strength, share]
            record = (
                f"{analysis.id}.{one.level}/confounder_share/association {strength:g}/"
                f"{tipping.term}/reference share {share:g}/{tipping.reference}"
            )
            said = "too weak" if c.prevalence is None else percent(c.prevalence, style, 0)
            cells.append(Cell(said, record))
        rows.append(row(*cells))
    heads = ("Risk ratio with the outcome", *(f"If {percent(s, style, 0)}" for s in shares))
    reference = label(analysis.term, one.reference)
    to = words.ratio(tipping.limit, style)
    return Table(
        f"{analysis.id}_{one.level}_confounder",
        f"{analysis.title}, {_pair(analysis, one)}: share of a yes-or-no confounder at "
        f"{label(analysis.term, one.level)} that moves the limit of {to} to 1, by its share at "
        f"{reference}.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (3, *(1.3,) * len(shares)),
    )


def _misreadings(
    analysis: RobustnessAnalysis,
    one: ContrastRobustness,
    tipping: TippingPoints,
    style: NumberStyle,
) -> Table:
    """The estimate by the share misread."""
    rows = []
    for point in tipping.misreadings:
        record = (
            f"{analysis.id}.{one.level}/hazard_ratio_misread/error {point.error:g}/{tipping.term}/"
            f"{one.level}/{tipping.reference}"
        )
        said, so = f"{point.reason}", ""
        if point.after is not None:
            said, so = _ratio(point.after, style), CONCLUDED[point.after.conclusion]
        rows.append(row(percent(point.error, style, 0), Cell(said, record), so))
    return Table(
        f"{analysis.id}_{one.level}_errors",
        f"{analysis.title}, {_pair(analysis, one)}: hazard ratio if so many of either level were "
        "read as the other, alike in patients with and without the event.",
        ("Misread", "Corrected hazard ratio", "Conclusion"),
        ("left", "right", "left"),
        tuple(rows),
        (1, 3, 2),
        f"Mean over {count(tipping.draws, style)} draws of the true levels, limits with the "
        "spread between them.",
    )


def _bias(
    analysis: RobustnessAnalysis,
    one: ContrastRobustness,
    bias: BiasAnalysis,
    style: NumberStyle,
    alts: Alts,
) -> Iterator[Block]:
    name = _bias_name(analysis, one)
    alt, width = alts[name]
    level = words.tick(100 * bias.conf_level, style)
    yield FigureBlock(
        name,
        f"{analysis.title}, {_pair(analysis, one)}: the hazard ratio once misreading is corrected, "
        f"over {count(bias.n_used, style)} draws, with {level}% simulation intervals.",
        alt,
        width,
    )
    rows = []
    for reading in bias.readings:
        group = [reading.ending] if reading.ending else []
        record = "/".join([f"{analysis.id}.{one.level}", "read_right", *group, reading.level])
        share = words.percent_with_limits(reading.mean, reading.low, reading.high, style)
        who = label(analysis.term, reading.level)
        rows.append(
            row(
                who + (f", {reading.ending}" if reading.ending else ""),
                f"{count(reading.right, style)} / {count(reading.right + reading.wrong, style)}",
                Cell(share, record),
            )
        )
    place = f"{bias.term}/{bias.level}/{bias.reference}"
    base = f"{analysis.id}.{one.level}"
    for what, values, said in (
        ("as_read", bias.conventional.hazard_ratio, "Hazard ratio as read (random error)"),
        ("corrected", _risen(bias.systematic), "Corrected (misreading)"),
        ("corrected_total", _risen(bias.total), "Corrected (misreading and random error)"),
    ):
        ratio = words.hazard_ratio(*values, style)
        rows.append(row(said, "", Cell(ratio, f"{base}/hazard_ratio_{what}/{place}")))
    left = ""
    if bias.n_impossible or bias.n_failed:
        left = (
            f" Left out: {count(bias.n_impossible, style)} draws that contradict what was read, "
            f"{count(bias.n_failed, style)} without an estimate."
        )
    yield Table(
        f"{analysis.id}_{one.level}_readings",
        f"{analysis.title}, {_pair(analysis, one)}: readings ({analysis.source}) and what they "
        "make of the hazard ratio.",
        ("True level, or estimate", "Read right", f"Share or ratio ({level}% limits)"),
        ("left", "right", "right"),
        tuple(rows),
        (3.4, 1.2, 2.4),
        f"{count(bias.n_lower + bias.n_upper, style)} patients may have been misread; in the mean "
        f"{words.number(bias.up, 0, style)} were read too low and "
        f"{words.number(bias.down, 0, style)} too high.{left}",
    )


def _risen(values: tuple[float, float, float]) -> tuple[float | None, float | None, float | None]:
    return Estimate(values[0], None, values[1], values[2], 0, 0).hazard_ratio


def _units(
    analysis: RobustnessAnalysis,
    one: ContrastRobustness,
    left: LeaveOneOut,
    style: NumberStyle,
    alts: Alts,
) -> Iterator[Block]:
    name = _units_name(analysis, one)
    if name in alts:
        alt, width = alts[name]
        level = words.tick(100 * left.conf_level, style)
        yield FigureBlock(
            name,
            f"{analysis.title}, {_pair(analysis, one)}: hazard ratio with {level}% limits without "
            f"each unit of {in_sentence(left.column)} in turn.",
            alt,
            width,
        )
    rows = []
    for k, unit in enumerate(left.units[: min(MOST_UNITS, left.n_fitted)]):
        record = (
            f"{analysis.id}.{one.level}/hazard_ratio_without/place {k + 1}/{left.term}/"
            f"{left.level}/{left.reference}"
        )
        rows.append(
            row(
                unit.unit,
                Cell(f"{count(unit.n_event, style)} / {count(unit.n, style)}", record),
                Cell(str(unit.reason) if unit.after is None else _ratio(unit.after, style), record),
            )
        )
    numbered = "" if left.named else " Units are numbered by size."
    known = f"{count(left.n_fitted, style)} of {count(left.n_units, style)} units"
    unknown = (
        f" {count(left.n_unknown, style)} patients of no known unit stay." if left.n_unknown else ""
    )
    yield Table(
        f"{analysis.id}_{one.level}_units",
        f"{analysis.title}, {_pair(analysis, one)}: without the {len(rows)} units of "
        f"{in_sentence(left.column)} of most influence.",
        ("Left out", "Its events / patients", "Hazard ratio without it"),
        ("left", "right", "right"),
        tuple(rows),
        (2, 1.6, 2.4),
        f"The model was fitted anew without each of {known}, those whose patients' residuals sum "
        f"to the largest change; all are in the tables' folder.{numbered}{unknown}",
    )


def robustness_methods(result: StudyResult, analysis: RobustnessAnalysis) -> str:
    """The methods in sentences, their choices named."""
    del result
    said = [
        f"{analysis.title}: E-values by VanderWeele and Ding; hazard ratios of common outcomes "
        "(above 15% by the end) are first turned into risk ratios. Detectable hazard ratios by "
        "Schoenfeld's formula from the two groups' events. Tipping points: a yes-or-no confounder "
        "by Bross's formula; events added to censored patients spread evenly over their times of "
        "censoring"
    ]
    tipped = [one.tipping for one in analysis.contrasts if one.tipping is not None]
    if any(tipping.misreadings for tipping in tipped):
        said.append("misreading of either level by a known share")
    biased = [one.bias for one in analysis.contrasts if one.bias is not None]
    if biased:
        said.append(
            f"a probabilistic bias analysis of misread levels ({analysis.source}): shares from the "
            "Dirichlet distribution of the counts plus one half, the true level drawn for each "
            "patient from a logistic model of event, cumulative hazard and covariates with known "
            f"error, {'differential' if biased[0].is_differential else 'nondifferential'}, "
            f"{biased[0].draws:,} draws, seed {biased[0].seed}"
        )
    left = [one.left_out for one in analysis.contrasts if one.left_out is not None]
    if left:
        said.append(f"each unit of {in_sentence(left[0].column)} left out in turn")
    return f"{'; '.join(said)}."


def _bias_name(analysis: RobustnessAnalysis, one: ContrastRobustness) -> str:
    return f"{analysis.id}_{one.level}_misreading"


def _units_name(analysis: RobustnessAnalysis, one: ContrastRobustness) -> str:
    return f"{analysis.id}_{one.level}_left_out"


def _figures(
    result: StudyResult, analysis: RobustnessAnalysis, style: FigureStyle
) -> Iterable[tuple[str, Any]]:
    del result
    for one in analysis.contrasts:
        if one.bias is not None:
            yield _bias_name(analysis, one), plot_bias_analysis(one.bias, style=style)
        if one.left_out is not None and one.left_out.fitted:
            yield _units_name(analysis, one), plot_leave_one_out(one.left_out, style=style)


def _tables(analysis: RobustnessAnalysis) -> Iterable[tuple[str, Any]]:
    for one in analysis.contrasts:
        yield from one.tables()


def _choices(analysis: RobustnessAnalysis) -> Iterable[tuple[str, str]]:
    yield "of", analysis.of
    yield "contrasts", joined([one.level for one in analysis.contrasts])


ROBUSTNESS = Section(
    pages=robustness_pages,
    methods=robustness_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
)
