"""Matched comparisons against MatchIt 4.5 and R's clustered variances, loops and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from adjustment_cases import AT, BY, FOLDER, FOLLOWED, TAU, TERMS, agrees, expected, patients

from analyses.adjustment.matched_survival import matched_survival
from analyses.kernels.pairs import nearest
from cohort.errors import AnalysisError

CASES = {
    "pairs": {},
    "two": {"ratio": 2},
    "pooled": {"spread": "pooled"},
    "free": {"caliper": None},
}


def compared(data=None, **asked):
    given = patients() if data is None else data
    pair = ("positive", "zero")
    common = {"by": BY, "pair": pair, "terms": TERMS, "times": AT, "tau": TAU}
    return matched_survival(given, **FOLLOWED, **common | asked)


def matched_sets(result):
    """{place in the data of a patient: the places of their counterparts}."""
    own = patients().query("group != 'low'")
    places, sets = result.places
    rows, positive = own.index[places], (own.group == "positive").to_numpy()[places]
    found = {}
    for number in np.unique(sets):
        here = sets == number
        found[int(rows[here & positive][0])] = sorted(int(r) for r in rows[here & ~positive])
    return found


@pytest.mark.parametrize("case", CASES)
def test_pairs_weights_and_clustered_errors_are_those_of_matchit(case):
    found = compared(**CASES[case])
    table = pd.read_csv(FOLDER / "adjustment_pairs.csv")
    own = table[table["case"] == case]
    wanted = {int(t): sorted(map(int, g["control"])) for t, g in own.groupby("treated")}
    assert matched_sets(found) == wanted
    sizes = [size.n_matched for size in found.sizes]
    assert sizes == list(expected(case, "n"))
    if case == "pairs":
        assert found.width == pytest.approx(expected(case, "width")[0], rel=1e-8)
    (ratio,) = [r for r in found.ratios if r.method == "matched"]
    assert ratio.estimate == pytest.approx(expected(case, "log_ratio")[0], rel=1e-7)
    assert ratio.std_error == pytest.approx(expected(case, "log_ratio_error")[0], rel=1e-7)
    agrees(found, case, rtol=1e-7)


def loops(treated, controls, ratio, caliper):
    free, pairs = np.ones(len(controls), dtype=bool), []
    for _ in range(ratio):
        for row in np.argsort(-treated, kind="stable"):
            distance = np.where(free, np.abs(controls - treated[row]), np.inf)
            control = int(np.argmin(distance))
            if free.any() and distance[control] <= caliper:
                free[control] = False
                pairs.append((int(row), control))
    return pairs


@pytest.mark.parametrize("seed", range(40))
def test_the_fast_search_finds_what_loops_find_with_ties_too(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 20), rng.integers(1, 40)
    treated, controls = (rng.normal(size=size) for size in sizes)
    if seed % 2:
        treated, controls = np.round(treated), np.round(controls)
    for ratio in (1, 3):
        for caliper in (0.3, 1.0, np.inf):
            wanted = loops(treated, controls, ratio, caliper)
            assert nearest(treated, controls, ratio, caliper) == wanted


def test_by_hand_the_largest_chooses_first_and_ties_go_by_row():
    """Two rounds, every distance 3/8.

    Treated 2, 1; controls 11/8, 13/8, 5/8, 13/8. 2 takes the 13/8 of the earlier row; 1 is as far
    from 11/8 as from 5/8, and row 0 comes before row 2. Second round: 2 takes the other 13/8, 1
    takes 5/8. With a caliper of 0.35 nobody.
    """
    treated, controls = np.array([1.0, 2.0]), np.array([1.375, 1.625, 0.625, 1.625])
    found = nearest(treated, controls, 2, 0.4)
    assert found == [(1, 1), (0, 0), (1, 3), (0, 2)]
    assert nearest(treated, controls, 1, 0.35) == []


def test_those_without_a_counterpart_are_counted_and_said():
    found = compared(caliper=0.01)
    own = found.sizes[-1]
    assert own.n_unmatched > 0.05 * own.n
    assert [f.n for f in found.findings if f.rule == "unmatched"] == [own.n_unmatched]
    assert "matched patients of positive" in {r.population for r in found.ratios}


def test_without_a_caliper_the_finding_says_that_the_reference_ran_out():
    found = compared(pair=("zero", "positive"), caliper=None)
    (told,) = [f for f in found.findings if f.rule == "unmatched"]
    n = next(size.n for size in found.sizes if size.group == "positive")
    assert f"all {n} patients of positive are taken" in told.advice
    assert "caliper" not in told.advice
    (within,) = [f for f in compared(caliper=0.01).findings if f.rule == "unmatched"]
    assert "no free counterpart is within the caliper" in within.advice


def test_balance_is_before_and_after_over_the_spread_of_all_patients_of_the_pair():
    data = patients().query("group != 'low'").reset_index(drop=True)
    found = compared()
    (row,) = [r for r in found.balance.rows if r.column == "age"]
    one, other = (data.age[data.group == g] for g in ("zero", "positive"))
    spread = np.sqrt((one.var() + other.var()) / 2)
    assert row.before == pytest.approx(abs(one.mean() - other.mean()) / spread, rel=1e-10)
    chosen = data.loc[found.places[0]]
    means = chosen.groupby("group").age.mean()
    after = abs(means["zero"] - means["positive"]) / spread
    assert row.after == pytest.approx(after, rel=1e-10)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pair": ("positive", "null")}, "null"),
        ({"pair": ("low", "low")}, "no pair"),
        ({"ratio": 0}, "ratio"),
        ({"caliper": -1.0}, "caliper"),
        ({"spread": "both"}, "spread"),
    ],
)
def test_what_makes_no_sense_is_refused(asked, said):
    with pytest.raises(AnalysisError, match=said):
        compared(**asked)


def test_nobody_within_the_caliper_is_an_error_that_says_so():
    data = patients()
    data["age"] += np.arange(len(data)) / 977  # no two patients alike
    with pytest.raises(AnalysisError, match="has a counterpart within"):
        compared(data, caliper=1e-12)


def test_rows_without_a_group_are_counted():
    data = patients()
    data.loc[:6, "group"] = None
    found = compared(data)
    assert ("group", 7) in found.n_missing
    assert found.records("m", "months")
    assert found.to_dict()["sizes"][1]["group"] == "positive"
