"""How well each dictionary of the package fits a file: its columns, what it needs, its codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cohort.dictionary import SourceDictionary
from cohort.dictionary_rules import ColumnRule, split
from cohort.errors import Her2LowError
from cohort.headings import as_named, missing_fits, position

Headings = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well one dictionary fits the files.

    Attributes
    ----------
    source, describes
        The dictionary's name, or path where it is the user's own, and what it is for.
    lacking
        Columns that any file of this source has and these have not; none where it fits.
    n_needed
        How many columns (or files) any file of this source has.
    n_columns, n_found
        Canonical columns that the dictionary knows, and those whose column the files have.
    n_values, n_unknown
        Values in coded columns (blank ones aside), and those that the code tables do not know;
        None where the values were not looked at.
    n_given
        Values that the dictionary makes of the files in all canonical columns; likewise.
    refused
        Why the files cannot be read by it although their columns are there; empty where they can.
    """

    source: str
    describes: str
    lacking: tuple[str, ...]
    n_needed: int
    n_columns: int
    n_found: int
    n_values: int | None = None
    n_unknown: int | None = None
    n_given: int | None = None
    refused: str = ""

    @property
    def fits(self) -> bool:
        """Whether the files have everything that the dictionary needs, and can be read by it."""
        return not self.lacking and not self.refused

    @property
    def found(self) -> float:
        """Share of the dictionary's columns that the files have."""
        return self.n_found / self.n_columns if self.n_columns else 0.0

    @property
    def known(self) -> float | None:
        """Share of the values in coded columns that the code tables know."""
        if self.n_values is None or self.n_unknown is None or self.n_values == 0:
            return None
        return 1 - self.n_unknown / self.n_values

    @property
    def rank(self) -> tuple[bool, float, int, float]:
        """What orders dictionaries, the best last.

        Whether it fits; the columns that are there, as far as their codes are known and as far as
        what it needs is there; how many values it makes of them; and which share of its columns
        they are.
        """
        known = 1.0 if self.known is None else self.known
        met = 1 - len(self.lacking) / self.n_needed
        return self.fits, (1 + self.n_found) * known * met, self.n_given or 0, self.found


@cache
def package_dictionaries() -> tuple[SourceDictionary, ...]:
    """Every dictionary of the package that can be read."""
    found = []
    for name in SourceDictionary.names():
        try:
            found.append(SourceDictionary.load(name))
        except Her2LowError:
            continue  # a broken dictionary is told where it is asked for
    return tuple(found)


def every_heading() -> tuple[str, ...]:
    """Every column that any dictionary of the package reads."""
    known = package_dictionaries()
    names = [name for one in known for file in one.own_files for name in one.headings(file)]
    return tuple(dict.fromkeys(names))


def fitting(headings: Sequence[str]) -> Fit | None:
    """The dictionary of the package that fits a main file by its headings best, if any does."""
    fits = [heading_fit(one, {one.main: headings}) for one in package_dictionaries()]
    return max((fit for fit in fits if fit.fits), key=lambda fit: fit.rank, default=None)


def heading_fit(dictionary: SourceDictionary, headings: Headings, source: str = "") -> Fit:
    """How well the headings alone fit."""
    headings = {
        file: as_named(dictionary.headings(file), found, file).headings
        for file, found in headings.items()
    }
    rules = _by_column(dictionary)
    n_found = sum(
        any(is_found(rule, dictionary, headings) for rule in group) for group in rules.values()
    )
    main = headings.get(dictionary.main)
    lacking = missing_fits(dictionary, headings) if main is not None else [dictionary.main]
    # The patient's key is needed besides what `fits` names; a file that is absent may be too.
    n_needed = max(len(dictionary.fits) + 1, len(lacking))
    name = source or dictionary.name
    return Fit(name, dictionary.describes, tuple(lacking), n_needed, len(rules), n_found)


def _by_column(dictionary: SourceDictionary) -> dict[str, list[ColumnRule]]:
    """Every rule for a canonical column, of patients, specimens or events."""
    found = {name: list(rules) for name, rules in dictionary.columns.items()}
    for _, _, block in dictionary.blocks:
        for name, rules in block.columns.items():
            found.setdefault(name, []).extend(rules)
    return found


def is_found(rule: ColumnRule, dictionary: SourceDictionary, headings: Headings) -> bool:
    """Whether the files have what a rule reads; for days between dates, both dates."""
    sides = [rule.references]
    if rule.days_from is not None:
        sides = [rule.days_from.date, rule.days_from.origin]
    held = all(any(_is_held(name, dictionary, headings) for name in side) for side in sides)
    return held or rule.value is not None


def _is_held(reference: str, dictionary: SourceDictionary, headings: Headings) -> bool:
    """Whether the files have a column, written ``role.heading``."""
    role, heading = split(reference)
    file = dictionary.file_of(role)
    return file in headings and position(heading, headings[file]) is not None
