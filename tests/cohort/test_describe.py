"""A file described: the dictionary that fits, every fault in it, and whether HER2-low is there."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cohort.describing import describe
from cohort.description import Description
from cohort.description_sections import sections
from cohort.dictionary import SourceDictionary
from cohort.errors import DataError, SpecError
from cohort.harmonisation import harmonise
from cohort.her2 import classify_her2
from cohort.her2_outlook import spans
from cohort.loading import load
from cohort.schema import HER2_STATUS

TODAY = date(2024, 6, 30)
PROJECT = Path(__file__).resolve().parent.parent.parent
DICTIONARY = """\
name: own
describes: A hospital's table
files:
  main: {grain: patient, key: id}
  more: {grain: patient, key: id, required: false}
time: {followup: days}
identifies: {her2_score: true}
missing: {"n.k.": not_known}
fits: [main.id, main.ihc]
unmapped: [{columns: [main.snp], reason: "No assay."}]
columns:
  age_years: {from: main.age, number: {}}
  diagnosis_year: {from: main.year, number: {}}
  diagnosis_date: {from: main.date, date: iso}
  her2_ihc: {from: main.ihc, codes: own_ihc}
  her2_ish: {from: main.fish, codes: own_result}
  vital_status: {from: main.vital, codes: own_vital}
  death_day: {days_from: {date: main.died, origin: main.date, format: iso}}
  last_contact_day: {days_from: {date: main.seen, origin: main.date, format: iso}}
  chemotherapy_day: {from: main.chemo, number: {}}
  nodes_positive: {from: [main.nodes, main.positive_nodes], number: {}}
"""
CODES = {
    "own_ihc": "0,value,0,,,m,yes,s\n1,value,1+,,,m,yes,s\n2,value,2+,,,m,yes,s\n"
    "3,value,3+,,,m,yes,s\n9,missing,not_done,,,m,yes,s\n",
    "own_result": "p,value,positive,,,m,yes,s\nn,value,negative,,,m,memory,s\n",
    "own_vital": "A,value,alive,,,m,yes,s\nD,value,dead,,,m,yes,s\n",
}
HEAD = "id,age,year,date,ihc,fish,vital,died,seen,chemo,snp,extra"
SOUND = "{},60,2015,2015-03-01,{},,A,,2018-03-01,30,gain,x"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A dictionary of the user's own."""
    (tmp_path / "codes").mkdir()
    for name, rows in CODES.items():
        text = "code,kind,value,low,high,meaning,verified,source\n" + rows
        (tmp_path / "codes" / f"{name}.csv").write_text(text)
    (tmp_path / "own.yaml").write_text(DICTIONARY)
    return tmp_path / "own.yaml"


def described(own: Path, rows: list[str], **options: Any) -> Description:
    file = own.parent / "table.csv"
    file.write_text("\n".join([HEAD, *rows]) + "\n")
    return describe(file, source=own, today=TODAY, **options)


def seen(description: Description, column: str) -> Any:
    return next(one for one in description.columns if one.column == column)


def counts(description: Description) -> dict[str, int]:
    assert description.her2 is not None
    return {status: n for status, n in description.her2.counts if n}


def implausible(description: Description) -> dict[tuple[str, str], int]:
    return {(f.column, f.rule): f.n for f in description.implausible}


def text(description: Description) -> str:
    words = []
    for section in sections(description):
        words += [section.title, *section.sentences, " ".join(section.header)]
        words += [" ".join(row) for row in section.rows]
    return "\n".join(words)


# --- which dictionary fits ---------------------------------------------------------------


def test_the_sample_registry_is_found_to_be_an_ncdb_file() -> None:
    found = describe(PROJECT / "sample_data" / "registry.csv", today=TODAY)
    assert found.source == "ncdb_puf"
    assert found.n == 4000
    best = found.fits[0]
    assert best.n_found > 0.9 * best.n_columns
    assert best.lacking == ()
    # Twelve wrong codes are in the sample on purpose: eight in the score's column (one of them
    # read twice, as score and as wording).
    assert best.n_unknown == 12
    assert 0.999 < (best.known or 0) < 1
    assert [fit.fits for fit in found.fits] == sorted((f.fits for f in found.fits), reverse=True)
    assert not next(fit for fit in found.fits if fit.source == "tcga_brca").fits


