"""Treatments that start after time zero in a study file: refused at baseline, three ways out."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analyses import load_study, run_study
from analyses.adjustment import strategy_numbers
from analyses.report.late_pages import NAIVE
from analyses.results.landmark import LandmarkAnalysis
from analyses.results.start_stop import StartStopAnalysis
from analyses.results.strategies import StrategiesAnalysis
from analyses.study.check import check_study
from cohort.errors import SpecError

SAMPLE = Path(__file__).resolve().parent.parent.parent / "sample_data"
TERMS = [{"name": "age_years", "per": 10}, "grade"]
LATE = {"endpoint": "os", "treatment": "chemotherapy", "terms": TERMS, "unknown_start": "leave_out"}
WAYS = [
    {"id": "lm", "kind": "landmark", "landmark": {"months": 4}, "by": "her2_status",
     "at": {"years": [1]}, **LATE},
    {"id": "ss", "kind": "start_stop", **LATE},
    {"id": "ccw", "kind": "clone_censor_weight", "grace": {"months": 4}, "at": {"years": [1, 3]},
     "tau": {"years": 5}, "resamples": 4, **LATE},
]  # fmt: skip


def _study(folder, analyses, endpoint=None, select=()):
    made = {
        "version": 1,
        "title": "Late treatments",
        "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
        "endpoints": [{"id": "os", "kind": "OS", **(endpoint or {})}],
        "select": [
            {"id": "staged", "column": "stage", "one_of": ["I", "II", "III"], "reason": "I to III"},
            *select,
        ],
        "analyses": analyses,
        "seed": 20250131,
    }
    link = folder / "registry.csv"
    if not link.exists():
        link.write_bytes((SAMPLE / "registry.csv").read_bytes())
    path = folder / "study.yaml"
    # JSON is YAML, and repeats what it repeats instead of pointing to it.
    path.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return load_study(path)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run_study(_study(tmp_path_factory.mktemp("late"), WAYS))


AT_BASELINE = {
    "a term of a Cox model": {"kind": "cox", "terms": ["age_years", "chemotherapy"]},
    "the groups of curves": {"kind": "kaplan_meier", "by": "radiotherapy"},
    "the groups of a test": {"kind": "logrank", "by": "endocrine_therapy"},
    "the groups of a mean": {"kind": "rmst", "by": "surgery"},
    "a stratum": {"kind": "cox", "terms": ["age_years"], "strata": ["surgery"]},
    "a subgroup": {"kind": "subgroups", "by": "her2_status", "factors": ["chemotherapy"]},
    "a parametric model": {"kind": "parametric", "terms": ["chemotherapy"]},
    "an interaction": {
        "kind": "cox",
        "terms": ["her2_status", "chemotherapy", {"interaction": ["her2_status", "chemotherapy"]}],
    },
}


@pytest.mark.parametrize("where", sorted(AT_BASELINE))
def test_a_treatment_that_starts_after_time_zero_is_refused_at_baseline(tmp_path, where):
    study = _study(tmp_path, [{"id": "one", "endpoint": "os", **AT_BASELINE[where]}])
    problems = [str(problem) for problem in check_study(study)]
    late = [text for text in problems if "immortal time" in text]
    assert late
    for way in ("kind: landmark", "kind: start_stop", "kind: clone_censor_weight"):
        assert way in late[0]
    with pytest.raises(SpecError):
        run_study(study)


def test_what_is_known_at_surgery_only_is_refused_with_another_way_out(tmp_path):
    study = _study(tmp_path, [{"id": "one", "kind": "kaplan_meier", "endpoint": "os", "by": "pcr"}])
    (problem,) = check_study(study)
    assert "'pcr' comes about after time zero (diagnosis)" in problem.found
    assert "origin: surgery" in problem.advice


@pytest.mark.parametrize("endpoint", [{"origin": "surgery"}, {"entry": "surgery_day"}])
def test_what_has_come_about_when_time_starts_is_a_covariate(tmp_path, endpoint):
    asked = [{"id": "one", "kind": "kaplan_meier", "endpoint": "os", "by": "surgery"}]
    assert check_study(_study(tmp_path, asked, endpoint)) == ()


def test_a_description_of_treatments_is_no_covariate(tmp_path):
    asked = [{"id": "one", "kind": "table_one", "by": "her2_status", "columns": ["chemotherapy"]}]
    assert check_study(_study(tmp_path, asked)) == ()


def test_the_three_ways_give_their_effects_and_the_naive_one_beside(result):
    landmark, changing, strategies = result.analyses
    assert isinstance(landmark, LandmarkAnalysis)
    assert isinstance(changing, StartStopAnalysis)
    assert isinstance(strategies, StrategiesAnalysis)
    assert result.exit_code == 0
    naive = {made.result.naive.estimate for made in result.analyses}
    assert len(naive) == 1
    assert landmark.result.at == pytest.approx(4)  # follow-up is in months
    assert strategies.result.tau == pytest.approx(60)
    ids = {record.id for record in result.records}
    for name in ("lm", "ss", "ccw"):
        assert f"{name}/effect_hazard_ratio/chemotherapy/yes/no" in ids
        assert f"{name}/naive_effect_hazard_ratio/chemotherapy/yes/no" in ids


def test_starts_in_days_are_counted_in_the_months_of_follow_up(result):
    landmark = result.analyses[0].result
    at = landmark.curves
    groups = {group.group: group for group in landmark.groups}
    assert sum(group.n_reached for group in groups.values()) == at.n
    # Chemotherapy starts within about three months of diagnosis in most simulated patients.
    treated = sum(group.n_treated for group in groups.values())
    later = sum(group.n_treated_later for group in groups.values())
    assert treated > 10 * later > 0


def test_the_report_shows_counts_and_marks_the_naive_effect(result, tmp_path):
    from analyses.report.report import write_report

    write_report(result, tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert text.count("BIASED: ever against never, from time zero") >= 3
    assert NAIVE.split(".")[0] in text
    assert "Censored on deviating" in text
    figures = {path.stem for path in (tmp_path / "out" / "figures").glob("*.svg")}
    assert {"lm", "lm_effects", "ss", "ss_effects", "ccw", "ccw_effects"} <= figures


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"landmark": {"years": 20}}, "lies past 10 years"),
        ({"treatment": "neoadjuvant"}, "nothing tells on which day 'neoadjuvant' began"),
        ({"by": "chemotherapy"}, "is the treatment"),
        ({"unknown_start": "guess"}, "unknown_start"),
    ],
)
def test_what_a_landmark_cannot_be_is_told_at_its_line(tmp_path, change, said):
    endpoint = {"censor_at": {"years": 10}}
    try:
        problems = check_study(_study(tmp_path, [{**WAYS[0], **change}], endpoint))
    except SpecError as error:
        problems = error.problems
    assert any(said in str(problem) for problem in problems)


def test_a_grace_period_is_required(tmp_path):
    asked = {key: value for key, value in WAYS[2].items() if key != "grace"}
    with pytest.raises(SpecError, match="grace"):
        _study(tmp_path, [asked])


def test_an_unknown_start_is_refused_by_default_and_fails_in_its_place(tmp_path):
    rows = pd.read_csv(SAMPLE / "registry.csv", dtype=str, keep_default_na=False)
    given = rows.index[rows["DX_CHEMO_STARTED_DAYS"] != ""][:40]
    rows.loc[given, "DX_CHEMO_STARTED_DAYS"] = ""
    rows.to_csv(tmp_path / "registry.csv", index=False)
    refusing = {key: value for key, value in WAYS[1].items() if key != "unknown_start"}
    found = run_study(_study(tmp_path, [refusing, {**WAYS[1], "id": "left"}]))
    (failure,) = found.failures
    assert "patients were treated on a day that is not known" in failure.reason
    (finding,) = (f for f in found.findings if f.rule == "unknown_start")
    assert finding.source == "left"
    assert 0 < finding.n <= 40


def test_time_that_starts_at_surgery_counts_the_start_from_there(tmp_path):
    found = run_study(_study(tmp_path, [WAYS[1]], {"origin": "surgery"}))
    made = found.analyses[0].result
    # Chemotherapy before surgery is there from the beginning, after it starts later.
    assert made.n_at_baseline > 50
    assert made.n_started_later > 200


def test_numbers_without_limits_are_failures_where_samples_were_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(strategy_numbers, "_spread", lambda *_: (0.0, strategy_numbers.NO_SPREAD))
    found = run_study(_study(tmp_path, [{**WAYS[2], "resamples": 2}]))
    said = {(f.group, f.term.partition(" at ")[0]) for f in found.failures}
    assert {("start", "risk"), ("start", "survival_difference")} & said
    assert all("do not differ" in f.reason or "0 or 1" in f.reason for f in found.failures)
    assert found.exit_code == 5
