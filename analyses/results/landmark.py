"""What a landmark analysis says: who reached the landmark, and survival from it by treatment."""

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
from cohort.table import AttritionStep, Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "landmark"


@dataclass(frozen=True, slots=True)
class LandmarkGroup:
    """Patients of one group on their way to the landmark.

    Attributes
    ----------
    group
        Level of `by`, or ``all``.
    n
        Patients at time zero.
    n_event_before, n_censored_before
        Those who had the event, or were last seen, up to and including the landmark.
    n_treated, n_untreated
        Those followed past the landmark, by whether the treatment had started by it.
    n_treated_later
        Untreated at the landmark and treated after it, while followed: they stay untreated here.
    """

    group: str
    n: int
    n_event_before: int
    n_censored_before: int
    n_treated: int
    n_untreated: int
    n_treated_later: int

    @property
    def n_reached(self) -> int:
        """Patients followed past the landmark."""
        return self.n_treated + self.n_untreated


@dataclass(frozen=True, slots=True, eq=False)
class Landmark(LateTreatment):
    """Survival from a landmark by whether a treatment had started by then.

    Attributes
    ----------
    at
        The landmark, in the unit of follow-up.
    treatment, start, by
        Columns of the treatment, of its start, and of the groups that patients are counted by.
    groups
        Counts by group, in order, those emptied by the landmark among them.
    steps
        Patients left out up to the landmark by reason and group, as steps that chain.
    curves
        Kaplan-Meier curves from the landmark by treatment at it; their times count from it.
    model
        Cox model from the landmark: the treatment and the terms.
    effect, naive
        Of the treatment at the landmark; of ever against never treated from time zero, which is
        biased and stands for comparison only (None where not wanted).
    emptied
        Groups of which nobody is left at the landmark.
    n, n_event
        Patients followed past the landmark and their events.
    n_input, n_missing
        Rows given, and (column, rows without a value).
    """

    at: float
    treatment: str
    start: str
    by: str | None
    groups: tuple[LandmarkGroup, ...]
    steps: tuple[AttritionStep, ...]
    curves: KaplanMeier
    model: CoxModel
    effect: LateEffect
    naive: LateEffect | None
    emptied: tuple[str, ...]
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def counts(self) -> pd.DataFrame:
        """One row a group: patients at time zero, lost before the landmark, and at it."""
        import pandas as pd

        return pd.DataFrame([asdict(group) for group in self.groups])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        names = ("at", "treatment", "start", "by", "n", "n_event", "n_input")
        return {
            **{name: getattr(self, name) for name in names},
            "n_missing": dict(self.n_missing),
            "groups": [asdict(group) for group in self.groups],
            "steps": [asdict(step) for step in self.steps],
            "emptied": list(self.emptied),
            "effects": [effect.values() for effect in self.effects],
            "model": self.model.to_dict(),
            "curves": self.curves.to_dict(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(
        self, analysis: str, unit: str | None = None, times: Sequence[float] = ()
    ) -> tuple[Record, ...]:
        """One record a number: counts by group and reason, curves, model, and both effects."""
        return checked(self._records(analysis, unit, times))

    def _records(self, analysis: str, unit: str | None, times: Sequence[float]) -> Iterator[Record]:
        yield Record(analysis, KIND, "landmark", estimate=self.at, unit=unit)
        yield Record(analysis, KIND, "landmark_rows_given", n=self.n_input)
        for column, n in self.n_missing:
            yield Record(analysis, KIND, "landmark_rows_missing", term=column, n=n)
        for group in self.groups:
            for name, n in asdict(group).items():
                if name != "group":
                    quantity = f"landmark_{name}"
                    yield Record(analysis, KIND, quantity, group=group.group, n=n, unit="patients")
        yield from self.answer_records(analysis, KIND, unit, times)

    def plot(self, ax: Any = None) -> Any:
        """Curves from the landmark by treatment at it; returns the named artists."""
        from analyses.plots.kaplan_meier import plot_kaplan_meier

        return plot_kaplan_meier(self.curves, ax=ax)

    def _repr_html_(self) -> str:
        """Counts and effects as readable tables in a notebook."""
        head = (
            f"<p><b>Landmark</b> at {self.at:g}: {escape(self.treatment)} started by then or not; "
            f"{self.n:,} patients followed past it, {self.n_event:,} events</p>"
        )
        counts = str(self.counts.to_html(index=False))
        return head + counts + str(self.summary.to_html(index=False, na_rep=""))


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkAnalysis:
    """A landmark analysis of a study, the landmark and its times in the study file's words."""

    id: str
    title: str
    endpoint: str
    result: Landmark
    at_said: str
    times: tuple[float, ...] = ()
    times_said: tuple[str, ...] = ()
