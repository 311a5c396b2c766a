"""Pages about a treatment as it changes: time before and since its start, the effects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.kaplan_meier import plot_kaplan_meier
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.late_pages import (
    adjusted_said,
    effect_blocks,
    effect_figure,
    left_out_said,
    state_words,
)
from analyses.report.section import Alts, Section, axis_words
from analyses.report.words import in_sentence, used_rows
from analyses.results.start_stop import StartStopAnalysis
from analyses.results.study import StudyResult


def start_stop_pages(
    result: StudyResult, analysis: StartStopAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Time before and since the start, the curves, the effects."""
    made = analysis.result
    counts = (made.n, made.n_event, made.n_input, made.n_missing)
    said = used_rows(result, analysis, counts, style)
    if made.n_without_time:
        said += f" Never at risk, with follow-up of 0: {count(made.n_without_time, style)}."
    yield Paragraph(f"{said}{left_out_said(made.findings, style)}")
    yield _time(result, analysis, style)
    alt, width = alts[analysis.id]
    level = words.tick(100 * made.curves.conf_level, style)
    caption = (
        f"{analysis.title}. Kaplan-Meier estimates in which a patient moves to the treated on the "
        f"day after the start (Simon and Makuch), with {level}% limits; no group of patients "
        "lived so, and the curves are not adjusted."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    yield from effect_blocks(analysis.id, analysis.title, made, made.curves.conf_level, style, alts)


def start_stop_methods(_result: StudyResult, analysis: StartStopAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    return (
        f"{analysis.title}: {in_sentence(made.treatment)} is a time-varying covariate (Mantel and "
        "Byar, 1974): each patient is untreated up to and including the day of its start and "
        "treated from then on, so that an event on that day counts as untreated; a start at or "
        "before time zero is treated throughout. Hazard ratio by a Cox model on the start-stop "
        f"rows{adjusted_said(made.model, made.treatment)}."
    )


def _time(result: StudyResult, analysis: StartStopAnalysis, style: NumberStyle) -> Table:
    """Patients, events and time before and since the start."""
    made = analysis.result
    rows = []
    for exposure in made.exposures:
        record = f"{analysis.id}/person_time/{exposure.state}"
        since = "since its start" if exposure.state == "yes" else "before its start or without it"
        rows.append(
            (
                Cell(f"{state_words(made.treatment, exposure.state)}, {since}", strong=True),
                Cell(count(exposure.n, style), record),
                Cell(count(exposure.n_event, style), record),
                Cell(words.number(exposure.person_time, 0, style), record),
            )
        )
    later, first = count(made.n_started_later, style), count(made.n_at_baseline, style)
    return Table(
        f"{analysis.id}_time",
        f"{analysis.title}: time at risk.",
        ("State", "Patients", "Events", f"Time, {result.time_unit}"),
        aligned(4),
        tuple(rows),
        (3.6, 1.2, 1.2, 1.8),
        f"{first} were treated from the beginning and {later} later, who stand in both rows.",
    )


def _figures(
    result: StudyResult, analysis: StartStopAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    made = analysis.result
    shown = axis_words(result, analysis)
    yield analysis.id, plot_kaplan_meier(made.curves, words=shown, style=style)
    yield effect_figure(analysis.id, made, made.curves.conf_level, style)


def _tables(analysis: StartStopAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "model", analysis.result.model.summary
    yield "curves", analysis.result.curves.summary


def _choices(analysis: StartStopAnalysis) -> Iterator[tuple[str, str]]:
    made = analysis.result
    yield "ties", made.model.ties
    yield "intervals", "Wald, log hazard scale"
    yield "level", f"{made.model.conf_level:g}"
    yield "treated", "from the day after the start"


CHANGING = Section(
    pages=start_stop_pages,
    methods=start_stop_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
)
