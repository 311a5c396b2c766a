"""What a time-varying treatment says: time before and after its start, and its hazard ratio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.cox import CoxModel
from analyses.results.failure import Failure
from analyses.results.late_effect import LateEffect, LateTreatment
from analyses.results.records import Record, checked
from analyses.results.survival import KaplanMeier
from cohort.table import Finding

if TYPE_CHECKING:
    pass

KIND = "start_stop"


@dataclass(frozen=True, slots=True)
class Exposure:
    """Time at risk under one state of the treatment.

    Attributes
    ----------
    state
        ``no`` (before the start, or never) or ``yes`` (since the start).
    n, n_event
        Patients who were in this state at some time, and events in it.
    person_time
        Their time in it, in the unit of follow-up.
    """

    state: str
    n: int
    n_event: int
    person_time: float


@dataclass(frozen=True, slots=True, eq=False)
class StartStop(LateTreatment):
    """A treatment as it changes over time: untreated until its start, treated from then on.

    Attributes
    ----------
    treatment, start
        Columns of the treatment and of its start.
    exposures
        Patients, events and time before and after the start.
    n_at_baseline, n_started_later
        Treated by time zero (or by the day from which they were observed), and started later.
    curves
        Kaplan-Meier curves in which a patient moves from untreated to treated at the start
        (Simon and Makuch); they describe, and are no survival of a group of patients.
    model
        Cox model on the start-stop rows: the treatment and the terms.
    effect, naive
        Of the treatment as it changes; of ever against never treated from time zero, which is
        biased and stands for comparison only (None where not wanted).
    n, n_event, n_rows
        Patients, events, and start-stop rows.
    n_without_time
        Patients followed for no time after time zero, who are never at risk.
    n_input, n_missing
        Rows given, and (column, rows without a value).
    """

    treatment: str
    start: str
    exposures: tuple[Exposure, ...]
    n_at_baseline: int
    n_started_later: int
    curves: KaplanMeier
    model: CoxModel
    effect: LateEffect
    naive: LateEffect | None
    n: int
    n_event: int
    n_rows: int
    n_without_time: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "n_missing": dict(self.n_missing),
            "exposures": [asdict(exposure) for exposure in self.exposures],
            "effects": [effect.values() for effect in self.effects],
            "model": self.model.to_dict(),
            "curves": self.curves.to_dict(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(
        self, analysis: str, unit: str | None = None, times: Sequence[float] = ()
    ) -> tuple[Record, ...]:
        """One record a number: patients and time by state, curves, model, and both effects."""
        return checked(self._records(analysis, unit, times))

    def _records(self, analysis: str, unit: str | None, times: Sequence[float]) -> Iterator[Record]:
        for name in ("n", "n_at_baseline", "n_started_later", "n_without_time", "n_input"):
            yield Record(analysis, KIND, f"{KIND}_{name}", n=getattr(self, name), unit="patients")
        yield Record(analysis, KIND, f"{KIND}_n_rows", n=self.n_rows, unit="rows")
        for column, n in self.n_missing:
            yield Record(analysis, KIND, f"{KIND}_rows_missing", term=column, n=n)
        for e in self.exposures:
            yield Record(
                analysis,
                KIND,
                "person_time",
                group=e.state,
                n=e.n,
                n_event=e.n_event,
                estimate=e.person_time,
                unit=unit,
            )
        yield from self.answer_records(analysis, KIND, unit, times)

    def plot(self, ax: Any = None) -> Any:
        """Curves of time before and after the start; returns the named artists."""
        from analyses.plots.kaplan_meier import plot_kaplan_meier

        return plot_kaplan_meier(self.curves, ax=ax)

    def _repr_html_(self) -> str:
        """Time by state and effects as readable tables in a notebook."""
        import pandas as pd

        head = (
            f"<p><b>Time-varying treatment</b>: {escape(self.treatment)}, {self.n:,} patients, "
            f"{self.n_event:,} events, {self.n_rows:,} start-stop rows</p>"
        )
        states = pd.DataFrame([asdict(exposure) for exposure in self.exposures])
        tables = (states.to_html(index=False), self.summary.to_html(index=False, na_rep=""))
        return head + "".join(str(table) for table in tables)


_PLAIN = (
    *("treatment", "start", "n_at_baseline", "n_started_later", "n", "n_event", "n_rows"),
    *("n_without_time", "n_input"),
)


@dataclass(frozen=True, slots=True, eq=False)
class StartStopAnalysis:
    """A time-varying treatment of a study, its times in the study file's words."""

    id: str
    title: str
    endpoint: str
    result: StartStop
    times: tuple[float, ...] = ()
    times_said: tuple[str, ...] = ()
