"""A treatment by HER2 group from a study file to its pages, and where it is refused."""

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
TX: dict[str, Any] = {
    "id": "tx",
    "kind": "treatment_effect",
    "endpoint": "os",
    "treatment": "chemotherapy",
    "by": "her2_status",
    "starts": "time_zero",
    "at": {"years": [3, 5]},
    "terms": [{"name": "age_years", "per": 10}],
}
LATE = {name: value for name, value in TX.items() if name != "starts"} | {"id": "late"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("treatment")
    simulate(900, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any]) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """The study's result and the text of its PDF."""
    out = tmp_path_factory.mktemp("run") / "out"
    result = analyses.run_study(study(folder, TX, LATE), out=out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.parametrize("table", ["tx_ratios", "tx_differences"])
def test_every_printed_number_is_a_record(run: tuple[Any, str], table: str) -> None:
    result, _ = run
    pages, _ = _pages(result, dict.fromkeys(("flow", "tx"), ("", 166.0)))
    shown = next(b for b in pages if isinstance(b, Table) and b.name == table)
    named = {cell.record for line in shown.rows for cell in line if cell.record}
    assert named
    assert named <= {record.id for record in result.records}


def test_clusters_and_what_is_not_adjusted_are_said(folder: Path, tmp_path: Path) -> None:
    clustered = TX | {"id": "clustered", "cluster": "facility_id"}
    result = analyses.run_study(study(folder, clustered), out=tmp_path / "out")
    pages = pypdf.PdfReader(tmp_path / "out" / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "robust variance clustered by reporting hospital" in text
    assert "clustered infinitesimal jackknife" in text
    assert "difference in points (not adjusted)" in text
    names = {record.quantity for record in result.records}
    assert "survival_difference" in names


def test_a_treatment_that_began_after_diagnosis_is_a_failure_with_three_ways_out(
    run: tuple[Any, str],
) -> None:
    result, text = run
    (failure,) = (f for f in result.failures if f.analysis == "late")
    assert "began after time zero" in failure.reason
    assert "landmark" in failure.advice
    assert result.exit_code == 5
    assert "credited with the time until its start" in text
    assert "settled at time zero as the study states" in text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"treatment": "adc_therapy"}, "does not identify adc_therapy"),
        ({"treatment": "anti_her2_therapy"}, "does not identify anti_her2_therapy"),
        ({"treatment": "neoadjuvant", "starts": "measured"}, "on which day 'neoadjuvant' began"),
        ({"treatment": "age_years"}, "is a number and cannot be a treatment"),
        ({"treatment": "her2_status"}, "'her2_status' is the treatment"),
        ({"strata": ["chemotherapy"]}, "is the treatment or makes the groups"),
        ({"at": {"years": 12}}, "12 years lies past 10 years"),
        ({"reference": "lo"}, "'lo' is not a HER2 group"),
        ({"starts": "guessed"}, "is not allowed"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(
    changed: dict[str, Any], said: str, folder: Path
) -> None:
    try:
        problems = check_study(study(folder, TX | changed))
    except SpecError as error:
        problems = error.problems
    assert said in " ".join(problem.found for problem in problems)


def test_an_endpoint_from_another_day_needs_the_statement(folder: Path) -> None:
    base = BASE | {"endpoints": [BASE["endpoints"][0] | {"origin": "surgery"}]}
    asked = Study.from_dict(base | {"analyses": [LATE]}, folder=folder)
    found = [problem.found for problem in check_study(asked)]
    assert any("counts from diagnosis and endpoint 'os' from surgery" in said for said in found)
