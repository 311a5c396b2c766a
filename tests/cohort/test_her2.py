"""HER2 classification: what it notes, what it counts, and what it refuses.

Worked patients for each rule, edition, edge case and flag are tables of tests/spec_tables.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from spec_tables import CANONICAL, Batch, each, read_all

from cohort import her2_rules
from cohort.her2 import Her2Status, classify_her2, her2_counts, rule_meanings
from cohort.schema import HER2_ERA, HER2_STATUS, column

N = None


def worked(make_cohort):
    """The cohort of every worked patient whose columns are canonical, by the default policies."""
    batch = Batch(CANONICAL, tuple(b.tables[0] for b in each() if b.name == "her2_evidence"))
    cells = batch.canonical()
    return make_cohort(
        {
            name: [_value(name, cell) for cell in values]
            for name, values in cells.items()
            if name != "patient_id"
        }
    )


def _value(name, cell):
    if cell == "":
        return N
    known = column(name)
    return float(cell) if known is not None and known.kind == "number" else cell


def found(cohort):
    return {(f.rule, f.value): (f.severity, f.n) for f in cohort.findings}


def test_not_a_number_is_no_evidence(make_cohort):
    nan = float("nan")
    cohort = make_cohort({"her2_ihc": ["2+"], "her2_ratio": [nan], "her2_copies": [nan]})
    assert classify_her2(cohort).to_pandas().her2_rule[0] == "C06.none"


def test_a_second_classification_replaces_what_the_first_noted(make_cohort):
    cohort = make_cohort(
        {
            "her2_ihc": ["2+", "0", "1+"],
            "her2_reported": [N, "positive", N],
            "diagnosis_year": [2012, 2015, 2020],
            "age_years": [50.0, 60.0, 70.0],
        }
    )
    once = classify_her2(cohort, policies={"E1": "low"})
    twice = classify_her2(classify_her2(cohort, edition=2013), policies={"E1": "low"})
    assert twice.findings == once.findings
    assert twice.choices == once.choices
    assert list(twice.columns) == list(once.columns)
    assert list(twice.to_pandas().age_years) == [50.0, 60.0, 70.0]


def test_counts_and_findings_add_up_to_every_patient(make_cohort):
    cohort = classify_her2(worked(make_cohort))
    counts = her2_counts(cohort)
    assert sum(row[3] for row in counts) == cohort.n
    statuses = [row[0] for row in counts]
    assert statuses == sorted(statuses, key=[str(s) for s in Her2Status].index)
    assert set(statuses) == set(HER2_STATUS)
    frame = cohort.to_pandas()
    said = {f.rule: (f.severity, f.n) for f in cohort.findings}
    for status, severity in (
        ("unresolved", "warning"), ("negative_unspecified", "warning"), ("unknown", "info"),
    ):  # fmt: skip
        assert said[f"her2_{status}"] == (severity, sum(frame.her2_status == status))
    for row in her2_rules.read("flag_meanings"):
        n = sum(row["flag"] in flags.split(";") for flags in frame.her2_flags)
        assert said.get(row["flag"], ("info", 0)) == ("info", n)


def test_a_source_without_any_evidence_is_warned_of(make_cohort):
    nothing = classify_her2(make_cohort({"age_years": [50.0]}))
    assert found(nothing) == {("her2_unknown", "unknown"): ("warning", 1)}
    assert "her2_era" not in nothing.columns


@pytest.mark.parametrize(
    ("choice", "status", "rule"),
    [("not_accepted", "unresolved", "V13a.none"), ("positive_accepted", "positive", "V13b.none")],
)
def test_expression_alone_makes_positive_only_where_a_study_says_so(
    make_cohort, choice, status, rule
):
    cohort = make_cohort({"her2_reported": ["positive", "negative", N]})
    expression = replace(cohort, identifies=(("her2_assay", "expression"),))
    made = classify_her2(expression, policies={"E13": choice})
    frame = made.to_pandas()
    assert list(frame.her2_status) == [status, "negative_unspecified", "unknown"]
    assert frame.her2_rule[0] == rule
    flags = [set(f.split(";")) - {""} for f in frame.her2_flags]
    told = {"by_policy"} if choice == "positive_accepted" else {"summary_conflict"}
    assert flags == [{"expression_only"} | told, {"expression_only"}, set()]
    assert found(made)["her2_assay", ""] == ("warning", 2)


def test_a_summary_of_an_assay_not_stated_is_positive_and_warned_of(make_cohort):
    cohort = make_cohort({"her2_reported": ["positive"], "her2_ish": ["positive"]})
    alone = make_cohort({"her2_reported": ["positive"]})
    for given, n in ((cohort, 0), (alone, 1)):
        made = classify_her2(replace(given, identifies=(("her2_assay", "not_stated"),)))
        assert list(made.to_pandas().her2_status) == ["positive"]
        assert sum(f.n for f in made.findings if f.rule == "her2_assay") == n


def test_the_era_of_diagnosis_stands_beside_the_edition(make_cohort):
    years = [2004, 2013, 2014, 2018, 2019, 2024, N]
    cohort = make_cohort({"her2_ihc": ["1+"] * 7, "diagnosis_year": years})
    made = classify_her2(cohort, edition=2023)
    early, middle, late = HER2_ERA
    eras = made.to_pandas().her2_era
    assert list(eras.astype(object).where(eras.notna(), N)) == [
        early, early, middle, middle, late, late, N,
    ]  # fmt: skip
    counted = {value: n for (rule, value), (_, n) in found(made).items() if rule == "her2_era"}
    assert counted == {early: 2, middle: 2, late: 2, "": 1}
    said = next(f.advice for f in made.findings if f.rule == "her2_era")
    assert "2023 edition" in said
    assert not [f for f in made.findings if f.rule == "zero_by_era"]


def test_scores_of_0_before_and_after_2013_are_told_apart(make_cohort):
    cohort = make_cohort(
        {"her2_ihc": ["0", "0", "0", "1+"], "diagnosis_year": [2010, 2013, 2014, 2010]}
    )
    noted = found(classify_her2(cohort))
    assert noted["zero_by_era", "0, up to 2013"] == ("warning", 2)
    assert noted["zero_by_era", "0, after 2013"] == ("warning", 1)
    # A year that is not known may be of either.
    unknown = make_cohort({"her2_ihc": ["0"] * 3, "diagnosis_year": [2010, N, N]})
    noted = found(classify_her2(unknown))
    assert noted["zero_by_era", "0, up to 2013"] == ("warning", 1)
    assert noted["zero_by_era", "0, year not known"] == ("warning", 2)
    early = make_cohort({"her2_ihc": ["0"], "diagnosis_year": [2010]})
    assert found(classify_her2(early))["zero_by_era", "0, up to 2013"] == ("info", 1)
    late = make_cohort({"her2_ihc": ["0"], "diagnosis_year": [2014]})
    assert not [f for f in classify_her2(late).findings if f.rule == "zero_by_era"]


def test_a_study_that_asks_for_staining_is_told_when_none_could_be_read(make_cohort):
    asked = {"E14": "restain"}
    (none,) = [
        f
        for f in classify_her2(make_cohort({"her2_ihc": ["0"]}), policies=asked).findings
        if f.rule == "none_restained"
    ]
    assert (none.severity, none.n) == ("warning", 0)
    assert "does not give her2_stain_percent, her2_stain_intensity" in none.advice
    stained = {
        "her2_ihc": ["1+", "2+"], "her2_stain_percent": [20.0, N],
        "her2_stain_intensity": ["intense", N], "her2_stain_completeness": ["incomplete", N],
    }  # fmt: skip
    made = classify_her2(make_cohort(stained), policies=asked)
    (none,) = [f for f in made.findings if f.rule == "none_restained"]
    assert "no patient's staining is one that the 2018 edition defines" in none.advice
    read = stained | {"her2_stain_intensity": ["faint", N]}
    for policies in (asked, None):
        made = classify_her2(make_cohort(read), policies=policies)
        assert "none_restained" not in {f.rule for f in made.findings}


def test_a_score_read_where_none_was_recorded_is_no_change(make_cohort):
    stained = {
        "her2_ihc": [N, "1+", "0", N], "her2_ihc_text": [N, N, N, "0-1+"],
        "her2_stain_percent": [0.0] * 4,
    }  # fmt: skip
    made = classify_her2(make_cohort(stained), policies={"E14": "restain"}).to_pandas()
    assert list(made.her2_status) == ["zero"] * 4
    changed = ["score_changed" in flags.split(";") for flags in made.her2_flags]
    assert changed == [False, True, False, False]


def test_a_kind_of_zero_said_of_another_score_is_a_conflict(make_cohort):
    kinds = {
        "her2_ihc": ["0", "1+", "2+", "3+", N],
        "her2_zero_kind": ["ultralow", "ultralow", "null", "ultralow", "ultralow"],
    }
    made = classify_her2(make_cohort(kinds)).to_pandas()
    assert list(made.her2_status) == ["zero", "low", "unresolved", "positive", "unknown"]
    told = ["stain_conflict" in flags.split(";") for flags in made.her2_flags]
    assert told == [False, True, True, True, False]


def test_numbers_that_cannot_be_are_missing_and_counted(make_cohort):
    inf = float("inf")
    numbers = {
        "her2_ihc": ["2+"] * 5,
        "her2_ratio": [inf, -1.0, float("nan"), 1.5, 1.5],
        "her2_copies": [5.0, 3.0, 3.0, inf, 3.0],
        "her2_copies_single_high": [N, N, N, N, -4.0],
        "her2_stain_percent": [N, N, N, N, 101.0],
    }
    made = classify_her2(make_cohort(numbers))
    missing = {name: list(values) for name, values in numbers.items()}
    missing["her2_ratio"][:3] = [N, N, N]
    missing["her2_copies"][3] = missing["her2_copies_single_high"][4] = N
    missing["her2_stain_percent"][4] = N
    expected = classify_her2(make_cohort(missing)).to_pandas()
    for name in ("her2_status", "her2_rule", "her2_flags"):
        assert list(made.to_pandas()[name]) == list(expected[name])
    told = {f.column: f.n for f in made.findings if f.rule == "impossible_number"}
    assert told == {
        "her2_ratio": 2, "her2_copies": 1, "her2_copies_single_high": 1, "her2_stain_percent": 1,
    }  # fmt: skip
    assert "impossible_number" not in {f.rule for f in classify_her2(make_cohort(missing)).findings}


def test_a_score_read_from_staining_is_of_no_era(make_cohort):
    stained = {
        "her2_ihc": ["0", "0"], "diagnosis_year": [2010, 2016],
        "her2_stain_percent": [0.0, N],
    }  # fmt: skip
    made = classify_her2(make_cohort(stained), policies={"E14": "restain"})
    assert not [f for f in made.findings if f.rule == "zero_by_era"]
    assert found(made)["score_from_staining", "score_from_staining"] == ("info", 1)


def test_rows_from_memory_are_told_with_the_patients_whom_they_decided(make_cohort):
    cohort = make_cohort(
        {"her2_ihc": ["2+", "2+", "1+"], "her2_ratio": [1.5, N, N], "her2_copies": [3.0, N, N]}
    )
    assert found(classify_her2(cohort, edition=2013))["edition_unverified", "2013"] == (
        "warning", 1,
    )  # fmt: skip
    without = make_cohort({"her2_ihc": ["1+"]})
    assert found(classify_her2(without, edition=2013))["edition_unverified", "2013"] == ("info", 0)
    for edition in (2007, 2018, 2023):
        rules = {f.rule for f in classify_her2(cohort, edition=edition).findings}
        assert "edition_unverified" not in rules


def test_every_choice_is_noted_once_with_its_meaning(make_cohort):
    made = classify_her2(make_cohort({"her2_ihc": ["0"]}), edition=2007, policies={"E1": "low"})
    noted = {c.name: c for c in made.choices if c.stage == "her2"}
    assert len(noted) == len(made.choices)
    assert noted["edition"].value == "2007"
    assert "ratio" in noted["edition"].meaning
    classified = {p.id for p in her2_rules.policies() if p.stage == "classify"}
    assert set(noted) == classified | {"edition"}
    assert (noted["E1"].value, noted["E3"].value) == ("low", "positive")
    assert "sensitivity" in noted["E1"].meaning
    named = classify_her2(make_cohort({"her2_ihc": ["0"]}), policies="peiffer2023")
    chosen = {c.name: c.value for c in named.choices}
    assert (chosen["policy"], chosen["E19"]) == ("peiffer2023", "ratio_alone")
    assert "1,136,016" in next(c.meaning for c in named.choices if c.name == "policy")


@pytest.mark.parametrize("edition", sorted(her2_rules.editions()))
def test_every_rule_that_can_decide_has_a_meaning(make_cohort, edition):
    meanings = dict(rule_meanings(edition))
    assert len(meanings) == len(rule_meanings(edition))
    cohort = classify_her2(worked(make_cohort), edition=edition)
    for _, rule, _, _ in her2_counts(cohort):
        category, _, evidence = rule.partition(".")
        assert meanings[category]
        assert meanings[evidence] or evidence == "none"


def test_every_rule_and_flag_decides_some_worked_patient():
    rows = [row for table in read_all() for row in table.rows]
    rules = {part for row in rows for part in row.get("-> her2_rule", "").split(".")}
    flags = {flag for row in rows for flag in row.get("-> her2_flags", "").split(";")}
    known = {
        row["id"]
        for name in ("category", "overrides", "ish_2007", "ish_2013", "ish_2018", "ish_evidence")
        for row in her2_rules.read(name)
    }
    # What a source says of its assay is no column: tested above too.
    assert known - rules <= {"V13a", "V13b"}
    assert {r["flag"] for r in her2_rules.read("flag_meanings")} <= flags
