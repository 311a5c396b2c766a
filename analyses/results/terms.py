"""Terms of a model as learnt: how each covariate was turned into columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from analyses.kernels.parts import shared
from cohort.errors import AnalysisError, Problem, listed

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.frozen import Array

Kind = Literal["number", "category", "spline", "interaction", "over_time"]
PIECE_END = "\x00end of the piece"  # column of a frame whose follow-up was cut; no user has it
LOG_TIME = "log(time)"
CHUNK = 8192  # rows a pass when the matrix is filled: a chunk stays in the processor's cache
BETWEEN = " × "  # joins the parts of an interaction; no column or level is ever parsed from it


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of a design matrix: a number where the row belongs to a level, else 0.

    `member` is None where every row belongs, `number` None where the number is 1.
    """

    member: npt.NDArray[np.bool_] | None = None
    number: npt.NDArray[np.float64] | None = None

    def times(self, other: Column) -> Column:
        """The column of an interaction."""
        return Column(_both(self.member, other.member), _both(self.number, other.number))

    @property
    def values(self) -> npt.NDArray[np.float64] | npt.NDArray[np.bool_]:
        """The column as numbers, or as booleans where it only says who belongs."""
        if self.number is None or self.member is None:
            given = self.member if self.number is None else self.number
            assert given is not None
            return given
        return np.where(self.member, self.number, 0.0)


