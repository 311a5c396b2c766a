"""What competing risks say: cumulative incidence of each event by group, and differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.frozen import Array, defined
from analyses.results.incidence_differences import CauseContrast, incidence_contrasts
from analyses.results.incidence_records import incidence_records
from analyses.results.records import Record, checked
from analyses.results.survival import ConfType
from analyses.results.weighting import Weighting, plain_weighting
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")
FREE = "event_free"
INCIDENCE = "cumulative_incidence"


@dataclass(frozen=True, slots=True, eq=False)
class IncidenceCurve:
    """The share of one group that has had each event, at each time a patient leaves.

    Attributes
    ----------
    group
        The group's level, or ``all`` where there are no groups.
    n, n_event
        Patients, and events by cause; integer weights count as repeated patients, other weights
        leave these, `n_risk`, `events` and `censored` unweighted.
    time
        Distinct exit times, ascending.
    n_risk, censored
        At each time: entry < time <= exit; censorings at that very time.
    events, incidence, std_error, conf_low, conf_high
        A row for each cause, a column for each time; NaN stands for "not defined".
    event_free, event_free_error, event_free_low, event_free_high
        The share that has had none of the events.
    entry_time, entered
        Distinct times of delayed entry and patients entering; empty without delayed entry.
    """

    group: str
    n: int
    n_event: tuple[int, ...]
    time: Array
    n_risk: Array
    events: Array
    censored: Array
    event_free: Array
    event_free_error: Array
    event_free_low: Array
    event_free_high: Array
    incidence: Array
    std_error: Array
    conf_low: Array
    conf_high: Array
    entry_time: Array
    entered: Array

    @property
    def last_time(self) -> float:
        """The last time at which anybody of the group was seen."""
        return float(self.time[-1])

    def in_force(self, values: Array, times: Array, start: float) -> Array:
        """The value of a row of the curve at each time; `start` before the first.

        NaN past the last time, unless everybody has had an event.
        """
        place = np.searchsorted(self.time, times, side="right")
        ended = (times > self.last_time) & (self.event_free[-1] > 0)
        result: Array = np.where(ended, np.nan, np.concatenate([[start], values])[place])
        return result

    def up_to(self, counts: Array, times: Array) -> Array:
        """Sum of a row of counts up to and including each time."""
        sums = np.concatenate([[0.0], np.cumsum(counts)])
        result: Array = sums[np.searchsorted(self.time, times, side="right")]
        return result

    def at_risk(self, times: Array) -> Array:
        """Patients with entry < time <= exit; at time 0 also those who enter there."""
        exits = self.events.sum(axis=0) + self.censored
        sums = np.concatenate([[0.0], np.cumsum(exits)])
        left = sums[np.searchsorted(self.time, times, side="left")]
        if len(self.entry_time) == 0:
            return np.asarray(self.n - left)
        entered = np.concatenate([[0.0], np.cumsum(self.entered)])
        place = np.searchsorted(self.entry_time, times, side="left")
        first = np.searchsorted(self.entry_time, 0.0, side="right")
        result: Array = entered[np.where(times <= 0, first, place)] - left
        return result


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeIncidence:
    """Aalen-Johansen curves of competing events, one set a group.

    Attributes
    ----------
    curves
        In group order.
    causes, censoring, state
        The events in their order, what the censoring is called, and the column of both.
    by
        The column of the groups, or None.
    conf_level, conf_type
        Of the pointwise intervals; standard errors are by the infinitesimal jackknife.
    n, n_input, n_missing
        Patients used, rows given, and (column, rows without a value in it).
    weighting
        The column of the weights and what they are; None where every patient counts 1.
    findings
        What a reader must be warned of: few or no events of a cause in a group, a curve that
        everybody left before others entered, patients of weight 0.
    """

    curves: tuple[IncidenceCurve, ...]
    causes: tuple[str, ...]
    censoring: str
    state: str
    by: str | None
    conf_level: float
    conf_type: ConfType
    n: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    weighting: Weighting | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups' levels in order."""
        return tuple(curve.group for curve in self.curves)

    @property
    def n_event(self) -> tuple[int, ...]:
        """Events by cause, all groups together."""
        every = (curve.n_event for curve in self.curves)
        return tuple(sum(counts) for counts in zip(*every, strict=True))

    @property
    def summary(self) -> pd.DataFrame:
        """One row a group, quantity and exit time: `event_free`, then the incidence by cause."""
        import pandas as pd

        parts = []
        for curve in self.curves:
            for quantity, level, values, events in _lines(self.causes, curve):
                part: dict[str, Any] = {"quantity": quantity, "group": curve.group}
                part |= {"level": level, "time": curve.time}
                part |= {"n_risk": curve.n_risk, "n_event": events}
                part |= {"n_censor": curve.censored}
                parts.append(pd.DataFrame(part | dict(zip(NUMBERS, values, strict=True))))
        return pd.concat(parts, ignore_index=True)

    def at(self, times: Sequence[float]) -> pd.DataFrame:
        """Shares at each time by group, with numbers at risk and events up to and including it.

        Null past the group's last time, unless everybody in it has had an event.
        """
        import pandas as pd

        t = np.asarray(times, dtype=float)
        parts = []
        for curve in self.curves:
            risk = np.rint(curve.at_risk(t)).astype(np.int64)
            for quantity, level, values, events in _lines(self.causes, curve):
                starts = _starts(quantity == FREE, self.conf_type)
                shown = [
                    curve.in_force(row, t, start) for row, start in zip(values, starts, strict=True)
                ]
                count = np.rint(curve.up_to(events, t)).astype(np.int64)
                part = {"quantity": quantity, "group": curve.group, "level": level, "time": t}
                part |= {"n_risk": risk, "n_event": count}
                parts.append(pd.DataFrame(part | dict(zip(NUMBERS, shown, strict=True))))
        return pd.concat(parts, ignore_index=True)

    def differences(self, times: Sequence[float], reference: str | None = None) -> pd.DataFrame:
        """Incidence of each group less the reference's (the first group) by time and cause.

        The standard error is that of two independent groups; limits and p-value are normal on
        this scale. Null past the last time of a group; the estimate only where a group's own
        standard error is 0.
        """
        import pandas as pd

        found = self.contrasts(times, reference)
        numbers = (*NUMBERS, "statistic", "p_value")
        rows = [{"level": one.cause} | one.contrast.values() for one in found]
        table = pd.DataFrame(rows, columns=None if rows else ["level", "quantity", *numbers])
        return table.drop(columns="quantity").astype(dict.fromkeys(numbers, float))

    def contrasts(
        self, times: Sequence[float], reference: str | None = None
    ) -> tuple[CauseContrast, ...]:
        """The differences of `differences`, one object each, by time, cause and group."""
        return incidence_contrasts(self, times, reference)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        plain = ("censoring", "state", "by", "conf_level", "conf_type", "n", "n_input")
        return {
            **{name: getattr(self, name) for name in plain},
            "causes": list(self.causes),
            "n_missing": dict(self.n_missing),
            "weighting": plain_weighting(self.weighting),
            "curves": [_plain_curve(curve) for curve in self.curves],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(
        self,
        analysis: str,
        unit: str | None = None,
        times: Sequence[float] = (),
        reference: str | None = None,
    ) -> tuple[Record, ...]:
        """One record a number: events by cause, shares and differences at `times`."""
        del unit
        return checked(incidence_records(self, analysis, times, reference))

    def plot(self, ax: Any = None) -> Any:
        """Incidence of each event by group; returns the named artists."""
        from analyses.plots.cumulative_incidence import plot_cumulative_incidence

        return plot_cumulative_incidence(self, ax=ax)

    def _repr_html_(self) -> str:
        """Patients, events and last incidence of each group as a readable table in a notebook."""
        import pandas as pd

        rows = [
            {"group": c.group, "event": cause, "n": c.n, "n_event": c.n_event[j]}
            | {"time": c.last_time, "incidence": float(c.incidence[j, -1])}
            for c in self.curves
            for j, cause in enumerate(self.causes)
        ]
        head = (
            f"<p><b>Cumulative incidence</b> of {escape(self.state)}, {self.n:,} patients; "
            f"{100 * self.conf_level:g}&nbsp;% {self.conf_type} limits"
            f"{'' if self.weighting is None else f', {escape(self.weighting.words)}'}</p>"
        )
        return head + str(pd.DataFrame(rows).to_html(index=False, na_rep=""))


def _lines(
    causes: tuple[str, ...], curve: IncidenceCurve
) -> list[tuple[str, str | None, tuple[Array, ...], Array]]:
    """(quantity, cause, estimate with error and limits, events) of each line of a curve."""
    free = (curve.event_free, curve.event_free_error, curve.event_free_low, curve.event_free_high)
    lines: list[tuple[str, str | None, tuple[Array, ...], Array]] = [
        (FREE, None, free, curve.events.sum(axis=0))
    ]
    ever = (curve.incidence, curve.std_error, curve.conf_low, curve.conf_high)
    for j, cause in enumerate(causes):
        lines.append((INCIDENCE, cause, tuple(rows[j] for rows in ever), curve.events[j]))
    return lines


def _starts(is_free: bool, conf_type: str) -> tuple[float, float, float, float]:
    """Estimate, error and limits before anybody has left; NaN where limits are not defined."""
    share = 1.0 if is_free else 0.0
    known = conf_type == "plain" or (conf_type == "log" and is_free)
    limit = share if known else np.nan
    return share, 0.0, limit, limit


def _plain_curve(curve: IncidenceCurve) -> dict[str, Any]:
    """A curve as plain JSON types."""
    plain: dict[str, Any] = {}
    for field in fields(curve):
        value = getattr(curve, field.name)
        if not isinstance(value, np.ndarray):
            plain[field.name] = list(value) if isinstance(value, tuple) else value
        elif value.ndim == 1:
            plain[field.name] = [defined(number) for number in value]
        else:
            plain[field.name] = [[defined(number) for number in row] for row in value]
    return plain
