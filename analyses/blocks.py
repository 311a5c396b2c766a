"""Cox models of cohorts larger than memory: covariates streamed from DuckDB, block by block.

What every row needs whatever its covariates (time, event, entry, weight, stratum, its place on the
grid: some 40 bytes) is held; the covariates are read anew in each pass and never held. Risk-set
sums add over blocks (analyses/kernels/cox.py), so the estimates are those of one block to 1e-10.
A search takes about ten passes: two for each of four or five evaluations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analyses.estimators.cox import (
    Asked,
    Prepared,
    asking,
    centred_offset,
    model_of,
    require_fit_for_purpose,
    strata_of,
    whole_numbers,
)
from analyses.estimators.cox_design import named_columns
from analyses.estimators.cox_rows import Design, Followed, Rows
from analyses.estimators.survival_data import SurvivalData, survival_data
from analyses.estimators.terms import Declared, TermSpec, declared, learn
from analyses.kernels import cox as kernel
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from analyses.results.terms import Column, Term, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed, suggest

if TYPE_CHECKING:
    import pandas as pd

BLOCK = 1 << 17  # rows of a block
LARGEST_SUMS = 256 << 20  # bytes of the table of risk-set sums


def cox_blocks(
    relation: Any,
    *,
    time: str,
    event: str,
    terms: Sequence[TermSpec],
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    offset: str | None = None,
    ties: str = "efron",
    conf_level: float = 0.95,
) -> CoxModel:
    """`cox` of a DuckDB relation, or of a lazy Narwhals frame over one, without holding it.

    Parameters
    ----------
    relation
        A table, view or query of DuckDB whose rows come in the same order each time, as those of
        a table or of files do. It is read some ten times.
    time, event, terms, entry, strata, weights, cluster, robust, offset, ties, conf_level
        As in `cox`.

    Returns
    -------
    CoxModel
        As of `cox`, its estimates to 1e-10 the same.

    Raises
    ------
    AnalysisError
        As `cox`; and where the rows change their order between two passes, or where there are so
        many different event times that their sums pass 256 MB.
    """
    asked = asking(time, event, entry, strata, weights, cluster, robust, offset, ties, conf_level)
    return model_of(_prepared(relation, declared(terms), asked), asked)


def _prepared(relation: Any, wanted: tuple[Declared, ...], asked: Asked) -> Prepared:
    """What is held of the rows, what was learnt of their columns, and where to read those."""
    covariates = tuple(dict.fromkeys(name for term in wanted for name in term.columns))
    table = _table(relation, asked, covariates)
    rows = _survival(table, asked)
    learnt, findings = learn(wanted, table)
    stratum, strata_levels = strata_of(rows.frame, asked.strata)
    codes = None if asked.cluster is None else rows.frame[asked.cluster].factorize()[0]
    shift_of, shift = centred_offset(rows, asked.offset)
    grid = kernel.grid_of(rows.time[rows.event], stratum[rows.event], len(strata_levels))
    followed = Followed(
        stratum,
        rows.time,
        rows.event,
        kernel.places(grid, stratum, rows.time),
        None if rows.entry is None else kernel.places(grid, stratum, rows.entry),
        rows.entry,
        rows.weights,
        shift_of,
    )
    are_counts = whole_numbers(rows.weights)
    design = _Design(learnt, rows, table, rows.weights if are_counts else None).found()
    _require_small_sums(grid, len(design.names))
    blocks = _Blocks(table, learnt, followed, grid, design.centre)
    return Prepared(
        rows=Rows(blocks, followed, grid, asked.ties, design, shift),
        terms=learnt,
        cluster=codes,
        strata_levels=strata_levels,
        are_counts=are_counts,
        n_input=table.n_input,
        n_missing=table.n_missing,
        findings=findings,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table(Mapping[str, Any]):
    """The complete rows of a relation; as a mapping, what `learn` needs to know of each column."""

    relation: Any
    held: tuple[str, ...]
    covariates: tuple[str, ...]
    time: str
    n_input: int
    n_missing: tuple[tuple[str, int], ...]

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

    def batches(self) -> Iterator[tuple[pd.DataFrame, Array]]:
        """Covariates of some rows, and their times, which tell whether the order has changed."""
        names = list(dict.fromkeys([*self.covariates, self.time]))
        reader = self.relation.project(", ".join(map(_quoted, names))).to_arrow_reader(BLOCK)
        for batch in _filled(reader):
            frame = batch.to_pandas()
            yield frame, frame[self.time].to_numpy(dtype=float)


def _filled(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Blocks of `BLOCK` rows whatever the sizes that come, text as codes of its levels."""
    waiting: list[pa.RecordBatch] = []
    n = 0
    for batch in reader:
        waiting.append(batch)
        n += batch.num_rows
        while n >= BLOCK:
            table = pa.Table.from_batches(waiting)
            yield _coded(table.slice(0, BLOCK))
            waiting, n = table.slice(BLOCK).to_batches(), n - BLOCK
    if n:
        yield _coded(pa.Table.from_batches(waiting))


