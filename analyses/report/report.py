"""A study's results written out: report.pdf, figures, tables, results, findings, manifest."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.formatting import NumberStyle
from analyses.number_style import STYLES
from analyses.plots.flow import plot_flow
from analyses.plots.save import save_figure
from analyses.plots.style import STYLES as FIGURE_STYLES
from analyses.report.analysis_pages import analysis_pages
from analyses.report.answer import front_matter
from analyses.report.blocks import Block, Table, as_json
from analyses.report.cautions import caution_pages
from analyses.report.checklist_pages import checklist_pages
from analyses.report.cohort_pages import (
    findings_pages,
    flow_pages,
    her2_pages,
    limits_pages,
    question_pages,
)
from analyses.report.manifest import manifest, versions
from analyses.report.methods import manifest_pages, methods_pages
from analyses.report.output import FILES, fresh_folder
from analyses.report.pdf import typeset, unprintable
from analyses.report.section import Alts
from analyses.report.sections import section_of
from analyses.report.verification_pages import verification_pages
from analyses.report.web.page import web_page
from analyses.report.word import tables_document
from analyses.results.records import COLUMNS
from analyses.results.study import (
    StudyResult,
)
from cohort.schema import HER2_GROUPS
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

FINDING_COLUMNS = ("severity", "source", "column", "value", "rule", "n", "advice", "unit")


def write_report(result: StudyResult, out: str | Path) -> Path:
    """Write everything a study found into a folder and return the path of its report.

    The path is that of the PDF, or of the first format where the study asks for none.

    The folder is made beside `out` and swapped in at the end: a failure leaves what was there.
    The same result gives the same bytes on one machine.

    Raises
    ------
    SpecError
        Where `out` cannot be written, or holds something else than an earlier output.
    """
    with fresh_folder(Path(out)) as folder:
        alts = _figures(result, folder / "figures")
        pages, front = _pages(result, alts)
        findings = result.findings + _glyphs(result.title, [*front, *pages])
        _write_tables(result, pages, folder / "tables")
        _write_json(folder / "results.json", _results(result))
        _write_rows(folder / "findings.csv", FINDING_COLUMNS, (astuple(f) for f in findings))
        _write_json(folder / "manifest.json", manifest(result))
        for name, content in _documents(result, front, pages, folder / "figures"):
            (folder / name).write_bytes(content)
    return Path(out) / FILES["pdf" if "pdf" in result.formats else result.formats[0]]


def _documents(
    result: StudyResult, front: Sequence[Block], pages: Sequence[Block], figures: Path
) -> Iterator[tuple[str, bytes]]:
    """Name and content of the report in each format that is asked for."""
    if "html" in result.formats:
        page = web_page(result, front, pages, figures, STYLES[result.style], _words())
        yield FILES["html"], page.encode("utf-8")
    if "docx" in result.formats:
        tables = [block for block in (*front, *pages) if isinstance(block, Table)]
        yield FILES["docx"], tables_document(result.title, tables)
    if "pdf" in result.formats:
        yield FILES["pdf"], _pdf(result, front, pages, figures)


def _figures(result: StudyResult, folder: Path) -> Alts:
    """Draw and save every figure; alternative texts and widths by name."""
    folder.mkdir()
    style = FIGURE_STYLES[result.style]
    groups = HER2_GROUPS if result.compares_her2 else ()
    drawn: dict[str, Any] = {}
    # One endpoint belongs to the flow; several have their rows in the table beneath it.
    steps = result.attrition
    if len(result.endpoints) == 1:
        steps = (*steps, *result.endpoints[0].steps)
    if steps:
        drawn["flow"] = plot_flow(steps, groups=groups, style=style)
    for analysis in result.analyses:
        drawn |= dict(section_of(analysis).figures(result, analysis, style))
    for name, artists in drawn.items():
        save_figure(artists.figure, folder, name, alt=artists.alt)
    return {
        name: (artists.alt, float(artists.figure.get_size_inches()[0]) * 25.4)
        for name, artists in drawn.items()
    }


def _pages(result: StudyResult, alts: Alts) -> tuple[list[Block], list[Block]]:
    """The pages and the front matter."""
    style: NumberStyle = STYLES[result.style]
    pages = [
        *question_pages(result, style),
        *limits_pages(result),
        *flow_pages(result, style, alts["flow"][0] if "flow" in alts else ""),
        *her2_pages(result, style),
        *findings_pages(result, style),
        *analysis_pages(result, style, alts),
        *caution_pages(result, style),
        *methods_pages(result, style),
    ]
    last = [*manifest_pages(result), *verification_pages(result, style)]
    return [*pages, *checklist_pages(result, [*pages, *last]), *last], list(
        front_matter(result, style)
    )


def _words() -> dict[str, str]:
    """What stands above the title and at the foot of every page."""
    return {"kicker": "SURVIVAL BY HER2 GROUP", "footer": f"her2low {versions()['her2low']}"}


def _pdf(
    result: StudyResult, front: Sequence[Block], pages: Sequence[Block], figures: Path
) -> bytes:
    data = {
        "title": result.title,
        "running": "her2low report",
        **_words(),
        "front": as_json(front),
        "blocks": as_json(pages),
    }
    with tempfile.TemporaryDirectory() as work:
        return typeset(data, sorted(figures.glob("*.svg")), Path(work))


def _glyphs(title: str, blocks: Sequence[Block]) -> tuple[Finding, ...]:
    """A finding for each character that no chosen font has."""
    text = title + json.dumps(as_json(blocks), ensure_ascii=False)
    return tuple(
        Finding(
            "warning", "report", "", f"U+{ord(c):04X}", "no_glyph", text.count(c),
            "No font of the report has this character; it is printed as an escape.", "character",
        )
        for c in unprintable(text)
    )  # fmt: skip


def _results(result: StudyResult) -> dict[str, Any]:
    """results.json: the study as asked and one record a number."""
    return {
        "version": 1,
        "study": json.loads(result.spec[2]),
        "columns": list(COLUMNS),
        "records": [record.to_dict() for record in result.records],
    }


def _write_tables(result: StudyResult, pages: Sequence[Block], folder: Path) -> None:
    """Every printed table as CSV, and the tidy numbers behind each analysis."""
    folder.mkdir()
    for block in pages:
        if isinstance(block, Table):
            rows = ([cell.text for cell in cells] for cells in block.rows)
            _write_rows(folder / f"{block.name}.csv", block.columns, rows)
    for analysis in result.analyses:
        for name, frame in section_of(analysis).tables(analysis):
            _write_frame(folder / f"{analysis.id}_{name}.csv", frame)
    columns = ("analysis", "kind", "group", "term", "reason", "n", "n_event", "advice")
    _write_rows(folder / "failures.csv", columns, (astuple(f) for f in result.failures))


def _write_frame(path: Path, frame: pd.DataFrame) -> None:
    """A tidy table at 12 significant digits; what is not defined is empty."""
    columns = [frame[name] for name in frame]
    texts = [_digits(column) if column.dtype == float else column for column in columns]
    missing = [column.isna().to_numpy() for column in columns]
    shown = [
        ["" if none else text for text, none in zip(own, lost, strict=True)]
        for own, lost in zip(texts, missing, strict=True)
    ]
    _write_rows(path, [str(name) for name in frame], zip(*shown, strict=True))


def _digits(column: pd.Series[float]) -> list[str]:
    """Numbers at 12 significant digits; in a third of the time of pandas' own writer."""
    return [f"{value:.12g}" for value in column.tolist()]


def _write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
