"""Edge cases and named policies: what may be chosen, what is refused, and a published rule."""

from __future__ import annotations

from itertools import product

import pytest

from cohort.errors import SpecError
from cohort.her2 import classify_her2, her2_columns
from cohort.her2_policies import named_policies, policies, resolved

N = None


def test_the_default_of_every_edge_case_comes_first_and_every_alternative_is_there():
    assert policies() == {
        "E1": ("unresolved", "low", "impute"),
        "E2": ("rederived",),
        "E3": ("positive", "exclude", "keep_by_ihc"),
        "E4": ("by_score",),
        "E5": ("positive", "exclude"),
        "E6": ("level_unknown",),
        "E7": ("level_unknown",),
        "E8": ("level_unknown",),
        "E9": ("score_decides", "exclude"),
        "E10": ("item_3855", "closest", "ever_low", "first", "last"),
        "E11": ("left_out", "left_in", "exclude"),
        "E12": ("not_accepted",),
        "E13": ("not_accepted", "positive_accepted"),
        "E14": ("as_recorded", "restain"),
        "E15": ("not_supported",),
        "E16": ("unresolved", "keep_by_ihc", "positive"),
        "E17": ("unresolved", "low"),
        "E18": ("positive", "exclude", "dual_probe_decides"),
        "E19": ("reported_decides", "ratio_alone"),
        "L1": ("unresolved", "positive"),
        "R1": ("assumed_same", "reported_decides"),
        "S1": ("not_required", "peiffer2023"),
    }


def test_what_is_not_named_takes_its_default_and_a_named_set_stands_for_its_choices():
    assert resolved(None) == {name: choices[0] for name, choices in policies().items()}
    assert resolved({"E1": "low"}) == resolved(None) | {"E1": "low"}
    fixed = named_policies()["peiffer2023"]
    assert resolved("peiffer2023") == resolved({"policy": "peiffer2023"}) == resolved(None) | fixed
    assert resolved({"policy": "peiffer2023", "E5": "exclude"})["E5"] == "exclude"
    # Saying again what the set says contradicts nothing.
    assert resolved({"policy": "peiffer2023", "E1": "unresolved"}) == resolved("peiffer2023")


def test_wrong_editions_policies_and_choices_are_told_together(make_cohort):
    cohort = make_cohort({"her2_ihc": ["0"]})
    wrong = {"E99": "low", "E1": "lo", "policy": "peifer2023"}
    for refuse in (
        lambda: classify_her2(cohort, edition=2016, policies=wrong),
        lambda: her2_columns(cohort.patients, cohort.engine, edition=2016, policies=wrong),
    ):
        with pytest.raises(SpecError) as error:
            refuse()
        text = str(error.value)
        assert len(error.value.problems) == 4
        assert "Editions: 2007, 2013, 2018, 2023" in text
        assert "Did you mean 'low'?" in text
        assert "Did you mean 'peiffer2023'?" in text
        assert "her2.policies.E99: 'E99' is not an edge case" in text


def test_a_choice_against_the_named_set_is_refused():
    with pytest.raises(SpecError) as error:
        resolved({"policy": "peiffer2023", "E17": "low", "E1": "low"})
    assert [p.where for p in error.value.problems] == ["her2.policies.E17", "her2.policies.E1"]
    assert "peiffer2023 decides E17 itself: unresolved" in str(error.value)
    with pytest.raises(SpecError, match="decides S1 itself"):
        resolved({"policy": "peiffer2023", "S1": "not_required"})


def published(score, ratio, dual, single, summary):
    """Zero, low or left out, as the published code selects and groups (doi 10.1001/...7476).

    Only a negative summary stays; only scores 0 to 2+; of 2+ those with a ratio or a count
    (of the single probe where there is one), without 6 signals or more lacking a ratio, and
    with under 4 signals or a ratio under 2.
    """
    copies = dual if single is N else single
    if summary not in ("negative", "negative_or_equivocal") or score not in ("0", "1+", "2+"):
        return N
    if score != "2+":
        return "zero" if score == "0" else "low"
    if ratio is N and (copies is N or copies >= 6):
        return N
    few, below = copies is not N and copies < 4, ratio is not N and ratio < 2
    return "low" if few or below else N


def test_peiffer2023_forms_zero_and_low_as_the_published_code_does(make_cohort):
    points = list(
        product(
            ["0", "1+", "2+", "3+", N], [N, 1.0, 1.99, 2.0, 5.0], [N, 3.9, 4.0, 5.9, 6.0],
            [N, 3.9, 4.0, 5.9, 6.0],
            ["negative", "negative_or_equivocal", "equivocal", "positive", N],
            [N, "negative", "positive"], [N, "positive"],
        )
    )  # fmt: skip
    names = (
        "her2_ihc", "her2_ratio", "her2_copies", "her2_copies_single", "her2_reported",
        "her2_ish", "her2_ihc_reported",
    )  # fmt: skip
    columns = {name: [point[i] for point in points] for i, name in enumerate(names)}
    for edition in (2007, 2013, 2018, 2023):
        made = classify_her2(make_cohort(columns), edition=edition, policies="peiffer2023")
        for point, status in zip(points, made.to_pandas().her2_status, strict=True):
            seen = status if status in ("zero", "low") else N
            assert (point, seen) == (point, published(*point[:5]))


def test_the_published_rule_of_interval_codes(make_cohort):
    # 980 and 991 of Collaborative Stage were read as 9.80 and 1.00. XX.2 ("under 2.0") was no
    # number to the published code, which left such tumours out; here it counts as what it says.
    cohort = make_cohort(
        {
            "her2_ihc": ["2+"] * 3,
            "her2_ratio_low": [9.8, N, N],
            "her2_ratio_high": [N, 1.0, 2.0],
            "her2_reported": ["negative"] * 3,
        }
    )
    made = classify_her2(cohort, policies="peiffer2023").to_pandas()
    assert list(made.her2_status) == ["unresolved", "low", "low"]
