"""Relative survival from a study file and a life table to its pages."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pypdf
import pytest

import analyses
from analyses.formatting import DEFAULT
from analyses.report.blocks import Table
from analyses.report.relative_survival_pages import _left_out
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
    "select": [{"id": "women", "column": "sex", "equals": "female", "reason": "Women"}],
    "seed": 11,
}
NET: dict[str, Any] = {
    "id": "net",
    "kind": "relative_survival",
    "endpoint": "os",
    "by": "her2_status",
    "at": {"years": [2, 5]},
    "life_table": "life.csv",
    "terms": [{"name": "her2_status", "reference": "zero"}, {"name": "age_years", "per": 10}],
    "cuts": {"years": [2]},
}


def mortality() -> pd.DataFrame:
    return pd.DataFrame(
        {"age": a, "sex": sex, "year": y, "rate": round(3e-5 * math.exp(0.093 * a) * m, 7)}
        for y in range(2009, 2024)
        for sex, m in (("female", 1.0), ("male", 1.4))
        for a in range(20, 96)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("net")
    simulate(900, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    mortality().to_csv(target / "life.csv", index=False)
    mortality().drop(index=[3]).to_csv(target / "holed.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any]) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str, Path]:
    holed = NET | {"id": "holed", "life_table": "holed.csv"}
    out = tmp_path_factory.mktemp("written") / "out"
    result = analyses.run_study(study(folder, NET, holed), out=out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split()), out


def test_the_curves_are_those_of_the_estimator_and_the_table_is_told_by_its_digest(
    run: tuple[Any, str, Path], folder: Path
) -> None:
    result, text, out = run
    net = result.analyses[0].result
    assert [curve.group for curve in net.groups] == ["zero", "low", "positive"]
    assert net.unit == "months"
    assert net.times == (24.0, 60.0)
    assert net.excess is not None
    assert next(round(b.end) for b in net.excess.baseline) == 24
    digest = hashlib.sha256((folder / "life.csv").read_bytes()).hexdigest()
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["estimators"][0]["life_table_sha256"] == digest
    assert "file life.csv" in text
    assert (out / "tables" / "net_curves.csv").is_file()


def test_a_table_with_a_hole_fails_its_analysis_alone(run: tuple[Any, str, Path]) -> None:
    result, text, _ = run
    assert [a.id for a in result.analyses] == ["net"]
    (failure,) = result.failures
    assert "1 cells missing: female aged 23 in 2009" in failure.reason
    assert "holed.csv" in failure.reason
    assert "female aged 23 in 2009" in text


def test_every_printed_number_names_a_record(run: tuple[Any, str, Path]) -> None:
    result, _, _ = run
    alts = {"net": ("", 166.0), "flow": ("", 166.0)}
    pages, _ = _pages(result, alts)
    tables = [b for b in pages if isinstance(b, Table) and b.name.startswith("net")]
    named = {cell.record for t in tables for line in t.rows for cell in line if cell.record}
    assert len(tables) == 2
    assert len(named) > 20
    assert named <= {record.id for record in result.records}


def test_a_life_table_that_is_not_there_and_another_endpoint_are_told_before_the_run(
    folder: Path,
) -> None:
    (problem,) = check_study(study(folder, NET | {"life_table": "lives.csv"}))
    assert "no file 'lives.csv'" in problem.found
    assert "Did you mean 'life.csv'" in problem.advice


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"life_table": "../life.csv"}, "outside the study's folder"),
        ({"terms": []}, "cuts without terms"),
        ({"at": {"years": []}}, "at"),
    ],
)
def test_a_wrong_question_is_refused(folder: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        study(folder, NET | change)


def test_patients_whom_the_excess_model_leaves_out_are_told(folder: Path) -> None:
    asked = NET | {"terms": [*NET["terms"], "grade"]}
    net = analyses.run_study(study(folder, asked)).analyses[0].result
    lost = net.n - net.excess.n
    assert lost > 0
    (said,) = _left_out(net, net.excess, DEFAULT)
    assert f"leaves out {lost} patients" in said.text
    assert f"(grade {lost})" in said.text
