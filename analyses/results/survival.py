"""What Kaplan-Meier says: curves by group, medians, survival at times, numbers at risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from analyses.kernels.quantiles import curve_quantiles
from analyses.results.contrast import Contrast
from analyses.results.curve_records import curve_records
from analyses.results.frozen import Array, defined
from analyses.results.milestones import survival_contrasts
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

ConfType = Literal["log-log", "log", "plain", "logit", "arcsine"]
LIMITS_AT_ONE = ("log", "plain")  # the other transforms are not defined where the curve is 1
EMPTY = ("group", "reference", "time", "n", "n_event")  # of a table of no differences
EVERYONE = "all"  # the group's name where no `by` is given


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The share of one group still free of the event, at each time a patient leaves.

    Attributes
    ----------
    group
        The group's level, or ``all`` where there are no groups.
    n, n_event, n_censor
        Patients, events and censorings. Integer weights count as repeated patients; other
        weights leave these counts, `n_risk`, `events` and `censored` unweighted.
    time
        Distinct exit times, ascending; no row for time 0 unless a patient leaves then.
    n_risk, events, censored
        At each time: entry < time <= exit; events and censorings at that very time.
    survival, std_error, conf_low, conf_high
        Estimate just after each time; NaN stands for "not defined".
    weighted_n_risk, weighted_events
        What the estimate is made of; equal to the counts unless weights are not integers.
    entry_time, entered
        Distinct times of delayed entry and patients entering; empty without delayed entry.
    origin
        Where the curve starts at 1: time 0, or the time that all are known to have lived to.
    """

    group: str
    n: int
    n_event: int
    n_censor: int
    time: Array
    n_risk: Array
    events: Array
    censored: Array
    survival: Array
    std_error: Array
    conf_low: Array
    conf_high: Array
    weighted_n_risk: Array
    weighted_events: Array
    entry_time: Array
    entered: Array
    origin: float = 0.0

    @property
    def last_time(self) -> float:
        """The last time at which anybody of the group was seen."""
        return float(self.time[-1])

    def step(self, name: str, times: Array, start: float) -> Array:
        """The value of one of the curve's arrays in force at each time; `start` before the first.

        NaN past the last time, unless the curve has come down to zero, and before the origin.
        """
        place = np.searchsorted(self.time, times, side="right")
        values = np.concatenate([[start], getattr(self, name)])[place]
        ended = (times > self.last_time) & (self.survival[-1] > 0)
        result: Array = np.where(ended | (times < self.origin), np.nan, values)
        return result

    def before(self, name: str, times: Array) -> Array:
        """Sum of `events` or `censored` strictly before each time."""
        sums = np.concatenate([[0.0], np.cumsum(getattr(self, name))])
        result: Array = sums[np.searchsorted(self.time, times, side="left")]
        return result

    def up_to(self, name: str, times: Array) -> Array:
        """Sum of `events` or `censored` up to and including each time."""
        sums = np.concatenate([[0.0], np.cumsum(getattr(self, name))])
        result: Array = sums[np.searchsorted(self.time, times, side="right")]
        return result

    def at_risk(self, times: Array) -> Array:
        """Patients with entry < time <= exit; at the origin also those who enter there."""
        left = self.before("events", times) + self.before("censored", times)
        if len(self.entry_time) == 0:
            return self.n - left
        sums = np.concatenate([[0.0], np.cumsum(self.entered)])
        place = np.searchsorted(self.entry_time, times, side="left")
        at_origin = np.searchsorted(self.entry_time, self.origin, side="right")
        result: Array = sums[np.where(times <= self.origin, at_origin, place)] - left
        return result

    def quantiles(self, q: Array) -> tuple[Array, Array, Array]:
        """Times by which a share q has had the event, with limits; NaN where not reached."""
        curves = (self.survival, self.conf_low, self.conf_high)
        estimate, low, high = (curve_quantiles(self.time, 1 - curve, q) for curve in curves)
        return estimate, low, high


