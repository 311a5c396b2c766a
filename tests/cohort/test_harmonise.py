"""Text to canonical columns: every kind of code, number, date and missing value, and its count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cohort.dictionary import SourceDictionary
from cohort.errors import DataError, SpecError
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.table import Cohort, Finding

HEAD = """\
name: clinic
describes: A clinic's export
files:
  main: {grain: patient, key: ID}
  late: {grain: patient, key: ID, required: false}
time: {followup: days}
identifies: {her2_score: true, treatment: first_course}
missing: {"NA": not_available, "Not done": not_done}
fits: [main.X]
unmapped: [{columns: [main.Copies], reason: They are totals.}]
columns:
"""

CODES = """\
code,kind,value,low,high,meaning,verified,source
1,value,1,,,one,yes,s
02,value,2,,,two,yes,s
3-5,value,3,,,three to five,yes,s
7,missing,refused,,,refused,yes,s
8,obsolete,4,,,four (old),yes,s
Z,value,1,,,also one,yes,s
"""

RATIO = """\
code,kind,value,low,high,meaning,verified,source
XX.2,interval,,,2,below two,yes,s
XX.3,interval,,2,,two or more,yes,s
987,obsolete,,9.8,,old: 9.87 or more,yes,s
XX.9,missing,unknown,,,unknown,yes,s
"""


def source(folder: Path, columns: str) -> SourceDictionary:
    """A dictionary with these column rules."""
    (folder / "codes").mkdir(exist_ok=True)
    (folder / "codes" / "g.csv").write_text(CODES)
    (folder / "codes" / "r.csv").write_text(RATIO)
    path = folder / "clinic.yaml"
    path.write_text(HEAD + "".join(f"  {line}\n" for line in columns.splitlines()))
    return SourceDictionary.load(path)


def frame(**columns: list[Any]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"ID": [f"p{i:02d}" for i in range(n)], "X": "x", **columns}, dtype=object)


def read(folder: Path, rules: str, **columns: list[Any]) -> Cohort:
    return harmonise(load(frame(**columns), source=source(folder, rules)))


def values(cohort: Cohort, name: str) -> list[Any]:
    """A column's values in the order of the patients, None where missing."""
    column = cohort.to_pandas()[name].astype(object)
    return [None if pd.isna(value) else value for value in column]


def counts(cohort: Cohort, column: str) -> dict[tuple[str, str], int]:
    return {(f.rule, f.value): f.n for f in cohort.findings if f.column == column}


def found(cohort: Cohort, rule: str) -> list[Finding]:
    return [finding for finding in cohort.findings if finding.rule == rule]


def test_codes_match_exactly_in_any_case_by_range_and_without_the_point(tmp_path: Path) -> None:
    written = ["1", "1.0", "z", "02", "4", " 1\u00a0", "6", "2", "10", None, "", "na", "7", "8"]
    cohort = read(tmp_path, "grade: {from: main.G, codes: g}", G=written)
    expected = ["1", "1", "1", "2", "3", "1", *[None] * 7, "4"]
    assert values(cohort, "grade") == expected
    assert counts(cohort, "grade") == {
        ("missing", "blank"): 2,
        ("missing", "not_available"): 1,
        ("missing", "refused"): 1,
        ("obsolete_code", ""): 1,
        ("unknown_code", "10"): 1,
        ("unknown_code", "2"): 1,
        ("unknown_code", "6"): 1,
    }


def test_severities_separate_what_is_wrong_from_what_is_noted(tmp_path: Path) -> None:
    cohort = read(tmp_path, "grade: {from: main.G, codes: g}", G=["1", "6", "7"])
    assert {f.rule: f.severity for f in cohort.findings if f.column == "grade"} == {
        "unknown_code": "warning",
        "missing": "info",
    }
    assert {f.source for f in cohort.findings if f.column == "grade"} == {"main"}


def test_unknown_codes_can_stop_and_name_every_value(tmp_path: Path) -> None:
    dictionary = source(tmp_path, "grade: {from: main.G, codes: g}")
    extract = load(frame(G=["1", "6", "6", "9"]), source=dictionary)
    with pytest.raises(DataError, match=r"grade: unknown codes: '6' \(2\), '9' \(1\)") as caught:
        harmonise(extract, on_unknown_code="stop")
    assert [f.n for f in caught.value.findings if f.rule == "unknown_code"] == [2, 1]
    with pytest.raises(SpecError, match="warn, stop"):
        harmonise(extract, on_unknown_code="ignore")  # type: ignore[arg-type]


