"""Harmonising twice changes nothing: what was written under canonical names is read back alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort.canonical import NAMES, canonical_dictionary
from cohort.dictionary import FOLDER, SourceDictionary
from cohort.dictionary_checks import DERIVED
from cohort.harmonisation import harmonise
from cohort.her2 import classify_her2
from cohort.loading import load
from cohort.simulation import simulate
from cohort.table import Cohort, TimeUnit
from tests.cohort.test_records import WIDE, source


@pytest.mark.parametrize("unit", ["days", "months"])
def test_the_dictionaries_say_what_the_schema_says(unit: TimeUnit) -> None:
    text = (FOLDER / f"{NAMES[unit]}.yaml").read_text(encoding="utf-8")
    assert text == canonical_dictionary(unit), "run python -m cohort.canonical"
    assert SourceDictionary.load(NAMES[unit]).time.followup == unit


def again(cohort: Cohort, folder: Path) -> Cohort:
    """The cohort written to CSV files and harmonised anew."""
    files = {}
    for role, table in (("main", cohort.patients), ("specimens", cohort.specimens),
                        ("events", cohort.events)):  # fmt: skip
        if table is not None:
            files[role] = folder / f"{role}.csv"
            rows = cohort.engine.collect(table)
            rows.to_pandas().to_csv(files[role], index=False)
            if rows.num_rows == 0:
                del files[role]
    return harmonise(load(files, source=NAMES[cohort.time_unit]))


def sorted_rows(cohort: Cohort, kind: str) -> pd.DataFrame:
    frame = cohort.engine.collect(getattr(cohort, kind)).to_pandas()
    return frame.sort_values(list(frame.columns), ignore_index=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_registry_harmonised_twice_is_as_it_was(tmp_path: Path, seed: int) -> None:
    once = harmonise(load(simulate(400, seed=seed, dirt=0.05), source="ncdb_puf"))
    twice = again(once, tmp_path)
    held = [name for name in once.columns if not once.to_pandas([name])[name].isna().all()]
    assert set(held) <= set(twice.columns)
    pd.testing.assert_frame_equal(once.to_pandas(held), twice.to_pandas(held))
    extra = twice.to_pandas([name for name in twice.columns if name not in held])
    assert extra.isna().all(axis=None)
    assert not [f for f in twice.findings if f.severity != "info"]


def test_classified_patients_are_classified_alike_when_they_are_read_again(tmp_path: Path) -> None:
    once = classify_her2(harmonise(load(simulate(400, seed=3, dirt=0.05), source="ncdb_puf")))
    twice = classify_her2(again(once, tmp_path))
    names = ["her2_status", "her2_detail", "her2_rule"]
    pd.testing.assert_frame_equal(once.to_pandas(names), twice.to_pandas(names))


TEXT = st.sampled_from(["0", "1+", "2+", "3+", "0-1+", "X", "NA", "4+", "", None])
PATIENT = st.fixed_dictionaries(
    {
        "Biopsy": TEXT,
        "Excision": TEXT,
        "Ratio": st.sampled_from(["2.1", "1.99", "-1", "x", None]),
        "ER": st.sampled_from(["Positive", "Negative", None]),
        "PR": st.sampled_from(["Positive", "Negative", None]),
        "Dx": st.sampled_from(["2015-01-31", None]),
        "Relapse": st.sampled_from(["0", "1", None]),
        "RelapseOn": st.sampled_from(["2015-02-01", "2014-01-01", None]),
        "SecondOn": st.sampled_from(["2016-02-29", "2015", None]),
    }
)


@settings(max_examples=20, deadline=None)
@given(patients=st.lists(PATIENT, min_size=1, max_size=5))
def test_specimens_and_events_harmonised_twice_are_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, patients: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("law")
    wide = WIDE.replace("{sex: {value: female}}",
                        "{vital_status: {value: alive}, followup_days: {value: 1}}")  # fmt: skip
    rows = pd.DataFrame([{"ID": f"p{i}", **one} for i, one in enumerate(patients)], dtype=object)
    once = harmonise(load(rows, source=source(folder, wide)))
    twice = again(once, folder)
    pd.testing.assert_frame_equal(once.to_pandas(), twice.to_pandas())
    for kind in ("specimens", "events"):
        if getattr(twice, kind) is None:
            assert len(sorted_rows(once, kind)) == 0
            continue
        held = [n for n in sorted_rows(once, kind).columns if n in sorted_rows(twice, kind)]
        first, second = sorted_rows(once, kind), sorted_rows(twice, kind)
        pd.testing.assert_frame_equal(first[held], second[held], check_dtype=False, check_like=True)
        assert first.drop(columns=held).isna().all(axis=None)


def test_what_the_toolkit_makes_is_not_read_back(tmp_path: Path) -> None:
    once = classify_her2(harmonise(load(simulate(50, seed=4), source="ncdb_puf")))
    twice = again(once, tmp_path)
    # The group of ER is made again from its percentage, as soon as that is read.
    assert set(DERIVED) & set(twice.columns) == {"er_group"}
    assert {f.column for f in twice.findings if f.rule == "unmapped_column"} <= set(DERIVED)
