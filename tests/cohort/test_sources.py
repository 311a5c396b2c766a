"""The package's own sources: worked registry rows, and real public files where at hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.table import Cohort

BIOTAB = "nationwidechildrens.org_clinical_patient_brca.txt"


def registry(rows: list[dict[str, Any]], folder: Path) -> pd.DataFrame:
    """NCDB rows, written as CSV and read; what a row does not say is blank."""
    blank = {
        "PUF_CASE_ID": "", "YEAR_OF_DIAGNOSIS": "", "PUF_VITAL_STATUS": "1",
        "DX_LASTCONTACT_DEATH_MONTHS": "10",
    }  # fmt: skip
    filled = [blank | {"PUF_CASE_ID": f"C{i:02d}"} | row for i, row in enumerate(rows)]
    path = folder / "ncdb.csv"
    pd.DataFrame(filled).to_csv(path, index=False)
    return harmonise(load(path, source="ncdb_puf")).to_pandas()


def listed(frame: pd.DataFrame, name: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in frame[name].astype(object)]


def cs(year: int = 2012, **factors: str) -> dict[str, Any]:
    columns = {f"CS_SITESPECIFIC_FACTOR_{n.removeprefix('f')}": v for n, v in factors.items()}
    return {"YEAR_OF_DIAGNOSIS": year, **columns}


def test_collaborative_stage_her2(tmp_path: Path) -> None:
    rows = [
        cs(f8="000", f9="020", f10="110", f11="020", f12="991", f13="020", f15="020"),
        cs(f8="10", f9="10", f10="980", f11="10", f12="987", f13="30", f15="30"),
        cs(f8="20", f9="30", f10="991", f11="30", f12="450", f13="10", f15="10"),
        cs(f8="030", f9="988", f10="999", f11="998", f12="988", f13="998", f15="999"),
        cs(2009, f8="030", f9="010", f10="230", f11="010", f12="450", f13="010", f15="010"),
    ]
    frame = registry(rows, tmp_path)
    assert listed(frame, "her2_ihc") == ["0", "1+", "2+", "3+", None]
    assert listed(frame, "her2_ihc_reported") == ["negative", "positive", "equivocal", None, None]
    assert listed(frame, "her2_ish") == ["negative", "positive", "equivocal", None, None]
    assert listed(frame, "her2_ish_second") == ["negative", "equivocal", "positive", None, None]
    assert listed(frame, "her2_reported") == ["negative", "equivocal", "positive", None, None]
    assert listed(frame, "her2_ratio") == [1.1, None, None, None, None]
    assert listed(frame, "her2_ratio_low") == [1.1, 9.8, None, None, None]
    assert listed(frame, "her2_ratio_high") == [1.1, None, 1, None, None]
    assert listed(frame, "her2_copies_single") == [None, None, 4.5, None, None]
    assert listed(frame, "her2_copies_single_low") == [None, 9.8, 4.5, None, None]
    assert listed(frame, "her2_copies_single_high") == [1, None, 4.5, None, None]


@pytest.mark.parametrize("heading", ["HER2_IHC_SUMMARY", "her2_ihc_summary", "her2_ich_summary"])
def test_ssdi_her2(tmp_path: Path, heading: str) -> None:
    def row(ihc: str, ish: str, ratio: str, dual: str, single: str, overall: str) -> dict[str, Any]:
        return {
            "YEAR_OF_DIAGNOSIS": 2019, heading: ihc, "HER2_ISH_SUMMARY": ish,
            "HER2_ISH_DUAL_RATIO": ratio, "HER2_ISH_DUAL_NUM": dual,
            "HER2_ISH_SINGLE_NUM": single, "HER2_OVERALL_SUMM": overall,
        }  # fmt: skip

    rows = [
        row("0", "0", "1.9", "3.2", "3.9", "0"),
        row("1", "2", "XX.2", "XX.1", "XX.1", "1"),
        row("2", "3", "XX.3", "XX.7", "XX.9", "7"),
        row("3", "7", "XX.7", "XX.8", "XX.8", "9"),
        row("4", "8", "XX.8", "XX.9", "XX.7", "8"),
        row("9", "9", "XX.9", "", "", ""),
    ]
    frame = registry(rows, tmp_path)
    assert listed(frame, "her2_ihc") == ["0", "1+", "2+", "3+", None, None]
    assert listed(frame, "her2_ihc_reported") == [None, None, None, None, "negative", None]
    assert listed(frame, "her2_ish") == ["negative", "equivocal", "positive", None, None, None]
    assert listed(frame, "her2_ratio") == [1.9, *[None] * 5]
    assert listed(frame, "her2_ratio_low") == [1.9, None, 2, None, None, None]
    assert listed(frame, "her2_ratio_high") == [1.9, 2, *[None] * 4]
    assert listed(frame, "her2_copies") == [3.2, *[None] * 5]
    assert listed(frame, "her2_copies_low") == [3.2, 100, *[None] * 4]
    assert listed(frame, "her2_copies_single_low") == [3.9, 100, *[None] * 4]
    assert listed(frame, "her2_reported") == ["negative_or_equivocal", "positive", *[None] * 4]
    assert listed(frame, "her2_ish_second") == [None] * 6


def test_receptors_by_era(tmp_path: Path) -> None:
    rows = [
        cs(f1="10", f2="020"),
        cs(f1="030", f2="000"),
        cs(f1="020", f2="080"),
        {"YEAR_OF_DIAGNOSIS": 2018, "ER_SUMMARY": "0", "PR_SUMMARY": "1",
         "ER_PERCENT_POS_OR_RNG": "0", "PR_PERCENT_POS_OR_RNG": "R20", "KI67": "XXX.7"},
        {"YEAR_OF_DIAGNOSIS": 2018, "ER_SUMMARY": "1", "PR_SUMMARY": "9",
         "ER_PERCENT_POS_OR_RNG": "95", "PR_PERCENT_POS_OR_RNG": "XX9", "KI67": "20.5"},
    ]  # fmt: skip
    frame = registry(rows, tmp_path)
    assert listed(frame, "er_status") == [
        "positive", "borderline", "negative", "negative", "positive",
    ]  # fmt: skip
    assert listed(frame, "pr_status") == ["negative", None, None, "positive", None]
    assert listed(frame, "hr_status") == ["positive", None, None, "positive", "positive"]
    assert listed(frame, "er_percent") == [None, None, None, 0, 95]
    assert listed(frame, "pr_percent") == [None] * 5
    assert listed(frame, "ki67_percent") == [None, None, None, None, 20.5]


def test_demography_tumour_and_outcome(tmp_path: Path) -> None:
    rows = [
        {"YEAR_OF_DIAGNOSIS": 2012, "AGE": "61", "SEX": "2", "RACE": "1", "BEHAVIOR": "3",
         "SEQUENCE_NUMBER": "0", "HISTOLOGY": "8500", "GRADE": "2", "ANALYTIC_STAGE_GROUP": "2",
         "TUMOR_SIZE": "22", "REGIONAL_NODES_POSITIVE": "3", "CDCC_TOTAL_BEST": "3",
         "RX_SUMM_SURG_PRIM_SITE": "22", "RX_SUMM_CHEMO": "3", "RX_SUMM_HORMONE": "1",
         "RX_SUMM_SYSTEMIC_SUR_SEQ": "3", "DX_CHEMO_STARTED_DAYS": "40",
         "PUF_VITAL_STATUS": "0", "DX_LASTCONTACT_DEATH_MONTHS": "40.25"},
        {"YEAR_OF_DIAGNOSIS": 2016, "AGE": "50", "SEX": "1", "RACE": "99", "BEHAVIOR": "2",
         "SEQUENCE_NUMBER": "02", "HISTOLOGY": "8520", "GRADE": "9", "ANALYTIC_STAGE_GROUP": "0",
         "TUMOR_SIZE": "22", "TUMOR_SIZE_SUMMARY_2016": "989", "REGIONAL_NODES_POSITIVE": "95",
         "RX_SUMM_SURG_PRIM_SITE": "00", "RX_SUMM_CHEMO": "85", "RX_SUMM_HORMONE": "88",
         "RX_SUMM_SYSTEMIC_SUR_SEQ": "4"},
        {"YEAR_OF_DIAGNOSIS": 2019, "SEX": "2", "RACE": "02", "HISTOLOGY": "8211",
         "GRADE_CLIN": "2", "GRADE_PATH": "9", "TUMOR_SIZE_SUMMARY_2016": "015",
         "SEQUENCE_NUMBER": "01", "REGIONAL_NODES_POSITIVE": "00",
         "RX_SUMM_SURG_PRIM_SITE": "51", "PUF_VITAL_STATUS": "", "ANALYTIC_STAGE_GROUP": "9",
         "DX_LASTCONTACT_DEATH_MONTHS": ""},
    ]  # fmt: skip
    frame = registry(rows, tmp_path)
    assert listed(frame, "age_years") == [61, 50, None]
    assert listed(frame, "sex") == ["female", "male", "female"]
    assert listed(frame, "race") == ["white", None, "black"]
    assert listed(frame, "behaviour") == ["invasive", "in_situ", None]
    assert listed(frame, "tumour_sequence") == ["only", "later", "first_of_several"]
    assert listed(frame, "histology") == ["ductal", "lobular", "other"]
    assert listed(frame, "grade") == ["2", None, "2"]
    assert listed(frame, "stage") == ["II", "0", None]
    assert listed(frame, "tumour_size_mm") == [22, None, 15]
    assert listed(frame, "nodes_positive") == [3, None, 0]
    assert listed(frame, "comorbidity_index") == ["3+", None, None]
    assert listed(frame, "surgery") == ["breast_conserving", "none", "mastectomy"]
    assert listed(frame, "chemotherapy") == ["yes", "no", None]
    assert listed(frame, "endocrine_therapy") == ["yes", None, None]
    assert listed(frame, "neoadjuvant") == ["no", "yes", None]
    assert listed(frame, "chemotherapy_day") == [40, None, None]
    assert listed(frame, "vital_status") == ["dead", "alive", None]
    assert listed(frame, "followup_months") == [40.25, 10, None]


def test_a_cbioportal_download_with_display_names(tmp_path: Path) -> None:
    path = tmp_path / "clinical.tsv"
    path.write_text(
        "Study ID\tPatient ID\tDiagnosis Age\tHER2 ihc score\tIHC-HER2\tIHC Score\t"
        "Overall Survival (Months)\tOverall Survival Status\n"
        "s\tP1\t50\t2\tEquivocal\t3\t12.5\t1:DECEASED\n"
        "s\tP2\tNA\tNA\tIndeterminate\t0\t3\tLIVING\n"
    )
    cohort = harmonise(load(path, source="cbioportal"))
    frame = cohort.to_pandas()
    assert listed(frame, "her2_ihc") == ["2+", None]
    assert listed(frame, "her2_ihc_reported") == ["equivocal", None]
    assert listed(frame, "vital_status") == ["dead", "alive"]
    assert listed(frame, "followup_months") == [12.5, 3]
    assert {f.column: f.n for f in cohort.findings if f.rule == "unmapped_column"} == {
        "IHC Score": 2
    }


def event_counts(cohort: Cohort, unit: str = "days") -> tuple[int, int]:
    """Patients with vital status and follow-up, and the deaths among them."""
    frame = cohort.to_pandas()
    known = frame[f"followup_{unit}"].notna() & frame["vital_status"].notna()
    return int(known.sum()), int((frame["vital_status"][known] == "dead").sum())


def given(cohort: Cohort, name: str) -> tuple[int, int]:
    frame = cohort.to_pandas()
    known = frame[f"given_{name}_time"].notna() & frame[f"given_{name}_event"].notna()
    return int(known.sum()), int((frame[f"given_{name}_event"][known] == "yes").sum())


@pytest.fixture(scope="module")
def tcga(real_data: Path) -> Cohort:
    folder = real_data / "tcga_brca"
    files = {"main": folder / BIOTAB, "cdr": folder / "tcga_cdr_brca.csv"}
    return harmonise(load(files, source="tcga_brca"))


CROSS_TABLE = {
    ("0", "negative"): 18, ("0", None): 43,
    ("1+", "negative"): 76, ("1+", "positive"): 3, ("1+", None): 194,
    ("2+", "negative"): 138, ("2+", "positive"): 36, ("2+", "equivocal"): 3, ("2+", None): 22,
    ("3+", "negative"): 5, ("3+", "positive"): 23, ("3+", None): 62,
    (None, "negative"): 96, (None, "positive"): 16, (None, "equivocal"): 2, (None, None): 362,
}  # fmt: skip


@pytest.mark.real
def test_tcga_ihc_by_ish(tcga: Cohort) -> None:
    frame = tcga.to_pandas()
    pairs = Counter(zip(listed(frame, "her2_ihc"), listed(frame, "her2_ish"), strict=True))
    assert tcga.n == 1099
    assert dict(pairs) == CROSS_TABLE
    kinds = {f.value: f.n for f in tcga.findings if f.column == "her2_ish"}
    assert kinds == {
        "not_evaluated": 596, "not_available": 82, "indeterminate": 4, "not_done": 1,
    }  # fmt: skip


@pytest.mark.real
def test_tcga_score_and_wording_disagree_as_published(tcga: Cohort) -> None:
    frame = tcga.to_pandas()
    worded = Counter(
        zip(listed(frame, "her2_ihc"), listed(frame, "her2_ihc_reported"), strict=True)
    )
    assert worded["1+", "positive"] == 11
    assert worded["2+", "positive"] == 27
    assert worded["3+", "negative"] == 2
    assert frame["her2_ratio"].notna().sum() == 233


@pytest.mark.real
def test_tcga_outcomes_with_cdr(tcga: Cohort) -> None:
    assert event_counts(tcga) == (1096, 151)
    assert given(tcga, "pfi") == (1096, 145)
    assert given(tcga, "dss") == (1077, 83)
    assert given(tcga, "dfi") == (952, 84)
    causes = Counter(listed(tcga.to_pandas(), "cause_of_death"))
    assert (causes["breast_cancer"], causes["other"]) == (83, 49)
    assert [(f.source, f.n) for f in tcga.findings if f.rule == "key_not_met"] == [("main", 2)]


@pytest.mark.real
def test_tcga_has_nothing_that_the_dictionary_does_not_know(tcga: Cohort) -> None:
    rules = {f.rule for f in tcga.findings if f.severity == "warning"}
    assert rules == {"key_not_met"}
    unmapped = {f.column: f.n for f in tcga.findings if f.rule == "unmapped_column"}
    assert unmapped == {"her2_copy_number": 114, "cent17_copy_number": 106}


@pytest.mark.real
def test_tcga_receptors(tcga: Cohort) -> None:
    frame = tcga.to_pandas()
    groups = Counter(zip(listed(frame, "her2_ihc"), listed(frame, "hr_status"), strict=True))
    assert groups["0", "positive"] == 43


@pytest.mark.real
def test_tcga_biotab_alone(real_data: Path) -> None:
    cohort = harmonise(load(real_data / "tcga_brca" / BIOTAB, source="tcga_brca"))
    assert cohort.n == 1099
    # Two of 1,099 have -7 days, two of 104 deaths no day of death.
    assert cohort.to_pandas()["vital_status"].value_counts().to_dict() == {
        "alive": 995, "dead": 104,
    }  # fmt: skip
    negative = [(f.value, f.n) for f in cohort.findings if f.rule == "negative_followup"]
    assert negative == [("-7", 2)]


@pytest.mark.real
def test_cbioportal_copy_of_tcga(real_data: Path) -> None:
    path = real_data / "tcga_brca" / "brca_tcga_data_clinical_patient_noheader.txt"
    cohort = harmonise(load(path, source="cbioportal"))
    frame = cohort.to_pandas()
    assert cohort.n == 1097
    assert Counter(listed(frame, "her2_ihc")) == {
        None: 475, "1+": 272, "2+": 199, "3+": 90, "0": 61,
    }  # fmt: skip
    assert frame["vital_status"].value_counts().to_dict() == {"alive": 945, "dead": 152}
    assert "IHC_SCORE" in {f.column for f in cohort.findings if f.rule == "unmapped_column"}


@pytest.mark.real
def test_cbioportal_file_with_comment_lines(real_data: Path) -> None:
    path = real_data / "tcga_brca" / "brca_tcga_pan_can_atlas_2018_data_clinical_patient.txt"
    cohort = harmonise(load(path, source="cbioportal"))
    assert cohort.n == 1084
    assert event_counts(cohort, "months") == (1084, 151)
    assert given(cohort, "dss") == (1063, 83)  # one patient has a status without months
    assert given(cohort, "pfs")[1] == 145
    assert not [f for f in cohort.findings if f.severity == "warning"]


@pytest.mark.real
@pytest.mark.parametrize("name", ["brca_metabric_clinical_data.tsv", "data_clinical_patient.txt"])
def test_metabric(real_data: Path, name: str) -> None:
    cohort = harmonise(load(real_data / "metabric" / name, source="metabric"))
    assert cohort.n == 2509
    assert event_counts(cohort, "months") == (1981, 1144)
    frame = cohort.to_pandas()
    causes = Counter(listed(frame, "cause_of_death"))
    assert (causes["breast_cancer"], causes["other"]) == (646, 497)
    assert Counter(listed(frame, "er_status"))["positive"] == 1817
    assert not [f for f in cohort.findings if f.severity == "warning"]


@pytest.mark.real
def test_metabric_receptors_and_relapse(real_data: Path) -> None:
    path = real_data / "metabric" / "brca_metabric_clinical_data.tsv"
    cohort = harmonise(load(path, source="metabric"))
    reported = Counter(listed(cohort.to_pandas(), "her2_reported"))
    assert (reported["positive"], reported["negative"]) == (247, 1733)
    assert given(cohort, "rfs") == (2380, 964)


@pytest.mark.real
def test_a_wrong_dictionary_for_a_real_file_names_the_right_one(real_data: Path) -> None:
    from cohort.errors import DataError

    folder = real_data / "tcga_brca"
    with pytest.raises(DataError, match="GDC biotab"):
        load(folder / BIOTAB, source="cbioportal")
    with pytest.raises(DataError, match="Try source 'cbioportal'"):
        load(folder / "brca_tcga_data_clinical_patient_noheader.txt", source="tcga_brca")
