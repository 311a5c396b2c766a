"""Specimens and events: rows of their own, from files of their own or from wide ones."""

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
from cohort.table import Cohort

HEAD = """\
name: clinic
describes: A clinic's export
time: {followup: days}
missing: {"NA": not_available}
fits: [main.ID]
"""

WIDE = """\
files:
  main: {grain: patient, key: ID}
columns: {sex: {value: female}}
specimens:
  - from: main
    columns:
      specimen_id: {value: biopsy}
      specimen_timing: {value: before_treatment}
      her2_ihc: {from: main.Biopsy, codes: score}
      her2_ratio: {from: main.Ratio, number: {}}
  - from: main
    columns:
      specimen_id: {value: excision}
      her2_ihc: {from: main.Excision, codes: score}
      er_status: {from: main.ER, codes: label_receptor}
      pr_status: {from: main.PR, codes: label_receptor}
events:
  - from: main
    where: {Relapse: ["1"]}
    columns:
      event_kind: {value: distant}
      event_day: {days_from: {date: main.RelapseOn, origin: main.Dx, format: iso}}
  - from: main
    columns:
      event_kind: {value: contralateral_invasive_breast}
      event_day: {days_from: {date: main.SecondOn, origin: main.Dx, format: iso}}
"""

SCORES = """\
code,kind,value,low,high,meaning,verified,source
0,value,0,,,zero,yes,s
1+,value,1+,,,one,yes,s
2+,value,2+,,,two,yes,s
3+,value,3+,,,three,yes,s
0-1+,uncertain,,,,zero or one,yes,s
X,missing,not_done,,,not done,yes,s
"""


def source(folder: Path, text: str) -> SourceDictionary:
    (folder / "codes").mkdir(exist_ok=True)
    (folder / "codes" / "score.csv").write_text(SCORES)
    path = folder / "clinic.yaml"
    path.write_text(HEAD + text)
    return SourceDictionary.load(path)


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows, dtype=object)


def rows(cohort: Cohort, kind: str, *columns: str) -> list[tuple[Any, ...]]:
    """The records in order, None where missing."""
    lazy = getattr(cohort, kind)
    assert lazy is not None
    collected = cohort.engine.collect(lazy.select("patient_id", *columns)).to_pylist()
    return sorted((tuple(row.values()) for row in collected), key=str)


def counts(cohort: Cohort, source: str) -> dict[tuple[str, str, str], int]:
    return {(f.rule, f.column, f.value): f.n for f in cohort.findings if f.source == source}


def wide(folder: Path, *patients: dict[str, Any]) -> Cohort:
    return harmonise(load(table(*patients), source=source(folder, WIDE)))


def test_each_block_of_a_wide_file_makes_one_specimen_of_a_patient(tmp_path: Path) -> None:
    cohort = wide(
        tmp_path,
        {"ID": "a", "Biopsy": "1+", "Excision": "0", "ER": "Positive", "PR": "Negative"},
        {"ID": "b", "Biopsy": "2+", "Ratio": "2.1"},
        {"ID": "c", "Biopsy": "NA", "Excision": "", "ER": None},
        {"ID": "d", "Excision": "x"},
    )
    assert rows(cohort, "specimens", "specimen_id", "specimen_timing", "her2_ihc", "her2_ratio_low",
                "hr_status") == [
        ("a", "biopsy", "before_treatment", "1+", None, None),
        ("a", "excision", None, "0", None, "positive"),
        ("b", "biopsy", "before_treatment", "2+", 2.1, None),
    ]  # fmt: skip
    assert counts(cohort, "specimens") == {("patients_without_specimen", "", ""): 2}
    assert cohort.n == 4


