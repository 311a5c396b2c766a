"""What a page is made of: headings, paragraphs, tables and figures, as plain frozen values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Align = Literal["left", "right", "center"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A section title; level 1 starts a section, level 2 a part of one.

    `of` is the id of the analysis that a part is about; the anchor that leads to the heading is
    made from it, or from the words of a section.
    """

    text: str
    level: int = 1
    of: str = ""
    block: str = "heading"

    @property
    def anchor(self) -> str:
        """What leads to the heading; empty for a part of no analysis."""
        if self.of:
            return anchor(self.of)
        slug = re.sub(r"[^a-z0-9]+", "-", self.text.lower()).strip("-")
        return f"section-{slug}" if self.level == 1 else ""


def anchor(analysis: str) -> str:
    """What leads to the heading of an analysis."""
    return f"analysis-{analysis}"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. `kind` sets the look: ``text``, ``lead`` (larger), ``note`` (smaller)."""

    text: str
    kind: Literal["text", "lead", "note"] = "text"
    block: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]
    block: str = "bullets"


@dataclass(frozen=True, slots=True)
class Callout:
    """A sentence that must not be missed."""

    title: str
    text: str
    block: str = "callout"


@dataclass(frozen=True, slots=True)
class Cell:
    """A formatted string and the id of the record it came from (empty for words).

    `indent` shifts a level under its variable; `strong` marks a variable or a total. `leads` are
    titles and anchors of headings that the words name: a page number or a link is added to each.
    """

    text: str
    record: str = ""
    indent: int = 0
    strong: bool = False
    leads: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table with repeated heads: column titles, alignments, relative widths, rows of cells."""

    name: str
    caption: str
    columns: tuple[str, ...]
    align: tuple[Align, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...] = ()
    note: str = ""
    block: str = "table"


@dataclass(frozen=True, slots=True)
class FigureBlock:
    """A figure file beside the page, with its caption and the words that stand in for it."""

    name: str
    caption: str
    alt: str
    width_mm: float
    block: str = "figure"


Block = Heading | Paragraph | Bullets | Callout | Table | FigureBlock


def row(*cells: str | Cell) -> tuple[Cell, ...]:
    """Cells of one row; plain strings become word cells."""
    return tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in cells)


def aligned(n: int) -> tuple[Align, ...]:
    """Words on the left, then n - 1 columns of numbers on the right."""
    numbers: list[Align] = ["right"] * (n - 1)
    return ("left", *numbers)


def as_json(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """The blocks as the template reads them."""
    return [
        asdict(block) | ({"anchor": block.anchor} if isinstance(block, Heading) else {})
        for block in blocks
    ]
