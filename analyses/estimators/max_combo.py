"""The max-combo test: the largest of four weighted log-rank tests, for curves that may cross."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import chdtrc

from analyses.estimators.compared_groups import Trend, cells_of, compared_groups, trend_scores
from analyses.estimators.grouped_survival import (
    GroupedSurvival,
    small_group_findings,
    zero_weight_findings,
)
from analyses.estimators.meeting import Meeting, never_compared, no_test
from analyses.estimators.strata import Strata, strata_names
from analyses.estimators.survival_data import By, by_column
from analyses.kernels.logrank import beside, compared, fleming_harrington, score_sums
from analyses.kernels.max_combo import Joint, any_p_value, joint_tests
from analyses.results.frozen import Array, frozen
from analyses.results.max_combo import ComboPart, MaxCombo

EXPONENTS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))  # all, early, late, middle events


def max_combo(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    strata: Strata | None = None,
    entry: str | None = None,
    weights: str | None = None,
    trend: Trend | None = None,
) -> MaxCombo:
    """Whether the groups share one hazard, where curves may cross or part early, late or between.

    Parameters
    ----------
    data, time, event, by, strata, entry, weights, trend
        As in `logrank`.

    Returns
    -------
    MaxCombo
        The largest of the tests with Fleming and Harrington's weights (0, 0), (1, 0), (0, 1) and
        (1, 1), with the chance that any of the four would be as extreme. For more than two
        groups each is the chi-square over all groups; with `trend`, on one degree of freedom.
        Rows with a missing value are left out and counted; no test has a `reason`.

    Raises
    ------
    AnalysisError
        As `logrank`.

    Notes
    -----
    Lin et al. (2020). The four share one hypergeometric covariance; the p-value is its integral
    by fixed quadrature (two groups, trend: about six digits) or, for more groups, by a fixed
    sequence (about three digits, in the tail as well). The four sums of one group have rank
    three, since (0, 0) is (1, 0) plus (0, 1). Checked against loops and nested integrals in R,
    and a derivation by hand: tests/analyses/test_max_combo.py.
    """
    rows = compared_groups(
        data, time=time, event=event, by=by, strata=strata, entry=entry, weights=weights
    )
    return _result(rows, (event, weights), str(by_column(by)), strata_names(strata), trend)


def _result(
    rows: GroupedSurvival,
    columns: tuple[str, str | None],
    by: str,
    strata: tuple[str, ...],
    trend: Trend | None,
) -> MaxCombo:
    """The tests of prepared rows."""
    event, weights = columns
    scores = trend_scores(trend, rows.levels)
    cells = cells_of(rows, strata)
    weighted = np.array([fleming_harrington(cells, *exponents) for exponents in EXPONENTS])
    joint = joint_tests(cells, weighted, None if scores is None else np.asarray(scores))
    parts = tuple(
        _part(exponents, float(statistic), int(df))
        for exponents, statistic, df in zip(EXPONENTS, joint.statistic, joint.df, strict=True)
    )
    best = _best(parts)
    chosen = None if best is None else parts[best]
    n, n_event = (tuple(int(v) for v in c) for c in (cells.n, cells.n_event))
    meeting = Meeting(*beside(cells), compared(score_sums(cells)))
    return MaxCombo(
        statistic=None if chosen is None else chosen.statistic,
        df=0 if chosen is None else chosen.df,
        p_value=None if chosen is None else any_p_value(joint),
        parts=parts,
        best=best,
        loadings=tuple(frozen(one) for one in joint.loadings),
        correlation=frozen(_correlation(joint)),
        by=by,
        groups=rows.levels,
        n=n,
        n_event=n_event,
        strata=strata,
        scores=scores,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        reason=None if chosen is not None else no_test(n_event, meeting),
        findings=(
            *small_group_findings(event, rows.levels, n, n_event),
            *never_compared(by, rows.levels, n, n_event, meeting),
            *zero_weight_findings(weights, rows.n_zero),
        ),
        weighting=rows.weighting(weights),
    )


def _part(exponents: tuple[float, float], statistic: float, df: int) -> ComboPart:
    """One test; none where its weights leave nothing to compare."""
    if not df:
        return ComboPart(*exponents, None, 0, None)
    return ComboPart(*exponents, statistic, df, float(chdtrc(df, statistic)))


def _best(parts: tuple[ComboPart, ...]) -> int | None:
    """The test with the smallest p-value, and the largest statistic where those are 0."""
    found = [i for i, part in enumerate(parts) if part.p_value is not None]
    if not found:
        return None
    return min(found, key=lambda i: (parts[i].p_value or 0.0, -(parts[i].statistic or 0.0)))


def _correlation(joint: Joint) -> Array:
    """Correlations of tests on one degree of freedom each, signs as of the differences."""
    if not (joint.df == 1).all():
        return np.empty((0, 0))
    loadings = np.concatenate(joint.loadings)
    return np.asarray(loadings @ loadings.T)
