"""Rows of a DuckDB relation, streamed anew each time in the order in which it gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.blocks import parts
from analyses.blocks.parts import Held, Part
from analyses.kernels import cox as kernel
from cohort.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class DuckDBTable(Mapping[str, Any]):
    """The complete rows of a relation; as a mapping, what `learn` needs to know of each column."""

    relation: Any
    others: tuple[str, ...]
    covariates: tuple[str, ...]
    time: str
    n_input: int
    n_missing: tuple[tuple[str, int], ...]

    @classmethod
    def of(
        cls, relation: Any, others: Sequence[str], covariates: Sequence[str], time: str
    ) -> DuckDBTable:
        """The relation with its complete rows, and how many each column leaves out."""
        wanted = tuple(dict.fromkeys([*others, *covariates]))
        types = dict(zip(relation.columns, relation.types, strict=True))
        missing = {name: _missing(name, types[name]) for name in wanted}
        counts = ", ".join(f"count(*) FILTER ({words})" for words in missing.values())
        n_input, *found = relation.aggregate(f"count(*), {counts}").fetchone()
        left_out: tuple[tuple[str, int], ...] = ()
        if sum(found):
            left_out = tuple((name, n) for name, n in zip(wanted, found, strict=True) if n)
            relation = relation.filter(" AND ".join(f"NOT ({words})" for words in missing.values()))
        return cls(relation, tuple(others), tuple(covariates), time, int(n_input), left_out)

    @property
    def columns(self) -> Mapping[str, Any]:
        """What `learn` needs to know of each column."""
        return self

    def __getitem__(self, name: str) -> pd.Series[Any]:
        """A column of numbers whole, of anything else its different values."""
        column = self.relation.project(_quoted(name))
        if not _is_number(column.types[0]):
            column = column.distinct().order(_quoted(name))
        values: pd.Series[Any] = column.df()[name]
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self.covariates)

    def __len__(self) -> int:
        return len(self.covariates)

    def held(self) -> pd.DataFrame:
        """Columns other than covariates, of every row."""
        frame: pd.DataFrame = self.relation.project(", ".join(map(_quoted, self.others))).df()
        return frame

    def parts(self, held: Held) -> StreamedParts:
        """The rows part by part."""
        return StreamedParts(self, held)

    def release(self) -> None:
        """Nothing is kept."""

    def frames(self) -> Iterator[pd.DataFrame]:
        """Covariates of some rows, and their times, which tell whether the order has changed."""
        names = list(dict.fromkeys([*self.covariates, self.time]))
        chosen = self.relation.project(", ".join(map(_quoted, names)))
        for table in parts.filled(chosen.to_arrow_reader(parts.BLOCK), parts.BLOCK):
            yield table.to_pandas()


@dataclass(frozen=True, slots=True, eq=False)
class StreamedParts:
    """The rows of a relation part by part, beside what is held of them."""

    table: DuckDBTable
    held: Held

    def added(self, work: Callable[[Part], kernel.Arrays]) -> kernel.Arrays:
        """What the work gives for each part, added in their order."""
        return kernel.added(work(part) for part in self._parts())

    def joined(self, work: Callable[[Part], kernel.Arrays]) -> kernel.Arrays:
        """What the work gives for each part, one after another in their order."""
        return parts.joined(work(part) for part in self._parts())

    def _parts(self) -> Iterator[Part]:
        first = 0
        for frame in self.table.frames():
            time = frame[self.table.time].to_numpy(dtype=float)
            followed = self.held.followed.part(slice(first, first + len(time)))
            own = followed.exit
            if len(own) < len(time) or (np.abs(own - time) > 1e-6 * np.abs(time)).any():
                raise AnalysisError(_OTHER_ORDER)
            yield Part(frame, followed)
            first += len(time)
        if first != len(self.held.followed.exit):
            raise AnalysisError(_OTHER_ORDER)


_OTHER_ORDER = Problem(
    "cox_blocks",
    "the relation gave its rows in another order than before",
    advice="Give a table or a file, not a query whose order is open: materialise it first.",
)


def _missing(name: str, kind: Any) -> str:
    """The condition that a value is missing; not-a-number is, as in a data frame."""
    words = f"{_quoted(name)} IS NULL"
    return f"{words} OR isnan({_quoted(name)})" if str(kind) in ("DOUBLE", "FLOAT") else words


def _is_number(kind: Any) -> bool:
    return str(kind).startswith(
        ("DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER")
    ) or ("INT" in str(kind))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