def test_leading_zeros_are_restored_where_the_field_has_a_width(tmp_path: Path) -> None:
    rule = "grade: {from: main.G, pad: 2, codes: g}"
    assert values(read(tmp_path, rule, G=["2", 2, 2.0, "02", "002"]), "grade") == [
        "2", "2", "2", "2", None,
    ]  # fmt: skip


def test_part_of_a_text_before_or_after_a_separator(tmp_path: Path) -> None:
    rules = 'histology: {from: main.H, up_to: "/", codes: icdo3_histology}\n'
    rules += 'behaviour: {from: main.H, after: "/", codes: naaccr_523_behaviour}'
    cohort = read(tmp_path, rules, H=["8500/3", "8520/2", "8524/3", "9020/3", "850/3", "85003/3"])
    assert values(cohort, "histology") == ["ductal", "lobular", "mixed", "other", None, None]
    assert values(cohort, "behaviour") == ["invasive", "in_situ", *["invasive"] * 4]


def test_numbers_that_are_none_or_cannot_be_are_counted_by_value(tmp_path: Path) -> None:
    written = ["50", "50.5", " 5e1 ", "+7", ".5", "fifty", "5,5", "121", "-3", "1e999", "50 y"]
    cohort = read(tmp_path, "age_years: {from: main.A, number: {}}", A=written)
    assert values(cohort, "age_years") == [50, 50.5, 50, 7, 0.5, *[None] * 6]
    assert counts(cohort, "age_years") == {
        ("unparsable_number", "fifty"): 1,
        ("unparsable_number", "5,5"): 1,
        ("unparsable_number", "1e999"): 1,
        ("unparsable_number", "50 y"): 1,
        ("impossible_value", "121"): 1,
        ("impossible_value", "-3"): 1,
    }


def test_the_dictionarys_bounds_are_on_the_number_as_written(tmp_path: Path) -> None:
    rule = "her2_ratio: {from: main.R, pad: 3, "
    rule += "number: {min: 100, max: 979, scale: 0.01, code_width: 3}}"
    cohort = read(tmp_path, rule, R=["230", "100", "99", "980", "1.99", "0200"])
    assert values(cohort, "her2_ratio") == [2.3, 1.0, None, None, None, None]
    assert counts(cohort, "her2_ratio") == {
        ("impossible_value", "99"): 1,
        ("impossible_value", "980"): 1,
        ("unparsable_number", "1.99"): 1,
        ("unparsable_number", "0200"): 1,
    }


def test_whole_numbers_must_be_whole(tmp_path: Path) -> None:
    cohort = read(tmp_path, "nodes_positive: {from: main.N, number: {}}", N=["3", "3.0", "3.5"])
    assert values(cohort, "nodes_positive") == [3, 3, None]
    assert counts(cohort, "nodes_positive") == {("unparsable_number", "3.5"): 1}


def test_interval_codes_fill_the_bounds_of_her2_numbers(tmp_path: Path) -> None:
    cohort = read(
        tmp_path,
        "her2_ratio: {from: main.R, codes: r, number: {}}",
        R=["2.4", "XX.2", "XX.3", "987", "XX.9"],
    )
    assert values(cohort, "her2_ratio") == [2.4, None, None, None, None]
    assert values(cohort, "her2_ratio_low") == [2.4, None, 2, 9.8, None]
    assert values(cohort, "her2_ratio_high") == [2.4, 2, None, None, None]
    assert counts(cohort, "her2_ratio") == {
        ("interval_code", ""): 3,
        ("missing", "unknown"): 1,
    }


def test_interval_codes_of_other_columns_are_missing_and_counted(tmp_path: Path) -> None:
    cohort = read(
        tmp_path,
        "er_percent: {from: main.E, pad: 3, codes: naaccr_3826_er_percent, number: {}}",
        E=["R10", "075", "XX9"],
    )
    assert values(cohort, "er_percent") == [None, 75, None]
    assert counts(cohort, "er_percent")["interval_code", ""] == 1
    assert "er_percent_low" not in cohort.columns


