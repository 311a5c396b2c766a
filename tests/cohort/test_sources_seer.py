"""SEER: worked case listings with old and new headings, and why HER2-low cannot be formed."""

from __future__ import annotations

from typing import Any

import pytest

from cohort.dictionary import SourceDictionary
from cohort.table import Cohort
from tests.cohort.worked import Worked, answers, classified, seen, table, worked

HER2, SUBTYPE = "Derived HER2 Recode (2010+)", "Breast Subtype (2010+)"
OVERALL = "HER2 Overall Summary Recode (2018+)"
CAUSE = "SEER cause-specific death classification"
CHEMO, RADIATION = "Chemotherapy recode (yes, no/unk)", "Radiation recode"
ER, PR = "ER Status Recode Breast Cancer (1990+)", "PR Status Recode Breast Cancer (1990+)"
STAGE_7 = "Derived AJCC Stage Group, 7th ed (2010-2015)"
EOD = "Derived EOD 2018 Stage Group Recode (2018+)"
AGE = "Age recode with single ages and 90+"
FLAG = "Survival months flag"

BLANK = {
    "Year of diagnosis": "2014", "Sex": "Female", "Primary Site - labeled": "C50.4-Upper-outer",
    "ICD-O-3 Hist/behav": "8500/3: Infiltrating duct carcinoma, NOS", AGE: "61 years",
    "Sequence number": "One primary only", "Survival months": "0060",
    "Vital status recode (study cutoff used)": "Alive",
}  # fmt: skip
VITAL = "Vital status recode (study cutoff used)"

