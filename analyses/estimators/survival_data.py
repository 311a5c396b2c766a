"""The columns of a survival question as checked arrays, with every row left out counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem, listed, suggest

By = str | Mapping[str, Any]
LARGEST = 1e15  # above it neighbouring whole numbers are one and the same
SMALLEST = 1e-60  # of weights: below it products of a few of them are 0
LOST = 1e-15  # of the largest weight: below it a sum does not change
TIE = float(np.sqrt(np.finfo(float).eps))  # times less apart than this are ties, as in R


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Codes 0..k-1 of the rows and the k labels, in the order of the levels asked for."""

    name: str
    codes: npt.NDArray[np.intp]
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalData:
    """Complete rows of a survival question.

    Attributes
    ----------
    frame
        The complete rows, index 0..n-1, every column that was asked for.
    time, event, entry, weights
        Arrays of length n; near-equal times are made equal. Entry and weights are None
        where not asked for.
    n_input, n_missing
        Rows given, and (column, rows without a value in it); a row may miss several.
    labels
        Index labels that the complete rows had in the data.
    """

    frame: pd.DataFrame
    time: Array
    event: npt.NDArray[np.bool_]
    entry: Array | None
    weights: Array | None
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    labels: pd.Index[Any]

    @property
    def n(self) -> int:
        """Complete rows."""
        return len(self.time)


def as_pandas(data: Any) -> pd.DataFrame:
    """A new pandas frame from a pandas frame or anything that Narwhals reads."""
    if isinstance(data, pd.DataFrame):
        return data.copy(deep=False)
    frame: Any = nw.from_native(data)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    result: pd.DataFrame = frame.to_pandas()
    return result


def survival_data(
    data: Any,
    *,
    time: str,
    event: str,
    entry: str | None = None,
    weights: str | None = None,
    others: Sequence[str] = (),
) -> SurvivalData:
    """Rows complete in every column named, as arrays.

    Raises AnalysisError, listing every problem, for an absent column, a time or weight that is
    not a finite number, is negative or above `LARGEST`, times all closer to 0 than ties are, an
    entry at or after its exit, an event that is not boolean or 0/1, or no complete row. Missing
    values are not an error: those rows are left out and counted in `n_missing`.
    Times closer than floating error are made equal, as R does.
    """
    frame = as_pandas(data)
    numeric = [name for name in (time, entry, weights) if name is not None]
    wanted = list(dict.fromkeys([*numeric, event, *others]))
    require_columns(frame, wanted)
    complete, n_missing, labels = _complete(frame, wanted)
    if complete.empty:
        found = f"no row has a value in all of {listed(wanted)}"
        raise AnalysisError(Problem("", found, advice="Check the selection."))
    problems = [p for name in numeric for p in _numbers(complete, name)]
    problems += _events(complete, event)
    if not problems and weights is not None:
        problems += _vanishing(complete, weights)
    if not problems:
        problems += _scale(complete, time)
    if not problems and entry is not None:
        problems += _entries(complete, entry, time)
    if problems:
        raise AnalysisError(problems)
    entry_values = None if entry is None else complete[entry].to_numpy(dtype=float)
    exits, entries = merge_near_ties(complete[time].to_numpy(dtype=float), entry_values)
    if entries is not None and np.any(entries >= exits):
        n = int((entries >= exits).sum())
        found = f"{n} rows have no length: entry and '{time}' differ by floating error only"
        raise AnalysisError(Problem(f"column '{entry}'", found, advice="Mend or exclude them."))
    return SurvivalData(
        frame=complete,
        time=exits,
        event=_happened(complete[event]),
        entry=entries,
        weights=None if weights is None else complete[weights].to_numpy(dtype=float),
        n_input=len(frame),
        n_missing=n_missing,
        labels=labels,
    )


def by_column(by: By | None) -> str | None:
    """The column that `by` names."""
    return by if by is None or isinstance(by, str) else str(by["name"])


def grouping(frame: pd.DataFrame, by: By) -> Grouping:
    """Group codes in the order of an ordered categorical, of a boolean, or of the levels given.

    A text or number column has no order of its own: give ``{"name": ..., "levels": [...]}``.
    Levels without a row are left out; a value that is not among the levels is an AnalysisError.
    """
    name = by_column(by)
    assert name is not None
    values = frame[name]
    if not isinstance(by, str):
        order = [str(level) for level in by["levels"]]
    elif isinstance(values.dtype, pd.CategoricalDtype):
        order = [str(level) for level in values.cat.categories]
    elif values.dtype == bool:
        order = ["False", "True"]
    else:
        raise AnalysisError(
            Problem(
                f"by '{name}'",
                "a column without declared levels has no group order",
                advice=f"Give {{'name': '{name}', 'levels': [...]}} or an ordered categorical.",
                allowed=f"Values: {listed(sorted(map(str, values.unique())))}",
            )
        )
    coded = pd.Categorical(
        values if isinstance(values.dtype, pd.CategoricalDtype) else values.astype(str)
    )
    seen = [str(level) for level in coded.categories]
    codes = coded.codes.astype(np.intp)
    present = {seen[i] for i in np.flatnonzero(np.bincount(codes, minlength=len(seen)))}
    unknown = sorted(present - set(order))
    if unknown:
        raise AnalysisError(
            Problem(
                f"by '{name}'",
                f"values not among the levels: {listed(unknown)}",
                f"Levels: {listed(order)}",
            )
        )
    levels = tuple(level for level in order if level in present)
    if list(levels) != seen:
        place = [levels.index(level) if level in present else -1 for level in seen]
        codes = np.array(place, dtype=np.intp)[codes]
    return Grouping(name, codes, levels)


