"""Cox models from a study to its page: tested for proportional hazards, penalised, by period."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pypdf
import pytest

import analyses
from analyses.estimators.cox import cox
from analyses.results.study import CoxAnalysis
from analyses.study.kinds.cox import fitted
from analyses.study.spec import Study
from analyses.study.specs.cox import CoxSpec
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
COX: dict[str, Any] = {
    "id": "model",
    "kind": "cox",
    "endpoint": "os",
    "terms": ["her2_status", {"name": "age_years", "per": 10}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("models")
    simulate(900, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def report(folder: Path, out: Path, **more: Any) -> tuple[Any, CoxAnalysis, str]:
    """The study's result, its model, and the text of its PDF."""
    study = Study.from_dict(BASE | {"analyses": [COX | more]}, folder=folder)
    result = analyses.run_study(study, out=out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    (made,) = result.analyses
    assert isinstance(made, CoxAnalysis)
    return result, made, text


def test_proportional_hazards_are_tested_without_being_asked(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result, made, text = report(folder, out)
    tested = made.proportionality
    assert tested is not None
    assert tested.transform == "km"
    assert made.adjusted.rows is None
    records = {record.id: record for record in result.records}
    own = records["model/proportionality_test/her2_status"]
    assert (own.statistic, own.df) == (tested.tests[0].statistic, 2)
    assert records["model/proportionality_test_all"].p_value == tested.overall.p_value
    assert "tests that hazard ratios are constant over time" in text
    assert "exact score tests of Grambsch and Therneau" in text
    assert (out / "figures" / "model_over_time.svg").is_file()
    curves = (out / "tables" / "model_over_time.csv").read_text(encoding="utf-8")
    assert curves.startswith("term,level,reference,time,transformed,estimate,std_error,conf_low")
    chosen = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert "'proportionality': 'km'" in str(chosen)


def test_a_hazard_ratio_that_changes_is_a_caution() -> None:
    # With x = 0 nobody dies before 100, and all of them soon after.
    data = pd.DataFrame({"x": [0, 1] * 100, "os_time": range(1, 201), "os_event": True})
    data["os_time"] = [t if x else 100 + t / 10 for t, x in zip(data.os_time, data.x, strict=True)]
    spec = CoxSpec.model_validate(COX | {"terms": ["x"]})
    outcome = fitted(spec, lambda **asked: cox(data, **asked), "months", (None, None))
    found = [f for f in outcome.findings if f.rule == "hazards_not_proportional"]
    assert {f.column for f in found} == {"x", ""}
    assert all("p " in f.value for f in found)
    assert "restricted mean survival" in found[0].advice


def test_a_study_may_do_without_the_test(folder: Path, tmp_path: Path) -> None:
    result, made, text = report(folder, tmp_path / "out", proportionality="none")
    assert made.proportionality is None
    assert not any("proportionality" in record.quantity for record in result.records)
    assert "Proportional hazards were not tested." in text


def test_a_penalised_model_says_so_everywhere(folder: Path, tmp_path: Path) -> None:
    result, made, text = report(folder, tmp_path / "out", penalty="firth", univariable=False)
    assert made.adjusted.penalty == "firth"
    assert made.proportionality is None
    assert "Firth's penalty with profile limits" in text
    assert "p of each row: penalised likelihood ratio" in text
    assert any(r.quantity == "penalised_likelihood_ratio_test" for r in result.records)


def test_a_term_by_period_is_told_by_period(folder: Path, tmp_path: Path) -> None:
    terms = [{"name": "her2_status", "time_varying": {"cut": [24, 60]}}, "age_years"]
    result, made, text = report(folder, tmp_path / "out", terms=terms)
    own = [c for c in made.adjusted.coefficients if c.term == "her2_status"]
    assert [c.level for c in own][:3] == ["low × up to 24", "low × 24 to 60", "low × after 60"]
    assert "HER2-low, 24 to 60" in text
    assert "by period of follow-up (cut at 24 and 60)" in text
    assert "HER2 status the same at every time: p" in text
    assert any(record.quantity == "constancy_test" for record in result.records)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"penalty": "lasso"}, "firth"),
        ({"terms": [{"name": "age_years", "time_varying": {"cut": [60, 24]}}]}, "24 follows 60"),
        ({"terms": [{"name": "age_years", "time_varying": "sqrt"}]}, "log"),
        ({"proportionality": "ranks"}, "rank"),
        ({"penalty": "firth", "cluster": "facility_id"}, "penalty together with a cluster"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(
    more: dict[str, Any], said: str, folder: Path
) -> None:
    with pytest.raises(SpecError, match=said):
        Study.from_dict(BASE | {"analyses": [COX | more]}, folder=folder)