CASES = [
    worked("positive", {HER2: "Positive", SUBTYPE: "HR+/HER2+ (Luminal B)"},
           her2_reported="positive", her2_status="positive"),
    worked("negative", {HER2: "Negative", SUBTYPE: "HR+/HER2- (Luminal A)"},
           her2_reported="negative", her2_status="negative_unspecified"),
    worked("borderline", {HER2: "Borderline"}, her2_reported="equivocal",
           her2_status="unresolved"),
    worked("unknown", {HER2: "Unknown", SUBTYPE: "Unknown"}, her2_reported=None,
           her2_status="unknown"),
    worked("not-2010", {"Year of diagnosis": "2008", HER2: "Not 2010+ Breast",
           SUBTYPE: "Recode not available"}, her2_reported=None, her2_status="unknown"),
    worked("overall", {"Year of diagnosis": "2019", OVERALL: "HER2 negative; equivocal"},
           her2_reported="negative_or_equivocal", her2_status="negative_unspecified"),
    worked("overall-positive", {"Year of diagnosis": "2019", OVERALL: "HER2 positive"},
           her2_status="positive"),
    worked("subtype-alone", {HER2: "Blank(s)", SUBTYPE: "HR-/HER2- (Triple Negative)"},
           her2_reported="negative", her2_status="negative_unspecified"),
    worked("enriched", {SUBTYPE: "HR-/HER2+ (HER2 enriched)  "}, her2_reported="positive"),
    worked("receptors", {ER: "Positive", PR: "Borderline"}, er_status="positive",
           pr_status="borderline", hr_status="positive"),
    worked("receptors-unknown", {ER: "Borderline/Unknown", PR: "Recode not available"},
           er_status=None, pr_status=None),
    worked("chemotherapy", {CHEMO: "Yes", RADIATION: "Beam radiation"}, chemotherapy="yes",
           radiotherapy="yes"),
    worked("no-or-unknown", {CHEMO: "No/Unknown", RADIATION: "None/Unknown"}, chemotherapy=None,
           radiotherapy=None),
    worked("refused", {RADIATION: "Refused (1988+)"}, radiotherapy="no"),
    worked("recommended", {RADIATION: "Recommended, unknown if administered"}, radiotherapy=None),
    worked("months", {"Survival months": "0007 ", FLAG: "Incomplete dates are available and there "
           "could be zero days of follow-up"}, followup_months=7,
           followup_flag="incomplete_zero_days_possible"),
    worked("months-longer-label", {FLAG: "Complete dates are available and there are more than 0 "
           "days of survival (as of 2024)"}, followup_flag="complete"),
    worked("months-unknown", {"Survival months": "Unknown", FLAG: "Not calculated because a Death "
           "Certificate Only or Autopsy Only case"}, followup_months=None,
           followup_flag="death_certificate_or_autopsy_only"),
    worked("died-of-it", {VITAL: "Dead", CAUSE: "Dead (attributable to this cancer dx)"},
           vital_status="dead", cause_of_death="breast_cancer"),
    worked("died-otherwise", {VITAL: "Dead", CAUSE: "Alive or dead of other cause"},
           cause_of_death="other"),
    worked("alive", {CAUSE: "Alive or dead of other cause"}, vital_status="alive",
           cause_of_death=None),
    worked("cause-missing", {VITAL: "Dead", CAUSE: "Dead (missing/unknown COD)"},
           cause_of_death="unknown"),
    worked("not-first", {VITAL: "Dead", CAUSE: "N/A not first tumor",
           "Sequence number": "2nd of 2 or more primaries"}, cause_of_death=None,
           tumour_sequence="later"),
    worked("not-0-59", {VITAL: "Dead", CAUSE: "N/A not seq 0-59"}, cause_of_death=None),
    worked("age", {AGE: "90+ years"}, age_years=None, age_band="90+"),
    worked("age-single", {}, age_years=61, age_band="60-64", histology="ductal",
           behaviour="invasive", primary_site="C50.4", tumour_sequence="only"),
    worked("grade", {"Grade Recode (thru 2017)": "Poorly differentiated; Grade III"}, grade="3"),
    worked("grade-2018", {"Year of diagnosis": "2019", "Derived Summary Grade 2018 (2018+)": "2"},
           grade="2"),
    worked("stage-7", {STAGE_7: "IIB"}, stage="II"),
    worked("stage-eod", {"Year of diagnosis": "2019", STAGE_7: "Blank(s)", EOD: "3A"},
           stage="III"),
    worked("stage-unknown", {STAGE_7: "UNK Stage"}, stage=None),
    worked("size", {"CS tumor size (2004-2015)": "022", "Regional nodes positive (1988+)": "2"},
           tumour_size_mm=22, nodes_positive=2),
    Worked("several", ({"Year of diagnosis": "2016", HER2: "Positive",
           "Sequence number": "2nd of 2 or more primaries"}, {"Year of diagnosis": "2012",
           "Sequence number": "1st of 2 or more primaries", HER2: "Negative"}),
           {"n_tumours": 2, "diagnosis_year": 2012, "her2_reported": "negative",
            "tumour_sequence": "first_of_several"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    # Blank cells and trailing blanks of headings as the listings have them.
    rows = table(CASES, "Patient ID", BLANK).replace("", "Blank(s)")
    return classified("seer", rows.rename(columns={SUBTYPE: f"{SUBTYPE} ", ER: f" {ER}"}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_worked_patient(cohort: Cohort, case: Worked) -> None:
    row = answers(cohort)[case.id]
    assert {name: row[name] for name in case.expected} == case.expected


def test_no_patient_is_zero_or_low_and_the_source_says_why(cohort: Cohort) -> None:
    statuses = {row["her2_status"] for row in answers(cohort).values()}
    assert not statuses & {"zero", "low"}
    identifies = SourceDictionary.load("seer").identifies
    assert identifies.her2_score is False
    assert "no immunohistochemistry score" in identifies.because["her2_score"]


def test_what_cannot_be_told_is_counted(cohort: Cohort) -> None:
    assert seen(cohort, "chemotherapy")["missing", "no_or_unknown"] == 1
    assert seen(cohort, "radiotherapy")["missing", "no_or_unknown"] == 1
    assert not [f for f in cohort.findings if f.rule == "unknown_code"]


FLAT = [
    ("1", "1", "positive", "alive"), ("2", "3", "negative", "dead"),
    ("3", "5", "equivocal", "dead"), ("4", "5", None, "alive"), ("9", "9", None, "alive"),
]  # fmt: skip


def test_codes_of_the_old_flat_file() -> None:
    rows = [
        worked(f"P{i}", {"YEAR_DX": "2013", "her2": her2, "brst_sub": subtype, "SRV_TIME_MON": "12",
               "STAT_REC": "4" if vital == "dead" else "1"})
        for i, (her2, subtype, _, vital) in enumerate(FLAT)
    ]  # fmt: skip
    found = answers(classified("seer", table(rows, "Patient ID", {})))
    assert [found[f"P{i}"]["her2_reported"] for i in range(5)] == [x[2] for x in FLAT]
    assert [found[f"P{i}"]["vital_status"] for i in range(5)] == [x[3] for x in FLAT]


def test_subtype_codes_of_the_flat_file_have_an_order_of_their_own() -> None:
    rows = [
        worked(f"P{code}", {"YEAR_DX": "2013", "brst_sub": code, "SRV_TIME_MON": "12",
               "STAT_REC": "1"})
        for code in "123459"
    ]  # fmt: skip
    found = answers(classified("seer", table(rows, "Patient ID", {})))
    assert [found[f"P{code}"]["her2_reported"] for code in "123459"] == [
        "positive", "positive", "negative", "negative", None, None,
    ]  # fmt: skip


def test_a_custom_listing_with_factor_8_has_a_score() -> None:
    factor = "CS site-specific factor 8 (2004+ varying by schema)"
    cases = [
        worked("zero", {factor: "000", HER2: "Negative"}),
        worked("low", {factor: "010", HER2: "Negative"}),
        worked("two", {factor: "020", HER2: "Negative"}),
        worked("three", {factor: "030", HER2: "Positive"}),
        worked("none", {factor: "998", HER2: "Negative"}),
    ]
    found = answers(classified("seer_custom", table(cases, "Patient ID", BLANK)))
    assert {key: row["her2_status"] for key, row in found.items()} == {
        "zero": "zero", "low": "low", "two": "unresolved", "three": "positive",
        "none": "negative_unspecified",
    }  # fmt: skip


def test_the_public_set_of_2006_to_2010_has_no_her2() -> None:
    row: dict[str, Any] = {
        "Age": "68", "Race ": "White", "T Stage ": "T1", "N Stage": "N1", "6th Stage": "IIA",
        "Grade": "Poorly differentiated; Grade III", "Tumor Size": "4", "Estrogen Status":
        "Positive", "Progesterone Status": "Positive", "Regional Node Examined": "24",
        "Reginol Node Positive": "1", "Survival Months": "60", "Status": "Alive",
    }  # fmt: skip
    found = answers(classified("seer_2006_2010", table([worked("P1", row)], "Patient", {})))["P1"]
    assert (found["race"], found["t_category"], found["stage"]) == ("white", "T1", "II")
    assert (found["grade"], found["nodes_positive"], found["followup_months"]) == ("3", 1, 60)
    assert found["her2_status"] == "unknown"
