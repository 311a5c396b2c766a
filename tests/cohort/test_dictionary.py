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
        (
            "her2_ratio_low: {from: main.H, number: {}}",
            "a bound without her2_ratio, her2_ratio_high",
        ),
        ("followup_months: {from: main.M, number: {}}", "time.followup says days"),
        (
            "grade: {when: {diagnosis_year: [2010, null]}, from: main.G, codes: metabric_grade}",
            "needs a rule for diagnosis_year",
        ),
        ("grade: {when: {stage: [1, 2]}, from: main.G, codes: metabric_grade}", "stage is one of"),
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


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("{tumour_sequence: [onyl]}", "tumour_sequence is one of only, first_of_several, later"),
        ("{diagnosis_year: [2010]}", "a first and a last year"),
        ("{diagnosis_year: ['2010', null]}", "a first and a last year"),
        ("{tumour_sequence: [only]}", "'when' needs a rule for tumour_sequence"),
        ("{nodes_positive: [1, 3]}", "only diagnosis_year and columns with levels"),
    ],
)
def test_a_condition_that_means_nothing_is_told(tmp_path: Path, when: str, said: str) -> None:
    rule = f"age_years: {{when: {when}, from: main.A, number: {{}}}}"
    assert said in refused(tmp_path, column(rule))


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
    assert dictionary.identifies.her2_score is not None


def test_the_package_has_the_sources_it_names() -> None:
    assert SourceDictionary.names() == (
        "breast_msk_2018", "canonical", "canonical_months", "cbioportal",
        "cbioportal_combined", "metabric", "naaccr",
        "naaccr_days", "ncdb_puf", "redcap", "seer", "seer_2006_2010", "seer_custom",
        "spreadsheet", "tcga_brca",
    )  # fmt: skip


def test_every_code_table_is_used_and_states_its_source() -> None:
    used = {
        rule.codes
        for name in SourceDictionary.names()
        for _, rule in SourceDictionary.load(name).rules()
    }
    for path in FOLDER.glob("*.csv"):
        assert path.stem in used
        assert all(code.source for code in read_codes(path).codes)


def test_er_score_and_later_events_are_never_mapped() -> None:
    mapped = {
        reference
        for _, rule in SourceDictionary.load("cbioportal").rules()
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


WIDE = GOOD.replace(
    "  visits: {grain: event, key: ID, required: false}",
    "  visits: {grain: event, of: main, where: {Kind: [visit, recall]}}\n"
    "  biopsies: {grain: specimen, key: [ID, Case], required: false, sheet: Biopsies}",
)


def blocks(text: str) -> str:
    return WIDE + text


def test_specimens_and_events_are_blocks_of_rules(tmp_path: Path) -> None:
    text = blocks(
        "specimens:\n"
        "  - from: biopsies\n"
        "    columns:\n"
        "      specimen_timing: {value: before_treatment}\n"
        "      her2_ihc: {from: biopsies.Score, codes: label_her2_ihc_score}\n"
        "      specimen_day: {days_from: {date: biopsies.On, origin: main.Dx, format: european}}\n"
        "events:\n"
        "  - from: visits\n"
        "    where: {Relapse: [yes]}\n"
        "    columns:\n"
        "      event_kind: {value: distant}\n"
        "      event_day: {from: visits.Day, number: {}}\n"
    )
    dictionary = SourceDictionary.load(write(tmp_path, text))
    assert [(key, i, block.from_) for key, i, block in dictionary.blocks] == [
        ("specimens", 0, "biopsies"),
        ("events", 0, "visits"),
    ]
    assert dictionary.own_files == ("main", "biopsies")
    assert dictionary.key_of("visits") == ("ID", "Patient")
    named = {"ID", "Patient", "Kind", "Sex", "Age", "Gender", "Dx", "Relapse", "Day"}
    assert set(dictionary.headings("main")) == set(dictionary.headings("visits")) == named
    assert set(dictionary.headings("biopsies")) == {"ID", "Case", "Score", "On"}


@pytest.mark.parametrize(
    ("block", "place", "said"),
    [
        ("specimens: [{from: biopsy, columns: {grade: {value: 1}}}]", "specimens[0].from",
         "Did you mean 'biopsies'?"),
        ("specimens: [{from: biopsies, columns: {sex: {value: male}}}]",
         "specimens[0].columns.sex", "'sex' is no column of specimens"),
        ("specimens: [{from: biopsies, columns: {her2_ihc: {value: 1}}}]",
         "specimens[0].columns.her2_ihc.value", "Did you mean '1+'?"),
        ("specimens: [{from: biopsies, columns: {specimen_site: {value: primary}}}]",
         "specimens[0].columns", "every row would hold one"),
        ("specimens: [{from: biopsies, columns: {specimen_day: {from: visits.D, number: {}}}}]",
         "specimens[0].columns.specimen_day", "'visits' has no single row for each patient"),
        ("specimens: [{from: biopsies, where: {A: []}, columns: {grade: {value: 1}}}]",
         "specimens[0].where.A", "at least 1 item"),
        ("specimens: [{frm: biopsies, columns: {grade: {value: 1}}}]", "specimens[0].frm",
         "Did you mean 'from'?"),
        ("events: [{from: visits, columns: {event_day: {from: visits.D, number: {}}}}]",
         "events[0].columns", "an event needs event_kind"),
        ("events: [{from: visits, where: {A: x}, columns: {event_months: {value: 3}}}]",
         "events[0].columns.event_months", "no column of events"),
        ("events: [{from: visits, columns: {event_kind: {from: visits.K, codes: label_sex}}}]",
         "events[0].columns.event_kind.codes", "Levels of event_kind"),
    ],
)  # fmt: skip
def test_a_wrong_block_is_told_with_its_place(
    tmp_path: Path, block: str, place: str, said: str
) -> None:
    message = refused(tmp_path, blocks(block + "\n"))
    assert said in message
    assert f"clinic.yaml:12: {place}: " in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("of: main,", "of: mian,", "Did you mean 'main'?"),
        ("of: main,", "of: main, required: false,", "leave out required"),
        ("main", "her2", "Call it her2_file"),
        ("{grain: event, of: main, where", "{grain: event, where", "key: this key is needed"),
        ("grain: specimen,", "grain: tumour,", "only the first file can be of grain tumour"),
    ],
)
def test_a_wrong_role_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    message = refused(tmp_path, WIDE.replace(old, new))
    assert said in message
    assert message.startswith("clinic.yaml")


