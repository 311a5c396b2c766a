"""Two clones of each patient, one a strategy, and when each stops following its strategy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.adjustment.treatment_start import Flags
from analyses.results.frozen import Array

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Clone:
    """One strategy's clones, in the patients' order.

    Attributes
    ----------
    exit, event
        The end of the clone's time, by the patient's own end or by deviating; whether it is an
        event, which counts where it falls on the day of deviating.
    deviated
        Whether the clone stopped following its strategy.
    """

    exit: Array
    event: Flags
    deviated: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """Patients of a cloned comparison: follow-up, start of treatment, covariates.

    Attributes
    ----------
    frame
        The columns of the terms.
    time, event, start
        Follow-up, event, and start of the treatment (infinite: never, 0: by time zero).
    switches
        (patients x k) times from which each time-varying covariate is on; infinite: never.
    grace
        End of the grace period.
    switching
        Names of the time-varying covariates.
    """

    frame: pd.DataFrame
    time: Array
    event: Flags
    start: Array
    switches: Array
    grace: float
    switching: tuple[str, ...]

    def some(self, rows: Places) -> Patients:
        """The patients at these places, each as often as it stands there."""
        return replace(
            self,
            frame=self.frame.iloc[rows].reset_index(drop=True),
            time=self.time[rows],
            event=self.event[rows],
            start=self.start[rows],
            switches=self.switches[rows],
        )

    @property
    def started(self) -> Flags:
        """Whether the treatment started within the grace period, before any event of that day."""
        while_followed = (self.start < self.time) | ((self.start == self.time) & ~self.event)
        return np.asarray((self.start <= self.grace) & while_followed)

    @property
    def past_grace(self) -> Flags:
        """Whether the patient is followed past the grace period."""
        return self.time > self.grace

    def starting(self) -> Clone:
        """Clones that must start within the grace period: untreated at its end, they deviate."""
        deviated = self.past_grace & (self.start > self.grace)
        return Clone(
            exit=np.where(deviated, self.grace, self.time),
            event=self.event & ~deviated,
            deviated=deviated,
        )

    def never_starting(self) -> Clone:
        """Clones that must not start within the grace period: they deviate as they start."""
        deviated = self.started
        return Clone(
            exit=np.where(deviated, self.start, self.time),
            event=self.event & ~deviated,
            deviated=deviated,
        )
