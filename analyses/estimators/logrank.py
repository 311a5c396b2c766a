"""Log-rank tests: k groups, strata, delayed entry, Fleming-Harrington weights, trend, pairs."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import chdtrc

from analyses.estimators.compared_groups import (
    Trend,
    cells_of,
    compared_groups,
    trend_scores,
)
from analyses.estimators.event_weights import EventWeights, event_weights
from analyses.estimators.grouped_survival import (
    GroupedSurvival,
    small_group_findings,
    zero_weight_findings,
)
from analyses.estimators.meeting import Meeting, never_compared, no_test
from analyses.estimators.multiplicity import ADJUSTMENTS, Adjustment, adjusted_p
from analyses.estimators.strata import Strata, strata_names
from analyses.estimators.survival_data import By, by_column
from analyses.kernels.logrank import (
    Cells,
    beside,
    chi_square,
    compared,
    excess,
    only,
    score_sums,
    trend_chi_square,
)
from analyses.results.frozen import frozen
from analyses.results.logrank import LogRank, PairwiseLogRank, Test


def logrank(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    strata: Strata | None = None,
    entry: str | None = None,
    weights: str | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
    trend: Trend | None = None,
    test: Test = "logrank",
) -> LogRank:
    """Whether the groups share one hazard: log-rank test, its weighted forms, or a trend.

    Parameters
    ----------
    data, time, event, by, entry
        As in `kaplan_meier`: at risk are those with entry < time <= exit.
    strata
        Column or columns: groups are compared within each stratum only.
    weights
        Column of whole numbers, each row counting as so many patients. The variance is not
        defined for other weights.
    rho, gamma
        Fleming and Harrington's weights S(t-)^rho (1 - S(t-))^gamma, S pooled over the groups of
        the stratum. (1, 0) looks at early differences, (0, 1) at late ones.
    test
        ``logrank`` (with rho and gamma), ``gehan`` (an event counts the number at risk),
        ``tarone_ware`` (its square root) or ``peto`` (S(t-), that is rho 1).
    trend
        ``linear`` for the scores 0, 1, 2, ... of the groups present in their order, or one score
        a group: a test on one degree of freedom.

    Returns
    -------
    LogRank
        Rows with a missing value are left out and counted. Where no event distinguishes the
        groups the statistic is None with a `reason`. A group never at risk beside another, or
        only where nobody survives the event, takes a degree of freedom with it, and is a finding.

    Raises
    ------
    AnalysisError
        As `kaplan_meier`; for fewer than two groups; for weights that are not whole numbers; for
        scores that do not match the groups.

    Notes
    -----
    Peto and Peto (1972), Harrington and Fleming (1982); hypergeometric variance; trend (c'U)^2 /
    c'Vc (Tarone, 1975). Checked against ``survdiff`` of R's survival 3.5 (rho, strata), loops in R
    (the rest) and derivations by hand: tests/analyses/test_logrank.py.
    """
    counted = event_weights(test, rho, gamma)
    rows = compared_groups(
        data, time=time, event=event, by=by, strata=strata, entry=entry, weights=weights
    )
    where = (str(by_column(by)), strata_names(strata))
    return _test(rows, cells_of(rows, where[1]), (event, weights), where, counted, trend)


def pairwise_logrank(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    adjust: Adjustment = "holm",
    strata: Strata | None = None,
    entry: str | None = None,
    weights: str | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
    test: Test = "logrank",
) -> PairwiseLogRank:
    """The log-rank test of each two groups, with p-values adjusted for their number.

    Each test uses the patients of its two groups only. `adjust` is ``holm``, ``bh`` (Benjamini
    and Hochberg), ``bonferroni`` or ``none``; the pairs that have a test are counted. The other
    parameters, missing values, ties and errors are those of `logrank`.

    Checked against ``survdiff`` on the rows of two groups and ``p.adjust``: tests/analyses/
    test_logrank.py.
    """
    if adjust not in (*ADJUSTMENTS, "none"):
        raise ValueError(f"adjust is one of {[*ADJUSTMENTS, 'none']}, not {adjust!r}")
    counted = event_weights(test, rho, gamma)
    rows = compared_groups(
        data, time=time, event=event, by=by, strata=strata, entry=entry, weights=weights
    )
    names = strata_names(strata)
    pairs = list(combinations(range(len(rows.levels)), 2))
    cells = cells_of(rows, names)
    # Risk sets of two groups are those of all, the others left out: nobody is counted again.
    results = tuple(
        _test(
            replace(rows, levels=tuple(rows.levels[g] for g in pair)),
            only(cells, pair),
            (event, weights),
            (str(by_column(by)), names),
            counted,
            None,
        )
        for pair in pairs
    )
    findings = dict.fromkeys(finding for result in results for finding in result.findings)
    return PairwiseLogRank(
        pairs=tuple((rows.levels[a], rows.levels[b]) for a, b in pairs),
        results=results,
        p_adjusted=adjusted_p([result.p_value for result in results], adjust),
        method=adjust,
        by=str(by_column(by)),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=tuple(findings),
    )


def _test(
    rows: GroupedSurvival,
    cells: Cells,
    columns: tuple[str, str | None],
    where: tuple[str, tuple[str, ...]],
    counted: EventWeights,
    trend: Trend | None,
) -> LogRank:
    """The test of the groups of the rows from their risk sets, of (groups, strata)."""
    event, weights = columns
    by, strata = where
    weight = counted.by_cell(cells)
    sums = score_sums(cells, weight)
    over_time = excess(cells, weight)
    scores = trend_scores(trend, rows.levels)
    if scores is None:
        statistic, df = chi_square(sums)
    else:
        statistic, df = trend_chi_square(sums, np.asarray(scores))
    n, n_event = (tuple(int(v) for v in c) for c in (cells.n, cells.n_event))
    meeting = Meeting(*beside(cells, weight), compared(sums))
    return LogRank(
        statistic=statistic if df else None,
        df=df,
        p_value=float(chdtrc(df, statistic)) if df else None,
        groups=rows.levels,
        n=n,
        observed=tuple(float(value) for value in sums.observed),
        expected=tuple(float(value) for value in sums.expected),
        variance=frozen(sums.variance),
        time=frozen(over_time[0]),
        excess=frozen(over_time[1]),
        by=by,
        strata=strata,
        kind=counted.name if trend is None else "trend",
        test=counted.test,
        rho=counted.rho,
        gamma=counted.gamma,
        scores=scores,
        n_event=n_event,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        reason=None if df else no_test(n_event, meeting),
        findings=(
            *small_group_findings(event, rows.levels, n, n_event),
            *never_compared(by, rows.levels, n, n_event, meeting),
            *zero_weight_findings(weights, rows.n_zero),
        ),
        weighting=rows.weighting(weights),
    )
