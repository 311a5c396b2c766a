"""Restricted means by lifelines, or the area under the curve of statsmodels, variance by sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.records import Record
from analyses.verification.curves import curve_of, independent, normal
from analyses.verification.patients import (
    Patients,
    at_each,
    before_each,
    counts,
    levels,
    patients,
    strata,
    words,
)
from analyses.verification.programs import COUNTS, lifelines, statsmodels
from analyses.verification.rank_tests import chance
from analyses.verification.second import Second

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.specs.rmst import RmstSpec
    from cohort.table import TimeUnit

KIND = "rmst"


@dataclass(frozen=True, slots=True)
class _Mean:
    """One group's mean up to tau, its variance, and its patients and events up to tau."""

    group: str
    mean: float
    variance: float
    n: int
    n_event: int


def recomputed(spec: RmstSpec, frame: pd.DataFrame, unit: TimeUnit) -> Iterator[Second]:
    """Tau, the mean of each group, differences, ratios and the test that all are equal."""
    rows = patients(frame, spec.endpoint, [spec.by, *spec.strata])
    yield from counts(spec.id, KIND, rows)
    named, groups = words(rows.frame[spec.by]), levels(rows.frame[spec.by])
    if len(groups) < 2:
        return
    parts = strata(rows, spec.strata)
    tau = _tau(rows, named, parts) if spec.tau is None else spec.tau.to_duration().within(unit)
    source = "data" if spec.tau is None else "given"
    record = Record(spec.id, KIND, "rmst_tau", level=source, estimate=tau, unit=unit)
    yield Second(record, COUNTS)
    shares = [len(part) / rows.n for part in parts]
    for part, share in zip(parts, shares, strict=True) if spec.strata else ():
        label = _label(spec, rows, part)
        yield Second(Record(spec.id, KIND, "stratum_share", level=label, estimate=share), COUNTS)
    means = [_mean(rows, named, group, parts, shares, tau) for group in groups]
    program = _program(rows)
    for mean in means:
        values = normal(mean.mean, mean.variance**0.5, spec.conf_level)
        kept = {k: v for k, v in values.items() if k in ("std_error", "conf_low", "conf_high")}
        kept |= {"estimate": mean.mean, "n": mean.n, "n_event": mean.n_event}
        record = Record(spec.id, KIND, "rmst", group=mean.group, time=tau)
        yield Second(_with(record, kept), program)
    for each in (*_contrasts(spec, means, tau), _test(spec, rows, means, tau)):
        yield Second(each, program)


def _program(rows: Patients) -> str:
    library = "area under SurvfuncRight" if rows.is_late else "restricted_mean_survival_time"
    named = statsmodels(library) if rows.is_late else lifelines(library)
    return f"{named}; variance by sums written for this check"


def _tau(rows: Patients, named: Any, parts: Sequence[Any]) -> float:
    """The smallest last time of any group in any stratum."""
    return min(
        float(rows.time[part][(named.to_numpy()[part] == group)].max())
        for part in parts
        for group in named.unique()
    )


def _label(spec: RmstSpec, rows: Patients, part: Any) -> str:
    first = rows.frame.iloc[part[0]]
    return ", ".join(f"{name} {first[name]}" for name in spec.strata)


def _mean(
    rows: Patients,
    named: Any,
    group: str,
    parts: Sequence[Any],
    shares: Sequence[float],
    tau: float,
) -> _Mean:
    """The mean of a group over the strata, as if it had their shares."""
    own = (named == group).to_numpy()
    found = [_area(rows.only(part[own[part]]), tau) for part in parts]
    mean = sum(share * area for (area, _), share in zip(found, shares, strict=True))
    variance = sum(share**2 * v for (_, v), share in zip(found, shares, strict=True))
    n_event = int((rows.event & own & (rows.time <= tau)).sum())
    return _Mean(group, float(mean), float(variance), int(own.sum()), n_event)


