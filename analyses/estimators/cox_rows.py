"""Rows of a Cox model as the fit sees them, wherever they are.

In one block of memory, streamed from a database, or on Spark's executors: the fit sends work to
the blocks, and what they give is added, or put one after another, in their order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from analyses.kernels import cox as kernel
from analyses.kernels.proportionality import Extended, event_sums, extended_by
from analyses.results.frozen import Array

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Work = Callable[[kernel.Placed], kernel.Arrays]
T = TypeVar("T", bound=np.generic)
SAMPLED_FROM = 200_000  # rows from which the search begins with the estimate of a sample
SAMPLE = 16  # one row in so many, so long as that leaves rows enough for the compiled sums
LARGEST_SAMPLE = 200_000
NONE = np.zeros(0)  # stands for an absent column


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What is known of each column before the fit.

    Attributes
    ----------
    names
        The term and level that a column stands for, for messages.
    centre, spread, reach
        Mean (already taken off the matrix), standard deviation, and largest distance from it.
    is_level
        Columns that only say who is at a level or in a combination of levels.
    n, n_event
        Rows and events at that level; all of them for a number.
    n_all, n_event_all
        Rows and events of the model; patients where the weights are counts, here and above.
    factors
        Columns of each category that is in no interaction.
    """

    names: tuple[str, ...]
    centre: Array
    spread: Array
    reach: Array
    is_level: Flags
    n: Places
    n_event: Places
    n_all: int
    n_event_all: int
    factors: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """What is held of every row whatever its covariates.

    `last` and `before` are places on the grid (kernel.Placed).
    """

    stratum: Places
    exit: Array
    event: Flags
    last: Places
    before: Places | None
    entry: Array | None
    weight: Array | None
    offset: Array | None
    cluster: Places | None = None
    count: Array | None = None

    def part(self, rows: slice) -> Followed:
        """The same of some rows."""
        return Followed(
            self.stratum[rows],
            self.exit[rows],
            self.event[rows],
            self.last[rows],
            _part(self.before, rows),
            _part(self.entry, rows),
            _part(self.weight, rows),
            _part(self.offset, rows),
            _part(self.cluster, rows),
            _part(self.count, rows),
        )

    def placed(self, x: Array, on: kernel.Grid) -> kernel.Placed:
        """These rows, whose covariates are given, on the grid."""
        block = kernel.Block(
            x, self.stratum, self.exit, self.event, self.entry, self.weight, self.offset,
            self.cluster, self.count,
        )  # fmt: skip
        return kernel.at_places(block, on, self.last, self.before)


@dataclass(frozen=True, slots=True, eq=False)
class Leaving:
    """Who leaves every risk set: rows at some levels, and at the references of some factors.

    Told by the columns, so that each block knows its own.
    """

    levels: tuple[int, ...]
    references: tuple[tuple[int, ...], ...]
    centre: Array

    def rows(self, x: Array) -> Flags:
        """Whether each row of a block leaves."""
        away = np.zeros(len(x), dtype=bool)
        for column in self.levels:
            away |= self._at(x, column)
        for columns in self.references:
            away |= ~np.any([self._at(x, column) for column in columns], axis=0)
        return away

    def lightened(self, placed: kernel.Placed) -> kernel.Placed:
        """The block, rows that leave with weight 0."""
        block = placed.block
        weight = np.ones(len(block.x)) if block.weight is None else block.weight
        weight = np.where(self.rows(block.x), 0.0, weight)
        return replace(placed, block=replace(block, weight=weight))

    def _at(self, x: Array, column: int) -> Flags:
        return np.asarray(x[:, column] > 0.5 - self.centre[column])


class Blocks(Protocol):
    """Rows of a model on the grid, wherever they are; work on them is sent there."""

    def added(self, work: Work) -> kernel.Arrays:
        """What the work gives for each block, added in their order."""

    def joined(self, work: Work) -> kernel.Arrays:
        """What the work gives for each block, one after another in their order."""

    def lighter(self, leaving: Leaving) -> Blocks:
        """The same rows, those that leave with weight 0."""