def _coded(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            coded = table.column(place).combine_chunks().dictionary_encode()
            table = table.set_column(place, field.name, coded)
    return table


def _table(relation: Any, asked: Asked, covariates: tuple[str, ...]) -> _Table:
    """The relation with its complete rows, and how many each column leaves out."""
    relation = relation.to_native() if hasattr(relation, "to_native") else relation
    given = (asked.time, asked.event, asked.entry, asked.weights, asked.cluster, asked.offset)
    held = tuple(dict.fromkeys(name for name in (*given, *asked.strata) if name is not None))
    wanted = tuple(dict.fromkeys([*held, *covariates]))
    absent = [name for name in wanted if name not in relation.columns]
    if absent:
        raise AnalysisError(
            Problem(
                f"column '{name}'",
                "not in the table",
                f"Columns: {listed(relation.columns)}",
                suggest(name, relation.columns),
            )
            for name in absent
        )
    types = dict(zip(relation.columns, relation.types, strict=True))
    missing = {name: _missing(name, types[name]) for name in wanted}
    counts = ", ".join(f"count(*) FILTER ({words})" for words in missing.values())
    n_input, *found = relation.aggregate(f"count(*), {counts}").fetchone()
    complete = relation.filter(" AND ".join(f"NOT ({words})" for words in missing.values()))
    if sum(found):
        left_out = tuple((name, n) for name, n in zip(wanted, found, strict=True) if n)
    else:
        left_out, complete = (), relation
    return _Table(complete, held, covariates, asked.time, int(n_input), left_out)


def _survival(table: _Table, asked: Asked) -> SurvivalData:
    """What is held of every row, checked as in `cox`."""
    frame = table.relation.project(", ".join(map(_quoted, table.held))).df()
    others = [name for name in (asked.cluster, asked.offset) if name is not None]
    rows = survival_data(
        frame,
        time=asked.time,
        event=asked.event,
        entry=asked.entry,
        weights=asked.weights,
        others=[*others, *asked.strata],
    )
    require_fit_for_purpose(rows, asked)
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """The rows on the grid, block by block, read anew each time."""

    table: _Table
    terms: tuple[Term, ...]
    followed: Followed
    grid: kernel.Grid
    centre: Array

    def __iter__(self) -> Iterator[kernel.Placed]:
        first = 0
        for frame, time in self.table.batches():
            held = self.followed.exit[first : first + len(time)]
            if len(held) < len(time) or (np.abs(held - time) > 1e-6 * np.abs(time)).any():
                raise AnalysisError(_OTHER_ORDER)
            x = design_matrix(columns_of(self.terms, frame), len(time), self.centre)
            yield self.followed.block(x, first, self.grid)
            first += len(time)
        if first != len(self.followed.exit):
            raise AnalysisError(_OTHER_ORDER)


_OTHER_ORDER = Problem(
    "cox_blocks",
    "the relation gave its rows in another order than before",
    advice="Give a table or a file, not a query whose order is open: materialise it first.",
)


class _Design:
    """What is known of each column before the fit, gathered block by block."""

    def __init__(
        self, terms: tuple[Term, ...], rows: SurvivalData, table: _Table, counts: Array | None
    ) -> None:
        self.names, self.factors = named_columns(terms)
        self.terms, self.table, self.event = terms, table, rows.event
        self.patients = np.ones(rows.n) if counts is None else counts
        p = len(self.names)
        self.low, self.high = np.full(p, np.inf), np.full(p, -np.inf)
        self.total, self.square, self.n, self.deaths = np.zeros((4, p))
        self.start = np.zeros(p)
        self.is_level: npt.NDArray[np.bool_] = np.zeros(p, dtype=bool)

    def found(self) -> Design:
        """The columns' means, spreads, rows and events."""
        first = 0
        for frame, time in self.table.batches():
            rows = slice(first, first + len(time))
            first = rows.stop
            for place, column in enumerate(columns_of(self.terms, frame)):
                self._add(place, column, rows)
        n_rows = len(self.event)
        shifted = self.total / n_rows
        centre = self.start + shifted
        spread = np.sqrt(np.maximum(self.square / n_rows - shifted**2, 0.0))
        reach = np.maximum(centre - self.low, self.high - centre)
        n, deaths = np.rint(self.n).astype(np.intp), np.rint(self.deaths).astype(np.intp)
        n_all, n_event = self.patients.sum(), self.patients[self.event].sum()
        return Design(
            self.names,
            centre,
            spread,
            reach,
            self.is_level,
            n,
            deaths,
            int(n_all),
            int(n_event),
            self.factors,
        )

    def _add(self, place: int, column: Column, rows: slice) -> None:
        values = column.values.astype(float)
        if rows.start == 0:
            self.start[place] = values.mean()
            self.is_level[place] = column.number is None
        self.low[place] = min(self.low[place], values.min())
        self.high[place] = max(self.high[place], values.max())
        away = values - self.start[place]
        self.total[place] += away.sum()
        self.square[place] += np.square(away).sum()
        patients = self.patients[rows]
        if column.member is not None:
            patients = patients * column.member
        self.n[place] += patients.sum()
        self.deaths[place] += patients[self.event[rows]].sum()


def _require_small_sums(grid: kernel.Grid, p: int) -> None:
    size = len(grid.time) * (2 * p + 5) * 8
    if size > LARGEST_SUMS:
        raise AnalysisError(
            Problem(
                "cox_blocks",
                f"{len(grid.time):,} different event times x {p} columns need sums of "
                f"{size >> 20} MB a block, more than {LARGEST_SUMS >> 20} MB",
                advice="Give times in whole days or months, or fit the model in memory by `cox`.",
            )
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