@pytest.mark.parametrize(
    ("form", "origin", "last", "days"),
    [
        ("iso", "2015-03-31", "2016-03-31", 366),
        ("iso", "2015-3-1", "2015-03-02", 1),
        ("us", "12/31/1999", "1/1/2000", 1),
        ("compact", "20000228", "20000301", 2),
        ("compact", "19000228", "19000301", 1),
    ],
)
def test_days_between_dates(tmp_path: Path, form: str, origin: str, last: str, days: int) -> None:
    rule = f"followup_days: {{days_from: {{date: main.L, origin: main.O, format: {form}}}}}"
    assert values(read(tmp_path, rule, O=[origin], L=[last]), "followup_days") == [days]


def test_dates_that_are_none_and_orders_that_cannot_be(tmp_path: Path) -> None:
    cohort = read(
        tmp_path,
        "followup_days: {days_from: {date: main.L, origin: main.O, format: iso}}",
        O=["2015-01-01", "2015-01-01", "2015-01-01", "2015-01-01", "NA", "2015-13-01"],
        L=["2015-01-01", "2014-12-31", "2015-02-29", None, "2015-01-01", "2015-01-01"],
    )
    assert values(cohort, "followup_days") == [0, *[None] * 5]
    assert counts(cohort, "followup_days") == {
        ("unparsable_date", "2015-02-29"): 1,
        ("unparsable_date", "2015-13-01"): 1,
        ("impossible_order", ""): 1,
        ("missing", "blank"): 2,
    }


def test_dates_become_iso_text(tmp_path: Path) -> None:
    rule = "diagnosis_date: {from: main.D, date: us}"
    cohort = read(tmp_path, rule, D=["2/3/2015", "30/30/2015"])
    assert values(cohort, "diagnosis_date") == ["2015-02-03", None]
    assert counts(cohort, "diagnosis_date") == {("unparsable_date", "30/30/2015"): 1}


def test_rules_by_year_of_diagnosis(tmp_path: Path) -> None:
    rules = """diagnosis_year: {from: main.Y, number: {}}
grade:
  - {when: {diagnosis_year: [2010, 2017]}, from: main.Old, codes: g}
  - {when: {diagnosis_year: [2018, null]}, from: main.New, pad: 2, codes: g}"""
    cohort = read(
        tmp_path,
        rules,
        Y=["2009", "2010", "2017", "2018", "2025", "", "20x"],
        Old=["1", "1", "6", "1", "1", "1", "1"],
        New=["2", "2", "2", "2", "7", "2", "2"],
    )
    assert values(cohort, "grade") == [None, "1", None, "2", None, None, None]
    assert counts(cohort, "grade") == {
        ("outside_years", ""): 3,
        ("unknown_code", "6"): 1,
        ("unknown_code", "7"): 1,
    }


def test_a_rule_whose_column_one_era_lacks(tmp_path: Path) -> None:
    rules = """diagnosis_year: {from: main.Y, number: {}}
grade:
  - {when: {diagnosis_year: [2010, 2017]}, from: main.Old, codes: g}
  - {when: {diagnosis_year: [2018, null]}, from: main.New, codes: g}"""
    cohort = read(tmp_path, rules, Y=["2010", "2018", "2019"], Old=["1", "1", "1"])
    assert values(cohort, "grade") == ["1", None, None]
    assert counts(cohort, "grade") == {("column_absent", ""): 2}


def test_each_patients_first_column_that_is_not_missing(tmp_path: Path) -> None:
    rule = "followup_days: {coalesce: [main.A, main.B], number: {}}"
    cohort = read(
        tmp_path, rule, A=["1", "NA", None, "NA", "x"], B=["9", "2", "3", "Not done", "5"]
    )
    assert values(cohort, "followup_days") == [1, 2, 3, None, None]
    assert counts(cohort, "followup_days") == {
        ("missing", "not_available"): 1,
        ("unparsable_number", "x"): 1,
    }


