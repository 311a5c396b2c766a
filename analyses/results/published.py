"""Published results as data: what was compared, in whom, how, and where it can be read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["cohort", "meta_analysis", "trial"]
Form = Literal["estimate", "no_limits", "not_significant", "direction", "absolute", "not_seen"]
Verified = Literal["yes", "partly", "memory"]
_Z = 1.959963984540054  # published limits are 95 % limits


@dataclass(frozen=True, slots=True)
class PublishedResult:
    """One result of one publication.

    Attributes
    ----------
    id
        Name of the row.
    kind
        ``cohort``, ``trial`` or ``meta_analysis``; the last is drawn and never pooled.
    overlap_group
        Rows of one group share patients: one of them enters a pool. Empty for a meta-analysis.
    stage
        ``early``, ``metastatic`` or ``mixed``.
    population
        ``all``, ``HR+``, ``HR-`` or what else restricts the patients.
    contrast
        ``low_vs_zero``, ``ihc1_vs_ihc0``, ``adc_vs_chemotherapy``, ``trastuzumab_added`` ...
    endpoints
        Those that the result is said to hold for.
    measure
        ``HR`` or ``OR`` where there is an estimate.
    form
        ``estimate`` (a ratio with limits), ``no_limits`` (without), ``not_significant``,
        ``direction`` (who fared better, no size), ``absolute`` (rates, medians), ``not_seen``.
    estimate, conf_low, conf_high
        The ratio as printed, with its 95 % limits.
    result
        What is said where there is no ratio, or beside it.
    adjusted
        ``yes`` (terms of a model), ``weighted`` (matching, weighting), ``partly``, ``no``,
        ``randomised``, ``mixed`` (pooled studies), ``not_stated``.
    verified
        ``yes`` (seen at `verified_at`), ``partly`` or ``memory``.
    """

    id: str
    study: str
    year: int | None
    reference: str
    design: str
    overlap_group: str
    kind: Kind
    setting: str
    stage: str
    population: str
    contrast: str
    endpoints: tuple[str, ...]
    measure: str
    form: Form
    estimate: float | None
    conf_low: float | None
    conf_high: float | None
    p_said: str
    result: str
    adjustment: str
    adjusted: str
    assessment: str
    report: str
    n: int | None
    n_first: int | None
    n_second: int | None
    verified: Verified
    verified_at: str
    note: str

    @property
    def is_verified(self) -> bool:
        """Whether the number was seen in a source."""
        return self.verified == "yes"

    @property
    def log_estimate(self) -> float | None:
        """The logarithm of the ratio."""
        return None if self.estimate is None else math.log(self.estimate)

    @property
    def std_error(self) -> float | None:
        """Of the logarithm, from the width of the limits; None without limits."""
        if self.conf_low is None or self.conf_high is None:
            return None
        return (math.log(self.conf_high) - math.log(self.conf_low)) / (2 * _Z)

    @property
    def label(self) -> str:
        """Study and year."""
        return self.study if self.year is None else f"{self.study} {self.year}"


@dataclass(frozen=True, slots=True)
class OverlapGroup:
    """Patients that several publications share, and the sources that hold them as well."""

    name: str
    sources: tuple[str, ...]
    basis: str
    meaning: str


@dataclass(frozen=True, slots=True, eq=False)
class PublishedResults:
    """Published results that passed every check, in the order of their table."""

    rows: tuple[PublishedResult, ...]
    groups: tuple[OverlapGroup, ...]
    findings: tuple[Finding, ...] = ()

    def __iter__(self) -> Iterator[PublishedResult]:
        """The rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def group_of(self, source: str) -> str | None:
        """The overlap group whose patients this source (name of a dictionary) holds as well."""
        return next((g.name for g in self.groups if source in g.sources), None)

    @property
    def contrasts(self) -> tuple[str, ...]:
        """Contrasts that are in the table."""
        return tuple(dict.fromkeys(row.contrast for row in self.rows))

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that are in the table."""
        return tuple(dict.fromkeys(e for row in self.rows for e in row.endpoints))

    @property
    def populations(self) -> tuple[str, ...]:
        """Populations that are in the table."""
        return tuple(dict.fromkeys(row.population for row in self.rows))

    @property
    def summary(self) -> pd.DataFrame:
        """One row a result, every field a column; endpoints joined by semicolons."""
        import pandas as pd

        rows = [asdict(row) | {"endpoint": "; ".join(row.endpoints)} for row in self.rows]
        names = [f.name if f.name != "endpoints" else "endpoint" for f in fields(PublishedResult)]
        numbers = ("year", "estimate", "conf_low", "conf_high", "n", "n_first", "n_second")
        return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(numbers, float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "rows": [asdict(row) | {"endpoints": list(row.endpoints)} for row in self.rows],
            "groups": [asdict(group) | {"sources": list(group.sources)} for group in self.groups],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def _repr_html_(self) -> str:
        """Results with source and mark as a readable table in a notebook."""
        shown = ["study", "year", "population", "contrast", "endpoint", "measure", "estimate"]
        shown += ["conf_low", "conf_high", "result", "adjustment", "verified", "reference"]
        head = f"<p><b>{len(self.rows)} published results</b></p>"
        return head + str(self.summary[shown].to_html(index=False, na_rep=""))
