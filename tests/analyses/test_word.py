"""Tables as a Word document: what the report prints, notes with it, the same bytes again."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import docx
import pytest
from typer.testing import CliRunner

from analyses.cli import app
from analyses.report.blocks import Cell, Table, row
from analyses.report.word import tables_document
from analyses.study.check import check_study
from analyses.study.spec import Study

PROJECT = Path(__file__).resolve().parent.parent.parent
NASTY = '<b>&amp;$x$ #1 "q" \U0001f600 \u05d0\u05d1 \x01'
SHORT = Table(
    "t", "A caption.", ("Group", "n"), ("left", "right"),
    (row(Cell(NASTY, strong=True), "1"), row(Cell("level", indent=2), "1,234")), (3, 1), "A note.",
)  # fmt: skip


def opened(tables: list[Table]) -> Any:
    return docx.Document(io.BytesIO(tables_document("A title", tables)))


def test_captions_heads_cells_and_notes_are_there() -> None:
    made = opened([SHORT, SHORT])
    texts = [p.text for p in made.paragraphs]
    assert texts == ["A title", "Table 1. A caption.", "A note.", "Table 2. A caption.", "A note."]
    first, second = made.tables
    cells = [[cell.text for cell in line.cells] for line in first.rows]
    assert cells == [["Group", "n"], [NASTY.replace("\x01", "\\u{0001}"), "1"], ["level", "1,234"]]
    assert first.rows[1].cells[0].paragraphs[0].runs[0].bold
    assert "w:tblHeader" in first.rows[0]._tr.xml
    assert "w:tblHeader" not in first.rows[1]._tr.xml
    assert [column.width for column in first.columns] == [
        cell.width for cell in first.rows[0].cells
    ]
    assert first.columns[0].width == pytest.approx(3 * first.columns[1].width, rel=1e-3)
    assert "w:cantSplit" in second.rows[2]._tr.xml


def test_the_same_tables_give_the_same_bytes_and_tell_no_author() -> None:
    again = tables_document("A title", [SHORT])
    assert tables_document("A title", [SHORT]) == again
    core = docx.Document(io.BytesIO(again)).core_properties
    assert (core.author, core.comments, core.title) == ("", "", "A title")


@pytest.mark.parametrize("title", ["x" * 300, "a\x01b", "a\ufffeb"])
def test_any_title_and_cell_can_be_written(title: str) -> None:
    table = Table("t", title, ("Group",), ("left",), (row(title),), (), title)
    made = docx.Document(io.BytesIO(tables_document(title, [table])))
    assert made.core_properties.title == made.paragraphs[0].text[:255]


def test_a_study_writes_the_forms_that_are_asked_for(tmp_path: Path) -> None:
    for name in ("registry.csv", "her2_low_os.yaml"):
        shutil.copy(PROJECT / "sample_data" / name, tmp_path)
    out = tmp_path / "out"
    words = ["run", str(tmp_path / "her2_low_os.yaml"), "--out", str(out), "--only", "features"]
    done = CliRunner().invoke(app, [*words, "--format", "docx"])
    assert done.exit_code == 0, done.output
    assert "tables.docx" in done.output
    assert {path.name for path in out.glob("*.*")} == {
        "tables.docx", "results.json", "findings.csv", "manifest.json"
    }  # fmt: skip
    names = {path.stem for path in (out / "tables").glob("*.csv")}
    made = docx.Document(str(out / "tables.docx"))
    assert "features" in names
    text = [[cell.text for cell in line.cells] for table in made.tables for line in table.rows]
    assert any(cells[0] == "Age, years" for cells in text)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["study"]["changes"] == ["--only features", "--format docx"]
    again = CliRunner().invoke(app, [*words, "--format", "word"])
    assert again.exit_code == 2
    assert "--format word" in again.output
    assert "pdf" in again.output


def test_word_that_is_not_installed_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyses.study.report_spec.find_spec", lambda _: None)
    study = Study.from_dict(
        {"version": 1, "title": "t", "source": {"name": "ncdb_puf", "files": "registry.csv"},
         "endpoints": [{"id": "os", "kind": "OS"}], "report": {"formats": ["docx"]},
         "analyses": [{"id": "k", "kind": "kaplan_meier", "endpoint": "os"}]},
        folder=PROJECT / "sample_data",
    )  # fmt: skip
    (problem,) = check_study(study)
    assert "her2low[docx]" in problem.advice
