"""The two ways of recoding, in memory and on an engine, agree in every value and every count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort.dictionary import SourceDictionary
from cohort.endpoints import add_endpoint
from cohort.engine import DuckDBEngine
from cohort.formats.plain import plain_text
from cohort.harmonisation import harmonise
from cohort.her2 import classify_her2
from cohort.loading import Extract, load
from cohort.selection import Criterion, select
from cohort.simulation import simulate
from cohort.table import Cohort
from cohort.wanted import DESCRIPTIVE

CODES = """\
code,kind,value,low,high,meaning,verified,source
0,value,0,,,zero,yes,s
1,value,1+,,,one,yes,s
2-3,value,2+,,,two,yes,s
0-1+,uncertain,,,,zero or one,yes,s
9,missing,unknown,,,unknown,yes,s
"""
DICTIONARY = """\
name: clinic
describes: A clinic's export
files:
  main: {grain: patient, key: ID}
time: {followup: days}
missing: {"NA": not_available}
fits: [main.ID]
unmapped: [{columns: [main.Note], reason: Free text.}]
columns:
  diagnosis_year: {from: main.Year, number: {}}
  facility_id: {from: main.Site}
  sex: {value: female}
  her2_ihc:
    - {when: {diagnosis_year: [null, 2012]}, from: main.Old, codes: score}
    - {when: {diagnosis_year: [2013, null]}, from: main.New, codes: score}
  her2_ratio: {coalesce: [main.Ratio, main.Ratio2], number: {}}
  nodes_positive: {from: main.Nodes, number: {}}
  radiotherapy: {any_of: [main.R1, main.R2], codes: label_yes_no}
  followup_days: {days_from: {date: [main.Died, main.Seen], origin: main.Dx, format: iso}}
  diagnosis_date: {from: main.Dx, date: iso}
  vital_status: {from: main.Absent, codes: label_vital_status}
