"""Drafted dictionaries: columns guessed by headings, codes never; the draft reads its file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from cohort.codes import read_codes
from cohort.dictionary import SourceDictionary
from cohort.drafting import Draft, draft, write
from cohort.drafting_entries import Entry
from cohort.drafting_headings import guess, specimen_labels
from cohort.drafting_tables import label_tables, read
from cohort.drafting_values import date_formats, labels
from cohort.errors import DataError
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.schema import SCHEMA, column
from cohort.table import Cohort


def table(folder: Path, columns: dict[str, list[str]], name: str = "own.csv") -> Path:
    path = folder / name
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def drafted(folder: Path, columns: dict[str, list[str]]) -> Draft:
    n = len(next(iter(columns.values())))
    return draft(table(folder, {"patient_id": [f"p{i}" for i in range(n)]} | columns), name="own")


def entry_of(made: Draft, name: str) -> Entry:
    return next(one for one in (*made.decided, *made.open) if one.column == name)


def is_decided(made: Draft, name: str) -> bool:
    return name in {one.column for one in made.decided}


def reread(made: Draft, folder: Path, file: Path) -> Cohort:
    """The file as the written draft reads it."""
    write(made, folder / "own.yaml")
    return harmonise(load(file, source=SourceDictionary.load(folder / "own.yaml")))


def values(cohort: Cohort, name: str) -> list[Any]:
    return [None if v != v else v for v in cohort.to_pandas([name])[name].astype(object)]


# --- headings ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "meant"),
    [
        ("Age at diagnosis", "age_years"),
        ("age", "age_years"),
        ("Age at menarche", None),
        ("DOB", "birth_date"),
        ("Date of birth", "birth_date"),
        ("HER2 IHC", "her2_ihc"),
        ("HER-2/neu IHC score", "her2_ihc"),
        ("c-erbB2 immunohistochemistry", "her2_ihc"),
        ("HER2 FISH", "her2_ish"),
        ("HER2 FISH ratio", "her2_ratio"),
        ("HER2/CEP17 ratio", "her2_ratio"),
        ("HER2 FISH date", None),
        ("HER2 status", "her2_reported"),
        ("HER2 (%)", "her2_stain_percent"),
        ("ER", "er_status"),
        ("ER (%)", "er_percent"),
        ("Oestrogen receptor status", "er_status"),
        ("PgR", "pr_status"),
        ("Ki-67 (%)", "ki67_percent"),
        ("Vital status", "vital_status"),
        ("date_of_death", "death_date"),
        ("Date of last follow-up", "last_contact_date"),
        ("death_days_to", "death_day"),
        ("OS_MONTHS", "followup"),
        ("Disease-free survival (months)", None),
        ("pT", "t_category"),
        ("Tumour size (mm)", "tumour_size_mm"),
        ("Number of positive nodes", "nodes_positive"),
        ("neoadjuvant chemotherapy", "neoadjuvant"),
        ("Adjuvant chemotherapy", "chemotherapy"),
        ("pCR", "pcr"),
        ("radiotherapy_day", "radiotherapy_day"),
        ("Radiotherapy days", None),
        ("her2_zero_kind", "her2_zero_kind"),
        ("her2_rule", None),
        ("menopausal status", None),
        ("time", None),
    ],
)
def test_headings_are_guessed_by_their_words(heading: str, meant: str | None) -> None:
    found = guess(heading)
    assert (None if found is None else found.column) == meant


def test_the_row_with_most_words_tells_how_sure_a_guess_is() -> None:
    found = guess("HER2 IHC score central")
    assert found is not None
    assert found.strength == (3, -1)


def test_headings_that_stand_for_specimens_are_told_by_their_word() -> None:
    assert specimen_labels(["her2_ihc_biopsy", "her2_ihc_surgery"]) == ("biopsy", "surgery")
    assert specimen_labels(["HER2 IHC", "HER2 IHC metastasis"]) == ("", "metastasis")
    # A central reading is another reading of the same specimen.
    assert specimen_labels(["HER2 IHC", "HER2 IHC central"]) == ()


def test_the_tables_of_guesses_name_columns_levels_and_families_that_exist() -> None:
    families = {row["family"] for row in read("families")}
    for row in read("headings"):
        known = column(row["column"])
        named = row["column"] == "followup" or row["column"].endswith("_date")
        assert known is not None or named, row
        coded = known is not None and known.kind == "category" and known.name != "age_band"
        assert bool(row["family"]) == coded, row
        assert not row["family"] or row["family"] in families, row
        if coded and known is not None:
            given = {c.value for t in label_tables(row["family"])[:1] for c in t.codes}
            assert given <= set(known.levels) | {"borderline"}, row


# --- codes are never guessed -------------------------------------------------------------


def test_certain_labels_are_filled_in_and_others_are_missing_until_decided(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"ER": ["positive", "NEG", "1", "weak"]})
    assert is_decided(made, "er_status")
    assert made.n_undecided == 2
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert values(cohort, "er_status") == ["positive", "negative", None, None]
    codes = {c.code: c for c in read_codes(tmp_path / "codes" / "own_er_status.csv").codes}
    assert codes["1"].kind == "missing"
    assert codes["1"].value == "undecided"
    assert "DECIDE" in codes["1"].meaning
    assert "negative, borderline, positive" in codes["1"].meaning
    assert codes["positive"].verified == "derived"


@pytest.mark.parametrize(
    ("heading", "texts", "name"),
    [
        ("Vital status", ["0", "1", "1"], "vital_status"),
        ("death", ["0", "1", "0"], "vital_status"),
        ("Chemotherapy", ["0", "1", "9"], "chemotherapy"),
        ("HER2 IHC", ["0", "1", "1"], "her2_ihc"),
        ("HER2 IHC", ["1", "2", "3"], "her2_ihc"),
        ("HER2 IHC", ["0", "1", "2"], "her2_ihc"),
        ("Grade", ["1", "2", "2"], "grade"),
        ("Sex", ["1", "2", "2"], "sex"),
    ],
)
def test_bare_digits_are_left_to_the_user(
    tmp_path: Path, heading: str, texts: list[str], name: str
) -> None:
    made = drafted(tmp_path, {heading: texts})
    assert not is_decided(made, name)
    assert all(not label.decided for label in entry_of(made, name).labels)
    assert f"\n  # {name}: {{from: " in made.text
    assert name not in reread(made, tmp_path, tmp_path / "own.csv").columns


def test_digits_are_levels_only_as_a_whole_ladder_or_beside_a_plus_sign() -> None:
    def read_as(name: str, texts: str) -> dict[str, str]:
        counts = dict.fromkeys(texts.split(), 1)
        return {one.text: one.value for one in labels(name, name, counts) if one.decided}

    assert read_as("her2_ihc", "0 1 2 3") == {"0": "0", "1": "1+", "2": "2+", "3": "3+"}
    assert read_as("her2_ihc", "0 1 2 3 9") == {"0": "0", "1": "1+", "2": "2+", "3": "3+"}
    assert read_as("her2_ihc", "0 1 2 3 4") == {}  # 4 shows that these are codes
    assert read_as("her2_ihc", "0 1+ 3+") == {"0": "0", "1+": "1+", "3+": "3+"}
    assert read_as("grade", "1 2 3") == {"1": "1", "2": "2", "3": "3"}
    assert read_as("grade", "0 1 2 3") == {}  # 0 shows that they are counted from nought


def test_a_score_that_is_no_certain_one_keeps_its_text(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"HER2 IHC": ["0", "1+", "0-1+", "not in the report"]})
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert values(cohort, "her2_ihc") == ["0", "1+", None, None]
    assert values(cohort, "her2_ihc_text") == [None, None, "0-1+", None]


def test_a_completed_draft_is_read_as_its_user_decided(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"Vital status": ["0", "1"]})
    write(made, tmp_path / "own.yaml")
    codes = tmp_path / "codes" / "own_vital_status.csv"
    text = codes.read_text()
    text = text.replace("0,missing,undecided", "0,value,dead")
    codes.write_text(text.replace("1,missing,undecided", "1,value,alive"))
    whole = made.text.replace("columns: {}", "columns:").replace("# vital_status:", "vital_status:")
    (tmp_path / "own.yaml").write_text(whole)
    cohort = harmonise(load(tmp_path / "own.csv", source=tmp_path / "own.yaml"))
    assert values(cohort, "vital_status") == ["dead", "alive"]


def test_the_levels_of_a_column_are_certain_as_they_stand(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"surgery": ["breast_conserving", "Mastectomy", "n.k."]})
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert values(cohort, "surgery") == ["breast_conserving", "mastectomy", None]


def test_texts_that_mean_missing_are_declared_once(tmp_path: Path) -> None:
    made = drafted(
        tmp_path, {"ER": ["positive", "NA", "n.k."], "age": ["50", "60", "NA"], "x": ["NA"] * 3}
    )
    dictionary = reread(made, tmp_path, tmp_path / "own.csv")
    assert values(dictionary, "age_years") == [50.0, 60.0, None]
    assert '"NA": not_available' in made.text
    assert '"n.k.": unknown' in made.text
    assert "NA" not in {label.text for label in entry_of(made, "er_status").labels}


# --- numbers, units and dates ------------------------------------------------------------


def test_a_tumours_size_needs_its_unit(tmp_path: Path) -> None:
    said = drafted(tmp_path, {"Tumour size (cm)": ["1.2", "3"]})
    assert "scale: 10" in entry_of(said, "tumour_size_mm").rule
    large = drafted(tmp_path, {"Tumour size": ["12", "30"]})
    assert is_decided(large, "tumour_size_mm")
    assert "scale" not in entry_of(large, "tumour_size_mm").rule
    small = drafted(tmp_path, {"Tumour size": ["1.2", "3"]})
    assert not is_decided(small, "tumour_size_mm")
    assert "DECIDE: mm, or cm" in small.text


def test_follow_up_needs_its_unit_and_comes_in_one(tmp_path: Path) -> None:
    months = drafted(tmp_path, {"Follow-up (months)": ["12", "3.5"]})
    assert "time: {followup: months}" in months.text
    assert is_decided(months, "followup_months")
    plain = drafted(tmp_path, {"Overall survival": ["12", "3.5"]})
    assert not plain.decided or not is_decided(plain, "followup_days")
    assert "DECIDE the unit" in plain.text
    years = drafted(tmp_path, {"OS (years)": ["1", "2"]})
    assert "in years: give days or months instead" in years.text
    both = drafted(tmp_path, {"os_days": ["30", "60"], "fu months": ["1", "2"]})
    assert "time: {followup: days}" in both.text
    assert is_decided(both, "followup_days")
    assert not is_decided(both, "followup_months")


def test_texts_that_are_no_numbers_are_told_and_left_out(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"ER (%)": ["90", "<1", "80"], "age": ["40", "50", "999"]})
    assert not is_decided(made, "er_percent")
    assert "only 67 % of its texts are numbers" in made.text
    assert is_decided(made, "age_years")
    assert "seen: 40 to 999" in made.text
    assert "possible is 0 to 120" in made.text


@pytest.mark.parametrize(
    ("texts", "forms"),
    [
        (["2015-03-31"], ("iso",)),
        (["03/31/2015"], ("us",)),
        (["31.03.2015"], ("european",)),
        (["31/03/2015", "01/02/2015"], ("european",)),
        (["20150331"], ("compact",)),
        (["04/03/2015"], ("us", "european")),
        (["March 2015"], ()),
    ],
)
def test_the_order_of_day_and_month_is_told_only_where_it_is_certain(
    texts: list[str], forms: tuple[str, ...]
) -> None:
    assert date_formats(dict.fromkeys(texts, 1)) == forms


def test_an_ambiguous_date_is_asked_about_and_its_year_is_still_read(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"Date of diagnosis": ["04/03/2015", "05/06/2016"]})
    assert not is_decided(made, "diagnosis_date")
    assert "DECIDE the order of day and month: us or european?" in made.text
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert values(cohort, "diagnosis_year") == [2015, 2016]
    assert "diagnosis_date" not in cohort.columns


def test_days_are_counted_from_the_date_of_diagnosis(tmp_path: Path) -> None:
    made = drafted(
        tmp_path,
        {
            "dx_date": ["31.03.2015", "01.04.2015"],
            "Date of death": ["30.04.2015", ""],
            "Date of last follow-up": ["30.04.2015", "02.04.2015"],
            "Chemotherapy start date": ["", "11.04.2015"],
        },
    )
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert values(cohort, "death_day") == [30.0, None]
    assert values(cohort, "last_contact_day") == [30.0, 1.0]
    assert values(cohort, "chemotherapy_day") == [None, 10.0]
    assert values(cohort, "diagnosis_date") == ["2015-03-31", "2015-04-01"]
    assert "time: {followup: days}" in made.text


# --- what a row is -----------------------------------------------------------------------


def test_the_key_is_the_column_that_differs_in_every_row(tmp_path: Path) -> None:
    file = table(tmp_path, {"Study ID": ["s", "s"], "MRN": ["a", "b"], "age": ["50", "50"]})
    made = draft(file, name="own")
    assert 'key: "MRN"' in made.text


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"age": ["50", "50"], "grade": ["1", "2"]}, "no column tells the patients apart"),
        ({"id": ["a", ""], "age": ["50", "50"]}, "no column tells the patients apart"),
        ({"id": ["a", "a"], "age": ["50", "60"]}, "patients stand in more than one row"),
    ],
)
def test_a_file_without_a_key_for_each_row_is_refused(
    tmp_path: Path, columns: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        draft(table(tmp_path, columns), name="own")


def test_several_rows_are_tumours_where_a_column_numbers_them(tmp_path: Path) -> None:
    columns = {"id": ["a", "a", "b"], "tumor_id": ["1", "2", "1"], "age": ["50", "55", "60"]}
    file = table(tmp_path, columns)
    made = draft(file, name="own")
    assert "grain: tumour" in made.text
    assert reread(made, tmp_path, file).n == 2


def test_repeating_instruments_become_specimens(tmp_path: Path) -> None:
    columns = {
        "record_id": ["1", "1", "1", "2"],
        "redcap_repeat_instrument": ["", "her2_specimen", "her2_specimen", ""],
        "dx_date": ["2015-03-01", "", "", "2016-01-01"],
        "age": ["54", "", "", "61"],
        "specimen_date": ["", "2015-03-05", "2017-03-05", ""],
        "her2_ihc": ["", "1+", "0", ""],
    }
    file = table(tmp_path, columns)
    made = draft(file, name="own")
    cohort = reread(made, tmp_path, file)
    assert cohort.n == 2
    assert cohort.specimens is not None
    rows = cohort.engine.collect(cohort.specimens.sort("specimen_day")).to_pylist()
    assert [(row["patient_id"], row["specimen_day"], row["her2_ihc"]) for row in rows] == [
        ("1", 4.0, "1+"),
        ("1", 735.0, "0"),
    ]
    assert "her2_ihc" not in {one.column for one in made.open}


def test_events_of_a_record_are_read_where_one_has_every_patient(tmp_path: Path) -> None:
    columns = {
        "record_id": ["1", "1", "2"],
        "redcap_event_name": ["baseline_arm_1", "year1_arm_1", "baseline_arm_1"],
        "redcap_repeat_instrument": ["", "", ""],
        "age": ["54", "", "61"],
    }
    made = draft(table(tmp_path, columns), name="own")
    assert '"redcap_event_name": ["baseline_arm_1"]' in made.text


def test_columns_for_each_specimen_become_blocks(tmp_path: Path) -> None:
    made = drafted(
        tmp_path,
        {
            "her2_ihc_biopsy": ["1+", "2+"],
            "her2_ihc_surgery": ["3+", ""],
            "HER2 FISH": ["", "neg"],
        },
    )
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert cohort.specimens is not None
    rows = cohort.engine.collect(cohort.specimens.sort("patient_id", "specimen_id")).to_pylist()
    assert [(row["patient_id"], row["specimen_id"], row["her2_ihc"]) for row in rows] == [
        ("p0", "biopsy", "1+"),
        ("p0", "surgery", "3+"),
        ("p1", "biopsy", "2+"),
    ]
    assert values(cohort, "her2_ish") == [None, "negative"]


def test_specimens_of_a_metastasis_are_not_read_as_the_tumour_at_diagnosis(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"HER2 IHC": ["1+", "2+"], "HER2 IHC metastasis": ["3+", "0+"]})
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert cohort.specimens is not None
    rows = cohort.engine.collect(cohort.specimens).to_pylist()
    assert {row["her2_ihc"] for row in rows} == {"1+", "2+"}
    assert "  # - from: main" in made.text
    assert [one.headings for one in made.open] == [("HER2 IHC metastasis",)]


def test_boxes_are_read_where_the_choice_is_named_and_not_ticked_is_left_open(
    tmp_path: Path,
) -> None:
    made = drafted(
        tmp_path,
        {
            "Treatment (choice=Trastuzumab)": ["Checked", "Unchecked"],
            "radiotherapy___1": ["0", "1"],
            "radiotherapy___99": ["1", "0"],
            "treatment___chemotherapy": ["0", "1"],
        },
    )
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert values(cohort, "anti_her2_therapy") == ["yes", None]
    assert values(cohort, "chemotherapy") == [None, "yes"]
    assert not is_decided(made, "radiotherapy")
    assert 'any_of: ["main.radiotherapy___1", "main.radiotherapy___99"]' in made.text


# --- the file that is written ------------------------------------------------------------


def test_headings_with_any_character_come_back(tmp_path: Path) -> None:
    heading = 'HER2 IHC: "score", {local} # é \\ \n x.y'
    made = drafted(tmp_path, {heading: ["0", "3+"], "Age at 'diagnosis'": ["50", "60"]})
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    assert values(cohort, "her2_ihc") == ["0", "3+"]
    assert values(cohort, "age_years") == [50.0, 60.0]


def test_labels_that_differ_in_case_only_are_one_code(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"ER": ["Positive", "POSITIVE", "positive"]})
    assert made.tables["own_er_status"].count("\n") == 2
    assert "in 3 rows" in made.tables["own_er_status"]


def test_other_columns_that_could_be_meant_are_named(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"ER status": ["pos", "neg"], "ER status local": ["pos", "pos"]})
    assert entry_of(made, "er_status").headings == ("ER status",)
    assert "DECIDE: or is one of these meant? ER status local" in made.text


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"ER": ["positive", "negative"]})
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "own_er_status.csv").write_text("mine")
    with pytest.raises(FileExistsError):
        write(made, tmp_path / "own.yaml")
    assert (tmp_path / "codes" / "own_er_status.csv").read_text() == "mine"
    assert not (tmp_path / "own.yaml").exists()


def test_a_column_without_values_and_one_with_too_many_are_left_out(tmp_path: Path) -> None:
    texts = [f"text {i}" for i in range(70)]
    made = drafted(tmp_path, {"ER": [""] * 70, "Histology": texts})
    assert not made.decided or not is_decided(made, "er_status")
    assert "the column is empty" in made.text
    assert "70 different texts are too many for codes" in made.text
    assert made.tables == {}


@pytest.mark.real
def test_public_tables_are_drafted_and_read(real_data: Path, tmp_path: Path) -> None:
    metabric = real_data / "metabric" / "brca_metabric_clinical_data.tsv"
    made = draft(metabric, name="own")
    cohort = reread(made, tmp_path, metabric)
    known = SourceDictionary.load("metabric")
    reference = harmonise(load(metabric, source=known))
    for name in ("age_years", "tumour_size_mm", "nodes_positive", "vital_status",
                 "followup_months", "her2_reported", "surgery", "grade"):  # fmt: skip
        assert values(cohort, name) == values(reference, name), name
    assert not is_decided(made, "stage")  # 0 to 4 in digits


def test_a_table_with_every_canonical_column_is_drafted_and_read(tmp_path: Path) -> None:
    texts = {"date": ["2015-03-31", "2016-01-01"], "text": ["a", "b"]}
    columns = {
        known.name: [known.levels[0], known.levels[-1]]
        if known.levels
        else texts.get(known.kind, ["1", "2"])
        for known in SCHEMA.values()
        if known.name != "patient_id"
    }
    made = drafted(tmp_path, columns)
    cohort = reread(made, tmp_path, tmp_path / "own.csv")
    for name in ("sex", "surgery", "age_years", "chemotherapy_day", "diagnosis_date", "her2_ratio"):
        assert is_decided(made, name)
        assert None not in values(cohort, name)
    assert "time: {followup: days}" in made.text
