"""Source dictionaries: what they may say, and where a mistake in one is found."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cohort.codes import COLUMNS, FOLDER, read_codes
from cohort.dictionary import SourceDictionary
from cohort.errors import SpecError

GOOD = """\
name: clinic
describes: A clinic's export
files:
  main: {grain: patient, key: [ID, Patient]}
  visits: {grain: event, key: ID, required: false}
time: {followup: days}
fits: [main.Age, [main.Sex, main.Gender]]
columns:
  sex: {from: main.Sex, codes: label_sex}
  age_years: {from: main.Age, number: {}}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "clinic.yaml"
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(SpecError) as caught:
        SourceDictionary.load(write(folder, text))
    return str(caught.value)


def column(rule: str) -> str:
    return GOOD.replace("  age_years: {from: main.Age, number: {}}\n", f"  {rule}\n")


def test_a_dictionary_of_the_users_own_is_read(tmp_path: Path) -> None:
    dictionary = SourceDictionary.load(write(tmp_path, GOOD))
    assert dictionary.name == "clinic"
    assert dictionary.main == "main"
    assert dictionary.key == ("ID", "Patient")
    assert dictionary.headings("main") == ("ID", "Patient", "Sex", "Age", "Gender")
    assert dictionary.codes("label_sex").codes[0].value == "female"
    assert SourceDictionary.load(dictionary) is dictionary


def test_code_tables_beside_the_dictionary_come_first(tmp_path: Path) -> None:
    folder = tmp_path / "codes"
    folder.mkdir()
    rows = [",".join(COLUMNS), "w,value,female,,,woman,yes,the clinic"]
    (folder / "label_sex.csv").write_text("\n".join(rows))
    dictionary = SourceDictionary.load(write(tmp_path, GOOD))
    assert [code.code for code in dictionary.codes("label_sex").codes] == ["w"]


def test_the_digest_follows_the_dictionary_and_its_codes(tmp_path: Path) -> None:
    first = SourceDictionary.load(write(tmp_path, GOOD)).sha256
    assert first == SourceDictionary.load(write(tmp_path, GOOD)).sha256
    assert first != SourceDictionary.load(write(tmp_path, GOOD + "# more\n")).sha256
    (tmp_path / "codes").mkdir()
    rows = [",".join(COLUMNS), "w,value,female,,,woman,yes,the clinic"]
    (tmp_path / "codes" / "label_sex.csv").write_text("\n".join(rows))
    assert first != SourceDictionary.load(write(tmp_path, GOOD)).sha256


def test_it_cannot_be_changed(tmp_path: Path) -> None:
    dictionary = SourceDictionary.load(write(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        dictionary.name = "other"
    with pytest.raises(TypeError):
        dictionary.columns["sex"] = ()  # type: ignore[index]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("age_yaers: {from: main.Age, number: {}}", "Did you mean 'age_years'?"),
        ("age_years: {from: main.Age, numer: {}}", "unknown key 'numer'"),
        ("age_years: {from: main.Age, number: {most: 3}}", "unknown key 'most'"),
        ("age_years: {from: mian.Age, number: {}}", "Did you mean 'main'?"),
        ("age_years: {from: visits.Age, number: {}}", "no single row for each patient"),
        ("age_years: {from: main.Age}", "a number needs"),
        ("age_years: {number: {}}", "exactly one of from, first_of"),
        ("age_years: {from: main.A, coalesce: [main.B], number: {}}", "exactly one of"),
        ("race: {from: main.Race}", "a column with levels needs codes"),
        ("race: {from: main.Race, codes: label_rase}", "Did you mean 'label_race'?"),
        ("race: {from: main.Race, codes: label_sex}", "Levels of race"),
        ("facility_id: {from: main.Site, number: {}}", "facility_id is not a number"),
        ("diagnosis_date: {from: main.D}", "has a date format"),
        ("facility_id: {from: main.D, date: iso}", "has a date format"),
        ("patient_id: {from: main.ID}", "patient_id is the key"),
        ("her2_status: {from: main.H, codes: label_her2_result}", "made by the toolkit"),
        ("her2_ratio_low: {from: main.H, number: {}}", "made by the toolkit"),
        ("followup_months: {from: main.M, number: {}}", "time.followup says days"),
        (
            "grade: {when: {diagnosis_year: [2010, null]}, from: main.G, codes: metabric_grade}",
            "needs a rule for diagnosis_year",
        ),
        ("grade: {when: {stage: [1, 2]}, from: main.G, codes: metabric_grade}", "only diagnosis"),
    ],
)
def test_a_wrong_rule_is_told_with_file_line_and_key(tmp_path: Path, rule: str, said: str) -> None:
    message = refused(tmp_path, column(rule))
    assert said in message
    assert message.startswith(f"clinic.yaml:10: columns.{rule.partition(':')[0]}")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = column("race: {from: main.R}").replace("main.Gender", "man.Gender")
    message = refused(tmp_path, text)
    assert "clinic.yaml:7: fits[1]" in message
    assert "clinic.yaml:10: columns.race" in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("time:", "tmie:", "unknown key 'tmie'"),
        ("time: {followup: days}\n", "", "time: this key is needed"),
        ("followup: days", "followup: weeks", "time.followup"),
        ("grain: patient,", "grain: person,", "files.main.grain"),
        ("grain: patient,", "grain: event,", "the first file must be required"),
        ("[ID, Patient]", "ID, skip_rows: [3]", "skip_rows must follow the heading: 2, 3"),
        ("describes:", "name: twice\ndescribes:", "stands here again"),
        ("name: clinic", "name:\tclinic", "tab"),
        ("  main: {", "  ma-in: {", "a role is one word"),
    ],
)
def test_a_wrong_key_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    message = refused(tmp_path, GOOD.replace(old, new))
    assert said in message
    assert message.startswith("clinic.yaml")


