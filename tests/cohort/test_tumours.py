"""The index tumour: worked patients, and a law against sorting in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort.dictionary import SourceDictionary
from cohort.errors import DataError
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.selection import breast_criterion, select
from cohort.table import Cohort
from tests.cohort.test_records import counts, rows, table

DICTIONARY = """\
name: tumours
describes: One row a tumour
files:
  main: {grain: tumour, key: ID}
  vital: {grain: patient, key: ID, required: false}
time: {followup: days}
fits: [main.ID]
columns:
  tumour_id: {from: main.T}
  primary_site: {from: main.Site}
  behaviour: {from: main.B, codes: naaccr_523_behaviour}
  diagnosis_date: {from: main.D, date: iso}
  diagnosis_year: {from: main.Y, number: {}}
  tumour_sequence: {from: main.Seq, codes: naaccr_560_sequence}
  tumour_size_mm: {from: main.Size, number: {}}
  vital_status: {from: vital.V, codes: label_vital_status}
events:
  - from: main
    columns:
      tumour_id: {from: main.T}
      event_kind: {value: distant}
      event_day: {from: main.Relapse, number: {}}
"""


def source(folder: Path, text: str = DICTIONARY) -> SourceDictionary:
    path = folder / "tumours.yaml"
    path.write_text(text)
    return SourceDictionary.load(path)


def read(folder: Path, *tumours: dict[str, Any], text: str = DICTIONARY) -> Cohort:
    return harmonise(load(table(*tumours), source=source(folder, text)))


FIRST: dict[str, Any] = {"T": "1", "Site": "C501", "B": "3", "D": "2015-06-01", "Seq": "01",
                         "Size": "20"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Site": "C341", "D": "2010-01-01"}, "site"),
        ({"B": "2", "D": "2010-01-01"}, "behaviour"),
        ({"B": "", "D": "2010-01-01"}, "behaviour"),
        ({"D": "2015-06-02", "Size": "90"}, "date"),
        ({"D": "", "Y": "2015", "Size": "90"}, "date"),
        ({"D": "", "Size": "90"}, "date"),
        ({"Seq": "02", "Size": "90"}, "sequence"),
        ({"Size": "19.9"}, "size"),
        ({"Size": ""}, "size"),
        ({}, "alike"),
    ],
)
def test_the_first_thing_in_which_tumours_differ_decides(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    other = {**FIRST, "T": "2", **change}
    cohort = read(tmp_path, {"ID": "a", **other}, {"ID": "a", **FIRST}, {"ID": "b", **other})
    assert rows(cohort, "patients", "tumour_id", "n_tumours") == [("a", "1", 2), ("b", "2", 1)]
    found = counts(cohort, "main")
    assert found["several_tumours", "n_tumours", ""] == 1
    assert {key: n for key, n in found.items() if key[0] == "tumours_not_used"} == {
        ("tumours_not_used", "", reason): 1
    }
    assert cohort.n == 2


def test_a_year_comes_before_a_later_date_and_an_unknown_site_may_be_the_breast(
    tmp_path: Path,
) -> None:
    cohort = read(
        tmp_path,
        {"ID": "a", **FIRST},
        {"ID": "a", **FIRST, "T": "2", "Site": "", "D": "", "Y": "2014"},
    )
    assert rows(cohort, "patients", "tumour_id") == [("a", "2")]


def test_events_are_those_of_the_index_tumour(tmp_path: Path) -> None:
    cohort = read(
        tmp_path,
        {"ID": "a", **FIRST, "Relapse": "300"},
        {"ID": "a", **FIRST, "T": "2", "D": "2018-01-01", "Relapse": "7"},
        {"ID": "b", **FIRST, "Relapse": ""},
    )
    assert rows(cohort, "events", "event_day") == [("a", 300)]
    assert counts(cohort, "events") == {("events_of_other_tumours", "", ""): 1}


def test_a_file_of_patients_is_joined_to_each_tumour(tmp_path: Path) -> None:
    tumours = table({"ID": "a", **FIRST}, {"ID": "a", **FIRST, "T": "2"})
    vital = table({"ID": "a", "V": "Dead"})
    cohort = harmonise(load({"main": tumours, "vital": vital}, source=source(tmp_path)))
    assert rows(cohort, "patients", "vital_status", "n_tumours") == [("a", "dead", 2)]


def test_one_tumour_in_two_rows_is_an_error_with_its_count(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 rows hold a tumour that another row holds already"):
        read(tmp_path, {"ID": "a", **FIRST}, {"ID": "a", **FIRST, "Size": "3"})


WITHOUT_KEY = DICTIONARY[: DICTIONARY.index("events:")].replace("  tumour_id: {from: main.T}\n", "")


def test_without_a_key_tumours_that_nothing_tells_apart_count_and_one_is_kept(
    tmp_path: Path,
) -> None:
    cohort = read(
        tmp_path,
        *({"ID": "a", **FIRST} for _ in range(3)),
        {"ID": "b", **FIRST},
        text=WITHOUT_KEY,
    )
    assert rows(cohort, "patients", "n_tumours") == [("a", 3), ("b", 1)]
    assert counts(cohort, "main")["tumours_not_used", "", "alike"] == 2


TUMOUR = st.fixed_dictionaries(
    {
        "ID": st.sampled_from(["a", "b"]),
        "Site": st.sampled_from(["C509", "c50.1", "C189", ""]),
        "B": st.sampled_from(["2", "3", ""]),
        "D": st.sampled_from(["2015-06-01", "2015-07-01", ""]),
        "Y": st.sampled_from(["2015", "2014", ""]),
        "Seq": st.sampled_from(["00", "01", "02", ""]),
        "Size": st.sampled_from(["20", "20.5", "0", ""]),
    }
)


def by_sorting(tumour: dict[str, str]) -> tuple[Any, ...]:
    """What the rules say, in plain Python."""
    site = tumour["Site"].lower()
    date = tumour["D"].replace("-", "") or (tumour["Y"] + "9999" if tumour["Y"] else "99999999")
    size = -float(tumour["Size"]) if tumour["Size"] else 1.0
    return (
        site != "" and not site.startswith("c50"),
        {"3": 0, "": 1, "2": 2}[tumour["B"]],
        date,
        {"00": 0, "01": 1, "02": 2, "": 3}[tumour["Seq"]],
        size,
        tumour["T"],
    )


@settings(max_examples=60, deadline=None)
@given(tumours=st.lists(TUMOUR, min_size=1, max_size=8), order=st.randoms(use_true_random=False))
def test_the_index_tumour_is_the_first_by_the_rules_whatever_the_order_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, tumours: list[dict[str, str]], order: Any
) -> None:
    keyed = [{**tumour, "T": f"{i}"} for i, tumour in enumerate(tumours)]
    expected = []
    for patient in sorted({tumour["ID"] for tumour in keyed}):
        own = [tumour for tumour in keyed if tumour["ID"] == patient]
        expected.append((patient, min(own, key=by_sorting)["T"], len(own)))
    order.shuffle(keyed)
    cohort = read(tmp_path_factory.mktemp("law"), *keyed)
    assert rows(cohort, "patients", "tumour_id", "n_tumours") == expected


def test_the_whole_source_is_pandas_free_of_surprises(tmp_path: Path) -> None:
    frame = read(tmp_path, {"ID": "a", **FIRST}).to_pandas()
    assert pd.api.types.is_integer_dtype(frame["n_tumours"])


def test_a_patient_without_a_tumour_of_the_breast_is_counted_and_a_site_that_is_no_code_too(
    tmp_path: Path,
) -> None:
    sites = {"1": "C341", "2": "504", "3": "341", "4": "D999", "5": "", "6": "C50.4"}
    cohort = read(tmp_path, *({**FIRST, "ID": key, "Site": site} for key, site in sites.items()))
    assert counts(cohort, "main")["other_site", "primary_site", ""] == 2
    assert counts(cohort, "main")["no_site", "primary_site", ""] == 1
    criterion = breast_criterion(cohort)
    assert criterion is not None
    chosen = select(cohort, [criterion], her2_groups=False)
    assert sorted(chosen.to_pandas()["patient_id"]) == ["2", "4", "5", "6"]
    assert [(s.id, s.n_removed) for s in chosen.attrition] == [("breast-site", 2)]
    assert breast_criterion(chosen) is None


def test_a_number_is_a_site_of_the_breast_too(tmp_path: Path) -> None:
    lung = {**FIRST, "ID": "1", "T": "1", "Site": "341", "D": "2010-01-01"}
    breast = {**FIRST, "ID": "1", "T": "2", "Site": "504", "D": "2015-01-01"}
    assert list(read(tmp_path, lung, breast).to_pandas()["tumour_id"]) == ["2"]


def test_rows_of_one_patient_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    text = DICTIONARY.replace("vital.V", "main.V").replace(
        "  vital: {grain: patient, key: ID, required: false}\n", ""
    )
    rows = [
        {**FIRST, "ID": "1", "T": "1", "V": "alive"},
        {**FIRST, "ID": "1", "T": "2", "V": "dead", "D": "2016-01-01"},
        {**FIRST, "ID": "2", "T": "1", "V": "dead"},
        {**FIRST, "ID": "2", "T": "2", "V": "", "D": "2016-01-01"},
    ]
    cohort = read(tmp_path, *rows, text=text)
    assert list(cohort.to_pandas()["vital_status"]) == ["alive", "dead"]
    told = [(f.column, f.severity, f.n) for f in cohort.findings if f.rule == "rows_contradict"]
    assert told == [("vital_status", "warning", 1)]