def test_a_dictionary_that_knows_more_of_the_values_fits_better(tmp_path: Path) -> None:
    file = tmp_path / "data_clinical_patient.txt"
    rows = "PATIENT_ID\tOS_STATUS\tOS_MONTHS\tINTCLUST\tCLAUDIN_SUBTYPE\tER_IHC\tSEX\n"
    file.write_text(rows + "M1\t0:LIVING\t12\t4ER+\tLumA\tPositve\tFemale\n")
    found = describe(file)
    assert found.source == "metabric"
    ranked = {fit.source: fit for fit in found.fits if fit.fits}
    assert "cbioportal" in ranked  # it fits too, and reads fewer of the columns
    assert ranked["cbioportal"].n_found < ranked["metabric"].n_found
    # What is described is what the best of them read.
    assert seen(found, "er_status").headings == ("ER_IHC",)
    assert seen(found, "er_status").n_known == 1


def test_of_two_that_fit_alike_the_one_that_keeps_more_values_reads_the_file(
    tmp_path: Path,
) -> None:
    rows = [
        "patientIdNumber,vitalStatus,dateOfDiagnosis,dateOfLastContact,survMosPresumedAlive,"
        "primarySite,her2IhcSummary",
        "1,0,20180105,20190610,0017,C504,2",
        "2,1,20190301,202001,0010,C501,1",
    ]
    file = tmp_path / "registry.csv"
    file.write_text("\n".join(rows) + "\n")
    found = describe(file, today=TODAY)
    alike = {fit.source: fit for fit in found.fits if fit.source in ("naaccr", "naaccr_days")}
    assert len({fit.n_found for fit in alike.values()}) == 1
    # Of the second patient the last contact has no day, but the registry's months are there.
    assert found.source == "naaccr"
    assert seen(found, "followup_months").n_known == 2
    assert (alike["naaccr"].n_given or 0) > (alike["naaccr_days"].n_given or 0)


def test_where_none_fits_the_nearest_is_named_with_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("PUF_CASE_ID,YEAR_OF_DIAGNOSIS,AGE,SEX,RACE\n1,2012,50,2,01\n")
    found = describe(file)
    assert found.source == ""
    assert found.her2 is None
    best = found.best
    assert best is not None
    assert best.source == "ncdb_puf"
    assert best.lacking == ("PUF_VITAL_STATUS", "DX_LASTCONTACT_DEATH_MONTHS")
    said = text(found)
    assert "No dictionary of the package fits" in said
    assert "PUF_VITAL_STATUS" in said
    assert "her2low new-dictionary" in said
    assert found.to_dict()["source"] is None


def test_the_users_own_dictionary_is_tried_first_and_the_others_are_told(own: Path) -> None:
    found = described(own, [SOUND.format("a", "0")])
    assert found.source == "own"
    assert found.fits[0].source == "own"
    assert {"ncdb_puf", "metabric"} <= {fit.source for fit in found.fits}


def test_a_table_in_memory_is_described_as_a_file_is(own: Path) -> None:
    rows = [SOUND.format("a", "0"), SOUND.format("b", "1")]
    from_file = described(own, rows)
    frame = pd.read_csv(own.parent / "table.csv", dtype=str)
    from_frame = describe(frame, source=SourceDictionary.load(own), today=TODAY)
    assert from_frame.columns == from_file.columns
    assert from_frame.her2 == from_file.her2


# --- what is read and what is not --------------------------------------------------------


def test_columns_are_told_with_their_headings_and_what_is_missing_by_kind(own: Path) -> None:
    rows = [
        SOUND.format(*pair) for pair in zip("abcdef", ["0", "1", "9", "n.k.", "", "7"], strict=True)
    ]
    found = described(own, rows)
    score = seen(found, "her2_ihc")
    assert score.headings == ("ihc",)
    assert score.read_as == "codes own_ihc"
    assert score.n_known == 2
    assert dict(score.missing) == {"not_done": 1, "not_known": 1, "blank": 1, "code not known": 1}
    assert [(f.column, f.value, f.n) for f in found.not_understood] == [("her2_ihc", "7", 1)]
    # Five scores and six vital states: a blank is no value, a text for missing is a known one.
    assert (found.fits[0].n_values, found.fits[0].n_unknown) == (11, 1)
    summary = found.summary.set_index("column")
    assert summary.loc["her2_ihc", "n_missing"] == 4
    assert summary.loc["her2_ihc", "n"] == 6


def test_columns_that_the_file_lacks_and_columns_that_nothing_reads_are_listed(own: Path) -> None:
    found = described(own, [SOUND.format("a", "0")])
    nodes = seen(found, "nodes_positive")
    assert not nodes.read
    assert nodes.sought == ("nodes", "positive_nodes")
    assert {one.heading: one.reason for one in found.unread} == {"snp": "No assay.", "extra": ""}
    said = text(found)
    assert "nodes_positive nodes, positive_nodes" in said
    assert "Not read by the dictionary (1): extra." in said
    assert "snp No assay." in said


