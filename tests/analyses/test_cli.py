"""The command: what it prints where, its exit codes, and that help is quick."""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from analyses import cli
from analyses.commands import messages
from cohort.errors import AnalysisError, DataError, Her2LowError, Problem, SpecError
from cohort.table import Finding

PROJECT = Path(__file__).resolve().parent.parent.parent
HEAVY = ("numpy", "pandas", "pydantic", "yaml", "duckdb", "narwhals", "pyarrow", "rich",
         "matplotlib", "scipy", "statsmodels", "typst", "lifelines")  # fmt: skip
DICTIONARY = """\
name: worked
describes: A worked registry
files:
  main: {grain: patient, key: id}
  extra: {grain: patient, key: id, required: false}
time: {followup: months}
identifies: {her2_score: true}
fits: [main.id]
columns:
  her2_ihc: {from: main.ihc, codes: ihc_w}
  vital_status: {from: main.vital, codes: vital_w}
  followup_months: {from: main.months, number: {min: 0}}
"""
STUDY = """\
version: 1
title: Worked
source: {name: worked.yaml, files: {main: registry.csv}}
endpoints: [{id: os, kind: OS}]
analyses:
  - {id: km, kind: kaplan_meier, endpoint: os, by: her2_status}
"""
PATIENTS = "id,ihc,vital,months\n" + "".join(
    f"p{i:02d},{('0', '1', '3', '9')[i % 4]},{'AD'[i % 2]},{i + 1}\n" for i in range(16)
)
MANIFEST = json.dumps({"software": {"her2low": "0.1.0"}})


@dataclass(frozen=True)
class Result:
    """What the conductor returns, as far as the command reads it."""

    failures: tuple[str, ...] = ()
    verification: None = None
    formats: tuple[str, ...] = ("pdf", "html")

    @property
    def exit_code(self) -> int:
        return 5 if self.failures else 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study, its dictionary and its registry."""
    codes = "code,kind,value,low,high,meaning,verified,source\n"
    rows = {"ihc_w": "0,value,0,,,m,yes,s\n1,value,1+,,,m,yes,s\n3,value,3+,,,m,yes,s\n",
            "vital_w": "A,value,alive,,,m,yes,s\nD,value,dead,,,m,yes,s\n"}  # fmt: skip
    (tmp_path / "codes").mkdir()
    for name, text in rows.items():
        (tmp_path / "codes" / f"{name}.csv").write_text(codes + text)
    (tmp_path / "worked.yaml").write_text(DICTIONARY)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "registry.csv").write_text(PATIENTS)
    return tmp_path


@pytest.fixture
def conduct(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """The conductor replaced by one that returns this, or raises it."""

    def replace(outcome: Any) -> None:
        def run_study(study: Any, *, out: Path, progress: Any) -> Any:
            assert study.title == "Worked"
            progress("load", 0, 7)
            if isinstance(outcome, BaseException):
                raise outcome
            out.mkdir(parents=True, exist_ok=True)
            return outcome

        monkeypatch.setattr("analyses.study.run.run_study", run_study)

    return replace


def call(*words: str | Path) -> Any:
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def shell(*words: str | Path, code: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    start = ["-c", code] if code else ["-m", "analyses"]
    return subprocess.run(
        [sys.executable, *start, *map(str, words)],
        capture_output=True, text=True, check=False, cwd=PROJECT, env={**os.environ, **env},
    )  # fmt: skip


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['her2low', '--help']\n"
        "from analyses.cli import main\n"
        "try: main()\n"
        f"finally: print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    took = []
    for _ in range(3):
        start = _seconds_of_children()
        done = shell(code=code)
        took.append(_seconds_of_children() - start)
    assert "HEAVY []" in done.stdout
    assert all(word in done.stdout for word in ("run", "check", "classify", "Exit codes: 0 done"))
    assert min(took) < 0.3


def _seconds_of_children() -> float:
    """Processor time of finished child processes, which other work does not stretch."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert call("--version").output == f"her2low {version('her2low')}\n"


@pytest.mark.parametrize(
    "words",
    [["run"], ["run", "study.yaml"], ["rnu"], ["check", "--depth", "3"], ["classify", "a.csv"]],
)
def test_a_wrong_command_line_is_exit_code_2(words: list[str]) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert "Usage: her2low" in result.stderr


def test_a_run_says_where_the_report_is_and_what_next(
    folder: Path, conduct: Callable[[Any], None]
) -> None:
    conduct(Result())
    result = call("run", folder / "study.yaml", "--out", folder / "out")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.startswith(f"Report: {folder / 'out' / 'report.pdf'}. Next: ")
    assert result.stdout.count("\n") == 1
    assert call("run", folder / "study.yaml", "--out", folder / "o2", "--quiet").output == ""