def test_missing_codes_give_way_to_the_next_column(tmp_path: Path) -> None:
    rule = "grade: {coalesce: [main.A, main.B], codes: g}"
    assert values(read(tmp_path, rule, A=["7", "1"], B=["02", "02"]), "grade") == ["2", "1"]


RULES = """vital_status: {first_of: [late.Vital, main.Vital], codes: label_vital_status}
followup_days:
  first_of:
    - late.Days
    - {coalesce: [main.Death, main.Last]}
  number: {integer: true}
given_dss_time: {from: late.Dss, number: {}}"""


def two_files(folder: Path, late: pd.DataFrame | None) -> Cohort:
    main = frame(Vital=["Alive", "Dead", "Dead"], Death=[None, 20, -7], Last=[10, None, None])
    files = {"main": main} if late is None else {"main": main, "late": late}
    return harmonise(load(files, source=source(folder, RULES)))


def test_the_choice_among_files_is_for_every_patient_alike(tmp_path: Path) -> None:
    late = pd.DataFrame({"ID": ["p00", "p02", "p09"], "Vital": "Dead", "Days": [5, 6, 7], "Dss": 1})
    cohort = two_files(tmp_path, late)
    assert values(cohort, "vital_status") == ["dead", None, "dead"]
    assert values(cohort, "followup_days") == [5, None, 6]
    assert values(cohort, "given_dss_time") == [1, None, 1]
    assert [(f.source, f.n) for f in found(cohort, "key_not_met")] == [("main", 1), ("late", 1)]
    chosen = {choice.name: choice.value for choice in cohort.choices}
    assert chosen["vital_status"] == "late.Vital"


def test_without_the_second_file_the_first_serves(tmp_path: Path) -> None:
    cohort = two_files(tmp_path, None)
    assert values(cohort, "vital_status") == ["alive", "dead", "dead"]
    assert values(cohort, "followup_days") == [10, 20, None]
    assert counts(cohort, "followup_days") == {("negative_followup", "-7"): 1}
    assert "given_dss_time" not in cohort.columns
    assert [f.source for f in found(cohort, "file_not_given")] == ["late"]


def test_a_canonical_column_without_a_source_is_missing_throughout(tmp_path: Path) -> None:
    rules = "grade: {from: main.G, codes: g}\nnodes_positive: {from: main.N, number: {}}\n"
    rules += "her2_ratio: {from: main.R, number: {}}"
    cohort = read(tmp_path, rules, G=["1", "1"])
    assert values(cohort, "nodes_positive") == [None, None]
    assert values(cohort, "her2_ratio_low") == [None, None]
    assert counts(cohort, "nodes_positive") == {("column_absent", ""): 2}


def test_the_first_name_that_the_file_has_is_taken(tmp_path: Path) -> None:
    rule = "grade: {from: [main.Gr, main.G, main.H], codes: g}"
    assert values(read(tmp_path, rule, G=["1"], H=["02"]), "grade") == ["1"]


def test_columns_left_out_on_purpose_are_told_where_they_have_values(tmp_path: Path) -> None:
    rule = "grade: {from: main.G, codes: g}"
    cohort = read(tmp_path, rule, G=["1", "1", "1"], Copies=["30", "NA", None])
    (finding,) = found(cohort, "unmapped_column")
    assert (finding.column, finding.n, finding.advice) == ("Copies", 1, "They are totals.")
    assert not found(read(tmp_path, rule, G=["1"], Copies=["NA"]), "unmapped_column")


def test_free_text_is_stripped_and_its_missing_tokens_counted(tmp_path: Path) -> None:
    rule = "facility_id: {from: main.F}"
    cohort = read(tmp_path, rule, F=[" A\u00a0", "007", "na", "", None, "not DONE"])
    assert values(cohort, "facility_id") == ["A", "007", None, None, None, None]
    assert counts(cohort, "facility_id") == {
        ("missing", "blank"): 2,
        ("missing", "not_available"): 1,
        ("missing", "not_done"): 1,
    }