"""
HEADINGS = ("Year", "Site", "Note", "Old", "New", "Ratio", "Ratio2", "Nodes", "R1", "R2", "Died",
            "Seen", "Dx")  # fmt: skip


def column(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", "NA", " na ", "x", *texts])


PATIENT = st.tuples(
    column("2012", "2013", "2013.0"), column("A", " A\u00a0", "b"), column("note"),
    column("0", "1", "3", "0-1+", "9"), column("0", "1.0", "3", "0-1+", "9"),
    column("2.1", "-1"), column("1.9"), column("3", "91", "3.5"), column("Yes", "No"),
    column("Yes", "No"), column("2015-03-01", "2015-02-30"), column("2015-02-01", "2015"),
    column("2015-01-31", "2015-02-15"),
)  # fmt: skip


def dictionary(folder: Path) -> SourceDictionary:
    (folder / "codes").mkdir(exist_ok=True)
    (folder / "codes" / "score.csv").write_text(CODES)
    (folder / "clinic.yaml").write_text(DICTIONARY)
    return SourceDictionary.load(folder / "clinic.yaml")


class Lazy(DuckDBEngine):
    """An engine that recodes by joins, whatever is in memory."""

    def held(self, frame: Any) -> None:  # noqa: ARG002
        """Nothing."""
        return


def both(path: Path, source: SourceDictionary | str) -> tuple[Cohort, Cohort]:
    extract = load(path, source=source)
    assert extract.engine.held(extract.tables["main"]) is not None
    return harmonise(extract), harmonise(load(path, source=source, engine=Lazy()))


def alike(one: Cohort, other: Cohort) -> None:
    assert one.columns == other.columns
    pd.testing.assert_frame_equal(one.to_pandas(), other.to_pandas())
    assert one.findings == other.findings
    assert one.n == other.n


@settings(max_examples=40, deadline=None)
@given(patients=st.lists(PATIENT, min_size=1, max_size=6))
def test_in_memory_and_by_joins_every_value_and_count_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, patients: list[tuple[str, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("both")
    lines = [",".join(("ID", *HEADINGS))]
    lines += [",".join((f" p{i}", *texts)) for i, texts in enumerate(patients)]
    (folder / "file.csv").write_text("\n".join(lines) + "\n")
    alike(*both(folder / "file.csv", dictionary(folder)))


def test_a_registry_with_dirt_is_the_same_either_way(tmp_path: Path) -> None:
    simulate(3000, seed=5, dirt=0.05).to_csv(tmp_path / "registry.csv", index=False)
    one, other = both(tmp_path / "registry.csv", "ncdb_puf")
    alike(one, other)
    alike(classify_her2(one), classify_her2(other))


def test_keys_are_counted_alike(tmp_path: Path) -> None:
    rows = ["ID,Year", "a,2012", " a ,2012", "b,2012", ",2013", "NA,2013"]
    (tmp_path / "file.csv").write_text("\n".join(rows))
    said = set()
    for engine in (DuckDBEngine(), Lazy()):
        extract = load(tmp_path / "file.csv", source=dictionary(tmp_path), engine=engine)
        with pytest.raises(Exception, match="2 rows have no ID") as caught:
            harmonise(extract)
        said.add(str(caught.value))
    assert len(said) == 1
    assert "1 patients stand in more than one row" in said.pop()


def test_a_study_that_names_its_columns_gets_the_same_answers(tmp_path: Path) -> None:
    simulate(2000, seed=6, dirt=0.02).to_csv(tmp_path / "registry.csv", index=False)

    def answers(columns: list[str] | None) -> Cohort:
        extract = load(tmp_path / "registry.csv", source="ncdb_puf", columns=columns)
        cohort = add_endpoint(classify_her2(harmonise(extract)), id="os")
        return select(cohort, [Criterion("g", "grade", "r", one_of=("1", "2"))], endpoint="os")

    whole, few = answers(None), answers(["grade"])
    assert whole.attrition == few.attrition
    # Made from a column that nobody named, it is not there either.
    made = ("er_group",)
    names = [n for n in whole.columns if n == "grade" or n not in (*DESCRIPTIVE, *made)]
    assert list(few.columns) == names
    pd.testing.assert_frame_equal(whole.to_pandas(names), few.to_pandas(names))


def read(path: Path, quote: str = '"') -> Any:
    from cohort.dictionary import FileRule
    from cohort.formats.delimited import layout

    shape = layout(path, path.name, FileRule(grain="patient", key=("a",)))
    return plain_text(path, replace(shape, quote=quote), range(len(shape.headings)))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", [{"c0": "1", "c1": "2"}]),
        ("a,b\r\n1,\r\n\r\n", [{"c0": "1", "c1": None}]),
        ('a,b\n"1,5",2\n', [{"c0": "1,5", "c1": "2"}]),
        ('"a","b"\n1,""\n', [{"c0": "1", "c1": None}]),
        ("a,b\n1,2", [{"c0": "1", "c1": "2"}]),
        ("\ufeffa,b\nNA,null\n", [{"c0": "NA", "c1": "null"}]),
    ],
)
def test_plain_text_is_read_as_it_is_written(tmp_path: Path, text: str, rows: list[Any]) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(text.encode())
    assert read(path).to_pylist() == rows


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n1,2"3\n', 'a,b\n"1"x,2\n', 'a,b\n"1\n2",3\n', 'a,b\n"1""2",3\n', "a,b\n1,2,3\n",
        "a,b\n1\n", 'a,b\n1,"2\n', 'a,b\n1, "2"\n',
    ],
)  # fmt: skip
def test_whatever_is_not_plain_is_left_to_the_strict_reader(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(text.encode())
    assert read(path) is None


def test_text_that_was_filtered_is_not_taken_for_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("ID,Year\na,2012\nb,2013\n")
    extract: Extract = load(tmp_path / "file.csv", source=dictionary(tmp_path))
    table = extract.tables["main"]
    assert extract.engine.held(table) is not None
    assert extract.engine.held(table.head(1)) is None