@dataclass(frozen=True, slots=True, eq=False)
class KaplanMeier:
    """Kaplan-Meier curves, one a group, with all that is read off them.

    Attributes
    ----------
    curves, reverse
        Curves of the event, and with event and censoring swapped (follow-up), in group order.
    by
        The column of the groups, or None.
    conf_level, conf_type
        Of the pointwise intervals.
    variance
        ``Greenwood``, or ``infinitesimal jackknife`` where weights are not integers.
    n, n_event, n_input, n_missing
        Patients used, events, rows given, and (column, rows without a value in it).
    given, n_gone
        Where not None, the curves are of those still followed after this time, given that they
        have lived to it; so many patients had left by then.
    findings
        What a reader must be warned of: groups with few or no events, unequal follow-up,
        curves flat at the median to their end, patients of weight 0.
    """

    curves: tuple[Curve, ...]
    reverse: tuple[Curve, ...]
    by: str | None
    conf_level: float
    conf_type: ConfType
    variance: str
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    given: float | None = None
    n_gone: int = 0

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups' levels in order."""
        return tuple(curve.group for curve in self.curves)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a group and distinct exit time, with counts, survival and limits."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {
                    "group": c.group,
                    "time": c.time,
                    "n_risk": c.n_risk,
                    "n_event": c.events,
                    "n_censor": c.censored,
                    "estimate": c.survival,
                    "std_error": c.std_error,
                    "conf_low": c.conf_low,
                    "conf_high": c.conf_high,
                }
            )
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True)

    @property
    def medians(self) -> pd.DataFrame:
        """Median time to the event by group, with limits; null where it is not reached."""
        return self.quantiles(0.5).drop(columns="probability")

    @property
    def follow_up(self) -> pd.DataFrame:
        """Median follow-up by group with limits, by reverse Kaplan-Meier; null where not reached.

        Event and censoring swapped (Schemper and Smith, 1996); `n_event` counts the events of
        the analysis itself.
        """
        table = _quantile_rows(self.reverse, (0.5,)).drop(columns="probability")
        table["n_event"] = [curve.n_event for curve in self.curves]
        return table

    def quantiles(self, q: float | Sequence[float]) -> pd.DataFrame:
        """Times by which a share `probability` of each group has had the event, with limits.

        Null where the curve, or the limit, does not come down so far. Where a curve is flat at
        the level, the middle of the flat stretch, as ``quantile.survfit``.
        """
        shares = (q,) if isinstance(q, int | float) else tuple(q)
        if not all(0 < share < 1 for share in shares):
            raise ValueError(f"a quantile lies between 0 and 1, not {shares}")
        return _quantile_rows(self.curves, shares)

    def at(self, times: Sequence[float]) -> pd.DataFrame:
        """Survival at each time by group, with numbers at risk and events up to and including it.

        Null past the group's last time, unless its curve has come down to zero, and before the
        origin.
        """
        import pandas as pd

        t = np.asarray(times, dtype=float)
        start = 1.0 if self.conf_type in LIMITS_AT_ONE else np.nan
        parts = [
            pd.DataFrame(
                {
                    "group": c.group,
                    "time": t,
                    "n_risk": _counts(c.at_risk(t), t < c.origin),
                    "n_event": _counts(c.up_to("events", t), t < c.origin),
                    "estimate": c.step("survival", t, 1.0),
                    "std_error": c.step("std_error", t, 0.0),
                    "conf_low": c.step("conf_low", t, start),
                    "conf_high": c.step("conf_high", t, start),
                }
            )
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True)

    def differences(self, times: Sequence[float], reference: str | None = None) -> pd.DataFrame:
        """Survival of each group less the reference's (the first group) at each time, with limits.

        The standard error is that of two independent curves, limits and p-value are normal on
        this scale. Null past the last time of a group, and where a curve has come down to 0; the
        estimate only where a group's own standard error is 0.
        """
        import pandas as pd

        found = self.contrasts(times, reference)
        numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        rows = [contrast.values() for contrast in found]
        table = pd.DataFrame(rows, columns=None if rows else ["quantity", *EMPTY, *numbers])
        return table.drop(columns="quantity").astype(dict.fromkeys(numbers, float))

    def contrasts(
        self, times: Sequence[float], reference: str | None = None
    ) -> tuple[Contrast, ...]:
        """The differences of `differences`, one object each, by time and group."""
        return survival_contrasts(self.curves, times, reference, self.conf_level)

    def risk_table(self, times: Sequence[float]) -> pd.DataFrame:
        """Numbers under a figure: at risk at each time, events and censorings before it.

        Events and censorings are counted strictly before the time, so that without delayed entry
        the three sum to the group's patients; at time 0 everyone is at risk (with delayed entry:
        everyone who enters at the origin). Null before the origin.
        """
        import pandas as pd

        t = np.asarray(times, dtype=float)
        parts = [
            pd.DataFrame(
                {
                    "group": c.group,
                    "time": t,
                    "n_risk": _counts(c.at_risk(t), t < c.origin),
                    "n_event": _counts(c.before("events", t), t < c.origin),
                    "n_censor": _counts(c.before("censored", t), t < c.origin),
                }
            )
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        names = (
            "by",
            "conf_level",
            "conf_type",
            "variance",
            "n",
            "n_event",
            "n_input",
            "given",
            "n_gone",
        )
        return {
            **{name: getattr(self, name) for name in names},
            "n_missing": dict(self.n_missing),
            "curves": [_plain_curve(curve) for curve in self.curves],
            "reverse": [_plain_curve(curve) for curve in self.reverse],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(
        self, analysis: str, unit: str | None = None, times: Sequence[float] = ()
    ) -> tuple[Record, ...]:
        """One record a number: medians and follow-up (in `unit`), survival and risk at `times`."""
        return checked(curve_records(self, analysis, unit, times))

    def plot(self, ax: Any = None) -> Any:
        """Curves with bands, medians and numbers at risk; returns the named artists."""
        from analyses.plots.kaplan_meier import plot_kaplan_meier

        return plot_kaplan_meier(self, ax=ax)

    def _repr_html_(self) -> str:
        """Medians and follow-up as a readable table in a notebook."""
        table = self.medians.rename(columns={"estimate": "median"})
        table["median_follow_up"] = self.follow_up["estimate"]
        for limit in ("conf_low", "conf_high"):
            undefined = table["median"].notna() & table[["conf_low", "conf_high"]].isna().all(
                axis=1
            )
            table[limit] = table[limit].astype(object).mask(undefined, "not defined")
        given = "" if self.given is None else f" given event-free at {self.given:.12g}"
        head = (
            f"<p><b>Kaplan-Meier</b>{given}, {self.n:,} patients, {self.n_event:,} events; "
            f"{100 * self.conf_level:g}&nbsp;% {self.conf_type} limits</p>"
        )
        return head + str(table.to_html(index=False, na_rep="not reached"))


def _quantile_rows(curves: tuple[Curve, ...], shares: tuple[float, ...]) -> pd.DataFrame:
    """One row a group and share: group, probability, n, n_event, estimate and limits."""
    import pandas as pd

    rows = []
    for curve in curves:
        found = curve.quantiles(np.asarray(shares, dtype=float))
        for share, estimate, low, high in zip(shares, *found, strict=True):
            rows.append(
                {
                    "group": curve.group,
                    "probability": share,
                    "n": curve.n,
                    "n_event": curve.n_event,
                    "estimate": float(estimate),
                    "conf_low": float(low),
                    "conf_high": float(high),
                }
            )
    return pd.DataFrame(rows)


def _counts(values: Array, undefined: npt.NDArray[np.bool_]) -> Any:
    """Counts of patients as integers; null where they are not defined."""
    import pandas as pd

    counts = np.rint(values).astype(np.int64)
    return pd.arrays.IntegerArray(counts, undefined) if undefined.any() else counts


def _plain_curve(curve: Curve) -> dict[str, Any]:
    """A curve as plain JSON types."""
    plain: dict[str, Any] = {}
    for field in fields(curve):
        value = getattr(curve, field.name)
        array = isinstance(value, np.ndarray)
        plain[field.name] = [defined(number) for number in value] if array else value
    return plain
