"""What a model must not mix: stage I-III and IV, ER-low and ER-positive, and the future."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from analyses import load_study, run_study
from cohort import harmonise, load

SPLIT = {"id": "early", "column": "stage", "one_of": ["I", "II", "III"], "reason": "Stage I to III"}
N = 200


def _patients():
    """Two hundred patients: 40 of stage IV, 20 with 1 to 10 % of cells stained for ER."""
    rows = []
    for i in range(N):
        percent = 5 if i % 10 == 0 else (0 if i % 4 == 1 else 80)
        rows.append(
            {
                "patient_id": f"p{i}",
                "followup_days": 100 + 7 * i,
                "vital_status": "dead" if i % 3 else "alive",
                "her2_ihc": ("0", "1+")[i % 2],
                "her2_reported": "negative",
                "diagnosis_year": 2019,
                "stage": ("I", "II", "III", "IV", "I")[i % 5],
                "er_status": "negative" if percent == 0 else "positive",
                "er_percent": percent,
                "surgery": ("none", "mastectomy")[i % 7 > 0],
                "surgery_day": None if i % 7 == 0 else 30,
            }
        )
    return pd.DataFrame(rows)


def _run(folder, analyses, select=(), endpoint=None):
    _patients().to_csv(folder / "patients.csv", index=False)
    study = {
        "version": 1,
        "title": "Pooled",
        "source": {"name": "canonical", "files": {"main": "patients.csv"}},
        "endpoints": [{"id": "os", "kind": "OS", **(endpoint or {})}],
        "select": list(select),
        "analyses": analyses,
        "seed": 1,
    }
    (folder / "study.yaml").write_text(json.dumps(study), encoding="utf-8")
    return run_study(load_study(folder / "study.yaml"))


def _model(*terms, **more):
    return {"id": "one", "kind": "cox", "endpoint": "os", "terms": ["her2_status", *terms], **more}


def _found(result, rule):
    return [finding for finding in result.findings if finding.rule == rule]


def test_stage_iv_in_one_model_with_earlier_stages_is_counted_and_told_how_to_split(tmp_path):
    (finding,) = _found(_run(tmp_path, [_model()]), "stage_pooled")
    assert (finding.source, finding.column, finding.n) == ("one", "stage", 40)
    assert "40 patients with de novo stage IV and 160 with stage I to III" in finding.advice
    assert "{column: stage, one_of: [I, II, III]}" in finding.advice


@pytest.mark.parametrize("by", ["select", "only"])
def test_a_model_of_one_of_both_is_not_told(tmp_path, by):
    if by == "select":
        found = _run(tmp_path, [_model()], select=[SPLIT])
    else:
        found = _run(tmp_path, [_model(only=SPLIT)])
    assert not _found(found, "stage_pooled")


def test_curves_are_no_model(tmp_path):
    asked = {"id": "km", "kind": "kaplan_meier", "endpoint": "os", "by": "her2_status"}
    assert not _found(_run(tmp_path, [asked]), "stage_pooled")


def test_er_low_counted_as_positive_is_told_with_the_level_of_its_own(tmp_path):
    (finding,) = _found(_run(tmp_path, [_model("er_status")]), "er_low_pooled")
    assert finding.n == 20
    assert "Use er_group" in finding.advice
    assert not _found(_run(tmp_path, [_model("er_group")]), "er_low_pooled")


def test_er_low_is_a_level_of_its_own(tmp_path):
    result = _run(tmp_path, [_model("er_group")])
    rows = result.analyses[0].adjusted.coefficients
    sizes = {row.level: row.n for row in rows if row.term == "er_group"}
    assert list(sizes) == ["negative", "low", "positive"]
    assert sizes["low"] == 20
    assert sum(sizes.values()) == N


def test_the_group_is_by_percent_and_unknown_where_a_positive_has_none():
    table = pd.DataFrame(
        {
            "patient_id": list("abcdefgh"),
            "followup_days": 1,
            "vital_status": "alive",
            "er_percent": [0, 0.5, 1, 10, 10.5, None, None, None],
            "er_status": [None, "positive", "positive", "negative", "positive", "negative",
                          "positive", None],
        }
    )  # fmt: skip
    cohort = harmonise(load(table, source="canonical"))
    made = cohort.to_pandas(["patient_id", "er_group"]).sort_values("patient_id")["er_group"]
    assert [None if pd.isna(v) else v for v in made] == [
        *("negative", "negative", "low", "low", "positive", "negative", None, None),
    ]


def test_selecting_by_a_later_treatment_is_told(tmp_path):
    operated = {"id": "operated", "column": "surgery", "equals": "mastectomy", "reason": "Operated"}
    (finding,) = _found(_run(tmp_path, [_model()], [operated]), "selected_by_later_treatment")
    assert finding.n == _patients()["surgery"].eq("none").sum()
    assert "origin: surgery" in finding.advice
    from_surgery = _run(tmp_path, [_model()], [operated], {"origin": "surgery"})
    assert not _found(from_surgery, "selected_by_later_treatment")