def merge_near_ties(time: Array, entry: Array | None = None) -> tuple[Array, Array | None]:
    """Times that differ by less than floating error made equal, as R's aeqSurv (tolerance 1.5e-8).

    Exits and entries are merged on one scale so that an entry equal to an exit stays equal.
    """
    every = time if entry is None else np.concatenate([time, entry])
    # Whole numbers of days or months below this mean are further apart than any tolerance.
    if np.mean(every) < 1e7 and (every == np.floor(every)).all():
        return time, entry
    values, place = np.unique(every, return_inverse=True)
    gaps = np.diff(values)
    scale = np.mean(np.abs(values)) if len(values) else 1.0
    close = (gaps <= TIE) | (gaps / scale <= TIE) if scale > 0 else gaps <= TIE
    if not close.any():
        return time, entry
    first = np.concatenate([[0], np.where(close, 0, np.arange(1, len(values)))])
    merged = values[np.maximum.accumulate(first)][place]
    n = len(time)
    return merged[:n], None if entry is None else merged[n:]


def _complete(
    frame: pd.DataFrame, wanted: Sequence[str]
) -> tuple[pd.DataFrame, tuple[tuple[str, int], ...], pd.Index[Any]]:
    """Rows without a missing value, how many each column leaves out, and their labels before."""
    whole = np.ones(len(frame), dtype=bool)
    counts = []
    for name in wanted:
        missing = frame[name].isna().to_numpy()
        if missing.any():
            counts.append((name, int(missing.sum())))
            whole &= ~missing
    # Where nothing is missing the columns are not copied: registries are large.
    if whole.all():
        columns = {name: frame[name].array for name in wanted}
        return pd.DataFrame(columns, copy=False), tuple(counts), frame.index
    complete = frame.loc[whole, list(wanted)].reset_index(drop=True)
    return complete, tuple(counts), frame.index[whole]


def unused(name: str, columns: Iterable[str]) -> str:
    """The name, with an underline for as long as a column has it already."""
    known = set(map(str, columns))
    while name in known:
        name += "_"
    return name


def require_columns(frame: pd.DataFrame, wanted: Sequence[str]) -> None:
    """AnalysisError for each column that is not in the table, with the nearest that is."""
    known = [str(name) for name in frame.columns]
    absent = [name for name in wanted if name not in known]
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


def _vanishing(frame: pd.DataFrame, name: str) -> list[Problem]:
    """The problem of weights that no sum or product with others can hold."""
    values = frame[name].to_numpy(dtype=float)
    some = values[values > 0]
    if not len(some):
        return []
    where, least = f"column '{name}'", max(SMALLEST, LOST * float(some.max()))
    lost = int((some < least).sum())
    if not lost:
        return []
    return [
        Problem(
            where,
            f"{lost} weights are above 0 but below {least:g}, so small that sums lose them",
            f"0, or from {SMALLEST:g}, and from {LOST:g} of the largest ({some.max():g}).",
            "Divide all weights by their mean, and give 0 to patients who shall take no part.",
        )
    ]


def _numbers(frame: pd.DataFrame, name: str) -> list[Problem]:
    """Problems of a column that must hold finite numbers of at least zero."""
    where = f"column '{name}'"
    if not pd.api.types.is_numeric_dtype(frame[name]) or frame[name].dtype == bool:
        example = str(frame[name].iloc[0])
        return [
            Problem(
                where,
                f"not numbers (for example '{example}')",
                advice="Convert it before the analysis.",
            )
        ]
    values = frame[name].to_numpy(dtype=float)
    wrong = int((~np.isfinite(values) | (values < 0)).sum())
    if wrong:
        return [
            Problem(
                where,
                f"{wrong} values are negative or not finite",
                advice="Mend or exclude these rows.",
            )
        ]
    huge = int((values > LARGEST).sum())
    if huge:
        found = f"{huge} values above {LARGEST:g}, the largest {values.max():g}"
        advice = "Such a number is a code or a mistake: mend or exclude these rows."
        return [Problem(where, found, f"At most {LARGEST:g}", advice)]
    return []


def _scale(frame: pd.DataFrame, time: str) -> list[Problem]:
    """A problem where no two times could be told apart: all would be one tie."""
    last = float(frame[time].to_numpy(dtype=float).max())
    if not 0 < last <= TIE:
        return []
    return [
        Problem(
            f"column '{time}'",
            f"no time above {TIE:.2g} (the largest is {last:g}): all would be ties",
            advice="State the times in a smaller unit, such as days.",
        )
    ]


def _happened(values: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """The events as booleans of our own."""
    if values.dtype == bool:
        return values.to_numpy(copy=True)
    return np.asarray(values.to_numpy(dtype=float) == 1)


def _events(frame: pd.DataFrame, name: str) -> list[Problem]:
    values = frame[name]
    if values.dtype == bool:
        return []
    if isinstance(values.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(values):
        ok = (
            bool(values.isin([True, False]).all())
            and not values.map(lambda v: isinstance(v, str)).any()
        )
    else:
        ok = bool(values.isin([0, 1]).all())
    if ok:
        return []
    seen = listed(sorted(map(str, values.unique())), 5)
    return [
        Problem(
            f"column '{name}'",
            f"an event must be boolean or 0/1, found {seen}",
            advice="Say which value is the event, e.g. data.assign(event=data.status == 'dead').",
        )
    ]


def _entries(frame: pd.DataFrame, entry: str, time: str) -> list[Problem]:
    late = int((frame[entry].to_numpy(dtype=float) >= frame[time].to_numpy(dtype=float)).sum())
    if not late:
        return []
    return [
        Problem(
            f"column '{entry}'",
            f"{late} rows enter at or after their exit in '{time}'",
            advice="Such a row was never observed: exclude it, or mend the dates.",
        )
    ]
