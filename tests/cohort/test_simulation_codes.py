from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import cohort
from cohort.simulation import dirt_counts, simulate, simulated_patients
from cohort.simulation.her2_evidence import PATHWAYS

GROUPS = ["zero", "low", "positive"]
DAYS = r"(\d{1,4})?"
MISSING_SSF = "988|997|998|999"
NUMBER = r"\d{1,2}\.\d|XX\.[79]"
# What a registrar may enter, column by column; a blank stands for the other era.
ALLOWED = {
    "PUF_CASE_ID": r"C\d{9}",
    "PUF_FACILITY_ID": r"F\d{5}",
    "FACILITY_TYPE_CD": r"[1-4]?",
    "AGE": r"0[2-8]\d|090",
    "SEX": "[12]",
    "RACE": "01|02|03|04|06|15|98|99",
    "SPANISH_HISPANIC_ORIGIN": "[0123469]",
    "INSURANCE_STATUS": "[012349]",
    "CDCC_TOTAL_BEST": "[0-3]",
    "SEQUENCE_NUMBER": "0[0-3]",
    "YEAR_OF_DIAGNOSIS": "201[0-9]|2020",
    "PRIMARY_SITE": r"C50[0-689]",
    "LATERALITY": "[12]",
    "HISTOLOGY": "8500|8520|8522|8480|8211|8510|8575",
    "BEHAVIOR": "[23]",
    "GRADE": "[1239]?",
    "GRADE_CLIN": "[123ABCLMH9]?",
    "GRADE_PATH": "[123ABCLMH9]?",
    "CS_SITESPECIFIC_FACTOR_7": r"(0[3-9]0|1[123]0|999)?",
    "KI67": r"(\d{1,3}\.\d|XXX\.9)?",
    "TUMOR_SIZE": r"([01]\d\d|200|999)?",
    "TUMOR_SIZE_SUMMARY_2016": r"([01]\d\d|200|999)?",
    "REGIONAL_NODES_POSITIVE": r"[0-8]\d|90|95|98",
    "REGIONAL_NODES_EXAMINED": r"[0-8]\d|90|95",
    "TNM_CLIN_T": "(c1A|c1B|c1C|c2|c3|c4B|pIS)?",
    "TNM_CLIN_N": "(c0|c1|c2A|c3A)?",
    "TNM_CLIN_M": "(c0|c1)?",
    "TNM_CLIN_STAGE_GROUP": "(0|1A|2A|2B|3A|3B|3C|4|99)?",
    "TNM_PATH_T": "(p1A|p1B|p1C|p2|p3|p4B|pIS)?",
    "TNM_PATH_N": "(p0|p1A|p2A|p3A)?",
    "TNM_PATH_M": "(c0|p1)?",
    "TNM_PATH_STAGE_GROUP": "(0|1A|2A|2B|3A|3B|3C|4|99)?",
    "AJCC_TNM_CLIN_T": r"(cT(1a|1b|1c|2|3|4b|is\(DCIS\)))?",
    "AJCC_TNM_CLIN_N": "(cN(0|1|2a|3a))?",
    "AJCC_TNM_CLIN_M": "(cM0|cM1)?",
    "AJCC_TNM_CLIN_STG_GRP": "(0|1A|2A|2B|3A|3B|3C|4|99)?",
    "AJCC_TNM_PATH_T": r"(pT(1a|1b|1c|2|3|4b|is\(DCIS\)))?",
    "AJCC_TNM_PATH_N": "(pN(0|1a|2a|3a))?",
    "AJCC_TNM_PATH_M": "(cM0|pM1)?",
    "AJCC_TNM_PATH_STG_GRP": "(0|1A|2A|2B|3A|3B|3C|4|99)?",
    "AJCC_TNM_POST_PATH_T": "(ypT(0|1c|2|3))?",
    "AJCC_TNM_POST_PATH_N": "(ypN(0|1a|2a|3a))?",
    "AJCC_TNM_POST_PATH_M": "(cM0|cM1)?",
    "ANALYTIC_STAGE_GROUP": "[0-49]",
    "METS_AT_DX_BONE": "[01]?",
    "METS_AT_DX_BRAIN": "[01]?",
    "METS_AT_DX_LIVER": "[01]?",
    "METS_AT_DX_LUNG": "[01]?",
    "LYMPH_VASCULAR_INVASION": "[0189]",
    "CS_SITESPECIFIC_FACTOR_1": "(010|020|030|000|080|997|998)?",
    "CS_SITESPECIFIC_FACTOR_2": "(010|020|030|000|080|997|998)?",
    "CS_SITESPECIFIC_FACTOR_8": f"(000|010|020|030|001|002|003|{MISSING_SSF})?",
    "CS_SITESPECIFIC_FACTOR_9": f"(010|020|030|{MISSING_SSF})?",
    "CS_SITESPECIFIC_FACTOR_10": rf"([1-9]\d\d|{MISSING_SSF})?",
    "CS_SITESPECIFIC_FACTOR_11": f"(010|020|030|{MISSING_SSF})?",
    "CS_SITESPECIFIC_FACTOR_12": rf"([1-9]\d\d|{MISSING_SSF})?",
    "CS_SITESPECIFIC_FACTOR_13": f"(010|020|030|{MISSING_SSF})?",
    "CS_SITESPECIFIC_FACTOR_14": f"({MISSING_SSF})?",
    "CS_SITESPECIFIC_FACTOR_15": f"(010|020|030|{MISSING_SSF})?",
    "CS_SITESPECIFIC_FACTOR_16": "([01][01][01]|999)?",
    "ER_SUMMARY": "[0179]?",
    "ER_PERCENT_POS_OR_RNG": r"([01]\d\d|R[1-9]0|R99|XX[79])?",
    "PR_SUMMARY": "[0179]?",
    "PR_PERCENT_POS_OR_RNG": r"([01]\d\d|R[1-9]0|R99|XX[79])?",
    "HER2_IHC_SUMMARY": "[0123479]?",
    "HER2_ISH_SUMMARY": "[02379]?",
    "HER2_ISH_DUAL_NUM": f"({NUMBER})?",
    "HER2_ISH_DUAL_RATIO": rf"({NUMBER}|XX\.[23])?",
    "HER2_ISH_SINGLE_NUM": f"({NUMBER})?",
    "HER2_OVERALL_SUMM": "[0179]?",
    "RX_SUMM_SURG_PRIM_SITE": "00|20|21|22|23|41|42|50|51",
    "DX_DEFSURG_STARTED_DAYS": DAYS,
    "RX_SUMM_CHEMO": "00|01|02|03|82|85|86|87|88|99",
    "DX_CHEMO_STARTED_DAYS": DAYS,
    "RX_SUMM_HORMONE": "00|01|82|85|86|87|88|99",
    "DX_HORMONE_STARTED_DAYS": DAYS,
    "RX_SUMM_IMMUNOTHERAPY": "00|01|82|85|86|87|88|99",
    "DX_IMMUNO_STARTED_DAYS": DAYS,
    "DX_RAD_STARTED_DAYS": DAYS,
    "DX_SYSTEMIC_STARTED_DAYS": DAYS,
    "RX_SUMM_SURGRAD_SEQ": "[03]",
    "RX_SUMM_SYSTEMIC_SUR_SEQ": "[02349]",
    "CS_SITESPECIFIC_FACTOR_21": "(010|020|030|987|999)?",
    "RSPNS_TO_NEOADJUVT": "[01249]?",
    "DX_LASTCONTACT_DEATH_MONTHS": r"(\d{1,3}\.\d\d)?",
    "PUF_VITAL_STATUS": "[01]?",
}
CS_ERA = [name for name in ALLOWED if name.startswith(("CS_SITE", "TNM_"))] + ["GRADE"]
SSDI_ERA = [name for name in ALLOWED if name.startswith(("AJCC_", "HER2_", "ER_", "PR_", "GRADE_"))]


