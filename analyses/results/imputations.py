"""What multiple imputation gave: the values drawn, how they were drawn, whether chains settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from analyses.results.frozen import Array
from analyses.results.records import Record, checked
from analyses.results.terms import as_text
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "imputation"
MFrom = Literal["given", "data"]
STUCK = "each chain keeps to a value of its own"
LARGEST_R_HAT = 1.1  # above which a chain is said not to have converged


@dataclass(frozen=True, slots=True, eq=False)
class ImputedColumn:
    """One column whose missing values were drawn.

    Attributes
    ----------
    method
        ``pmm``, ``logistic``, ``multinomial`` or ``ordered``.
    levels
        Of a category, those with an observed value; empty for a number.
    n_missing, n_observed
        Among the patients of the imputation.
    rows
        Places, in the data given, of those that lacked the value.
    values
        What was drawn (m x n_missing): numbers, or places among the levels.
    among
        Condition on the patients whom its model was fitted to, in words; empty for everybody.
    """

    name: str
    method: str
    levels: tuple[str, ...]
    n_missing: int
    n_observed: int
    rows: npt.NDArray[np.intp]
    values: Array
    among: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One number of what was drawn for a column, by imputation and iteration.

    Attributes
    ----------
    quantity
        ``mean`` or ``sd`` of a number, ``share`` of a category's level.
    values
        m x iterations; NaN where not defined.
    r_hat
        Of the chains, each in halves, the first fifth of the iterations aside; None where the
        chains hold too little to tell, with the reason.
    """

    column: str
    quantity: str
    level: str | None
    values: Array
    r_hat: float | None
    reason: str | None = None

    @property
    def converged(self) -> bool:
        """Whether nothing speaks against it."""
        if self.r_hat is None:
            return self.reason != STUCK
        return self.r_hat <= LARGEST_R_HAT


@dataclass(frozen=True, slots=True, eq=False)
class Imputations:
    """Values drawn m times for what is missing, with all that a reader needs to judge them.

    Attributes
    ----------
    columns
        Those that lacked values, in the order given.
    predictors
        Columns that were complete, and only predicted.
    outcome
        Column of time and those of events; each event's indicator and cumulative hazard is in
        every conditional model.
    m, m_from, iterations, donors, seed
        How often values were drawn, whether m was given or taken from the share of incomplete
        patients; cycles of each chain; donors of predictive mean matching.
    within
        Columns within whose groups everything was done apart.
    n, n_incomplete, n_input, n_without_outcome
        Patients of the imputation, those among them who lack something, rows given, and rows
        without time or event, which are left out.
    kept
        Places, in the data given, of the patients of the imputation.
    """

    columns: tuple[ImputedColumn, ...]
    predictors: tuple[str, ...]
    outcome: tuple[str, ...]
    traces: tuple[Trace, ...]
    m: int
    m_from: MFrom
    iterations: int
    donors: int
    seed: int
    within: tuple[str, ...]
    n: int
    n_incomplete: int
    n_input: int
    n_without_outcome: int
    kept: npt.NDArray[np.intp]
    findings: tuple[Finding, ...] = ()

    @property
    def not_converged(self) -> tuple[str, ...]:
        """Columns of which some chain did not settle."""
        return tuple(dict.fromkeys(t.column for t in self.traces if not t.converged))

    @property
    def summary(self) -> pd.DataFrame:
        """One row a column: method, levels, missing, observed, largest R-hat."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "column": c.name,
                    "method": c.method,
                    "n": c.n_missing + c.n_observed,
                    "n_missing": c.n_missing,
                    "r_hat": self.largest_r_hat(c.name),
                }
                for c in self.columns
            ]
        ).astype({"r_hat": float})

    def largest_r_hat(self, column: str) -> float | None:
        """Of the column's traces; None where none is defined."""
        known = [t.r_hat for t in self.traces if t.column == column and t.r_hat is not None]
        return max(known, default=None)

    def completed(self, data: pd.DataFrame, number: int) -> pd.DataFrame:
        """The data with the values of one imputation (from 0); rows without outcome left out.

        Parameters
        ----------
        data
            The frame that was imputed, unchanged.
        number
            Which imputation, below `m`.

        Raises
        ------
        AnalysisError
            Where the frame is another one: more or fewer rows, values where some were missing.
        """
        if not 0 <= number < self.m:
            raise ValueError(f"imputations count from 0 to {self.m - 1}, not {number}")
        if len(data) != self.n_input:
            raise _other(f"{len(data)} rows; {self.n_input} were imputed")
        made = data.copy(deep=False)
        for column in self.columns:
            made[column.name] = _filled(data[column.name], column, number)
        return made.iloc[self.kept] if len(self.kept) < len(made) else made

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: choices, counts and diagnostics; the values drawn are left out."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: list(getattr(self, name)) for name in ("predictors", "outcome", "within")},
            "columns": [
                {k: getattr(c, k) for k in ("name", "method", "n_missing", "n_observed", "among")}
                | {"levels": list(c.levels), "r_hat": self.largest_r_hat(c.name)}
                for c in self.columns
            ],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: m, patients, missing values and R-hat by column."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield Record(analysis, KIND, "imputations", level=self.m_from, estimate=float(self.m))
        yield Record(analysis, KIND, "iterations", estimate=float(self.iterations))
        yield Record(analysis, KIND, "incomplete_patients", n=self.n_incomplete)
        yield Record(analysis, KIND, "imputed_patients", n=self.n)
        yield Record(analysis, KIND, "rows_without_outcome", n=self.n_without_outcome)
        for column in self.columns:
            yield Record(
                analysis,
                KIND,
                "imputed_values",
                term=column.name,
                level=column.method,
                n=column.n_missing,
            )
        for trace in self.traces:
            yield Record(
                analysis,
                KIND,
                f"r_hat_{trace.quantity}",
                term=trace.column,
                level=trace.level,
                estimate=trace.r_hat,
                status="ok" if trace.r_hat is not None else "not_estimable",
                reason=trace.reason,
            )

    def plot(self, ax: Any = None) -> Any:
        """Traces of what was drawn, a line an imputation; returns the named artists."""
        from analyses.plots.imputation_traces import plot_imputation_traces

        return plot_imputation_traces(self, ax=ax)

    def _repr_html_(self) -> str:
        """Columns, methods and R-hat as a readable table in a notebook."""
        head = (
            f"<p><b>{self.m} imputations</b> of {self.n:,} patients, {self.n_incomplete:,} of them "
            f"incomplete; {self.iterations} iterations, seed {self.seed}</p>"
        )
        return head + str(self.summary.to_html(index=False, na_rep=""))


