"""Subgroups from a study file to their pages, and what a study file may not ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pypdf
import pytest

import analyses
from analyses.report.blocks import Table
from analyses.report.report import _pages
from analyses.study.check import check_study
from analyses.study.spec import Study
from cohort.errors import SpecError
from cohort.simulation import simulate

BASE: dict[str, Any] = {
    "version": 1,
    "title": "A study",
    "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
    "endpoints": [
        {"id": "os", "kind": "OS", "label": "Overall survival", "censor_at": {"years": 10}}
    ],
    "seed": 11,
}
SUB: dict[str, Any] = {
    "id": "sub",
    "kind": "subgroups",
    "endpoint": "os",
    "by": "her2_status",
    "reference": "zero",
    "factors": ["hr_status", {"name": "age_years", "cut": [50, 70]}, "race"],
    "terms": [{"name": "age_years", "per": 10}, "grade"],
    "adjust": "holm",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("subgroups")
    simulate(900, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any]) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str, Path]:
    """The study's result, the text of its PDF, and its folder."""
    out = tmp_path_factory.mktemp("run") / "out"
    result = analyses.run_study(study(folder, SUB), out=out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split()), out


def test_every_printed_number_is_a_record(run: tuple[Any, str, Path]) -> None:
    result, _, _ = run
    alts = dict.fromkeys(("flow", "sub_low", "sub_positive"), ("", 166.0))
    pages, _ = _pages(result, alts)
    table = next(b for b in pages if isinstance(b, Table) and b.name == "sub_interaction")
    named = {cell.record for line in table.rows for cell in line if cell.record}
    assert len(named) == 5 * 3  # missing, test, adjusted p, and one test a group; by factor
    assert named <= {record.id for record in result.records}


def test_the_report_shows_a_forest_a_group_and_says_how_many_tests(
    run: tuple[Any, str, Path],
) -> None:
    result, text, out = run
    assert {p.name for p in (out / "figures").glob("sub_*.svg")} == {
        "sub_low.svg",
        "sub_positive.svg",
    }
    assert "Adjusted for 3 factors by Holm" in text
    assert "Factors and subgroups stand in the order of the study file" in text
    small = [e for e in result.analyses[0].result.effects if e.is_small]
    assert small  # 900 patients by race
    assert "has fewer than 10 events in race=" in text
    assert (out / "tables" / "sub_interaction.csv").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"factors": ["age_years"]}, "is a number and cannot make subgroups without cuts"),
        ({"factors": [{"name": "grade", "cut": [2]}]}, "is a column with levels and cannot be cut"),
        ({"factors": ["her2_status"]}, "'her2_status' makes the groups"),
        ({"factors": ["grade", "grade"]}, "'grade' stands twice"),
        ({"factors": [{"name": "age_years", "cut": [70, 50]}]}, "50 follows 70"),
        ({"strata": ["hr_status"]}, "makes groups or subgroups"),
        ({"reference": "lo"}, "'lo' is not a HER2 group"),
        ({"factors": ["grad"]}, "'grad' is not a cohort column"),
        ({"least_event": 5}, "not a key here"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(
    changed: dict[str, Any], said: str, folder: Path
) -> None:
    try:
        problems = check_study(study(folder, SUB | changed))
    except SpecError as error:
        problems = error.problems
    assert said in " ".join(problem.found for problem in problems)
