"""The schema of study files: whole, described, and of one mind with the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from analyses.cli import app
from analyses.study.schema import study_schema

PROJECT = Path(__file__).resolve().parent.parent.parent
STUDIES = [*PROJECT.glob("sample_data/*.yaml"), *PROJECT.glob("analyses/studies/*.yaml")]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    made = study_schema()
    Draft202012Validator.check_schema(made)
    return made


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_of_the_project_is_valid(schema: dict[str, Any], path: Path) -> None:
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [e.message for e in Draft202012Validator(schema).iter_errors(study)] == []


def sample() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(STUDIES[0].read_text(encoding="utf-8"))
    return made


SHORT = {
    "a file": {"source": {"name": "ncdb_puf", "files": "registry.csv"}},
    "an engine": {"engine": "duckdb"},
    "a set of policies": {"her2": {"policies": "peiffer2023"}},
    "one time": {"analyses": [{"id": "k", "kind": "kaplan_meier", "endpoint": "os",
                               "at": {"years": 5}}]},
    "a level that is a number": {"select": [{"id": "g", "column": "grade", "equals": 3,
                                             "reason": "Grade 3"}]},
    "a date": {"endpoints": [{"id": "os", "kind": "OS", "censor_on": "2022-08-05"}]},
}  # fmt: skip


@pytest.mark.parametrize("part", SHORT)
def test_what_is_short_in_a_file_is_valid(schema: dict[str, Any], part: str) -> None:
    study = sample() | SHORT[part]
    assert [e.message for e in Draft202012Validator(schema).iter_errors(study)] == []


WRONG = {
    "a key": {"titel": "x"},
    "a kind": {"analyses": [{"id": "k", "kind": "kaplan_maier"}]},
    "a type": {"seed": "many"},
    "an edition": {"her2": {"edition": 2017}},
}


@pytest.mark.parametrize("part", WRONG)
def test_what_is_wrong_is_invalid(schema: dict[str, Any], part: str) -> None:
    assert not Draft202012Validator(schema).is_valid(sample() | WRONG[part])


def test_keys_and_models_are_described(schema: dict[str, Any]) -> None:
    assert all(model.get("description") for model in schema["$defs"].values())
    assert "random" in schema["properties"]["seed"]["description"]
    curves = schema["$defs"]["KaplanMeierSpec"]["properties"]
    assert curves["at"]["description"] == "Times at which survival is printed."
    assert "counted" in curves["only"]["description"]  # from what every analysis has


def test_the_command_prints_it() -> None:
    done = CliRunner().invoke(app, ["schema"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == study_schema()
