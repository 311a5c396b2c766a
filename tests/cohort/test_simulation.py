from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from cohort.errors import SpecError
from cohort.simulation import (
    SAMPLE_SEED,
    SAMPLE_SIZE,
    dirt_counts,
    registry,
    simulate,
    simulated_patients,
    write_registry,
)

SAMPLE = Path(__file__).parents[2] / "sample_data" / "registry.csv"
GROUPS = ["zero", "low", "positive"]


@pytest.fixture(scope="module")
def clean() -> pd.DataFrame:
    return simulate(20_000, seed=11, dirt=0)


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return simulated_patients(20_000, seed=11)


def test_same_seed_same_registry_and_another_seed_another(clean: pd.DataFrame) -> None:
    again = simulate(20_000, seed=11, dirt=0)
    other = simulate(20_000, seed=12, dirt=0)
    assert again.equals(clean)
    assert (other["AGE"] != clean["AGE"]).mean() > 0.9


def test_file_written_in_blocks_holds_the_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "BLOCK", 400)
    frame = simulate(1_050, seed=3)
    path = write_registry(tmp_path / "registry.csv", 1_050, 3)
    read = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert read.equals(frame)
    assert frame["PUF_CASE_ID"].is_unique
    assert b"\r" not in path.read_bytes()
    truth = simulated_patients(1_050, seed=3)
    assert (truth["patient_id"] == frame["PUF_CASE_ID"]).all()
    assert (truth["diagnosis_year"].astype(str) == frame["YEAR_OF_DIAGNOSIS"]).all()


def test_committed_sample_is_what_its_call_writes(tmp_path: Path) -> None:
    path = write_registry(tmp_path / "registry.csv", SAMPLE_SIZE, SAMPLE_SEED)
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (path, SAMPLE)]
    assert digests[0] == digests[1]
    assert SAMPLE.stat().st_size < 2_000_000


def test_sample_carries_enough_deaths() -> None:
    status = simulate(SAMPLE_SIZE, seed=SAMPLE_SEED)["PUF_VITAL_STATUS"]
    assert 700 <= (status == "0").sum() <= 900


def test_vital_status_is_withheld_for_the_last_year_alone(clean: pd.DataFrame) -> None:
    last = clean["YEAR_OF_DIAGNOSIS"] == "2020"
    assert (clean["PUF_VITAL_STATUS"] == "").equals(last)
    earlier = simulate(2_000, seed=1, years=(2011, 2013))
    withheld = earlier["PUF_VITAL_STATUS"] == ""
    assert withheld.equals(earlier["YEAR_OF_DIAGNOSIS"] == "2013")


def test_months_and_vital_status_are_those_of_the_patient(
    clean: pd.DataFrame, patients: pd.DataFrame
) -> None:
    given = clean["DX_LASTCONTACT_DEATH_MONTHS"] != ""
    months = clean.loc[given, "DX_LASTCONTACT_DEATH_MONTHS"].astype(float)
    exact = patients.loc[given, "followup_days"] * 12 / 365.25
    assert (months - exact).abs().max() <= 0.005 + 1e-9
    assert 0.995 < given.mean() < 1
    known = clean["PUF_VITAL_STATUS"] != ""
    dead = clean.loc[known, "PUF_VITAL_STATUS"] == "0"
    assert dead.equals(patients.loc[known, "event"])


def test_shares_of_groups_receptors_and_stages(clean: pd.DataFrame, patients: pd.DataFrame) -> None:
    recorded = patients["her2_recorded"].value_counts(normalize=True)
    group = recorded[GROUPS] / recorded[GROUPS].sum()
    assert 0.30 < group["zero"] < 0.35
    assert 0.50 < group["low"] < 0.55
    assert 0.12 < group["positive"] < 0.16
    assert 0.08 < 1 - recorded[GROUPS].sum() < 0.10
    assert (recorded[["negative_unspecified", "unresolved", "unknown"]] > 0.01).all()
    assert 0.005 < (clean["SEX"] == "1").mean() < 0.015
    assert 0.78 < (patients["hr_status"] == "positive").mean() < 0.86
    assert 0.04 < (patients["stage"] == "IV").mean() < 0.06


def test_low_is_confounded_as_in_published_cohorts(patients: pd.DataFrame) -> None:
    by = patients.groupby("her2_status", observed=True)
    hormone = by["hr_status"].apply(lambda s: (s == "positive").mean())
    third = by["grade"].apply(lambda s: (s == "3").mean())
    age = by["age_years"].mean()
    assert hormone["low"] > hormone["zero"] + 0.05
    assert third["low"] < third["zero"] - 0.05
    assert abs(age["low"] - age["zero"]) < 3


def test_hospitals_differ_in_calling_zero_or_low(patients: pd.DataFrame) -> None:
    negative = patients[patients["her2_status"] != "positive"]
    low = negative.groupby("facility_id")["her2_status"].agg(lambda s: (s == "low").mean())
    size = negative.groupby("facility_id").size()
    overall = (negative["her2_status"] == "low").mean()
    scaled = (low - overall) ** 2 * size / (overall * (1 - overall))
    # Chance alone gives a mean of one.
    assert scaled.mean() > 3


def test_treatment_never_starts_after_follow_up(
    clean: pd.DataFrame, patients: pd.DataFrame
) -> None:
    for name in [name for name in clean.columns if name.endswith("_STARTED_DAYS")]:
        day = pd.to_numeric(clean[name])
        assert day.notna().sum() > 500, name
        assert (day.dropna() <= patients.loc[day.notna(), "followup_days"]).all(), name
        assert day.min() >= 0
    given = clean["RX_SUMM_CHEMO"].isin(["01", "02", "03"])
    assert given.equals(clean["DX_CHEMO_STARTED_DAYS"] != "")


def test_anti_her2_antibodies_follow_the_true_group_and_the_coding_year(
    clean: pd.DataFrame, patients: pd.DataFrame
) -> None:
    given = clean["RX_SUMM_IMMUNOTHERAPY"] == "01"
    assert (patients.loc[given, "her2_status"] == "positive").all()
    assert clean.loc[given, "YEAR_OF_DIAGNOSIS"].min() == "2013"


def test_wrong_values_are_as_many_as_promised() -> None:
    frame = simulate(4_000, seed=5)
    counts = dirt_counts(4_000)
    assert set(counts.values()) == {4}
    for (column, value), n in counts.items():
        assert (frame[column] == value).sum() == n, column
    clean = simulate(4_000, seed=5, dirt=0)
    assert (frame != clean).sum().sum() == sum(counts.values())


def test_every_wrong_argument_is_named_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        simulate(0, seed=-1, source="ncdb_pfu", years=(2009, 2020), dirt=0.5)
    places = [problem.where for problem in caught.value.problems]
    assert places == ["n", "seed", "source", "years", "dirt"]
    assert "Did you mean 'ncdb_puf'?" in str(caught.value)
