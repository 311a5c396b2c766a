"""Survival curves by statsmodels, with limits, medians and milestones from the textbook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.records import Record
from analyses.verification.patients import Patients, counts, levels, patients, words
from analyses.verification.programs import COUNTS, statsmodels
from analyses.verification.rank_tests import logrank_records
from analyses.verification.second import Second
from analyses.verification.step import Step, limits, quantile

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.specs.kaplan_meier import KaplanMeierSpec
    from cohort.table import TimeUnit

KIND = "kaplan_meier"
EVERYONE = "all"
ROUNDED = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """One group: its rows, the curve of the event and that of follow-up."""

    name: str
    rows: Patients
    curve: Step
    reverse: Step


def recomputed(spec: KaplanMeierSpec, frame: pd.DataFrame, unit: TimeUnit) -> Iterator[Second]:
    """Every record of survival curves: medians, follow-up, milestones, differences, their test."""
    rows = patients(frame, spec.endpoint, [spec.by] if spec.by else [])
    yield from counts(spec.id, KIND, rows)
    groups = _groups(spec, rows)
    times = () if spec.at is None else spec.at.within(unit)
    yield from _of_groups(spec, groups, times, None)
    if spec.differences:
        yield from _differences(spec, groups, times)
    for given in () if spec.given is None else spec.given.within(unit):
        later = _followed_past(rows, given)
        if not later.n:
            continue
        record = Record(spec.id, KIND, "followed_past", level=_level(given), n=later.n)
        yield Second(record, COUNTS)
        after = [time for time in times if time > given]
        yield from _of_groups(spec, _groups(spec, later), after, given)
    if spec.by is not None:
        yield from logrank_records(spec.id, rows, spec.by)


def _groups(spec: KaplanMeierSpec, rows: Patients) -> list[_Group]:
    if spec.by is None:
        return [_group(EVERYONE, rows)]
    named = words(rows.frame[spec.by])
    return [
        _group(level, rows.only((named == level).to_numpy()))
        for level in levels(rows.frame[spec.by])
    ]


def _group(name: str, rows: Patients) -> _Group:
    return _Group(name, rows, curve_of(rows, rows.event), curve_of(rows, ~rows.event))


def curve_of(rows: Patients, event: Any) -> Step:
    """The curve of the rows' time to an event: survival and its error at each event's time."""
    from statsmodels.duration.survfunc import SurvfuncRight

    last = float(rows.time.max())
    if not event.any():
        return Step(np.empty(0), np.empty(0), np.empty(0), last)
    entry = rows.entry if rows.is_late else None
    found = SurvfuncRight(rows.time, event.astype(int), entry=entry)
    # Once at 0 a curve stays there; the library lets it rise again by 1e-16 where others enter.
    survival = np.minimum.accumulate(found.surv_prob)
    return Step(
        found.surv_times, survival, np.where(survival > 0, found.surv_prob_se, np.nan), last
    )


def _followed_past(rows: Patients, given: float) -> Patients:
    """Those whose follow-up is longer than a time, seen from then on."""
    kept = rows.only(rows.time > given)
    entry = np.maximum(kept.entry, given)
    return Patients(kept.frame, kept.time, kept.event, entry, True, kept.n_input, kept.n_missing)


def _level(given: float | None) -> str | None:
    return None if given is None else f"given={given:.12g}"


def _of_groups(
    spec: KaplanMeierSpec, groups: list[_Group], times: Any, given: float | None
) -> Iterator[Second]:
    """Medians, follow-up, survival and numbers at risk of each group."""
    program = statsmodels("SurvfuncRight")
    for group in groups:
        n, n_event = group.rows.n, int(group.rows.event.sum())
        place: dict[str, Any] = {"group": group.name, "level": _level(given)}
        for name, curve in (("median", group.curve), ("median_follow_up", group.reverse)):
            values = _quantile(spec, curve, 0.5)
            record = Record(spec.id, KIND, name, **place, n=n, n_event=n_event, **values)
            yield Second(record, program)
        for share in spec.quantiles:
            if share != 0.5:
                level = ", ".join(filter(None, (f"{share:.12g}", _level(given))))
                values = {"group": group.name, "level": level, "n": n, "n_event": n_event}
                values |= _quantile(spec, group.curve, share)
                yield Second(Record(spec.id, KIND, "quantile", **values), program)
        for time in times:
            name = "survival" if given is None else "conditional_survival"
            values = _survival(spec, group, time)
            yield Second(Record(spec.id, KIND, name, **place, time=time, n=n, **values), program)
            seen = _seen(group.rows, time)
            yield Second(Record(spec.id, KIND, "at_risk", **place, time=time, n=n, **seen), COUNTS)


def _quantile(spec: KaplanMeierSpec, curve: Step, share: float) -> dict[str, Any]:
    """The time by which a share has had the event, with limits where the band comes so low."""
    low, high = limits(curve.survival, curve.error, spec.conf_level, spec.conf_type)
    sides = {"estimate": curve.survival, "conf_low": low, "conf_high": high}
    return {name: quantile(curve, side, share) for name, side in sides.items()}


def _survival(spec: KaplanMeierSpec, group: _Group, time: float) -> dict[str, Any]:
    """Survival at a time, the number then at risk, and the events up to it."""
    rows = group.rows
    seen: dict[str, Any] = {
        "n_risk": int(((rows.entry < time) & (time <= rows.time)).sum()),
        "n_event": int((rows.event & (rows.time <= time)).sum()),
    }
    survival, error = group.curve.at(time)
    if survival is None:
        return seen
    seen |= {"estimate": survival, "std_error": error}
    s, e = np.array([survival]), np.array([np.nan if error is None else error])
    low, high = limits(s, e, spec.conf_level, spec.conf_type)
    for name, (value,) in (("conf_low", low), ("conf_high", high)):
        seen[name] = float(value) if np.isfinite(value) else None
    return seen


def _seen(rows: Patients, time: float) -> dict[str, Any]:
    """Numbers under a figure: at risk at a time, events and censorings before it."""
    return {
        "n_risk": int(((rows.entry < time) & (time <= rows.time)).sum()),
        "n_event": int((rows.event & (rows.time < time)).sum()),
        "n_censor": int((~rows.event & (rows.time < time)).sum()),
    }


def _differences(spec: KaplanMeierSpec, groups: list[_Group], times: Any) -> Iterator[Second]:
    """Survival of each group less that of the reference."""
    named = {group.name: group for group in groups}
    base = groups[0] if spec.reference is None else named.get(str(spec.reference))
    if base is None:
        return  # the first program refuses the differences
    for time in times:
        for group in groups:
            if group is not base:
                yield _difference(spec, group, base, time)


def _difference(spec: KaplanMeierSpec, group: _Group, base: _Group, time: float) -> Second:
    pair = (group.rows, base.rows)
    values: dict[str, Any] = {
        "n": sum(rows.n for rows in pair),
        "n_event": sum(int((rows.event & (rows.time <= time)).sum()) for rows in pair),
    }
    (survival, error), (other, other_error) = group.curve.at(time), base.curve.at(time)
    if survival is not None and other is not None:
        values["estimate"] = survival - other
        values |= independent(survival - other, error, other_error, spec.conf_level)
    place: dict[str, Any] = {"group": group.name, "reference": base.name, "time": time}
    record = Record(spec.id, KIND, "survival_difference", **place, **values)
    return Second(record, statsmodels("SurvfuncRight"))


def independent(
    estimate: float, error: float | None, other: float | None, level: float, largest: float = 1.0
) -> dict[str, Any]:
    """What `normal` says of a difference; nothing where one side shows no spread of its own.

    An error of 0, or of no more than rounding beside the largest value, is none.
    """
    if error is None or other is None or min(error, other) <= ROUNDED * largest:
        return {}
    return normal(estimate, (error**2 + other**2) ** 0.5, level)


def normal(estimate: float, error: float, level: float) -> dict[str, Any]:
    """Standard error, statistic, p-value and limits of a normal estimate; no test without error."""
    from scipy.stats import norm

    if error == 0:
        return {"std_error": 0.0}
    z = NormalDist().inv_cdf((1 + level) / 2)
    return {
        "std_error": error,
        "statistic": estimate / error,
        "p_value": float(2 * norm.sf(abs(estimate / error))),
        "conf_low": estimate - z * error,
        "conf_high": estimate + z * error,
    }