def test_hormone_receptors_are_positive_if_either_is_and_negative_if_both_are(
    tmp_path: Path,
) -> None:
    rules = "er_status: {from: main.E, codes: label_receptor}\n"
    rules += "pr_status: {from: main.P, codes: label_receptor}"
    cohort = read(
        tmp_path,
        rules,
        E=["Positive", "Negative", "Negative", None, None, "Equivocal"],
        P=["Negative", "Positive", "Negative", "Positive", "Negative", "Negative"],
    )
    assert (
        values(cohort, "hr_status") == ["positive", "positive", "negative", "positive"] + [None] * 2
    )


def test_one_patient_twice_is_an_error_that_shows_no_key(tmp_path: Path) -> None:
    table = frame(G=["1", "1", "1"])
    table["ID"] = ["secret", " secret ", "p"]
    extract = load(table, source=source(tmp_path, "grade: {from: main.G, codes: g}"))
    with pytest.raises(DataError, match="1 patients stand in more than one row") as caught:
        harmonise(extract)
    assert "secret" not in str(caught.value)


def test_rows_without_a_patient_are_an_error(tmp_path: Path) -> None:
    table = frame(G=["1", "1", "1"])
    table["ID"] = ["p", None, "NA"]
    extract = load(table, source=source(tmp_path, "grade: {from: main.G, codes: g}"))
    with pytest.raises(DataError, match="2 rows have no ID"):
        harmonise(extract)


def test_many_wrong_values_are_listed_up_to_twenty(tmp_path: Path) -> None:
    written = [f"bad{i:02d}" for i in range(25)]
    cohort = read(tmp_path, "age_years: {from: main.A, number: {}}", A=written)
    listed = found(cohort, "unparsable_number")
    assert len(listed) == 21
    assert (listed[-1].value, listed[-1].n) == ("(5 other values)", 5)


def test_the_cohort_carries_what_the_source_says(tmp_path: Path) -> None:
    cohort = read(tmp_path, "age_years: {from: main.A, number: {}}", A=["50", "60"])
    assert (cohort.n, cohort.source, cohort.time_unit) == (2, "clinic", "days")
    assert cohort.identifies == (("her2_score", "yes"), ("treatment", "first_course"))
    assert cohort.columns == ("patient_id", "age_years")
    assert cohort.files[0].n_rows == 2


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    dictionary = source(tmp_path, "grade: {from: main.G, codes: g}")
    table = frame(G=["1", "02", "6", "7"])
    one = harmonise(load(table, source=dictionary))
    other = harmonise(load(table.iloc[::-1], source=dictionary))
    pd.testing.assert_frame_equal(one.to_pandas(), other.to_pandas())
    assert one.findings == other.findings


def test_codes_that_are_from_memory_are_told(tmp_path: Path) -> None:
    source(tmp_path, "grade: {from: main.G, codes: g}")
    table = tmp_path / "codes" / "g.csv"
    table.write_text(CODES.replace("two,yes,s", "two,memory,s"))
    dictionary = SourceDictionary.load(tmp_path / "clinic.yaml")
    cohort = harmonise(load(frame(G=["1", "02"]), source=dictionary))
    told = [f for f in cohort.findings if f.rule == "unverified_codes"]
    assert [(f.column, f.value, f.n) for f in told] == [("grade", "g", 1)]
    assert "1 of the 6 codes" in told[0].advice


BY_FILE = """\
grade: [{from: main.G, codes: g}, {from: main.H, codes: metabric_grade}]"""


def test_of_several_rules_the_first_whose_column_is_not_blank(tmp_path: Path) -> None:
    assert values(read(tmp_path, BY_FILE, H=["3", "2"]), "grade") == ["3", "2"]
    cohort = read(tmp_path, BY_FILE, G=["02", "", "", "77"], H=["3", "3", "", "3"])
    assert values(cohort, "grade") == ["2", "3", None, None]
    assert counts(cohort, "grade")["second_column", ""] == 1
    assert counts(cohort, "grade")["unknown_code", "77"] == 1
    assert values(read(tmp_path, BY_FILE, J=["3"]), "grade") == [None]


BY_NAME = "grade: {from: [main.G, main.H], codes: metabric_grade}"


def test_one_item_under_two_names_loses_no_value_and_contradictions_are_told(
    tmp_path: Path,
) -> None:
    cohort = read(tmp_path, BY_NAME, G=["1", "", "2", "3", ""], H=["", "2", "3", "3", ""])
    assert values(cohort, "grade") == ["1", "2", "2", "3", None]
    told = counts(cohort, "grade")
    assert told["columns_contradict", "2 / 3"] == 1
    assert told["missing", "blank"] == 1
    assert ("second_column", "") not in told


