"""NAACCR: worked tumours of every coding era, by XML ids and by item numbers."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cohort.table import Cohort
from tests.cohort.worked import Worked, answers, classified, seen, table, worked

# What every row says unless it says otherwise: a woman of 61, breast, invasive, alive.
BLANK = {
    "dateOfDiagnosis": "20120615", "primarySite": "C504", "histologicTypeIcdO3": "8500",
    "behaviorCodeIcdO3": "3", "sequenceNumberCentral": "00", "vitalStatus": "1",
    "dateOfLastContact": "20200615", "ageAtDiagnosis": "061", "sex": "2",
}  # fmt: skip


def cs(**factors: str) -> dict[str, str]:
    return {f"csSiteSpecificFactor{n.removeprefix('f')}": v for n, v in factors.items()}


def ssdi(year: str = "2019", **items: str) -> dict[str, str]:
    ids = {
        "ihc": "her2IhcSummary", "ish": "her2IshSummary", "ratio": "her2IshDualProbeRatio",
        "dual": "her2IshDualProbeCopyNumber", "single": "her2IshSingleProbeCopyNumber",
        "overall": "her2OverallSummary", "er": "estrogenReceptorSummary",
        "pr": "progesteroneRecepSummary", "er_pct": "estrogenReceptorPercntPosOrRange",
        "allred": "estrogenReceptorTotalAllredScore", "ki67": "ki67",
    }  # fmt: skip
    return {"dateOfDiagnosis": f"{year}0301", **{ids[key]: v for key, v in items.items()}}


CASES = [
    # Collaborative Stage, 2010-2017: factor 8 is not read with the codes of 9, 11, 13, 14, 15.
    worked("cs-zero", cs(f8="000", f11="020", f15="020"), her2_ihc="0", her2_ish="negative",
           her2_reported="negative", her2_status="zero"),
    worked("cs-one", cs(f8="010", f15="020"), her2_ihc="1+", her2_status="low"),
    worked("cs-two-negative", cs(f8="020", f10="150", f11="020", f15="020"), her2_ihc="2+",
           her2_ratio=1.5, her2_status="low"),
    worked("cs-two-alone", cs(f8="020"), her2_ihc="2+", her2_status="unresolved"),
    worked("cs-three", cs(f8="030", f15="010"), her2_ihc="3+", her2_status="positive"),
    worked("cs-obsolete", cs(f8="002", f11="010"), her2_ihc="2+", her2_status="positive"),
    worked("cs-unpadded", cs(f8="10", f11="20", f16="0"), her2_ihc="1+", her2_ish="negative"),
    worked("cs-not-done", cs(f8="998", f11="998", f15="020"), her2_ihc=None,
           her2_status="negative_unspecified"),
    worked("cs-nothing", cs(f8="988", f9="999", f15="999"), her2_status="unknown"),
    worked("cs-low-ratio", cs(f8="020", f10="991", f11="997"), her2_ratio=None,
           her2_ratio_high=1, her2_status="unresolved"),
    worked("cs-high-ratio", cs(f8="020", f10="980"), her2_ratio_low=9.8),
    worked("cs-old-ratio", cs(f8="020", f10="987"), her2_ratio_low=9.8),
    worked("cs-cish", cs(f8="020", f12="350", f13="020"), her2_copies_single=3.5,
           her2_ish_second="negative", her2_status="low"),
    worked("cs-other-test", cs(f14="010"), her2_other_reported="positive", her2_status="unknown"),
    worked("cs-receptors", cs(f1="010", f2="020"), er_status="positive", pr_status="negative",
           hr_status="positive"),
    worked("cs-old-receptors", cs(f1="000", f2="080"), er_status=None, pr_status=None),
    worked("cs-nottingham", {"grade": "2", **cs(f7="080")}, grade="2"),
    worked("cs-response", cs(f21="010"), neoadjuvant_response="complete", pcr="yes"),
    worked("cs-partial", cs(f21="020"), neoadjuvant_response="partial", pcr="no"),
    worked("cs-response-nos", cs(f21="025"), neoadjuvant_response=None, pcr=None),
    worked("cs-no-neoadjuvant", cs(f21="987"), pcr=None),
    worked("cs-multigene", cs(f22="010", f23="018"), multigene_assay="oncotype_dx",
           multigene_score=18, her2_status="unknown"),
    worked("cs-before-her2", {"dateOfDiagnosis": "20090101", **cs(f8="010", f1="010")},
           her2_ihc=None, er_status="positive", her2_status="unknown"),
    # SSDI, 2018-2020.
    worked("ssdi-zero", ssdi(ihc="0", overall="0"), her2_ihc="0", her2_status="zero"),
    worked("ssdi-one", ssdi(ihc="1", ish="0"), her2_ihc="1+", her2_status="low"),
    worked("ssdi-group-5", ssdi(ihc="2", ratio="1.4", dual="3.1"), her2_ratio=1.4,
           her2_copies=3.1, her2_status="low"),
    worked("ssdi-group-1", ssdi(ihc="2", ratio="2.4", dual="6.8", ish="3"), her2_status="positive"),
    worked("ssdi-below-two", ssdi(ihc="2", ratio="XX.2", ish="0"), her2_ratio_high=2,
           her2_status="low"),
    worked("ssdi-hundred", ssdi(ihc="2", single="XX.1"), her2_copies_single_low=100,
           her2_status="positive"),
    worked("ssdi-negative-without-score", ssdi(ihc="4", overall="0"), her2_ihc=None,
           her2_ihc_reported="negative", her2_status="negative_unspecified"),
    worked("ssdi-summary-only", ssdi(overall="0"), her2_reported="negative_or_equivocal",
           her2_status="negative_unspecified"),
    worked("ssdi-equivocal", ssdi(ihc="2", ish="2"), her2_ish="equivocal",
           her2_status="unresolved"),
    worked("ssdi-percent", ssdi(er="1", er_pct="R10", allred="03", ki67="20.5"),
           er_percent=None, er_allred=3, ki67_percent=20.5, er_status="positive"),
    worked("ssdi-percent-0", ssdi(er="0", pr="0", er_pct="000"), er_percent=0,
           hr_status="negative"),
    # From 2021 the items of the score are no longer collected: 3855 is.
    worked("later-score", ssdi("2021", ihc="1", overall="0"), her2_ihc=None,
           her2_status="negative_unspecified"),
    worked("later-positive", ssdi("2022", overall="1"), her2_reported="positive",
           her2_status="positive"),
    worked("later-neoadjuvant", {"dateOfDiagnosis": "20220301", "neoadjuvantTherapy": "1",
           "rxSummSystemicSurSeq": "3", "neoadjuvTherapyTreatmentEffect": "1",
           "neoadjuvTherapyClinicalResponse": "2"}, neoadjuvant="yes",
           treatment_effect="no_invasive_in_breast", clinical_response="partial", pcr=None),
    worked("later-limited", {"dateOfDiagnosis": "20220301", "neoadjuvantTherapy": "3"},
           neoadjuvant="no"),
    worked("burden", {"dateOfDiagnosis": "20260301", "residualCancerBurdenClass": "0",
           "residualCancerBurdenRCB": "0.000"}, rcb_class="0", rcb_score=0, pcr="yes"),
    # Size, nodes, stage by edition; treatment and its days.
    worked("size-cs", {"csTumorSize": "022", "tumorSizeSummary": "099"}, tumour_size_mm=22),
    worked("size-2016", {"dateOfDiagnosis": "20170101", "csTumorSize": "022",
           "tumorSizeSummary": "035"}, tumour_size_mm=35),
    worked("size-coded", {"csTumorSize": "992"}, tumour_size_mm=None),
    worked("nodes", {"regionalNodesPositive": "03", "regionalNodesExamined": "12"},
           nodes_positive=3, nodes_examined=12),
    worked("nodes-none", {"regionalNodesPositive": "98", "regionalNodesExamined": "00"},
           nodes_positive=None, nodes_examined=0),
    worked("tnm-7", {"tnmPathT": "p2", "tnmPathN": "p1A", "tnmClinM": "c0",
           "tnmPathStageGroup": "2B"}, t_category="T2", n_category="N1", m_category="M0",
           stage="II"),
    worked("tnm-8", {"dateOfDiagnosis": "20190301", "ajccTnmPathT": "pT1c",
           "ajccTnmClinN": "cN0", "ajccTnmClinM": "cM1", "ajccTnmClinStageGroup": "4"},
           t_category="T1", n_category="N0", m_category="M1", stage="IV"),
    worked("grade-2018", {"dateOfDiagnosis": "20190301", "gradeClinical": "2",
           "gradePathological": "9"}, grade="2"),
    worked("treated", {"rxSummChemo": "03", "rxDateChemo": "20120720", "rxSummHormone": "01",
           "rxSummBrm": "01", "rxSummSurgPrimSite": "22", "rxSummSurgRadSeq": "3",
           "rxDateMostDefinSurg": "20120701"}, chemotherapy="yes", chemotherapy_day=35,
           endocrine_therapy="yes", immunotherapy="yes", surgery="breast_conserving",
           surgery_day=16, radiotherapy="yes"),
    worked("refused", {"rxSummChemo": "87", "rxSummHormone": "88", "rxSummSurgRadSeq": "0"},
           chemotherapy="no", endocrine_therapy=None, radiotherapy=None),
    worked("partial-start", {"rxSummChemo": "02", "rxDateChemo": "201207"}, chemotherapy="yes",
           chemotherapy_day=None),
    # Survival and cause of death.
    worked("months", {"survMosPresumedAlive": "0096", "survFlagPresumedAlive": "1"},
           followup_months=96, followup_flag="complete", vital_status="alive"),
    worked("months-unknown", {"survMosPresumedAlive": "9999", "survFlagPresumedAlive": "9"},
           followup_months=None, followup_flag="unknown"),
    worked("certificate-only", {"survMosPresumedAlive": "9999", "survFlagPresumedAlive": "8",
           "typeOfReportingSource": "7", "vitalStatus": "0"}, vital_status="dead",
           followup_flag="death_certificate_or_autopsy_only",
           reporting_source="death_certificate_only"),
    worked("old-status", {"vitalStatus": "4"}, vital_status="dead"),
    worked("cod-this", {"vitalStatus": "0", "seerCauseSpecificCod": "1"},
           cause_of_death="breast_cancer"),
    worked("cod-other", {"vitalStatus": "0", "seerCauseSpecificCod": "0"}, cause_of_death="other"),
    worked("cod-alive", {"vitalStatus": "1", "seerCauseSpecificCod": "0"}, cause_of_death=None),
    worked("cod-missing", {"vitalStatus": "0", "seerCauseSpecificCod": "8"},
           cause_of_death="unknown"),
    worked("cod-not-applicable", {"vitalStatus": "0", "seerCauseSpecificCod": "9"},
           cause_of_death=None),
    # A patient of several tumours: the breast cancer diagnosed first.
    Worked("several", ({"primarySite": "C341", "dateOfDiagnosis": "20110101",
           "sequenceNumberCentral": "01"}, {"sequenceNumberCentral": "02", **cs(f8="010")},
           {"dateOfDiagnosis": "20140101", "sequenceNumberCentral": "03", **cs(f8="030")}),
           {"n_tumours": 3, "her2_ihc": "1+", "tumour_sequence": "later"}),
    Worked("in-situ-first", ({"behaviorCodeIcdO3": "2", "dateOfDiagnosis": "20110101",
           "sequenceNumberCentral": "01"}, {"sequenceNumberCentral": "02"}),
           {"n_tumours": 2, "behaviour": "invasive", "diagnosis_year": 2012}),
    worked("year-only", {"dateOfDiagnosis": "2012", **cs(f8="020")}, diagnosis_year=2012,
           diagnosis_date=None, her2_ihc="2+"),
]  # fmt: skip


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return classified("naaccr", table(CASES, "patientIdNumber", BLANK))


@pytest.fixture(scope="module")
def by_patient(cohort: Cohort) -> dict[str, dict[str, Any]]:
    return answers(cohort)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_worked_patient(by_patient: dict[str, dict[str, Any]], case: Worked) -> None:
    row = by_patient[case.id]
    assert {name: row[name] for name in case.expected} == case.expected


def test_what_was_left_out_is_counted(cohort: Cohort) -> None:
    assert not [f for f in cohort.findings if f.rule == "unknown_code"]
    ihc = seen(cohort, "her2_ihc")
    assert ihc["obsolete_code", ""] == 1
    assert ihc["missing", "negative_without_score"] == 1
    assert seen(cohort, "radiotherapy")["missing", "no_or_unknown"] == 1
    assert seen(cohort, "n_tumours")["several_tumours", ""] == 2


def numbers() -> dict[str, str]:
    """Item numbers by XML id, as the package's dictionary pairs them."""
    text = (Path(__file__).parents[2] / "cohort/dictionaries/naaccr.yaml").read_text()
    words = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
    pairs = pairwise(words)
    return {a[5:]: b[5:] for a, b in pairs if a.startswith("main.") and b[5:].isdigit()}


