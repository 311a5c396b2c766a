"""Pages to one HTML file: the same blocks as the PDF, figures inline, nothing fetched."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.formatting import NumberStyle
from analyses.report.blocks import Block, FigureBlock, Heading, Table
from analyses.report.web.fonts import font_faces
from analyses.report.web.readout import readouts
from analyses.report.web.svg import inline
from analyses.results.study import StudyResult

if TYPE_CHECKING:
    from jinja2 import Template

_NUMBER = re.compile(
    r"(?P<sign>[<>]?)(?P<digits>[-\u2212]?(?:\d[\d,\u202f\u00a0\u2009]*)?(?:[.\u00b7]?\d+))"
    r"(?: \u00d7 10(?P<power>[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]+))?"
)
_POWERS = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b", "0123456789-"
)


@dataclass(slots=True)
class _Part:
    """A section of the page: what stands under one heading of the first level."""

    id: str
    title: str
    items: list[dict[str, Any]] = field(default_factory=list)


def web_page(
    result: StudyResult,
    front: Sequence[Block],
    pages: Sequence[Block],
    figures: Path,
    style: NumberStyle,
    words: Mapping[str, str],
) -> str:
    """The page as text: the same for the same result and figures.

    `front` and `pages` are the blocks that the PDF is set from, so that both say the same;
    `figures` is the folder of the figures as SVG; `words` holds ``kicker`` and ``footer``.
    """
    drawn = {
        block.name: (figures / f"{block.name}.svg").read_text(encoding="utf-8")
        for block in (*front, *pages)
        if isinstance(block, FigureBlock)
    }
    counted = _Counter()
    opening = [counted.shown(block, drawn) for block in front]
    parts = list(_parts(pages, drawn, counted))
    read = readouts(result, drawn, style)
    body = _template().render(
        title=result.title,
        kicker=words["kicker"],
        footer=words["footer"],
        front=opening,
        parts=parts,
        css=_resource("page.css"),
        js=_resource("page.js"),
        readouts=json.dumps(read, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c"),
        fonts="",
    )
    # The fonts hold only the characters that the page shows.
    return body.replace("/*FONTS*/", font_faces(body))


class _Counter:
    """Numbers tables and figures as the PDF does, each kind for itself."""

    def __init__(self) -> None:
        self._n = {"table": 0, "figure": 0}

    def shown(self, block: Block, drawn: Mapping[str, str]) -> dict[str, Any]:
        """The block as the template reads it."""
        kind = block.block
        shown: dict[str, Any] = {"block": kind, "is": block}
        if kind in self._n:
            self._n[kind] += 1
            shown["number"] = self._n[kind]
        if isinstance(block, FigureBlock):
            shown["svg"] = inline(drawn[block.name], block.name, block.alt)
        if isinstance(block, Table):
            shown["sort"] = [[_sort_key(cell.text) for cell in cells] for cells in block.rows]
            # Levels stand under their variable: such rows cannot change places.
            shown["sortable"] = len(block.rows) > 2 and not any(
                cell.indent for cells in block.rows for cell in cells
            )
        return shown


def _parts(pages: Sequence[Block], drawn: Mapping[str, str], counted: _Counter) -> Iterator[_Part]:
    """The blocks by section."""
    part: _Part | None = None
    for block in pages:
        if isinstance(block, Heading) and block.level == 1:
            if part is not None:
                yield part
            part = _Part(block.anchor, block.text)
        elif part is not None:
            part.items.append(counted.shown(block, drawn))
    if part is not None:
        yield part


def _sort_key(text: str) -> str:
    """What a column is sorted by: the first number of a cell, else its words.

    "<0.001" comes just before 0.001, ">0.99" just after 0.99.
    """
    found = _NUMBER.match(text.strip())
    if found is None:
        return text.casefold()
    digits = re.sub(r"[,\u202f\u00a0\u2009]", "", found["digits"])
    number = float(digits.replace("\u2212", "-").replace("\u00b7", "."))
    if found["power"]:
        number *= 10.0 ** int(found["power"].translate(_POWERS))
    side = {"<": -math.inf, ">": math.inf}.get(found["sign"])
    return repr(number if side is None else math.nextafter(number, side))


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return made.from_string(_resource("page.html.j2"))


def _resource(name: str) -> str:
    return files("analyses.report.web").joinpath(name).read_text(encoding="utf-8")
