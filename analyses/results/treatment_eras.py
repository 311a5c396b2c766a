"""A model with all follow-up beside the same model with follow-up up to approvals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from analyses.results.failure import Failure
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "treatment_eras"
ALL = "all"  # the era of a model with all follow-up


@dataclass(frozen=True, slots=True, eq=False)
class EraModel:
    """The model of follow-up up to one date.

    Attributes
    ----------
    era, until
        Its id and last day (year-month-day); ``all`` and empty for all follow-up.
    n, n_event
        Patients and events of the model.
    n_left_out
        Patients whose time began after the date, who are not in it.
    n_cut, n_event_cut
        Patients whose follow-up ends at the date instead of later, and events that came later.
    model, reason
        None with the reason where there is no model.
    """

    era: str
    until: str
    n: int
    n_event: int
    n_left_out: int
    n_cut: int
    n_event_cut: int
    model: CoxModel | None
    reason: str | None = None

    def shown(self, term: str) -> tuple[Coefficient, ...]:
        """The coefficients of one term that are compared with its reference."""
        if self.model is None:
            return ()
        return tuple(c for c in self.model.coefficients if c.term == term and not c.is_reference)


@dataclass(frozen=True, slots=True, eq=False)
class TreatmentEras:
    """One model by the end of follow-up: all of it, and up to each approval.

    Attributes
    ----------
    models
        That of all follow-up first, then by date.
    term
        The term that is looked at.
    n_input, n_missing
        Rows given, and (column, rows without a value); the date of diagnosis among them.
    """

    models: tuple[EraModel, ...]
    term: str
    conf_level: float
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row an era and coefficient of the term."""
        import pandas as pd

        rows = [
            {"era": era.era, "until": era.until, **asdict(c)}
            | dict(zip(_RATIOS, c.hazard_ratio, strict=True))
            for era in self.models
            for c in era.shown(self.term)
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        names = ("era", "until", "n", "n_event", "n_left_out", "n_cut", "n_event_cut", "reason")
        return {
            "term": self.term,
            "conf_level": self.conf_level,
            "n_input": self.n_input,
            "n_missing": dict(self.n_missing),
            "models": [
                {name: getattr(era, name) for name in names}
                | {"model": None if era.model is None else era.model.to_dict()}
                for era in self.models
            ],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: patients and events by era, and each model's own."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        for era in self.models:
            for name in ("n_left_out", "n_cut", "n_event_cut"):
                n = getattr(era, name)
                yield Record(analysis, KIND, f"era_{name}", group=era.era, n=n, unit="patients")
            yield Record(
                analysis, KIND, "era_patients", group=era.era, n=era.n, n_event=era.n_event
            )
            if era.model is not None:
                yield from era.model.records(f"{analysis}.{era.era}", unit)

    def failures(self, analysis: str) -> tuple[Failure, ...]:
        """What stands for each era without a model."""
        return tuple(
            Failure(analysis, KIND, era.era, self.term, era.reason or "", era.n, era.n_event,
                    "Leave the era out, or use fewer terms.")
            for era in self.models
            if era.model is None
        )  # fmt: skip

    def _repr_html_(self) -> str:
        """Hazard ratios by era as a readable table in a notebook."""
        shown = ["era", "until", "level", "n", "n_event", *_RATIOS]
        return str(self.summary[shown].to_html(index=False, na_rep=""))


_RATIOS = ("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high")


@dataclass(frozen=True, slots=True, eq=False)
class TreatmentErasAnalysis:
    """The models by era of a study; without dates `result` is None and `limitation` says why.

    `eras` are (id, what began then, whether the date was checked).
    """

    id: str
    title: str
    endpoint: str
    result: TreatmentEras | None
    eras: tuple[tuple[str, str, bool], ...]
    limitation: str = ""
