"""Changes of a study file on the command line: made, checked at their own words, and told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import analyses
from analyses.cli import app
from analyses.study.changes import Changes
from analyses.study.check import check_study
from cohort.errors import SpecError

PROJECT = Path(__file__).resolve().parent.parent.parent
STUDY = PROJECT / "sample_data" / "her2_low_os.yaml"


def load(*settings: str, only: tuple[str, ...] = ()) -> analyses.study.spec.Study:
    return analyses.load_study(STUDY, changes=Changes(settings, only))


def test_values_are_set_by_keys_ids_and_places() -> None:
    study = load(
        "her2.edition=2013",
        "her2.policies={E4: as_source}",
        "endpoints.os.censor_at={years: 5}",
        "analyses.model.terms.1.per=5",
        "select.staged.one_of=[I, II]",
        "question=Is it so?",
    )
    assert study.her2.edition == 2013
    assert str(study.endpoints[0].censor_at) == "5 years"
    model = next(spec for spec in study.analyses if spec.id == "model")
    assert model.terms[1].per == 5
    assert study.select[-1].one_of == ("I", "II")
    assert study.question == "Is it so?"
    assert load().digest == study.digest  # the file is the same


def test_only_some_analyses_are_kept_in_the_order_of_the_file() -> None:
    study = load(only=("tests", "features"))
    assert [spec.id for spec in study.analyses] == ["features", "tests"]
    line = STUDY.read_text(encoding="utf-8").splitlines().index("  - id: tests") + 1
    assert study.where(("analyses", 1, "id")) == f"her2_low_os.yaml:{line}"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("edition", "no key and value"),
        ("=3", "no key and value"),
        ("analyses.modell.ties=breslow", "Did you mean 'model'"),
        ("analyses.9.ties=breslow", "Ids: features"),
        ("seed.x=1", "nothing is below 'x'"),
        ("seed=[1", "--set seed=[1"),
        ("her2.edition=2017", "--set her2.edition=2017"),
        ("analyses.model.tied=breslow", "--set analyses.model.tied=breslow"),
    ],
)
def test_a_change_that_cannot_be_is_told_at_its_words(setting: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(setting)
    assert said in str(caught.value)


def test_problems_of_a_change_found_later_name_it_too() -> None:
    (problem,) = check_study(load("analyses.curves.by=her2_statuss"))
    assert problem.where.startswith("--set analyses.curves.by=her2_statuss")


def test_a_change_of_an_analysis_that_is_left_out_is_refused() -> None:
    with pytest.raises(SpecError, match="--only leaves this analysis out"):
        load("analyses.model.ties=breslow", only=("curves",))


def test_a_change_names_itself_where_analyses_have_moved() -> None:
    with pytest.raises(SpecError) as caught:
        load("analyses.model.ties=xyz", only=("model",))
    assert "--set analyses.model.ties=xyz" in str(caught.value)


def test_what_an_analysis_builds_on_is_done_with_it(tmp_path: Path) -> None:
    text = STUDY.read_text(encoding="utf-8").replace(
        "report: {style", "  - {id: strong, kind: robustness, of: model}\n"
        "sensitivity: {of: model, editions: [2013, 2018]}\nreport: {style"
    )  # fmt: skip
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    alone = analyses.load_study(path, changes=Changes(only=("strong",)))
    assert [spec.id for spec in alone.analyses] == ["model", "strong"]
    assert alone.sensitivity is None
    grid = analyses.load_study(path, changes=Changes(only=("sensitivity",)))
    assert [spec.id for spec in grid.analyses] == ["model"]
    assert grid.sensitivity is not None


@pytest.mark.parametrize("analyses_", ["{curves: {kind: cox}}", "3", "none"])
def test_analyses_that_are_no_list_are_the_study_s_own_mistake(
    tmp_path: Path, analyses_: str
) -> None:
    path = tmp_path / "study.yaml"
    head = "version: 1\ntitle: t\nsource: {name: ncdb_puf, files: a.csv}\n"
    path.write_text(f"{head}analyses: {analyses_}\n", encoding="utf-8")
    for changes in (Changes(), Changes(only=("curves",))):
        with pytest.raises(SpecError, match="analyses"):
            analyses.load_study(path, changes=changes)


def test_an_analysis_that_is_not_there_is_told() -> None:
    with pytest.raises(SpecError, match="no analysis of this id"):
        load(only=("curvs",))


def test_the_outputs_of_a_run_tell_the_changes_and_are_verified_with_them(tmp_path: Path) -> None:
    for name in ("registry.csv", "her2_low_os.yaml"):
        shutil.copy(PROJECT / "sample_data" / name, tmp_path)
    study, out = tmp_path / "her2_low_os.yaml", tmp_path / "out"
    setting = "analyses.curves.conf_type=plain"
    words = ["run", str(study), "--out", str(out), "--only", "curves", "--set", setting]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["study"]["changes"] == [f"--set {setting}", "--only curves"]
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in results["study"]["analyses"]] == ["curves"]
    assert f"--set {setting}" in (out / "report.html").read_text(encoding="utf-8")
    done = CliRunner().invoke(app, ["verify", str(out), "--study", str(study)])
    assert done.exit_code == 0, done.output
    assert "all within tolerance" in done.output
