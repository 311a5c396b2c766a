"""R's answers are those that R gives today: the scripts run again beside the committed files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.r, pytest.mark.slow]

FOLDER = Path(__file__).resolve().parent / "reference"
WRITTEN_BY_HAND = ("cox_separated.csv",)


def numbers_and_words(path: Path) -> list[float | str]:
    """The cells of a table, numbers as numbers."""
    cells: list[float | str] = []
    for cell in path.read_text(encoding="utf-8").replace("\n", ",").split(","):
        try:
            cells.append(float(cell))
        except ValueError:
            cells.append(cell)
    return cells


def test_the_committed_answers_are_what_r_computes(tmp_path: Path) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("R absent: Rscript was not found")
    asked = ["Rscript", str(FOLDER / "packages.R")]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(found.stderr.strip())
    copy = tmp_path / "tests" / "reference"
    shutil.copytree(FOLDER, copy)
    for path in copy.glob("*.csv"):
        if path.name not in WRITTEN_BY_HAND:
            path.unlink()
    script = ["Rscript", "tests/reference/make_reference.R"]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    committed = sorted(path.name for path in FOLDER.glob("*.csv"))
    assert sorted(path.name for path in copy.glob("*.csv")) == committed
    for name in committed:
        expected, made = numbers_and_words(FOLDER / name), numbers_and_words(copy / name)
        words = [[cell for cell in cells if isinstance(cell, str)] for cells in (expected, made)]
        assert words[0] == words[1], name
        values = [[cell for cell in cells if isinstance(cell, float)] for cells in (expected, made)]
        assert values[1] == pytest.approx(values[0], rel=1e-9, abs=1e-12, nan_ok=True), name
