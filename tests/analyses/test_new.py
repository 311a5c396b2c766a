"""``her2low new``: the file it writes is a study that runs, made of what the source gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import analyses
from analyses.cli import app
from analyses.study.check import check_study
from cohort.dictionary import SourceDictionary

PROJECT = Path(__file__).resolve().parent.parent.parent


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


def test_a_study_of_a_file_runs_as_it_is_written(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "sample_data" / "registry.csv", tmp_path)
    study = tmp_path / "study.yaml"
    code, said = run("new", study, "--file", tmp_path / "registry.csv")
    assert code == 0, said
    assert "her2low check" in said
    text = study.read_text(encoding="utf-8")
    assert "The files hold 4,000 patients" in text
    assert "zero 1,161, low 1,889, positive 545, negative_unspecified 172" in text
    asked = analyses.load_study(study)
    assert asked.source.name == "ncdb_puf"
    assert dict(asked.source.files) == {"main": "registry.csv"}
    result = analyses.run_study(asked)
    assert result.failures == ()
    assert [a.id for a in result.analyses] == ["features", "curves", "tests", "model"]


@pytest.mark.parametrize("name", SourceDictionary.names())
def test_a_study_of_every_dictionary_lacks_only_its_files(tmp_path: Path, name: str) -> None:
    study = tmp_path / "study.yaml"
    code, said = run("new", study, "--source", name)
    assert code == 0, said
    asked = analyses.load_study(study)
    found = [p.found for p in check_study(asked) if "no such file" not in p.found]
    assert found == []
    told = SourceDictionary.load(name).identifies.stated()
    by = {spec.by for spec in asked.analyses if spec.kind == "kaplan_meier"}
    compared = "her2_status" if told["her2_score"] else "her2_reported"
    assert by == {None if name == "seer_2006_2010" else compared}  # it tells nothing of HER2


def test_columns_that_few_patients_have_are_left_out(tmp_path: Path) -> None:
    lines = (PROJECT / "sample_data" / "registry.csv").read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index("GRADE")
    rows = [line.split(",") for line in lines[:400]]
    for row in rows[1:]:
        row[place] = "9"
    (tmp_path / "registry.csv").write_text("\n".join(map(",".join, rows)), encoding="utf-8")
    assert run("new", tmp_path / "s.yaml", "--file", tmp_path / "registry.csv")[0] == 0
    made = yaml.safe_load((tmp_path / "s.yaml").read_text(encoding="utf-8"))
    assert "grade" not in made["analyses"][0]["columns"]
    assert "grade" not in made["analyses"][3]["terms"]


def test_what_cannot_be_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    there = tmp_path / "there.yaml"
    there.write_text("mine", encoding="utf-8")
    assert run("new", there, "--source", "ncdb_puf")[0] == 2
    assert there.read_text(encoding="utf-8") == "mine"
    code, said = run("new", tmp_path / "s.yaml")
    assert (code, "neither a source nor a file" in said) == (2, True)
    code, said = run("new", tmp_path / "s.txt", "--source", "ncdb_puf")
    assert (code, "YAML" in said) == (2, True)
    odd = tmp_path / "odd.csv"
    odd.write_text("a,b\n1,2\n", encoding="utf-8")
    code, said = run("new", tmp_path / "s.yaml", "--file", odd)
    assert (code, "new-dictionary" in said) == (2, True)
    assert not (tmp_path / "s.yaml").exists()
