"""How one source's files, columns, codes, sentinels, units and dates map to the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, Strict, model_validator

from cohort.codes import CodeTable
from cohort.dictionary_rules import ColumnRule, Names, Strictly, fixed, many, split
from cohort.table import TimeUnit

Grain = Literal["patient", "tumour", "specimen", "event"]
Where = Annotated[Mapping[str, Annotated[Names, Field(min_length=1)]], AfterValidator(fixed)]
Rules = Annotated[
    Mapping[str, Annotated[tuple[ColumnRule, ...], BeforeValidator(many)]], AfterValidator(fixed)
]
# A statement about the source: yes, no, or in which part of it or by which method.
Told = Annotated[bool, Strict()] | Annotated[str, Strict(), Field(min_length=1)]

FOLDER = Path(__file__).parent / "dictionaries"


class FileRule(Strictly):
    """One file of the source: what a row of it is, and how its text is laid out.

    Attributes
    ----------
    grain
        What one row stands for.
    key
        The column that identifies the patient, or the names it may have; that of the other
        role where the rows are of its file.
    of
        The role whose file holds these rows too; such a role is not given as a file.
    where
        Which rows of the file are meant: texts that a column may have, white space around
        them aside (``""`` is blank, and so is a column that the file lacks). All rows where
        nothing is said.
    rows
        ``several`` where the rows of a patient repeat what is the patient's, as a table of
        specimens does: one row of each is made (cohort.several_rows).
    sheet
        The sheet of a workbook; its first where not given.
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
    key: Names = ()
    of: str | None = None
    where: Where = Field(default_factory=dict, validate_default=True)
    rows: Literal["one", "several"] = "one"
    sheet: str | None = Field(default=None, min_length=1)
    header_row: int = Field(default=1, ge=1)
    skip_rows: Annotated[tuple[int, ...], BeforeValidator(many)] = ()
    comment: str | None = Field(default=None, min_length=1)
    required: bool = True
    delimiter: Literal[",", ";", "|", "tab"] | None = None

    @model_validator(mode="after")
    def _rows_follow(self) -> FileRule:
        first = self.header_row + 1
        if self.skip_rows != tuple(range(first, first + len(self.skip_rows))):
            raise ValueError(f"skip_rows must follow the heading: {first}, {first + 1}, ...")
        if self.of is None and not self.key:
            raise ValueError("key: this key is needed")
        if self.rows == "several" and self.grain != "patient":
            raise ValueError("rows: only of grain patient can several be made one")
        extra = self.model_fields_set - {"grain", "key", "of", "where", "rows"}
        if self.of is not None and extra:
            raise ValueError(
                f"the file is that of '{self.of}': leave out {', '.join(sorted(extra))}"
            )
        return self


class Unmapped(Strictly):
    """Columns that look usable and are left out on purpose, with the reason."""

    columns: Names = Field(min_length=1)
    reason: str


class Time(Strictly):
    """The unit in which the source gives follow-up."""

    followup: TimeUnit


class Block(Strictly):
    """Specimens or events that the rows of one file state, one each at most.

    Attributes
    ----------
    from_
        Role of the file whose rows are read; columns of files with one row a patient may be
        named besides.
    where
        Which rows hold one, as in `FileRule`. A row without it holds one where any column that
        is no constant has something written.
    columns
        How each canonical column is made, as for patients.
    """

    from_: str = Field(alias="from")
    where: Where = Field(default_factory=dict, validate_default=True)
    columns: Rules = Field(min_length=1)


class Identifies(Strictly):
    """What the source can tell; what is said to be false is refused later with that reason.

    Attributes
    ----------
    her2_score
        The score of HER2 immunohistochemistry, without which HER2-low cannot be formed.
    her2_assay
        What HER2 was measured by, where that is no immunohistochemistry.
    cause_of_death, recurrence
        Whether, or where, deaths have causes and recurrences are recorded.
    treatment
        Which treatment is recorded: none, the first course, each line, or parts.
    treatment_starts, anti_her2, adc
        Whether treatments have start dates, and anti-HER2 therapy and antibody-drug conjugates
        a field of their own.
    because
        Reasons in the source's own words, by what it does not identify.
    """

    her2_score: Told | None = None
    her2_assay: str | None = Field(default=None, min_length=1)
    cause_of_death: Told | None = None
    recurrence: Told | None = None
    treatment: Literal["none", "first_course", "lines", "partly"] | None = None
    treatment_starts: Annotated[bool, Strict()] | None = None
    anti_her2: Annotated[bool, Strict()] | None = None
    adc: Annotated[bool, Strict()] | None = None
    because: Annotated[Mapping[str, str], AfterValidator(fixed)] = Field(
        default_factory=dict, validate_default=True
    )

    @model_validator(mode="after")
    def _reasons_belong(self) -> Identifies:
        known = set(type(self).model_fields) - {"because"}
        odd = sorted(set(self.because) - known)
        if odd:
            raise ValueError(f"'because' gives a reason for {', '.join(odd)}, which is not stated")
        return self

    def stated(self) -> dict[str, bool | str]:
        """What the dictionary says, by name."""
        names = [name for name in type(self).model_fields if name != "because"]
        said = {name: getattr(self, name) for name in names}
        return {name: value for name, value in said.items() if value is not None}

    def said(self) -> dict[str, str]:
        """The same in words: ``yes`` and ``no`` for what it does and does not identify."""
        words = {True: "yes", False: "no"}
        return {
            name: words[value] if isinstance(value, bool) else value
            for name, value in self.stated().items()
        }


