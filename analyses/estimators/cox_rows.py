"""Rows of a Cox model as the fit sees them: in one block, or block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from analyses.kernels import cox as kernel
from analyses.results.frozen import Array

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
T = TypeVar("T", bound=np.generic)
SAMPLED_FROM = 200_000  # rows from which the search begins with the estimate of a sample
SAMPLE = 16  # one row in so many, so long as that leaves rows enough for the compiled sums
LARGEST_SAMPLE = 200_000


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

    def block(self, x: Array, first: int, on: kernel.Grid) -> kernel.Placed:
        """The rows from `first` on whose covariates are given."""
        rows = slice(first, first + len(x))
        block = kernel.Block(
            x,
            self.stratum[rows],
            self.exit[rows],
            self.event[rows],
            _part(self.entry, rows),
            _part(self.weight, rows),
            _part(self.offset, rows),
        )
        return kernel.at_places(block, on, self.last[rows], _part(self.before, rows))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a model on the grid of its event times.

    Attributes
    ----------
    blocks
        Anything that gives the rows block by block, in their order, each time anew.
    followed
        What is held of every row besides its covariates.
    shift
        What was taken off every offset.
    weight
        Weights that stand in for the blocks' own.
    """

    blocks: Iterable[kernel.Placed]
    followed: Followed
    grid: kernel.Grid
    ties: kernel.Ties
    design: Design
    shift: float = 0.0
    weight: Array | None = None

    @property
    def placed(self) -> kernel.Placed:
        """The rows where they are one block in memory."""
        (_, block), *others = self._parts()
        assert not others
        return block

    def likelihood(self, beta: Array) -> kernel.Likelihood:
        """Log-likelihood, score and information at some coefficients."""
        return kernel.likelihood(_Anew(self), self.grid, beta, self.ties)

    def score_products(
        self, beta: Array, at: kernel.Likelihood, cluster: Places | None = None
    ) -> Array:
        """Rows' parts of the score multiplied over rows (p x p), or added by cluster."""
        n_cluster = 0 if cluster is None else int(cluster.max()) + 1
        total = np.zeros((len(beta), len(beta)) if cluster is None else (n_cluster, len(beta)))
        for rows, block in self._parts():
            own = None if cluster is None else cluster[rows]
            total += kernel.score_products(block, self.grid, beta, at, own, n_cluster)
        return total

    def cross_products(self) -> Array:
        """Products of the centred columns over all rows (p x p)."""
        total = np.zeros((len(self.design.names),) * 2)
        for _, block in self._parts():
            total += kernel.product(block.block.x, None, block.block.x)
        return total

    def members(self, columns: Sequence[int]) -> Flags:
        """Rows that hold a 1 in any of these indicator columns."""
        found = np.zeros(len(self.followed.exit), dtype=bool)
        for rows, block in self._parts():
            for column in columns:
                found[rows] |= block.block.x[:, column] > 0.5 - self.design.centre[column]
        return found

    def predictor(self, beta: Array) -> Array:
        """Log hazard of each row up to a constant."""
        eta = np.empty(len(self.followed.exit))
        for rows, block in self._parts():
            eta[rows] = kernel.linear_predictor(block.block, beta)
        return eta

    def lighter(self, away: Flags) -> Rows:
        """The same rows, those that leave the risk sets with weight 0."""
        weight = np.ones(len(away)) if self.followed.weight is None else self.followed.weight
        return replace(self, weight=np.where(away, 0.0, weight))

    def sample(self) -> Rows | None:
        """Every so-manieth row as a model of its own; None where that does not pay."""
        n = len(self.followed.exit)
        if n < SAMPLED_FROM:
            return None
        step = max(min(SAMPLE, n // kernel.COMPILED_FROM), n // LARGEST_SAMPLE)
        some = slice(None, None, step)
        parts = [held.block.x[-rows.start % step :: step] for rows, held in self._parts()]
        block = kernel.Block(
            np.concatenate(parts),  # a copy, since rows apart are slow to sum
            self.followed.stratum[some],
            self.followed.exit[some],
            self.followed.event[some],
            _part(self.followed.entry, some),
            _part(self.followed.weight if self.weight is None else self.weight, some),
            _part(self.followed.offset, some),
        )
        if block.event.sum() < 10 * len(self.design.names):
            return None
        return in_memory(block, len(self.grid.start) - 1, self.ties, self.design, self.shift)

    def _parts(self) -> Iterator[tuple[slice, kernel.Placed]]:
        """Rows, and the block that holds them."""
        first = 0
        for block in self.blocks:
            rows = slice(first, first + len(block.last))
            first = rows.stop
            if self.weight is None:
                yield rows, block
            else:
                lighter = replace(block.block, weight=self.weight[rows])
                yield rows, replace(block, block=lighter)


def _part(values: npt.NDArray[T] | None, rows: slice) -> npt.NDArray[T] | None:
    return None if values is None else values[rows]


@dataclass(frozen=True, slots=True, eq=False)
class _Anew:
    """The blocks of some rows, from the first one each time."""

    rows: Rows

    def __iter__(self) -> Iterator[kernel.Placed]:
        for _, block in self.rows._parts():
            yield block


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
    )
    return Rows((placed,), followed, grid, ties, design, shift)