def test_estimates_that_do_not_exist_are_exit_code_5(
    folder: Path, conduct: Callable[[Any], None]
) -> None:
    conduct(Result(("km",)))
    result = call("run", folder / "study.yaml", "--out", folder / "out")
    assert result.exit_code == 5
    assert result.stderr == "1 estimate could not be made; the report says why.\n"
    assert "report.pdf" in result.stdout


@pytest.mark.parametrize(
    ("family", "code"), [(SpecError, 2), (DataError, 3), (AnalysisError, 4)]
)  # fmt: skip
def test_each_family_of_mistakes_has_its_exit_code_and_no_traceback(
    folder: Path, conduct: Callable[[Any], None], family: type[Her2LowError], code: int
) -> None:
    conduct(family([Problem("here", "first", "Allowed: that", "Try this."), Problem("", "second")]))
    result = call("run", folder / "study.yaml", "--out", folder / "out")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr == "here: first\n    Try this.\n    Allowed: that\nsecond\n"
    assert not (folder / "out").exists()


def test_findings_of_bad_data_are_listed_in_columns(
    folder: Path, conduct: Callable[[Any], None]
) -> None:
    findings = [
        Finding("error", "main", "her2_ihc", "4+", "unknown_code", 3, "not one of 0, 1+, 2+, 3+"),
        Finding("error", "main", "death_date", "2009-02-30", "bad_date", 1, "not a date"),
    ]
    conduct(DataError(Problem("registry.csv", "cannot be used"), findings))
    result = call("run", folder / "study.yaml", "--out", folder / "out")
    assert result.stderr == (
        "registry.csv: cannot be used\n"
        "2 findings in 2 columns (showing all)\n"
        "    her2_ihc    '4+'          3 patients  not one of 0, 1+, 2+, 3+\n"
        "    death_date  '2009-02-30'  1 patient   not a date\n"
    )


def test_an_interrupted_run_says_so(folder: Path, conduct: Callable[[Any], None]) -> None:
    conduct(KeyboardInterrupt())
    result = call("run", folder / "study.yaml", "--out", folder / "out")
    assert (result.exit_code, result.stderr) == (130, "Stopped. Nothing was written.\n")


def test_a_fault_of_the_program_is_exit_code_1_and_its_traceback_only_on_request() -> None:
    code = (
        "import sys; sys.argv = ['her2low', 'check', 'study.yaml']\n"
        "import analyses.study.spec as spec\n"
        "def broken(*_, **__): raise ZeroDivisionError('oh')\n"
        "spec.load_study = broken\n"
        "from analyses.cli import main\n"
        "main()\n"
    )
    told = shell(code=code)
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.startswith("her2low failed: ZeroDivisionError: oh\n    This is a fault of")
    assert "Traceback" not in told.stderr
    traced = shell(code=code, HER2LOW_TRACEBACK="1")
    assert traced.returncode == 1
    assert "Traceback (most recent call last)" in traced.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: Worked", "title: Worked\ntitle: Again", "study.yaml:3: 'title' stands here again"),
        ("  - {id: km", "\t- {id: km", "study.yaml:6: a tab"),
        ("by: her2_status", "bye: her2_status", "[0].bye: not a key here\n    Did you mean"),
        ("by: her2_status", "by: her2_stauts", "analyses[0].by: 'her2_stauts' is not a cohort"),
        ("endpoint: os", "endpoint: so", "analyses[0].endpoint: 'so' is not an endpoint"),
        ("main: registry.csv", "main: /registry.csv", "source.files.main: '/registry.csv' lies"),
        ("main: registry.csv", "main: regstry.csv", "'regstry.csv': no such file\n    Did you"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_mistaken_study_is_exit_code_2_and_leaves_the_earlier_output(
    folder: Path, command: str, old: str, new: str, said: str
) -> None:
    assert STUDY.count(old) == 1
    (folder / "study.yaml").write_text(STUDY.replace(old, new))
    (folder / "out").mkdir()
    (folder / "out" / "manifest.json").write_text(MANIFEST)
    out = ["--out", folder / "out"] if command == "run" else []
    result = call(command, folder / "study.yaml", *out)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in (folder / "out").iterdir()] == ["manifest.json"]


def test_a_folder_of_something_else_is_refused_before_anything_is_read(
    folder: Path, conduct: Callable[[Any], None]
) -> None:
    conduct(AssertionError("the study was run"))
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.docx").write_text("work")
    result = call("run", folder / "study.yaml", "--out", folder / "mine")
    assert result.exit_code == 2
    assert "not an output of her2low; it holds thesis.docx" in result.stderr
    inside = folder / "out"
    (inside / "tables").mkdir(parents=True)
    (inside / "manifest.json").write_text(MANIFEST)
    (folder / "registry.csv").rename(inside / "tables" / "registry.csv")
    (folder / "study.yaml").write_text(STUDY.replace("registry.csv", "out/tables/registry.csv"))
    result = call("run", folder / "study.yaml", "--out", inside)
    assert result.exit_code == 2
    assert "'registry.csv', which the study reads, lies in this folder" in result.stderr
    assert (inside / "tables" / "registry.csv").read_text() == PATIENTS


