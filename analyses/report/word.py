"""Every table of a report as one Word document: captions, repeated heads, footnotes that travel."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analyses.report.blocks import Cell, Table

if TYPE_CHECKING:
    from docx.document import Document

_TEXT_MM = 170.0  # between the margins
_MARGIN_MM = 20.0
_FONT = "Arial"
_SIZES = {"title": 14.0, "caption": 9.5, "cell": 9.0, "note": 8.0}
_THICK, _THIN = 12, 6  # eighths of a point
_LONGEST_TITLE = 255  # of a document's properties
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OLDEST = (1980, 1, 1, 0, 0, 0)  # the clock of a zip begins here


def tables_document(title: str, tables: Sequence[Table], language: str = "en-GB") -> bytes:
    """The document's bytes: the same for the same tables, with no clock and no author in it.

    A table is ruled above, below and under its head; its head is repeated on every page; a row is
    never torn; the note stands directly beneath as text of its own, so that it goes where the
    table goes when it is copied.
    """
    import docx
    from docx.shared import Mm, Pt

    document = docx.Document()
    core = document.core_properties
    core.author, core.comments, core.language = "", "", language
    core.title = _writable(title)[:_LONGEST_TITLE]
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Mm(_MARGIN_MM))
    plain = document.styles["Normal"]
    plain.font.name, plain.font.size = _FONT, Pt(_SIZES["cell"])
    _line(document, title, "title", bold=True)
    for number, table in enumerate(tables, 1):
        _caption(document, number, table)
        _table(document, table)
        _line(document, table.note, "note", after=14.0)
    return _still(document)


def _caption(document: Document, number: int, table: Table) -> None:
    paragraph = _line(document, f"Table {number}. ", "caption", bold=True, before=10.0)
    _run(paragraph, table.caption, "caption")
    paragraph.paragraph_format.keep_with_next = True


def _table(document: Document, table: Table) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.shared import Mm

    made: Any = document.add_table(rows=1, cols=len(table.columns))
    made.alignment, made.autofit = WD_TABLE_ALIGNMENT.LEFT, False
    shares = table.widths if len(table.widths) == len(table.columns) else (1,) * len(table.columns)
    widths = [Mm(_TEXT_MM * share / sum(shares)) for share in shares]
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
    heads = [Cell(head, strong=True) for head in table.columns]
    _fill(made.rows[0], heads, table, widths)
    _mark(made.rows[0], "w:tblHeader")
    for cells in table.rows:
        _fill(made.add_row(), cells, table, widths)
    for row in made.rows:
        _mark(row, "w:cantSplit")
    _rule(made.rows[0], top=_THICK, bottom=_THIN)
    _rule(made.rows[-1], bottom=_THICK)
    for row in made.rows[:-1]:
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.keep_with_next = len(made.rows) <= 12


def _fill(row: Any, cells: Sequence[Cell], table: Table, widths: Sequence[Any]) -> None:
    """The words of one row."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    sides = {"left": WD_ALIGN_PARAGRAPH.LEFT, "right": WD_ALIGN_PARAGRAPH.RIGHT}
    for place, (made, cell) in enumerate(zip(row.cells, cells, strict=True)):
        made.width = widths[place]
        paragraph = made.paragraphs[0]
        paragraph.alignment = sides.get(table.align[place], WD_ALIGN_PARAGRAPH.CENTER)
        paragraph.paragraph_format.space_after = Pt(1)
        paragraph.paragraph_format.space_before = Pt(1)
        paragraph.paragraph_format.left_indent = Mm(3 * cell.indent)
        _run(paragraph, cell.text, "cell", bold=cell.strong)


def _line(
    document: Document,
    text: str,
    size: str,
    *,
    bold: bool = False,
    before: float = 0.0,
    after: float = 3.0,
) -> Any:
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_before = Pt(before)
    paragraph.paragraph_format.space_after = Pt(after)
    _run(paragraph, text, size, bold=bold)
    return paragraph


def _run(paragraph: Any, text: str, size: str, *, bold: bool = False) -> None:
    from docx.shared import Pt

    run = paragraph.add_run(_writable(text))
    run.bold, run.font.size, run.font.name = bold, Pt(_SIZES[size]), _FONT


def _writable(text: str) -> str:
    """The text with every character that no XML can hold as a visible escape."""
    return _NO_XML.sub(lambda found: f"\\u{{{ord(found.group()):04x}}}", text)


def _mark(row: Any, name: str) -> None:
    """A property of a row that python-docx has no name for."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _rule(row: Any, **sides: int) -> None:
    """Lines above or below a row, their width in eighths of a point."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for cell in row.cells:
        borders = OxmlElement("w:tcBorders")
        for side, width in sides.items():
            line = OxmlElement(f"w:{side}")
            for key, value in (("val", "single"), ("sz", str(width)), ("color", "000000")):
                line.set(qn(f"w:{key}"), value)
            borders.append(line)
        cell._tc.get_or_add_tcPr().append(borders)


def _still(document: Document) -> bytes:
    """The document with every part at the same moment: Word's own clock is left out."""
    written, still = io.BytesIO(), io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as parts, zipfile.ZipFile(still, "w") as kept:
        for name in sorted(parts.namelist()):
            info = zipfile.ZipInfo(name, _OLDEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            kept.writestr(info, parts.read(name))
    return still.getvalue()