@dataclass(frozen=True, slots=True, eq=False)
class InMemory:
    """One block in memory."""

    placed: kernel.Placed

    def added(self, work: Work) -> kernel.Arrays:
        """What the work gives."""
        return kernel.added([work(self.placed)])

    def joined(self, work: Work) -> kernel.Arrays:
        """What the work gives."""
        return work(self.placed)

    def lighter(self, leaving: Leaving) -> InMemory:
        """The same rows, those that leave with weight 0."""
        return InMemory(leaving.lightened(self.placed))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a model on the grid of its event times.

    Attributes
    ----------
    blocks
        The rows, block by block.
    followed
        What is held of every row besides its covariates.
    shift
        What was taken off every offset.
    """

    blocks: Blocks
    followed: Followed
    grid: kernel.Grid
    ties: kernel.Ties
    design: Design
    shift: float = 0.0

    def likelihood(self, beta: Array) -> kernel.Likelihood:
        """Log-likelihood, score and information at some coefficients."""
        return kernel.likelihood_by(self.blocks.added, self.grid, beta, self.ties)

    def score_products(
        self, beta: Array, at: kernel.Likelihood, cluster: Places | None = None
    ) -> Array:
        """Rows' parts of the score multiplied over rows (p x p), or added by cluster."""
        n_cluster = 0 if cluster is None else int(cluster.max()) + 1
        work = partial(_score_products, on=self.grid, beta=beta, at=at, n_cluster=n_cluster)
        return self.blocks.added(work)[0]

    def extended(self, beta: Array, at: kernel.Likelihood, g: Array) -> Extended:
        """Score and information of the columns times `g` of each grid time."""
        events = self.event_sums(weighted=True)
        return extended_by(self.blocks.added, self.grid, beta, at, g, events)

    def event_sums(self, *, weighted: bool) -> Array:
        """Columns of the events added by their time (times x p), weighted or not."""
        return self.blocks.added(partial(event_sums, on=self.grid, weighted=weighted))[0]

    def varies(self) -> Flags:
        """Whether each column differs between rows of each stratum (strata x p)."""
        n_strata = len(self.grid.start) - 1
        if n_strata == 1:
            return np.ones((1, len(self.design.names)), dtype=bool)
        low, high = self.blocks.joined(partial(_ranges, n_strata=n_strata))
        return np.asarray(high.max(axis=0) > low.min(axis=0))

    def cross_products(self) -> Array:
        """Products of the centred columns over all rows (p x p)."""
        return self.blocks.added(_cross_products)[0]

    def away(self, leaving: Leaving) -> Flags:
        """Whether each row leaves the risk sets."""
        return self.blocks.joined(partial(_away, leaving=leaving))[0].astype(bool)

    def predictor(self, beta: Array) -> Array:
        """Log hazard of each row up to a constant."""
        return self.blocks.joined(partial(_predictor, beta=beta))[0]

    def lighter(self, leaving: Leaving) -> Rows:
        """The same rows, those that leave the risk sets with weight 0."""
        return replace(self, blocks=self.blocks.lighter(leaving))

    def sample(self) -> Rows | None:
        """Every so-manieth row as a model of its own; None where that does not pay."""
        n = len(self.followed.exit)
        if n < SAMPLED_FROM:
            return None
        step = max(min(SAMPLE, n // kernel.COMPILED_FROM), n // LARGEST_SAMPLE)
        x, stratum, time, event, *others = self.blocks.joined(partial(_every, step=step))
        entry, weight, offset = (values if len(values) else None for values in others)
        block = kernel.Block(
            x, stratum.astype(np.intp), time, event.astype(bool), entry, weight, offset
        )
        if block.event.sum() < 10 * len(self.design.names):
            return None
        return in_memory(block, len(self.grid.start) - 1, self.ties, self.design, self.shift)


def _score_products(
    placed: kernel.Placed, on: kernel.Grid, beta: Array, at: kernel.Likelihood, n_cluster: int
) -> kernel.Arrays:
    cluster = placed.block.cluster if n_cluster else None
    return (kernel.score_products(placed, on, beta, at, cluster, n_cluster),)


def _cross_products(placed: kernel.Placed) -> kernel.Arrays:
    return (kernel.product(placed.block.x, placed.block.count, placed.block.x),)


def _ranges(placed: kernel.Placed, n_strata: int) -> kernel.Arrays:
    """Smallest and largest value of each column by stratum (1 x strata x p)."""
    p = placed.block.x.shape[1]
    low, high = np.full((n_strata, p), np.inf), np.full((n_strata, p), -np.inf)
    for place in range(p):
        column = np.ascontiguousarray(placed.block.x[:, place])
        np.minimum.at(low[:, place], placed.block.stratum, column)
        np.maximum.at(high[:, place], placed.block.stratum, column)
    return low[None], high[None]


def _away(placed: kernel.Placed, leaving: Leaving) -> kernel.Arrays:
    return (leaving.rows(placed.block.x).astype(np.float64),)


def _predictor(placed: kernel.Placed, beta: Array) -> kernel.Arrays:
    return (kernel.linear_predictor(placed.block, beta),)


def _every(placed: kernel.Placed, step: int) -> kernel.Arrays:
    """Every so-manieth row of a block, copied, since rows apart are slow to sum."""
    block = placed.block
    columns = (block.x, block.stratum, block.exit, block.event, block.entry, block.weight,
               block.offset)  # fmt: skip
    return tuple(
        NONE if values is None else np.array(values[::step], dtype=np.float64) for values in columns
    )


def _part(values: npt.NDArray[T] | None, rows: slice) -> npt.NDArray[T] | None:
    return None if values is None else values[rows]


def in_memory(
    block: kernel.Block, n_strata: int, ties: kernel.Ties, design: Design, shift: float
) -> Rows:
    """Rows of one block."""
    grid = kernel.grid([block], n_strata)
    placed = kernel.place(block, grid)
    followed = Followed(
        block.stratum,
        block.exit,
        block.event,
        placed.last,
        placed.before,
        block.entry,
        block.weight,
        block.offset,
        block.cluster,
        block.count,
    )
    return Rows(InMemory(placed), followed, grid, ties, design, shift)
