"""Rules of a source dictionary: where a canonical column comes from and how its text is read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    model_validator,
)

from cohort.schema import SCHEMA

DateFormat = Literal["iso", "us", "european", "compact"]
Reference = tuple[str, str]
# The code table of a column whose text is already one of its levels.
LEVELS = "levels"
# Keys of a rule that say how written text is read.
_READING = {"codes", "number", "date", "pad", "characters", "up_to", "after"}

Constant = Annotated[int, Strict()] | Annotated[float, Strict()] | Annotated[str, Strict()]


def many(value: Any) -> Any:
    """One item or a list of them, as a tuple."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def fixed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A mapping that cannot change."""
    return MappingProxyType(dict(value))


Names = Annotated[tuple[str, ...], BeforeValidator(many)]


class Strictly(BaseModel):
    """A frozen part of a dictionary; keys that it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberRule(Strictly):
    """How a number is written.

    ``min`` and ``max`` bound what may be written, before it is multiplied by ``scale``;
    ``code_width`` is the number of digits of a number written as a code (``199`` for 1.99).
    ``decimal`` is the mark before the fraction. Thousands are never marked: what such a mark
    would mean cannot be told (``1.200`` beside decimal commas is no number, and not 1.2).
    """

    min: float | None = None
    max: float | None = None
    scale: float = Field(default=1, gt=0)
    code_width: int | None = Field(default=None, ge=1)
    integer: bool = False
    decimal: Literal[".", ","] = "."

    @model_validator(mode="after")
    def _one_way(self) -> NumberRule:
        if self.decimal == "," and self.code_width is not None:
            raise ValueError("a number written as a code has no decimal mark")
        return self


class DaysRule(Strictly):
    """Whole days from the date ``origin`` to the date ``date``.

    Where several columns are named, each patient's first that is not missing counts.
    """

    date: Names = Field(min_length=1)
    origin: Names = Field(min_length=1)
    format: DateFormat


class Text(Strictly):
    """Where the text of a column comes from.

    ``from``: one item under its names; where a file has several, each patient's first that is not
    missing counts, and patients whose columns contradict each other are told of. ``coalesce``:
    different items, of which each patient's first that is not missing counts. ``first_of``:
    different items, of which the first counts for every patient whose file was given and that it
    has.
    """

    from_: Names = Field(default=(), alias="from")
    coalesce: Names = ()
    first_of: Annotated[tuple[str | Text, ...], BeforeValidator(many)] = ()

    @property
    def alternatives(self) -> tuple[Text, ...]:
        """What `first_of` chooses among; the text itself where it chooses nothing."""
        return tuple(
            Text.model_validate({"from": item}) if isinstance(item, str) else item
            for item in self.first_of
        ) or (self,)

    @property
    def references(self) -> tuple[str, ...]:
        """Every column named, as written."""
        inner = [name for item in self.first_of for name in _named(item)]
        return (*self.from_, *self.coalesce, *inner)


class ColumnRule(Text):
    """Where one canonical column comes from, and how its text is understood.

    Codes are tried first, then the number. ``codes: levels`` takes the levels of the column as
    they are. ``any_of`` are columns of yes and no (boxes to tick):
    yes where any says yes, no where all say no. ``value`` is the same for every row. ``pad``
    restores leading zeros of codes that lost them; ``characters`` keeps the text from one place
    to another (the first is 1), ``up_to`` and ``after`` the part before or after a separator;
    ``when`` limits the rule to years of diagnosis (``diagnosis_year: [2010, 2017]``, both ends
    included, null is open) or to levels of another column (``tumour_sequence: [only]``). Of
    several rules of a column, each patient's first counts whose conditions hold and whose columns
    are not blank; who has a value by a later one only is counted.
    """

    when: Annotated[Mapping[str, tuple[int | str | None, ...]], AfterValidator(fixed)] = Field(
        default_factory=dict
    )
    any_of: Names = ()
    days_from: DaysRule | None = None
    value: Constant | None = None
    codes: str | None = None
    number: NumberRule | None = None
    date: DateFormat | None = None
    pad: int | None = Field(default=None, ge=1)
    characters: tuple[int, int] | None = None
    up_to: str | None = Field(default=None, min_length=1)
    after: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        ways = [self.from_, self.coalesce, self.first_of, self.any_of, self.days_from]
        if sum(bool(way) for way in ways) + (self.value is not None) != 1:
            raise ValueError(
                "give exactly one of from, first_of, coalesce, any_of, days_from, value"
            )
        self._known_conditions()
        if self.date and (self.codes or self.number):
            raise ValueError("a date has neither codes nor a number")
        if self.any_of and self.codes is None:
            raise ValueError("any_of needs codes that say yes and no")
        self._nothing_to_read()
        if self.characters is not None and not 1 <= self.characters[0] <= self.characters[1]:
            raise ValueError("characters are the first and the last place, from 1")
        return self

    def _known_conditions(self) -> None:
        """Refuse a condition that is neither two years nor levels of a column that has them."""
        for name, wanted in self.when.items():
            known = SCHEMA[name].levels if name in SCHEMA else ()
            if name != "diagnosis_year" and not known:
                raise ValueError("'when' knows only diagnosis_year and columns with levels")
            if name != "diagnosis_year" and set(wanted) - set(known):
                raise ValueError(f"{name} is one of {', '.join(known)}")
        years = self.when.get("diagnosis_year", (None, None))
        if len(years) != 2 or any(isinstance(year, str) for year in years):
            raise ValueError("diagnosis_year needs a first and a last year, null where open")

    def _nothing_to_read(self) -> None:
        """Refuse keys about written text where there is none to read."""
        for name, given in (("value", self.value), ("days_from", self.days_from)):
            keys = self.model_fields_set & _READING
            if given is not None and keys:
                raise ValueError(f"{name} leaves nothing for {', '.join(sorted(keys))}")

    @property
    def years(self) -> tuple[int | None, int | None] | None:
        """First and last year of diagnosis that the rule is for, None where for all."""
        years = self.when.get("diagnosis_year")
        if years is None:
            return None
        first, last = (year if isinstance(year, int) else None for year in years)
        return first, last

    def covers(self, told: Mapping[str, object]) -> bool:
        """Whether the rule is for a patient with these values of the columns it depends on."""
        for name, wanted in self.when.items():
            value = told.get(name)
            if name != "diagnosis_year" and value not in wanted:
                return False
        if self.years is None:
            return True
        year, (start, end) = told.get("diagnosis_year"), self.years
        if not isinstance(year, int):
            return False
        return (start is None or year >= start) and (end is None or year <= end)

    @property
    def references(self) -> tuple[str, ...]:
        """Every column named, as written."""
        days = self.days_from
        dates = () if days is None else (*days.date, *days.origin)
        return (*super().references, *self.any_of, *dates)


def split(reference: str) -> Reference:
    """Role of the file and heading of the column, from ``role.heading``."""
    role, _, heading = reference.partition(".")
    return role, heading


def _named(item: str | Text) -> tuple[str, ...]:
    return (item,) if isinstance(item, str) else item.references
