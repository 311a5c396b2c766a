"""One group's survival curve: estimate, limits, and who is under observation."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from analyses.kernels.quantiles import curve_quantiles
from analyses.results.frozen import Array

Counting = Literal["patients", "weights"]
ROUNDING = 1e-12
_PREFIX = MappingProxyType({"patients": "", "weights": "weighted_"})


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
    weighted_n_risk, weighted_events, weighted_censored
        What the estimate is made of; equal to the counts unless weights are not integers.
    entry_time, entered, weighted_entered
        Distinct times of delayed entry, patients entering and their weights; empty without delayed
        entry.
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
    weighted_censored: Array
    entry_time: Array
    entered: Array
    weighted_entered: Array
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

    def at_risk(self, times: Array, counting: Counting = "patients") -> Array:
        """Patients (or their weights) with entry < time <= exit; at the origin also who enters."""
        prefix = _PREFIX[counting]
        events, censored = f"{prefix}events", f"{prefix}censored"
        gone = self.before(events, times) + self.before(censored, times)
        whole = float(getattr(self, events).sum() + getattr(self, censored).sum())
        come: Array = np.asarray(whole)
        if len(self.entry_time):
            sums = np.concatenate([[0.0], np.cumsum(getattr(self, f"{prefix}entered"))])
            place = np.searchsorted(self.entry_time, times, side="left")
            at_origin = np.searchsorted(self.entry_time, self.origin, side="right")
            come = sums[np.where(times <= self.origin, at_origin, place)]
        left = np.asarray(come - gone)
        # Where nobody is left, sums of weights differ from 0 by rounding.
        result: Array = np.where(np.abs(left) < ROUNDING * whole, 0.0, left)
        return result

    def quantiles(self, q: Array) -> tuple[Array, Array, Array]:
        """Times by which a share q has had the event, with limits; NaN where not reached."""
        curves = (self.survival, self.conf_low, self.conf_high)
        estimate, low, high = (curve_quantiles(self.time, 1 - curve, q) for curve in curves)
        return estimate, low, high
