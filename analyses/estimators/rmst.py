"""Restricted mean survival time: area under each group's curve, differences and ratios."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtri

from analyses.estimators.grouped_survival import (
    SOURCE,
    GroupedSurvival,
    early_zero_findings,
    grouped_survival,
    late_start_findings,
    require_groups,
    require_level,
    small_group_findings,
    zero_weight_findings,
)
from analyses.estimators.rmst_areas import Area, Part, areas_of, combined, parts_of
from analyses.estimators.rmst_tau import Tau, tau_of
from analyses.estimators.strata import Strata, strata_names
from analyses.estimators.survival_data import By, by_column
from analyses.results.contrast import NO_ERROR, Contrast, contrast
from analyses.results.rmst import RMST, RestrictedMean
from cohort.table import Finding

NO_VARIANCE = "the mean of a group has no variance: no event up to tau, or all at one time"
NO_LOGARITHM = "the mean of a group is 0: a ratio is not defined"


def rmst(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    tau: float | None = None,
    reference: str | None = None,
    entry: str | None = None,
    strata: Strata | None = None,
    weights: str | None = None,
    conf_level: float = 0.95,
) -> RMST:
    """The mean time that patients live free of the event up to tau, by group, and how it differs.

    Parameters
    ----------
    data, time, event, by, entry
        As in `kaplan_meier`; at risk are those with entry < time <= exit.
    tau
        The end of the time looked at, in the unit of `time`. Where not given, the smallest of
        the groups' last times, which is a finding: it should be chosen before the data are seen.
    reference
        The group that the others are compared with; where not given, the first.
    strata
        Each group's mean is that of the strata, weighted by the strata's shares of all patients
        together, so that groups are compared at one composition; the shares count as known.
    weights
        Whole numbers count as so many patients. With others the variance is the infinitesimal
        jackknife, the weights counting as known.

    Returns
    -------
    RMST
        Rows with a missing value are left out and counted; what is not defined is None with its
        reason: a test where no event happened up to tau, a ratio to a mean of 0.

    Raises
    ------
    AnalysisError
        As `kaplan_meier`; for one group; for an unknown reference; for a tau past the follow-up
        of a group, naming the largest that is allowed; for a stratum that lacks a group.

    Notes
    -----
    Variance by Greenwood's sum over the area that is left; ratios by their logarithm. Royston and
    Parmar (2013); Uno et al. (2014). Checked against ``print.survfit``, ``residuals.survfit``
    (weights) and the formulas of ``survRM2``: tests/analyses/test_rmst.py.
    """
    where = f"restricted mean by '{by_column(by)}'"
    names = strata_names(strata)
    rows = grouped_survival(
        data, time=time, event=event, by=by, entry=entry, weights=weights, others=names
    )
    require_groups(rows, where)
    base = require_level(rows, where, reference)
    return _compared(
        rows, str(by_column(by)), base, names, (time, event, entry, weights), tau, conf_level
    )


def _compared(
    rows: GroupedSurvival,
    by: str,
    base: int,
    strata: tuple[str, ...],
    columns: tuple[str, str, str | None, str | None],
    tau: float | None,
    conf_level: float,
) -> RMST:
    """The means of prepared rows, every other group against the one at place `base`."""
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {conf_level}")
    parts = parts_of(rows, strata)
    end = tau_of(tau, rows.levels, parts, columns[0])
    areas = combined([areas_of(part, end.value) for part in parts], [p.share for p in parts])
    n, total = rows.per_group(), rows.per_group(rows.event)
    n_event = rows.per_group(rows.event & (rows.time <= end.value))
    means = tuple(
        _mean(level, (n[g], n_event[g], total[g]), areas[g], conf_level)
        for g, level in enumerate(rows.levels)
    )
    statistic, df = _homogeneity(areas, end.value)
    return RMST(
        groups=means,
        differences=_contrasts("rmst_difference", means, base, end.value, conf_level),
        log_ratios=_contrasts("log_rmst_ratio", means, base, end.value, conf_level),
        tau=end.value,
        tau_from=end.source,
        tau_largest=end.largest,
        statistic=statistic,
        df=df,
        p_value=None if statistic is None else float(chdtrc(df, statistic)),
        reason=NO_VARIANCE if statistic is None else None,
        by=by,
        reference=means[base].group,
        conf_level=conf_level,
        variance="Greenwood" if rows.weights is None else "infinitesimal jackknife",
        strata=strata,
        shares=tuple((part.label, part.share) for part in parts) if strata else (),
        n=sum(n),
        n_event=sum(total),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=(*_chosen(columns[0], end, sum(n)), *_of_rows(rows, parts, *columns[1:])),
        weighting=rows.weighting(columns[3]),
    )


def _of_rows(
    rows: GroupedSurvival, parts: list[Part], event: str, entry: str | None, weights: str | None
) -> tuple[Finding, ...]:
    """What the curves of the same patients warn of, in the same words."""
    return (
        *small_group_findings(event, rows.levels, rows.per_group(), rows.per_group(rows.event)),
        *zero_weight_findings(weights, rows.n_zero),
        *early_zero_findings(entry, (curve for part in parts for curve in part.curves())),
        *late_start_findings(entry, (start for part in parts for start in part.starts())),
    )


def _chosen(time: str, end: Tau, n: int) -> tuple[Finding, ...]:
    """A warning where tau was not fixed beforehand."""
    if end.source == "given":
        return ()
    advice = (
        f"Tau was taken from the data: {end.value:g}, the last time of {end.whose}. A mean up to "
        "another time may say something else; state tau beforehand."
    )
    return (Finding("warning", SOURCE, time, f"{end.value:g}", "tau_from_data", n, advice),)


def _mean(
    level: str, counts: tuple[int, int, int], area: Area, conf_level: float
) -> RestrictedMean:
    """One group's mean with its limits."""
    error = float(np.sqrt(area.variance))
    reach = float(ndtri((1 + conf_level) / 2)) * error
    known = error > 0
    return RestrictedMean(
        group=level,
        n=counts[0],
        n_event=counts[1],
        n_event_total=counts[2],
        estimate=area.mean,
        std_error=error,
        conf_low=area.mean - reach if known else None,
        conf_high=area.mean + reach if known else None,
        time=area.time,
        survival=area.survival,
    )


