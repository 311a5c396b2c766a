"""Tumours that the edition of 2013 left equivocal, read again by that of 2018.

Wang et al. 2019, Scientific Reports 9:16726 (PMC6854277): of 1,810 tumours with IHC 2+ in routine
all of in-situ group 2 became negative; of four in group 3 three stayed positive, and the one
scored IHC 1+ became negative; the 53 equivocal of group 4 became 10 positive and 43 negative. The
abstract gives these counts and says that IHC was done again on the block of the in-situ test. It
does not say how each of the 10 came about; by the guideline of 2018 a tumour of group 4 is
positive with a concomitant IHC 3+, or where the blinded recount leads to another group. Either
way is followed here with the published counts; the numbers inside the groups are made up.
"""

from __future__ import annotations

from collections import Counter

from cohort.her2 import classify_her2

POSITIVE, NEGATIVE, GROUP_2 = 10, 43, 20


def group_4(make_cohort, scores, reports):
    """The 53 tumours: ratio under 2.0 and 4.0 to under 6.0 signals."""
    n = POSITIVE + NEGATIVE
    return make_cohort(
        {
            "her2_ihc": scores,
            "her2_ish": reports,
            "her2_ratio": [1.2 + 0.014 * i for i in range(n)],
            "her2_copies": [4.0 + 0.037 * i for i in range(n)],
        }
    )


def counts(cohort, **options):
    return Counter(classify_her2(cohort, **options).to_pandas().her2_status.astype(str))


def test_all_53_are_equivocal_by_2013(make_cohort):
    tumours = group_4(make_cohort, ["2+"] * 53, ["equivocal"] * 53)
    made = classify_her2(tumours, edition=2013).to_pandas()
    assert Counter(made.her2_rule) == {"C05.D4-2013": 53}
    assert set(made.her2_status) == {"unresolved"}


def test_by_2018_the_score_of_the_same_block_makes_10_positive(make_cohort):
    scores = ["3+"] * POSITIVE + ["2+"] * 33 + ["1+"] * 8 + ["0"] * 2
    tumours = group_4(make_cohort, scores, [None] * 53)
    made = classify_her2(tumours)
    statuses = made.to_pandas().her2_status
    assert sum(statuses == "positive") == POSITIVE
    assert sum(statuses.isin(["zero", "low"])) == NEGATIVE
    flags = {f.rule: f.n for f in made.findings}
    assert (flags["ish_group_2_3_4"], flags["recount_assumed"]) == (53, 33)


def test_by_2018_a_reported_recount_makes_10_positive_where_a_study_says_so(make_cohort):
    reports = ["positive"] * POSITIVE + ["negative"] * NEGATIVE
    tumours = group_4(make_cohort, ["2+"] * 53, reports)
    recounted = counts(tumours, policies={"R1": "reported_decides"})
    assert recounted == {"positive": POSITIVE, "low": NEGATIVE}
    # By default the recount is assumed to have changed nothing, and the 10 are flagged.
    made = classify_her2(tumours)
    assert Counter(made.to_pandas().her2_status.astype(str)) == {"low": 53}
    flags = {f.rule: f.n for f in made.findings}
    assert (flags["recount_assumed"], flags["ish_status_conflict"]) == (53, POSITIVE)
    assert counts(tumours, edition=2013) == {"unresolved": 53}


def test_groups_2_and_3_as_published(make_cohort):
    tumours = make_cohort(
        {
            "her2_ihc": ["2+"] * (GROUP_2 + 3) + ["1+"],
            "her2_ratio": [2.1] * GROUP_2 + [1.7] * 4,
            "her2_copies": [3.5] * GROUP_2 + [7.0] * 4,
        }
    )
    assert counts(tumours, edition=2013) == {"positive": GROUP_2 + 4}
    assert counts(tumours) == {"low": GROUP_2 + 1, "positive": 3}
