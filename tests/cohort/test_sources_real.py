"""Public patients classified: the published counts, and two copies of TCGA-BRCA that agree."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cohort.her2 import classify_her2
from cohort.table import Cohort
from tests.cohort.worked import answers, classified

pytestmark = pytest.mark.real

Found = dict[str, dict[str, Any]]
GROUPS = ("zero", "low", "positive")


@pytest.fixture(scope="module")
def biotab(real_data: Path) -> Cohort:
    folder = real_data / "tcga_brca"
    files = {
        "main": folder / "nationwidechildrens.org_clinical_patient_brca.txt",
        "cdr": folder / "tcga_cdr_brca.csv",
    }
    return classified("tcga_brca", files)


@pytest.fixture(scope="module")
def portal(real_data: Path) -> Cohort:
    name = "brca_tcga_data_clinical_patient_noheader.txt"
    return classified("cbioportal", real_data / "tcga_brca" / name)


@pytest.fixture(scope="module")
def metabric(real_data: Path) -> Cohort:
    return classified("metabric", real_data / "metabric" / "brca_metabric_clinical_data.tsv")


def groups(found: Found) -> tuple[int, ...]:
    """Zero, low, positive, and everyone else."""
    counts = Counter(row["her2_status"] for row in found.values())
    return (*(counts[name] for name in GROUPS), len(found) - sum(counts[name] for name in GROUPS))


def test_the_groups_of_both_copies(biotab: Cohort, portal: Cohort) -> None:
    assert (biotab.n, groups(answers(biotab))) == (1099, (61, 408, 145, 485))
    assert (portal.n, groups(answers(portal))) == (1097, (61, 407, 145, 484))


def test_patients_in_both_copies_agree(biotab: Cohort, portal: Cohort) -> None:
    here, there = answers(biotab), answers(portal)
    shared = set(here) & set(there)
    assert len(shared) == 1097
    keys = ("her2_ihc", "her2_ish", "her2_ratio", "her2_status", "er_status", "pr_status")
    assert [p for p in shared if any(here[p][k] != there[p][k] for k in keys)] == []


def test_the_cross_table_as_gathered(portal: Cohort, domain: Path) -> None:
    with (domain / "tcga_check_counts.csv").open(newline="") as file:
        gathered = {row["what"]: int(row["n"]) for row in csv.DictReader(file)}
    found = answers(portal).values()
    scores = Counter(row["her2_ihc"] for row in found)
    pairs = Counter((row["her2_ihc"], row["her2_ish"]) for row in found)
    worded = Counter((row["her2_ihc"], row["her2_ihc_reported"]) for row in found)
    assert gathered["biotab patients"] == len(found)
    assert gathered["no IHC score"] == scores[None]
    for score, written in (("0", "IHC 0"), ("1+", "IHC 1+"), ("2+", "IHC 2+"), ("3+", "IHC 3+"),
                           (None, "IHC none")):  # fmt: skip
        for ish in ("Negative", "Positive", "Equivocal"):
            expected = gathered.get(f"{written} x FISH {ish}", 0)
            assert pairs[score, ish.lower()] == expected, (written, ish)
    assert worded["1+", "positive"] == gathered["score 1+ with IHC status Positive"]
    assert worded["2+", "positive"] == gathered["score 2+ with IHC status Positive"]
    assert worded["3+", "negative"] == gathered["score 3+ with IHC status Negative"]
    statuses = groups({str(i): row for i, row in enumerate(found)})
    assert statuses[:3] == tuple(gathered[f"strict rule: HER2-{name}"] for name in GROUPS)
    open_ = [row for row in found if row["her2_status"] == "unresolved"]
    unresolved = sum(row["her2_ihc"] == "2+" for row in open_)
    assert unresolved == gathered["strict rule: 2+ unresolved"]
    assert statuses[3] == unresolved + gathered["no score and no positive FISH"]


def test_new_tumour_events_of_the_outcome_file(biotab: Cohort) -> None:
    assert biotab.events is not None
    events = biotab.engine.collect(biotab.events).to_pandas()
    kinds = Counter(events["event_kind"].astype(object).fillna("unknown"))
    # 19 new primaries, of which it is not told whether they are of the breast.
    assert kinds["distant"] == 64
    assert kinds["local_regional_invasive"] == 19
    assert kinds["unknown"] >= 19


def test_metabric_is_positive_or_negative_without_a_score(metabric: Cohort) -> None:
    found = answers(metabric)
    statuses = Counter(row["her2_status"] for row in found.values())
    # Positive by gene expression is no assay result (E13), unless a study says that it counts.
    assert statuses == {"unresolved": 247, "negative_unspecified": 1733, "unknown": 529}
    reported = Counter(row["her2_reported"] for row in found.values())
    assert (reported["positive"], reported["negative"]) == (247, 1733)
    accepted = answers(classify_her2(metabric, policies={"E13": "positive_accepted"}))
    counts = Counter(row["her2_status"] for row in accepted.values())
    assert counts == {"positive": 247, "negative_unspecified": 1733, "unknown": 529}
    known = [r for r in found.values() if None not in (r["vital_status"], r["followup_months"])]
    deaths = [row["cause_of_death"] for row in known if row["vital_status"] == "dead"]
    assert (len(known), len(deaths)) == (1981, 1144)
    assert (deaths.count("breast_cancer"), deaths.count("other")) == (646, 497)