@pytest.fixture(scope="module")
def clean() -> pd.DataFrame:
    return simulate(20_000, seed=11, dirt=0)


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return simulated_patients(20_000, seed=11)


@pytest.fixture(scope="module")
def late(clean: pd.DataFrame) -> pd.Series[bool]:
    return clean["YEAR_OF_DIAGNOSIS"] >= "2018"


def test_every_value_is_a_code_of_its_column(clean: pd.DataFrame) -> None:
    assert set(clean.columns) == set(ALLOWED)
    strange = {
        name: [v for v in clean[name].unique() if not re.fullmatch(ALLOWED[name], v)]
        for name in clean.columns
    }
    assert {name: values for name, values in strange.items() if values} == {}


def test_each_era_fills_its_own_columns_only(clean: pd.DataFrame, late: pd.Series[bool]) -> None:
    assert (clean.loc[late, CS_ERA] == "").all(axis=None)
    assert (clean.loc[~late, SSDI_ERA] == "").all(axis=None)
    for name in ("CS_SITESPECIFIC_FACTOR_8", "CS_SITESPECIFIC_FACTOR_15", "GRADE"):
        assert (clean.loc[~late, name] != "").all()
    for name in ("HER2_IHC_SUMMARY", "HER2_OVERALL_SUMM", "ER_SUMMARY", "GRADE_CLIN"):
        assert (clean.loc[late, name] != "").all()


