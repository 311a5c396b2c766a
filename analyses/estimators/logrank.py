"""Log-rank tests: k groups, strata, delayed entry, Fleming-Harrington weights, trend, pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from analyses.estimators.grouped_survival import (
    SOURCE,
    GroupedSurvival,
    grouped_survival,
    require_groups,
    small_group_findings,
    zero_weight_findings,
)
from analyses.estimators.strata import Strata, strata_names, stratum_codes
from analyses.estimators.survival_data import By, by_column
from analyses.kernels.logrank import (
    beside,
    chi_square,
    compared,
    risk_sets,
    score_sums,
    trend_chi_square,
)
from analyses.results.frozen import frozen
from analyses.results.logrank import LogRank, PairwiseLogRank
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

Trend = Literal["linear"] | Sequence[float]
Adjustment = Literal["holm", "bh", "bonferroni", "none"]
ADJUSTMENTS = MappingProxyType({"holm": "holm", "bh": "fdr_bh", "bonferroni": "bonferroni"})


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
    trend
        ``linear`` for the scores 0, 1, 2, ... of the groups present in their order, or one score
        a group: a test on one degree of freedom.

    Returns
    -------
    LogRank
        `.statistic`, `.df`, `.p_value`, `.summary`. Rows with a missing value are left out and
        counted. Where no event distinguishes the groups the statistic is None with a `reason`. A
        group never at risk beside another, or only where nobody survives the event, takes a
        degree of freedom with it, and is a finding.

    Raises
    ------
    AnalysisError
        As `kaplan_meier`; for fewer than two groups; for weights that are not whole numbers; for
        scores that do not match the groups.

    Notes
    -----
    Peto and Peto (1972), Harrington and Fleming (1982); hypergeometric variance; the trend
    statistic is (c'U)^2 / c'Vc with U and V summed over strata (Tarone, 1975).

    Checked against ``survdiff`` of R's survival 3.5 (rho, strata), explicit loops in R (entry,
    gamma, weights, trend) and a derivation by hand: tests/analyses/test_logrank.py.
    """
    rows = _rows(data, time, event, by, strata, entry, weights)
    _require_weights(rho, gamma)
    return _test(rows, event, by, strata_names(strata), weights, rho, gamma, trend)


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
    _require_weights(rho, gamma)
    rows = _rows(data, time, event, by, strata, entry, weights)
    names = strata_names(strata)
    pairs = list(combinations(range(len(rows.levels)), 2))
    results = tuple(
        _test(_only(rows, pair), event, by, names, weights, rho, gamma, None) for pair in pairs
    )
    findings = dict.fromkeys(finding for result in results for finding in result.findings)
    return PairwiseLogRank(
        pairs=tuple((rows.levels[a], rows.levels[b]) for a, b in pairs),
        results=results,
        p_adjusted=_adjusted([result.p_value for result in results], adjust),
        method=adjust,
        by=str(by_column(by)),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=tuple(findings),
    )


def _rows(
    data: Any,
    time: str,
    event: str,
    by: By,
    strata: Strata | None,
    entry: str | None,
    weights: str | None,
) -> GroupedSurvival:
    """Complete rows of at least two groups, weights being whole numbers."""
    rows = grouped_survival(
        data,
        time=time,
        event=event,
        by=by,
        entry=entry,
        weights=weights,
        others=strata_names(strata),
    )
    if rows.weights is not None:
        raise AnalysisError(
            Problem(
                f"log-rank test, column '{weights}'",
                "weights are not whole numbers; the test's variance is not defined for them",
                "Whole numbers, each row counting as so many patients.",
                "Use the robust test of cox(..., weights=..., robust=True) with the groups as "
                "its only term.",
            )
        )
    require_groups(rows, f"log-rank test by '{by_column(by)}'")
    return rows


def _test(
    rows: GroupedSurvival,
    event: str,
    by: By,
    strata: tuple[str, ...],
    weights: str | None,
    rho: float,
    gamma: float,
    trend: Trend | None,
) -> LogRank:
    """The test of prepared rows."""
    cells = risk_sets(
        rows.time,
        rows.event,
        rows.codes,
        len(rows.levels),
        strata=stratum_codes(rows.frame, strata).codes if strata else None,
        entry=rows.entry,
        weights=rows.counts,
    )
    sums = score_sums(cells, rho, gamma)
    scores = None if trend is None else _scores(trend, rows.levels)
    if scores is None:
        statistic, df = chi_square(sums)
    else:
        statistic, df = trend_chi_square(sums, np.asarray(scores))
    n, n_event = rows.per_group(), rows.per_group(rows.event)
    meeting = _Meeting(*beside(cells, rho, gamma), compared(sums))
    return LogRank(
        statistic=statistic if df else None,
        df=df,
        p_value=float(chdtrc(df, statistic)) if df else None,
        groups=rows.levels,
        n=n,
        observed=tuple(float(value) for value in sums.observed),
        expected=tuple(float(value) for value in sums.expected),
        variance=frozen(sums.variance),
        by=str(by_column(by)),
        strata=strata,
        kind=_kind(rho, gamma, trend),
        rho=rho,
        gamma=gamma,
        scores=scores,
        n_event=n_event,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        reason=None if df else _no_test(n_event, meeting),
        findings=(
            *small_group_findings(event, rows.levels, n, n_event),
            *_never_compared(str(by_column(by)), rows.levels, n, n_event, meeting),
            *zero_weight_findings(weights, rows.n_zero),
        ),
    )


