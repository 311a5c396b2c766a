"""Which column of a file is meant by a name in the dictionary, and whether the file fits at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cohort.dictionary import SourceDictionary
from cohort.dictionary_rules import split
from cohort.errors import Her2LowError, Problem, listed
from cohort.formats.opened import NO_HEADINGS, like_values

# A range of years in brackets at the end, as SEER*Stat adds it: (2010+), (thru 2017), (1975-2016
# varying). It changes from release to release.
_YEARS = re.compile(
    r"\s*\((?:thru|through|to|from|pre-?|before|since)?\s*[12][0-9]{3}"
    r"(?:\+|\s*-\s*[12][0-9]{3})?(?:\s+varying)?\)$"
)
_ITEM = re.compile(r"(?:naaccr\s+)?item\s*#?\s*([0-9]+)")


@dataclass(frozen=True, slots=True)
class Named:
    """A file's headings, spelt as the dictionary spells them where only years differ.

    Attributes
    ----------
    headings
        In the file's order.
    respelt
        Heading of the file, and the dictionary's name for it.
    problems
        Names that several headings fit.
    """

    headings: tuple[str, ...]
    respelt: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]


def as_named(names: Sequence[str], headings: Sequence[str], file: str) -> Named:
    """Headings matched with the dictionary's names beyond their exact spelling.

    A heading that no name fits exactly or in other case is read as the first name of the same
    words that has no column of its own: a range of years in brackets at its end does not count,
    nor does ``Item`` before a NAACCR item number. Several such headings for one name are a
    problem.
    """
    known = {name.casefold() for name in names}
    given = {heading.casefold() for heading in headings}
    lacking: dict[str, str] = {}
    for name in names:
        if name.casefold() not in given:
            lacking.setdefault(_words(name), name)
    free: dict[str, list[int]] = {}
    for at, heading in enumerate(headings):
        if heading.casefold() not in known and _words(heading) in lacking:
            free.setdefault(_words(heading), []).append(at)
    spelt, respelt, problems = list(headings), [], []
    for words, places_ in free.items():
        name = lacking[words]
        if len(places_) > 1:
            same = " or ".join(headings[at] for at in places_)
            advice = "Delete or rename one."
            problems.append(Problem(file, f"'{name}' may be {same}", advice=advice))
            continue
        respelt.append((headings[places_[0]], name))
        spelt[places_[0]] = name
    return Named(tuple(spelt), tuple(respelt), tuple(problems))


def _words(heading: str) -> str:
    """A heading in small letters, without what may differ."""
    small = heading.casefold()
    item = _ITEM.fullmatch(small)
    return item[1] if item else _YEARS.sub("", small)


def position(name: str, headings: Sequence[str]) -> int | None:
    """Place of a column among the headings: spelt exactly, else in other case; None if absent."""
    if name in headings:
        return headings.index(name)
    folded = name.casefold()
    return next((i for i, known in enumerate(headings) if known.casefold() == folded), None)


def places(names: Iterable[str], headings: Sequence[str]) -> list[int]:
    """Places of the columns that are named and present, each once, in the file's order."""
    found = {position(name, headings) for name in names}
    return sorted(at for at in found if at is not None)


def column_problems(
    dictionary: SourceDictionary, headings: Mapping[str, Sequence[str]], names: Mapping[str, str]
) -> list[Problem]:
    """Why these files do not look like this source; empty where they do."""
    problems = []
    lacking = missing_fits(dictionary, headings)
    if lacking:
        other = best_fit(headings[dictionary.main], besides=dictionary.name)
        advice = (
            f"Try source '{other}'."
            if other
            else "No other source of the package fits: write a dictionary for this file."
        )
        first = headings[dictionary.main]
        if like_values(first) or not places(dictionary.headings(dictionary.main), first):
            advice = f"{advice} {NO_HEADINGS}"
        problems.append(
            Problem(
                names[dictionary.main],
                f"this file does not look like source '{dictionary.name}'; columns missing: "
                f"{listed(lacking)}",
                f"The file has: {listed([heading for heading in first if heading], 12)}",
                advice,
            )
        )
    for file, found in headings.items():
        problems += _ambiguous(dictionary, file, found, names[file])
        for role in dictionary.roles_of(file):
            keys = dictionary.key_of(role)
            if role != dictionary.main and all(position(key, found) is None for key in keys):
                problems.append(
                    Problem(names[file], f"no column {listed(keys)} to join the patients by")
                )
    return problems


def missing_fits(dictionary: SourceDictionary, headings: Mapping[str, Sequence[str]]) -> list[str]:
    """Columns that any file of this source has, and these files have not; files it needs, too."""
    needed = [role for role in dictionary.own_files if dictionary.files[role].required]
    lacking = [f"file '{role}'" for role in needed if role not in headings]
    main = headings[dictionary.main]
    if all(position(key, main) is None for key in dictionary.key):
        lacking.append(" or ".join(dictionary.key))
    for alternatives in dictionary.fits:
        named = [split(name) for name in alternatives]
        pairs = [(dictionary.file_of(role), name) for role, name in named]
        given = [(role, name) for role, name in pairs if role in headings]
        if given and all(position(name, headings[role]) is None for role, name in given):
            lacking.append(" or ".join(name for _, name in given))
    return list(dict.fromkeys(lacking))


def best_fit(headings: Sequence[str], besides: str) -> str | None:
    """The package's dictionary that fits a file best, None where none does."""
    scores = {}
    for name in SourceDictionary.names():
        if name == besides:
            continue
        try:
            other = SourceDictionary.load(name)
        except Her2LowError:
            continue
        names = other.headings(other.main)
        spelt = as_named(names, headings, "").headings
        if not missing_fits(other, {other.main: spelt}):
            scores[name] = len(places(names, spelt))
    return max(scores, key=lambda name: scores[name]) if scores else None


def _ambiguous(
    dictionary: SourceDictionary, role: str, headings: Sequence[str], file: str
) -> list[Problem]:
    """Names that fit two headings which differ in case only."""
    folded = [heading.casefold() for heading in headings]
    problems = []
    known = set(dictionary.headings(role))
    for name in dictionary.headings(role):
        if folded.count(name.casefold()) > 1:
            same = [h for h in headings if h.casefold() == name.casefold()]
            if known.issuperset(same):
                continue  # each has a place of its own
            problems.append(
                Problem(
                    file, f"'{name}' may be {' or '.join(same)}", advice="Delete or rename one."
                )
            )
    return problems
