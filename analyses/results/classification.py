"""Classified against unclassified patients: who they are, and whether they fare differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from analyses.results.cox import CoxModel
from analyses.results.logrank import LogRank
from analyses.results.records import Record, checked
from analyses.results.survival import KaplanMeier
from analyses.results.table_one import TableOne
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "classification"
CLASSIFICATION = "classification"  # the column that tells the two apart
CLASSIFIED, UNCLASSIFIED = "Classified", "Unclassified"


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """Patients in one of the groups against those in none.

    Attributes
    ----------
    status, groups
        The column that says it, and its levels that are groups.
    counts
        (level, patients) of every level, in order; those without a value count as unclassified
        under an empty level.
    features
        Table of the two, with standardised differences.
    curves, test
        Survival of the two; the test is None with `untested` where there is none.
    raw, adjusted
        Cox models of unclassified against classified; `adjusted` None without terms.
    failed
        (model, reason) of those that could not be fitted.
    """

    status: str
    groups: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    features: TableOne
    curves: KaplanMeier
    test: LogRank | None
    untested: str
    raw: CoxModel | None
    adjusted: CoxModel | None
    failed: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def n(self) -> tuple[int, int]:
        """Classified and unclassified patients."""
        inside = sum(n for level, n in self.counts if level in self.groups)
        return inside, sum(n for _, n in self.counts) - inside

    @property
    def models(self) -> tuple[tuple[str, CoxModel], ...]:
        """The models that there are, by name."""
        both = (("raw", self.raw), ("adjusted", self.adjusted))
        return tuple((name, model) for name, model in both if model is not None)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a model: the hazard ratio of unclassified against classified."""
        import pandas as pd

        parts = []
        for name, model in self.models:
            table = model.summary
            own = table[(table["term"] == CLASSIFICATION) & (table["level"] == UNCLASSIFIED)]
            parts.append(own.assign(model=name))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["model"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            "status": self.status,
            "groups": list(self.groups),
            "counts": dict(self.counts),
            "features": self.features.to_dict(),
            "curves": self.curves.to_dict(),
            "test": None if self.test is None else self.test.to_dict(),
            "untested": self.untested,
            "models": {name: model.to_dict() for name, model in self.models},
            "failed": dict(self.failed),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number, each part under its own name."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        for level, n in self.counts:
            yield Record(analysis, KIND, "status", group=level or "missing", n=n, unit="patients")
        outside = self.n[1]
        share = outside / sum(self.n)
        yield Record(analysis, KIND, "unclassified_share", n=outside, estimate=share)
        yield from self.features.records(f"{analysis}.features")
        yield from self.curves.records(analysis, unit)
        if self.test is not None:
            yield from self.test.records(analysis)
        for name, model in self.models:
            yield from model.records(f"{analysis}.{name}", unit)

    def plot(self, ax: Any = None) -> Any:
        """Survival curves of the two; returns the named artists."""
        return self.curves.plot(ax=ax)

    def _repr_html_(self) -> str:
        """Features of the two as a readable table in a notebook."""
        inside, outside = self.n
        head = f"<p><b>Classified</b> {inside:,}, <b>unclassified</b> {outside:,} patients</p>"
        return head + self.features._repr_html_()


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationAnalysis:
    """Classified against unclassified patients, as a study file asked for it."""

    id: str
    title: str
    endpoint: str
    result: Classification
