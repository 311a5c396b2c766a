"""Tests that a column is distributed alike in all groups: for those who ask for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analyses.results.frozen import Array
from analyses.results.table_one import GroupTest

SMALL_EXPECTED = 5
SIMULATED_TABLES = 100_000
SIMULATION_SEED = 20_120_415
ROUNDING = 1e-7  # of a table's probability: tables as likely as the one seen count as extreme


def numbers_test(column: str, samples: Sequence[Array]) -> GroupTest:
    """Kruskal-Wallis rank test over the groups with a value.

    Checked against ``kruskal.test`` of R: tests/analyses/test_table_one.py.
    """
    name = "Kruskal-Wallis"
    present = [sample for sample in samples if len(sample)]
    if len(present) < 2:
        return GroupTest(column, name, None, None, None, "fewer than two groups with a value")
    if len(np.unique(np.concatenate(present))) < 2:
        return GroupTest(column, name, None, None, None, "every patient has the same value")
    from scipy.stats import kruskal

    result = kruskal(*present)
    df = len(present) - 1
    return GroupTest(column, name, float(result.statistic), df, float(result.pvalue), None)


def levels_test(column: str, counts: npt.NDArray[np.int64]) -> GroupTest:
    """Uncorrected chi-square test, or Fisher's exact test where an expected count is below 5.

    `counts` is groups x levels. For tables larger than 2 x 2 Fisher's p is simulated from
    `SIMULATED_TABLES` tables with the same margins and a fixed seed, and the test's name says so.

    Checked against ``chisq.test(correct = FALSE)`` and ``fisher.test`` of R: tests/analyses/
    test_table_one.py.
    """
    seen = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(seen.shape) < 2:
        reason = "fewer than two groups or levels with a patient"
        return GroupTest(column, "chi-square", None, None, None, reason)
    rows, columns, n = seen.sum(axis=1), seen.sum(axis=0), seen.sum()
    if (np.outer(rows, columns) / n).min() >= SMALL_EXPECTED:
        from scipy.stats import chi2_contingency

        result = chi2_contingency(seen, correction=False)
        return GroupTest(
            column,
            "chi-square",
            float(result.statistic),
            int(result.dof),
            float(result.pvalue),
            None,
        )
    if seen.shape == (2, 2):
        from scipy.stats import fisher_exact

        return GroupTest(column, "Fisher", None, None, float(fisher_exact(seen)[1]), None)
    return GroupTest(column, "Fisher (simulated)", None, None, _simulated_p(seen), None)


def _simulated_p(table: npt.NDArray[np.int64]) -> float:
    """Share of tables with these margins that are no likelier than the one seen."""
    from scipy.stats import random_table

    margins = random_table(table.sum(axis=1), table.sum(axis=0))
    drawn = margins.rvs(SIMULATED_TABLES, random_state=np.random.default_rng(SIMULATION_SEED))
    extreme = margins.logpmf(drawn) <= margins.logpmf(table) + ROUNDING
    return float((1 + extreme.sum()) / (1 + SIMULATED_TABLES))
