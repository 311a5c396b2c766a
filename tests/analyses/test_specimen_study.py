"""Studies of patients with several specimens: what is chosen, left out, told and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import analyses
from analyses.study.check import check_study
from analyses.study.spec import Study
from cohort.errors import SpecError

CLINIC = """\
name: clinic
describes: A clinic with specimens
files:
  main: {grain: patient, key: ID}
  specimens: {grain: specimen, key: ID}
time: {followup: days}
identifies: {her2_score: true, recurrence: false}
fits: [main.ID]
columns:
  age_years: {from: main.AGE, number: {}}
  vital_status: {from: main.DEAD, codes: dead}
  followup_days: {from: main.DAYS, number: {}}
  metastasis_day: {from: main.MET, number: {}}
  pcr: {from: main.PCR, codes: yes}
specimens:
  - from: specimens
    columns:
      specimen_id: {from: specimens.NO}
      specimen_day: {from: specimens.DAY, number: {}}
      specimen_site: {from: specimens.SITE, codes: site}
      specimen_timing: {from: specimens.WHEN, codes: when}
      er_status: {from: specimens.ER, codes: label_receptor}
      pr_status: {from: specimens.PR, codes: label_receptor}
      her2_ihc: {from: specimens.IHC, codes: score}
"""
CODES = {
    "dead": {"0": "alive", "1": "dead"},
    "yes": {"0": "no", "1": "yes"},
    "site": {"P": "primary", "M": "distant"},
    "when": {"pre": "before_treatment", "post": "after_neoadjuvant", "rec": "recurrence"},
    "score": {"0": "0", "1": "1+", "3": "3+"},
}
HEAD = "code,kind,value,low,high,meaning,verified,source"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty patients: every third with residual disease only, every fifth with a metastasis."""
    target = tmp_path_factory.mktemp("clinic")
    (target / "codes").mkdir()
    for name, codes in CODES.items():
        rows = [f"{code},value,{value},,,{value},yes,made" for code, value in codes.items()]
        (target / "codes" / f"{name}.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    (target / "clinic.yaml").write_text(CLINIC)
    patients, specimens = ["ID,AGE,DEAD,DAYS,MET,PCR"], ["ID,NO,DAY,SITE,WHEN,ER,PR,IHC"]
    for i in range(60):
        met = 300 if i % 5 == 0 else ""
        patients.append(f"{i},{40 + i % 30},{i % 2},{400 + 10 * i},{met},{i % 4 // 3}")
        when = "post" if i % 3 == 0 else "pre"
        receptor = "positive" if i % 2 else "negative"
        specimens.append(f"{i},a,{i % 7},P,{when},{receptor},{receptor},{i // 3 % 3 % 2}")
        if i % 5 == 0:
            specimens.append(f"{i},b,300,M,rec,,,{(i // 5) % 2}")
    (target / "patients.csv").write_text("\n".join(patients) + "\n")
    (target / "specimens.csv").write_text("\n".join(specimens) + "\n")
    return target


BASE: dict[str, Any] = {
    "version": 1,
    "title": "Specimens",
    "source": {
        "name": "clinic.yaml",
        "files": {"main": "patients.csv", "specimens": "specimens.csv"},
    },
    "endpoints": [{"id": "os", "kind": "OS"}],
    "analyses": [
        {"id": "table", "kind": "table_one", "by": "her2_status", "columns": ["pcr"]},
        {"id": "ages", "kind": "table_one", "by": "her2_status", "columns": ["age_years"]},
        {"id": "km", "kind": "kaplan_meier", "endpoint": "os", "by": "her2_status"},
    ],
}


def study(folder: Path, **changed: Any) -> Study:
    return Study.from_dict(BASE | changed, folder=folder)


def records(result: Any) -> dict[str, Any]:
    return {record.id: record for record in result.records}


def test_residual_disease_leaves_endpoints_from_diagnosis_and_response_only(folder):
    result = analyses.run_study(study(folder))
    (endpoint,) = result.endpoints
    assert endpoint.late is not None
    assert (endpoint.late.n_before, endpoint.late.n_removed) == (60, 20)
    assert (endpoint.step.n_before, endpoint.n) == (40, 40)
    told = records(result)
    assert told["flow.os.her2-before-neoadjuvant/n_removed"].n == 20
    assert told["table/table_one_rows_given"].n == 40
    assert told["ages/table_one_rows_given"].n == 60
    assert [(r.analysis, r.n_outside) for r in result.restrictions] == [("table", 20)]
    rules = {f.rule: f.n for f in result.findings}
    assert (rules["only_after_neoadjuvant"], rules["specimens_disagree"]) == (20, 8)


@pytest.mark.parametrize(("choice", "os", "ages"), [("left_in", 60, 60), ("exclude", 40, 40)])
def test_the_other_choices_of_e11(folder, choice, os, ages):
    result = analyses.run_study(study(folder, her2={"policies": {"E11": choice}}))
    assert result.endpoints[0].late is None
    assert result.endpoints[0].n == os
    told = records(result)
    assert told["ages/table_one_rows_given"].n == told["table/table_one_rows_given"].n == ages
    assert result.restrictions == ()


def test_an_endpoint_from_metastasis_keeps_residual_disease(folder):
    later = [{"id": "os", "kind": "OS", "origin": "metastasis"}]
    her2 = {"policies": {"E10": "closest"}, "index_day": "metastasis_day"}
    result = analyses.run_study(study(folder, endpoints=later, her2=her2))
    assert result.endpoints[0].late is None
    assert result.endpoints[0].n == 12
    assert "exposure_after_baseline" not in {f.rule for f in result.findings}
    chosen = {(c.stage, c.name): c.value for c in result.choices}
    assert chosen["specimens", "E10"] == "closest"
    assert chosen["specimens", "index_day"] == "metastasis_day"


def test_tissue_at_recurrence_is_warned_of_where_time_starts_at_diagnosis(folder):
    result = analyses.run_study(study(folder, her2={"policies": {"E10": "last"}}))
    (warned,) = [f for f in result.findings if f.rule == "exposure_after_baseline"]
    assert (warned.severity, warned.n) == ("warning", 12)


def test_a_later_origin_or_entry_exempts_only_from_the_day_of_the_specimen_on(folder):
    # Recurrences are on day 300, and so are the metastases that time starts at here.
    ends = [
        {"id": "os", "kind": "OS", "label": "From diagnosis"},
        {"id": "met", "kind": "OS", "label": "From metastasis", "origin": "metastasis"},
    ]
    result = analyses.run_study(study(folder, endpoints=ends, her2={"policies": {"E10": "last"}}))
    warned = [f for f in result.findings if f.rule == "exposure_after_baseline"]
    assert [(f.value, f.n) for f in warned] == [("From diagnosis", 12)]
    # Residual disease (on day 0 to 6) leaves no endpoint that starts at a metastasis later.
    result = analyses.run_study(study(folder, endpoints=ends))
    assert {e.id: e.late and e.late.n_removed for e in result.endpoints} == {"os": 20, "met": None}
    assert result.endpoints[1].n == 12


def test_the_report_names_the_choice_and_counts_who_left(folder, tmp_path):
    import pypdf

    analyses.run_study(study(folder), out=tmp_path / "out")
    pages = pypdf.PdfReader(tmp_path / "out" / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "20 with HER2 known only after neoadjuvant therapy" in text
    assert "the primary before nodes and metastases" in text
    assert "outside the restriction to HER2 known before neoadjuvant therapy" in text


@pytest.mark.parametrize(
    ("her2", "said"),
    [
        ({"policies": {"E10": "closest"}}, "needs the day"),
        ({"index_day": "metastasis_day"}, "'closest' looks at a day"),
        ({"policies": {"E10": "closest"}, "index_day": "age_years"}, "cannot be a day"),
        ({"policies": {"E10": "closest"}, "index_day": "surgery_day"}, "does not give"),
        ({"policies": {"E10": "latest"}}, "'latest' is not a choice"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_file_is_read(folder, her2, said):
    assert any(said in str(problem) for problem in check_study(study(folder, her2=her2)))


def test_an_order_of_specimens_needs_specimens(folder):
    text = CLINIC[: CLINIC.index("specimens:\n  - from")].replace(
        "  specimens: {grain: specimen, key: ID}\n", ""
    )
    (folder / "alone.yaml").write_text(text + "  her2_ihc: {from: main.AGE, codes: score}\n")
    source = {"name": "alone.yaml", "files": {"main": "patients.csv"}}
    asked = study(folder, source=source, her2={"policies": {"E10": "first"}})
    assert any("nothing to choose from" in str(problem) for problem in check_study(asked))


def test_receptors_that_only_specimens_tell_can_be_used(folder):
    table = {"id": "t", "kind": "table_one", "by": "her2_status", "columns": ["hr_status"]}
    result = analyses.run_study(study(folder, analyses=[table], endpoints=[]))
    missing = [r.n for r in result.records if r.quantity == "missing" and r.term == "hr_status"]
    assert sum(missing) == 0


CHANGE = {
    "id": "change",
    "kind": "her2_change",
    "second": "metastasis_or_recurrence",
    "by": "hr_status",
}


def test_the_change_of_her2_is_an_analysis_with_records_and_tables(folder, tmp_path):
    import json

    import pypdf

    asked = study(folder, analyses=[*BASE["analyses"], CHANGE])
    result = analyses.run_study(asked, out=tmp_path / "out")
    told = records(result)
    # Twelve patients with a metastasis, in order: primaries 0 1 0 0 0 0 1 0 1 0 1 0 (1 is 1+),
    # metastases 0 1 0 1 0 1 0 1 0 1 0 1: five rise, three fall, four stay.
    assert told["change/formed_pairs"].n == 12
    assert told["change/transition/all/zero/low"].n == 5
    assert told["change/transition/all/low/zero"].n == 3
    assert told["change/row/all/zero"].n == 8
    assert told["change/changed/all"].estimate == pytest.approx(8 / 12)
    assert told["change/kappa/all"].std_error is not None
    assert {"change/kappa/positive", "change/kappa/negative"} <= set(told)
    out = tmp_path / "out"
    pages = pypdf.PdfReader(out / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "12 of 60 patients have both specimens with HER2 evidence" in text
    assert "48 with a primary tumour only" in text
    assert "Symmetry (Bowker)" in text
    stored = {r["id"]: r for r in json.loads((out / "results.json").read_text())["records"]}
    assert stored["change/transition/all/zero/low"]["n"] == 5
    assert (out / "tables" / "change_numbers.csv").exists()
    assert (out / "tables" / "change_agreement.csv").exists()


def test_every_number_of_the_change_names_a_record(folder):
    from analyses.number_style import STYLES
    from analyses.report.blocks import Table
    from analyses.report.change_pages import change_pages

    result = analyses.run_study(study(folder, analyses=[CHANGE]))
    blocks = change_pages(result, result.analyses[0], STYLES["default"], {})
    cells = [c for b in blocks if isinstance(b, Table) for row in b.rows for c in row]
    named = {cell.record for cell in cells if cell.record}
    assert len(named) > 40
    assert named <= {record.id for record in result.records}


def test_a_change_within_a_restriction_counts_who_is_outside(folder):
    only = {"id": "young", "column": "age_years", "between": [None, 50], "reason": "age 50 or less"}
    result = analyses.run_study(study(folder, analyses=[CHANGE | {"only": only}]))
    told = records(result)
    assert told["change/formed_patients"].n + told["change/rows_outside"].n == 60
    assert result.restrictions[0].reason == "age 50 or less"


def test_no_pair_is_a_failure_in_its_place(folder):
    asked = CHANGE | {"first": "before_treatment", "second": "after_neoadjuvant"}
    result = analyses.run_study(study(folder, analyses=[asked]))
    assert result.exit_code == 5
    assert "no patient has both specimens" in result.failures[0].reason


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"first": "first"}, "make no pair"),
        ({"second": "primary"}, "'primary'"),
        ({"by": "age_years"}, "cannot make groups"),
    ],
)
def test_a_change_that_cannot_be_is_refused(folder, changed, said):
    try:
        told = "; ".join(map(str, check_study(study(folder, analyses=[CHANGE | changed]))))
    except SpecError as error:
        told = str(error)
    assert said in told


def test_a_change_needs_specimens(folder):
    source = {"name": "ncdb_puf", "files": {"main": "patients.csv"}}
    asked = study(folder, source=source, analyses=[{"id": "c", "kind": "her2_change"}])
    assert any("no change can be seen" in str(problem) for problem in check_study(asked))
