"""Chances of each group given what was known beforehand, and how far the groups overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analyses.results.frozen import Array
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from analyses.results.terms import Term
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "propensity"
Places = npt.NDArray[np.intp]
NUMBERS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True)
class LogOdds:
    """Log odds ratio of a group against the reference group, for one column of the model."""

    group: str
    reference_group: str
    term: str
    level: str | None
    reference: str | None
    n: int
    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """How the chance of being of group `score_of` is spread among the patients of `group`.

    Attributes
    ----------
    n
        Patients of `group`.
    counts
        Those among them in each of the equal bins of the chance from 0 to 1.
    lowest, highest
        Of the chance among them.
    n_outside
        Those whose chance lies where some other group has nobody (below the largest of the
        groups' lowest, or above the smallest of their highest).
    """

    score_of: str
    group: str
    n: int
    counts: Array
    lowest: float
    highest: float
    n_outside: int


@dataclass(frozen=True, slots=True, eq=False)
class Propensity:
    """A multinomial logistic model of the groups, with each patient's chances.

    Attributes
    ----------
    by, groups, n
        Column of the groups, their levels in order (the first is the reference of the log odds),
        and complete patients of each.
    coefficients
        One for each group but the first and each column of the terms.
    log_likelihood, log_likelihood_null, df, p_value
        Likelihood-ratio test that the terms say nothing of the groups.
    overlap
        For each group whose chance it is, and each group of patients.
    terms
        As declared and learnt.
    rows, codes, scores
        Places in the data of the complete rows, group of each, and chance of each group (rows x
        groups); None once let go (`without_rows`).
    """

    by: str
    groups: tuple[str, ...]
    n: tuple[int, ...]
    coefficients: tuple[LogOdds, ...]
    log_likelihood: float
    log_likelihood_null: float
    df: int
    p_value: float
    conf_level: float
    overlap: tuple[Overlap, ...]
    terms: tuple[Term, ...]
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    rows: Places | None = field(default=None, repr=False)
    codes: Places | None = field(default=None, repr=False)
    scores: Array | None = field(default=None, repr=False)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a log odds ratio."""
        import pandas as pd

        return pd.DataFrame([asdict(c) for c in self.coefficients])

    @property
    def n_outside(self) -> tuple[int, ...]:
        """By group, patients outside of the common range of the chance of their own group."""
        return tuple(o.n_outside for g in self.groups for o in self.overlap if _own(o, g))

    def without_rows(self) -> Propensity:
        """The same without the patients' chances."""
        return replace(self, rows=None, codes=None, scores=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; the patients' chances are left out."""
        names = ("by", "log_likelihood", "log_likelihood_null", "df", "p_value", "conf_level")
        return {
            **{name: getattr(self, name) for name in (*names, "n_input")},
            "groups": list(self.groups),
            "n": list(self.n),
            "n_missing": dict(self.n_missing),
            "coefficients": [asdict(c) for c in self.coefficients],
            "overlap": [
                {name: getattr(o, name) for name in _OVERLAP} | {"counts": o.counts.tolist()}
                for o in self.overlap
            ],
            "terms": [asdict(term) for term in self.terms],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: log odds ratios, the test of all terms, overlap, rows."""
        del unit
        return checked(self.each_record(analysis, KIND))

    def each_record(self, analysis: str, kind: str) -> Iterator[Record]:
        """The records, of an analysis of some kind."""
        yield from left_out_records(analysis, KIND, sum(self.n), self.n_input, self.n_missing)
        for c in self.coefficients:
            yield Record(
                analysis,
                kind,
                "log_odds_ratio",
                group=c.group,
                term=c.term,
                level=c.level if c.reference is None else f"{c.level} (against {c.reference})",
                reference=c.reference_group,
                n=c.n,
                **{name: getattr(c, name) for name in NUMBERS},
            )
        yield Record(
            analysis,
            kind,
            "propensity_test",
            term=self.by,
            n=sum(self.n),
            statistic=2 * (self.log_likelihood - self.log_likelihood_null),
            df=self.df,
            p_value=self.p_value,
        )
        for o in self.overlap:
            yield Record(
                analysis,
                kind,
                "outside_common_range",
                group=o.group,
                term=o.score_of,
                n=o.n_outside,
            )

    def plot(self, ax: Any = None) -> Any:
        """Chances by group, one panel for each group whose chance it is; the named artists."""
        from analyses.plots.overlap import plot_overlap

        return plot_overlap(self, ax=ax)

    def _repr_html_(self) -> str:
        """Overlap and sizes as a readable table in a notebook."""
        import pandas as pd

        table = pd.DataFrame([{name: getattr(o, name) for name in _OVERLAP} for o in self.overlap])
        head = (
            f"<p><b>Propensity</b> for {escape(self.by)} by multinomial logistic regression, "
            f"{sum(self.n):,} patients</p>"
        )
        return head + str(table.to_html(index=False, na_rep=""))


_OVERLAP = ("score_of", "group", "n", "lowest", "highest", "n_outside")


def _own(overlap: Overlap, group: str) -> bool:
    return overlap.score_of == group == overlap.group