# --- patients and values that cannot be --------------------------------------------------


def test_repeated_patients_are_counted_and_named_only_where_asked_for(own: Path) -> None:
    pairs = [("a", "0"), ("b", "1"), (" a ", "3"), ("a", "0"), ("", "1"), ("n.k.", "1")]
    rows = [SOUND.format(key, ihc) for key, ihc in pairs]
    found = described(own, rows)
    assert found.n == 2
    (repeats,) = found.repeats
    assert (repeats.n_patients, repeats.n_rows, repeats.n_without_key) == (1, 3, 2)
    assert repeats.patients == ()
    assert "1 patient stands in more than one row (3 rows, key id)" in text(found)
    assert "They are" not in text(found)
    named = described(own, rows, identify=True)
    assert named.repeats[0].patients == ("a",)
    assert "They are a." in text(named)


def test_which_row_of_a_repeated_patient_is_described_does_not_depend_on_the_order(
    own: Path,
) -> None:
    rows = [SOUND.format("a", "3"), SOUND.format("a", "0"), SOUND.format("b", "1")]
    first = described(own, rows)
    assert described(own, rows[::-1]).her2 == first.her2
    assert sum(counts(first).values()) == 2


def test_every_value_that_cannot_be_is_counted(own: Path) -> None:
    rows = [
        "a,-1,2015,2015-03-01,0,,A,,2018-03-01,30,,",  # negative age
        "b,121,2015,2015-03-01,0,,A,,2018-03-01,30,,",  # beyond 120
        "c,60,2025,2015-03-01,0,,A,,2018-03-01,30,,",  # a year to come, and not the date's
        "d,60,2015,2015-03-01,0,,D,2014-12-31,2014-12-31,30,,",  # death before diagnosis
        "e,60,2015,2015-02-30,0,,A,,2018-03-01,30,,",  # no date
        "f,60,2015,2015-03-01,0,,D,2016-01-01,2016-01-02,30,,",  # seen after death
        "g,60,2015,2015-03-01,0,,A,2016-01-01,2016-01-01,30,,",  # alive, with a day of death
        "h,17,2015,2015-03-01,0,,A,,2018-03-01,-3,,",  # a minor, treated before diagnosis
        "i,60,2024,2024-07-01,0,,A,,2024-07-01,3,,",  # tomorrow
        "j,120,2024,2024-06-30,0,,A,,2024-06-30,0,,",  # all at the edge of what can be
    ]
    found = described(own, rows)
    assert implausible(found) == {
        ("age_years", "impossible_value"): 1,  # each value has its own line: the last is kept
        ("diagnosis_year", "future_year"): 1,
        ("diagnosis_date", "future_date"): 1,
        ("diagnosis_date", "year_and_date_differ"): 1,
        ("death_day", "impossible_order"): 1,
        ("last_contact_day", "impossible_order"): 1,
        ("last_contact_day", "contact_after_death"): 1,
        ("vital_status", "alive_with_death"): 1,
        ("age_years", "minor"): 1,
        ("chemotherapy_day", "treated_before_diagnosis"): 1,
    }
    ages = {f.value: f.n for f in found.implausible if f.rule == "impossible_value"}
    assert ages == {"-1": 1, "121": 1}
    assert "2015-02-30" in {f.value for f in found.not_understood if f.rule == "unparsable_date"}


def test_follow_up_into_the_future_is_seen_only_where_it_is_certain(tmp_path: Path) -> None:
    file = tmp_path / "n.csv"
    head = "PUF_CASE_ID,YEAR_OF_DIAGNOSIS,PUF_VITAL_STATUS,DX_LASTCONTACT_DEATH_MONTHS\n"
    # Diagnosed on 1 January 2020, 54 months end at the last of June 2024; 55 do not.
    file.write_text(head + "a,2020,1,53.9\nb,2020,1,55\nc,2020,0,-2\n")
    assert implausible(describe(file, today=TODAY)) == {
        ("followup_months", "future_followup"): 1,
        ("followup_months", "negative_followup"): 1,
    }


# --- whether HER2-low can be formed ------------------------------------------------------