def test_headings_may_be_item_numbers(by_patient: dict[str, dict[str, Any]]) -> None:
    items = {**numbers(), "patientIdNumber": "20"}
    rows = table(CASES, "patientIdNumber", BLANK).drop(columns="dateOfLastContact")
    rows = rows.rename(columns=items)
    assert all(str(name).isdigit() for name in rows.columns)
    assert answers(classified("naaccr", rows)) == by_patient


def test_ids_and_numbers_are_those_of_the_item_table(domain: Path) -> None:
    with (domain / "naaccr_items.csv").open() as file:
        items = {row["xml_id"]: row["naaccr_item"] for row in csv.DictReader(file)}
    paired = numbers()
    assert {
        name: number for name, number in paired.items() if name in items
    }.items() <= items.items()
    assert len(paired) > 80


CERTIFIED = [
    # Sequence, ICD-10 code of the certificate, and the answer by the first-primary rule.
    ("00", "C509", "breast_cancer"), ("00", "C349", "breast_cancer"),
    ("00", "D489", "breast_cancer"), ("00", "N63", "breast_cancer"),
    ("00", "B21", "breast_cancer"), ("00", "I219", "other"), ("00", "C61", "breast_cancer"),
    ("01", "C509", "breast_cancer"), ("01", "C349", "other"), ("02", "C798", "breast_cancer"),
    ("02", "D486", "breast_cancer"), ("01", "I219", "other"), ("00", "7777", "unknown"),
    ("01", "7797", "unknown"), ("00", "C5", "unknown"), ("01", "I2", "unknown"),
    # Which rule it is cannot be told: what both say.
    ("99", "C349", "unknown"), ("99", "C509", "breast_cancer"), ("99", "I219", "other"),
    ("88", "B21", "unknown"), ("00", "0000", None), ("00", "", None),
]  # fmt: skip


