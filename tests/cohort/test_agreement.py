"""Kappa and tests of square tables, against R and a table of three categories on paper."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cohort.agreement import bowker, chi_square_tail, kappa, stuart_maxwell, wilson

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def rows(name):
    with (REFERENCE / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tables():
    found = {}
    for row in rows("agreement_counts.csv"):
        found.setdefault(row["table"], [[0] * 3 for _ in range(3)])
        found[row["table"]][int(row["first"]) - 1][int(row["second"]) - 1] = int(row["n"])
    return found


@pytest.mark.parametrize(
    "expected", rows("agreement.csv"), ids=lambda r: f"{r['table']}-{r['quantity']}"
)
def test_kappa_and_tests_are_those_of_r(expected):
    counts = tables()[expected["table"]]
    quantity = expected["quantity"]
    if quantity.startswith("kappa_"):
        made = kappa(counts, weights=quantity.removeprefix("kappa_"))
    else:
        made = {"bowker": bowker, "stuart_maxwell": stuart_maxwell}[quantity](counts)
        assert made.df == int(expected["df"])
    fields = (
        "estimate",
        "std_error",
        "std_error_null",
        "statistic",
        "p_value",
        "conf_low",
        "conf_high",
    )
    for field in fields:
        if expected[field]:
            assert getattr(made, field) == pytest.approx(float(expected[field]), rel=1e-8, abs=1e-9)


def test_a_table_of_ten_pairs_worked_on_paper():
    # 4 1 0 / 1 2 0 / 0 0 2, n = 10. Margins 5 3 2 both ways.
    # Observed 8/10; by chance (25 + 9 + 4)/100 = 0.38; kappa 0.42/0.62.
    # Linear weights 1, 1/2, 0: observed 0.8 + 0.2/2 = 0.9; by chance 0.38 + (15+15+6+6)/200 = 0.59;
    # kappa 0.31/0.41. Quadratic 1, 3/4, 0: 0.95 against 0.38 + 0.42 x 3/4 = 0.695; 0.255/0.305.
    counts = [[4, 1, 0], [1, 2, 0], [0, 0, 2]]
    assert kappa(counts).estimate == pytest.approx(0.42 / 0.62)
    assert kappa(counts, weights="linear").estimate == pytest.approx(0.31 / 0.41)
    assert kappa(counts, weights="quadratic").estimate == pytest.approx(0.255 / 0.305)
    # Standard error of kappa: the sum over the diagonal of p (0.62 - 0.2 (r + c))^2, with r + c
    # of 1, 0.6 and 0.4, is 0.4 x 0.42^2 + 0.2 x 0.5^2 + 0.2 x 0.54^2 = 0.17888; off it
    # 0.2 (0.2 x 0.8)^2 = 0.00512; less (0.304 - 0.76 + 0.8)^2 = 0.118336; over 10 x 0.62^4.
    # (At (1, 2) the margins are the column of 1, 0.5, and the row of 2, 0.3.)
    spread = 0.17888 + 0.00512 - 0.118336
    assert kappa(counts).std_error == pytest.approx(math.sqrt(spread / 10) / 0.62**2)


def test_what_does_not_exist_says_why():
    assert kappa([[0] * 3] * 3).reason == "no pair"
    alone = kappa([[9, 0, 0], [0, 0, 0], [0, 0, 0]], weights="linear")
    assert (alone.estimate, alone.reason) == (None, "every pair is in one and the same category")
    # Whatever the second reading says, agreement is what chance gives: 0 with limits of 0.
    for weights in ("none", "linear", "quadratic"):
        for counts in ([[20, 20, 5], [0, 0, 0], [0, 0, 0]], [[0, 3, 0], [0, 9, 0], [0, 2, 0]]):
            constant = kappa(counts, weights=weights)
            assert (constant.estimate, constant.conf_low, constant.p_value) == (None, None, None)
            assert constant.reason == "one of the two readings knows one category only"
    for test in (bowker, stuart_maxwell):
        made = test([[3, 0, 0], [0, 4, 0], [0, 0, 1]])
        assert (made.statistic, made.reason) == (None, "no change between any categories")


@given(
    st.lists(st.integers(0, 30), min_size=9, max_size=9),
    st.sampled_from(["none", "linear", "quadratic"]),
)
def test_kappa_does_not_depend_on_which_reading_is_first(cells, weights):
    counts = [cells[:3], cells[3:6], cells[6:]]
    turned = [list(column) for column in zip(*counts, strict=True)]
    made, again = kappa(counts, weights=weights), kappa(turned, weights=weights)
    for field in ("estimate", "std_error", "std_error_null"):
        a, b = getattr(made, field), getattr(again, field)
        assert (a is None) == (b is None)
        assert a is None or a == pytest.approx(b, abs=1e-7)


@given(st.floats(0, 60), st.integers(1, 9))
def test_the_tail_is_scipys(statistic, df):
    assert chi_square_tail(statistic, df) == pytest.approx(stats.chi2.sf(statistic, df), rel=1e-9)


@given(st.integers(0, 40), st.integers(1, 40))
def test_limits_of_a_share_are_wilsons(n, more):
    total = n + more
    low, high = wilson(n, total, 0.95)
    known = stats.binomtest(n, total).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-12)
