"""Kaplan-Meier curves by group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from analyses.estimators.grouped_survival import (
    SOURCE,
    GroupedSurvival,
    early_zero_findings,
    grouped_survival,
    late_start_findings,
    small_group_findings,
    zero_weight_findings,
)
from analyses.estimators.survival_data import By, by_column
from analyses.estimators.survivors import gone_findings, survivors
from analyses.kernels import logrank as logrank_kernel
from analyses.kernels.intervals import survival_limits
from analyses.kernels.product_limit import Counts, count, jackknife_error, product_limit
from analyses.kernels.quantiles import flat_to_end
from analyses.results.curve import Curve
from analyses.results.frozen import Array, frozen
from analyses.results.survival import ConfType, KaplanMeier
from cohort.table import Finding

FOLLOW_UP_RATIO = 1.1  # median follow-up of groups further apart than this is said
FOLLOW_UP_P = 0.05
Entries = tuple[Array, Array, Array]


def kaplan_meier(
    data: Any,
    *,
    time: str,
    event: str,
    by: By | None = None,
    entry: str | None = None,
    weights: str | None = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    given: float | None = None,
) -> KaplanMeier:
    """The share of patients still free of the event over time, by group, with follow-up.

    Parameters
    ----------
    data, time, event
        One row a patient (anything Narwhals reads); columns of the time since the origin, in any
        one unit, and of whether the event happened then (boolean or 0/1). At risk are those with
        entry < time <= exit; a censoring at the time of an event is at risk; time 0 counts.
    by, entry
        Groups: an ordered categorical or ``{"name": ..., "levels": [...]}``; delayed entry.
    weights
        Whole numbers count as so many patients. With others the error is the infinitesimal
        jackknife, and numbers at risk stay unweighted.
    conf_level, conf_type
        Of the pointwise limits: ``log-log``, ``log``, ``plain``, ``logit`` or ``arcsine``.
    given
        A time: the curves are then of those followed past it, given that they lived to it.

    Returns
    -------
    KaplanMeier
        Rows with a missing value are left out and counted; what is not defined is null.

    Raises
    ------
    AnalysisError
        For wrong columns, entry at or after exit, groups without order, nobody past `given`.

    Notes
    -----
    Kaplan and Meier (1958); Greenwood; quantiles by the midpoint rule. Checked against
    ``survfit`` and ``quantile.survfit`` of R's survival 3.5: tests/analyses/test_kaplan_meier.py.
    """
    _require_interval(conf_level, conf_type)
    rows = grouped_survival(data, time=time, event=event, by=by, entry=entry, weights=weights)
    kept = rows if given is None else survivors(rows, given, time)
    findings = (
        *zero_weight_findings(weights, rows.n_zero),
        *gone_findings(rows, kept, time, given),
    )
    made = _result(kept, by_column(by), (time, event, entry), conf_level, conf_type, given or 0.0)
    return replace(
        made,
        findings=made.findings + findings,
        given=given,
        n_gone=sum(rows.per_group()) - made.n,
        weighting=kept.weighting(weights),
    )


def _result(
    rows: GroupedSurvival,
    by: str | None,
    columns: tuple[str, str, str | None],
    conf_level: float,
    conf_type: ConfType,
    origin: float,
) -> KaplanMeier:
    """Curves of prepared rows, and of their follow-up."""
    k = len(rows.levels)
    plain = count(rows.time, rows.event, rows.codes, k, entry=rows.entry, weights=rows.counts)
    used = plain
    if rows.weights is not None:
        used = count(rows.time, rows.event, rows.codes, k, entry=rows.entry, weights=rows.weights)
    curves = _curves(rows, plain, used, conf_level, conf_type, origin)
    reversed_rows = replace(rows, event=~rows.event)
    swapped = plain.swapped
    reverse = _curves(reversed_rows, swapped, used.swapped, conf_level, conf_type, origin)
    return KaplanMeier(
        curves=curves,
        reverse=reverse,
        by=by,
        conf_level=conf_level,
        conf_type=conf_type,
        variance="Greenwood" if rows.weights is None else "infinitesimal jackknife",
        n=sum(curve.n for curve in curves),
        n_event=sum(curve.n_event for curve in curves),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=_findings(rows, columns, curves, reverse, swapped),
    )


def _require_interval(conf_level: float, conf_type: str) -> None:
    if conf_type not in get_args(ConfType):
        raise ValueError(f"conf_type is one of {get_args(ConfType)}, not {conf_type!r}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {conf_level}")


def _findings(
    rows: GroupedSurvival,
    columns: tuple[str, str, str | None],
    curves: tuple[Curve, ...],
    reverse: tuple[Curve, ...],
    swapped: Counts,
) -> tuple[Finding, ...]:
    """What a reader of the curves must be warned of."""
    time, event, entry = columns
    sizes = [curve.n for curve in curves]
    return (
        *small_group_findings(event, rows.levels, sizes, [c.n_event for c in curves]),
        *_unequal_follow_up(swapped, time, reverse),
        *_flat_medians(event, curves),
        *early_zero_findings(entry, ((c.group, c.n, c.time, c.survival == 0) for c in curves)),
        *late_start_findings(
            entry,
            ((c.group, c.n, float(c.entry_time[0]), c.last_time) for c in curves),
            curves[0].origin,
        ),
    )


def _curves(
    rows: GroupedSurvival,
    plain: Counts,
    used: Counts,
    conf_level: float,
    conf_type: ConfType,
    origin: float,
) -> tuple[Curve, ...]:
    """A curve for each group from counts of patients and from what they weigh."""
    n_risk = plain.n_risk
    emptied = (plain.events > 0) & (plain.events == n_risk)
    weighted_risk = np.where(n_risk > 0, used.n_risk, 0.0)
    fit = product_limit(weighted_risk, used.events, emptied)
    error = fit.std_error
    if rows.weights is not None:
        error = jackknife_error(
            used,
            fit,
            time=rows.time,
            event=rows.event,
            codes=rows.codes,
            weights=rows.weights,
            entry=rows.entry,
        )
    arrays = {
        "n_risk": n_risk,
        "events": plain.events,
        "censored": plain.censored,
        "survival": fit.survival,
        "std_error": error,
        "weighted_n_risk": weighted_risk,
        "weighted_events": used.events,
        "weighted_censored": used.censored,
    }
    leaving = plain.exits > 0
    made = []
    for g, (level, entries) in enumerate(zip(rows.levels, _entries(rows), strict=True)):
        own = {"time": plain.time[leaving[g]]}
        own |= {name: values[g, leaving[g]] for name, values in arrays.items()}
        limits = survival_limits(own["survival"], own["std_error"], conf_level, conf_type)
        own |= dict(zip(("conf_low", "conf_high"), limits, strict=True))
        made.append(_curve((level, origin), own, entries))
    return tuple(made)


def _curve(
    named: tuple[str, float],
    arrays: dict[str, npt.NDArray[np.float64]],
    entries: Entries,
) -> Curve:
    """One group's curve from its origin, over its own exit times."""
    n_event, n_censor = int(arrays["events"].sum()), int(arrays["censored"].sum())
    return Curve(
        group=named[0],
        origin=named[1],
        n=n_event + n_censor,
        n_event=n_event,
        n_censor=n_censor,
        entry_time=frozen(entries[0]),
        entered=frozen(entries[1]),
        weighted_entered=frozen(entries[2]),
        **{name: frozen(values) for name, values in arrays.items()},
    )


