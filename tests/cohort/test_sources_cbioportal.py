"""Any study of cBioPortal: patients, samples as specimens, and scores that are no certain score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cohort.harmonisation import harmonise
from cohort.her2 import classify_her2
from cohort.loading import load
from cohort.specimens import index_specimen
from tests.cohort.worked import answers, classified

PATIENTS = pd.DataFrame(
    {
        "PATIENT_ID": ["P1", "P2", "P3", "P4", "P5"],
        "OS_STATUS": ["0:LIVING", "1:DECEASED", "LIVING", "DECEASED", "0:LIVING"],
        "OS_MONTHS": ["12.5", "40", "3", "NA", "20"],
        "SEX": ["Female"] * 5,
    }
)
# As in breast_msk_2018: score, wording and hybridisation of the sample and of the primary.
SAMPLES = pd.DataFrame(
    [
        ["P1", "S1", "Primary", "Treatment Naive Primary", "0-1+", "Negative", "Not Applicable",
         "Negative", "Not Applicable", "1+", "Negative", "Not Applicable", "Not Applicable"],
        ["P2", "S2", "Metastasis", "Liver", "1-2+", "Equivocal", "Negative", "Negative", "1.1",
         "0+", "Negative", "Negative", "0.7"],
        ["P2", "S3", "Metastasis", "Bone", "3+ (outside)", "Positive", "Negative (outside)",
         "Positive", "Not Available", "0+", "Negative", "Negative", "0.7"],
        ["P3", "S4", "Primary", "Post-Neo Primary", "2+", "Equivocal", "Positive", "Positive",
         "2.7", "1+ (focal)", "Negative", "Unk/ND", "Not Available"],
        ["P4", "S5", "Primary", "Post-Treatment Primary", "Not Available", "Unk/ND",
         "Test Failure", "Unk/ND", "2 (CN 4.8)", "2+", "Equivocal", "Negative", "1.2"],
    ],
    columns=[
        "PATIENT_ID", "SAMPLE_ID", "SAMPLE_TYPE", "SAMPLE_SITE", "HER2_IHC_SCORE",
        "HER2_IHC_STATUS", "HER2_FISH", "OVERALL_HER2_STATUS", "HER2_FISH_RATIO",
        "HER2_IHC_VALUE_PRIMARY", "HER2_IHC_PRIMARY", "HER2_FISH_STATUS",
        "HER2_FISH_RATIO_PRIMARY",
    ],
)  # fmt: skip


def write(folder: Path) -> dict[str, Path]:
    """The two files as the portal lays them out, with comment lines."""
    files = {}
    for role, frame in (("main", PATIENTS), ("samples", SAMPLES)):
        lines = ["#" + "\t".join(frame.columns)] * 4
        lines += ["\t".join(row) for row in (list(frame.columns), *frame.to_numpy().tolist())]
        files[role] = folder / f"data_clinical_{role}.txt"
        files[role].write_text("\n".join(lines) + "\n")
    return files


def test_samples_become_specimens_of_their_patients(tmp_path: Path) -> None:
    cohort = harmonise(load(write(tmp_path), source="cbioportal"))
    assert cohort.specimens is not None
    frame = (
        cohort.engine.collect(cohort.specimens).to_pandas().set_index("specimen_id").sort_index()
    )
    assert list(frame["patient_id"]) == ["P1", "P2", "P2", "P3", "P4"]
    assert list(frame["specimen_site"]) == ["primary", "distant", "distant", "primary", "primary"]
    timing = frame["specimen_timing"].astype(object)
    assert list(timing.where(timing.notna(), None)) == [
        "before_treatment", None, None, "after_neoadjuvant", None,
    ]  # fmt: skip
    scores = frame["her2_ihc"].astype(object)
    assert list(scores.where(scores.notna(), None)) == [None, None, "3+", "2+", None]
    assert list(frame["her2_ihc_text"].fillna("")) == ["0-1+", "1-2+", "", "", ""]


def test_vital_status_in_both_forms_and_months(tmp_path: Path) -> None:
    found = answers(harmonise(load(write(tmp_path), source="cbioportal")))
    assert [found[f"P{i}"]["vital_status"] for i in range(1, 6)] == [
        "alive", "dead", "alive", "dead", "alive",
    ]  # fmt: skip
    assert [found[f"P{i}"]["followup_months"] for i in range(1, 6)] == [12.5, 40, 3, None, 20]


def test_the_index_specimen_decides_and_uncertain_scores_stay_open(tmp_path: Path) -> None:
    found = answers(classified("cbioportal", write(tmp_path)))
    assert {key: row["her2_status"] for key, row in found.items()} == {
        "P1": "unresolved", "P2": "positive", "P3": "positive", "P4": "unknown", "P5": "unknown",
    }  # fmt: skip
    assert "uncertain_score" in found["P1"]["her2_flags"].split(";")


def test_a_study_may_say_what_an_uncertain_score_means(tmp_path: Path) -> None:
    extract = load(write(tmp_path), source="cbioportal")
    cohort = harmonise(extract, recode={"her2_ihc": {"0-1+": "1+"}})
    found = answers(classify_her2(index_specimen(cohort)))
    assert found["P1"]["her2_status"] == "low"
    assert "recode" in str(cohort.choices).lower() or "0-1+" in str(cohort.choices)


def test_the_study_of_msk_has_the_primary_beside_each_sample(tmp_path: Path) -> None:
    cohort = classified("breast_msk_2018", write(tmp_path))
    assert cohort.specimens is not None
    frame = cohort.engine.collect(cohort.specimens).to_pandas()
    primary = frame[frame["specimen_id"].isna()].sort_values("patient_id")
    assert list(primary["specimen_site"]) == ["primary"] * 5
    scores = primary["her2_ihc"].astype(object)
    assert list(scores.where(scores.notna(), None)) == ["1+", "0", "0", None, "2+"]
    found = answers(cohort)
    assert found["P2"]["her2_status"] == "zero"  # its primary, not its metastases
    assert found["P4"]["her2_status"] == "low"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("0", "0"), ("0+", "0"), ("1", "1+"), ("2+", "2+"), ("3+ (outside)", "3+"),
        ("1+ (focal)", None), ("1+ (3+ outside)", None), ("0-1+", None), ("1-2+", None),
        ("0/1+", None), ("2+ to 3+", None),
    ],
)  # fmt: skip
def test_certain_scores_are_read_and_the_text_of_others_kept(
    tmp_path: Path, text: str, score: str | None
) -> None:
    rows = PATIENTS.head(1).assign(HER2_IHC_SCORE=text)
    path = tmp_path / "patients.txt"
    rows.to_csv(path, sep="\t", index=False)
    cohort = harmonise(load(path, source="cbioportal"))
    row = answers(cohort)["P1"]
    assert row["her2_ihc"] == score
    assert row.get("her2_ihc_text") == (None if score else text)
    uncertain = [f for f in cohort.findings if f.rule == "uncertain_code"]
    assert len(uncertain) == (0 if score else 1)


def test_a_word_without_a_score_is_no_score(tmp_path: Path) -> None:
    rows = PATIENTS.head(1).assign(HER2_IHC_SCORE="Negative", HER2_STATUS="Negative")
    path = tmp_path / "patients.txt"
    rows.to_csv(path, sep="\t", index=False)
    row = answers(classified("cbioportal", path))["P1"]
    assert (row["her2_ihc"], row["her2_status"]) == (None, "negative_unspecified")