def _contrasts(
    quantity: str, means: tuple[RestrictedMean, ...], base: int, tau: float, conf_level: float
) -> tuple[Contrast, ...]:
    """Every other group against the reference, on the scale of the quantity."""
    reference = means[base]
    made = []
    for mean in means:
        if mean is reference:
            continue
        estimate = mean.estimate - reference.estimate
        errors, largest = (mean.std_error, reference.std_error), tau
        if quantity == "log_rmst_ratio":
            estimate, errors = _log_ratio(mean, reference)
            largest = 1.0
        made.append(
            contrast(
                quantity,
                (mean.group, reference.group),
                time=tau,
                counts=(mean.n + reference.n, mean.n_event + reference.n_event),
                estimate=estimate,
                errors=errors,
                conf_level=conf_level,
                reason=NO_LOGARITHM,
                largest=largest,
            )
        )
    return tuple(made)


def _log_ratio(
    mean: RestrictedMean, reference: RestrictedMean
) -> tuple[float, tuple[float, float]]:
    """The logarithm of the ratio of two means and the errors of both; NaN where a mean is 0."""
    if mean.estimate <= 0 or reference.estimate <= 0:
        return np.nan, (np.nan, np.nan)
    errors = (mean.std_error / mean.estimate, reference.std_error / reference.estimate)
    return float(np.log(mean.estimate / reference.estimate)), errors


def _homogeneity(areas: list[Area], tau: float) -> tuple[float | None, int]:
    """The test that independent means are equal: squares about their weighted mean."""
    variance = np.array([area.variance for area in areas])
    df = len(areas) - 1
    if not (np.sqrt(variance) > NO_ERROR * tau).all():
        return None, df
    means = np.array([area.mean for area in areas])
    centre = (means / variance).sum() / (1 / variance).sum()
    return float(((means - centre) ** 2 / variance).sum()), df
