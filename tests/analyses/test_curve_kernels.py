"""Laws of the counts and sums beneath curves and tests."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.kernels.logrank import chi_square, risk_sets, score_sums, unstratified
from analyses.kernels.product_limit import count, count_cells, distinct, table

PATIENTS = st.lists(
    st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 2), st.integers(1, 3)),
    min_size=3,
    max_size=30,
)


def arrays(patients: Any) -> tuple[Any, Any, Any, Any]:
    """Times, events, groups and entries."""
    time, event, codes, late = (np.array(part) for part in zip(*patients, strict=True))
    return time.astype(float), event, codes.astype(np.intp), np.maximum(time - late, -1.0)


@given(PATIENTS, st.lists(st.integers(0, 3), min_size=30, max_size=30))
def test_counts_add_over_any_split_into_blocks(patients: Any, blocks: list[int]) -> None:
    time, event, codes, entry = arrays(patients)
    grid, place = distinct(time)
    shape = (3, len(grid))
    start = np.searchsorted(grid, entry, side="right")
    of_block = np.array(blocks[: len(time)])
    parts: list[Any] = [np.zeros(shape), np.zeros(shape), np.zeros((3, len(grid) + 1))]
    for block in range(4):
        own = of_block == block
        events, censored = count_cells(place[own], event[own], codes[own], shape, None)
        entered = table(start[own], codes[own], (3, len(grid) + 1), None)
        parts = [a + b for a, b in zip(parts, (events, censored, entered), strict=True)]
    whole = count(time, event, codes, 3, entry=entry)
    np.testing.assert_array_equal(parts[0], whole.events)
    np.testing.assert_array_equal(parts[1], whole.censored)
    np.testing.assert_array_equal(parts[2][:, :-1], whole.entered)


@given(PATIENTS)
def test_risk_sets_of_counts_are_those_of_the_patients(patients: Any) -> None:
    time, event, codes, entry = arrays(patients)
    one = unstratified(count(time, event, codes, 3, entry=entry))
    other = risk_sets(time, event, codes, 3, entry=entry)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@given(PATIENTS)
def test_event_and_censoring_swapped_twice_are_as_they_were(patients: Any) -> None:
    time, event, codes, _ = arrays(patients)
    counts = count(time, event, codes, 3)
    np.testing.assert_array_equal(counts.swapped.events, count(time, ~event, codes, 3).events)
    np.testing.assert_array_equal(counts.swapped.swapped.events, counts.events)
    np.testing.assert_array_equal(counts.swapped.n_risk, counts.n_risk)


def exact_score_test(time: Any, event: Any, codes: Any) -> tuple[Any, Any]:
    """Score and information at 0 of the exact partial likelihood, by listing every set.

    Given d events among those at risk, all sets of d of them are alike at coefficient 0: the
    score is the sum of the covariates of those with the event less its mean over all sets, the
    information its covariance over them.
    """
    columns = np.array([codes == 1, codes == 2], dtype=float)
    score, information = np.zeros(2), np.zeros((2, 2))
    for t in np.unique(time[event]):
        risk = np.flatnonzero(time >= t)
        dies = np.flatnonzero(event & (time == t))
        sums = np.array([columns[:, list(s)].sum(axis=1) for s in combinations(risk, len(dies))])
        score += columns[:, dies].sum(axis=1) - sums.mean(axis=0)
        information += np.cov(sums.T, bias=True) if len(sums) > 1 else 0
    return score, information


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 2), st.just(1)),
        min_size=3,
        max_size=9,
    )
)
def test_the_log_rank_test_is_the_score_test_with_exact_ties(patients: Any) -> None:
    time, event, codes, _ = arrays(patients)
    sums = score_sums(risk_sets(time, event, codes, 3))
    score, information = exact_score_test(time, event, codes)
    np.testing.assert_allclose((sums.observed - sums.expected)[1:], score, atol=1e-12)
    np.testing.assert_allclose(sums.variance[1:, 1:], information, atol=1e-12)
    statistic, df = chi_square(sums)
    if df == 2:
        by_score = float(score @ np.linalg.solve(information, score))
        assert statistic == pytest.approx(by_score, rel=1e-9, abs=1e-12)
