"""Laws of the HER2 classification over every combination of evidence."""

from __future__ import annotations

from functools import cache
from itertools import combinations, product

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cohort import her2_rules
from cohort.engine import DuckDBEngine
from cohort.her2 import Her2Status, classify_her2, her2_columns
from cohort.table import Cohort

N = None
VALUES = {
    "her2_ihc": ["0", "1+", "2+", "3+", N],
    "her2_ihc_text": ["1-2+", N],
    "her2_ihc_reported": ["negative", "equivocal", "positive", N],
    "her2_ish": ["negative", "equivocal", "positive", N],
    "her2_ish_second": ["negative", "positive", N],
    "her2_ratio": [N, 1.0, 1.9, 2.0, 2.5],
    "her2_copies": [N, 3.0, 4.0, 5.9, 6.0],
    "her2_copies_single": [N, 3.0, 4.0, 6.0],
    "her2_reported": ["negative", "negative_or_equivocal", "equivocal", "positive", N],
    "her2_stain_percent": [N, 0.0, 5.0, 20.0],
    "her2_stain_intensity": [N, "none", "faint", "intense"],
    "her2_stain_completeness": [N, "incomplete", "complete"],
    "specimen_timing": [N, "after_neoadjuvant"],
}
NUMBERS = {"her2_ratio", "her2_copies", "her2_copies_single", "her2_stain_percent"}
EVIDENCE = st.tuples(*(st.sampled_from(values) for values in VALUES.values()))
EDITIONS = st.sampled_from(sorted(her2_rules.editions()))
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        p.id: st.sampled_from(p.choices) for p in her2_rules.policies() if len(p.choices) > 1
    },
)
OUTPUT = ["her2_status", "her2_detail", "her2_rule", "her2_flags"]


def cohort_of(patients, ids=None):
    arrays = {
        name: pa.array(
            [row[i] for row in patients], type=pa.float64() if name in NUMBERS else pa.string()
        )
        for i, name in enumerate(VALUES)
    }
    keys = pa.array(ids or [f"{i:04d}" for i in range(len(patients))])
    engine = DuckDBEngine()
    table = engine.register("p", pa.table({"patient_id": keys, **arrays}))
    return Cohort(table, engine, "worked", "days", len(patients))


def statuses(cohort, edition, policies):
    """What each patient got, by key."""
    frame = classify_her2(cohort, edition=edition, policies=policies).to_pandas()
    plain = frame[OUTPUT].astype(object).where(frame[OUTPUT].notna(), N)
    return dict(zip(frame.patient_id, plain.itertuples(index=False, name=None), strict=True))


