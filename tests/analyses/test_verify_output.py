"""``verify: true`` and ``her2low verify``: the page, the records, the exit code, the digests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdf
import pytest
from typer.testing import CliRunner

import analyses
from analyses import cli
from analyses.report.blocks import Table
from analyses.report.report import _pages
from analyses.results.study import DEVIATES
from analyses.study.fingerprint import fingerprint
from analyses.study.spec import Study
from analyses.study.verifying import verify_output
from cohort.errors import SpecError
from cohort.simulation import simulate

STUDY = """\
version: 1
title: Verified
source: {name: ncdb_puf, files: {main: registry.csv}}
endpoints: [{id: os, kind: OS}]
select: [{id: staged, column: stage, one_of: [I, II, III], reason: Stage I to III}]
analyses:
  - {id: features, kind: table_one, by: her2_status, columns: [age_years]}
  - {id: km, kind: kaplan_meier, endpoint: os, by: her2_status, at: {years: [1, 3]}}
  - id: older
    kind: cox
    endpoint: os
    terms: [{name: her2_status, reference: zero}, stage]
    only: {id: aged, column: age_years, between: [50, null], reason: Aged 50 and more}
verify: true
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("verified")
    simulate(600, seed=3, dirt=0).to_csv(folder / "registry.csv", index=False)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    result = analyses.run_study(analyses.load_study(folder / "study.yaml"), out=folder / "out")
    return result, folder


@pytest.fixture
def folder(made: tuple[Any, Path], tmp_path: Path) -> Path:
    """A copy of the output that a test may spoil."""
    return Path(shutil.copytree(made[1], tmp_path / "copy"))


def verify(folder: Path, *options: str) -> Any:
    arguments = ["verify", str(folder / "out"), "--study", str(folder / "study.yaml"), *options]
    return CliRunner().invoke(cli.app, arguments)


def spoil(path: Path, change: Any) -> None:
    plain = json.loads(path.read_text(encoding="utf-8"))
    change(plain)
    path.write_text(json.dumps(plain), encoding="utf-8")


def test_a_run_that_verifies_ends_with_the_table_of_deviations(made: tuple[Any, Path]) -> None:
    result, folder = made
    assert result.exit_code == 0
    assert result.verification.agrees
    assert result.verification.n_compared > 150
    text = "\n".join(
        page.extract_text() for page in pypdf.PdfReader(folder / "out/report.pdf").pages
    )
    text = " ".join(text.split())
    assert text.rindex("Double programming") > text.rindex("SHA-256")
    assert "Survival estimates were programmed twice" in text
    assert "loading, classification, endpoints and selection are not checked by it" in text
    assert "no library has the standard error of concordance" in text
    ids = {
        record["id"] for record in json.loads((folder / "out/results.json").read_text())["records"]
    }
    pages, _ = _pages(result, dict.fromkeys(("flow", "km", "older"), ("", 100.0)))
    table = next(b for b in pages if isinstance(b, Table) and b.name == "verification")
    named = {cell.record for row in table.rows for cell in row if cell.record}
    assert len(named) == len(table.rows)
    assert named <= ids


def test_a_deviation_fails_the_run_and_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import analyses.estimators.kaplan_meier as module

    whole = module.survival_limits
    monkeypatch.setattr(module, "survival_limits", lambda s, e, *rest: whole(s, e * 1.001, *rest))
    arguments = ["run", str(folder / "study.yaml"), "--out", str(folder / "out")]
    told = CliRunner().invoke(cli.app, arguments)
    assert told.exit_code == DEVIATES == 6
    assert "A second program differs: conf_low of km/survival/" in told.stderr
    pdf = pypdf.PdfReader(folder / "out/report.pdf")
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    assert "A second program differs: km" in text
    assert "not all agreed" in text


def test_an_output_is_verified_without_being_changed(folder: Path) -> None:
    before = {path: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()}
    told = verify(folder)
    assert told.exit_code == 0, told.output
    assert "all within tolerance" in told.stdout
    assert "numbers without a second program" in told.stdout
    assert {p: p.read_bytes() for p in (folder / "out").rglob("*") if p.is_file()} == before
    assert verify(folder, "--quiet").output == ""


def test_a_changed_number_in_an_output_is_told_with_its_exit_code(folder: Path) -> None:
    def change(plain: Any) -> None:
        record = next(
            r for r in plain["records"] if r["id"].startswith("older/hazard_ratio/stage/I")
        )
        record["estimate"] *= 1.00001

    spoil(folder / "out/results.json", change)
    told = verify(folder, "--quiet")
    assert told.exit_code == DEVIATES
    assert told.stderr.startswith("older, hazard_ratio: estimate of older/hazard_ratio/stage/I")


