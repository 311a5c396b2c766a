"""The reporting checklists: every item is there, and leads to where it is answered."""

from __future__ import annotations

import csv
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

import analyses
from analyses.report.blocks import Heading, Table
from analyses.report.report import _pages
from analyses.report.sections import SECTIONS

PROJECT = Path(__file__).resolve().parent.parent.parent
ITEMS = list(
    csv.DictReader(
        files("analyses.report").joinpath("checklists.csv").read_text("utf-8").splitlines()
    )
)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    out = tmp_path_factory.mktemp("lists") / "out"
    study = analyses.load_study(PROJECT / "sample_data" / "her2_low_os.yaml")
    return analyses.run_study(study, out=out), out


def drawn(out: Path) -> dict[str, tuple[str, float]]:
    return {path.stem: ("words", 166.0) for path in (out / "figures").glob("*.svg")}


def test_every_item_of_both_lists_is_there() -> None:
    numbers = {name: [i["item"] for i in ITEMS if i["checklist"] == name] for name in
               ("REMARK", "STROBE")}  # fmt: skip
    assert numbers == {
        "REMARK": [str(n) for n in range(1, 21)],
        "STROBE": [str(n) for n in range(1, 23)],
    }


def test_items_lead_to_sections_and_kinds_that_exist(output: tuple[Any, Path]) -> None:
    pages, _ = _pages(output[0], drawn(output[1]))
    titles = {b.text for b in pages if isinstance(b, Heading) and b.level == 1}
    kinds = {made.__name__ for made in SECTIONS}
    for part in {part for item in ITEMS for part in item["where"].split(";")} - {"author"}:
        kind, _, name = part.partition(":")
        assert name in titles if kind == "section" else f"{name}Analysis" in kinds, part


def test_pages_named_are_those_of_the_headings(output: tuple[Any, Path]) -> None:
    result, out = output
    reader = PdfReader(out / "report.pdf")
    texts = [" ".join(page.extract_text().split()) for page in reader.pages]
    said = re.findall(r"(Methods|Cohort and flow|Overall survival, adjusted) \(p\.\s(\d+)\)",
                      " ".join(texts))  # fmt: skip
    assert {title for title, _ in said} == {
        "Methods", "Cohort and flow", "Overall survival, adjusted"
    }  # fmt: skip
    starts = {"Methods": "Cohort and endpoints", "Cohort and flow": "could be placed in a HER2",
              "Overall survival, adjusted": "Overall survival: 2,268 patients"}  # fmt: skip
    for title, page in set(said):
        assert starts[title] in texts[int(page) - 1]
    assert result.failures == ()


def test_the_web_page_links_to_them(output: tuple[Any, Path]) -> None:
    page = (output[1] / "report.html").read_text(encoding="utf-8")
    assert '<a href="#analysis-model">Overall survival, adjusted</a>' in page
    assert 'id="analysis-model"' in page


def test_an_item_that_no_analysis_answers_says_so(output: tuple[Any, Path]) -> None:
    pages, _ = _pages(output[0], drawn(output[1]))
    (table,) = (b for b in pages if isinstance(b, Table) and b.name == "checklist_strobe")
    by_item = {cells[0].text: cells[3].text for cells in table.rows}
    assert by_item["17"] == "not in this study"
    assert by_item["22"] == "to be written by the authors"
