"""How one source's files, columns, codes, sentinels, units and dates map to the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

from cohort.codes import CodeTable
from cohort.table import TimeUnit

Grain = Literal["patient", "specimen", "tumour", "event"]
DateFormat = Literal["iso", "us", "compact"]
Reference = tuple[str, str]

FOLDER = Path(__file__).parent / "dictionaries"


def _many(value: Any) -> Any:
    """One item or a list of them, as a tuple."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _fixed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A mapping that cannot change."""
    return MappingProxyType(dict(value))


Names = Annotated[tuple[str, ...], BeforeValidator(_many)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRule(_Strict):
    """One file of the source: what a row of it is, and how its text is laid out.

    Attributes
    ----------
    grain
        What one row stands for.
    key
        The column that identifies the patient, or the names it may have.
    header_row, skip_rows
        Line of the headings (from 1, after comment lines) and lines after it that hold no
        patient.
    comment
        What begins a comment line before the headings.
    required
        Whether the source cannot be read without it.
    delimiter
        The character between fields; found from the headings where not given.
    """

    grain: Grain
    key: Names = Field(min_length=1)
    header_row: int = Field(default=1, ge=1)
    skip_rows: Annotated[tuple[int, ...], BeforeValidator(_many)] = ()
    comment: str | None = Field(default=None, min_length=1)
    required: bool = True
    delimiter: Literal[",", ";", "|", "tab"] | None = None

    @model_validator(mode="after")
    def _rows_follow(self) -> FileRule:
        first = self.header_row + 1
        if self.skip_rows != tuple(range(first, first + len(self.skip_rows))):
            raise ValueError(f"skip_rows must follow the heading: {first}, {first + 1}, ...")
        return self


class NumberRule(_Strict):
    """How a number is written.

    ``min`` and ``max`` bound what may be written, before it is multiplied by ``scale``;
    ``code_width`` is the number of digits of a number written as a code (``199`` for 1.99).
    """

    min: float | None = None
    max: float | None = None
    scale: float = Field(default=1, gt=0)
    code_width: int | None = Field(default=None, ge=1)
    integer: bool = False


class DaysRule(_Strict):
    """Whole days from the date ``origin`` to the date ``date``."""

    date: str
    origin: str
    format: DateFormat


class Text(_Strict):
    """Where the text of a column comes from.

    ``from``: the first of these columns that the file has. ``coalesce``: each patient's first
    that is not missing. ``first_of``: the first whose file was given, for every patient.
    """

    from_: Names = Field(default=(), alias="from")
    coalesce: Names = ()
    first_of: Annotated[tuple[str | Text, ...], BeforeValidator(_many)] = ()

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

    Codes are tried first, then the number. ``pad`` restores leading zeros of codes that lost
    them; ``up_to`` and ``after`` keep the part of the text before or after a separator;
    ``when`` limits the rule to years of diagnosis (both ends included, null is open).
    """

    when: Annotated[Mapping[str, tuple[int | None, int | None]], AfterValidator(_fixed)] = Field(
        default_factory=dict
    )
    days_from: DaysRule | None = None
    codes: str | None = None
    number: NumberRule | None = None
    date: DateFormat | None = None
    pad: int | None = Field(default=None, ge=1)
    up_to: str | None = Field(default=None, min_length=1)
    after: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        ways = [self.from_, self.coalesce, self.first_of, self.days_from]
        if sum(bool(way) for way in ways) != 1:
            raise ValueError("give exactly one of from, first_of, coalesce, days_from")
        if set(self.when) - {"diagnosis_year"}:
            raise ValueError("'when' knows only diagnosis_year")
        if self.date and (self.codes or self.number):
            raise ValueError("a date has neither codes nor a number")
        return self

    @property
    def years(self) -> tuple[int | None, int | None] | None:
        """First and last year of diagnosis that the rule is for, None where for all."""
        return self.when.get("diagnosis_year")

    @property
    def references(self) -> tuple[str, ...]:
        """Every column named, as written."""
        days = self.days_from
        dates = () if days is None else (days.date, days.origin)
        return (*super().references, *dates)


class Unmapped(_Strict):
    """Columns that look usable and are left out on purpose, with the reason."""

    columns: Names = Field(min_length=1)
    reason: str


class Time(_Strict):
    """The unit in which the source gives follow-up."""

    followup: TimeUnit


class SourceDictionary(_Strict):
    """One source: its files, and how each canonical column is made from them.

    A dictionary is data (``dictionaries/<name>.yaml`` and ``codes/<field>.csv``); a new
    registry needs no Python. Read one with `SourceDictionary.load`.
    """

    name: str
    describes: str
    files: Annotated[Mapping[str, FileRule], AfterValidator(_fixed)] = Field(min_length=1)
    time: Time
    identifies: Annotated[Mapping[str, bool | str], AfterValidator(_fixed)] = Field(
        default_factory=dict
    )
    missing: Annotated[Mapping[str, str], AfterValidator(_fixed)] = Field(default_factory=dict)
    fits: tuple[Names, ...] = Field(min_length=1)
    unmapped: tuple[Unmapped, ...] = ()
    columns: Annotated[
        Mapping[str, Annotated[tuple[ColumnRule, ...], BeforeValidator(_many)]],
        AfterValidator(_fixed),
    ]

    _tables: Mapping[str, CodeTable] = PrivateAttr(default_factory=dict)
    _sha256: str = PrivateAttr(default="")

    @classmethod
    def load(cls, source: str | Path | SourceDictionary) -> SourceDictionary:
        """The dictionary of this name, or in this YAML file.

        Code tables are sought in the folder ``codes`` beside a file of the user's own, then
        among the package's.

        Raises
        ------
        SpecError
            With file, line and key for everything that is wrong in it.
        """
        if isinstance(source, SourceDictionary):
            return source
        from cohort.dictionary_reading import dictionary_path, read_dictionary

        return read_dictionary(dictionary_path(source))

    @staticmethod
    def names() -> tuple[str, ...]:
        """Dictionaries that come with the package."""
        return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))

    def bound(self, tables: Mapping[str, CodeTable], sha256: str) -> SourceDictionary:
        """The same dictionary with the code tables that its rules name."""
        whole = self.model_copy()
        whole._tables = MappingProxyType(dict(tables))
        whole._sha256 = sha256
        return whole

    @property
    def sha256(self) -> str:
        """Digest of the dictionary and of the code tables that it uses."""
        return self._sha256

    @property
    def main(self) -> str:
        """Role of the file that has a row for every patient."""
        return next(iter(self.files))

    @property
    def key(self) -> tuple[str, ...]:
        """Names that the patient's key may have in the main file."""
        return self.files[self.main].key

    def codes(self, name: str) -> CodeTable:
        """A code table that the dictionary uses."""
        return self._tables[name]

    def rules(self) -> Iterator[tuple[str, int, ColumnRule]]:
        """Each rule with its canonical column and its position there."""
        for name, rules in self.columns.items():
            for i, rule in enumerate(rules):
                yield name, i, rule

    def headings(self, role: str) -> tuple[str, ...]:
        """Every column of a file that the dictionary names, once."""
        named = [name for _, _, rule in self.rules() for name in rule.references]
        named += [name for item in self.unmapped for name in item.columns]
        named += [name for names in self.fits for name in names]
        wanted = [name for where, name in map(split, named) if where == role]
        return tuple(dict.fromkeys([*self.files[role].key, *wanted]))


def split(reference: str) -> Reference:
    """Role of the file and heading of the column, from ``role.heading``."""
    role, _, heading = reference.partition(".")
    return role, heading


def _named(item: str | Text) -> tuple[str, ...]:
    return (item,) if isinstance(item, str) else item.references
