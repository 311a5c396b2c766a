"""Complete rows of one analysis, and their counts, as a second programmer takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from analyses.results.records import Record
from analyses.verification.programs import COUNTS
from analyses.verification.second import Second

if TYPE_CHECKING:
    from analyses.results.frozen import Array

Outcome = Literal["event", "state"]
DECIMALS = 7  # times that agree so far are one time


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """Rows with a value in every column of an analysis.

    Attributes
    ----------
    frame
        The rows, index 0..n-1, the columns named.
    time, event, entry
        Their follow-up; entry is minus infinity where nobody enters late, as `is_late` says.
    n_input, n_missing
        Rows given, and (column, rows without a value in it) where there are any.
    """

    frame: pd.DataFrame
    time: Array
    event: Any
    entry: Array
    is_late: bool
    n_input: int
    n_missing: tuple[tuple[str, int], ...]

    @property
    def n(self) -> int:
        """Complete rows."""
        return len(self.frame)

    def only(self, kept: Any) -> Patients:
        """Some of the rows, by their places or by whether each is kept."""
        frame = self.frame.iloc[kept].reset_index(drop=True)
        rest = (self.time[kept], self.event[kept], self.entry[kept])
        return Patients(frame, *rest, self.is_late, self.n_input, self.n_missing)


def patients(
    frame: pd.DataFrame, endpoint: str, columns: Sequence[str], outcome: Outcome = "event"
) -> Patients:
    """The rows complete in follow-up and in the columns named.

    Of an outcome of several states the first is censoring, and each other one an event.
    """
    time, event, entry = (f"{endpoint}_{part}" for part in ("time", outcome, "entry"))
    late = [entry] if entry in frame else []
    named = list(dict.fromkeys([time, *late, event, *columns]))
    absent = frame[named].isna()
    missing = tuple((name, int(absent[name].sum())) for name in named if absent[name].any())
    rows = frame.loc[~absent.any(axis=1), named].reset_index(drop=True)
    starts = rows[entry].astype(float) if late else pd.Series(-np.inf, index=rows.index)
    exits, entries = _same(rows[time].astype(float), starts, bool(late))
    if outcome == "event":
        happened = rows[event].astype(float).to_numpy() == 1
    else:
        happened = (rows[event] != rows[event].cat.categories[0]).to_numpy()
    return Patients(rows, exits, happened, entries, bool(late), len(frame), missing)


def _same(exits: pd.Series[Any], entries: pd.Series[Any], late: bool) -> tuple[Array, Array]:
    """Times that differ by floating error only, as one time: the smallest of them."""
    every = pd.concat([exits, entries]) if late else exits
    every = every.groupby(every.round(DECIMALS).to_numpy()).transform("min")
    first = every.to_numpy()[: len(exits)]
    return first, every.to_numpy()[len(exits) :] if late else entries.to_numpy()


def levels(values: pd.Series[Any]) -> list[str]:
    """Levels of a column that a row has, in their order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        seen = set(words(values))
        return [level for level in map(str, values.cat.categories) if level in seen]
    return sorted(set(words(values)))


def words(values: pd.Series[Any]) -> pd.Series[str]:
    """Values as the words that records name levels by: 2.0 is ``2`` where all are whole."""
    if pd.api.types.is_float_dtype(values.dtype) and (values % 1 == 0).all():
        return values.astype("int64").astype(str)
    return values.astype(str)


def at_each(times: Array, at: Array) -> Array:
    """How many of the times are at each of `at`."""
    ordered = np.sort(times)
    right = np.searchsorted(ordered, at, "right")
    return (right - np.searchsorted(ordered, at, "left")).astype(float)


def before_each(times: Array, at: Array) -> Array:
    """How many of the times are before each of `at`."""
    return np.searchsorted(np.sort(times), at, "left").astype(float)


def strata(rows: Patients, columns: Sequence[str]) -> list[Any]:
    """The places of the rows of each stratum; one stratum where there are no columns."""
    if not columns:
        return [np.arange(rows.n)]
    together = rows.frame[list(columns)].astype(str).agg("\x1f".join, axis=1)
    return [np.flatnonzero(together == value) for value in together.unique()]


def counts(analysis: str, kind: str, rows: Patients, n: int | None = None) -> Iterator[Second]:
    """Rows used, given and without a value."""
    used = rows.n if n is None else n
    yield Second(Record(analysis, kind, f"{kind}_patients_used", n=used), COUNTS)
    yield Second(Record(analysis, kind, f"{kind}_rows_given", n=rows.n_input), COUNTS)
    for column, missing in rows.n_missing:
        record = Record(analysis, kind, f"{kind}_rows_missing", term=column, n=missing)
        yield Second(record, COUNTS)