def test_the_counts_by_status_and_year_are_those_of_the_classification(own: Path) -> None:
    rows = [
        "a,60,2015,2015-03-01,0,,A,,2018-03-01,30,,",
        "b,60,2015,2015-03-01,1,,A,,2018-03-01,30,,",
        "c,60,2016,2016-03-01,2,n,A,,2018-03-01,30,,",
        "d,60,2016,2016-03-01,2,,A,,2018-03-01,30,,",
        "e,60,2017,2017-03-01,3,,A,,2018-03-01,30,,",
        "f,60,2019,2019-03-01,9,,A,,2019-03-01,30,,",
        "g,60,,2019-03-01,0,,A,,2019-03-01,30,,",
    ]
    found = described(own, rows)
    outlook = found.her2
    assert outlook is not None
    assert outlook.possible
    assert counts(found) == {"zero": 2, "low": 2, "positive": 1, "unresolved": 1, "unknown": 1}
    by_year = {year: dict(zip(HER2_STATUS, row, strict=True)) for year, row in outlook.years}
    assert {k: v for k, v in by_year[2016].items() if v} == {"low": 1, "unresolved": 1}
    assert {k: v for k, v in by_year[None].items() if v} == {"zero": 1}
    assert outlook.formed_in == (2015, 2016)
    said = text(found)
    assert "HER2-low can be formed for diagnoses of 2015-2016." in said
    assert "Not for diagnoses of 2019 (1 patient): none of them has a HER2 score." in said
    assert "Not for diagnoses of 2017 (1 patient): none is zero or low." in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("her2_score: true", "her2_score: false", "records no immunohistochemistry score"),
        ("ihc, codes: own_ihc}", "score, codes: own_ihc}", "the dictionary looks for score"),
        ("  her2_ihc: {from: main.ihc, codes: own_ihc}\n", "", "reads no her2_ihc"),
    ],
)
def test_why_her2_low_cannot_be_formed_is_said(own: Path, old: str, new: str, said: str) -> None:
    assert DICTIONARY.count(old) == 1
    own.write_text(DICTIONARY.replace(old, new))
    ihc = "9" if "false" in new else "0"
    found = described(own, [SOUND.format("a", ihc)])
    assert found.her2 is not None
    assert not found.her2.possible
    assert said in " ".join(found.her2.reasons)
    assert "HER2-low cannot be formed." in text(found)


def test_scores_that_are_all_missing_are_told_by_kind(own: Path) -> None:
    found = described(own, [SOUND.format("a", "9"), SOUND.format("b", ""), SOUND.format("c", "9")])
    assert found.her2 is not None
    assert not found.her2.possible
    assert "No patient has a HER2 score (not_done 2, blank 1)." in found.her2.reasons
    assert "No patient has any HER2 result." in found.her2.reasons


def test_without_an_in_situ_result_two_plus_stays_open_and_this_is_said(own: Path) -> None:
    found = described(own, [SOUND.format("a", "2"), SOUND.format("b", "1")])
    assert counts(found) == {"low": 1, "unresolved": 1}
    assert any(
        "2+ stay unresolved" in reason for reason in (found.her2 and found.her2.reasons) or ()
    )


def test_years_before_and_after_the_score_was_collected(tmp_path: Path) -> None:
    file = tmp_path / "n.csv"
    file.write_text(
        "PUF_CASE_ID,YEAR_OF_DIAGNOSIS,PUF_VITAL_STATUS,DX_LASTCONTACT_DEATH_MONTHS,"
        "CS_SITESPECIFIC_FACTOR_8\na,2008,1,10,000\nb,2012,1,10,010\nc,2013,0,3,000\n"
    )
    found = describe(file, today=TODAY)
    assert found.her2 is not None
    assert found.her2.formed_in == (2012, 2013)
    assert any(r.startswith("Not for diagnoses of 2008 (1 patient)") for r in found.her2.reasons)
    assert dict(seen(found, "her2_ihc").missing) == {"not collected that year": 1}


def test_a_registry_of_tumours_and_its_years_are_described(tmp_path: Path) -> None:
    def item(name: str, value: str) -> str:
        return f'<Item naaccrId="{name}">{value}</Item>'

    def tumour(date: str, *items: str) -> str:
        shared = item("primarySite", "C504") + item("dateOfDiagnosis", date)
        return f"<Tumor>{shared}{''.join(items)}</Tumor>"

    file = tmp_path / "state.xml"
    two = tumour("20190401", item("her2IhcSummary", "1")) + tumour("20210401")
    one = tumour("20220401", item("her2OverallSummary", "0"))
    people = "".join(
        f"<Patient>{item('patientIdNumber', key)}{item('vitalStatus', '1')}{tumours}</Patient>"
        for key, tumours in (("1", two), ("2", one))
    )
    file.write_text(
        '<?xml version="1.0"?><NaaccrData xmlns="http://naaccr.org/naaccrxml" '
        'baseDictionaryUri="http://naaccr.org/naaccrxml/naaccr-dictionary-250.xml" '
        f'recordType="I" specificationVersion="1.7">{people}</NaaccrData>'
    )
    found = describe(file, today=TODAY)
    assert found.source.startswith("naaccr")
    assert (found.n, found.n_tumours) == (2, 3)
    assert counts(found) == {"low": 1, "negative_unspecified": 1}
    assert found.her2 is not None
    assert found.her2.formed_in == (2019,)
    assert any("2022 (1 patient): none of them has" in reason for reason in found.her2.reasons)
    assert found.fits[0].n_values is not None
    assert found.fits[0].n_values > 0
    # The other of two dates is not there, so that no days can be counted.
    assert not seen(found, "chemotherapy_day").headings
    assert "One row a tumour: 3 tumours of 2 patients." in text(found)