def test_collaborative_stage_score_and_interpretation_use_their_own_digits(
    clean: pd.DataFrame, late: pd.Series[bool]
) -> None:
    early = clean[~late]
    pairs = early.groupby("CS_SITESPECIFIC_FACTOR_8")["CS_SITESPECIFIC_FACTOR_9"].agg(set)
    assert pairs["000"] == pairs["010"] == pairs["001"] == {"020"}
    assert pairs["020"] == pairs["002"] == {"030"}
    assert pairs["030"] == pairs["003"] == {"010"}
    assert pairs["998"] == {"998"}
    assert pairs["999"] == {"010", "020", "999"}


def test_triple_code_repeats_receptors_and_summary(
    clean: pd.DataFrame, late: pd.Series[bool]
) -> None:
    early = clean[~late]
    triple = early["CS_SITESPECIFIC_FACTOR_16"]
    parts = early[[f"CS_SITESPECIFIC_FACTOR_{i}" for i in (1, 2, 15)]]
    known = parts.isin(["010", "020"]).all(axis=1)
    expected = parts[known].replace({"010": "1", "020": "0"}).agg("".join, axis=1)
    assert triple[known].equals(expected)
    assert (triple[~known] == "999").all()


def test_in_situ_groups_agree_with_the_reported_result(clean: pd.DataFrame) -> None:
    number = r"\d+\.\d"
    both = clean["HER2_ISH_DUAL_RATIO"].str.fullmatch(number) & clean[
        "HER2_ISH_DUAL_NUM"
    ].str.fullmatch(number)
    tested = clean[both]
    ratio = tested["HER2_ISH_DUAL_RATIO"].astype(float)
    copies = tested["HER2_ISH_DUAL_NUM"].astype(float)
    group = pd.Series(
        np.select(
            [(ratio >= 2) & (copies >= 4), ratio >= 2, copies >= 6, copies >= 4], [1, 2, 3, 4], 5
        ),
        index=tested.index,
    )
    assert set(group) == {1, 2, 3, 4, 5}
    score, result = tested["HER2_IHC_SUMMARY"], tested["HER2_ISH_SUMMARY"]
    assert (result[group == 1] == "3").all()
    assert (result[group.isin([2, 5])] == "0").all()
    assert (result[(group == 3) & (score == "2")] == "3").all()
    assert (result[(group == 3) & (score == "0")] == "0").all()
    assert set(result[group == 4]) == {"0", "2"}


def test_fish_ratio_agrees_with_its_interpretation(clean: pd.DataFrame) -> None:
    ratio = pd.to_numeric(clean["CS_SITESPECIFIC_FACTOR_10"]) / 100
    stated = (clean["CS_SITESPECIFIC_FACTOR_10"] != "991") & (ratio < 9.88)
    result = clean["CS_SITESPECIFIC_FACTOR_11"]
    assert ratio[stated & (result == "010")].min() >= 2.2
    assert ratio[stated & (result == "020")].max() < 2.0
    below_one = clean["CS_SITESPECIFIC_FACTOR_10"] == "991"
    assert set(result[below_one]) <= {"020", "997"}


