"""NCDB: worked patients of both eras, what an absent column leaves, and what is not told."""

from __future__ import annotations

from typing import Any

import pytest

from cohort.table import Cohort
from tests.cohort.worked import Worked, answers, classified, seen, table, worked

BLANK = {
    "YEAR_OF_DIAGNOSIS": "2012", "AGE": "61", "SEX": "2", "BEHAVIOR": "3", "SEQUENCE_NUMBER": "00",
    "PUF_VITAL_STATUS": "1", "DX_LASTCONTACT_DEATH_MONTHS": "60.5", "PUF_FACILITY_ID": "F01",
}  # fmt: skip


def cs(**factors: str) -> dict[str, str]:
    return {f"CS_SITESPECIFIC_FACTOR_{n.removeprefix('f')}": v for n, v in factors.items()}


CASES = [
    worked("zero", cs(f8="000", f15="020"), her2_status="zero", facility_id="F01"),
    worked("low", cs(f8="20", f11="20", f15="20"), her2_status="low"),
    worked("positive-by-ish", cs(f8="010", f11="010", f15="010"), her2_status="positive"),
    worked("dead", {"PUF_VITAL_STATUS": "0"}, vital_status="dead", followup_months=60.5),
    worked("withheld", {"YEAR_OF_DIAGNOSIS": "2020", "PUF_VITAL_STATUS": "",
           "DX_LASTCONTACT_DEATH_MONTHS": ""}, vital_status=None, followup_months=None),
    worked("ssdi", {"YEAR_OF_DIAGNOSIS": "2018", "HER2_ICH_SUMMARY": "2", "HER2_ISH_SUMMARY": "0"},
           her2_ihc="2+", her2_status="low"),
    worked("ssdi-2021", {"YEAR_OF_DIAGNOSIS": "2021", "HER2_ICH_SUMMARY": "1",
           "HER2_OVERALL_SUMM": "0"}, her2_ihc=None, her2_status="negative_unspecified"),
    worked("starts", {"DX_DEFSURG_STARTED_DAYS": "21", "DX_IMMUNO_STARTED_DAYS": "60",
           "DX_SYSTEMIC_STARTED_DAYS": "40", "DX_RAD_STARTED_DAYS": "150",
           "RX_SUMM_IMMUNOTHERAPY": "1"}, surgery_day=21, immunotherapy_day=60,
           systemic_therapy_day=40, radiotherapy_day=150, immunotherapy="yes"),
    worked("radiation", {"RX_SUMM_SURGRAD_SEQ": "3"}, radiotherapy="yes"),
    worked("radiation-none", {"RX_SUMM_SURGRAD_SEQ": "0"}, radiotherapy=None),
    worked("tnm-7", {"TNM_PATH_T": "p1C", "TNM_CLIN_N": "c0", "TNM_PATH_M": "X",
           "TNM_CLIN_M": "c0", "ANALYTIC_STAGE_GROUP": "1"}, t_category="T1", n_category="N0",
           m_category="M0", stage="I"),
    worked("tnm-8", {"YEAR_OF_DIAGNOSIS": "2019", "AJCC_TNM_PATH_T": "pT3",
           "AJCC_TNM_PATH_N": "pN2a"}, t_category="T3", n_category="N2"),
    worked("factor-3", {"REGIONAL_NODES_POSITIVE": "95"}, nodes_positive=None),
    worked("nodes", {"REGIONAL_NODES_POSITIVE": "4", "REGIONAL_NODES_EXAMINED": "15",
           "LYMPH_VASCULAR_INVASION": "1"}, nodes_positive=4, nodes_examined=15,
           lymphovascular_invasion="yes"),
    worked("response", cs(f21="10"), pcr="yes", neoadjuvant_response="complete"),
    worked("response-2018", {"YEAR_OF_DIAGNOSIS": "2018", "RSPNS_TO_NEOADJUVT": "4"}, pcr="no",
           neoadjuvant_response="none"),
    worked("side", {"LATERALITY": "2", "PRIMARY_SITE": "C504"}, laterality="left",
           primary_site="C504"),
    worked("surgery-2023", {"YEAR_OF_DIAGNOSIS": "2023", "RX_SUMM_SURG_PRIM_SITE": "22"},
           surgery=None),
]  # fmt: skip


@pytest.fixture(scope="module", params=["upper", "lower"])
def cohort(request: pytest.FixtureRequest) -> Cohort:
    rows = table(CASES, "PUF_CASE_ID", BLANK)
    lower = request.param == "lower"
    return classified("ncdb_puf", rows.rename(columns=str.lower) if lower else rows)


def test_worked_patients(cohort: Cohort) -> None:
    found = answers(cohort)
    for case in CASES:
        row = found[case.id]
        told = {name: row[name] for name in case.expected}
        assert told == case.expected, case.id
    assert not [f for f in cohort.findings if f.rule == "unknown_code"]
    assert seen(cohort, "radiotherapy")["missing", "no_or_unknown"] == 1


COMBINED = [
    # Factor 16 as written, and as a spreadsheet leaves it: ER, PR, HER2.
    ("000", "negative", "negative", "negative"), ("0", "negative", "negative", "negative"),
    ("1", "negative", "negative", "positive"), ("10", "negative", "positive", "negative"),
    ("11", "negative", "positive", "positive"), ("100", "positive", "negative", "negative"),
    ("111", "positive", "positive", "positive"), ("999", None, None, None),
]  # fmt: skip


def combined(**more: str) -> dict[str, dict[str, Any]]:
    cases = [worked(f"P{i}", {**cs(f16=code), **more}) for i, (code, *_) in enumerate(COMBINED)]
    return answers(classified("ncdb_puf", table(cases, "PUF_CASE_ID", BLANK)))


def test_the_combination_stands_in_for_factors_that_the_file_lacks() -> None:
    found = combined()
    keys = ("er_status", "pr_status", "her2_reported")
    told = [tuple(found[f"P{i}"][key] for key in keys) for i in range(len(COMBINED))]
    assert told == [tuple(row[1:]) for row in COMBINED]


def test_the_combination_is_not_read_beside_the_factors_themselves() -> None:
    found = combined(**cs(f1="020", f2="999", f15="010"))
    assert {row["er_status"] for row in found.values()} == {"negative"}
    assert {row["pr_status"] for row in found.values()} == {None}
    assert {row["her2_reported"] for row in found.values()} == {"positive"}


def test_a_file_without_grade_gives_that_of_nottingham() -> None:
    cases: list[Worked] = [worked("a", cs(f7="050")), worked("b", cs(f7="120"))]
    found = answers(classified("ncdb_puf", table(cases, "PUF_CASE_ID", BLANK)))
    assert (found["a"]["grade"], found["b"]["grade"]) == ("1", "2")
