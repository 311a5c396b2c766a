"""Who lacks what: missing values by column, by group, and which are missing together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.records import Record, checked

if TYPE_CHECKING:
    import pandas as pd

KIND = "missingness"


@dataclass(frozen=True, slots=True)
class MissingColumn:
    """Patients without a value in one column; `by_group` holds (patients, those without it)."""

    name: str
    n: int
    n_missing: int
    by_group: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class MissingPattern:
    """Patients who lack the same columns; `missing` are those columns, `by_group` counts."""

    missing: tuple[str, ...]
    n: int
    by_group: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Missingness:
    """Missing values by column, group and pattern.

    Attributes
    ----------
    columns
        In the order given, also those that lack nothing.
    patterns
        The most frequent first; the one of complete patients among them.
    by, groups
        Column of the groups and their levels in order; empty where there are none. Patients
        without a group are a group of their own, the last.
    n, n_complete
        Patients, and those who lack nothing.
    """

    columns: tuple[MissingColumn, ...]
    patterns: tuple[MissingPattern, ...]
    by: str | None
    groups: tuple[str, ...]
    sizes: tuple[int, ...]
    n: int
    n_complete: int

    @property
    def n_incomplete(self) -> int:
        """Patients who lack something."""
        return self.n - self.n_complete

    @property
    def summary(self) -> pd.DataFrame:
        """One row a column and group (None: all): patients, those without a value, their share."""
        import pandas as pd

        rows = []
        for column in self.columns:
            every: list[str | None] = [None, *self.groups]
            parts = zip(every, ((column.n, column.n_missing), *column.by_group), strict=True)
            for group, (n, lacks) in parts:
                row: dict[str, Any] = {"column": column.name, "group": group, "n": n}
                rows.append(row | {"n_missing": lacks, "estimate": lacks / n if n else None})
        return pd.DataFrame(rows).astype({"estimate": float})

    @property
    def pattern_table(self) -> pd.DataFrame:
        """One row a pattern: which columns are missing together, and in how many patients."""
        import pandas as pd

        names = [column.name for column in self.columns]
        return pd.DataFrame(
            [{name: name in p.missing for name in names} | {"n": p.n} for p in self.patterns]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "patterns": [asdict(pattern) for pattern in self.patterns],
            **{name: getattr(self, name) for name in ("by", "n", "n_complete")},
            "groups": list(self.groups),
            "sizes": list(self.sizes),
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a count: by column and group, and of each pattern."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield Record(analysis, KIND, "missingness_patients", n=self.n)
        yield Record(analysis, KIND, "complete_patients", n=self.n_complete)
        for column in self.columns:
            yield Record(
                analysis, KIND, "missing_values", term=column.name, n=column.n_missing,
                estimate=column.n_missing / column.n if column.n else None,
                reason=None if column.n else "no patient",
            )  # fmt: skip
            for group, (n, lacks) in zip(self.groups, column.by_group, strict=True):
                yield Record(
                    analysis, KIND, "missing_values", group=group, term=column.name, n=lacks,
                    estimate=lacks / n if n else None, reason=None if n else "no patient",
                )  # fmt: skip
        for pattern in self.patterns:
            term = " + ".join(pattern.missing) or "none"
            yield Record(analysis, KIND, "missing_pattern", term=term, n=pattern.n)

    def plot(self, ax: Any = None) -> Any:
        """Map of what is missing together, and the share by group; returns the named artists."""
        from analyses.plots.missingness import plot_missingness

        return plot_missingness(self, ax=ax)

    def _repr_html_(self) -> str:
        """Shares by column as a readable table in a notebook."""
        by = "" if self.by is None else f" by {escape(self.by)}"
        head = (
            f"<p><b>Missing values</b>{by}: {self.n_incomplete:,} of {self.n:,} patients lack "
            "something</p>"
        )
        return head + str(self.summary.to_html(index=False, na_rep="all"))
