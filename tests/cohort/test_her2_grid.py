"""Every point of a fine grid of evidence, against a plain statement of each edition.

The statement below is written from the guidelines' cut points alone and knows nothing of the
rule tables: it is the second programmer.
"""

from __future__ import annotations

from itertools import product

import pytest

from cohort import her2_rules
from cohort.her2 import classify_her2
from cohort.her2_policies import resolved

N = None
OPEN = "open"
SCORES = ["0", "1+", "2+", "3+", "uncertain", N]
RATIOS = sorted({*(round(0.6 + 0.1 * i, 1) for i in range(35)), 1.79, 1.81, 1.99, 2.01, 2.19, 2.21})
SIGNALS = sorted({*(round(1.0 + 0.5 * i, 1) for i in range(20)), 3.99, 4.01, 5.99, 6.01})
EDITIONS = [2007, 2013, 2018, 2023]
GROUPS_2018 = {
    2: {"3+": "positive"},
    3: {"3+": "positive", "2+": "positive"},
    4: {"3+": "positive"},
}


def dual(edition, score, ratio, signals):
    """The dual-probe result; `signals` is not looked at by the edition of 2007."""
    if edition == 2007:
        return "positive" if ratio > 2.2 else "negative" if ratio < 1.8 else "equivocal"
    if ratio >= 2:
        group = 1 if signals >= 4 else 2
    else:
        group = 3 if signals >= 6 else 4 if signals >= 4 else 5
    if edition == 2013:
        return {1: "positive", 2: "positive", 3: "positive", 4: "equivocal", 5: "negative"}[group]
    if group in (1, 5):
        return "positive" if group == 1 else "negative"
    return OPEN if score in ("uncertain", N) else GROUPS_2018[group].get(score, "negative")


def single(edition, score, signals):
    """The single-probe result."""
    if edition == 2007:
        return "positive" if signals > 6 else "negative" if signals < 4 else "equivocal"
    if signals >= 6 or signals < 4:
        return "positive" if signals >= 6 else "negative"
    if edition == 2013:
        return "equivocal"
    return {"3+": "positive", "0": "negative", "1+": "negative"}.get(score, OPEN)


def partial(edition, score, ratio, signals):
    """What every completion of the missing number has in common."""
    ratios = RATIOS if ratio is N else [ratio]
    counts = SIGNALS if signals is N else [signals]
    found = {dual(edition, score, r, s) for r in ratios for s in counts}
    return found.pop() if len(found) == 1 else OPEN


def status(score, ish):
    """The status of a score and an in-situ result."""
    if score == "3+" or ish == "positive":
        return "positive"
    if score == "uncertain":
        return "unresolved"
    if score is N:
        return {N: "unknown", "negative": "negative_unspecified"}.get(ish, "unresolved")
    if score == "2+":
        return "low" if ish == "negative" else "unresolved"
    return "unresolved" if ish == OPEN else {"0": "zero", "1+": "low"}[score]


def columns(points, **numbers):
    """Canonical columns of points whose first part is the score."""
    scores = [point[0] for point in points]
    return {
        "her2_ihc": [N if score == "uncertain" else score for score in scores],
        "her2_ihc_text": ["1-2+" if score == "uncertain" else N for score in scores],
    } | {name: [point[i] for point in points] for name, i in numbers.items()}


def classified(make_cohort, edition, points, **numbers):
    frame = classify_her2(make_cohort(columns(points, **numbers)), edition=edition).to_pandas()
    assert len(frame) == len(points)
    assert frame[["her2_status", "her2_rule", "her2_flags"]].notna().all().all()
    return frame


@pytest.mark.parametrize("edition", EDITIONS)
def test_ratio_and_signals_are_read_as_the_guideline_says(make_cohort, edition):
    points = list(product(SCORES, [N, *RATIOS], [N, *SIGNALS]))
    frame = classified(make_cohort, edition, points, her2_ratio=1, her2_copies=2)
    for point, seen in zip(points, frame.her2_status, strict=True):
        score, ratio, signals = point
        none = ratio is N and signals is N
        expected = status(score, N if none else partial(edition, score, ratio, signals))
        assert (point, seen) == (point, expected)


@pytest.mark.parametrize("edition", EDITIONS)
def test_single_probe_signals_are_read_as_the_guideline_says(make_cohort, edition):
    points = list(product(SCORES, SIGNALS))
    frame = classified(make_cohort, edition, points, her2_copies_single=1)
    for point, seen in zip(points, frame.her2_status, strict=True):
        assert (point, seen) == (point, status(point[0], single(edition, *point)))


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_interval_decides_only_what_each_number_in_it_would(make_cohort, edition):
    ends = [N, 1.0, 1.8, 2.0, 2.2, 3.0]
    points = [
        (score, low, high, signals)
        for score, low, high, signals in product(SCORES, ends, ends, [N, 3.0, 5.0, 7.0])
        if (low, high) != (N, N) and (low is N or high is N or low < high)
    ]
    frame = classified(
        make_cohort, edition, points, her2_ratio_low=1, her2_ratio_high=2, her2_copies=3
    )
    decided = 0
    for point, seen in zip(points, frame.her2_status, strict=True):
        score, low, high, signals = point
        inside = [r for r in RATIOS if (low is N or r >= low) and (high is N or r < high)]
        would = {status(score, partial(edition, score, r, signals)) for r in inside}
        if seen not in ("unresolved", "unknown"):
            assert (point, would) == (point, {seen})
            decided += 1
        # An interval that holds no cut point of the edition is as good as a number.
        cuts = (1.8, 2.2) if edition == 2007 else (2.0,)
        if not any((low is N or low < cut) and (high is N or cut < high) for cut in cuts):
            # 2.2 itself is equivocal in 2007, so that what begins there holds two classes.
            if edition == 2007 and low == 2.2:
                continue
            assert (point, {seen}) == (point, would)
    assert decided > len(points) / 4


@pytest.mark.parametrize("edition", EDITIONS)
def test_exactly_one_row_matches_each_combination_of_classes(edition):
    for policies in (None, "peiffer2023", {"E19": "ratio_alone", "R1": "reported_decides"}):
        chosen = resolved(policies)
        classes = her2_rules.number_classes(edition, chosen)
        ratios, copies, alone = (len(classes[key]) for key in ("ratio", "copies", "single"))
        scores = len(her2_rules.KEYS["ihc"])
        table = her2_rules.dual_table(edition, chosen)  # two rows for one place would raise
        # Every ratio with every signals or none, and every signals without a ratio.
        assert table.num_rows == scores * (ratios * (copies + 1) + copies)
        assert her2_rules.single_table(edition, chosen).num_rows == scores * alone
        assert her2_rules.category_table(chosen).num_rows == scores * 5 * 4 * 5


def test_the_cut_points_are_those_of_the_guidelines():
    def names(edition, key):
        classes = her2_rules.number_classes(edition, resolved(None))
        return [one.name for one in classes[key]]

    assert names(2007, "ratio") == ["<1.8", ">=1.8 <=2.2", ">2.2"]
    assert names(2007, "copies") == ["known"]
    assert names(2007, "single") == ["<4", ">=4 <=6", ">6"]
    for edition in (2013, 2018, 2023):
        assert names(edition, "ratio") == ["<2", ">=2"]
        assert names(edition, "copies") == names(edition, "single") == ["<4", ">=4 <6", ">=6"]
