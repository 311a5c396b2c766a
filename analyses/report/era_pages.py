"""Pages about eras of treatment: one term by the end of follow-up, or why that cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.eras import era_words, plot_eras
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
from analyses.report.words import group_words, in_sentence, joined, used_rows
from analyses.results.study import StudyResult
from analyses.results.treatment_eras import ALL, EraModel, TreatmentErasAnalysis


def era_pages(
    result: StudyResult, analysis: TreatmentErasAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """The forest and the table by era; without dates the limitation."""
    made = analysis.result
    if made is None:
        yield Callout("Limitation", analysis.limitation)
        return
    whole = made.models[0]
    counts = (whole.n, whole.n_event, made.n_input, made.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    alt, width = alts[analysis.id]
    level = words.tick(100 * made.conf_level, style)
    caption = f"{analysis.title}: hazard ratios of {in_sentence(made.term)} with {level}% limits."
    yield FigureBlock(analysis.id, caption, alt, width)
    yield _table(analysis, style)


def era_methods(_result: StudyResult, analysis: TreatmentErasAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    if made is None:
        return f"{analysis.title}: {analysis.limitation}"
    unchecked = [name for name, _, is_checked in analysis.eras if not is_checked]
    dates = joined([f"{era.until} ({_began(analysis, era)})" for era in made.models[1:]])
    said = " The dates are from memory and not checked in a source." if unchecked else ""
    return (
        f"{analysis.title}: the same Cox model with all follow-up and with follow-up censored at "
        f"{dates}; patients whose time began after a date are not in its model.{said}"
    )


def _began(analysis: TreatmentErasAnalysis, era: EraModel) -> str:
    return next(meaning for name, meaning, _ in analysis.eras if name == era.era)


def _table(analysis: TreatmentErasAnalysis, style: NumberStyle) -> Table:
    """Patients, events and what is cut by era, and the term's hazard ratios."""
    made = analysis.result
    assert made is not None
    rows = []
    for era in made.models:
        where = f"{analysis.id}/era_patients/{era.era}"
        cut = f"{analysis.id}/era_n_event_cut/{era.era}"
        rows.append(
            row(
                Cell(era_words(era), strong=True),
                Cell(f"{count(era.n_event, style)} / {count(era.n, style)}", where),
                Cell("" if era.era == ALL else count(era.n_event_cut, style), cut),
                Cell(""),
                Cell(""),
            )
        )
        for c in era.shown(made.term):
            parts = [c.term, c.level, c.reference]
            record = "/".join(
                [f"{analysis.id}.{era.era}", "hazard_ratio", *(p for p in parts if p is not None)]
            )
            known = c.estimate is not None
            ratio = words.hazard_ratio(*c.hazard_ratio, style) if known else words.NOT_ESTIMABLE
            name = in_sentence(c.term) if c.level is None else group_words(c.term, c.level)
            rows.append(
                row(
                    Cell(name, indent=1),
                    "",
                    "",
                    Cell(ratio, record),
                    Cell(words.p_value(c.p_value, style), record),
                )
            )
    reasons = [f"{era_words(era)}: {era.reason}." for era in made.models if era.reason]
    return Table(
        analysis.id,
        f"{analysis.title}: hazard ratios (HR) by the end of follow-up.",
        ("Follow-up", "Events / patients", "Later events", "HR", style.p_symbol),
        aligned(5),
        tuple(rows),
        (2.6, 1.5, 1.2, 2.0, 0.9),
        " ".join([_note(analysis, style), *reasons]),
    )


def _note(analysis: TreatmentErasAnalysis, style: NumberStyle) -> str:
    """What the dates do, who is left out for them, and that they are not checked."""
    made = analysis.result
    assert made is not None
    said = "Later events are censored at the date."
    left = [
        f"{count(era.n_left_out, style)} ({era.until})" for era in made.models if era.n_left_out
    ]
    if left:
        said += f" Not in the model, since their time began after the date: {joined(left)}."
    if not all(is_checked for _, _, is_checked in analysis.eras):
        said += " The dates are from memory."
    return said


def _figures(
    _result: StudyResult, analysis: TreatmentErasAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    if analysis.result is not None:
        yield analysis.id, plot_eras(analysis.result, style=style)


def _tables(analysis: TreatmentErasAnalysis) -> Iterator[tuple[str, Any]]:
    if analysis.result is not None:
        yield "numbers", analysis.result.summary


def _choices(analysis: TreatmentErasAnalysis) -> Iterator[tuple[str, str]]:
    if analysis.result is not None:
        for era in analysis.result.models[1:]:
            yield f"era_{era.era}", era.until
        yield "level", f"{analysis.result.conf_level:g}"


ERAS = Section(
    pages=era_pages, methods=era_methods, figures=_figures, tables=_tables, choices=_choices
)