def test_cause_of_death_of_the_certificate_follows_the_first_primary_rule() -> None:
    rows = [
        {**BLANK, "patientIdNumber": f"P{i:02d}", "sequenceNumberCentral": sequence,
         "causeOfDeath": code, "vitalStatus": "0"}
        for i, (sequence, code, _) in enumerate(CERTIFIED)
    ]  # fmt: skip
    found = answers(classified("naaccr", pd.DataFrame(rows)))
    told = [found[f"P{i:02d}"]["cause_of_death"] for i in range(len(CERTIFIED))]
    assert told == [answer for _, _, answer in CERTIFIED]


def test_days_between_whole_dates_and_none_where_a_day_is_unknown() -> None:
    dates = [("20120615", "20200615"), ("201206", "20200615"), ("2012", "2020"),
             ("20120615", "99999999"), ("20120615", "")]  # fmt: skip
    rows = [
        {**BLANK, "patientIdNumber": f"P{i}", "dateOfDiagnosis": first, "dateOfLastContact": last}
        for i, (first, last) in enumerate(dates)
    ]
    cohort = classified("naaccr_days", pd.DataFrame(rows))
    found = answers(cohort)
    assert [found[f"P{i}"]["followup_days"] for i in range(5)] == [2922, None, None, None, None]
    assert [found[f"P{i}"]["diagnosis_year"] for i in range(5)] == [2012] * 5
    assert cohort.time_unit == "days"