BY_SEQUENCE = """\
tumour_sequence: {from: main.Q, codes: naaccr_560_sequence}
grade:
  - {when: {tumour_sequence: [only]}, from: main.G, codes: g}
  - {when: {tumour_sequence: [first_of_several, later]}, from: main.G, codes: metabric_grade}"""


def test_a_rule_may_be_for_a_place_among_the_primaries(tmp_path: Path) -> None:
    cohort = read(
        tmp_path, BY_SEQUENCE, Q=["00", "01", "02", "99", "00"], G=["8", "3", "1", "1", "3"]
    )
    assert values(cohort, "grade") == ["4", "3", "1", None, "3"]
    assert counts(cohort, "grade")["outside_years", ""] == 1


def test_days_from_the_first_date_that_a_patient_has(tmp_path: Path) -> None:
    rule = "followup_days: {days_from: {date: [main.Dead, main.Seen], origin: main.O, format: iso}}"
    cohort = read(
        tmp_path,
        rule,
        O=["2015-01-01"] * 4,
        Dead=["2015-01-03", "NA", None, "2015-02"],
        Seen=["2015-01-02", "2015-01-05", None, None],
    )
    assert values(cohort, "followup_days") == [2, 4, None, None]
    assert counts(cohort, "followup_days") == {("missing", "blank"): 2}


def test_without_the_dates_a_later_rule_stands_in(tmp_path: Path) -> None:
    rules = """followup_days:
  - {days_from: {date: main.Seen, origin: main.O, format: iso}}
  - {from: main.Days, number: {}}"""
    assert values(read(tmp_path, rules, Days=["3", "x"]), "followup_days") == [3, None]


def test_a_date_without_its_day_is_missing_and_said_so(tmp_path: Path) -> None:
    rule = "diagnosis_date: {from: main.D, date: compact}"
    cohort = read(tmp_path, rule, D=["201503", "2015", "20150399", "20159999", "20150331"])
    assert values(cohort, "diagnosis_date") == [*[None] * 4, "2015-03-31"]
    assert counts(cohort, "diagnosis_date") == {("missing", "incomplete_date"): 4}


def test_characters_of_a_text(tmp_path: Path) -> None:
    rule = "diagnosis_year: {from: main.D, characters: [1, 4], number: {}}"
    assert values(read(tmp_path, rule, D=["201503", "2016"]), "diagnosis_year") == [2015, 2016]


def test_boxes_to_tick_are_yes_if_any_is_and_no_if_all_are(tmp_path: Path) -> None:
    rule = "chemotherapy: {any_of: [main.A, main.B], codes: label_yes_no}"
    cohort = read(
        tmp_path,
        rule,
        A=["Yes", "No", "No", None, "No", "Yes"],
        B=["No", "No", None, None, "?", "?"],
    )
    assert values(cohort, "chemotherapy") == ["yes", "no", None, None, None, "yes"]
    assert counts(cohort, "chemotherapy") == {
        ("missing", "blank"): 2,
        ("unknown_code", "?"): 1,
    }


def test_boxes_of_which_the_file_lacks_one_never_say_no(tmp_path: Path) -> None:
    rule = "chemotherapy: {any_of: [main.A, main.B], codes: label_yes_no}"
    assert values(read(tmp_path, rule, A=["Yes", "No"]), "chemotherapy") == ["yes", None]


def test_a_constant_is_the_same_for_every_patient(tmp_path: Path) -> None:
    rules = """sex: {value: female}
age_years: {from: main.A, number: {}}
her2_ratio: {value: 2}
diagnosis_year: {from: main.Y, number: {}}
radiotherapy: [{when: {diagnosis_year: [2010, null]}, value: no}]"""
    cohort = read(tmp_path, rules, A=["50", "60"], Y=["2009", "2010"])
    assert values(cohort, "sex") == ["female", "female"]
    assert values(cohort, "her2_ratio_high") == [2, 2]
    assert values(cohort, "radiotherapy") == [None, "no"]
