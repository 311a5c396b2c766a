"""Rows of a Spark frame, summed where they are: each partition gives its part of the sums.

Work travels to the executors by `mapInArrow`, as a function of this package with its arguments
(coefficients, hazards by time), and comes back as a few arrays a block: for 20 columns and 4,000
event times 1.4 MB. The executors make of each block's columns what the driver made of them: codes
of strata and clusters, times whose near-ties are merged over all rows, places on the grid.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from analyses.blocks import parts
from analyses.blocks.parts import Held, Part
from analyses.estimators.cox_rows import Followed
from analyses.kernels import cox as kernel
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem

if TYPE_CHECKING:
    from analyses.estimators.cox_asked import Asked

_ANSWER = "place int, number int, arrays binary"
_INSTALL = (
    "The executors sum the rows: install this package in their Python, or name one that has it in "
    "PYSPARK_PYTHON before the session starts."
)
_SCHEMA = pa.schema([("place", pa.int32()), ("number", pa.int32()), ("arrays", pa.binary())])


def is_spark(table: Any) -> bool:
    """Whether a table is Spark's, classic or over the network."""
    return type(table).__module__.startswith("pyspark.sql")


@dataclass(frozen=True, slots=True, eq=False)
class SparkTable(Mapping[str, Any]):
    """The complete rows of a Spark frame, kept by the executors until `release`."""

    frame: Any
    others: tuple[str, ...]
    covariates: tuple[str, ...]
    asked: Asked
    n_input: int
    n_missing: tuple[tuple[str, int], ...]

    @classmethod
    def of(
        cls, frame: Any, others: Sequence[str], covariates: Sequence[str], asked: Asked
    ) -> SparkTable:
        """The frame's complete rows, and how many each column leaves out."""
        from pyspark import StorageLevel
        from pyspark.sql import functions as f

        wanted = list(dict.fromkeys([*others, *covariates]))
        kinds = {field.name: field.dataType.typeName() for field in frame.schema.fields}
        chosen = frame.select(*(_plain(name, kinds[name]) for name in wanted))
        missing = {name: _missing(name, kinds[name]) for name in wanted}
        counts = [f.count(f.when(is_missing, 1)) for is_missing in missing.values()]
        n_input, *found = chosen.agg(f.count(f.lit(1)), *counts).first()
        for name, n in zip(wanted, found, strict=True):
            if n:
                chosen = chosen.filter(~missing[name])
        kept = chosen.persist(StorageLevel.MEMORY_AND_DISK)
        left_out = tuple((name, n) for name, n in zip(wanted, found, strict=True) if n)
        return cls(kept, tuple(others), tuple(covariates), asked, int(n_input), left_out)

    @property
    def columns(self) -> Mapping[str, Any]:
        """What `learn` needs to know of each column."""
        return self

    def __getitem__(self, name: str) -> pd.Series[Any]:
        """A column of numbers whole, of anything else its different values."""
        column = self.frame.select(_quoted(name))
        if column.schema[0].dataType.typeName() in ("string", "boolean"):
            column = column.distinct()
        values: pd.Series[Any] = column.toArrow().to_pandas()[name]
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self.covariates)

    def __len__(self) -> int:
        return len(self.covariates)

    def held(self) -> pd.DataFrame:
        """Columns other than covariates, of every row, partition after partition."""
        return _frame(self.frame.select(*map(_quoted, self.others)).toArrow())

    def parts(self, held: Held) -> SparkParts:
        """The rows by their partitions."""
        return SparkParts(self.frame, _Reading.of(held, self.asked))

    def release(self) -> None:
        """Let the executors forget the rows."""
        self.frame.unpersist()


