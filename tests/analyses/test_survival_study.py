"""Restricted means, differences, conditional survival and named tests, from a study to its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pypdf
import pytest

import analyses
from analyses.report.blocks import Cell, Table
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
}
RMST = {"id": "means", "kind": "rmst", "endpoint": "os", "by": "her2_status", "tau": {"years": 5}}
KM = {
    "id": "km",
    "kind": "kaplan_meier",
    "endpoint": "os",
    "by": "her2_status",
    "at": {"years": [1, 3, 5]},
}
TEST = {"id": "test", "kind": "logrank", "endpoint": "os", "by": "her2_status"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("survival")
    simulate(900, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any]) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


def report(folder: Path, tmp_path: Path, *asked: dict[str, Any]) -> tuple[Any, str]:
    """The study's result and the text of its PDF."""
    result = analyses.run_study(study(folder, *asked), out=tmp_path / "out")
    pages = pypdf.PdfReader(tmp_path / "out" / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split())


def cells(result: Any, name: str) -> list[Cell]:
    alts = {a.id: ("", 166.0) for a in result.analyses} | {"flow": ("", 166.0)}
    pages, _ = _pages(result, alts)
    table = next(b for b in pages if isinstance(b, Table) and b.name == name)
    return [cell for row in table.rows for cell in row]


def test_restricted_means_are_printed_from_their_records(folder: Path, tmp_path: Path) -> None:
    result, text = report(folder, tmp_path, RMST | {"strata": ["grade"], "reference": "low"})
    (made,) = result.analyses
    assert made.result.reference == "low"
    assert made.result.tau == pytest.approx(60, abs=1e-9)
    ids = {record.id: record for record in result.records}
    named = {cell.record for cell in cells(result, "means") if cell.record}
    assert {
        "means/rmst/zero/t=60",
        "means/rmst_difference/zero/low/t=60",
        "means/rmst_ratio/positive/low/t=60",
    } <= named
    assert named <= set(ids)
    assert "area under the Kaplan-Meier curve up to tau = 5 years" in text
    assert "Weighted over strata of Grade" in text
    out = tmp_path / "out"
    assert (out / "figures" / "means.pdf").is_file()
    assert (out / "tables" / "means_numbers.csv").is_file()
    choices = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["estimators"]
    assert choices == [
        {
            "analysis": "means",
            "tau": "60",
            "tau_from": "given",
            "intervals": "normal",
            "level": "0.95",
            "variance": "Greenwood",
            "missing": "complete_case",
        }
    ]


def test_a_tau_from_the_data_is_warned_of_and_printed(folder: Path, tmp_path: Path) -> None:
    asked = {k: v for k, v in RMST.items() if k != "tau"}
    result, text = report(folder, tmp_path, asked)
    assert "tau_from_data" in [finding.rule for finding in result.findings]
    assert "chosen from the data" in text
    assert "Tau was taken from the data" in text


def test_a_tau_past_the_follow_up_is_a_failure_that_names_the_largest(
    folder: Path, tmp_path: Path
) -> None:
    only = {
        "id": "late",
        "column": "diagnosis_year",
        "between": [2016, 2018],
        "reason": "Late years",
    }
    result, text = report(folder, tmp_path, RMST | {"tau": {"years": 10}, "only": only})
    (failure,) = result.failures
    assert "past the last time of group" in failure.reason
    assert "or less" in failure.advice
    assert result.exit_code == 5
    assert "No estimate: means" in text


def test_differences_and_survival_given_a_time_have_tables(folder: Path, tmp_path: Path) -> None:
    asked = KM | {"differences": True, "given": {"years": [1, 2]}}
    result, text = report(folder, tmp_path, asked)
    ids = {record.id for record in result.records}
    differences = {cell.record for cell in cells(result, "km_differences") if cell.record}
    assert len(differences) == 6
    assert "km/survival_difference/low/zero/t=36" in differences
    given = {cell.record for cell in cells(result, "km_given_1_year") if cell.record}
    assert "km/conditional_survival/positive/given=12/t=60" in given
    assert differences | given <= ids
    later = {cell.record for cell in cells(result, "km_given_2_years") if cell.record}
    assert not any("/t=12" in record for record in later)
    assert "of those alive without the event at 1 year" in text
    assert "Survival given an earlier time is the curve of those followed past" in text


def test_named_tests_scores_and_max_combo_are_told(folder: Path, tmp_path: Path) -> None:
    asked = TEST | {"test": "gehan", "trend": "linear", "scores": [0, 1, 3], "max_combo": True}
    result, text = report(folder, tmp_path, asked)
    (made,) = result.analyses
    assert made.test.kind == "Gehan"
    assert made.trend.scores == (0, 1, 3)
    assert {pair.kind for pair in made.pairs.results} == {"Gehan"}
    ids = {record.id: record for record in result.records}
    assert ids["test.max_combo/max_combo_test/her2_status"].p_value == made.combo.p_value
    assert "Test across all groups (Gehan)" in text
    assert "Max-combo test: p" in text
    assert "Observed, weighted" in text
    assert "the max-combo test is the largest of four" in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({k: v for k, v in KM.items() if k != "at"} | {"differences": True}, "without at"),
        ({k: v for k, v in KM.items() if k != "by"} | {"differences": True}, "without by"),
        (KM | {"reference": "zero"}, "reference without differences"),
        (KM | {"given": {"years": 5}}, "without a later time in at"),
        (TEST | {"test": "gehan", "rho": 1}, "rho or gamma with the test 'gehan'"),
        (TEST | {"test": "wilcoxon"}, "wilcoxon"),
        (TEST | {"trend": "none", "scores": [0, 1, 2]}, "scores without a trend"),
        (TEST | {"trend": "linear", "scores": [1, 1, 1]}, "all alike"),
        (RMST | {"strata": ["her2_status"]}, "makes the groups"),
        (RMST | {"tau": 5}, "tau"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    folder: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        study(folder, asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (RMST | {"reference": "zeor"}, "'zeor' is not a HER2 group"),
        (RMST | {"tau": {"years": 11}}, "analyses.0..tau: 11 years lies past 10 years"),
        (RMST | {"by": "age_years"}, "is a number and cannot make groups"),
        (KM | {"differences": True, "reference": "lo"}, "'lo' is not a HER2 group"),
    ],
)
def test_what_the_schema_does_not_know_is_told_before_the_data_are_read(
    folder: Path, asked: dict[str, Any], said: str
) -> None:
    problems = "\n".join(str(problem) for problem in check_study(study(folder, asked)))
    assert said.replace(".0.", "[0]") in problems
