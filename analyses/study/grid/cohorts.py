"""What specifications share, computed once: groups by edition and edge cases, patients by endpoint.

Each stage is remembered by the digest of its part of the study and of all before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from analyses.study.analyse import Frames, conditions_of, made, observed_levels, patients_of
from analyses.study.drawn_her2 import SCORE, undrawn
from analyses.study.fingerprint import fingerprint
from analyses.study.grid.crossing import Cell, Crossing
from analyses.study.setting import Setting
from analyses.study.stages import Prepared, Selected, classified, selection, with_endpoints
from cohort.errors import AnalysisError, SpecError, listed

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.spec import Study
    from cohort.table import Cohort

T = TypeVar("T")
PATIENT = "patient_id"  # tells rows apart between specifications
STAGES = ("harmonise", "endpoints", "classify", "select", "patients", "model")


@dataclass(slots=True)
class Remembered:
    """What was computed, by stage and digest, and how often each stage was."""

    kept: dict[tuple[str, str], Any] = field(default_factory=dict)
    computed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STAGES, 0))

    def once(self, stage: str, key: str, make: Callable[[], T]) -> T:
        """What `make` gives, computed the first time that this stage is asked for this key."""
        if (stage, key) not in self.kept:
            self.kept[stage, key] = make()
            self.computed[stage] += 1
        found: T = self.kept[stage, key]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """The patients of a specification, and the digest of the columns that tell them apart."""

    frame: pd.DataFrame
    digest: str


class Cohorts:
    """The patients of any specification, each stage computed once.

    What the study itself has prepared is the first of each stage. Endpoints do not depend on the
    HER2 group: they are made before it, once. The tables behind other groups are given up as soon
    as their patients are in memory.
    """

    def __init__(self, study: Study, given: Prepared, crossed: Crossing) -> None:
        self._study, self._given, self._crossed = study, given, crossed
        self.remembered = Remembered()
        for stage in ("harmonise", "endpoints", "classify", "select"):
            self.remembered.computed[stage] = 1
        self.setting = Setting(given.cohort.time_unit, study.seed)
        own = _rules(study.her2.edition, study.her2.policies)
        self.remembered.kept["patients", own] = self._by_endpoint(given.selected)

    def patients(self, cell: Cell) -> Patients | str:
        """The patients of a specification before its own conditions on years and subsets.

        In words why there are none: nobody is left, or an edge case asks for what the study lacks.
        """
        found: dict[str, Patients] | str = self.remembered.once(
            "patients", _rules(cell.edition, cell.policies), lambda: self._found(cell)
        )
        return found if isinstance(found, str) else found[cell.endpoint]

    def _found(self, cell: Cell) -> dict[str, Patients] | str:
        study, base = self._variant(cell), self._with_endpoints()
        try:
            with self._given.harmonised.engine.passing():
                self.remembered.computed["classify"] += 1
                grouped = classified(study, base)
                self.remembered.computed["select"] += 1
                return self._by_endpoint(selection(study, grouped))
        except (AnalysisError, SpecError) as error:
            return reason_of(error)

    def _with_endpoints(self) -> Cohort:
        """The harmonised patients with every endpoint, before any group."""
        return self.remembered.once("endpoints", "", self._endpoints)

    def _endpoints(self) -> Cohort:
        made = with_endpoints(self._study, self._given.harmonised)
        return replace(made, patients=made.engine.materialise(made.patients))

    def _by_endpoint(self, selected: Selected) -> dict[str, Patients]:
        """The patients of each endpoint of the grid."""
        place = [axis.name for axis in self._crossed.axes].index("endpoints")
        return {name: self._patients(selected, name) for name in self._crossed.values[place]}

    def _variant(self, cell: Cell) -> Study:
        """The study with the edition and the edge cases of a specification."""
        rules = {"edition": cell.edition, "policies": dict(cell.policies)}
        return self._study.model_copy(update={"her2": self._study.her2.model_copy(update=rules)})

    def _patients(self, selected: Selected, endpoint: str) -> Patients:
        held = selected.by_endpoint[endpoint]
        model = self._crossed.model
        columns = [PATIENT, *model.reads(), *self._crossed.spec.reads()]
        columns += [f"{endpoint}_time", f"{endpoint}_event"]
        columns += [f"{endpoint}_state"] if model.cause is not None else []
        if self._study.endpoint(endpoint).entry is not None:
            columns.append(f"{endpoint}_entry")
        conditions = conditions_of(model, selected.conditions)
        columns += [criterion.column for criterion in conditions]
        # The score tells among whom HER2 is drawn where it is (E1: impute).
        columns += [SCORE] if "impute" in self._crossed.spec.missing else []
        named = [column for column in made(columns, held) if column in held.columns]
        frame = undrawn(observed_levels(held.to_pandas(list(dict.fromkeys(named)))))
        asks = _Only(None, tuple(model.reads()))
        frame, _ = patients_of(asks, {"": frame}, selected.conditions)
        return Patients(frame, fingerprint(frame))


def restricted(cell: Cell, patients: Patients) -> pd.DataFrame:
    """The patients that meet the conditions of a specification."""
    frame = patients.frame
    for criterion in cell.criteria:
        frames: Frames = {"": frame}
        frame, _ = patients_of(_Only(criterion), frames, {})
    return frame


@dataclass(frozen=True, slots=True)
class _Only:
    """A condition as an analysis has it."""

    only: Any
    columns: tuple[str, ...] = ()

    def reads(self) -> list[str]:
        """The columns that ask something of patients themselves."""
        return list(self.columns)


def reason_of(error: AnalysisError | SpecError) -> str:
    """What an error says, as the reason of a specification without an estimate."""
    return listed(f"{p.where}: {p.found}" if p.where else p.found for p in error.problems)


def _rules(edition: int, policies: Mapping[str, str]) -> str:
    """Digest of an edition and edge cases."""
    return digest({"edition": edition, "policies": dict(policies)})


def digest(value: Any) -> str:
    """sha256 of plain values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
