"""How far groups differ in what was known beforehand, before and after weighting or matching."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.records import Record, checked

if TYPE_CHECKING:
    import pandas as pd

KIND = "balance"
THRESHOLD = 0.1
How = Literal["weighting", "matching"]


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """Absolute standardised difference of one column between two groups, before and after.

    Both over the spread of the unweighted patients before. None with a reason where it is not
    estimable. `missing` marks the share of patients without a value of the column.
    """

    column: str
    group_a: str
    group_b: str
    before: float | None
    after: float | None
    reason: str | None
    missing: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Balance:
    """Standardised differences of every column and pair of groups, before and after.

    Attributes
    ----------
    by, groups, how
        Column of the groups, those compared, and ``weighting`` or ``matching``.
    columns
        In the order asked for.
    rows
        One a column and pair; after them, for columns that have missing values, the pair's
        difference in the share without a value.
    """

    by: str
    groups: tuple[str, ...]
    how: How
    columns: tuple[str, ...]
    rows: tuple[BalanceRow, ...]

    @property
    def largest(self) -> tuple[float | None, float | None]:
        """The largest difference before and after."""
        before = [row.before for row in self.rows if row.before is not None]
        after = [row.after for row in self.rows if row.after is not None]
        return max(before, default=None), max(after, default=None)

    @property
    def unbalanced(self) -> tuple[BalanceRow, ...]:
        """Rows whose difference after is above 0.1."""
        return tuple(row for row in self.rows if row.after is not None and row.after > THRESHOLD)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a column and pair."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows]).astype(
            {"before": float, "after": float}
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "by": self.by,
            "groups": list(self.groups),
            "how": self.how,
            "columns": list(self.columns),
            "rows": [asdict(row) for row in self.rows],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a difference, before and after, and how many after are above 0.1."""
        del unit
        return checked(self.each_record(analysis, KIND))

    def each_record(self, analysis: str, kind: str) -> Iterator[Record]:
        """The records, of an analysis of some kind."""
        for row in self.rows:
            term = f"{row.column} missing" if row.missing else row.column
            for level, value in (("before", row.before), ("after", row.after)):
                yield Record(
                    analysis,
                    kind,
                    "standardised_difference",
                    group=row.group_b,
                    term=term,
                    level=level,
                    reference=row.group_a,
                    estimate=value,
                    status="ok" if value is not None else "not_estimable",
                    reason=row.reason if value is None else None,
                )
        yield Record(analysis, kind, "unbalanced", n=len(self.unbalanced))

    def plot(self, ax: Any = None) -> Any:
        """Love plot: every column, pairs side by side, before and after; the named artists."""
        from analyses.plots.love import plot_love

        return plot_love(self, ax=ax)

    def _repr_html_(self) -> str:
        """The differences as a readable table in a notebook."""
        head = f"<p><b>Balance</b> by {escape(self.by)} before and after {self.how}</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))
