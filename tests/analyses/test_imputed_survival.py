"""Curves and restricted means over imputations: as mice pools survfit of the same data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyses.imputation.imputed_survival import imputed_kaplan_meier, imputed_rmst
from analyses.imputation.rubin import pool
from analyses.results.frozen import frozen
from analyses.results.imputations import ImputedColumn
from analyses.results.pooled_numbers import on_own_scale, too_large
from cohort.errors import AnalysisError
from tests.analyses.imputed_rows import REFERENCE, imputations, incomplete, made

WHAT = {"time": "time", "event": "event", "by": "grade"}


@pytest.fixture(scope="module")
def expected():
    table = pd.read_csv(REFERENCE / "imputed_numbers.csv", dtype={"group": str})
    return table.set_index(["quantity", "group", "time"])


def agrees(numbers, expected):
    for number in numbers:
        row = expected.loc[number.quantity, number.group, number.time]
        for name in ("estimate", "std_error", "df", "fmi"):
            found = getattr(number.pooled, name)
            assert found == pytest.approx(row[name], rel=1e-8), (number.group, name)


def test_milestone_survival_as_mice_pools_it_on_the_complementary_log_log_scale(expected):
    found = imputed_kaplan_meier(incomplete(), imputations(), times=[12, 24], **WHAT)
    numbers = found.of("survival")
    assert len(numbers) == 6
    agrees(numbers, expected)
    for number in numbers:
        assert number.estimate == pytest.approx(np.exp(-np.exp(number.pooled.estimate)))
        assert number.conf_low < number.estimate < number.conf_high
    found.records("curves")
    found.to_dict()


def test_the_curve_goes_through_its_milestones():
    found = imputed_kaplan_meier(incomplete(), imputations(), times=[12, 24], **WHAT)
    for number in found.of("survival"):
        curve = next(c for c in found.curves if c.group == number.group)
        place = np.searchsorted(curve.time, number.time, side="right") - 1
        assert curve.survival[place] == pytest.approx(number.estimate, rel=1e-12)
        assert curve.conf_low[place] == pytest.approx(number.conf_low, rel=1e-12)
        assert curve.conf_high[place] == pytest.approx(number.conf_high, rel=1e-12)


def test_restricted_means_as_mice_pools_them(expected):
    found = imputed_rmst(incomplete(), imputations(), tau=24, **WHAT)
    means = found.of("rmst")
    agrees(means, expected)
    differences = found.of("rmst_difference")
    assert [d.group for d in differences] == ["2", "3"]
    for difference in differences:
        own = next(n for n in means if n.group == difference.group)
        assert difference.estimate == pytest.approx(own.estimate - means[0].estimate, rel=1e-10)
    for ratio in found.of("rmst_ratio"):
        assert ratio.estimate == pytest.approx(np.exp(ratio.pooled.estimate))
    found.records("means", "months")
    found.to_dict()


def test_four_patients_by_hand():
    """Times 1..4, all events; the last lacks its group, drawn as b, then as a, of m = 2.

    Group a holds 1 and 3, then 1, 3 and 4. At 2 its curve is 1/2, then 2/3; Greenwood's
    relative variances 1/2 and 1/6, so of log(-log S) u = (1/2)/(log 2)^2 and (1/6)/(log 1.5)^2.
    """
    frame = pd.DataFrame(
        {
            "time": [1.0, 2, 3, 4],
            "event": True,
            "g": pd.Categorical(["a", "b", "a", None], ["a", "b"], ordered=True),
        }
    )
    column = ImputedColumn("g", "logistic", ("a", "b"), 1, 3, np.array([3]), frozen([[1.0], [0.0]]))
    found = imputed_kaplan_meier(
        frame, made((column,), 4, 2), time="time", event="event", by="g", times=[2]
    )
    a = found.of("survival")[0]
    q = np.log(-np.log([1 / 2, 2 / 3]))
    u = [1 / 2 / np.log(2) ** 2, 1 / 6 / np.log(1.5) ** 2]
    total = np.mean(u) + 1.5 * (q[0] - q[1]) ** 2 / 2
    assert a.pooled.estimate == pytest.approx(q.mean(), rel=1e-12)
    assert a.pooled.std_error == pytest.approx(np.sqrt(total), rel=1e-12)
    b = found.of("survival")[1]
    assert b.estimate is None  # at 2 the curve of b is at 0 where it holds one patient only
    assert "1 of 2 imputations" in b.reason


def test_groups_that_were_not_imputed_are_refused():
    with pytest.raises(AnalysisError, match="receptor"):
        imputed_kaplan_meier(incomplete(), imputations(), time="time", event="event", by="receptor")


def test_a_ratio_past_what_a_machine_holds_is_none_with_a_reason():
    """Limits of a log ratio near 710 are no numbers off their scale, and nothing is warned of."""
    made_of = pool(np.array([690.0, 692.0, 691.0]), np.full(3, 8.0), df_complete=50)
    estimate, low, high = on_own_scale(made_of, "log")
    assert (estimate is None, low is None, high) == (False, False, None)
    assert "too large" in too_large(made_of, "log")
    assert on_own_scale(made_of, "cloglog") == (0, 0, 0)


def test_three_events_in_two_groups_give_numbers_without_limits():
    """Two events in one group, one in the other: one degree of freedom less what is missing."""
    frame = pd.DataFrame(
        {
            "time": [1.0, 2, 3, 4, 5, 6, 7, 8],
            "event": [True, True, True, False, False, False, False, False],
            "g": pd.Categorical(["a", "b", "a", "b", "a", "b", None, None], ["a", "b"]),
        }
    )
    column = ImputedColumn(
        "g", "logistic", ("a", "b"), 2, 6, np.array([6, 7]), frozen([[0.0, 1], [1, 0], [0, 0.0]])
    )
    given = made((column,), 8, 3)
    found = imputed_rmst(frame, given, time="time", event="event", by="g", tau=5)
    ratio = found.of("rmst_ratio")[0]
    assert ratio.pooled.df < 1
    assert (ratio.conf_low, ratio.conf_high) == (None, None)
    assert "degrees of freedom" in ratio.reason
    record = next(r for r in found.records("means") if r.quantity == "rmst_ratio")
    assert (record.status, record.reason) == ("ok", ratio.reason)
