"""What a source cannot tell is refused before its patients are read, with the source's reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyses.study.check import check_study
from analyses.study.spec import load_study
from cohort.dictionary import SourceDictionary

STUDY = """\
version: 1
title: Refused
source: {{name: {source}, files: {{main: data.csv{more}}}}}
endpoints:
  - {{id: os, kind: OS}}
{endpoint}
analyses:
  - {{id: table, kind: table_one, by: {by}, columns: [age_years]}}
"""


def refused(
    folder: Path, source: str, *, by: str = "er_status", kind: str = "", more: str = ""
) -> str:
    """All that is wrong with a study of this source, on lines."""
    (folder / "data.csv").write_text("a\n1\n")
    endpoint = f"  - {{id: two, kind: {kind}, unverified: true}}" if kind else ""
    text = STUDY.format(source=source, by=by, endpoint=endpoint, more=more)
    path = folder / "study.yaml"
    path.write_text(text)
    return "\n".join(map(str, check_study(load_study(path))))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("seer", "Public SEER recodes say HER2 positive or negative"),
        ("metabric", "HER2 comes as positive or negative by gene expression"),
        ("seer_2006_2010", "no HER2 column of any kind"),
    ],
)
def test_low_and_zero_where_no_score_is(tmp_path: Path, source: str, reason: str) -> None:
    told = refused(tmp_path, source, by="her2_status")
    assert "HER2-zero and HER2-low cannot be told apart" in told
    assert reason in told


@pytest.mark.parametrize("source", ["ncdb_puf", "seer_2006_2010", "cbioportal"])
def test_breast_cancer_death_where_causes_are_not_known(tmp_path: Path, source: str) -> None:
    told = refused(tmp_path, source, kind="BCSS")
    assert f"source '{source}' does not identify cause of death, so not BCSS" in told
    reason = SourceDictionary.load(source).identifies.because["cause_of_death"]
    assert reason in told


@pytest.mark.parametrize("source", ["naaccr", "naaccr_days", "seer", "metabric"])
def test_breast_cancer_death_where_causes_are_known(tmp_path: Path, source: str) -> None:
    assert "BCSS" not in refused(tmp_path, source, kind="BCSS")


REGISTRIES = ("naaccr", "naaccr_days", "ncdb_puf", "seer", "seer_custom", "metabric", "tcga_brca",
              "cbioportal", "seer_2006_2010")  # fmt: skip


@pytest.mark.parametrize("source", REGISTRIES)
def test_antibody_drug_conjugates_where_no_column_tells_them(tmp_path: Path, source: str) -> None:
    told = refused(tmp_path, source, by="adc_therapy")
    assert f"source '{source}' does not identify adc_therapy" in told


@pytest.mark.parametrize("source", ["naaccr", "ncdb_puf", "seer"])
def test_any_biological_agent_is_no_anti_her2_therapy(tmp_path: Path, source: str) -> None:
    told = refused(tmp_path, source, by="anti_her2_therapy")
    assert "does not identify anti_her2_therapy. " in told
    assert "adc" not in told.lower()


@pytest.mark.parametrize("source", ["naaccr", "ncdb_puf", "seer"])
def test_recurrence_where_patients_are_followed_to_death(tmp_path: Path, source: str) -> None:
    told = refused(tmp_path, source, kind="RFS")
    assert f"source '{source}' does not identify recurrences, so not RFS" in told


@pytest.mark.parametrize("name", SourceDictionary.names())
def test_what_is_not_identified_is_not_mapped(name: str) -> None:
    dictionary = SourceDictionary.load(name)
    said, columns = dictionary.identifies.stated(), set(dictionary.columns)
    governed = {
        "her2_score": {"her2_ihc"},
        "cause_of_death": {"cause_of_death"},
        "anti_her2": {"anti_her2_therapy", "anti_her2_therapy_day"},
        "adc": {"adc_therapy", "adc_therapy_day"},
        "treatment_starts": {"chemotherapy_day", "surgery_day", "radiotherapy_day"},
    }
    for what, names in governed.items():
        assert what in said or dictionary.name in ("canonical", "canonical_months"), what
        if said.get(what) is False:
            assert not names & columns, what
    if said.get("recurrence") is False:
        assert not dictionary.events
