"""The robustness of a model's estimates, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, PrivateAttr

from analyses.results.tipping import DRAWS, ERRORS
from analyses.study.fields import Level, Names, NotNegative, Number, Slug, Spec, Text, Whole
from analyses.study.specs.cox import CoxSpec
from analyses.study.use import Use
from analyses.study.wording import refused

if TYPE_CHECKING:
    from analyses.study.criterion_spec import CriterionSpec
    from cohort.yaml_reader import Path


def _frozen(table: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, float]]:
    if len(table) != 2 or any(set(row) != set(table) for row in table.values()):
        example = '{"0": {"0": 80, "1+": 20}, "1+": {"0": 15, "1+": 85}}'
        raise refused("not a table of two levels", f"By what is true, then as read: {example}")
    return MappingProxyType({true: MappingProxyType(dict(row)) for true, row in table.items()})


def _plain(table: Mapping[str, Mapping[str, float]] | None) -> dict[str, Any] | None:
    return None if table is None else {true: dict(row) for true, row in table.items()}


def _share(value: float) -> float:
    if not 0 < value < 0.5:
        raise refused(f"{value:g} is no share misread", "Above 0 and below 0.5")
    return value


Readings = Annotated[
    Mapping[Level, Mapping[Level, NotNegative]],
    AfterValidator(_frozen),
    PlainSerializer(_plain, return_type=dict[str, Any]),
]


class MisreadingSpec(Spec):
    """Readers who take one level for the other, and how often, by counts of their readings.

    Attributes
    ----------
    readings
        Counts by what is true, then by what was read. Of HER2 groups the levels are the scores
        ``"0"`` and ``"1+"``: only patients with such a score may be misread.
    readings_event
        The same among patients with the event, where misreading depends on it.
    source
        Where the counts are from; it is printed.
    draws, processes
        Of the true levels, and the processes that they are spread over.
    """

    readings: Readings
    readings_event: Readings | None = None
    source: Text
    draws: Annotated[Whole, Field(ge=2, le=1_000_000)] = 1000
    processes: Annotated[Whole, Field(ge=1, le=256)] = 1


class RobustnessSpec(Spec):
    """What it would take to change what a Cox model concludes.

    Attributes
    ----------
    of
        Id of the Cox model, which stands before.
    term, levels
        The contrasts: these levels of the term against its reference; all where none is named.
    misreading
        A bias analysis of misread levels.
    errors
        Shares of either level misread that are tried for another conclusion; empty for none.
    draws, processes
        Draws of the true levels for each error, and the processes of these and of refits.
    unit
        Column of units that are left out in turn, such as ``facility_id``.
    units
        ``numbers``, the largest unit first; ``names`` prints the units' own names.
    fitted
        Without how many of them, the most influential, the model is fitted anew.
    """

    id: Slug
    kind: Literal["robustness"]
    title: Text | None = None
    of: Text
    term: Text = "her2_status"
    levels: Names = ()
    misreading: MisreadingSpec | None = None
    errors: tuple[Annotated[Number, AfterValidator(_share)], ...] = ERRORS
    draws: Annotated[Whole, Field(ge=2, le=100_000)] = DRAWS
    processes: Annotated[Whole, Field(ge=1, le=256)] = 1
    unit: Text | None = None
    units: Literal["numbers", "names"] = "numbers"
    fitted: Annotated[Whole, Field(ge=1, le=100_000)] = 100
    _model: CoxSpec | None = PrivateAttr(default=None)

    def find(self, analyses: tuple[Any, ...]) -> None:
        """Remember the model that is meant, where it stands before this analysis."""
        before = analyses[: analyses.index(self)]
        found = [one for one in before if isinstance(one, CoxSpec) and one.id == self.of]
        self._model = found[0] if found else None

    @property
    def model(self) -> CoxSpec:
        """The model of the study file."""
        assert self._model is not None  # one that does not exist is told when the study is read
        return self._model

    @property
    def endpoint(self) -> str:
        """That of the model."""
        return self.model.endpoint

    @property
    def only(self) -> CriterionSpec | None:
        """The condition of the model on its patients."""
        return self.model.only

    @property
    def competes(self) -> str | None:
        """As the model."""
        return self.model.competes

    @property
    def scored(self) -> bool:
        """Whether a score tells who may be misread."""
        return self.term == "her2_status" and (self.misreading is not None or bool(self.errors))

    def uses(self, place: Path) -> Iterator[Use]:
        """The score that tells who may be misread, and the units."""
        if self.scored:
            yield Use((*place, "of"), "her2_ihc", "description", self.endpoint)
        if self.unit is not None:
            yield Use((*place, "unit"), self.unit, "cluster", self.endpoint)

    def reads(self) -> list[str]:
        """The columns of the model and those of its own."""
        return [*self.model.reads(), *(use.column for use in self.uses(()))]