_PLAIN = (
    *("m", "m_from", "iterations", "donors", "seed", "n", "n_incomplete", "n_input"),
    "n_without_outcome",
)


def _filled(given: pd.Series[Any], column: ImputedColumn, number: int) -> pd.Series[Any]:
    """The column with the values drawn, its kind kept; a category without order gets one."""
    import pandas as pd

    if not given.iloc[column.rows].isna().all():
        raise _other(f"column '{column.name}' has values that were missing")
    drawn = column.values[number]
    if not column.levels:
        values = given.to_numpy(dtype=float, na_value=np.nan).copy()
        values[column.rows] = drawn
        return pd.Series(values, index=given.index, name=given.name)
    places = drawn.astype(np.intp)
    if isinstance(given.dtype, pd.CategoricalDtype):
        known = [str(level) for level in given.dtype.categories]
        codes = given.cat.codes.to_numpy(dtype=np.intp, copy=True)
        codes[column.rows] = np.array([known.index(level) for level in column.levels])[places]
        made = pd.Categorical.from_codes(codes, dtype=given.dtype)
        return pd.Series(made, index=given.index, name=given.name)
    if set(column.levels) <= {"True", "False"}:
        flags = given.eq(True).to_numpy(dtype=bool, na_value=False).copy()
        flags[column.rows] = np.array([level == "True" for level in column.levels])[places]
        return pd.Series(flags, index=given.index, name=given.name)
    codes = np.zeros(len(given), dtype=np.intp)
    there = given.notna().to_numpy()
    levels = pd.Index(column.levels, dtype=object)
    codes[there] = levels.get_indexer(pd.Index(as_text(given[there])))
    codes[column.rows] = places
    made = pd.Categorical.from_codes(codes, categories=levels, ordered=True)
    return pd.Series(made, index=given.index, name=given.name)


def _other(found: str) -> AnalysisError:
    advice = "Give the data that were imputed, unchanged."
    return AnalysisError(Problem("imputations", found, advice=advice))
