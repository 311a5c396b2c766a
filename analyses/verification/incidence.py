"""Cumulative incidence by statsmodels; with delayed entry by plain sums, its error by nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.records import Record
from analyses.verification.curves import EVERYONE, curve_of, independent
from analyses.verification.patients import (
    Patients,
    at_each,
    before_each,
    counts,
    levels,
    patients,
    words,
)
from analyses.verification.programs import COUNTS, SUMS, statsmodels
from analyses.verification.second import Second
from analyses.verification.step import Step, limits

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.frozen import Array
    from cohort.table import TimeUnit

KIND = "cumulative_incidence"
LATE = "no library has the error of cumulative incidence with delayed entry"
ENDED = "no library has the error of cumulative incidence once everybody has had an event"
SPREAD = ("std_error", "statistic", "p_value", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """One group: its rows, the event of each row (0 is censoring), and its curves.

    `free` is the curve of having had no event, `ever` those of each event.
    """

    name: str
    rows: Patients
    code: Any
    free: Step
    ever: tuple[Step, ...]

    def n_event(self, cause: int | None, time: float) -> int:
        """Events of one kind, or of all, up to a time."""
        which = self.code > 0 if cause is None else self.code == cause + 1
        return int((which & (self.rows.time <= time)).sum())


def recomputed(spec: Any, frame: pd.DataFrame, unit: TimeUnit) -> Iterator[Second]:
    """Events, shares at the times and their differences, by group and event."""
    state = f"{spec.endpoint}_state"
    rows = patients(frame, spec.endpoint, [spec.by] if spec.by else [], "state")
    yield from counts(spec.id, KIND, rows)
    causes = [str(level) for level in frame[state].cat.categories[1:]]
    groups = _groups(spec, rows, state, causes)
    for group in groups:
        for k, cause in enumerate(causes):
            n_event = int((group.code == k + 1).sum())
            record = Record(spec.id, KIND, "events", group=group.name, level=cause)
            yield Second(replace(record, n=group.rows.n, n_event=n_event), COUNTS)
    times = () if spec.at is None else spec.at.within(unit)
    for group in groups:
        for time in times:
            yield from _shares(spec, group, causes, time)
    if len(groups) > 1:
        yield from _differences(spec, groups, causes, times)


def _groups(spec: Any, rows: Patients, state: str, causes: Sequence[str]) -> list[_Group]:
    code = np.zeros(rows.n, dtype=int)
    named = words(rows.frame[state])
    for k, cause in enumerate(causes):
        code[(named == cause).to_numpy()] = k + 1
    if spec.by is None:
        return [_group(EVERYONE, rows, code, len(causes))]
    by = words(rows.frame[spec.by])
    found = []
    for level in levels(rows.frame[spec.by]):
        own = (by == level).to_numpy()
        found.append(_group(level, rows.only(own), code[own], len(causes)))
    return found


def _group(name: str, rows: Patients, code: Any, n_causes: int) -> _Group:
    free = curve_of(rows, code > 0)
    if rows.is_late or not (code > 0).any():
        ever = tuple(_by_sums(rows, code, k + 1, free) for k in range(n_causes))
        return _Group(name, rows, code, free, ever)
    from statsmodels.duration.survfunc import CumIncidenceRight

    found = CumIncidenceRight(rows.time, code)
    known: list[Step] = []
    for k in range(n_causes):
        # The library knows of causes up to the last that it has seen.
        seen = k < len(found.cinc)
        share = found.cinc[k] if seen else np.zeros(len(found.times))
        error = found.cinc_se[k] if seen else np.zeros(len(found.times))
        known.append(Step(found.times, share, error, free.last))
    return _Group(name, rows, code, free, tuple(known))


def _by_sums(rows: Patients, code: Any, cause: int, free: Step) -> Step:
    """The sum of the share free of events just before each event's time times its hazard."""
    at = np.unique(rows.time[code > 0])
    d = at_each(rows.time[code == cause], at)
    n = before_each(rows.entry, at) - before_each(rows.time, at)
    before = np.concatenate([[1.0], free.survival[:-1]])[: len(at)]
    return Step(at, np.cumsum(before * d / n), np.full(len(at), np.nan), free.last)


