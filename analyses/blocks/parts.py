"""Parts of a table's rows, and work on them: as DuckDB streams them, or Spark's executors do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from analyses.estimators.cox_rows import Followed, Leaving, Work
from analyses.kernels import cox as kernel
from analyses.results.frozen import Array
from analyses.results.terms import Term, columns_of, design_matrix

if TYPE_CHECKING:
    import pandas as pd

    from analyses.estimators.survival_data import SurvivalData

BLOCK = 1 << 17  # rows of a block


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some rows: their covariates, and what is held of each besides."""

    frame: pd.DataFrame
    followed: Followed


class Parts(Protocol):
    """The rows of a table part by part, in one order."""

    def added(self, work: Callable[[Part], kernel.Arrays]) -> kernel.Arrays:
        """What the work gives for each part, added in their order."""

    def joined(self, work: Callable[[Part], kernel.Arrays]) -> kernel.Arrays:
        """What the work gives for each part, one after another in their order."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What the driver holds of every row, as arrays, and how it was made from the columns.

    Attributes
    ----------
    rows
        The columns held, checked; `rows.frame` has them as they came.
    followed
        The same on the grid.
    shift
        What was taken off every offset.
    """

    rows: SurvivalData
    followed: Followed
    grid: kernel.Grid
    shift: float


class Table(Protocol):
    """Complete rows of a table; `columns` is what `learn` needs to know of each."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """A column of numbers whole, of anything else its different values."""

    @property
    def n_input(self) -> int:
        """Rows given, complete or not."""

    @property
    def n_missing(self) -> tuple[tuple[str, int], ...]:
        """Rows without a value, by column."""

    def held(self) -> pd.DataFrame:
        """Columns other than covariates, of every row."""

    def parts(self, held: Held) -> Parts:
        """The rows part by part."""

    def release(self) -> None:
        """Give up what was kept to read the rows again."""


@dataclass(frozen=True, slots=True, eq=False)
class PartBlocks:
    """Rows of a model on the grid, their covariates made from the parts of a table each time."""

    parts: Parts
    terms: tuple[Term, ...]
    centre: Array
    grid: kernel.Grid
    leaving: Leaving | None = None

    def added(self, work: Work) -> kernel.Arrays:
        """What the work gives for each block, added in their order."""
        return self.parts.added(self._on_parts(work))

    def joined(self, work: Work) -> kernel.Arrays:
        """What the work gives for each block, one after another in their order."""
        return self.parts.joined(self._on_parts(work))

    def lighter(self, leaving: Leaving) -> PartBlocks:
        """The same rows, those that leave with weight 0."""
        return replace(self, leaving=leaving)

    def _on_parts(self, work: Work) -> _OnPart:
        return _OnPart(work, self.terms, self.centre, self.grid, self.leaving)


@dataclass(frozen=True, slots=True, eq=False)
class _OnPart:
    """Work on a block as work on the part that it is made from; it may be sent away."""

    work: Work
    terms: tuple[Term, ...]
    centre: Array
    grid: kernel.Grid
    leaving: Leaving | None

    def __call__(self, part: Part) -> kernel.Arrays:
        n = len(part.followed.exit)
        x = design_matrix(columns_of(self.terms, part.frame), n, self.centre)
        placed = part.followed.placed(x, self.grid)
        return self.work(placed if self.leaving is None else self.leaving.lightened(placed))


def joined(found: Iterable[kernel.Arrays]) -> kernel.Arrays:
    """What some parts gave, one after another."""
    return tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))


def filled(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """Blocks of so many rows whatever the sizes that come, text as codes of its levels."""
    waiting: list[pa.RecordBatch] = []
    n = 0
    for batch in batches:
        waiting.append(batch)
        n += batch.num_rows
        while n >= size:
            table = pa.Table.from_batches(waiting)
            yield _coded(table.slice(0, size))
            waiting, n = table.slice(size).to_batches(), n - size
    if n:
        yield _coded(pa.Table.from_batches(waiting))


def _coded(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            coded = table.column(place).combine_chunks().dictionary_encode()
            table = table.set_column(place, field.name, coded)
    return table
