"""One sentence a patient: the values seen, the rule and its meaning, the flags."""

from __future__ import annotations

import pytest

from cohort import explain
from cohort.errors import SpecError
from cohort.her2 import classify_her2
from cohort.her2_explanation import with_explanations

N = None


@pytest.fixture
def classified(make_cohort):
    return classify_her2(
        make_cohort(
            {
                "her2_ihc": ["2+", N, "0", N],
                "her2_ihc_text": [N, "1-2+ (focal_area)", N, N],
                "her2_ish": ["equivocal", N, N, N],
                "her2_ratio": [1.85, N, N, N],
                "her2_ratio_low": [1.85, N, 2.0, N],
                "her2_ratio_high": [1.85, N, N, N],
                "her2_copies": [4.0, N, N, N],
                "her2_copies_single_low": [N, 4.0, N, N],
                "her2_copies_single_high": [N, 6.0, N, N],
                "her2_reported": [N, N, "negative_or_equivocal", N],
                "her2_stain_percent": [N, N, 5.0, N],
                "specimen_timing": [N, N, "after_neoadjuvant", N],
            }
        )
    )


def test_the_values_the_rule_and_the_flags_are_said(classified):
    assert explain(classified, "p000000") == (
        "Seen: IHC 2+, in-situ result reported equivocal, dual-probe ratio 1.85, dual-probe "
        "signals per cell 4; HER2-low by rule C04.D4b (IHC 2+ with a negative in-situ result; "
        "group 4 with IHC 2+: negative with comment if the blinded recount stays in group 4); "
        "flags: ish_group_2_3_4 (In-situ groups 2 to 4, decided with the score (E4)); "
        "recount_assumed (The guideline's blinded recount is assumed to have stayed in its group); "
        "equivocal_reread (A reported equivocal in-situ result was re-read from its numbers (E2))."
    )


def test_what_was_written_and_intervals_are_said_as_they_are(classified):
    uncertain = explain(classified, "p000001")
    assert uncertain.startswith(
        "Seen: a score written '1-2+ (focal_area)', single-probe signals per cell of at least 4 "
        "under 6; HER2 unresolved by rule C41.S2d ("
    )
    partial = explain(classified, "p000002")
    assert "IHC 0, summary negative or equivocal, specimen taken after neoadjuvant" in partial
    assert "per cent of cells stained 5" in partial
    assert "dual-probe ratio of at least 2;" in partial
    assert "HER2-zero by rule C10.summary" in partial
    assert explain(classified, "p000003") == (
        "No HER2 evidence; HER2 unknown by rule C33.none (No HER2 evidence)."
    )


def test_the_column_says_what_explain_says_and_no_key(classified):
    explained = with_explanations(classified)
    frame = explained.to_pandas()
    assert list(explained.columns) == [*classified.columns, "her2_explanation"]
    for key, sentence in zip(frame.patient_id, frame.her2_explanation, strict=True):
        assert explain(classified, key) == sentence
        assert key not in sentence
    again = with_explanations(explained)
    assert again.columns == explained.columns


def test_the_edition_decides_what_a_rule_says(make_cohort):
    tumour = make_cohort({"her2_ihc": ["2+"], "her2_ratio": [2.0], "her2_copies": [3.0]})
    by_2013 = explain(classify_her2(tumour, edition=2013), "p000000")
    assert "D2-2013 (IHC 2+ with a positive in-situ result; group 2, positive by" in by_2013
    assert "ratio 2," in by_2013
    by_2023 = explain(classify_her2(tumour, edition=2023), "p000000")
    assert "HER2-low by rule C04.D2b" in by_2023


def test_a_source_without_columns_of_evidence_has_none(make_cohort):
    cohort = classify_her2(make_cohort({"age_years": [50.0]}))
    assert explain(cohort, "p000000").startswith("No HER2 evidence; HER2 unknown")
    interval = classify_her2(
        make_cohort({"her2_ratio_low": [2.0], "her2_ratio_high": [N], "her2_ihc": ["3+"]})
    )
    assert "dual-probe ratio of at least 2;" in explain(interval, "p000000")


def test_one_bound_alone_is_said(make_cohort):
    for name, said in (
        ("her2_ratio_low", "dual-probe ratio of at least 2;"),
        ("her2_copies_high", "dual-probe signals per cell under 2;"),
    ):
        alone = classify_her2(make_cohort({"her2_ihc": ["1+"], name: [2.0]}))
        assert said in explain(alone, "p000000")


def test_numbers_that_cannot_be_are_not_said(make_cohort):
    numbers = {"her2_ihc": ["2+"], "her2_ratio": [float("inf")], "her2_copies_low": [-1.0]}
    told = explain(classify_her2(make_cohort(numbers)), "p000000")
    assert told.startswith("Seen: IHC 2+; HER2 unresolved")


def test_a_kind_of_zero_is_said_without_a_score_of_0(make_cohort):
    told = explain(classify_her2(make_cohort({"her2_zero_kind": ["ultralow"]})), "p000000")
    assert told.startswith("Seen: described as HER2-ultralow; HER2 unknown")
    assert "IHC 0" not in told


def test_the_rule_that_read_a_score_from_its_staining_is_said(make_cohort):
    stained = {
        "her2_ihc": ["1+", "2+", N],
        "her2_stain_percent": [5.0, N, 0.0],
        "her2_stain_intensity": ["faint", N, N],
        "her2_stain_completeness": ["incomplete", N, N],
    }
    made = classify_her2(make_cohort(stained), policies={"E14": "restain", "E1": "low"})
    assert (
        "; score 0 read from the staining by rule T0c-2018 (faint incomplete staining in up to "
        "10 % of cells); HER2-zero by rule C12.none" in explain(made, "p000000")
    )
    assert "read from the staining" not in explain(made, "p000001")
    assert "by rule T0a-2018 (no staining); HER2-zero" in explain(made, "p000002")
    as_recorded = classify_her2(make_cohort(stained))
    assert "read from the staining" not in explain(as_recorded, "p000000")


def test_a_patient_who_is_not_there_and_a_cohort_not_classified_are_refused(
    classified, make_cohort
):
    with pytest.raises(SpecError, match="no patient 'p9'"):
        explain(classified, "p9")
    with pytest.raises(SpecError, match="not classified"):
        explain(make_cohort({"her2_ihc": ["0"]}), "p000000")