@settings(max_examples=12)
@given(st.lists(EVIDENCE, min_size=2, max_size=30), EDITIONS, POLICIES, st.randoms())
def test_a_status_depends_on_no_other_patient_and_on_no_order(patients, edition, policies, random):
    together = statuses(cohort_of(patients), edition, policies)
    assert len(together) == len(patients)
    some = random.sample(list(enumerate(patients)), k=max(1, len(patients) // 2))
    few = cohort_of([row for _, row in some], [f"{i:04d}" for i, _ in some])
    for key, outcome in statuses(few, edition, policies).items():
        assert outcome == together[key]


@settings(max_examples=12)
@given(st.lists(EVIDENCE, min_size=20, max_size=60), EDITIONS, POLICIES)
def test_each_patient_has_exactly_one_status_and_one_rule(patients, edition, policies):
    rules = {
        row["id"]
        for rows in (
            her2_rules.read("category"), her2_rules.read("overrides"),
            her2_rules.ish_rows(edition), her2_rules.read("ish_evidence"),
        )
        for row in rows
    }  # fmt: skip
    flags = {row["flag"] for row in her2_rules.read("flag_meanings")}
    for status, detail, rule, raised in statuses(cohort_of(patients), edition, policies).values():
        assert status in set(Her2Status)
        assert (detail is not N) == (status in ("zero", "low", "positive"))
        category, dot, evidence = rule.partition(".")
        assert dot
        assert {category, evidence} <= rules
        listed = raised.split(";") if raised else []
        assert len(set(listed)) == len(listed)
        assert set(listed) <= flags


@settings(max_examples=12)
@given(st.lists(EVIDENCE, min_size=20, max_size=60), EDITIONS, POLICIES)
def test_without_a_score_nobody_is_zero_or_low(patients, edition, policies):
    unread = {"her2_stain_percent", "her2_stain_intensity", "her2_stain_completeness"}
    names = list(VALUES)
    blank = [
        tuple(
            N if name == "her2_ihc" or name in unread else value
            for name, value in zip(names, row, strict=True)
        )
        for row in patients
    ]
    found = {outcome[0] for outcome in statuses(cohort_of(blank), edition, policies).values()}
    assert found <= {"positive", "negative_unspecified", "unresolved", "unknown"}


@cache
def everyone() -> Cohort:
    """A patient for each combination of what a policy may look at."""
    looked_at = dict(VALUES) | {
        "her2_ihc_text": [N], "her2_ratio": [N, 1.9, 2.5], "her2_copies": [N, 3.0, 5.0],
        "her2_copies_single": [N, 3.0, 6.0], "her2_stain_percent": [N],
        "her2_stain_intensity": [N], "her2_stain_completeness": [N],
        "her2_reported": ["negative", "equivocal", "positive", N],
        "her2_ihc_reported": ["negative", "positive", N],
        "her2_ish": ["negative", "positive", N],
    }  # fmt: skip
    return cohort_of(list(product(*looked_at.values())))


RANKED = [p for p in her2_rules.policies() if len({r for r in p.strictness if r is not N}) > 1]


LAXEST = {p.id: min(zip(p.strictness, p.choices, strict=True))[1] for p in RANKED}


def ordered(policy, pair):
    """The laxer choice of a pair, and the stricter."""
    return sorted(pair, key=lambda choice: policy.strictness[policy.choices.index(choice)])


# Shrinking would classify everybody hundreds of times over.
@settings(max_examples=10, phases=(Phase.explicit, Phase.generate))
@given(
    EDITIONS,
    st.fixed_dictionaries({p.id: st.sampled_from(p.choices) for p in RANKED}),
    st.fixed_dictionaries({p.id: st.sampled_from(p.choices) for p in RANKED}),
    st.sampled_from(["assumed_same", "reported_decides"]),
)
def test_stricter_policies_add_nobody_to_zero_or_low(edition, one, other, recount):
    strict, lax = {"R1": recount}, {"R1": recount}
    for policy in RANKED:
        pair = [one[policy.id], other[policy.id]]
        lax[policy.id], strict[policy.id] = ordered(policy, pair)
    assert_nobody_added(edition, strict, lax)


@pytest.mark.parametrize("base", [{}, LAXEST], ids=["defaults", "laxest"])
@pytest.mark.parametrize("policy", RANKED, ids=lambda policy: policy.id)
def test_each_policy_by_itself_keeps_its_order(policy, base):
    for pair in combinations(policy.choices, 2):
        lax, strict = ordered(policy, pair)
        assert_nobody_added(2018, dict(base) | {policy.id: strict}, dict(base) | {policy.id: lax})


def assert_nobody_added(edition, strict, lax):
    everybody = everyone()
    frames = [
        her2_columns(everybody.patients, everybody.engine, edition=edition, policies=policies)
        .select("patient_id", "her2_status")
        .to_native()
        .df()
        .set_index("patient_id")["her2_status"]
        for policies in (strict, lax)
    ]
    table = pd.concat(frames, axis=1, keys=["strict", "lax"])
    for group in ("zero", "low"):
        added = table[(table.strict == group) & (table.lax != group)]
        assert added.empty, (group, strict, lax, added.head())


def test_the_policies_that_leave_someone_in_or_out_are_ranked():
    ranked = {p.id for p in RANKED}
    assert ranked == {"E1", "E3", "E9", "E11", "E16", "E17", "E18", "E19"}
    # What only moves patients has no rank: a recount, another reading of the score, a replay.
    assert {p.id for p in her2_rules.policies() if N in p.strictness} >= {"E10", "E14", "R1", "S1"}
