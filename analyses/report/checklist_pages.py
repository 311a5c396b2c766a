"""REMARK and STROBE: where in this report each item is answered, and what its authors must add."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from analyses.report.blocks import Block, Cell, Heading, Paragraph, Table, anchor, row
from analyses.results.study import StudyResult

_AUTHOR = "author"
_TO_WRITE = "to be written by the authors"
_NOT_HERE = "not in this study"
_NAMES = {
    "REMARK": "REMARK (tumour marker prognostic studies)",
    "STROBE": "STROBE (observational studies, cohort)",
}


def checklist_pages(result: StudyResult, pages: Sequence[Block]) -> Iterator[Block]:
    """A table a checklist: each item with the sections that answer it, by page."""
    sections = {b.text: b.anchor for b in pages if isinstance(b, Heading) and b.level == 1}
    yield Heading("Reporting checklists")
    yield Paragraph(
        "Where this report holds what an item asks for. The items are in our own words; those "
        "marked * were not checked against the published list. An item that only the authors can "
        "answer says so."
    )
    for name, words in _NAMES.items():
        rows = tuple(
            row(
                Cell(item["item"] + ("" if item["verified"] == "yes" else "*"), strong=True),
                item["section"],
                item["words"],
                _where(item["where"], sections, result),
            )
            for item in _items()
            if item["checklist"] == name
        )
        yield Table(
            f"checklist_{name.lower()}",
            f"{words}.",
            ("Item", "Part", "Asks for", "Where"),
            ("left", "left", "left", "left"),
            rows,
            (0.5, 1.1, 4, 3.2),
        )


@cache
def _items() -> tuple[dict[str, str], ...]:
    text = files("analyses.report").joinpath("checklists.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _where(where: str, sections: dict[str, str], result: StudyResult) -> Cell:
    """The parts of this report that answer an item, each with its anchor."""
    if where == _AUTHOR:
        return Cell(_TO_WRITE)
    found: dict[str, str] = {}  # title by anchor: two analyses may have one title
    for part in where.split(";"):
        kind, _, name = part.partition(":")
        if kind == "section" and name in sections:
            found[sections[name]] = name
        if kind == "kind":
            of_kind = [a for a in result.analyses if type(a).__name__ == f"{name}Analysis"]
            found |= {anchor(analysis.id): analysis.title for analysis in of_kind}
    if not found:
        return Cell(_NOT_HERE)
    return Cell("; ".join(found.values()), leads=tuple((t, a) for a, t in found.items()))
