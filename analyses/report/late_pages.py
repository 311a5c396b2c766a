"""What the pages of every late treatment share: effects side by side, and what a reader is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.late_effects import METHOD_WORDS, plot_late_effects
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.section import Alts
from analyses.report.words import in_sentence, joined
from analyses.results.cox import CoxModel
from analyses.results.late_effect import LateEffect

NAIVE = (
    "The naive hazard ratio is no result. It counts a treatment that came later as if it had been "
    "known at time zero, so that every treated patient is given the time until the start, in "
    "which nobody can die (immortal time)."
)


class Late(Protocol):
    """What the three ways of a late treatment have alike."""

    @property
    def treatment(self) -> str:
        """Its column."""

    @property
    def effects(self) -> tuple[LateEffect, ...]:
        """The valid effect, then the naive one."""


def effect_blocks(
    id: str, title: str, made: Late, conf_level: float, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """The figure and the table of the effects, with what the naive one is."""
    alt, width = alts[f"{id}_effects"]
    level = words.tick(100 * conf_level, style)
    caption = f"{title}: hazard ratio of {in_sentence(made.treatment)} with {level}% limits."
    yield FigureBlock(f"{id}_effects", caption, alt, width)
    rows = []
    for effect in made.effects:
        before = "" if effect.is_valid else "naive_"
        record = f"{id}/{before}effect_hazard_ratio/{effect.treatment}/yes/no"
        known = effect.estimate is not None
        ratio = words.hazard_ratio(*effect.hazard_ratio, style) if known else words.NOT_ESTIMABLE
        rows.append(
            (
                Cell(METHOD_WORDS[effect.method], strong=effect.is_valid),
                Cell(f"{count(effect.n_event, style)} / {count(effect.n, style)}", record),
                Cell(ratio, record),
                Cell(words.p_value(effect.p_value, style), record),
            )
        )
    reasons = [f"{METHOD_WORDS[e.method]}: {e.reason}." for e in made.effects if e.reason]
    yield Table(
        f"{id}_effects",
        f"{title}: hazard ratios (HR) of {in_sentence(made.treatment)}.",
        ("Method", "Events / patients", "HR", style.p_symbol),
        aligned(4),
        tuple(rows),
        (3.6, 1.5, 2.0, 0.9),
        " ".join(reasons),
    )
    if any(not effect.is_valid for effect in made.effects):
        yield Paragraph(NAIVE, "note")
    yield Paragraph(
        "Patients were not assigned to the treatment: what bears on who is treated and on the "
        "outcome, and is not adjusted for, still confounds it.",
        "note",
    )


def effect_figure(id: str, made: Late, conf_level: float, style: FigureStyle) -> tuple[str, Any]:
    """The figure of the effects with its name."""
    return f"{id}_effects", plot_late_effects(made.effects, conf_level, style=style)


def adjusted_said(model: CoxModel, treatment: str) -> str:
    """What a Cox model is adjusted for and stratified by."""
    terms = [in_sentence(t.name) for t in model.terms if t.name != treatment]
    said = f", adjusted for {joined(terms)}" if terms else ", without other terms"
    if model.strata:
        said += f", stratified by {joined([in_sentence(name) for name in model.strata])}"
    return f"{said} ({model.ties.capitalize()} ties)"


def left_out_said(findings: Sequence[Any], style: NumberStyle) -> str:
    """Patients left out as their start is not known or contradicted; empty where there are none."""
    rules = ("unknown_start", "start_without_treatment")
    said = {
        "unknown_start": "treated on a day that is not known",
        "start_without_treatment": "with a start though not treated",
    }
    parts = [f"{count(f.n, style)} {said[f.rule]}" for f in findings if f.rule in rules]
    return f" Left out besides: {joined(parts)}." if parts else ""


def state_words(treatment: str, state: str) -> str:
    """Treated or not in words."""
    name = label(treatment)
    return f"{name}" if state == "yes" else f"No {name[:1].lower()}{name[1:]}"