def test_a_text_that_is_no_code_is_still_a_specimen(tmp_path: Path) -> None:
    cohort = wide(tmp_path, {"ID": "a", "Biopsy": "4+"}, {"ID": "b", "Biopsy": "0-1+"})
    assert rows(cohort, "specimens", "her2_ihc", "her2_ihc_text") == [
        ("a", None, None),
        ("b", None, "0-1+"),
    ]
    assert counts(cohort, "main")["unknown_code", "her2_ihc", "4+"] == 1
    assert counts(cohort, "main")["uncertain_code", "her2_ihc", "0-1+"] == 1


def test_an_event_is_where_its_date_is_written_or_where_the_row_says_so(tmp_path: Path) -> None:
    cohort = wide(
        tmp_path,
        {"ID": "a", "Dx": "2015-01-01", "Relapse": 1, "RelapseOn": "2016-01-01"},
        {"ID": "b", "Dx": "2015-01-01", "Relapse": "1", "RelapseOn": None},
        {"ID": "c", "Dx": "2015-01-01", "Relapse": "0", "RelapseOn": "2016-01-01"},
        {"ID": "d", "Dx": "2015-01-01", "SecondOn": "2015-02-30"},
        {"ID": "e", "Dx": "2015-01-01", "SecondOn": "NA"},
    )
    assert rows(cohort, "events", "event_kind", "event_day") == [
        ("a", "distant", 365),
        ("b", "distant", None),
        ("d", "contralateral_invasive_breast", None),
    ]
    assert counts(cohort, "events") == {("event_without_time", "event_day", ""): 2}
    assert counts(cohort, "main")["unparsable_date", "event_day", "2015-02-30"] == 1


SAMPLES = """\
files:
  main: {grain: patient, key: ID}
  samples: {grain: specimen, key: Patient, required: false}
columns:
  diagnosis_year: {from: main.Year, number: {}}
specimens:
  - from: samples
    columns:
      specimen_id: {from: samples.Sample}
      specimen_day: {days_from: {date: samples.On, origin: main.Dx, format: european}}
      her2_ihc:
        - {when: {diagnosis_year: [null, 2012]}, from: samples.Old, codes: score}
        - {when: {diagnosis_year: [2013, null]}, from: samples.Score, codes: score}
"""


def samples(folder: Path, *specimens: dict[str, Any]) -> Cohort:
    main = table(
        {"ID": "a", "Dx": "31.12.2012", "Year": 2012}, {"ID": "b", "Dx": "1/3/2013", "Year": 2013}
    )
    files = {"main": main, "samples": table(*specimens)}
    return harmonise(load(files, source=source(folder, SAMPLES)))


def test_specimens_take_dates_and_years_from_their_patient(tmp_path: Path) -> None:
    cohort = samples(
        tmp_path,
        {"Patient": "a", "Sample": "a1", "On": "1.1.2013", "Old": "2+", "Score": "0"},
        {"Patient": "b", "Sample": "b1", "On": "28.02.2013", "Old": "2+", "Score": "0"},
        {"Patient": "b", "Sample": "b2", "On": "", "Old": "2+", "Score": "X"},
        {"Patient": "z", "Sample": "z1", "On": "", "Old": "2+", "Score": "X"},
    )
    assert rows(cohort, "specimens", "specimen_id", "specimen_day", "her2_ihc") == [
        ("a", "a1", 1, "2+"),
        ("b", "b1", -1, "0"),
        ("b", "b2", None, None),
    ]
    assert counts(cohort, "specimens") == {("specimens_of_no_patient", "", ""): 1}
    assert counts(cohort, "samples")["key_not_met", "patient_id", ""] == 1


def test_files_whose_patients_do_not_meet_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of its 2 patients is in"):
        samples(tmp_path, {"Patient": "A-1", "Sample": "1"}, {"Patient": "A-2", "Sample": "2"})


def test_without_the_file_of_specimens_there_are_none(tmp_path: Path) -> None:
    main = table({"ID": "a", "Dx": "31.12.2012", "Year": 2012})
    cohort = harmonise(load(main, source=source(tmp_path, SAMPLES)))
    assert cohort.specimens is None
    assert cohort.events is None


