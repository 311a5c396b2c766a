"""The benchmark's page has a line for every row, and the small rows run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
BENCH = PROJECT / "tests" / "bench"


def test_the_page_has_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    import bench

    page = (PROJECT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for row in bench.ROWS.values():
        assert f"| {row.words} | " in page
    for words in bench.GROWTH.values():
        assert words in page


@pytest.mark.slow
def test_single_rows_are_measured_and_an_absent_peer_is_said_to_be_absent() -> None:
    options = ["--only", "survival", "--sizes", "2000", "--repeats", "1", "--peers", "no-python"]
    done = subprocess.run(
        [sys.executable, str(BENCH / "bench.py"), *options],
        capture_output=True, text=True, check=True, cwd=PROJECT,
        env={"PATH": str(PROJECT / "nowhere"), "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    head, _, rows = done.stdout.partition("\n\n")
    assert "R is absent" in head
    lines = [line for line in rows.splitlines() if line.startswith("| Kaplan-Meier")]
    assert len(lines) == 2
    assert "| Rscript is absent |" in lines[0]
    assert "| absent: no environment of peers |" in lines[1]
