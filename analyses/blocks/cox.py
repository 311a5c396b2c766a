"""Cox models of cohorts larger than memory: the sums go to the rows, not the rows to the sums.

What every row needs whatever its covariates (time, event, entry, weight, stratum, its place on the
grid: some 40 bytes) is held; the covariates are read anew in each pass and never held: streamed
from DuckDB block by block, or read where they are by Spark's executors, which send back the sums of
their partitions. Risk-set sums add over blocks (analyses/kernels/cox.py), so the estimates are
those of one block to 1e-10. A search takes about ten passes: two for each of four or five
evaluations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from analyses.blocks.duckdb_table import DuckDBTable
from analyses.blocks.learnt import gathered_design
from analyses.blocks.parts import Held, PartBlocks, Table
from analyses.blocks.spark_table import SparkTable, is_spark
from analyses.estimators.cox import model_of
from analyses.estimators.cox_asked import Asked, asking
from analyses.estimators.cox_held import AskedBefore
from analyses.estimators.cox_prepared import (
    Prepared,
    centred_offset,
    require_fit_for_purpose,
    strata_of,
    weighting_of,
    whole_numbers,
)
from analyses.estimators.cox_rows import Followed, Rows
from analyses.estimators.survival_data import SurvivalData, survival_data
from analyses.estimators.terms import Declared, TermSpec, declared, learn
from analyses.kernels import cox as kernel
from analyses.results.cox import CoxModel
from cohort.errors import AnalysisError, Problem, listed, suggest

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
    levels: Mapping[str, Sequence[str]] | None = None,
) -> CoxModel:
    """`cox` of a DuckDB relation or a Spark frame, or of a lazy Narwhals frame over one, unheld.

    Parameters
    ----------
    relation
        A table, view or query of DuckDB whose rows come in the same order each time, as those of
        a table or of files do; it is read some ten times. A Spark frame is kept by the executors
        (on their disks where memory is full) until the fit ends; they need this package installed.
    time, event, terms, entry, strata, weights, cluster, robust, offset, ties, conf_level
        As in `cox`.
    levels
        Order of the levels of text columns, by name; as an ordered categorical has in a frame.

    Returns
    -------
    CoxModel
        As of `cox`, its estimates to 1e-10 the same. Residuals and tests of proportionality
        read the relation again. Of a Spark frame, which the executors let go, there is the test
        with time by Kaplan-Meier only.

    Raises
    ------
    AnalysisError
        As `cox`; and where the rows change their order between two passes, or where there are so
        many different event times that their sums pass 256 MB.

    Notes
    -----
    Checked against `cox` of the same rows in memory (tests/analyses/test_blocks.py,
    test_spark_cox.py).
    """
    asked = asking(time, event, entry, strata, weights, cluster, robust, offset, ties, conf_level)
    known = {name: tuple(found) for name, found in (levels or {}).items()}
    wanted = tuple(_with_levels(term, known) for term in declared(terms))
    table = _table(relation, asked, wanted)
    try:
        model = model_of(_prepared(table, wanted, asked, known), asked)
        if isinstance(table, SparkTable):  # its rows are let go, so they are asked now
            tested = model.proportionality() if model.estimated else None
            return replace(model, rows=AskedBefore(tested))
        return model
    finally:
        table.release()


def _table(relation: Any, asked: Asked, wanted: tuple[Declared, ...]) -> Table:
    """The complete rows of the columns that the model names."""
    native = relation.to_native() if hasattr(relation, "to_native") else relation
    given = (asked.time, asked.event, asked.entry, asked.weights, asked.cluster, asked.offset)
    others = [name for name in dict.fromkeys((*given, *asked.strata)) if name is not None]
    covariates = list(dict.fromkeys(name for term in wanted for name in term.columns))
    known = list(native.columns)
    absent = [name for name in dict.fromkeys([*others, *covariates]) if name not in known]
    if absent:
        raise AnalysisError(
            Problem(
                f"column '{name}'",
                "not in the table",
                f"Columns: {listed(known)}",
                suggest(name, known),
            )
            for name in absent
        )
    if is_spark(native):
        return SparkTable.of(native, others, covariates, asked)
    return DuckDBTable.of(native, others, covariates, asked.time)


def _with_levels(term: Declared, levels: Mapping[str, tuple[str, ...]]) -> Declared:
    """The term with the levels of its column, where it has not its own."""
    of_numbers = term.per != 1 or term.spline_df is not None
    if term.levels is not None or term.name not in levels or term.parts or of_numbers:
        return term
    return replace(term, levels=levels[term.name])


def _prepared(
    table: Table, wanted: tuple[Declared, ...], asked: Asked, levels: Mapping[str, tuple[str, ...]]
) -> Prepared:
    """What is held of the rows, what was learnt of their columns, and where to read those."""
    rows = _survival(table, asked, levels)
    learnt, findings = learn(wanted, table.columns)
    held, strata_levels = _held(rows, asked)
    parts = table.parts(held)
    are_counts = whole_numbers(rows.weights)
    design = gathered_design(parts, learnt, held, are_counts=are_counts)
    _require_small_sums(held.grid, len(design.names))
    blocks = PartBlocks(parts, learnt, design.centre, held.grid)
    return Prepared(
        rows=Rows(blocks, held.followed, held.grid, asked.ties, design, held.shift),
        terms=learnt,
        cluster=held.followed.cluster,
        strata_levels=strata_levels,
        are_counts=are_counts,
        n_input=table.n_input,
        n_missing=table.n_missing,
        findings=findings,
        labels=rows.labels,
        weighting=weighting_of(rows, asked),
    )


def _survival(table: Table, asked: Asked, levels: Mapping[str, tuple[str, ...]]) -> SurvivalData:
    """What is held of every row, checked as in `cox`."""
    others = [name for name in (asked.cluster, asked.offset) if name is not None]
    held = table.held()
    for name in set(asked.strata) & set(levels):
        held[name] = pd.Categorical(held[name], categories=levels[name], ordered=True)
    rows = survival_data(
        held,
        time=asked.time,
        event=asked.event,
        entry=asked.entry,
        weights=asked.weights,
        others=[*others, *asked.strata],
    )
    require_fit_for_purpose(rows, asked)
    return rows


def _held(rows: SurvivalData, asked: Asked) -> tuple[Held, tuple[str, ...]]:
    """The rows on the grid of their event times, and the labels of the strata."""
    stratum, strata_levels = strata_of(rows.frame, asked.strata)
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
        None if asked.cluster is None else rows.frame[asked.cluster].factorize()[0],
    )
    return Held(rows, followed, grid, shift), strata_levels


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