def _entries(rows: GroupedSurvival) -> list[Entries]:
    """For each group the distinct times of delayed entry, the patients entering, their weights."""
    none = np.empty(0)
    if rows.entry is None:
        return [(none, none, none)] * len(rows.levels)
    found = []
    for g in range(len(rows.levels)):
        own = rows.codes == g
        times, place = np.unique(rows.entry[own], return_inverse=True)
        counts = None if rows.counts is None else rows.counts[own]
        weights = counts if rows.weights is None else rows.weights[own]
        found.append((times, _summed(place, counts), _summed(place, weights)))
    return found


def _summed(place: npt.NDArray[np.intp], weights: Array | None) -> Array:
    return np.bincount(place, weights).astype(np.float64)


def _unequal_follow_up(
    swapped: Counts, time: str, reverse: tuple[Curve, ...]
) -> tuple[Finding, ...]:
    """A warning where the groups were not followed alike."""
    if len(reverse) < 2:
        return ()
    medians = [float(curve.quantiles(np.array([0.5]))[0][0]) for curve in reverse]
    known = [median for median in medians if np.isfinite(median)]
    apart = len(known) > 1 and max(known) > FOLLOW_UP_RATIO * min(known)
    cells = logrank_kernel.unstratified(swapped)
    statistic, df = logrank_kernel.chi_square(logrank_kernel.score_sums(cells))
    differ = df > 0 and float(chdtrc(df, statistic)) < FOLLOW_UP_P
    if not (apart or differ):
        return ()
    whys = [
        *(["medians more than 10 % apart"] if apart else []),
        *(["censoring differs by the log-rank test"] if differ else []),
    ]
    advice = (
        f"Follow-up differs between the groups (reverse Kaplan-Meier: {' and '.join(whys)}); late "
        "differences rest on the groups that were followed longer."
    )
    n = sum(curve.n for curve in reverse)
    return (Finding("warning", SOURCE, time, "", "unequal_follow_up", n, advice),)


def _flat_medians(event: str, curves: tuple[Curve, ...]) -> tuple[Finding, ...]:
    """A warning for each curve that stays at one half until its last time."""
    found = []
    for curve in curves:
        since = flat_to_end(curve.time, curve.survival)
        if since is not None:
            advice = (
                f"The curve is flat at one half from {since:g} to its end at "
                f"{curve.last_time:g}; the median given is the middle of this stretch."
            )
            found.append(
                Finding("warning", SOURCE, event, curve.group, "flat_median", curve.n, advice)
            )
    return tuple(found)