def _area(rows: Patients, tau: float) -> tuple[float, float]:
    """The area under the curve of some patients up to tau, and its variance.

    Klein and Moeschberger (2003), (4.5.2): squared areas beyond each event time, by Greenwood's
    terms; the term where everybody at risk has the event is left out.
    """
    curve = curve_of(rows, rows.event)
    at, survival = curve.time[curve.time < tau], curve.survival[curve.time < tau]
    ends = np.append(at, tau)
    pieces = np.diff(ends, prepend=0.0) * np.append(1.0, survival)
    area = float(pieces.sum()) if rows.is_late else _by_lifelines(rows, tau)
    beyond = np.cumsum(pieces[::-1])[::-1][1:]
    d = at_each(rows.time[rows.event], at)
    n = before_each(rows.entry, at) - before_each(rows.time, at)
    left = n > d
    return area, float((beyond[left] ** 2 * d[left] / (n[left] * (n[left] - d[left]))).sum())


def _by_lifelines(rows: Patients, tau: float) -> float:
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    fitter = KaplanMeierFitter().fit(rows.time, rows.event)
    return float(restricted_mean_survival_time(fitter, tau))


def _contrasts(spec: RmstSpec, means: Sequence[_Mean], tau: float) -> Iterator[Record]:
    """Every other group less the reference, and divided by it, on both scales."""
    named = {mean.group: mean for mean in means}
    base = named[str(spec.reference)] if spec.reference is not None else means[0]
    for quantity in ("rmst_difference", "log_rmst_ratio"):
        for mean in means:
            if mean is base:
                continue
            place: dict[str, Any] = {"group": mean.group, "reference": base.group, "time": tau}
            place |= {"n": mean.n + base.n, "n_event": mean.n_event + base.n_event}
            if quantity == "rmst_difference":
                values = _compared(spec, mean.mean - base.mean, (mean.variance, base.variance), tau)
                yield _with(Record(spec.id, KIND, quantity, **place), values)
                continue
            yield from _ratios(spec, mean, base, place)


def _ratios(spec: RmstSpec, mean: _Mean, base: _Mean, place: dict[str, Any]) -> Iterator[Record]:
    if min(mean.mean, base.mean) <= 0:
        yield Record(spec.id, KIND, "log_rmst_ratio", **place)
        yield Record(spec.id, KIND, "rmst_ratio", **place)
        return
    variances = (mean.variance / mean.mean**2, base.variance / base.mean**2)
    values = _compared(spec, float(np.log(mean.mean / base.mean)), variances, 1.0)
    yield _with(Record(spec.id, KIND, "log_rmst_ratio", **place), values)
    ratio: dict[str, Any] = {
        k: float(np.exp(values[k])) for k in ("estimate", "conf_low", "conf_high") if k in values
    }
    if "p_value" in values:
        ratio["p_value"] = values["p_value"]
    yield _with(Record(spec.id, KIND, "rmst_ratio", **place), ratio)


def _compared(
    spec: RmstSpec, estimate: float, variances: tuple[float, float], largest: float
) -> dict[str, Any]:
    error, other = (variance**0.5 for variance in variances)
    return {"estimate": estimate} | independent(estimate, error, other, spec.conf_level, largest)


def _test(spec: RmstSpec, rows: Patients, means: Sequence[_Mean], tau: float) -> Record:
    """Squares of the means about their weighted mean."""
    mean = np.array([each.mean for each in means])
    variance = np.array([each.variance for each in means])
    df = len(means) - 1
    statistic = None
    if (variance > 0).all():
        weight = 1 / variance
        about = mean - np.average(mean, weights=weight)
        statistic = float((weight * about**2).sum())
    record = Record(spec.id, KIND, "rmst_test", term=spec.by, time=tau, n=rows.n)
    n_event = sum(each.n_event for each in means)
    return _with(record, {"n_event": n_event} | chance(statistic, df))


def _with(record: Record, values: dict[str, Any]) -> Record:
    return replace(record, **values)
