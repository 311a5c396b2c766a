"""What Table 1 says: the groups' patients, column by column, and how far the groups differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

RowKind = Literal["mean_sd", "median_iqr", "n_percent", "missing"]
_QUANTITY = {"mean_sd": "mean", "median_iqr": "median", "n_percent": "share", "missing": "missing"}


class Smd(NamedTuple):
    """Absolute standardised difference of one column between two groups.

    `value` is None with a `reason` where it is not estimable.
    """

    column: str
    group_a: str
    group_b: str
    value: float | None
    reason: str | None


class GroupTest(NamedTuple):
    """A test that a column is distributed alike in all groups.

    `test` names what was used: ``Kruskal-Wallis``, ``chi-square``, ``Fisher`` or ``Fisher
    (simulated)``. Values are None with a `reason` where there is nothing to test.
    """

    column: str
    test: str
    statistic: float | None
    df: int | None
    p_value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class TableOneRow:
    """One line of Table 1; the tuples run parallel to `TableOne.groups`.

    Attributes
    ----------
    column, level
        The column, and the level for ``n_percent`` (None otherwise).
    kind
        ``mean_sd``, ``median_iqr``, ``n_percent`` or ``missing``.
    n
        Patients: with a value (``mean_sd``, ``median_iqr``), at the level (``n_percent``),
        without a value (``missing``). Never weighted.
    estimate
        Mean, median, or a share from 0 to 1: of patients with a value (``n_percent``), of all
        (``missing``). Weighted where weights are given. None where nobody has a value.
    sd
        Standard deviation (``mean_sd``), else None throughout.
    low, high
        First and third quartile (``median_iqr``), else None throughout.
    """

    column: str
    level: str | None
    kind: RowKind
    n: tuple[int, ...]
    estimate: tuple[float | None, ...]
    sd: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TableOne:
    """Characteristics of the groups, with standardised differences of each pair.

    Attributes
    ----------
    by, groups, n
        The column of the groups, their levels in order, and their patients.
    weighted_n, effective_n
        Sums of weights and Kish's effective sizes by group; None without weights.
    columns, rows
        The columns described, and their lines in order.
    smd
        (column, group_a, group_b, value or None, reason) for each pair of groups.
    tests
        (column, test, statistic, df, p_value, reason); empty unless asked for.
    weights
        The column of weights, or None.
    n_input, n_missing
        Rows given, and (column, rows left out) for the group and the weights; missing values
        of the columns described are rows of the table instead.
    """

    by: str
    groups: tuple[str, ...]
    n: tuple[int, ...]
    weighted_n: tuple[float, ...] | None
    effective_n: tuple[float, ...] | None
    columns: tuple[str, ...]
    rows: tuple[TableOneRow, ...]
    smd: tuple[Smd, ...]
    tests: tuple[GroupTest, ...]
    weights: str | None
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def largest_smd(self) -> tuple[Smd, ...]:
        """For each column the pair that differs most; the first reason where none is estimable."""
        found = []
        for column in self.columns:
            pairs = [smd for smd in self.smd if smd.column == column]
            known = [smd for smd in pairs if smd.value is not None]
            if pairs:
                found.append(max(known, key=lambda smd: smd.value or 0.0) if known else pairs[0])
        return tuple(found)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a column, level, kind and group, as numbers."""
        import pandas as pd

        rows = [
            {
                "term": row.column,
                "level": row.level,
                "kind": row.kind,
                "group": group,
                "n": row.n[i],
                "estimate": row.estimate[i],
                "sd": row.sd[i],
                "low": row.low[i],
                "high": row.high[i],
            }
            for row in self.rows
            for i, group in enumerate(self.groups)
        ]
        return pd.DataFrame(rows).astype(dict.fromkeys(("estimate", "sd", "low", "high"), float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        names = ("by", "groups", "n", "weighted_n", "effective_n", "columns", "weights", "n_input")
        plain = {name: getattr(self, name) for name in names}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in plain.items()
        } | {
            "n_missing": dict(self.n_missing),
            "rows": [_plain_row(row) for row in self.rows],
            "smd": [smd._asdict() for smd in self.smd],
            "tests": [test._asdict() for test in self.tests],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number; quartiles and standard deviations are records of their own."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        kind = "table_one"
        yield from left_out_records(analysis, kind, sum(self.n), self.n_input, self.n_missing)
        for i, group in enumerate(self.groups):
            yield Record(analysis, kind, "patients", group=group, n=self.n[i])
            for quantity in ("weighted_n", "effective_n"):
                values = getattr(self, quantity)
                if values is not None:
                    yield Record(analysis, kind, quantity, group=group, estimate=values[i])
        for row in self.rows:
            yield from _row_records(analysis, row, self.groups)
        for smd in self.smd:
            yield Record(
                analysis,
                kind,
                "standardised_difference",
                group=smd.group_b,
                reference=smd.group_a,
                term=smd.column,
                estimate=smd.value,
                status="ok" if smd.value is not None else "not_estimable",
                reason=smd.reason,
            )
        for test in self.tests:
            yield Record(
                analysis,
                kind,
                f"test_{test.test}",
                term=test.column,
                statistic=test.statistic,
                df=test.df,
                p_value=test.p_value,
                status="ok" if test.p_value is not None else "not_estimable",
                reason=test.reason,
            )

    def _repr_html_(self) -> str:
        """The numbers as a readable table in a notebook, one column a group."""
        table = self.summary.pivot_table(
            index=["term", "kind", "level"],
            columns="group",
            values=["n", "estimate"],
            sort=False,
            dropna=False,
            observed=True,
        )
        head = " ".join(f"{g}: {n:,}." for g, n in zip(self.groups, self.n, strict=True))
        return (
            f"<p><b>Table 1</b> by {escape(self.by)}. {escape(head)}</p>{table.to_html(na_rep='')}"
        )


def stratum_id(analysis: str, level: str) -> str:
    """The name under which the table of one stratum has its records."""
    return f"{analysis}.within.{level}"


def _row_records(analysis: str, row: TableOneRow, groups: tuple[str, ...]) -> Iterator[Record]:
    """A line's records: its estimate by group, and spread or quartiles where it has them."""
    quantity = _QUANTITY[row.kind]
    for i, group in enumerate(groups):
        part = Record(
            analysis,
            "table_one",
            quantity,
            group=group,
            term=row.column,
            level=row.level,
            n=row.n[i],
            estimate=row.estimate[i],
        )
        if row.estimate[i] is None:
            yield replace(part, status="not_estimable", reason="no patient has a value")
        else:
            yield part
        for name, values in (("sd", row.sd), ("quartile_1", row.low), ("quartile_3", row.high)):
            if values[i] is not None:
                yield replace(part, quantity=name, estimate=values[i])


def _plain_row(row: TableOneRow) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(row).items()
    }