def test_another_study_file_or_data_are_refused(folder: Path) -> None:
    study, registry = folder / "study.yaml", folder / "registry.csv"
    plain = study.read_text()
    study.write_text(plain.replace("Verified", "Another"))
    told = verify(folder)
    assert told.exit_code == 2
    assert "changed since the output was made: the study file study.yaml" in told.stderr
    study.write_text(plain)
    registry.write_text(registry.read_text().rsplit("\n", 2)[0] + "\n")
    told = verify(folder)
    assert told.exit_code == 2
    assert "changed since the output was made: the file registry.csv" in told.stderr


def test_other_selected_patients_are_refused(folder: Path) -> None:
    spoil(folder / "out/manifest.json", lambda plain: plain["selected"].update(os="0" * 64))
    told = verify(folder)
    assert told.exit_code == 4
    assert "the patients selected now are not those of the output" in told.stderr


@pytest.mark.parametrize("name", ["manifest.json", "results.json"])
def test_a_folder_that_is_no_output_is_refused(folder: Path, name: str) -> None:
    study = analyses.load_study(folder / "study.yaml")
    (folder / "out" / name).write_text("[]")
    with pytest.raises(SpecError, match="not an output of her2low"):
        verify_output(study, folder / "out")
    (folder / "out" / name).unlink()
    with pytest.raises(SpecError, match="no such file"):
        verify_output(study, folder / "out")


def test_a_record_that_cannot_be_is_refused(folder: Path) -> None:
    spoil(folder / "out/results.json", lambda plain: plain["records"].append({"kind": "cox"}))
    with pytest.raises(SpecError, match="not records"):
        verify_output(analyses.load_study(folder / "study.yaml"), folder / "out")


def test_the_digest_of_patients_follows_values_and_order_not_the_engine() -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 0, 2], "b": ["x", None, "y"], "c": [True, False, True]})
    levels = pd.CategoricalDtype(["z", "y", "x"], ordered=True)
    other = pd.DataFrame(
        {"c": [1.0, -0.0, 1.0], "b": frame["b"].astype(levels), "a": [1.0, 0.0, 2.0]}
    )
    assert fingerprint(frame) == fingerprint(other)
    assert fingerprint(frame[::-1]) != fingerprint(frame)
    for name, value in (("a", 3), ("b", "y"), ("c", False)):
        changed = frame.copy()
        changed.loc[0, name] = value
        assert fingerprint(changed) != fingerprint(frame), name


def test_a_study_without_verify_loads_no_second_program(made: tuple[Any, Path]) -> None:
    folder = made[1]
    code = (
        "import sys, yaml, analyses; from analyses.study.spec import Study; "
        "plain = yaml.safe_load(open('study.yaml')); del plain['verify']; "
        "result = analyses.run_study(Study.from_dict(plain)); "
        "print(result.verification, result.exit_code, "
        "[m for m in ('lifelines', 'statsmodels.duration') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "None 0 []"


def test_verify_is_true_or_false(made: tuple[Any, Path]) -> None:
    assert analyses.load_study(made[1] / "study.yaml").verify is True
    with pytest.raises(SpecError, match="verify"):
        Study.from_dict(
            {"version": 1, "title": "x", "source": {"name": "ncdb_puf", "files": "registry.csv"},
             "analyses": [{"id": "t", "kind": "table_one", "by": "her2_status",
                           "columns": ["age_years"]}], "verify": "yes"},
            folder=made[1],
        )  # fmt: skip


def test_a_report_of_which_nothing_can_be_recomputed_says_so(
    made: tuple[Any, Path], tmp_path: Path
) -> None:
    asked = {"id": "t", "kind": "table_one", "by": "her2_status", "columns": ["age_years"]}
    source = {"name": "ncdb_puf", "files": {"main": "registry.csv"}}
    study = {"version": 1, "title": "x", "source": source, "analyses": [asked], "verify": True}
    analyses.run_study(Study.from_dict(study, folder=made[1]), out=tmp_path / "out")
    pages = pypdf.PdfReader(tmp_path / "out/report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert text.count("No number of this report has an independent implementation") == 2
    assert "programmed twice" not in text
    assert "descriptions of features are not survival estimates" in text
