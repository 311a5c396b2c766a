"""Net survival: sums over patients, day by day, weighted by their expected survival."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.kernels.compiled import compiled

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Hazards a day: [stratum, year, age]; `age` and `year` are the first whole years.

    Beyond either end of ages and years the nearest cell holds.
    """

    hazard: Array
    age: float
    year: float
    days: float  # in a year


@dataclass(frozen=True, slots=True, eq=False)
class DailySums:
    """For each step of the grid, sums over those at risk in it.

    Attributes
    ----------
    weighted, expected
        1 / S at the end of the step, and the mean expected hazard over the step under weights
        1 / S, times its length.
    expected_end
        Expected hazard of the step under the weights at its end, summed and not averaged.
    died, died_weighted, died_squared
        Deaths at the end of the step, and their sums of 1 / S and 1 / S squared.
    n, hazard
        At risk, and their summed expected hazard over the step.
    """

    weighted: Array
    expected: Array
    expected_end: Array
    died: Array
    died_weighted: Array
    died_squared: Array
    n: Array
    hazard: Array

    def up_to(self, steps: int) -> DailySums:
        """The first so many steps."""
        return DailySums(
            *(
                part[:steps]
                for part in (
                    *(self.weighted, self.expected, self.expected_end, self.died),
                    *(self.died_weighted, self.died_squared, self.n, self.hazard),
                )
            )
        )


def daily_sums(
    table: Table,
    grid: Array,
    place: Places,
    event: npt.NDArray[np.bool_],
    stratum: Places,
    age: Array,
    year: Array,
) -> DailySums:
    """The sums of one group of patients.

    `grid` are the ends of the steps in days from 0, `place` is each patient's exit on it, `age`
    and `year` are in days at time 0. A step's hazard is that of the patient's cell at its start;
    the mean over a step is the mean of those at its start and at its end (the trapezium).
    """
    found = np.zeros((len(grid), 9))
    _add(
        table.hazard,
        table.age,
        table.year,
        table.days,
        grid,
        place,
        event,
        stratum,
        age,
        year,
        found,
    )
    sums = np.ascontiguousarray(found.T)
    at_start, hazard_start, at_end, hazard_end = sums[:4]
    length = np.diff(grid, prepend=0.0)
    # Past a group's last follow-up nobody is at risk, and there is no mean.
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (hazard_start / at_start + hazard_end / at_end) / 2 * length
    return DailySums(at_end, mean, hazard_end * length, *sums[4:])


def hazards_at(table: Table, stratum: Places, age: Array, year: Array, time: Array) -> Array:
    """Each patient's expected hazard a day at a time."""
    n_years, n_ages = table.hazard.shape[1:]
    ages = np.clip(np.floor((age + time) / table.days) - table.age, 0, n_ages - 1)
    years = np.clip(np.floor((year + time) / table.days) - table.year, 0, n_years - 1)
    return np.asarray(table.hazard[stratum, years.astype(np.intp), ages.astype(np.intp)])


@compiled
def _add(
    hazard: Any,
    first_age: float,
    first_year: float,
    days: float,
    grid: Any,
    place: Any,
    event: Any,
    stratum: Any,
    age: Any,
    year: Any,
    found: Any,
) -> None:
    """Walk through each patient's steps, in the order of the patients."""
    n_years, n_ages = hazard.shape[1], hazard.shape[2]
    for i in range(len(place)):
        inverse = 1.0  # of the expected survival
        start = 0.0
        until = -1.0
        rate = 0.0
        known = -1.0  # length of the step that `growth` is for
        growth = 1.0
        for j in range(place[i] + 1):
            if start >= until:
                a = math.floor((age[i] + start) / days)
                y = math.floor((year[i] + start) / days)
                until = min((a + 1) * days - age[i], (y + 1) * days - year[i])
                a = min(max(a - first_age, 0), n_ages - 1)
                y = min(max(y - first_year, 0), n_years - 1)
                rate = hazard[stratum[i], int(y), int(a)]
                known = -1.0
            length = grid[j] - start
            found[j, 0] += inverse
            found[j, 1] += rate * inverse
            if length != known:
                known = length
                growth = math.exp(rate * length)
            inverse *= growth
            found[j, 2] += inverse
            found[j, 3] += rate * inverse
            found[j, 7] += 1.0
            found[j, 8] += rate * length
            start = grid[j]
        if event[i]:
            last = place[i]
            found[last, 4] += 1.0
            found[last, 5] += inverse
            found[last, 6] += inverse * inverse
