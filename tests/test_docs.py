"""The reference in docs/ is what its tables say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def check(project: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(project / "docs" / "make"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_page_is_as_it_would_be_written():
    done = check(PROJECT)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_a_page_that_differs_is_named(tmp_path):
    for folder in ("docs", "tests/spec_tables"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    page = tmp_path / "docs" / "endpoints.md"
    page.write_text(page.read_text(encoding="utf-8").replace("competing", "event"), "utf-8")
    done = check(tmp_path)
    assert done.stdout == "docs/endpoints.md differs from its tables: run make docs\n"
    assert done.returncode == 1