@dataclass(frozen=True, slots=True)
class Term:
    """How one covariate became columns of a model, so that new patients get the same columns.

    Asked for: name, reference level, scale, degrees of freedom of a spline. Learnt: the levels
    seen, the knots. A level that was not seen before is an error, never a silent zero.

    Attributes
    ----------
    name
        The table's column; for an interaction the parts' names joined.
    kind
        ``number``, ``category``, ``spline`` or ``interaction``.
    levels
        Levels of a category that were seen, in the declared order, the reference among them.
    reference
        Level that every other one is compared with.
    unobserved
        Levels declared but without a complete row.
    per
        A number's coefficient is for this many units of its column.
    knots
        Knots of a spline, in the column's units.
    parts
        Terms of an interaction; of a term over time the term itself.
    cuts
        Of a term over time: ends of its periods; without them it changes with log(time).
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    reference: str | None = None
    unobserved: tuple[str, ...] = ()
    per: float = 1.0
    knots: tuple[float, ...] = ()
    parts: tuple[Term, ...] = ()
    cuts: tuple[float, ...] = ()

    @property
    def periods(self) -> tuple[str, ...]:
        """Words for the times of a term over time, in the unit of follow-up."""
        if not self.cuts:
            return ("", LOG_TIME)
        inner = [f"{a:g} to {b:g}" for a, b in itertools.pairwise(self.cuts)]
        return (f"up to {self.cuts[0]:g}", *inner, f"after {self.cuts[-1]:g}")

    @property
    def in_time(self) -> tuple[tuple[str | None, str | None, str], ...]:
        """(level, reference, period) of each column of a term over time."""
        own = self.parts[0].labels
        if self.cuts:
            return tuple((*label, when) for label in own for when in self.periods)
        return tuple((*label, when) for when in self.periods for label in own)

    @property
    def labels(self) -> tuple[tuple[str | None, str | None], ...]:
        """(level, reference) of each column, in the order of `columns`."""
        if self.kind == "number":
            return ((None, None),)
        if self.kind == "category":
            return tuple((x, self.reference) for x in self.levels if x != self.reference)
        if self.kind == "spline":
            return tuple((f"spline {k}", None) for k in range(1, len(self.knots)))
        if self.kind == "over_time":
            return tuple((_joined([level, when or None]), ref) for level, ref, when in self.in_time)
        return tuple(
            (_joined(level for level, _ in pair), _joined(reference for _, reference in pair))
            for pair in itertools.product(*(part.labels for part in self.parts))
        )

    def columns(self, frame: pd.DataFrame) -> list[Column]:
        """Columns of the frame's rows, which must be complete, in the order of `labels`."""
        if self.kind == "category":
            codes = self.codes(frame)
            places = [i for i, level in enumerate(self.levels) if level != self.reference]
            return [Column(member=codes == i) for i in places]
        if self.kind == "interaction":
            first, second = (part.columns(frame) for part in self.parts)
            return [a.times(b) for a, b in itertools.product(first, second)]
        if self.kind == "over_time":
            return self._over_time(frame)
        numbers = frame[self.name].to_numpy(dtype=float)
        if self.kind == "spline":
            curves = (_spline(numbers, self.knots, k) for k in range(len(self.knots) - 1))
            return [Column(number=curve / self.per) for curve in curves]
        return [Column(number=numbers if self.per == 1 else numbers / self.per)]

    def _over_time(self, frame: pd.DataFrame) -> list[Column]:
        """Columns of pieces of follow-up: each in its period, or times the logarithm of its end."""
        own = self.parts[0].columns(frame)
        end = frame[PIECE_END].to_numpy(dtype=float)
        if self.cuts:
            period = np.searchsorted(self.cuts, end, side="left")
            masks = [Column(member=period == k) for k in range(len(self.cuts) + 1)]
            return [column.times(mask) for column in own for mask in masks]
        # No event is at time 0 (refused before): a piece that ends there is never at risk.
        log = Column(number=np.log(np.where(end > 0, end, 1.0)))
        return own + [column.times(log) for column in own]

    def codes(self, frame: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Place of each row's level among `levels`; a level not seen before is an error."""
        import pandas as pd

        values = frame[self.name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            seen = [str(level) for level in values.cat.categories]
            place = np.array([_place(level, self.levels) for level in seen] or [-1])
            found = np.where(values.isna(), -1, values.cat.codes.to_numpy(dtype=np.int64))
            codes = np.where(found >= 0, place[found], -1)
        else:
            text = pd.Index(as_text(values))
            codes = pd.Index(self.levels, dtype=object).get_indexer(text)
        if (codes < 0).any():
            wrong = sorted({str(value) for value in values[codes < 0].unique()})
            raise AnalysisError(
                Problem(
                    f"term '{self.name}'",
                    f"values that the model did not see: {listed(wrong)}",
                    f"Levels: {listed(self.levels)}",
                    "Leave these rows out, or fit the model on rows that hold the level.",
                )
            )
        return np.asarray(codes, dtype=np.int64)


def as_text(values: pd.Series[Any]) -> pd.Series[str]:
    """Values as the words in which levels are declared: whole floating numbers lose their ".0"."""
    import pandas as pd

    if pd.api.types.is_float_dtype(values.dtype):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        if (numbers[np.isfinite(numbers)] % 1 == 0).all() and np.isfinite(numbers).all():
            return pd.Series(numbers.astype(np.int64), index=values.index).astype(str)
    return values.astype(str)


def columns_of(terms: tuple[Term, ...], frame: pd.DataFrame) -> list[Column]:
    """Columns of every term, in order."""
    return [column for term in terms for column in term.columns(frame)]


def design_matrix(
    columns: list[Column],
    rows: npt.NDArray[np.intp] | int,
    centre: Array | None = None,
) -> Array:
    """The rows in the order given, or all n (n x p, row by row in memory), less `centre`.

    Filled some rows at a time, which then stay in cache: 0.07 s for 1.1 million rows x 20 columns.
    """
    values = [column.values for column in columns]
    n = rows if isinstance(rows, int) else len(rows)
    matrix = np.empty((n, len(columns)))

    def fill(start: int, end: int) -> None:
        for first in range(start, end, CHUNK):
            some = slice(first, min(first + CHUNK, end))
            chosen = some if isinstance(rows, int) else rows[some]
            for place, column in enumerate(values):
                matrix[some, place] = column[chosen]
            if centre is not None:
                matrix[some] -= centre

    shared(fill, n)
    return matrix


def _place(level: str, levels: tuple[str, ...]) -> int:
    return levels.index(level) if level in levels else -1


def _joined(parts: Iterable[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return BETWEEN.join(known) if known else None


def _both(first: Any, second: Any) -> Any:
    """Product of two parts, of which either may be absent."""
    if first is None or second is None:
        return second if first is None else first
    return first & second if first.dtype == bool else first * second


def _spline(x: Array, knots: tuple[float, ...], k: int) -> Array:
    """Column k of Harrell's restricted cubic spline; column 0 is the number itself."""
    if k == 0:
        return x
    knot, before, last = knots[k - 1], knots[-2], knots[-1]

    def cubed(place: float) -> Array:
        return np.asarray(np.maximum(x - place, 0.0) ** 3)

    curve = cubed(knot) - cubed(before) * (last - knot) / (last - before)
    curve += cubed(last) * (before - knot) / (last - before)
    return np.asarray(curve / (last - knots[0]) ** 2)
