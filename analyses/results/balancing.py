"""Weights that make groups alike: for whom, how large, and how many patients they leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.frozen import Array
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

Estimand = Literal["ate", "att", "ato"]
KIND = "weighting"


@dataclass(frozen=True, slots=True)
class GroupWeights:
    """Weights of one group.

    Attributes
    ----------
    total, mean, largest
        Sum of the weights, their mean, and the largest.
    largest_share
        The largest weight's part of the group's total.
    effective_n
        Kish's effective size, (sum w)^2 / sum w^2: as many equal weights would tell as much.
    n_low, n_high
        Patients whose weight was raised or lowered to the bounds of truncation.
    """

    group: str
    n: int
    total: float
    mean: float
    largest: float
    largest_share: float
    effective_n: float
    n_low: int
    n_high: int


@dataclass(frozen=True, slots=True, eq=False)
class BalancingWeights:
    """Weights of every patient, and the population that the weighted groups stand for.

    Attributes
    ----------
    estimand, target
        ``ate``: all patients; ``att``: those of group `target`; ``ato``: patients who could have
        been of any group (overlap weights).
    truncate, bounds
        Quantiles of all weights together to which they were truncated, and the weights there;
        None where they were not.
    groups
        One a group, in their order.
    values
        Weight of each row of the propensity; None once let go.
    """

    by: str
    estimand: Estimand
    target: str | None
    truncate: tuple[float, float] | None
    bounds: tuple[float, float] | None
    groups: tuple[GroupWeights, ...]
    findings: tuple[Finding, ...] = ()
    values: Array | None = field(default=None, repr=False)

    @property
    def population(self) -> str:
        """The population whose mean the weighted groups show."""
        if self.estimand == "att":
            return f"patients of {self.target}"
        return "all patients" if self.estimand == "ate" else "patients who could be of any group"

    @property
    def summary(self) -> pd.DataFrame:
        """One row a group."""
        import pandas as pd

        return pd.DataFrame([asdict(group) for group in self.groups])

    def without_rows(self) -> BalancingWeights:
        """The same without the patients' weights."""
        return replace(self, values=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; the patients' weights are left out."""
        names = ("by", "estimand", "target", "population")
        return {
            **{name: getattr(self, name) for name in names},
            "truncate": None if self.truncate is None else list(self.truncate),
            "bounds": None if self.bounds is None else list(self.bounds),
            "groups": [asdict(group) for group in self.groups],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number."""
        del unit
        return checked(self.each_record(analysis, KIND))

    def each_record(self, analysis: str, kind: str) -> Iterator[Record]:
        """The records, of an analysis of some kind."""
        for g in self.groups:
            for name in ("total", "mean", "largest", "largest_share", "effective_n"):
                quantity = name if name == "effective_n" else f"weight_{name}"
                yield Record(
                    analysis, kind, quantity, group=g.group, n=g.n, estimate=getattr(g, name)
                )
            yield Record(analysis, kind, "weight_raised", group=g.group, n=g.n_low)
            yield Record(analysis, kind, "weight_lowered", group=g.group, n=g.n_high)
        if self.truncate is not None and self.bounds is not None:
            for share, bound in zip(self.truncate, self.bounds, strict=True):
                yield Record(analysis, kind, "weight_bound", level=f"{share:g}", estimate=bound)

    def _repr_html_(self) -> str:
        """Sizes as a readable table in a notebook."""
        head = f"<p><b>Weights</b> by {escape(self.by)} for {escape(self.population)}</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))
