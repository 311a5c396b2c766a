"""Bootstrap samples of patients, or of whole clusters, on any number of processes.

Each sample has a random stream of its own, spawned from the seed in the samples' order, so that
the same seed gives the same numbers whatever the number of processes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.processes import Progress, spread
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

Places = npt.NDArray[np.intp]
ENOUGH = 0.9  # of the samples must have an estimate for a standard error
TOO_FEW = "fewer than 90% of the bootstrap samples have an estimate"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """Whose samples are drawn, how many, and from which seed.

    Attributes
    ----------
    n
        Patients.
    cluster
        Code 0, 1, ... of each patient's cluster, which is drawn whole; None where patients are.
    where
        The analysis, for messages.
    """

    n: int
    cluster: Places | None
    resamples: int
    seed: int
    where: str

    def results(
        self,
        work: Callable[[Places], T],
        processes: int = 1,
        progress: Progress | None = None,
    ) -> list[T]:
        """What `work` makes of each sample's rows, those left out for which it has an error.

        `work` goes to other processes once, so it must be possible to pickle it with the data
        that it holds. Its AnalysisError means that the sample has no estimate (a level that is
        empty, a model that does not converge).

        Raises
        ------
        AnalysisError
            Where more than half of the samples have none, and where a process ends early.
        """
        streams = np.random.SeedSequence(self.seed).spawn(self.resamples)
        made = spread(
            _sampled,
            (self, work),
            streams,
            processes=processes,
            progress=progress,
            what=f"{self.where}: processes",
        )
        found: list[T] = [result for some in made for result in some]
        if 2 * len(found) < self.resamples:
            lost = f"{self.resamples - len(found)} of {self.resamples} samples had no model"
            advice = "Merge rare levels, or use fewer terms."
            raise AnalysisError(Problem(f"{self.where}: resamples", lost, advice=advice))
        return found

    def rows(self, stream: np.random.SeedSequence) -> Places:
        """Rows of a sample: as many patients as there are, or all the patients of clusters."""
        draw = np.random.default_rng(stream)
        if self.cluster is None:
            return draw.integers(0, self.n, self.n).astype(np.intp)
        order = np.argsort(self.cluster, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(self.cluster))[:-1])
        chosen = draw.integers(0, len(parts), len(parts))
        return np.concatenate([parts[i] for i in chosen]).astype(np.intp)


def enough(used: int, resamples: int) -> bool:
    """Whether so many of the samples give a standard error."""
    return used > 1 and used >= ENOUGH * resamples


def lost_samples(resamples: int, used: int, source: str, why: str) -> tuple[Finding, ...]:
    """A warning where samples were left out, with what they lack."""
    if used == resamples:
        return ()
    advice = f"These bootstrap samples have no estimate ({why})."
    rule, lost = "samples_without_estimate", resamples - used
    return (Finding("warning", source, "", "", rule, lost, advice, "sample"),)


def required_seed(seed: int | None, where: str) -> int:
    """The seed; AnalysisError where none was given, since the numbers could not be had again."""
    if seed is None:
        advice = "Give a whole number, so that the numbers can be had again."
        raise AnalysisError(Problem(f"{where}: seed", "none", advice=advice))
    return seed


def cluster_codes(frame: pd.DataFrame, cluster: str | None) -> Places | None:
    """Code of each row's cluster in the order of their first rows; None without clusters."""
    return None if cluster is None else pd.factorize(frame[cluster])[0].astype(np.intp)


def _sampled(
    held: tuple[Resampling, Callable[[Places], Any]], stream: np.random.SeedSequence
) -> list[Any]:
    """The result of one sample alone in a list, which is empty where the sample has none."""
    plan, work = held
    try:
        return [work(plan.rows(stream))]
    except AnalysisError:
        return []