def test_several_rules_of_a_column_each_need_years(tmp_path: Path) -> None:
    rules = "age_years: [{from: main.A, number: {}}, {from: main.B, number: {}}]"
    assert "each of several rules needs 'when'" in refused(tmp_path, column(rules))


def test_a_path_that_does_not_exist_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(SpecError, match=r"Did you mean 'clinic\.yaml'"):
        SourceDictionary.load(tmp_path / "clinik.yaml")


HEAD = ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,value,a,,,x,yes", "7 fields"),
        ("1,walue,a,,,x,yes,s", "kind 'walue'"),
        ("1,value,,,,x,yes,s", "a value code without a value"),
        ("1,missing,,,,x,yes,s", "a missing code without a value"),
        ("1,interval,,,,x,yes,s", "an interval without a bound"),
        ("1,interval,,two,,x,yes,s", "bound 'two' is not a number"),
        ("1,obsolete,,,,x,yes,s", "means nothing"),
        ("1,value,a,,,x,perhaps,s", "verified 'perhaps'"),
        ("0,value,a,,,x,yes,s\n0,value,b,,,x,yes,s", "code '0' is empty or repeated"),
    ],
)
def test_a_wrong_code_table_is_told_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(HEAD + row + "\n")
    with pytest.raises(SpecError, match=said) as caught:
        read_codes(path)
    assert str(caught.value).startswith(f"codes.csv:{row.count(chr(10)) + 2}")


@pytest.mark.parametrize("name", SourceDictionary.names())
def test_the_packages_dictionaries_are_sound(name: str) -> None:
    dictionary = SourceDictionary.load(name)
    assert dictionary.name == name
    assert "her2_score" in dictionary.identifies


def test_the_package_has_the_sources_it_names() -> None:
    assert SourceDictionary.names() == ("cbioportal", "metabric", "ncdb_puf", "tcga_brca")


def test_every_code_table_is_used_and_states_its_source() -> None:
    used = {
        rule.codes
        for name in SourceDictionary.names()
        for _, _, rule in SourceDictionary.load(name).rules()
    }
    for path in FOLDER.glob("*.csv"):
        assert path.stem in used
        assert all(code.source for code in read_codes(path).codes)


def test_er_score_and_later_events_are_never_mapped() -> None:
    mapped = {
        reference
        for _, _, rule in SourceDictionary.load("cbioportal").rules()
        for reference in rule.references
    }
    assert "main.IHC_SCORE" not in mapped
    assert not any(reference.startswith("main.NTE_") for reference in mapped)


def test_ssf8_is_not_read_with_the_codes_of_the_interpretations() -> None:
    ihc = {c.code: c.value for c in read_codes(FOLDER / "cs_ssf8_her2_ihc.csv").codes}
    fish = {c.code: c.value for c in read_codes(FOLDER / "cs_ssf11_her2_fish.csv").codes}
    assert [ihc[code] for code in ("000", "010", "020", "030")] == ["0", "1+", "2+", "3+"]
    assert [fish[code] for code in ("010", "020", "030")] == ["positive", "negative", "equivocal"]


def test_facts_from_memory_keep_their_mark() -> None:
    rows = list(csv.DictReader((FOLDER / "naaccr_160_race.csv").read_text().splitlines()))
    assert {row["verified"] for row in rows} == {"memory"}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            "vital_status: {from: fu.V, codes: label_vital_status}\n"
            "  followup_days: {from: main.D, number: {}}",
            "from 'main', but vital status from 'fu'",
        ),
        (
            "vital_status: {first_of: [fu.V, main.V], codes: label_vital_status}\n"
            "  followup_days: {first_of: [main.D, fu.D], number: {}}",
            "from 'main', else 'fu', but vital status from 'fu', else 'main'",
        ),
        (
            "vital_status: {from: main.V, codes: label_vital_status}\n"
            "  followup_days: {coalesce: [main.D, fu.D], number: {}}",
            "from 'fu' and 'main', but vital status from 'main'",
        ),
        ("followup_days: {from: main.D, number: {scale: 30.4}}", "in the unit of the source"),
        ("given_dss_time: {from: main.D, number: {scale: 12}}", "in the unit of the source"),
    ],
)
def test_follow_up_is_in_its_own_unit_and_from_the_file_of_vital_status(
    tmp_path: Path, columns: str, said: str
) -> None:
    text = column(columns).replace(
        "  visits: {grain: event, key: ID, required: false}",
        "  fu: {grain: patient, key: ID, required: false}",
    )
    assert said in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("label", "score"),
    [("0+", "0"), ("Score 0", "0"), ("ihc 1+", "1+"), ("Positive (Score 3+)", "3+"), ("+1", "1+")],
)
def test_wordings_of_a_score_are_read_as_that_score(label: str, score: str) -> None:
    codes = {c.code.lower(): c.value for c in read_codes(FOLDER / "label_her2_ihc_score.csv").codes}
    assert codes[label.lower()] == score