@dataclass(frozen=True, slots=True, eq=False)
class SparkParts:
    """The rows of a kept frame; work on them is sent to the executors."""

    frame: Any
    reading: _Reading

    def added(self, work: Callable[[Part], kernel.Arrays]) -> kernel.Arrays:
        """What the work gives for each part, added in their order."""
        return kernel.added(self._answers(work, whole=False))

    def joined(self, work: Callable[[Part], kernel.Arrays]) -> kernel.Arrays:
        """What the work gives for each part, one after another in their order."""
        return parts.joined(self._answers(work, whole=True))

    def _answers(
        self, work: Callable[[Part], kernel.Arrays], *, whole: bool
    ) -> Iterator[kernel.Arrays]:
        from pyspark.errors import PySparkException

        task = _Task(self.reading, work, whole, parts.BLOCK)
        try:
            answers = self.frame.mapInArrow(task, _ANSWER).toArrow()
        except PySparkException as error:
            if "ModuleNotFoundError" not in str(error):
                raise
            found = next(x for x in str(error).splitlines() if "ModuleNotFoundError" in x)
            raise AnalysisError(Problem("cox_blocks", found.strip(), "", _INSTALL)) from None
        for arrays in answers.sort_by([("place", "ascending"), ("number", "ascending")])["arrays"]:
            yield pickle.loads(arrays.as_py())  # written by the task below


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """Work on a partition: its blocks' arrays added, or each of them."""

    reading: _Reading
    work: Callable[[Part], kernel.Arrays]
    whole: bool
    block: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        context = TaskContext.get()
        place = 0 if context is None else context.partitionId()
        tables = parts.filled(batches, self.block)
        found = (self.work(self.reading.part(table.to_pandas())) for table in tables)
        if not self.whole:
            total = kernel.added(found)
            found = (arrays for arrays in [total] if arrays)
        for number, arrays in enumerate(found):
            columns = [[place], [number], [pickle.dumps(arrays)]]
            yield pa.RecordBatch.from_arrays(
                [pa.array(c, kind) for c, kind in zip(columns, _SCHEMA.types, strict=True)],
                schema=_SCHEMA,
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """How the rows of a part are followed, as learnt from all of them.

    Attributes
    ----------
    strata, cluster
        Values by their codes; None where there are none.
    raw, merged
        Times as they came, ascending, and with near-ties made ties; empty where they are the same.
    """

    asked: Asked
    grid: kernel.Grid
    shift: float
    strata: pd.Index[Any] | None
    cluster: pd.Index[Any] | None
    raw: Array
    merged: Array

    @classmethod
    def of(cls, held: Held, asked: Asked) -> _Reading:
        """What all rows tell of each."""
        frame, followed = held.rows.frame, held.followed
        strata = cluster = None
        if asked.strata:
            strata = _key(frame.iloc[_firsts(followed.stratum)], asked.strata)
        if asked.cluster is not None and followed.cluster is not None:
            cluster = _key(frame.iloc[_firsts(followed.cluster)], (asked.cluster,))
        raw, merged = frame[asked.time].to_numpy(dtype=float), held.rows.time
        if asked.entry is not None and held.rows.entry is not None:
            raw = np.concatenate([raw, frame[asked.entry].to_numpy(dtype=float)])
            merged = np.concatenate([merged, held.rows.entry])
        if np.array_equal(raw, merged):
            raw = merged = np.zeros(0)
        raw, first = np.unique(raw, return_index=True)
        return cls(asked, held.grid, held.shift, strata, cluster, raw, merged[first])

    def part(self, frame: pd.DataFrame) -> Part:
        """Some rows as the driver would follow them."""
        asked = self.asked
        n = len(frame)
        stratum = np.zeros(n, dtype=np.intp)
        if self.strata is not None:
            stratum = self.strata.get_indexer(_key(frame, asked.strata))
        time = self._times(frame, asked.time)
        entry = None if asked.entry is None else self._times(frame, asked.entry)
        followed = Followed(
            stratum,
            time,
            frame[asked.event].to_numpy(dtype=float) == 1,
            kernel.places(self.grid, stratum, time),
            None if entry is None else kernel.places(self.grid, stratum, entry),
            entry,
            _numbers(frame, asked.weights),
            None if asked.offset is None else _values(frame, asked.offset) - self.shift,
            self._clusters(frame),
        )
        return Part(frame, followed)

    def _times(self, frame: pd.DataFrame, name: str) -> Array:
        values = _values(frame, name)
        return self.merged[np.searchsorted(self.raw, values)] if len(self.raw) else values

    def _clusters(self, frame: pd.DataFrame) -> npt.NDArray[np.intp] | None:
        if self.cluster is None or self.asked.cluster is None:
            return None
        return self.cluster.get_indexer(_key(frame, (self.asked.cluster,)))


def _firsts(codes: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The first row of each code, in the order of the codes."""
    return np.unique(codes, return_index=True)[1]


def _key(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.Index[Any]:
    """Values by which rows are told apart."""
    columns = [_uncoded(frame[name]) for name in names]
    return pd.Index(columns[0]) if len(names) == 1 else pd.MultiIndex.from_arrays(columns)


def _uncoded(values: pd.Series[Any]) -> pd.Series[Any]:
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return values
    return values.astype(values.cat.categories.dtype)


def _values(frame: pd.DataFrame, name: str) -> Array:
    return frame[name].to_numpy(dtype=float)


def _numbers(frame: pd.DataFrame, name: str | None) -> Array | None:
    return None if name is None else _values(frame, name)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _plain(name: str, kind: str) -> Any:
    """A column; decimal numbers as floating ones, which kernels add."""
    from pyspark.sql import functions as f

    column = f.col(_quoted(name))
    return column.cast("double").alias(name) if kind.startswith("decimal") else column


def _missing(name: str, kind: str) -> Any:
    """The condition that a value is missing; not-a-number is, as in a data frame."""
    from pyspark.sql import functions as f

    column = f.col(_quoted(name))
    return column.isNull() | f.isnan(column) if kind in ("double", "float") else column.isNull()


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
