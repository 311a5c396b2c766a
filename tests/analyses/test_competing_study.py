"""Competing risks from a study file to its report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pypdf
import pytest

import analyses
from analyses import cause_specific_cox, cumulative_incidence, fine_gray, gray_test
from analyses.number_style import DEFAULT
from analyses.report.blocks import Cell, Paragraph, Table
from analyses.report.cautions import cautions
from analyses.report.competing_pages import fine_gray_methods, incidence_methods
from analyses.report.report import _pages
from analyses.report.software import software_sentences
from analyses.report.words import events
from analyses.results.study import FineGrayAnalysis, StudyResult
from analyses.study.check import check_study
from analyses.study.spec import Study
from cohort.errors import SpecError

CURVES: dict[str, Any] = {
    "id": "ever",
    "kind": "cumulative_incidence",
    "endpoint": "bcss",
    "by": "grade",
    "at": {"years": [1, 3]},
    "differences": True,
}
MODEL: dict[str, Any] = {
    "id": "ratios",
    "kind": "fine_gray",
    "endpoint": "bcss",
    "terms": [{"name": "grade", "reference": "1"}, {"name": "age_years", "per": 10}],
}
BARE = {"id": "ever", "kind": "cumulative_incidence", "endpoint": "bcss"}
OTHER = MODEL | {"id": "rest", "cause": "competing", "title": "Other deaths"}
COX = MODEL | {"id": "rates", "kind": "cox", "cause": "competing", "univariable": False}
BASE: dict[str, Any] = {
    "version": 1,
    "title": "Competing risks",
    "source": {"name": "canonical", "files": {"main": "registry.csv"}},
    "endpoints": [{"id": "bcss", "kind": "BCSS", "unverified": True, "censor_at": {"years": 8}}],
}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """Four hundred patients: deaths of breast cancer rise with grade, others with age."""
    rng = np.random.default_rng(11)
    n = 400
    grade = rng.choice([1, 2, 3], n)
    age = rng.integers(35, 85, n)
    cancer = rng.exponential(4000 / grade)
    other = rng.exponential(5000 * np.exp(-0.04 * (age - 60)))
    left = rng.uniform(200, 3600, n)
    days = np.ceil(np.minimum(np.minimum(cancer, other), left)).astype(int)
    dead = np.minimum(cancer, other) <= left
    frame = pd.DataFrame({"patient_id": [f"p{i}" for i in range(n)], "age_years": age})
    frame["grade"] = grade.astype(str)
    frame["vital_status"] = np.where(dead, "dead", "alive")
    frame["cause_of_death"] = np.where(dead, np.where(cancer < other, "breast_cancer", "other"), "")
    frame["followup_days"] = days
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, patients: pd.DataFrame) -> Path:
    target = tmp_path_factory.mktemp("competing")
    patients.to_csv(target / "registry.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any], **changes: Any) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)} | changes, folder=folder)


@pytest.fixture(scope="module")
def ran(folder: Path) -> tuple[Any, str]:
    result = analyses.run_study(study(folder, CURVES, MODEL, OTHER, COX), out=folder / "out")
    pages = pypdf.PdfReader(folder / "out" / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.fixture(scope="module")
def direct(patients: pd.DataFrame) -> pd.DataFrame:
    """The same patients as the estimators take them, followed for 8 years."""
    end = 8 * 365.25
    state = np.where(
        (patients["vital_status"] == "alive") | (patients["followup_days"] > end),
        "censored",
        np.where(patients["cause_of_death"] == "other", "competing", "event"),
    )
    levels = ["censored", "event", "competing"]
    return patients.assign(
        time=patients["followup_days"].clip(upper=end),
        state=pd.Categorical(state, levels, ordered=True),
    )


BY = {"name": "grade", "levels": ["1", "2", "3"]}
TERMS = [{"name": "grade", "levels": ["1", "2", "3"]}, {"name": "age_years", "per": 10}]


def test_a_study_has_the_numbers_of_the_estimators(ran: Any, direct: pd.DataFrame) -> None:
    result, _ = ran
    records = {r.id: r for r in result.records}
    curves = cumulative_incidence(direct, time="time", state="state", by=BY)
    at = curves.at([365.25]).set_index(["group", "level"])
    for group in "123":
        record = records[f"ever/cumulative_incidence/{group}/event/t=365.25"]
        assert record.estimate == at.loc[(group, "event"), "estimate"]
        assert record.conf_high == at.loc[(group, "event"), "conf_high"]
    test = gray_test(direct, time="time", state="state", by=BY).tests[1]
    assert records["ever/gray_test/grade/competing"].statistic == test.statistic
    model = fine_gray(direct, time="time", state="state", cause="event", terms=TERMS)
    other = fine_gray(direct, time="time", state="state", cause="competing", terms=TERMS)
    for name, fitted in (("ratios", model), ("rest", other)):
        record = records[f"{name}/log_subdistribution_hazard_ratio/age_years"]
        assert record.estimate == fitted.estimated[-1].estimate
        assert record.std_error == fitted.estimated[-1].std_error
    rates = cause_specific_cox(direct, time="time", state="state", cause="competing", terms=TERMS)
    record = records["rates/log_hazard_ratio/age_years"]
    assert record.estimate == pytest.approx(rates.estimated[-1].estimate, rel=1e-12)
    assert result.failures == ()
    assert result.exit_code == 0


NAMES = ("flow", "ever", "ever_stacked", "ratios", "rest", "rates")
ALTS = dict.fromkeys(NAMES, ("", 166.0))


def cells(result: Any, name: str) -> list[Cell]:
    pages, _ = _pages(result, ALTS)
    table = next(b for b in pages if isinstance(b, Table) and b.name == name)
    return [cell for row in table.rows for cell in row]


def test_every_cell_of_the_tables_has_its_record(ran: Any) -> None:
    result, _ = ran
    ids = {record.id for record in result.records}
    for name, wanted in (
        ("ever", "ever/cumulative_incidence/3/competing/t=1095.75"),
        ("ever_differences", "ever/cumulative_incidence_difference/2/event/1/t=365.25"),
        ("ratios", "ratios/subdistribution_hazard_ratio/grade/3/1"),
        ("rest", "rest/subdistribution_hazard_ratio/age_years"),
    ):
        named = {cell.record for cell in cells(result, name) if cell.record}
        assert wanted in named
        assert named <= ids


def test_the_report_tells_methods_tests_and_what_competes(ran: Any, folder: Path) -> None:
    _, text = ran
    for words in [
        "Gray's test across 3 groups. Event: chi-square",
        "Aalen-Johansen estimates with pointwise 95% limits (log-log)",
        "standard errors by the infinitesimal jackknife",
        "subdistribution hazard ratios by Fine and Gray's model",
        "Fine and Gray's variance, with the censoring distribution's part",
        "Cause-specific Cox model of the competing events",
        "Other deaths: subdistribution hazard ratios (HR) with 95% limits",
        "it is not a ratio of rates",
        "Modelled are the events that compete with BCSS (deaths from other or unknown "
        "causes); its own (deaths from breast cancer) ended follow-up as censorings",
    ]:
        assert words in text, words
    # Deaths from other causes are not counted as deaths from breast cancer.
    competing = next(a for a in ran[0].analyses if a.id == "rest").model.n_event
    assert text.count(f"BCSS: 400 patients, {competing} deaths from other or unknown causes") == 2
    assert f"{competing} deaths from breast cancer" not in text
    out = folder / "out"
    for name in ("ever", "ever_stacked", "ratios", "rest"):
        assert (out / "figures" / f"{name}.pdf").is_file()
    curve = pd.read_csv(out / "tables" / "ever_curve.csv")
    assert set(curve["quantity"]) == {"event_free", "cumulative_incidence"}
    assert (out / "tables" / "ratios_numbers.csv").is_file()
    choices = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["estimators"]
    assert choices[1]["variance"] == "Fine and Gray"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (CURVES | {"by": None}, "differences without by"),
        ({k: v for k, v in CURVES.items() if k != "at"}, "differences without at"),
        (CURVES | {"differences": False, "reference": "1"}, "reference without differences"),
        (CURVES | {"strata": ["grade"]}, "makes the groups"),
        (CURVES | {"strata": ["sex"], "test": "none"}, "strata without test"),
        ({**BARE, "test": "gray"}, "test without by"),
        (MODEL | {"cause": "dead"}, "'dead' is not allowed"),
        (MODEL | {"terms": ["grade", "grade"]}, "'grade' stands twice"),
        (MODEL | {"strata": ["grade"]}, "'grade' is a term as well"),
        (MODEL | {"ties": "efron"}, "ties"),
        (MODEL | {"terms": [{"name": "grade", "time_varying": "log"}]}, "time_varying of 'grade'"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    folder: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=re.escape(said)):
        study(folder, asked)


@pytest.mark.parametrize("asked", [CURVES, MODEL, COX])
def test_an_endpoint_with_which_nothing_competes_is_told_before_the_data_are_read(
    folder: Path, asked: dict[str, Any]
) -> None:
    alone = [{"id": "bcss", "kind": "OS"}]
    (problem,) = check_study(study(folder, asked, endpoints=alone))
    assert "nothing competes with the event of endpoint 'bcss' (OS)" in problem.found
    assert "BCSS" in problem.allowed
    assert problem.where.endswith("cause" if asked is COX else "kind")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (CURVES | {"at": {"years": 9}}, "9 years lies past 8 years"),
        (CURVES | {"reference": "9"}, "'9' is not a level of grade"),
        (CURVES | {"by": "age_years"}, "is a number and cannot make groups"),
        (MODEL | {"terms": ["bcss_event"]}, "'bcss_event' is the outcome itself"),
        (MODEL | {"terms": ["grade", {"interaction": ["grade", "sex"]}]}, "is not a term itself"),
    ],
)
def test_what_the_schema_does_not_know_is_told(
    folder: Path, asked: dict[str, Any], said: str
) -> None:
    problems = "\n".join(str(problem) for problem in check_study(study(folder, asked)))
    assert said in problems


def test_nobody_with_the_event_is_a_failure_in_its_place(
    tmp_path: Path, patients: pd.DataFrame
) -> None:
    cause = patients["cause_of_death"].replace("breast_cancer", "other")
    patients.assign(cause_of_death=cause).to_csv(tmp_path / "registry.csv", index=False)
    result = analyses.run_study(study(tmp_path, CURVES, MODEL), out=tmp_path / "out")
    assert [(f.analysis, f.term) for f in result.failures] == [("ever", "event"), ("ratios", "")]
    assert "has this event" in result.failures[1].reason
    assert result.exit_code == 5


@pytest.mark.parametrize("without", ["event", "competing", "censored"])
def test_every_number_that_a_second_program_makes_agrees_with_it(
    tmp_path: Path, patients: pd.DataFrame, without: str
) -> None:
    dead = patients["vital_status"] == "dead"
    cancer = patients["cause_of_death"] == "breast_cancer"
    ends = {"event": dead & cancer, "competing": dead & ~cancer, "censored": ~dead}
    patients[~ends[without]].to_csv(tmp_path / "registry.csv", index=False)
    whole = [{"id": "bcss", "kind": "BCSS", "unverified": True}]
    asked = study(tmp_path, CURVES, MODEL, COX, endpoints=whole, verify=True)
    result = analyses.run_study(asked)
    assert result.verification is not None
    verdicts = {row.verdict for row in result.verification.rows}
    assert verdicts == {"agrees", "none independent"}
    curves = result.analyses[0].curves
    assert (curves.censoring, curves.causes) == ("censored", ("event", "competing"))


def test_a_cause_specific_model_of_many_is_fitted_block_by_block(ran: Any, folder: Path) -> None:
    engine = {"duckdb": {"blocks_from": 1}}
    result = analyses.run_study(study(folder, COX, engine=engine))
    streamed = {r.id: r.estimate for r in result.records if r.analysis == "rates"}
    for record in ran[0].records:
        if record.analysis == "rates" and "hazard_ratio" in record.quantity:
            assert streamed[record.id] == pytest.approx(record.estimate, rel=1e-9), record.id


def late(folder: Path, patients: pd.DataFrame) -> dict[str, Any]:
    """The endpoints of a study in which every second patient is observed from a later day."""
    day = (patients["followup_days"] // 3).clip(upper=150)
    later = patients.assign(observed_from_day=day.where(patients.index % 2 == 0, 0))
    later.to_csv(folder / "registry.csv", index=False)
    endpoint = {"id": "bcss", "kind": "BCSS", "unverified": True, "entry": "observed_from_day"}
    return {"endpoints": [endpoint]}


def test_with_delayed_entry_there_is_no_test_of_grays_and_a_model_of_its_own(
    tmp_path: Path, patients: pd.DataFrame
) -> None:
    asked = study(tmp_path, CURVES, MODEL, **late(tmp_path, patients))
    result = analyses.run_study(asked, out=tmp_path / "out")
    assert result.failures == ()
    assert result.exit_code == 0
    pages, _ = _pages(result, ALTS)
    said = [block.text for block in pages if isinstance(block, Paragraph)]
    assert "Gray's test: none, it is not defined for delayed entry." in said
    model = next(a for a in result.analyses if a.id == "ratios").model
    assert model.variance == "by patient, observation weights known"


@pytest.mark.parametrize("more", [{"test": "gray"}, {"strata": ["sex"]}])
def test_grays_test_asked_for_under_delayed_entry_is_a_failure(
    tmp_path: Path, patients: pd.DataFrame, more: dict[str, Any]
) -> None:
    asked = study(tmp_path, CURVES | more, **late(tmp_path, patients.assign(sex="female")))
    (failure,) = analyses.run_study(asked).failures
    assert "not defined for delayed entry" in failure.reason
    assert "test: none" in failure.advice


def test_a_study_may_leave_grays_test_out(folder: Path) -> None:
    result = analyses.run_study(study(folder, CURVES | {"test": "none"}, verify=True))
    assert {row.verdict for row in result.verification.rows} == {"agrees"}
    (made,) = result.analyses
    assert made.test is None
    assert made.untested == "the study asks for none"
    assert not any(record.quantity == "gray_test" for record in result.records)
    assert "Gray" not in incidence_methods(result, made)


def test_a_reference_that_nobody_is_in_leaves_the_curves(
    tmp_path: Path, patients: pd.DataFrame
) -> None:
    patients[patients["grade"] != "1"].to_csv(tmp_path / "registry.csv", index=False)
    result = analyses.run_study(study(tmp_path, CURVES | {"reference": "1"}, verify=True))
    (made,) = result.analyses
    assert made.curves.groups == ("2", "3")
    assert made.test is not None
    (failure,) = result.failures
    assert "reference '1' is not a group with a curve" in failure.reason
    kinds = {record.quantity for record in result.records}
    assert "cumulative_incidence" in kinds
    assert "cumulative_incidence_difference" not in kinds


def test_few_events_of_every_cause_are_warned_of(tmp_path: Path, patients: pd.DataFrame) -> None:
    """Grade 3 keeps its deaths from cancer and has four others; grade 1 the other way round."""
    dead = patients["vital_status"] == "dead"
    cancer = patients["cause_of_death"] == "breast_cancer"
    drop = pd.Series(False, index=patients.index)
    for grade, which in (("3", dead & ~cancer), ("1", dead & cancer)):
        drop[patients.index[which & (patients["grade"] == grade)][4:]] = True
    patients[~drop].to_csv(tmp_path / "registry.csv", index=False)
    asked = study(tmp_path, CURVES, COX | {"id": "own", "cause": "event"})
    said = [s for s in cautions(analyses.run_study(asked), DEFAULT) if "support no" in s]
    assert len(said) == 2
    assert said[0].startswith("BCSS: 4 deaths from breast cancer among")
    assert said[1].startswith("BCSS: 4 deaths from other or unknown causes among")
    assert "(Grade 1)" in said[0]
    assert "(Grade 3)" in said[1]


def test_the_methods_of_a_subdistribution_name_terms_references_and_limits(folder: Path) -> None:
    result = analyses.run_study(study(folder, MODEL | {"conf_level": 0.9}))
    said = fine_gray_methods(result, result.analyses[0])
    assert "terms grade (reference Grade 1) and age, per 10 years" in said
    assert "Wald 90% limits" in said


def test_each_estimator_is_told_with_what_it_agrees(ran: Any, folder: Path) -> None:
    said = software_sentences(ran[0])
    assert "survival 3.5 (cumulative incidence and Cox models)" in said
    assert "cmprsk 2.2 (Gray's test and Fine and Gray)" in said
    untested = software_sentences(analyses.run_study(study(folder, BARE)))
    assert "survival 3.5 (cumulative incidence)." in untested
    assert "cmprsk" not in untested


@pytest.mark.parametrize(
    ("policy", "own", "others"),
    [
        ("competing", "deaths from breast cancer", "deaths from other or unknown causes"),
        ("event", "deaths from breast cancer or of unknown cause", "deaths from other causes"),
        ("censored", "deaths from breast cancer", "deaths from other causes"),
    ],
)
def test_deaths_of_unknown_cause_are_named_with_those_they_count_among(
    folder: Path, policy: str, own: str, others: str
) -> None:
    endpoints = [BASE["endpoints"][0] | {"unknown_cause": policy}]
    made = analyses.run_study(study(folder, BARE, endpoints=endpoints)).endpoints[0]
    assert events(made, 84, DEFAULT) == f"84 {own}"
    assert events(made, 84, DEFAULT, "competing") == f"84 {others}"


def test_few_events_of_a_her2_group_in_a_fine_and_gray_model_reach_the_cautions() -> None:
    rng = np.random.default_rng(3)
    state = np.concatenate([rng.choice(["-", "event", "competing"], 80), ["event", "-", "-"]])
    frame = pd.DataFrame({"time": np.arange(1, 84), "state": state})
    frame["her2_status"] = ["zero", "low"] * 40 + ["positive"] * 3
    term = {"name": "her2_status", "levels": ["zero", "low", "positive"]}
    states = {"name": "state", "levels": ["-", "event", "competing"]}
    endpoint = SimpleNamespace(id="os", label="BCSS", kind="BCSS", unknown_cause=None)
    for cause in ("event", "competing"):
        model = fine_gray(frame, time="time", state=states, cause=cause, terms=[term])
        found = FineGrayAnalysis("fg", "Model", "os", model)
        result = SimpleNamespace(
            analyses=(found,),
            endpoints=(endpoint,),
            findings=(),
            restrictions=(),
            compares_her2=False,
        )
        (said,) = cautions(cast("StudyResult", result), DEFAULT)
        assert "among 3 patients (HER2-positive)" in said
