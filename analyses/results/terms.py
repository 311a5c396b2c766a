"""Terms of a model as learnt: how each covariate was turned into columns."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from cohort.errors import AnalysisError, Problem, listed

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.frozen import Array

Kind = Literal["number", "category", "spline", "interaction"]
ColumnMaker = Callable[[], "npt.NDArray[np.float64] | npt.NDArray[np.bool_]"]
BETWEEN = " × "  # joins the parts of an interaction; no column or level is ever parsed from it


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
        Terms of an interaction.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    reference: str | None = None
    unobserved: tuple[str, ...] = ()
    per: float = 1.0
    knots: tuple[float, ...] = ()
    parts: tuple[Term, ...] = ()

    @property
    def labels(self) -> tuple[tuple[str | None, str | None], ...]:
        """(level, reference) of each column, in the order of `columns`."""
        if self.kind == "number":
            return ((None, None),)
        if self.kind == "category":
            return tuple((x, self.reference) for x in self.levels if x != self.reference)
        if self.kind == "spline":
            return tuple((f"spline {k}", None) for k in range(1, len(self.knots)))
        return tuple(
            (_joined(level for level, _ in pair), _joined(reference for _, reference in pair))
            for pair in itertools.product(*(part.labels for part in self.parts))
        )

    def columns(self, frame: pd.DataFrame) -> Iterator[ColumnMaker]:
        """Functions that make the columns of the design matrix, one after the other.

        Booleans for levels, floats for numbers; rows are those of the frame, which must be
        complete. Functions, not arrays, so that a large matrix is never held twice.
        """
        if self.kind == "category":
            codes = self.codes(frame)
            for place, level in enumerate(self.levels):
                if level != self.reference:
                    yield lambda place=place: codes == place  # type: ignore[misc]
        elif self.kind == "interaction":
            makers = [list(part.columns(frame)) for part in self.parts]
            for product in itertools.product(*makers):
                yield lambda product=product: _product([make() for make in product])  # type: ignore[misc]
        elif self.kind == "spline":
            values = frame[self.name].to_numpy(dtype=float)
            for k in range(len(self.knots) - 1):
                yield lambda k=k: _spline(values, self.knots, k) / self.per  # type: ignore[misc]
        else:
            yield lambda: frame[self.name].to_numpy(dtype=float) / self.per

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


def design_matrix(terms: tuple[Term, ...], frame: pd.DataFrame) -> Array:
    """Rows of the frame under the columns of every term, in order (n x p, row by row in memory)."""
    width = sum(len(term.labels) for term in terms)
    matrix = np.empty((len(frame), width))
    makers = (make for term in terms for make in term.columns(frame))
    for place, make in enumerate(makers):
        matrix[:, place] = make()
    return matrix


def _place(level: str, levels: tuple[str, ...]) -> int:
    return levels.index(level) if level in levels else -1


def _joined(parts: Iterator[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return BETWEEN.join(known) if known else None


def _product(
    columns: list[npt.NDArray[np.float64] | npt.NDArray[np.bool_]],
) -> npt.NDArray[np.float64]:
    result = np.ones(len(columns[0]))
    for column in columns:
        result *= column
    return result


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
