"""What became of HER2 between two specimens: counts, shares and agreement, by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from cohort.agreement import Kappa, TableTest
from cohort.schema import HER2_GROUPS
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd


# Kinds of specimen that make a pair, the first first. No specimen is of both kinds of a pair.
BEFORE = ("primary", "before_treatment")
RELAPSES = ("metastasis", "recurrence", "metastasis_or_recurrence")
PAIRS: tuple[tuple[str, str], ...] = (
    *((first, second) for first in BEFORE for second in RELAPSES),
    ("before_treatment", "after_neoadjuvant"),
    ("first", "last"),
)


@dataclass(frozen=True, slots=True)
class Share:
    """Pairs of `total` that are so, as a share with Wilson's limits; None of no pair at all."""

    n: int
    total: int
    estimate: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True)
class Transition:
    """The pairs of one group of patients.

    Attributes
    ----------
    group
        Level of the column that makes the groups; None for all patients.
    counts
        Pairs by HER2-zero, -low and -positive, rows the first specimen, columns the second.
    shares
        Of each row, the share in each column.
    n_unclassified
        Pairs of which one specimen or both are in none of the three groups.
    changed, higher, lower
        Pairs in another group in the second specimen, in a higher, in a lower one.
    kappas
        Without weights, with linear and with quadratic ones.
    tests
        Bowker's of symmetry, Stuart and Maxwell's of marginal homogeneity.
    """

    group: str | None
    counts: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[Share, ...], ...]
    n_unclassified: int
    changed: Share
    higher: Share
    lower: Share
    kappas: tuple[Kappa, ...]
    tests: tuple[TableTest, ...]

    @property
    def n(self) -> int:
        """Pairs of which both specimens are in one of the three groups."""
        return sum(map(sum, self.counts))


@dataclass(frozen=True, slots=True)
class PairCounts:
    """How the pairs came about, in patients.

    Attributes
    ----------
    patients
        Of the cohort.
    only_first, only_second, neither
        With usable specimens of the one kind only, or of neither.
    several_first, several_second
        With several usable specimens of a kind, of which one was taken.
    one_only
        Not paired, with one dated specimen, which is both the first and the last.
    not_later
        Not paired, as all dated specimens are of the same day.
    second_earlier
        Paired though the second specimen is dated before the first.
    pairs
        Paired, classified or not.
    """

    patients: int
    only_first: int
    only_second: int
    neither: int
    several_first: int
    several_second: int
    one_only: int
    not_later: int
    second_earlier: int
    pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class Her2Change:
    """HER2 of two specimens of the same patients.

    Attributes
    ----------
    first, second
        Kinds of specimen paired.
    by
        Column whose levels have a table each; None where there are none.
    formed
        How the pairs came about.
    transitions
        All patients first, then one group a level.
    unclassified
        (status of the first, status of the second, pairs) outside of the three groups.
    n_without_group
        Pairs of patients whose `by` is missing: in the table of all, in none of a level.
    conf_level
        Of all limits.
    """

    first: str
    second: str
    by: str | None
    formed: PairCounts
    transitions: tuple[Transition, ...]
    unclassified: tuple[tuple[str, str, int], ...]
    n_without_group: int
    conf_level: float
    findings: tuple[Finding, ...] = ()

    @property
    def overall(self) -> Transition:
        """The table of all patients."""
        return self.transitions[0]

    @property
    def summary(self) -> pd.DataFrame:
        """One row a cell: group, status of first and second, pairs, share of its row, limits."""
        import pandas as pd

        return pd.DataFrame(list(self._cells()))

    @property
    def agreement(self) -> pd.DataFrame:
        """One row a kappa, test or share of change, in the tidy columns."""
        import pandas as pd

        return pd.DataFrame([row for t in self.transitions for row in _agreement(t)])

    def _cells(self) -> Iterator[dict[str, Any]]:
        for t in self.transitions:
            for i, first in enumerate(HER2_GROUPS):
                for j, second in enumerate(HER2_GROUPS):
                    share = t.shares[i][j]
                    yield {
                        "group": t.group,
                        "first": first,
                        "second": second,
                        "n": share.n,
                        "n_row": share.total,
                        "estimate": share.estimate,
                        "conf_low": share.conf_low,
                        "conf_high": share.conf_high,
                    }

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            "first": self.first,
            "second": self.second,
            "by": self.by,
            "formed": asdict(self.formed),
            "groups": list(HER2_GROUPS),
            "transitions": [_plain(asdict(t) | {"n": t.n}) for t in self.transitions],
            "unclassified": [list(row) for row in self.unclassified],
            "n_without_group": self.n_without_group,
            "conf_level": self.conf_level,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def _repr_html_(self) -> str:
        """The table of all patients and its kappa, readable in a notebook."""
        table = self.overall
        head = "".join(f"<th>{escape(name)}</th>" for name in HER2_GROUPS)
        rows = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{n}</td>' for n in counts)}</tr>"
            for name, counts in zip(HER2_GROUPS, table.counts, strict=True)
        )
        value = table.kappas[0].estimate
        kappa = f"kappa {value:.2f}" if value is not None else table.kappas[0].reason
        return (
            f"<p><b>HER2, {escape(self.first)} (rows) to {escape(self.second)}</b>: "
            f"{table.n:,} pairs, {table.changed.n:,} changed; {escape(kappa)}</p>"
            f"<table><tr><th></th>{head}</tr>{rows}</table>"
        )


def _plain(value: Any) -> Any:
    """Tuples as lists, all the way down."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _agreement(table: Transition) -> Iterator[dict[str, Any]]:
    for name in ("changed", "higher", "lower"):
        share: Share = getattr(table, name)
        yield {
            "group": table.group,
            "quantity": name,
            "n": share.total,
            "estimate": share.estimate,
            "std_error": None,
            "statistic": None,
            "df": None,
            "p_value": None,
            "conf_low": share.conf_low,
            "conf_high": share.conf_high,
            "reason": "" if share.total else "no pair",
        }
    for kappa in table.kappas:
        name = "kappa" if kappa.weights == "none" else f"kappa_{kappa.weights}"
        fields = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        values = {field: getattr(kappa, field) for field in fields}
        yield (
            {"group": table.group, "quantity": name, "n": table.n, "df": None}
            | values
            | {"reason": kappa.reason}
        )
    for test in table.tests:
        blank = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"))
        values = {"statistic": test.statistic, "df": test.df, "p_value": test.p_value}
        yield (
            {"group": table.group, "quantity": test.name, "n": table.n}
            | blank
            | values
            | {"reason": test.reason}
        )
