"""How likely patients are still under observation: the weights of Fine and Gray's risk sets.

G(t-) is the product over censoring times u < t of 1 - c(u) / n(u), by stratum; n(u) are those with
entry < u <= exit. Without delayed entry those with an event at u are among them, as in cmprsk's
`crr`; with it they have left before, as in survival's `finegray`. There H(t-), the product over
entry times s >= t of 1 - e(s) / m(s), m(s) those with entry <= s < exit, takes account of who had
not yet come under observation (Geskus, 2011, Biometrics 67, 39-49). A patient with a competing
event at x stays in the risk sets with the weight G(t-) H(t-) / (G(x-) H(x-)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.kernels.risk_sets import Array, Grid, Places, grid_of, places

Flags = npt.NDArray[np.bool_]
NOTHING = 1e-12  # share of those at risk below which weights' sums leave nobody


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """The share still under observation, by stratum.

    Attributes
    ----------
    censorings, entries
        Grids of the distinct censoring and entry times; `entries` None where H is 1.
    n_risk, censored
        At each censoring time; sums of weights where there are weights.
    after, since
        G just after each censoring time, and H just before each entry time.
    """

    censorings: Grid
    entries: Grid | None
    n_risk: Array
    censored: Array
    after: Array
    since: Array | None

    def before(self, stratum: Places, time: Array) -> Array:
        """G(t-) H(t-) at each time of a stratum."""
        place = places_before(self.censorings, stratum, time)
        result = np.where(place < 0, 1.0, np.append(self.after, 1.0)[place])
        if self.entries is None or self.since is None:
            return result
        following = _first_from(self.entries, stratum, time)
        return np.asarray(result * np.where(following < 0, 1.0, self.since[following]))


def observation(
    exit_time: Array,
    stratum: Places,
    censored: Flags,
    n_strata: int,
    *,
    entry: Array | None = None,
    weight: Array | None = None,
) -> Observation:
    """The share under observation of these patients."""
    on = grid_of(exit_time[censored], stratum[censored], n_strata)
    last = places(on, stratum, exit_time)
    size = len(on.time)
    leaving = _sums(last[censored], None if weight is None else weight[censored], size)
    at_risk = on.remaining(_sums(last, weight, size))
    if entry is not None:
        at_risk -= on.remaining(_sums(places(on, stratum, entry), weight, size))
        tied = ~censored & (last >= 0)
        tied[tied] = on.time[last[tied]] == exit_time[tied]
        at_risk -= _sums(last[tied], None if weight is None else weight[tied], size)
    after = _products(on, 1 - leaving / at_risk)
    if entry is None or entry.max() <= exit_time.min():
        return Observation(on, None, at_risk, leaving, after, None)
    entries = grid_of(entry, stratum, n_strata)
    coming = _sums(places(entries, stratum, entry), weight, len(entries.time))
    gone = _sums(_first_from(entries, stratum, exit_time), weight, len(entries.time))
    seen = entries.cumulated(coming - gone)
    since = _products(entries, 1 - coming / seen, backwards=True)
    return Observation(on, entries, at_risk, leaving, after, since)


def places_before(on: Grid, stratum: Places, time: Array) -> Places:
    """Grid row of the last time of the stratum that is before each time; -1: none."""
    found = places(on, stratum, time)
    same = found >= 0
    same[same] = on.time[found[same]] == time[same]
    earlier = np.where(same, found - 1, found)
    return np.where(earlier >= on.start[stratum], earlier, -1)


def _first_from(on: Grid, stratum: Places, time: Array) -> Places:
    """Grid row of the first time of the stratum at or after each time; -1: none."""
    earlier = places_before(on, stratum, time)
    following = np.where(earlier < 0, on.start[stratum], earlier + 1)
    return np.where(following < on.start[stratum + 1], following, -1)


def _sums(place: Places, weight: Array | None, size: int) -> Array:
    """Rows, or their weights, by grid row; those without a place left out."""
    kept = place >= 0
    used = None if weight is None else weight[kept]
    return np.bincount(place[kept], used, minlength=size).astype(np.float64)


def _products(on: Grid, factor: Array, *, backwards: bool = False) -> Array:
    """Running products within the stratum, from its first time or from its last."""
    factor = np.where(factor < NOTHING, 0.0, factor)
    result = np.empty_like(factor)
    for first, last in on.segments():
        part = factor[first:last]
        result[first:last] = np.cumprod(part[::-1])[::-1] if backwards else np.cumprod(part)
    return result
