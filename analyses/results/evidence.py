"""Published results on one question, the pool of those that may be pooled, and this study."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.meta_analysis import MetaAnalysis
from analyses.results.published import PublishedResult
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "evidence"
Use = Literal["pooled", "drawn", "listed", "left_out"]
PAIRS = {
    "low_vs_zero": ("low", "zero"),
    "ihc1_vs_ihc0": ("1+", "0"),
    "ihc1_vs_ihc2_within_low": ("1+", "2+"),
}  # level and reference of the contrasts whose levels our own columns have


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the published results.

    Attributes
    ----------
    endpoints
        In order of preference: a study that has several enters with the first.
    stage
        ``early``, ``metastatic``, ``mixed``; None for all.
    unverified
        Whether rows that were not seen in a source take part.
    """

    contrast: str
    endpoints: tuple[str, ...]
    population: str
    stage: str | None
    unverified: bool


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One published result and what became of it.

    Attributes
    ----------
    use
        ``pooled``; ``drawn`` beside the pool; ``listed`` without a ratio and its limits;
        ``left_out`` as the answer to another question, or unverified.
    reason
        Why it is not pooled; empty where it is.
    """

    published: PublishedResult
    use: Use
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PresentStudy:
    """What the present study answers: a log ratio with its limits.

    Attributes
    ----------
    overlap_group
        Whose patients it holds; None where it shares none with a published study.
    level, reference, endpoint
        What was compared, and the kind of its endpoint (``OS``): held against the question; empty
        where whoever gives the ratio answers for it.
    use
        ``compared`` beneath the pool, or ``pooled`` in a second pool.
    reason
        Why it is not pooled.
    """

    label: str
    measure: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    n: int
    n_event: int
    source: str
    adjustment: str
    overlap_group: str | None = None
    use: Literal["compared", "pooled"] = "compared"
    reason: str = ""
    level: str = ""
    reference: str = ""
    endpoint: str = ""

    @property
    def ratio(self) -> tuple[float, float, float]:
        """The ratio with its limits."""
        return math.exp(self.estimate), math.exp(self.conf_low), math.exp(self.conf_high)


@dataclass(frozen=True, slots=True)
class WithoutRatio:
    """Studies that answer the question without a ratio that can be pooled.

    Attributes
    ----------
    form
        As of a published result.
    studies
        Their names, and the largest numbers of patients that they state, None where none is.
    """

    form: str
    studies: tuple[str, ...]
    n: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The published results on a question, drawn and pooled, with this study beneath.

    Attributes
    ----------
    rows
        Every row of the table, in its order.
    pool
        Of the published results; None with `reason` where none may be pooled.
    pool_with_present
        Of the published results and this study, where that is asked for and allowed.
    without_ratio
        Studies known by significance, direction, rates only, or not seen.
    rule
        Which row of an overlap group enters a pool, in words.
    """

    question: Question
    measure: str
    rows: tuple[EvidenceRow, ...]
    pool: MetaAnalysis | None
    reason: str | None
    present: PresentStudy | None
    pool_with_present: MetaAnalysis | None
    without_ratio: tuple[WithoutRatio, ...]
    rule: str
    conf_level: float
    findings: tuple[Finding, ...] = ()

    def used(self, use: Use) -> tuple[EvidenceRow, ...]:
        """Rows of one use."""
        return tuple(row for row in self.rows if row.use == use)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a published result that is not left out, then this study."""
        import pandas as pd

        rows = [
            {"study": row.published.label, "use": row.use, "reason": row.reason}
            | {name: getattr(row.published, name) for name in _SHOWN}
            for row in self.rows
            if row.use != "left_out"
        ]
        if self.present is not None:
            estimate, low, high = self.present.ratio
            own: dict[str, Any] = {"study": self.present.label, "use": self.present.use}
            own |= {"reason": self.present.reason, "measure": self.present.measure}
            own |= {"estimate": estimate, "conf_low": low, "conf_high": high}
            rows.append(own | {"n": self.present.n, "adjustment": self.present.adjustment})
        frame = pd.DataFrame(rows, columns=["study", "use", "reason", *_SHOWN])
        return frame.astype(dict.fromkeys(("estimate", "conf_low", "conf_high", "n"), float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            "question": asdict(self.question) | {"endpoints": list(self.question.endpoints)},
            "measure": self.measure,
            "rows": [
                asdict(row.published)
                | {"endpoints": list(row.published.endpoints), "use": row.use, "reason": row.reason}
                for row in self.rows
            ],
            "pool": None if self.pool is None else self.pool.to_dict(),
            "reason": self.reason,
            "present": None if self.present is None else asdict(self.present),
            "pool_with_present": (
                None if self.pool_with_present is None else self.pool_with_present.to_dict()
            ),
            "without_ratio": [
                asdict(one) | {"studies": list(one.studies)} for one in self.without_ratio
            ],
            "rule": self.rule,
            "conf_level": self.conf_level,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: published ratios by row, pools, this study, and the counts."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        for use in ("pooled", "drawn", "listed", "left_out"):
            n = len(self.used(use))
            yield Record(analysis, KIND, "published_results", level=use, n=n)
        for one in self.without_ratio:
            n = len(one.studies)
            yield Record(analysis, KIND, "studies_without_ratio", level=one.form, n=n)
        for row in self.rows:
            if row.use != "left_out":
                yield _published(analysis, row)
        if self.present is not None:
            yield from _present(analysis, self.present)
        if self.pool is None:
            yield Record(
                *(analysis, KIND, "pooled_random"),
                group="published",
                status="not_estimable",
                reason=self.reason,
            )
        for name, pool in (("published", self.pool), ("with_present", self.pool_with_present)):
            if pool is not None:
                own = pool.records(analysis)
                yield from (replace(record, kind=KIND, group=name) for record in own)

    def plot(self, ax: Any = None) -> Any:
        """Forest of the published results, the pools and this study; the named artists."""
        from analyses.plots.evidence import plot_evidence

        return plot_evidence(self, ax=ax)

    def _repr_html_(self) -> str:
        """Results that are not left out as a readable table in a notebook."""
        head = (
            f"<p><b>Published results</b>: {len(self.used('pooled'))} pooled, "
            f"{len(self.used('drawn'))} drawn beside them, {len(self.used('listed'))} without a "
            "ratio</p>"
        )
        return head + str(self.summary.to_html(index=False, na_rep=""))


_SHOWN = (
    *("population", "contrast", "stage", "measure", "estimate", "conf_low", "conf_high", "result"),
    *("adjustment", "n", "overlap_group", "verified", "reference"),
)


def _published(analysis: str, row: EvidenceRow) -> Record:
    """A row as printed: the ratio with its limits, or why there is none."""
    p = row.published
    return Record(
        *(analysis, KIND, f"published_{p.measure.lower()}" if p.estimate else "published_result"),
        level=p.id,
        term=row.use,
        n=p.n,
        estimate=p.estimate,
        conf_low=p.conf_low,
        conf_high=p.conf_high,
        status="ok" if p.estimate is not None else "not_estimable",
        reason=p.result or p.form if p.estimate is None else row.reason or None,
    )


def _present(analysis: str, present: PresentStudy) -> Iterator[Record]:
    yield Record(
        *(analysis, KIND, f"present_log_{present.measure}"),
        level=present.use,
        estimate=present.estimate,
        std_error=present.std_error,
        conf_low=present.conf_low,
        conf_high=present.conf_high,
        n=present.n,
        n_event=present.n_event,
    )
    estimate, low, high = present.ratio
    yield Record(
        *(analysis, KIND, f"present_{present.measure}"),
        level=present.use,
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        n=present.n,
        n_event=present.n_event,
    )


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceAnalysis:
    """Published results on a question; `compares` is the analysis beneath them, if any."""

    id: str
    title: str
    result: Evidence
    compares: str = ""
