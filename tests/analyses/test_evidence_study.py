"""Published results beside a study's own model, from a study file to their pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pypdf
import pytest

import analyses
from analyses.report.blocks import Cell, Table
from analyses.report.report import _pages
from analyses.study.check import check_study
from analyses.study.kinds.evidence import published
from analyses.study.setting import Setting
from analyses.study.spec import Study
from analyses.study.specs.evidence import EvidenceSpec
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
MODEL: dict[str, Any] = {
    "id": "model",
    "kind": "cox",
    "endpoint": "os",
    "terms": [{"name": "her2_status", "reference": "zero"}, {"name": "age_years", "per": 10}],
}
SEEN: dict[str, Any] = {
    "id": "seen",
    "kind": "evidence",
    "compares": "model",
    "outcome": "OS",
    "present": "pooled",
}
SITES: dict[str, Any] = {
    "id": "sites",
    "kind": "by_site",
    "endpoint": "os",
    "terms": MODEL["terms"],
    "least_events": 5,
}
NOTHING: dict[str, Any] = {"id": "nothing", "kind": "evidence", "outcome": "pCR"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("evidence")
    simulate(900, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any]) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str, Path]:
    result = analyses.run_study(study(folder, MODEL, SEEN, SITES, NOTHING))
    out = tmp_path_factory.mktemp("written") / "out"
    analyses.write_report(result, out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return result, "\n".join(page.extract_text() for page in pages), out


def test_the_model_stands_beneath_and_is_not_pooled_with_its_own_registry(
    run: tuple[Any, str, Path],
) -> None:
    result, _, out = run
    seen = next(a for a in result.analyses if a.id == "seen").result
    model = next(a for a in result.analyses if a.id == "model").adjusted
    (low,) = [c for c in model.estimated if c.level == "low"]
    assert seen.present.estimate == low.estimate
    assert seen.present.use == "compared"
    assert "NCDB" in seen.present.reason
    records = {r["id"]: r for r in json.loads((out / "results.json").read_text())["records"]}
    shown = records["seen/present_hazard_ratio/compared"]
    assert shown["estimate"] == pytest.approx(low.hazard_ratio[0], rel=1e-11)


def test_a_pool_of_nothing_is_a_failure_in_its_place(run: tuple[Any, str, Path]) -> None:
    result, text, _ = run
    (failure,) = [f for f in result.failures if f.analysis == "nothing"]
    assert failure.reason == "no published result with limits answers the question"
    assert "no published result with limits" in " ".join(text.split())


def test_the_pages_say_what_is_not_in_the_numbers(run: tuple[Any, str, Path]) -> None:
    text = " ".join(run[1].split())
    for said in (
        "Leaving those out biases a pool away from 1",
        "Hartung and Knapp without truncation",
        "It is not pooled: its patients (NCDB) are those of",
        "Where a new study would lie",
    ):
        assert said in text, said


def test_every_printed_number_names_a_record(run: tuple[Any, str, Path]) -> None:
    result, _, _ = run
    ids = {record.id for record in result.records}
    alts = {a.id: ("", 166.0) for a in result.analyses} | {"flow": ("", 166.0)}
    alts |= dict.fromkeys(("model_beta_her2_status", "sites_low", "sites_positive"), ("", 166.0))
    pages, _ = _pages(result, alts)
    tables = [b for b in pages if isinstance(b, Table) and b.name.startswith(("seen", "sites"))]
    cells = [c for t in tables for line in t.rows for c in line if isinstance(c, Cell)]
    named = [c.record for c in cells if c.record.startswith(("seen/", "sites/"))]
    assert len(named) > 15
    assert set(named) <= ids


def test_sites_are_pooled_for_each_group_and_no_site_is_named(run: tuple[Any, str, Path]) -> None:
    result, text, out = run
    found = next(a for a in result.analyses if a.id == "sites").result
    assert [one.level for one in found.levels] == ["low", "positive"]
    assert all(site.site.startswith("site ") for one in found.levels for site in one.sites)
    assert "Sites are numbered by size" in " ".join(text.split())
    for level in ("low", "positive"):
        assert (out / "figures" / f"sites_{level}.pdf").is_file()


def test_a_term_to_pool_that_the_analysis_lacks_is_refused(folder: Path) -> None:
    with pytest.raises(SpecError, match="'grade' is no term"):
        study(folder, SITES | {"of": "grade"})


def test_a_registry_that_the_source_does_not_tell_can_be_said(folder: Path) -> None:
    """A registry of one's own shares nobody unless the study says so."""
    renamed = folder / "own.yaml"
    renamed.write_text("name: own\nextends: ncdb_puf\n", encoding="utf-8")
    base = BASE | {"source": {"name": "own.yaml", "files": {"main": "registry.csv"}}}
    said = SEEN | {"id": "said", "registry": "NCDB"}
    wrong = SEEN | {"id": "wrong", "registry": "NCBD"}
    asked = Study.from_dict(base | {"analyses": [MODEL, SEEN, said, wrong]}, folder=folder)
    result = analyses.run_study(asked)
    seen, told = (next(a.result for a in result.analyses if a.id == i) for i in ("seen", "said"))
    assert seen.present.use == "pooled"
    assert "present_pooled" in {f.rule for f in seen.findings}
    assert told.present.use == "compared"
    (failure,) = result.failures
    assert failure.analysis == "wrong"
    assert "Did you mean 'NCDB'" in failure.advice


def test_what_is_compared_must_be_an_earlier_cox_model_with_the_term(folder: Path) -> None:
    found = check_study(study(folder, SEEN, MODEL))
    assert "'model' is no earlier Cox analysis" in str(found[0])
    found = check_study(study(folder, MODEL, SEEN | {"term": "her2_statu"}))
    assert "Did you mean 'her2_status'" in str(found[0])


def test_a_model_of_other_levels_does_not_answer_the_question(folder: Path) -> None:
    """Low against positive stood beneath low against zero."""
    terms = [{"name": "her2_status", "reference": "positive"}, {"name": "age_years", "per": 10}]
    found = check_study(study(folder, MODEL | {"terms": terms}, SEEN))
    assert "'her2_status' is against 'positive' in 'model', not low_vs_zero" in str(found[0])
    found = check_study(study(folder, MODEL, SEEN | {"level": "positive"}))
    assert "'positive' is not in low_vs_zero" in str(found[0])


def test_a_model_of_another_endpoint_is_compared_and_not_pooled(
    run: tuple[Any, str, Path],
) -> None:
    """A model of recurrence beneath overall survival: said, and in no pool."""
    model = next(a for a in run[0].analyses if a.id == "model")
    spec = EvidenceSpec(**SEEN)
    for kind, use in (("OS", "pooled"), ("RFS", "compared")):
        setting = Setting("days", 1, source="own", earlier={"model": model}, kinds={"os": kind})
        seen = published(spec, pd.DataFrame(), setting).analysis.result  # type: ignore[union-attr]
        assert seen.present.use == use
        assert (seen.pool_with_present is None) == (use == "compared")
    assert seen.present.reason == "its endpoint is RFS, and OS is asked for"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"only": {"id": "x", "column": "stage", "equals": "I", "reason": "x"}}, "no patients"),
        ({"compares": None}, "no analysis is compared"),
        ({"outcome": []}, "outcome"),
        ({"unverified": "all"}, "unverified"),
    ],
)
def test_a_wrong_question_is_refused(folder: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        study(folder, MODEL, SEEN | change)