def test_model_columns_on_record_are_the_true_values_or_missing(
    clean: pd.DataFrame, patients: pd.DataFrame, late: pd.Series[bool]
) -> None:
    assert (clean["AGE"].astype(float) == patients["age_years"]).all()
    stage = clean["ANALYTIC_STAGE_GROUP"].map(
        dict(zip("01234", ["0", "I", "II", "III", "IV"], strict=True))
    )
    pathological = clean["GRADE_PATH"].where(clean["GRADE_PATH"] != "9", clean["GRADE_CLIN"])
    grade = clean["GRADE"].where(~late, pathological)
    grade = grade.map(dict(zip("123ABCLMH", "123123123", strict=True)))
    for values, name, most_missing in ((stage, "stage", 0.03), (grade, "grade", 0.05)):
        seen = values.notna()
        assert (values[seen] == patients.loc[seen, name].astype(str)).all(), name
        assert 0 < (~seen).mean() < most_missing
    receptors = {"010": 1, "020": 0, "1": 1, "0": 0}
    er = (clean["CS_SITESPECIFIC_FACTOR_1"] + clean["ER_SUMMARY"]).map(receptors)
    pr = (clean["CS_SITESPECIFIC_FACTOR_2"] + clean["PR_SUMMARY"]).map(receptors)
    positive = patients["hr_status"] == "positive"
    assert positive[(er == 1) | (pr == 1)].all()
    assert not positive[(er == 0) & (pr == 0)].any()


def test_a_group_on_record_is_the_true_group(patients: pd.DataFrame) -> None:
    recorded, true = (patients[name].astype(str) for name in ("her2_recorded", "her2_status"))
    decided = recorded.isin(GROUPS)
    assert recorded[decided].equals(true[decided])
    assert (true[recorded == "negative_unspecified"] != "positive").all()


def test_pathways_of_each_group_add_up() -> None:
    totals = np.sum([pathway.per_thousand for pathway in PATHWAYS], axis=0)
    assert totals.tolist() == [1000, 1000, 1000]
    assert len({pathway.id for pathway in PATHWAYS}) == len(PATHWAYS)
    for pathway in PATHWAYS:
        if pathway.recorded in GROUPS:
            taken = [g for g, n in zip(GROUPS, pathway.per_thousand, strict=True) if n]
            assert taken == [pathway.recorded], pathway.id


def test_the_classifier_gives_the_status_that_the_record_supports() -> None:
    registry = simulate(8_000, seed=31, dirt=0)
    truth = simulated_patients(8_000, seed=31).set_index("patient_id")
    classified = cohort.classify_her2(cohort.harmonise(cohort.load(registry, source="ncdb_puf")))
    names = ["patient_id", "her2_status", "hr_status", "grade", "stage"]
    table = classified.engine.collect(classified.patients.select(names)).to_pandas()
    table = table.set_index("patient_id").loc[truth.index]
    assert (table["her2_status"] == truth["her2_recorded"].astype(str)).all()
    for name in ("hr_status", "grade", "stage"):
        seen = table[name].notna()
        assert (table.loc[seen, name] == truth.loc[seen, name].astype(str)).all(), name


def test_every_code_is_in_the_dictionary_and_every_wrong_value_is_found() -> None:
    def warned(dirt: float) -> dict[tuple[str, str], int]:
        frame = simulate(4_000, seed=32, dirt=dirt)
        harmonised = cohort.harmonise(cohort.load(frame, source="ncdb_puf"))
        return {
            (finding.column, finding.value): finding.n
            for finding in harmonised.findings
            if finding.severity != "info"
        }

    assert warned(0) == {}
    found = warned(0.001)
    columns = {
        "AGE": "age_years",
        "DX_LASTCONTACT_DEATH_MONTHS": "followup_months",
        "CS_SITESPECIFIC_FACTOR_8": "her2_ihc",
        "HER2_IHC_SUMMARY": "her2_ihc",
        "HER2_ISH_DUAL_RATIO": "her2_ratio",
    }
    for (column, value), n in dirt_counts(4_000).items():
        assert found[columns[column], value] == n, column
