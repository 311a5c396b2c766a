"""Pages about a sensitivity grid: the specification curve, and what each choice does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label, percent
from analyses.plots.specification_curve import CurveArtists, plot_specification_curve
from analyses.plots.style import FigureStyle
from analyses.report.blocks import (
    Block,
    Callout,
    Cell,
    FigureBlock,
    Paragraph,
    Table,
    aligned,
    row,
)
from analyses.report.section import Alts, Section
from analyses.report.words import endpoint_of, event_nouns, joined
from analyses.results.detectable import Detectable
from analyses.results.robust import Conclusion
from analyses.results.specification_curve import SensitivityAnalysis, SpecificationCurve
from analyses.results.study import Endpoint, StudyResult

MOST_ROWS = 60  # specifications that are printed one by one; all are in the tables' folder
_CONCLUDED: dict[Conclusion, str] = {
    "lower": "a lower hazard",
    "inconclusive": "inconclusive",
    "higher": "a higher hazard",
}
_STAGES = {
    "harmonise": "loaded and harmonised",
    "endpoints": "endpoints made",
    "classify": "HER2 groups formed",
    "select": "patients selected",
    "patients": "sets of patients brought into memory",
    "model": "models fitted",
}


def sensitivity_pages(
    result: StudyResult, analysis: SensitivityAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """What the grid says, its figure, each choice, and what failed."""
    curve = analysis.result
    yield Paragraph(_size(curve, style))
    said = f"{_agreement(curve, style)}.{_could_be_found(result, curve, style)}"
    yield Callout("How much hangs on the choices", said)
    alt, width = alts[analysis.id]
    level = words.tick(100 * curve.conf_level, style)
    yield FigureBlock(
        analysis.id,
        f"{analysis.title}. Hazard ratios with {level}% limits by size, one for each combination "
        "of choices; beneath, the choices behind each. The line marks the main specification.",
        alt,
        width,
    )
    yield _by_choice(analysis, style)
    if curve.failed:
        yield _failed(analysis, style)
    if len(curve.specifications) <= MOST_ROWS:
        yield _every(analysis, style)
    else:
        yield Paragraph(f"Every specification: tables/{analysis.id}_numbers.csv.", "note")


def sensitivity_answer(analysis: SensitivityAnalysis, style: NumberStyle) -> str:
    """The grid in one sentence of the first page."""
    return f"{analysis.title}: {_agreement(analysis.result, style)}."


def _could_be_found(result: StudyResult, curve: SpecificationCurve, style: NumberStyle) -> str:
    """What the main specification could have found, where it found nothing."""
    if curve.main.conclusion != "inconclusive" or curve.detectable is None:
        return ""
    main = next((a for a in result.analyses if a.id == curve.of), None)
    name = getattr(main, "endpoint", None)
    endpoint = None if name is None else endpoint_of(result, name)
    said = inconclusive(curve.detectable, endpoint, style)
    return f" The main specification is {said}."


def inconclusive(
    found: Detectable, endpoint: Endpoint | None, style: NumberStyle, cause: str | None = None
) -> str:
    """That nothing was found, and what could have been, so that nobody reads equality in it."""
    one, many = ("event", "events") if endpoint is None else event_nouns(endpoint, cause or "event")
    said = f"{count(found.n_event, style)} {one if found.n_event == 1 else many}"
    if found.above is None or found.below is None:
        return f"inconclusive; with {said} no hazard ratio could be detected ({found.reason})"
    low, high = (words.ratio(value, style) for value in (found.below, found.above))
    return (
        f"inconclusive; with {said} in the two groups only hazard ratios below {low} or above "
        f"{high} could be detected ({percent(found.power, style, 0)} power)"
    )


def _pair(curve: SpecificationCurve) -> str:
    return f"{label(curve.term, curve.level)} against {label(curve.term, curve.reference)}"


def _size(curve: SpecificationCurve, style: NumberStyle) -> str:
    """How many specifications there are, of which choices, and how often each stage was done."""
    axes = [f"{axis.title} ({len(axis.choices)})" for axis in curve.axes if len(axis.choices) > 1]
    n = count(len(curve.specifications), style)
    crossed = f": {joined(axes)}, each with each" if axes else ""
    done = joined([f"{_STAGES[stage]} {count(k, style)}" for stage, k in curve.computed])
    return (
        f"{_pair(curve)} under {n} specifications{crossed}. What they share was computed once "
        f"(times: {done})."
    )


def _agreement(curve: SpecificationCurve, style: NumberStyle) -> str:
    """How many agree with the main specification in side and in conclusion."""
    n, k = len(curve.specifications), len(curve.estimated)
    without = f"; {count(n - k, style)} have no estimate" if n > k else ""
    own = curve.main
    if own.estimate is None or own.conclusion is None:
        return (
            f"the main specification has no estimate ({own.reason}); {count(k, style)} of "
            f"{count(n, style)} specifications have one"
        )
    ratio = words.hazard_ratio(*own.estimate.hazard_ratio, style)
    said = f"{_pair(curve)} {ratio} in the main specification, {_CONCLUDED[own.conclusion]}"
    same = f"{count(curve.n_same_side, style)} of {count(k, style)}"
    alike = f"{count(curve.n_same_conclusion, style)} of {count(k, style)}"
    said += (
        f"; of all specifications with an estimate {same} lie on the same side of 1 and {alike} "
        f"reach the same conclusion{without}"
    )
    return said


def _by_choice(analysis: SensitivityAnalysis, style: NumberStyle) -> Table:
    """What the specifications of each choice say."""
    rows: list[tuple[Cell, ...]] = []
    before = ""
    titles = {axis.name: axis.title for axis in analysis.result.axes}
    for summary in analysis.result.by_choice:
        if summary.axis != before:
            rows.append(row(Cell(titles[summary.axis], strong=True), *[""] * 5))
            before = summary.axis
        place = f"{summary.axis}/{summary.choice}"
        concluding = [
            Cell(count(n, style), f"{analysis.id}/specifications_{c}/{place}")
            for c, n in summary.concluding
        ]
        ends = f"{words.ratio(summary.smallest, style)} to {words.ratio(summary.largest, style)}"
        held = summary.median is not None
        rows.append(
            row(
                Cell(summary.choice, indent=1),
                Cell(
                    words.ratio(summary.median, style) if held else style.dash,
                    f"{analysis.id}/hazard_ratio_median/{place}",
                ),
                Cell(ends if held else style.dash, f"{analysis.id}/hazard_ratio_smallest/{place}"),
                *concluding,
            )
        )
    heads = ("Choice", "Median HR", "Smallest to largest", "Lower", "Inconclusive", "Higher")
    return Table(
        f"{analysis.id}_choices",
        f"{analysis.title}: hazard ratios (HR) and conclusions of the specifications that make "
        "each choice.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (3.6, 1.1, 1.9, 0.8, 1.2, 0.8),
        "Lower and higher: both limits on that side of 1. Specifications share patients: their "
        "number is no measure of evidence.",
    )


def _failed(analysis: SensitivityAnalysis, style: NumberStyle) -> Table:
    """Why specifications have no estimate."""
    rows = tuple(
        row(
            reason, Cell(count(n, style), f"{analysis.id}/specifications_failed_by_reason/{reason}")
        )
        for reason, n in analysis.result.failed_by_reason
    )
    return Table(
        f"{analysis.id}_failed",
        f"{analysis.title}: specifications without an estimate.",
        ("Reason", "Specifications"),
        ("left", "right"),
        rows,
        (6, 1.2),
    )


def _every(analysis: SensitivityAnalysis, style: NumberStyle) -> Table:
    """One row a specification."""
    curve = analysis.result
    shown = [k for k, axis in enumerate(curve.axes) if len(axis.choices) > 1]
    rows = []
    for place, one in enumerate(curve.specifications):
        record = f"{analysis.id}/hazard_ratio/specification {place + 1}/{curve.term}/"
        record += f"{curve.level}/{curve.reference}"
        said = curve.said(one)
        ratio = str(one.reason)
        if one.estimate is not None:
            ratio = words.hazard_ratio(*one.estimate.hazard_ratio, style)
        rows.append(
            row(
                Cell("; ".join(said[k] for k in shown) or "As in the study", strong=one.is_main),
                Cell(f"{count(one.n_event, style)} / {count(one.n, style)}", record),
                Cell(ratio, record),
            )
        )
    level = words.tick(100 * curve.conf_level, style)
    heads = ("Choices", "Events / patients", f"HR ({level}% limits)")
    return Table(
        f"{analysis.id}_every",
        f"{analysis.title}: every specification, the main one first.",
        heads,
        ("left", "right", "right"),
        tuple(rows),
        (5, 1.4, 2.4),
    )


def sensitivity_methods(result: StudyResult, analysis: SensitivityAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    del result
    curve = analysis.result
    axes = joined([axis.title for axis in curve.axes if len(axis.choices) > 1]) or "none"
    return (
        f"{analysis.title}: the hazard ratio of {_pair(curve)} from the Cox model '{curve.of}' was "
        f"estimated under every combination of the choices named ({axes}), with the ties, strata, "
        "clusters, weights, penalty and limits of that model, and drawn by size as a specification "
        "curve; each stage that specifications share was computed once."
    )


def _figures(
    result: StudyResult, analysis: SensitivityAnalysis, style: FigureStyle
) -> Iterable[tuple[str, CurveArtists]]:
    del result
    yield analysis.id, plot_specification_curve(analysis.result, style=style)


def _choices(analysis: SensitivityAnalysis) -> Iterable[tuple[str, str]]:
    yield "level", words.tick(100 * analysis.result.conf_level)
    yield "specifications", str(len(analysis.result.specifications))


SENSITIVITY = Section(
    pages=sensitivity_pages,
    methods=sensitivity_methods,
    figures=_figures,
    tables=lambda analysis: [("numbers", analysis.result.summary)],
    choices=_choices,
)
