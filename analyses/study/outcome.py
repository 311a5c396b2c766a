"""What one analysis of a study gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyses.results.failure import Failure
from analyses.results.records import Record
from analyses.results.restriction import Restriction
from analyses.results.study import Analysis
from cohort.errors import AnalysisError, Problem, listed
from cohort.schema import ENDPOINT_STATES
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.logrank import LogRank


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one analysis of the study file gave: a result, or a failure in its place."""

    id: str
    analysis: Analysis | None
    records: tuple[Record, ...] = ()
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    restrictions: tuple[Restriction, ...] = ()


def finished(
    name: str,
    made: Analysis,
    records: Sequence[Record],
    findings: Sequence[Finding],
    failures: Sequence[Failure],
) -> Outcome:
    """The parts of an analysis, its failures written as records too."""
    extra = tuple(failed_record(i, failure) for i, failure in enumerate(failures))
    return Outcome(name, made, (*records, *extra), tuple(findings), tuple(failures))


def attempt(
    spec: Any, frame: pd.DataFrame, estimate: Callable[[], Any]
) -> tuple[Any, list[Failure]]:
    """The estimate, or the failure that stands in its place beside the rest of the analysis."""
    try:
        return estimate(), []
    except AnalysisError as error:
        return None, [failure_of(spec, frame, error)]


def undefined(spec: Any, test: LogRank) -> list[Failure]:
    """The failure that stands for a test that does not exist (no events, one group)."""
    if test.p_value is not None:
        return []
    failure = Failure(
        analysis=spec.id,
        kind=spec.kind,
        group=test.by,
        term="trend" if test.kind == "trend" else "",
        reason=test.reason or "the test is not defined",
        n=sum(test.n),
        n_event=sum(test.n_event),
        advice="Follow up longer, or compare groups that have events.",
    )
    return [failure]


def failure_of(spec: Any, frame: pd.DataFrame, error: AnalysisError) -> Failure:
    """What the report says in place of an estimate."""
    event = f"{getattr(spec, 'endpoint', '')}_event"
    n_event = int(frame[event].astype(bool).sum()) if event in frame else 0
    return failure_among(spec, len(frame), n_event, error)


def failure_among(spec: Any, n: int, n_event: int, error: AnalysisError) -> Failure:
    """The same, of so many patients and events."""
    first = error.problems[0]
    return Failure(
        analysis=spec.id,
        kind=spec.kind,
        group="",
        term="",
        reason=listed(f"{p.where}: {p.found}" if p.where else p.found for p in error.problems),
        n=n,
        n_event=n_event,
        advice=first.advice or first.allowed,
    )


def failed_record(place: int, failure: Failure) -> Record:
    """A failure among the records, the `place`-th of its analysis."""
    return Record(
        analysis=failure.analysis,
        kind=failure.kind,
        quantity=f"failure_{place + 1}",
        group=failure.group or None,
        term=failure.term or None,
        n=failure.n,
        n_event=failure.n_event,
        status="failed",
        reason=failure.reason,
    )


def ending(spec: Any, frame: pd.DataFrame) -> dict[str, Any]:
    """How follow-up ended, its levels named: a selection may have emptied one of them.

    AnalysisError where the source gave only an event.
    """
    name = f"{spec.endpoint}_state"
    if name not in frame:
        raise AnalysisError(
            Problem(
                f"endpoint '{spec.endpoint}'",
                "the source gives it ready-made, without telling what competes with its event",
                advice="Write from: events, to make it from causes of death and recurrences.",
            )
        )
    return {"name": name, "levels": list(ENDPOINT_STATES)}


def entry_column(spec: Any, frame: pd.DataFrame) -> str | None:
    """The column from which patients were observed, where the endpoint has delayed entry."""
    name = f"{spec.endpoint}_entry"
    return name if name in frame else None
