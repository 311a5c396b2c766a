"""How likely a patient is still followed: Kaplan and Meier's estimate with censoring as the event.

These weigh the measures of prediction (Uno, Graf); Fine and Gray's risk sets have their own, with
`crr`'s convention of ties (censoring.py). Deaths leave before those censored on the same day, so
that at t as many are at risk of censoring as are followed to t and do not die there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Censoring(NamedTuple):
    """The share uncensored just after each distinct time, ascending."""

    time: Array
    share: Array

    def at(self, t: Array) -> Array:
        """The share uncensored just after t."""
        return self._in_force(np.searchsorted(self.time, t, side="right"))

    def before(self, t: Array) -> Array:
        """The share uncensored just before t: what weighs a death at t."""
        return self._in_force(np.searchsorted(self.time, t, side="left"))

    def _in_force(self, place: npt.NDArray[np.intp]) -> Array:
        return np.concatenate([[1.0], self.share])[place]


def censoring(time: Array, event: Flags) -> Censoring:
    """The estimate from every patient together."""
    grid, place = np.unique(time, return_inverse=True)
    deaths = np.bincount(place, event, minlength=len(grid))
    lost = np.bincount(place, ~event, minlength=len(grid))
    followed = np.cumsum((deaths + lost)[::-1])[::-1]
    left = followed - deaths
    factor = np.divide(left - lost, left, out=np.ones(len(grid)), where=left > 0)
    return Censoring(grid, np.cumprod(factor))