def _only(rows: GroupedSurvival, pair: tuple[int, int]) -> GroupedSurvival:
    """The rows of two groups."""
    kept = np.isin(rows.codes, pair)
    return replace(
        rows,
        frame=rows.frame[kept].reset_index(drop=True),
        time=rows.time[kept],
        event=rows.event[kept],
        entry=None if rows.entry is None else rows.entry[kept],
        codes=np.searchsorted(pair, rows.codes[kept]).astype(np.intp),
        levels=tuple(rows.levels[g] for g in pair),
        counts=None if rows.counts is None else rows.counts[kept],
    )


def _adjusted(p_values: Sequence[float | None], adjust: str) -> tuple[float | None, ...]:
    """P-values adjusted for the number of those that exist."""
    known = [i for i, p in enumerate(p_values) if p is not None]
    if adjust == "none" or not known:
        return tuple(p_values)
    from statsmodels.stats.multitest import multipletests

    result = list(p_values)
    adjusted = multipletests([p_values[i] for i in known], method=ADJUSTMENTS[adjust])[1]
    for i, p in zip(known, adjusted, strict=True):
        result[i] = float(p)
    return tuple(result)


def _scores(trend: Trend, levels: tuple[str, ...]) -> tuple[float, ...]:
    """One score a group."""
    if isinstance(trend, str):
        if trend != "linear":
            raise ValueError(f"trend is 'linear' or one score a group, not {trend!r}")
        return tuple(float(i) for i in range(len(levels)))
    scores = tuple(float(score) for score in trend)
    if len(scores) != len(levels) or len(set(scores)) < 2 or not np.isfinite(scores).all():
        raise AnalysisError(
            Problem(
                "log-rank test for trend",
                f"scores {listed(f'{s:g}' for s in scores)} for the groups {listed(levels)}",
                "One finite score for each group present, not all equal.",
            )
        )
    return scores


def _require_weights(rho: float, gamma: float) -> None:
    if not (rho >= 0 and gamma >= 0):
        raise ValueError(f"rho and gamma are at least 0, not {rho} and {gamma}")


def _kind(rho: float, gamma: float, trend: Trend | None) -> str:
    if trend is not None:
        return "trend"
    return f"Fleming-Harrington ({rho:g}, {gamma:g})" if rho or gamma else "log-rank"


class _Meeting(NamedTuple):
    """By group: at risk beside another at an event, at one of weight above 0, with variance."""

    at_risk: npt.NDArray[np.bool_]
    weighted: npt.NDArray[np.bool_]
    compared: npt.NDArray[np.bool_]


def _no_test(n_event: tuple[int, ...], meeting: _Meeting) -> str:
    """Why there is no test."""
    if sum(n_event) == 0:
        return "no event in any group"
    if not meeting.at_risk.any():
        return "at no event are patients of different groups at risk"
    if not meeting.weighted.any():
        return "patients of different groups are at risk together only at events of weight 0"
    if not meeting.compared.any():
        return (
            "wherever patients of different groups are at risk together at an event, all at risk "
            "have the event at once: the variance is 0"
        )
    return "the scores do not differ between the groups at risk together"


def _never_compared(
    by: str,
    levels: tuple[str, ...],
    n: tuple[int, ...],
    n_event: tuple[int, ...],
    meeting: _Meeting,
) -> tuple[Finding, ...]:
    """A warning for each group that no event compares with another."""
    if sum(n_event) == 0:
        return ()
    found = []
    for g, (level, patients) in enumerate(zip(levels, n, strict=True)):
        if meeting.compared[g]:
            continue
        rule, why = "no_variance", "At risk beside another group only at events of weight 0"
        if not meeting.at_risk[g]:
            rule, why = "never_at_risk", "Never at risk beside another group when an event happened"
        elif meeting.weighted[g]:
            why = "At risk beside another group only at events that nobody at risk survived"
        advice = f"{why}: the test says nothing of it."
        found.append(Finding("warning", SOURCE, by, level, rule, patients, advice))
    return tuple(found)