class SourceDictionary(Strictly):
    """One source: its files, and how each canonical column is made from them.

    A dictionary is data (``dictionaries/<name>.yaml`` and ``codes/<field>.csv``); a new
    registry needs no Python, and one like another says ``extends: <name>`` and only what
    differs. Read one with `SourceDictionary.load`. A canonical column that the files lack is
    missing throughout, or left out where ``absent`` says so.
    """

    name: str
    describes: str
    files: Annotated[Mapping[str, FileRule], AfterValidator(fixed)] = Field(min_length=1)
    time: Time
    identifies: Identifies = Field(default_factory=Identifies)
    absent: Literal["missing", "left_out"] = "missing"
    missing: Annotated[Mapping[str, str], AfterValidator(fixed)] = Field(
        default_factory=dict, validate_default=True
    )
    fits: tuple[Names, ...] = Field(min_length=1)
    unmapped: tuple[Unmapped, ...] = ()
    columns: Rules
    specimens: tuple[Block, ...] = ()
    events: tuple[Block, ...] = ()

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
        from cohort.dictionary_reading import dictionary_path, of_package, read_dictionary

        path = dictionary_path(source)
        return of_package(path) if path.parent == FOLDER else read_dictionary(path)

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
        """Role of the file that has a row for every patient, or for every tumour."""
        return next(iter(self.files))

    @property
    def of_tumours(self) -> bool:
        """Whether the main file has one row a tumour."""
        return self.files[self.main].grain == "tumour"

    @property
    def own_files(self) -> tuple[str, ...]:
        """Roles that are files of their own, and so can be given."""
        return tuple(role for role, rule in self.files.items() if rule.of is None)

    @property
    def key(self) -> tuple[str, ...]:
        """Names that the patient's key may have in the main file."""
        return self.files[self.main].key

    def key_of(self, role: str) -> tuple[str, ...]:
        """Names that the patient's key may have in a file."""
        rule = self.files[role]
        return rule.key if rule.key or rule.of is None else self.files[rule.of].key

    def file_of(self, role: str) -> str:
        """The role whose file holds the rows of this role: itself, unless it says ``of``."""
        return self.files[role].of or role

    def roles_of(self, file: str) -> tuple[str, ...]:
        """Roles whose rows are in a file."""
        return tuple(role for role in self.files if self.file_of(role) == file)

    def codes(self, name: str) -> CodeTable:
        """A code table that the dictionary uses."""
        return self._tables[name]

    @property
    def blocks(self) -> Iterator[tuple[str, int, Block]]:
        """Each block of specimens and events, with its key and its position there."""
        for key, blocks in (("specimens", self.specimens), ("events", self.events)):
            for i, block in enumerate(blocks):
                yield key, i, block

    def rules(self) -> Iterator[tuple[tuple[str | int, ...], ColumnRule]]:
        """Each rule of patients, specimens and events, with its place in the dictionary."""
        yield from placed(("columns",), self.columns)
        for key, i, block in self.blocks:
            yield from placed((key, i, "columns"), block.columns)

    def headings(self, role: str) -> tuple[str, ...]:
        """Every column of a file that the dictionary names for any of its roles, once."""
        roles = self.roles_of(self.file_of(role))
        named = [name for _, rule in self.rules() for name in rule.references]
        named += [name for item in self.unmapped for name in item.columns]
        named += [name for names in self.fits for name in names]
        named += [f"{b.from_}.{heading}" for _, _, b in self.blocks for heading in b.where]
        wanted = [name for where, name in map(split, named) if where in roles]
        keys = [key for one in roles for key in self.key_of(one)]
        wheres = [heading for one in roles for heading in self.files[one].where]
        return tuple(dict.fromkeys([*keys, *wheres, *wanted]))


def placed(
    start: tuple[str | int, ...], columns: Mapping[str, tuple[ColumnRule, ...]]
) -> Iterator[tuple[tuple[str | int, ...], ColumnRule]]:
    """Each rule of some columns with its place, which has a number only among several."""
    for name, rules in columns.items():
        for i, rule in enumerate(rules):
            yield (*start, name, *((i,) if len(rules) > 1 else ())), rule
