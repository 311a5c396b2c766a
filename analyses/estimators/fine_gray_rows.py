"""Rows of a Fine and Gray model as Cox's fit sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.estimators.cox_fit import NO_SPREAD, Fit
from analyses.estimators.cox_rows import Design, InMemory, Rows, in_memory
from analyses.kernels import cox as kernel
from analyses.kernels import fine_gray, fine_gray_hazard
from analyses.kernels.censoring import Observation, observation
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem

Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Competing:
    """What the risk sets of Fine and Gray hold beyond Cox's.

    Attributes
    ----------
    tail
        The rows that stay at risk after a competing event.
    observed
        The share still under observation.
    censored
        Places of the rows that were censored.
    """

    tail: fine_gray.Tail
    observed: Observation
    censored: Places


@dataclass(frozen=True, slots=True, eq=False)
class SubdistributionRows(Rows):
    """Rows in one block, whose likelihood keeps competing events in the risk sets."""

    competing: Competing | None = None

    def likelihood(self, beta: Array) -> kernel.Likelihood:
        """Log pseudo-likelihood, score and information at some coefficients."""
        placed, tail = self.parts()
        return fine_gray.likelihood(placed, tail, self.grid, beta)

    def sample(self) -> Rows | None:
        """No sample: the share under observation is that of all rows."""
        return None

    def parts(self) -> tuple[kernel.Placed, fine_gray.Tail]:
        """The rows, and those that stay, with the weights that the block has now."""
        assert isinstance(self.blocks, InMemory)
        assert self.competing is not None
        placed = self.blocks.placed
        return placed, self.competing.tail.weighted(placed.block.weight)


def subdistribution_rows(
    block: kernel.Block, state: Places, n_strata: int, design: Design, time: str
) -> SubdistributionRows:
    """Rows of a block; `state` is 0 for a censoring, 1 for the event and 2 for others.

    AnalysisError where nobody is left to tell how likely a patient was to be under observation.
    """
    rows = in_memory(block, n_strata, "breslow", design, 0.0)
    assert isinstance(rows.blocks, InMemory)
    censored = state == 0
    observed = observation(
        block.exit, block.stratum, censored, n_strata, entry=block.entry, weight=block.weight
    )
    competing = _before_an_event(block, np.flatnonzero(state == 2), rows.grid)
    _require_observed(block, competing, observed, time)
    tail = fine_gray.tail_of(block, competing, rows.grid, observed)
    return SubdistributionRows(
        rows.blocks,
        rows.followed,
        rows.grid,
        "breslow",
        design,
        0.0,
        Competing(tail, observed, np.flatnonzero(censored)),
    )


def _before_an_event(block: kernel.Block, competing: Places, on: kernel.Grid) -> Places:
    """The competing events after which there still is an event in their stratum."""
    stratum = block.stratum[competing]
    last = kernel.places(on, stratum, block.exit[competing])
    return np.asarray(
        competing[np.maximum(last, on.start[stratum] - 1) + 1 < on.start[stratum + 1]]
    )


def _require_observed(
    block: kernel.Block, competing: Places, observed: Observation, time: str
) -> None:
    """With delayed entry the few at risk may all leave, or all have just come, at one time."""
    stratum, since = block.stratum[competing], block.exit[competing]
    lost = competing[observed.before(stratum, since) <= 0]
    if not len(lost):
        return
    first = float(block.exit[lost].min())
    raise AnalysisError(
        Problem(
            f"fine_gray: column '{time}'",
            f"{len(lost)} competing events, the first at {first:g}, come when nobody tells how "
            "likely it was to be under observation: all who were have been censored, or all at "
            "risk a little later had just entered",
            advice="Start the clock later, where more patients are under observation, or merge "
            "strata.",
        )
    )


def influence(fitted: Fit, *, entered: bool) -> Array:
    """Each patient's part of the score (rows x p), unweighted.

    With delayed entry the share under observation is taken as known, as survival's `finegray`.
    """
    rows = fitted.rows
    assert isinstance(rows, SubdistributionRows)
    assert rows.competing is not None
    placed, tail = rows.parts()
    result = fine_gray.score_residuals(placed, tail, rows.grid, fitted.beta, fitted.at)
    result[fitted.away] = 0.0
    if not entered:
        known = rows.competing
        result += fine_gray.censoring_residuals(
            placed, tail, rows.grid, fitted.beta, fitted.at, known.observed, known.censored
        )
    return result


def hazard_products(
    fitted: Fit,
    influences: Array,
    weight: Array,
    *,
    counts: bool,
    cluster: Places | None,
    entered: bool,
) -> tuple[Array, Array]:
    """Variance of the baseline hazard at fixed coefficients, its covariance with the coefficients.

    By event time: [T], and [T, estimated coefficients]. The other arguments are those of
    `influence` and `sandwich`, of which this is the rest.
    """
    rows = fitted.rows
    assert isinstance(rows, SubdistributionRows)
    assert rows.competing is not None
    placed, tail = rows.parts()
    ratio = np.where(fitted.away, 0.0, np.exp(rows.predictor(fitted.beta)))
    known = rows.competing
    seen = None if entered else (known.observed, known.censored, fitted.beta)
    of = fine_gray_hazard.influence(placed, tail, rows.grid, fitted.at, ratio, seen)
    score = influences[:, fitted.estimated]
    if cluster is None:
        mass = weight if counts else weight**2
        square, cross = fine_gray_hazard.products(of, rows.grid, mass, score)
    else:
        sums = np.zeros((int(cluster.max()) + 1, score.shape[1]))
        np.add.at(sums, cluster, score * weight[:, None])
        square, cross = fine_gray_hazard.cluster_products(of, rows.grid, weight, cluster, sums)
    return square, cross @ fitted.covariance


def sandwich(
    fitted: Fit, influences: Array, weight: Array, *, counts: bool, cluster: Places | None
) -> Array:
    """Variance of the estimated coefficients; `counts`: a weight is so many patients.

    AnalysisError where it is zero, as with as few events as terms.
    """
    kept = influences[:, fitted.estimated]
    if cluster is not None:
        sums = np.zeros((int(cluster.max()) + 1, kept.shape[1]))
        np.add.at(sums, cluster, kept * weight[:, None])
        middle = kernel.product(sums, None, sums)
    else:
        middle = kernel.product(kept, weight if counts else weight**2, kept)
    result = np.asarray(fitted.covariance @ middle @ fitted.covariance)
    none = np.diag(result) <= NO_SPREAD * np.diag(fitted.covariance)
    places = np.flatnonzero(fitted.estimated)[none]
    wrong = [fitted.rows.design.names[i] for i in places if fitted.reported[i]]
    if wrong:
        raise AnalysisError(
            Problem(
                f"fine_gray: {' and '.join(wrong)}",
                "the robust variance is zero: the parts of the score cancel within every unit",
                advice="There are too few events or clusters for so many terms: use fewer terms.",
            )
        )
    return result