def _shares(spec: Any, group: _Group, causes: Sequence[str], time: float) -> Iterator[Second]:
    """The share without any event, and that with each, at a time."""
    rows = group.rows
    at_risk = int(((rows.entry < time) & (time <= rows.time)).sum())
    size: dict[str, Any] = {"n": rows.n, "n_risk": at_risk}
    found: list[tuple[int | None, str, tuple[float | None, float | None]]]
    found = [(None, "event_free", group.free.at(time))]
    found += [(k, KIND, _at(group, k, time)) for k in range(len(causes))]
    for k, quantity, (share, error) in found:
        level = None if k is None else causes[k]
        record = Record(spec.id, KIND, quantity, group=group.name, level=level, time=time)
        values: dict[str, Any] = (
            size | {"n_event": group.n_event(k, time)} | _limited(spec, share, error)
        )
        yield _second(replace(record, **values), [group], share, error)


def _second(
    record: Record, groups: Sequence[_Group], share: float | None, error: float | None
) -> Second:
    """A share or a difference; its error only where the library has the same one."""
    late = any(group.rows.is_late for group in groups)
    program = SUMS if late else statsmodels("CumIncidenceRight")
    if late or (share is not None and error is None):
        nothing: dict[str, Any] = dict.fromkeys(SPREAD)
        bare = replace(record, **nothing)
        return Second(bare, program, without=SPREAD, why=LATE if late else ENDED)
    return Second(record, program)


def _at(group: _Group, cause: int, time: float) -> tuple[float | None, float | None]:
    """The share with an event at a time and its error; None where nobody is followed so far."""
    if group.free.at(time)[0] is None:
        return None, None
    curve = group.ever[cause]
    place = int((curve.time <= time).sum()) - 1
    if place < 0:
        return 0.0, 0.0
    error = float(curve.error[place])
    return float(curve.survival[place]), error if np.isfinite(error) else None


def _limited(spec: Any, share: float | None, error: float | None) -> dict[str, Any]:
    """A share with its error and limits, made by the transform of the share itself."""
    if share is None:
        return {}
    at, e = np.array([share]), np.array([np.nan if error is None else error])
    low, high = (_number(x) for x in limits(at, e, spec.conf_level, spec.conf_type))
    found: dict[str, Any] = {"estimate": share, "std_error": error}
    return found | {"conf_low": low, "conf_high": high}


def _number(values: Array) -> float | None:
    return float(values[0]) if np.isfinite(values[0]) else None


def _differences(
    spec: Any, groups: Sequence[_Group], causes: Sequence[str], times: Sequence[float]
) -> Iterator[Second]:
    """Incidence of each group less that of the first, or of the reference."""
    named = {group.name: group for group in groups}
    reference = getattr(spec, "reference", None)
    if reference is not None and str(reference) not in named:
        return  # nobody is in it: there are no differences to recompute
    base = groups[0] if reference is None else named[str(reference)]
    for time in times:
        for k, cause in enumerate(causes):
            for group in groups:
                if group is not base:
                    yield _difference(spec, (group, base), (k, cause), time)


def _difference(
    spec: Any, pair: tuple[_Group, _Group], cause: tuple[int, str], time: float
) -> Second:
    values: dict[str, Any] = {
        "n": sum(group.rows.n for group in pair),
        "n_event": sum(group.n_event(cause[0], time) for group in pair),
    }
    (share, error), (other, other_error) = (_at(group, cause[0], time) for group in pair)
    if share is not None and other is not None:
        values["estimate"] = share - other
        values |= independent(share - other, error, other_error, spec.conf_level)
    place: dict[str, Any] = {"group": pair[0].name, "reference": pair[1].name, "time": time}
    record = Record(spec.id, KIND, f"{KIND}_difference", level=cause[1], **place)
    known = None if error is None or other_error is None else max(error, other_error)
    return _second(replace(record, **values), pair, values.get("estimate"), known)
