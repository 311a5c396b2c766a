"""The study of `make demo`: it runs, recovers the truth, and two runs give the same bytes."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import analyses

PROJECT = Path(__file__).resolve().parent.parent
STUDY = PROJECT / "sample_data" / "her2_low_os.yaml"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    out = tmp_path_factory.mktemp("sample") / "out"
    result = analyses.run_study(analyses.load_study(STUDY), out=out)
    return result, out


def test_the_adjusted_model_recovers_the_simulated_hazard_ratios(output):
    from cohort.simulation import HAZARD_RATIOS

    result, _ = output
    numbers = {record.id: record for record in result.records}
    checked = 0
    for (term, level), truth in HAZARD_RATIOS.items():
        ends = f"/{term}" if level is None else f"/{term}/{level}/"
        found = [n for n in numbers if n.startswith("model/log_hazard_ratio") and ends in f"{n}/"]
        if not found:  # stages 0 and IV are not in the study
            assert level in ("0", "IV")
            continue
        record = numbers[found[0]]
        assert record.conf_low <= math.log(truth) <= record.conf_high, record.id
        checked += 1
    assert checked == 11


def test_every_number_in_a_table_of_the_report_is_a_record(output):
    from analyses.report.blocks import Table
    from analyses.report.report import _pages

    result, _ = output
    ids = {record.id for record in result.records}
    alts = {a.id: ("", 166.0) for a in result.analyses} | {"flow": ("", 166.0)}
    pages, _ = _pages(result, alts)
    checked = 0
    for table in (block for block in pages if isinstance(block, Table)):
        if table.name in ("findings", "missing"):  # findings.csv holds these counts
            continue
        numbers = [
            cell
            for cells in table.rows
            for cell, side in zip(cells, table.align, strict=True)
            if side == "right" and any(c.isdigit() for c in cell.text)
        ]
        for cell in numbers:
            assert cell.record in ids, (table.name, cell)
        checked += len(numbers)
    assert checked > 250


def test_the_results_file_holds_no_undefined_number_and_no_place_of_this_machine(output):
    _, out = output
    text = (out / "results.json").read_text(encoding="utf-8")
    records = json.loads(text)["records"]
    assert len({record["id"] for record in records}) == len(records)
    assert all(record["reason"] for record in records if record["status"] != "ok")
    for file in out.rglob("*"):
        if file.suffix in {".json", ".csv", ".svg"}:
            content = file.read_text(encoding="utf-8")
            assert str(PROJECT) not in content
            assert not re.search(r"/home/|/root/|/tmp/", content)


def test_two_runs_give_the_same_bytes(output, tmp_path):
    _, first = output
    analyses.run_study(analyses.load_study(STUDY), out=tmp_path / "again")
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert Path("report.pdf") in files
    for file in files:
        assert (first / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file


@pytest.mark.slow
def test_the_sample_study_runs_in_under_twelve_seconds(tmp_path):
    start = time.perf_counter()
    command = [sys.executable, "-m", "analyses", "run", str(STUDY), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - start < 12


def test_the_pdf_is_tagged_and_carries_its_text(output):
    import pypdf

    _, out = output
    reader = pypdf.PdfReader(out / "report.pdf")
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    text = " ".join(page.extract_text() for page in reader.pages)
    sections = ("Cohort and flow", "HER2 classification", "Data findings", "Methods", "Manifest")
    for section in sections:
        assert section in text
    for choice in ("log-log", "Efron", "ASCO/CAP 2018", "E17"):
        assert choice in text


@pytest.mark.parametrize("name", ["curves", "model"])
def test_the_pictures_of_the_documentation_say_what_the_study_finds(output, name):
    says = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)
    shown = (PROJECT / "docs" / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    drawn = (output[1] / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    assert says.findall(shown) == says.findall(drawn) != []