def test_check_says_what_was_checked_and_what_next(folder: Path) -> None:
    study = folder / "study.yaml"
    result = call("check", study)
    assert result.exit_code == 0
    assert result.stdout == (
        "study.yaml: no problems found (1 endpoint, 0 criteria, 1 analysis). "
        f"Next: her2low run {study} --out DIR\n"
    )


def test_allow_path_lets_files_lie_elsewhere(folder: Path) -> None:
    elsewhere = folder / "registry.csv"
    inner = folder / "inner"
    inner.mkdir()
    text = STUDY.replace("registry.csv", "../registry.csv").replace("worked.", "../worked.")
    (inner / "study.yaml").write_text(text)
    assert elsewhere.exists()
    assert call("check", inner / "study.yaml").exit_code == 2
    allowed = call("check", inner / "study.yaml", "--allow-path")
    assert allowed.exit_code == 0
    assert allowed.stdout.endswith("--out DIR --allow-path\n")


def classify(folder: Path, out: str, *more: str) -> Any:
    return call(
        "classify", folder / "registry.csv", "--source", folder / "worked.yaml",
        "--out", folder / out, *more,
    )  # fmt: skip


def test_classify_counts_every_patient_and_writes_one_row_each(folder: Path) -> None:
    result = classify(folder, "status.csv")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "HER2 status of 16 patients (ASCO/CAP 2018)"
    counts = {line.split()[0]: int(line.split()[1]) for line in lines if line[:3].strip(" ") != ""
              and line.startswith("  ") and not line.startswith("   ")}  # fmt: skip
    assert counts == {"zero": 4, "low": 4, "positive": 4, "unknown": 4}
    assert any("'9'" in line and "4 patients" in line for line in lines)
    with (folder / "status.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["patient_id"] for row in rows] == [f"p{i:02d}" for i in range(16)]
    assert [row["her2_status"] for row in rows[:4]] == ["zero", "low", "positive", "unknown"]
    assert [row["her2_ihc"] for row in rows[:4]] == ["0", "1+", "3+", ""]
    assert all(row["her2_rule"] for row in rows)


def test_classify_writes_parquet_and_quietly(folder: Path) -> None:
    assert classify(folder, "status.parquet", "--quiet").output == ""
    table = pq.read_table(folder / "status.parquet")
    assert table.num_rows == 16
    assert table["her2_status"].to_pylist()[:2] == ["zero", "low"]


@pytest.mark.parametrize(
    ("out", "more", "said"),
    [
        ("registry.csv", (), "Inputs are never replaced"),
        ("status.xlsx", (), "'.xlsx' is not an ending"),
        ("absent/status.csv", (), "there is no folder 'absent'"),
        ("status.csv", ("--file", "extra"), "--file extra: no role and path"),
        ("status.csv", ("--file", "extra=a.csv", "--file", "extra=b.csv"), "given twice"),
        ("status.csv", ("--file", "main=a.csv"), "role 'main' is given by a.csv and by"),
        ("status.csv", ("--edition", "2010"), "2010 is not available"),
    ],
)
def test_classify_refuses_what_it_cannot_do(
    folder: Path, out: str, more: tuple[str, ...], said: str
) -> None:
    result = classify(folder, out, *more)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (folder / "status.csv").exists()
    assert (folder / "registry.csv").read_text() == PATIENTS


def test_bad_data_are_exit_code_3_and_leave_the_earlier_file(folder: Path) -> None:
    (folder / "status.csv").write_text("earlier")
    (folder / "registry.csv").write_text(PATIENTS + "p00,0,A,3\n")
    result = classify(folder, "status.csv")
    assert result.exit_code == 3
    assert "p00" in result.stderr or "patient" in result.stderr
    assert (folder / "status.csv").read_text() == "earlier"


def test_progress_is_told_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(quiet: bool) -> str:
        with messages.progress_shown(quiet) as progress:
            progress("analyse", 5, 7)
            progress("Bootstrap of held", 3, 200)
        return capsys.readouterr().err

    assert told(quiet=False) == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    shown = told(quiet=False)
    assert "Bootstrap of held: 3 of 200 samples" in shown
    assert told(quiet=True) == ""


@pytest.mark.real
def test_classify_works_on_the_biotab_alone(real_data: Path, tmp_path: Path) -> None:
    biotab = real_data / "tcga_brca" / "nationwidechildrens.org_clinical_patient_brca.txt"
    out = tmp_path / "status.csv"
    result = call("classify", biotab, "--source", "tcga_brca", "--out", out)
    assert result.exit_code == 0
    with out.open(newline="") as file:
        statuses = [row["her2_status"] for row in csv.DictReader(file)]
    groups = {group: statuses.count(group) for group in ("zero", "low", "positive")}
    assert groups == {"zero": 61, "low": 408, "positive": 145}
    assert len(statuses) - sum(groups.values()) == 485
