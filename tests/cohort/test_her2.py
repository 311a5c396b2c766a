"""HER2 classification: worked patients for each rule, and laws over every combination."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort import her2_rules
from cohort.engine import DuckDBEngine
from cohort.errors import SpecError
from cohort.her2 import Her2Status, classify_her2, her2_counts, policies
from cohort.her2_policies import resolved
from cohort.table import Cohort

COLUMNS = (
    "her2_ihc", "her2_ihc_reported", "her2_ish", "her2_ish_second", "her2_ratio", "her2_copies",
    "her2_copies_single", "her2_reported",
)  # fmt: skip

# score, wording, in-situ, second in-situ, ratio, dual signals, single signals, summary
# -> status, rule, flags. One line a patient; N is missing.
N = None
WORKED = [
    # The definitions.
    (("0", N, N, N, N, N, N, N), "zero", "C12.none", ""),
    (("1+", N, N, N, N, N, N, N), "low", "C13.none", ""),
    (("2+", N, "negative", N, N, N, N, N), "low", "C04.reported", ""),
    (("2+", N, "positive", N, N, N, N, N), "positive", "C03.reported", ""),
    (("3+", N, N, N, N, N, N, N), "positive", "C01.none", ""),
    (("0", N, "negative", N, N, N, N, N), "zero", "C10.reported", ""),
    (("1+", N, "negative", N, N, N, N, N), "low", "C11.reported", ""),
    # E1: 2+ without in-situ evidence, whatever the wording says.
    (("2+", N, N, N, N, N, N, N), "unresolved", "C06.none", ""),
    (("2+", "positive", N, N, N, N, N, N), "unresolved", "C06.none", "score_status_conflict"),
    (("2+", N, N, N, N, N, N, "positive"), "unresolved", "C17.none", "summary_conflict"),
    # E2: an equivocal result without numbers leaves 2+ open; numbers re-derive it (group 4).
    (("2+", N, "equivocal", N, N, N, N, N), "unresolved", "C05.reported", ""),
    (
        ("2+", N, "equivocal", N, 1.8, 4.5, N, N),
        "low", "C04.D4b", "ish_group_2_3_4;recount_assumed;equivocal_reread",
    ),
    (("1+", N, "equivocal", N, N, N, N, N), "low", "C11.reported", ""),
    # E3 and E4: 0 or 1+ with group 1 is positive, with groups 2 to 4 by its score.
    (("0", N, N, N, 2.4, 5.0, N, N), "positive", "C08.D1", "discordant_ihc_ish"),
    (("1+", N, "positive", N, N, N, N, N), "positive", "C09.reported", "discordant_ihc_ish"),
    (("0", N, N, N, 2.4, 3.9, N, N), "zero", "C10.D2c", "ish_group_2_3_4"),
    (("1+", N, N, N, 1.9, 6.0, N, N), "low", "C11.D3c", "ish_group_2_3_4"),
    (("1+", N, N, N, 1.9, 5.9, N, N), "low", "C11.D4c", "ish_group_2_3_4"),
    # The five groups at 2+, with the cut-offs in the upper class.
    (("2+", N, N, N, 2.0, 4.0, N, N), "positive", "C03.D1", ""),
    (("2+", N, N, N, 2.0, 3.9, N, N), "low", "C04.D2b", "ish_group_2_3_4;recount_assumed"),
    (("2+", N, N, N, 1.9, 6.0, N, N), "positive", "C03.D3b", "ish_group_2_3_4;recount_assumed"),
    (("2+", N, N, N, 1.9, 4.0, N, N), "low", "C04.D4b", "ish_group_2_3_4;recount_assumed"),
    (("2+", N, N, N, 1.9, 3.9, N, N), "low", "C04.D5", ""),
    # E5: 3+ with a negative in-situ result.
    (("3+", N, "negative", N, N, N, N, N), "positive", "C02.reported", "discordant_ihc_ish"),
    (("3+", "negative", N, N, N, N, N, N), "positive", "C01.none", "score_status_conflict"),
    # E6 to E8: negative without a score is never zero.
    ((N, N, "negative", N, N, N, N, N), "negative_unspecified", "C21.reported", ""),
    ((N, "negative", N, N, N, N, N, N), "negative_unspecified", "C23.none", ""),
    ((N, N, N, N, N, N, N, "negative"), "negative_unspecified", "C29.none", ""),
    ((N, N, N, N, N, N, N, "negative_or_equivocal"), "negative_unspecified", "C29.none", ""),
    ((N, "equivocal", "negative", N, N, N, N, N), "negative_unspecified", "C21.reported", ""),
    # E9: score and wording disagree; the score decides.
    (("1+", "positive", N, N, N, N, N, N), "low", "C13.none", "score_status_conflict"),
    # A positive without a score.
    ((N, N, "positive", N, N, N, N, N), "positive", "C20.reported", ""),
    ((N, "positive", N, N, N, N, N, N), "unresolved", "C25.none", "positive_without_score"),
    ((N, "positive", "negative", N, N, N, N, N), "unresolved", "C22.reported", "label_conflict"),
    ((N, "positive", N, N, N, N, N, "positive"), "positive", "C26.none", ""),
    ((N, N, N, N, N, N, N, "positive"), "positive", "C28.none", ""),
    # E16 and E17: summaries against scores, without any in-situ value.
    (("0", N, N, N, N, N, N, "positive"), "unresolved", "C14.none", "score_summary_conflict"),
    (("1+", N, N, N, N, N, N, "positive"), "unresolved", "C15.none", "score_summary_conflict"),
    (("2+", N, N, N, N, N, N, "negative"), "unresolved", "C07.none", ""),
    # The summary stands for the in-situ result only where some number exists.
    (("2+", N, N, N, 1.5, N, N, "negative"), "low", "C04.summary", ""),
    (
        ("2+", N, N, N, 1.5, N, N, "negative_or_equivocal"),
        "low", "C04.summary", "summary_negative_or_equivocal",
    ),
    # E18: methods that conflict.
    (
        ("2+", N, "negative", "positive", N, N, N, N),
        "positive", "C03.reports_conflict", "discordant_ish_methods",
    ),
    (
        ("2+", N, N, N, 1.5, 3.0, 6.5, N),
        "positive", "C03.numbers_conflict", "discordant_ish_methods",
    ),
    (("2+", N, N, "negative", N, N, N, N), "low", "C04.reported", ""),
    # E19: partial numbers; the reported result first, then what the open groups share.
    (("2+", N, "negative", N, 1.5, N, N, N), "low", "C04.reported", ""),
    (("2+", N, N, N, 1.5, N, N, N), "unresolved", "C05.P2b", "partial_ish"),
    (("1+", N, N, N, 1.5, N, N, N), "low", "C11.P2c", "partial_ish"),
    (("0", N, N, N, 2.5, N, N, N), "unresolved", "C16.P1b", "partial_ish"),
    (("2+", N, N, N, N, 6.5, N, N), "positive", "C03.P3a", "partial_ish"),
    (("2+", N, N, N, N, 3.0, N, N), "low", "C04.P5b", "partial_ish"),
    ((N, N, N, N, 1.5, 4.5, N, N), "unresolved", "C32.D4d", "ish_group_2_3_4"),
    # Single probe.
    (("2+", N, N, N, N, N, 6.0, N), "positive", "C03.S1", ""),
    (("2+", N, N, N, N, N, 4.0, N), "unresolved", "C05.S2b", ""),
    (("2+", N, "negative", N, N, N, 4.0, N), "low", "C04.reported", ""),
    (("1+", N, N, N, N, N, 5.9, N), "low", "C11.S2c", ""),
    (("2+", N, N, N, N, N, 3.9, N), "low", "C04.S3", ""),
    # Numbers decide against the reported result, and the difference is flagged.
    (("2+", N, "positive", N, 1.5, 3.0, N, N), "low", "C04.D5", "ish_status_conflict"),
    (
        ("2+", N, "positive", N, 1.5, 3.0, N, "positive"),
        "low", "C04.D5", "ish_status_conflict;summary_conflict",
    ),
    # A single-probe count is one method beside others: it never overrules a positive report.
    (
        ("2+", N, "positive", "negative", N, N, 3.0, N),
        "positive", "C03.reports_conflict", "discordant_ish_methods",
    ),
    (
        ("2+", N, "positive", N, N, N, 3.0, N),
        "positive", "C03.methods_conflict", "discordant_ish_methods",
    ),
    (
        ("2+", N, N, "negative", N, N, 6.0, N),
        "positive", "C03.methods_conflict", "discordant_ish_methods",
    ),
    (("2+", N, N, N, N, 8.0, 3.0, N), "positive", "C03.numbers_conflict", "discordant_ish_methods"),
    # The summary is used only where it decides, and an equivocal one never.
    (("2+", N, N, N, 1.5, N, N, "equivocal"), "unresolved", "C05.P2b", "partial_ish"),
    (("2+", N, N, N, N, N, 4.0, "negative"), "low", "C04.summary", ""),
    (("0", N, "negative", N, N, N, N, "positive"), "zero", "C10.reported", "summary_conflict"),
    (
        ("3+", N, "negative", N, N, N, N, "negative"),
        "positive", "C02.reported", "discordant_ihc_ish;summary_conflict",
    ),
    ((N, N, "negative", N, N, N, N, "positive"), "unresolved", "C34.reported", "summary_conflict"),
    ((N, "negative", N, N, N, N, N, "positive"), "unresolved", "C24.none", "summary_conflict"),
    # Equivocal evidence.
    (("2+", N, N, "equivocal", N, N, N, N), "unresolved", "C05.reported", ""),
    (("2+", N, "equivocal", N, N, 3.0, N, N), "low", "C04.P5b", "partial_ish;equivocal_reread"),
    ((N, "equivocal", N, N, N, N, N, N), "unresolved", "C27.none", ""),
    ((N, N, N, N, N, N, N, "equivocal"), "unresolved", "C30.none", ""),
    ((N, N, "equivocal", N, N, N, N, N), "unresolved", "C31.reported", ""),
    # What differs from the result that decided is flagged, whichever it is.
    (("2+", N, N, "positive", 1.5, 3.0, N, N), "low", "C04.D5", "ish_status_conflict"),
    (("2+", N, "negative", N, N, 8.0, N, N), "low", "C04.reported", "ish_status_conflict"),
    (("0", "positive", N, N, N, N, N, N), "zero", "C12.none", "score_status_conflict"),
    # The rows of the in-situ tables that are left.
    (("3+", N, N, N, N, N, 5.0, N), "positive", "C01.S2a", ""),
    ((N, N, N, N, N, N, 5.0, N), "unresolved", "C32.S2d", ""),
    (("3+", N, N, N, 1.5, N, N, N), "positive", "C01.P2a", "partial_ish"),
    ((N, N, N, N, N, 8.0, N, N), "unresolved", "C32.P3b", "partial_ish"),
    ((N, N, N, N, N, 3.0, N, N), "unresolved", "C32.P5c", "partial_ish"),
    ((N, N, N, N, 2.5, 3.0, N, N), "unresolved", "C32.D2d", "ish_group_2_3_4"),
    # Nothing known.
    ((N, N, N, N, N, N, N, N), "unknown", "C33.none", ""),
]  # fmt: skip


def _columns(patients):
    return {name: [row[i] for row in patients] for i, name in enumerate(COLUMNS)}


def test_each_worked_patient_has_the_status_rule_and_flags_written_beside_it(make_cohort):
    classified = classify_her2(make_cohort(_columns([row[0] for row in WORKED]))).to_pandas()
    seen = [
        (str(row.her2_status), row.her2_rule, row.her2_flags)
        for row in classified.itertuples(index=False)
    ]
    assert seen == [row[1:] for row in WORKED]


def test_the_detail_names_the_evidence_behind_the_group(make_cohort):
    patients = {
        "ihc_0": ("0", N, N, N, N, N, N, N),
        "ihc_1": ("1+", N, N, N, N, N, N, N),
        "ihc_2_ish_negative": ("2+", N, "negative", N, N, N, N, N),
        "ihc_3": ("3+", N, "negative", N, N, N, N, N),
        "ish_positive": ("1+", N, "positive", N, N, N, N, N),
        "reported_positive": (N, N, N, N, N, N, N, "positive"),
    }
    classified = classify_her2(make_cohort(_columns(list(patients.values())))).to_pandas()
    assert list(classified.her2_detail) == list(patients)
    policy = classify_her2(
        make_cohort(_columns([("2+", N, N, N, N, N, N, N)])), policies={"E1": "low"}
    )
    assert list(policy.to_pandas().her2_detail) == ["ihc_2_ish_unknown"]


def test_not_a_number_is_no_evidence(make_cohort):
    nan = float("nan")
    cohort = make_cohort({"her2_ihc": ["2+"], "her2_ratio": [nan], "her2_copies": [nan]})
    assert classify_her2(cohort).to_pandas().her2_rule[0] == "C06.none"


def test_a_second_classification_replaces_what_the_first_noted(make_cohort):
    cohort = make_cohort(_columns([row[0] for row in WORKED]) | {"age_years": [50.0] * len(WORKED)})
    once = classify_her2(cohort, policies={"E1": "low"})
    twice = classify_her2(classify_her2(cohort), policies={"E1": "low"})
    assert twice.findings == once.findings
    assert twice.choices == once.choices
    assert list(twice.to_pandas().age_years) == [50.0] * len(WORKED)


def test_a_source_without_any_evidence_and_one_by_expression_are_warned_of(make_cohort):
    nothing = classify_her2(make_cohort({"age_years": [50.0]}))
    assert [(f.severity, f.rule, f.n) for f in nothing.findings] == [("warning", "her2_unknown", 1)]
    cohort = make_cohort({"her2_reported": ["positive", "negative"]})
    expression = replace(cohort, identifies=(("her2_assay", "expression"),))
    found = {f.rule: (f.severity, f.n) for f in classify_her2(expression).findings}
    assert found["her2_assay"] == ("warning", 1)


@pytest.mark.parametrize(
    ("policy", "choice", "evidence", "status"),
    [
        ("E1", "low", ("2+", N, N, N, N, N, N, N), "low"),
        ("E16", "positive", ("0", N, N, N, N, N, N, "positive"), "positive"),
        ("E16", "keep_by_ihc", ("1+", N, N, N, N, N, N, "positive"), "low"),
        ("E3", "exclude", ("0", N, "positive", N, N, N, N, N), "unresolved"),
        ("E3", "keep_by_ihc", ("0", N, "positive", N, N, N, N, N), "zero"),
        ("E3", "keep_by_ihc", ("1+", N, "positive", N, N, N, N, N), "low"),
        ("E5", "exclude", ("3+", N, "negative", N, N, N, N, N), "unresolved"),
        ("E16", "keep_by_ihc", ("0", N, N, N, N, N, N, "positive"), "zero"),
        ("E16", "positive", ("1+", N, N, N, N, N, N, "positive"), "positive"),
        ("E17", "low", ("2+", N, N, N, N, N, N, "negative"), "low"),
        ("L1", "positive", (N, "positive", N, N, N, N, N, N), "positive"),
    ],
)
def test_a_named_alternative_changes_the_status_and_says_so(
    make_cohort, policy, choice, evidence, status
):
    classified = classify_her2(make_cohort(_columns([evidence])), policies={policy: choice})
    assert str(classified.to_pandas().her2_status[0]) == status
    assert "by_policy" in classified.to_pandas().her2_flags[0]
    assert (policy, choice) in {(c.name, c.value) for c in classified.choices}


def test_intervals_decide_only_where_they_lie_on_one_side_of_a_cut(make_cohort):
    # "<2.0", ">=2.0", "<1.00" with 3.0 signals, and an interval across the cut.
    classified = classify_her2(
        make_cohort(
            {
                "her2_ihc": ["2+"] * 4,
                "her2_ratio": [N] * 4,
                "her2_ratio_low": [N, 2.0, N, 1.0],
                "her2_ratio_high": [2.0, N, 1.0, 3.0],
                "her2_copies": [3.0, 5.0, 3.0, 5.0],
            }
        )
    ).to_pandas()
    # Across the cut the ratio is not known: signals of 5 alone leave groups 1 and 4 open.
    assert list(classified.her2_rule) == ["C04.D5", "C03.D1", "C04.D5", "C05.P4b"]


def test_every_combination_of_the_category_table_is_decided_once():
    for choices in ({}, {"E1": "low", "E3": "exclude", "E16": "positive"}):
        table = her2_rules.category_table(resolved(choices)).to_pylist()
        keys = {tuple(row[f"k_{k}"] for k in ("ihc", "ish", "label", "reported")) for row in table}
        assert len(keys) == len(table) == 6 * 5 * 4 * 5
        assert {row["status"] for row in table} == {str(status) for status in Her2Status}


def test_every_point_of_ratio_signals_and_score_matches_one_row_of_the_2018_table(make_cohort):
    ratios = [N, *(round(0.5 + 0.1 * i, 1) for i in range(40))]
    signals = [N, *(round(1.0 + 0.5 * i, 1) for i in range(20))]
    points = list(product(["0", "1+", "2+", "3+", N], ratios, signals))
    cohort = make_cohort(
        {
            "her2_ihc": [p[0] for p in points],
            "her2_ratio": [p[1] for p in points],
            "her2_copies": [p[2] for p in points],
        }
    )
    rules = classify_her2(cohort).to_pandas()
    assert len(rules) == len(points)
    for (ihc, ratio, copies), rule, status in zip(
        points, rules.her2_rule, rules.her2_status, strict=True
    ):
        evidence = rule.split(".")[1]
        if ratio is None and copies is None:
            assert evidence == "none"
        elif ratio is None or copies is None:
            assert evidence.startswith("P")
        else:
            group = (
                1
                if ratio >= 2 and copies >= 4
                else 2
                if ratio >= 2
                else 3
                if copies >= 6
                else 4
                if copies >= 4
                else 5
            )
            assert evidence[:2] == f"D{group}"
            positive = ihc == "3+" or group == 1 or (group == 3 and ihc == "2+")
            assert (status == "positive") == positive


EVIDENCE = st.tuples(
    st.sampled_from(["0", "1+", "2+", "3+", N]),
    st.sampled_from(["negative", "equivocal", "positive", N]),
    st.sampled_from(["negative", "equivocal", "positive", N]),
    st.sampled_from(["negative", "positive", N]),
    st.sampled_from([N, 1.0, 1.9, 2.0, 2.5]),
    st.sampled_from([N, 3.0, 4.0, 5.9, 6.0]),
    st.sampled_from([N, 3.0, 4.0, 6.0]),
    st.sampled_from(["negative", "negative_or_equivocal", "equivocal", "positive", N]),
)


def _classified(patients):
    import pyarrow as pa

    kinds = [pa.float64() if n in COLUMNS[4:7] else pa.string() for n in COLUMNS]
    arrays = {
        name: pa.array([row[i] for row in patients], type=kinds[i])
        for i, name in enumerate(COLUMNS)
    }
    ids = pa.array([f"{i:04d}" for i in range(len(patients))])
    engine = DuckDBEngine()
    table = engine.register("p", pa.table({"patient_id": ids, **arrays}))
    return Cohort(table, engine, "worked", "days", len(patients))


@settings(max_examples=20)
@given(st.lists(EVIDENCE, min_size=1, max_size=30))
def test_a_status_depends_on_no_other_patient(patients):
    together = classify_her2(_classified(patients)).to_pandas()
    alone = classify_her2(_classified([patients[-1]])).to_pandas()
    last = together.iloc[-1]
    assert (last.her2_status, last.her2_rule, last.her2_flags) == (
        alone.her2_status[0], alone.her2_rule[0], alone.her2_flags[0],
    )  # fmt: skip
    assert together.her2_status.notna().all()


@settings(max_examples=20)
@given(st.lists(EVIDENCE, min_size=1, max_size=30))
def test_excluding_discordant_tumours_never_adds_to_a_group(patients):
    def groups(**chosen):
        frame = classify_her2(_classified(patients), policies=chosen).to_pandas()
        return {
            g: set(frame.patient_id[frame.her2_status == g]) for g in ("zero", "low", "positive")
        }

    default, strict = groups(), groups(E3="exclude", E5="exclude")
    assert all(strict[group] <= default[group] for group in default)


@settings(max_examples=20)
@given(EVIDENCE)
def test_without_a_score_nobody_is_zero_or_low(evidence):
    status = classify_her2(_classified([(N, *evidence[1:])])).to_pandas().her2_status[0]
    assert status not in ("zero", "low")


def test_wrong_editions_policies_and_choices_are_told_together(make_cohort):
    cohort = make_cohort(_columns([WORKED[0][0]]))
    with pytest.raises(SpecError) as error:
        classify_her2(cohort, edition=2016, policies={"E99": "low", "E1": "lo"})
    text = str(error.value)
    assert len(error.value.problems) == 3
    assert "Editions: 2007, 2013, 2018, 2023" in text
    assert "Did you mean 'low'?" in text


def test_counts_and_findings_add_up_to_every_patient(make_cohort):
    cohort = make_cohort(_columns([row[0] for row in WORKED]))
    classified = classify_her2(cohort)
    assert sum(row[3] for row in her2_counts(classified)) == cohort.n
    said = {f.rule: f.n for f in classified.findings}
    severities = {f.rule: f.severity for f in classified.findings}
    assert severities["her2_unresolved"] == severities["her2_negative_unspecified"] == "warning"
    assert severities["her2_unknown"] == "info"
    assert said["recount_assumed"] == sum("recount_assumed" in r[3] for r in WORKED)
    statuses = [row[0] for row in her2_counts(classified)]
    assert statuses == sorted(statuses, key=[str(s) for s in Her2Status].index)
    assert said["her2_negative_unspecified"] == sum(r[1] == "negative_unspecified" for r in WORKED)
    assert said["her2_unresolved"] == sum(r[1] == "unresolved" for r in WORKED)
    assert said["her2_unknown"] == 1
    assert said["score_status_conflict"] == sum("score_status_conflict" in r[3] for r in WORKED)


def test_the_default_of_every_edge_case_comes_first():
    assert policies()["E1"] == ("unresolved", "low")
    assert policies()["E3"][0] == "positive"
    assert policies()["E17"] == ("unresolved", "low")
