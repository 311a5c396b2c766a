"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import get_args

import pytest

from analyses.study.analyse import _KINDS
from analyses.study.analysis_spec import AnalysisSpec
from analyses.study.check import check_study
from analyses.study.spec import load_study

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_notebook_example_runs_and_gives_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    names: dict[str, object] = {}
    exec(compile(block("python"), "README.md", "exec"), names)
    summary = names["model"].summary  # type: ignore[attr-defined]
    assert list(summary["term"]) == ["her2_status"] * 3 + ["age_years"]


def test_the_study_example_passes_every_check(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "sample_data" / "registry.csv", tmp_path)
    (tmp_path / "study.yaml").write_text(block("yaml"), encoding="utf-8")
    assert check_study(load_study(tmp_path / "study.yaml")) == ()


@pytest.mark.parametrize("path", re.findall(r"`((?:tests|analyses|sample_data)/[\w./]*)`", README))
def test_every_file_it_names_exists(path: str) -> None:
    assert (PROJECT / path).exists()


def test_every_kind_of_analysis_stands_in_its_table() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", README.split("Kinds of analysis:")[1], re.MULTILINE))
    specs = get_args(get_args(AnalysisSpec)[0])
    kinds = {kind for spec in specs for kind in get_args(spec.model_fields["kind"].annotation)}
    assert kinds >= set(_KINDS)
    assert kinds - told == set()
    assert "`sensitivity:`" in README


def test_every_worked_study_is_valid_but_for_its_files() -> None:
    for study in sorted((PROJECT / "analyses" / "studies").glob("*.yaml")):
        problems = check_study(load_study(study))
        assert all("no such file" in str(problem) for problem in problems), study