def test_the_main_file_may_have_a_row_for_every_tumour(tmp_path: Path) -> None:
    assert SourceDictionary.load(
        write(tmp_path, GOOD.replace("grain: patient,", "grain: tumour,"))
    ).of_tumours


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("race: {value: any}", "Levels: white, black"),
        ("age_years: {value: old}", "'old' is no value of age_years"),
        ("age_years: {value: 60, number: {}}", "value leaves nothing for number"),
        ("diagnosis_date: {value: 2015-01-01}", "cannot be the same for every row"),
        ("surgery: {any_of: [main.A, main.B], codes: tcga_first_surgery}", "by yes or no"),
        ("pcr: {any_of: [main.A, main.B]}", "any_of needs codes"),
        ("diagnosis_year: {from: main.D, characters: [4, 1], number: {}}", "first and the last"),
        ("event_day: {from: main.D, number: {}}", "Describe it under 'events'"),
    ],
)
def test_constants_and_boxes_fit_their_column(tmp_path: Path, rule: str, said: str) -> None:
    assert said in refused(tmp_path, column(rule))


@pytest.mark.parametrize(
    ("identifies", "said"),
    [
        ("{her2_scores: true}", "Did you mean 'her2_score'?"),
        ("{treatment: some}", "identifies.treatment"),
        ("{adc: partly}", "identifies.adc"),
        ("{recurrence: 1}", "identifies.recurrence"),
    ],
)
def test_what_a_source_identifies_is_said_in_known_words(
    tmp_path: Path, identifies: str, said: str
) -> None:
    assert said in refused(tmp_path, GOOD + f"identifies: {identifies}\n")


def test_an_uncertain_code_has_no_value(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(HEAD + "0-1+,uncertain,,,,0 or 1+,yes,s\n")
    assert read_codes(path).codes[0].outcome == "uncertain"
    path.write_text(HEAD + "0-1+,uncertain,1+,,,0 or 1+,yes,s\n")
    with pytest.raises(SpecError, match="an uncertain code with a value"):
        read_codes(path)


EXTENDED = """\
extends: metabric
name: own
describes: One like METABRIC
identifies: {her2_score: true}
columns:
  grade: null
  age_years: {from: main.Years, number: {}}
"""


def test_a_dictionary_says_only_what_differs_from_one_of_the_package(tmp_path: Path) -> None:
    own = SourceDictionary.load(write(tmp_path, EXTENDED))
    base = SourceDictionary.load("metabric")
    assert (own.name, own.time) == ("own", base.time)
    assert "grade" not in own.columns
    assert own.columns["age_years"][0].references == ("main.Years",)
    assert own.columns["er_status"] == base.columns["er_status"]
    assert own.identifies.her2_score is True
    assert own.identifies.cause_of_death is True
    assert own.sha256 != base.sha256


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("extends: metabric", "extends: metabrick", "Did you mean 'metabric'?"),
        ("extends: metabric", "extends: [metabric]", "no dictionary of the package"),
        ("age_years: {from", "age_yaers: {from", "Did you mean 'age_years'?"),
    ],
)
def test_a_mistake_in_what_differs_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    message = refused(tmp_path, EXTENDED.replace(old, new))
    assert said in message
    assert message.startswith("clinic.yaml:")


def test_a_reason_must_be_for_something_that_is_stated(tmp_path: Path) -> None:
    text = GOOD + "identifies: {because: {adcs: none}}\n"
    assert "a reason for adcs" in refused(tmp_path, text)