def test_specimens_in_rows_of_their_own_are_described_and_make_the_status(tmp_path: Path) -> None:
    file = tmp_path / "redcap.csv"
    file.write_text(
        "record_id,redcap_repeat_instrument,diagnosis_date,vital_status,her2_ihc,"
        "specimen_her2_ihc,specimen_date\n"
        "1,,2015-03-01,0,,,\n1,specimen,,,,1,2015-03-05\n1,specimen,,,,x,2016-03-05\n"
        "2,,2016-01-01,1,,,\n"
    )
    found = describe(file, today=TODAY)
    assert found.source == "redcap"
    assert (found.n, found.n_specimens) == (2, 2)
    assert counts(found) == {"low": 1, "unknown": 1}
    score = next(c for c in found.columns if (c.table, c.column) == ("specimens", "her2_ihc"))
    assert score.n_known == 1
    assert dict(score.missing) == {"code not known": 1}
    assert "The same of specimens" in text(found)


def test_the_classified_table_is_described_as_it_was() -> None:
    registry = PROJECT / "sample_data" / "registry.csv"
    cohort = classify_her2(harmonise(load(registry, source="ncdb_puf")))
    again = describe(cohort.engine.collect(cohort.patients), today=TODAY)
    assert again.source == "canonical_months"
    assert again.her2 == describe(registry, source="ncdb_puf", today=TODAY).her2


# --- the result --------------------------------------------------------------------------


def test_the_description_is_plain_json_and_a_page(own: Path) -> None:
    found = described(own, [SOUND.format("<b>a</b>", "<i>"), SOUND.format("b", "0")])
    plain = found.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["her2"]["counts"]["zero"] == 1
    assert plain["not_understood"][0]["value"] == "<i>"
    page = found._repr_html_()
    assert "<h4>HER2</h4>" in page
    assert "&lt;i&gt;" in page
    assert "<i>" not in page


def test_spans_join_years_in_a_row() -> None:
    assert spans([2013, 2010, 2011, 2016]) == "2010-2011, 2013, 2016"


def test_a_file_that_cannot_be_read_is_an_error_and_no_description(own: Path) -> None:
    with pytest.raises(DataError, match="13 or more fields"):
        described(own, [SOUND.format("a", "0"), SOUND.format("b", "0") + ",more"])
    with pytest.raises(SpecError, match="does not exist"):
        describe(own.parent / "absent.csv")
    with pytest.raises(SpecError, match="no source has files nothing"):
        describe({"nothing": own.parent / "table.csv"})


def test_a_file_that_no_fitting_dictionary_can_read_says_why(tmp_path: Path) -> None:
    file = tmp_path / "n.csv"
    head = "PUF_CASE_ID,YEAR_OF_DIAGNOSIS,PUF_VITAL_STATUS,DX_LASTCONTACT_DEATH_MONTHS\n"
    file.write_text(head + "a,2008,1\n")
    with pytest.raises(DataError, match="3 fields where there are 4"):
        describe(file)


@pytest.mark.real
def test_public_files_are_recognised_and_described(real_data: Path) -> None:
    biotab = real_data / "tcga_brca" / "nationwidechildrens.org_clinical_patient_brca.txt"
    found = describe(biotab, today=TODAY)
    assert found.source == "tcga_brca"
    refused = next(fit for fit in found.fits if fit.source == "cbioportal")
    assert "two more rows of names" in refused.refused
    assert counts(found)["zero"] == 61
    assert counts(found)["low"] == 408
    metabric = describe(real_data / "metabric" / "brca_metabric_clinical_data.tsv", today=TODAY)
    assert metabric.source == "metabric"
    assert metabric.her2 is not None
    assert not metabric.her2.possible
    assert "gene expression" in " ".join(metabric.her2.reasons)