MIXED = """\
files:
  main: {grain: patient, key: record_id, where: {redcap_repeat_instrument: [""]}}
  biopsies: {grain: specimen, of: main, where: {redcap_repeat_instrument: [biopsy]}}
columns:
  chemotherapy: {any_of: [main.chemo___1, main.chemo___2], codes: box}
specimens:
  - from: biopsies
    columns: {her2_ihc: {from: biopsies.ihc, codes: score}}
"""
BOX = """\
code,kind,value,low,high,meaning,verified,source
1,value,yes,,,ticked,yes,s
0,value,no,,,not ticked,yes,s
"""


def mixed(folder: Path, rows: pd.DataFrame) -> Cohort:
    dictionary = source(folder, MIXED.replace("main.ID", "main.record_id"))
    return harmonise(load(rows, source=dictionary))


@pytest.fixture
def redcap(tmp_path: Path) -> Path:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "box.csv").write_text(BOX)
    return tmp_path


HEADINGS = ("record_id", "redcap_repeat_instrument", "chemo___1", "chemo___2", "ihc")


def exported(*lines: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=HEADINGS, dtype=object)


def test_a_mixed_file_gives_patients_and_specimens_and_counts_the_rest(
    redcap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.HEAD", HEAD.replace("main.ID", "main.record_id"))
    cohort = mixed(
        redcap,
        exported(
            ("1", "", "0", "1", None),
            ("1", " biopsy ", None, None, "1+"),
            ("1", "biopsy", None, None, "2+"),
            ("1", "visit", None, None, None),
            ("2", None, "0", "0", None),
            ("3", "", "0", "", None),
        ),
    )
    frame = cohort.to_pandas()
    assert list(frame["patient_id"]) == ["1", "2", "3"]
    assert [None if pd.isna(v) else v for v in frame["chemotherapy"]] == ["yes", "no", None]
    assert rows(cohort, "specimens", "her2_ihc") == [("1", "1+"), ("1", "2+")]
    assert counts(cohort, "main")["rows_of_no_role", "", ""] == 1


def test_a_file_without_the_column_that_tells_rows_apart_has_patients_only(
    redcap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.HEAD", HEAD.replace("main.ID", "main.record_id"))
    rows = exported(("1", "", "1", "1", None)).drop(columns="redcap_repeat_instrument")
    cohort = mixed(redcap, rows)
    assert cohort.n == 1
    assert cohort.specimens is not None
    assert cohort.engine.collect(cohort.specimens).num_rows == 0


SCORE = st.sampled_from(["0", "1+", "2+", "NA", "", "4+", "0-1+"])


@settings(max_examples=25, deadline=None)
@given(
    data=st.lists(st.tuples(SCORE, SCORE), min_size=1, max_size=6),
    alone=st.integers(0, 5),
    order=st.randoms(use_true_random=False),
)
def test_specimens_depend_on_no_other_patient_and_on_no_order(
    tmp_path_factory: pytest.TempPathFactory, data: list[tuple[str, str]], alone: int, order: Any
) -> None:
    dictionary = source(tmp_path_factory.mktemp("law"), WIDE)
    patients = [{"ID": f"p{i}", "Biopsy": a, "Excision": b} for i, (a, b) in enumerate(data)]
    columns = ("specimen_id", "her2_ihc", "her2_ihc_text")
    every = rows(harmonise(load(table(*patients), source=dictionary)), "specimens", *columns)
    shuffled = list(patients)
    order.shuffle(shuffled)
    again = rows(harmonise(load(table(*shuffled), source=dictionary)), "specimens", *columns)
    assert every == again
    one = patients[alone % len(patients)]
    own = rows(harmonise(load(table(one), source=dictionary)), "specimens", *columns)
    assert own == [row for row in every if row[0] == one["ID"]]
