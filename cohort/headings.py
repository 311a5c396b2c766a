"""Which column of a file is meant by a name in the dictionary, and whether the file fits at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cohort.dictionary import SourceDictionary
from cohort.dictionary_rules import split
from cohort.errors import Her2LowError, Problem, listed


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
        if not missing_fits(other, {other.main: headings}):
            scores[name] = len(places(other.headings(other.main), headings))
    return max(scores, key=lambda name: scores[name]) if scores else None


def _ambiguous(
    dictionary: SourceDictionary, role: str, headings: Sequence[str], file: str
) -> list[Problem]:
    """Names that fit two headings which differ in case only."""
    folded = [heading.casefold() for heading in headings]
    problems = []
    for name in dictionary.headings(role):
        if name not in headings and folded.count(name.casefold()) > 1:
            same = [h for h in headings if h.casefold() == name.casefold()]
            problems.append(
                Problem(
                    file, f"'{name}' may be {' or '.join(same)}", advice="Delete or rename one."
                )
            )
    return problems
