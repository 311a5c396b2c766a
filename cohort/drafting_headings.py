"""Which canonical column a heading probably means, by the words in it; never by its values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from cohort.dictionary_checks import DERIVED, INTERVALS
from cohort.drafting_tables import read
from cohort.schema import EVENT, SCHEMA, column

UNITS = ("days", "months", "years", "mm", "cm")
_FILLERS = frozenset(
    {"a", "at", "by", "code", "coded", "description", "for", "from", "in", "initial", "of", "on"}
    | {"patient", "patients", "primary", "pt", "since", "the", "to", "value", "var", "with"}
)
# Columns that are made by the toolkit, that stand with their number, or that events have.
_NOT_OF_PATIENTS = frozenset(
    (*DERIVED, *(f"{name}_{side}" for name in INTERVALS for side in ("low", "high")), *EVENT)
) - {"patient_id", "tumour_id"}
_SHORT = frozenset({"at", "er", "id", "of", "os", "pr"})
_CANONICAL = (99, 0)  # the strength of a heading that is the column's own name
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")
_BOX_RAW = re.compile(r"(.+)___(.+)")
_BOX_LABEL = re.compile(r"(.+?) *\(choice=(.*)\)")


@dataclass(frozen=True, slots=True)
class Guess:
    """What a heading probably means.

    Attributes
    ----------
    heading
        As the file spells it.
    column
        A canonical column, or one of the dates that days are counted from or to
        (``birth_date``, ``death_date``, ...), or ``followup`` whose unit the heading tells.
    family
        Labels whose meaning is certain in such a column.
    unit
        Unit that the heading names, empty where it names none.
    strength
        Words that made the guess, and (negative) words that had no part in it.
    sure
        Whether the heading says what is measured; otherwise the values alone do.
    """

    heading: str
    column: str
    family: str
    unit: str
    strength: tuple[int, int]
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """A box to tick, as REDCap exports it: the question, and the choice of this column."""

    heading: str
    question: str
    choice: str


def guess(heading: str) -> Guess | None:
    """What a heading probably means; None where it is not known, or could be two things."""
    found = words(heading)
    unit = next((unit for unit in UNITS if unit in found), "")
    canonical = heading.casefold()
    if canonical in SCHEMA and canonical not in _NOT_OF_PATIENTS:
        return Guess(heading, canonical, _family(canonical), unit, _CANONICAL)
    best: dict[str, Guess] = {}
    for row in read("headings"):
        strength = _strength(found, row)
        known = best.get(row["column"])
        if strength is not None and (known is None or strength > known.strength):
            best[row["column"]] = Guess(heading, row["column"], row["family"], unit, strength)
    if not best:
        return None
    strongest = max(one.strength for one in best.values())
    meant = [one for one in best.values() if one.strength == strongest]
    return meant[0] if len(meant) == 1 else None


def guesses(headings: Iterable[str]) -> dict[str, list[Guess]]:
    """Headings by what they probably mean, the surest first."""
    found: dict[str, list[Guess]] = {}
    for heading in headings:
        one = guess(heading)
        if one is not None:
            found.setdefault(one.column, []).append(one)
    return {
        column: sorted(group, key=lambda one: one.strength, reverse=True)
        for column, group in found.items()
    }


def box(heading: str) -> Box | None:
    """The box to tick that a heading names, None where it names none."""
    for pattern in (_BOX_LABEL, _BOX_RAW):
        match = pattern.fullmatch(heading)
        if match is not None:
            return Box(heading, match[1], match[2])
    return None


def words(heading: str) -> frozenset[str]:
    """The words of a heading, each in one spelling."""
    plain = unicodedata.normalize("NFKD", heading.replace("%", " percent "))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    apart = _OTHER.sub(" ", _CAMEL.sub(" ", plain).casefold()).split()
    text = f" {' '.join(part for word in apart for part in _parts(word))} "
    # Twice: one spelling may bring about another (follow up, last followup, last contact).
    for _ in range(2):
        for written, meant in _spellings():
            text = text.replace(written, meant)
    return frozenset(text.split())


@cache
def _parts(word: str) -> tuple[str, ...]:
    """The words that a word is run together from (her2score); itself where it is one, or none."""
    known = _vocabulary()
    best: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(1, len(word) + 1):
        for start in range(end):
            piece = word[start:end]
            if start in best and piece in known:
                parts = (*best[start], piece)
                if end not in best or len(parts) < len(best[end]):
                    best[end] = parts
    return best.get(len(word), (word,))


@cache
def _vocabulary() -> frozenset[str]:
    """Words of the tables; very short ones only where they are not part of many others."""
    texts = [row[name] for row in read("headings") for name in ("words", "without")]
    texts += [row[name] for row in read("words") for name in ("word", "means")]
    every = {word for text in texts for word in text.split()} | _FILLERS
    return frozenset(word for word in every if len(word) > 2 or word in _SHORT)


@cache
def _spellings() -> tuple[tuple[str, str], ...]:
    """Words and phrases with the one spelling of each, the longest first."""
    rows = sorted(read("words"), key=lambda row: (-len(row["word"]), row["word"]))
    return tuple((f" {row['word']} ", f" {row['means']} ") for row in rows)


def _strength(found: frozenset[str], row: dict[str, str]) -> tuple[int, int] | None:
    """How surely these words are those of a row; None where they are not."""
    needed = set(row["words"].split())
    if not needed <= found or found & set(row["without"].split()):
        return None
    rest = found - needed - _FILLERS - (set(UNITS) if _is_measured(row["column"]) else set())
    if row["exact"] and rest:
        return None
    return len(needed), -len(rest)


def _is_measured(name: str) -> bool:
    """Whether a column has a unit, so that a heading may name it."""
    known = column(name)
    return known.unit != "" if known is not None else name == "followup"


def _family(name: str) -> str:
    """Labels whose meaning is certain in a canonical column."""
    return next((row["family"] for row in read("headings") if row["column"] == name), "")


def specimen_labels(headings: Sequence[str]) -> tuple[str, ...]:
    """Words that tell headings of the same meaning apart as specimens (``biopsy``, ``2``).

    One heading may have none, and its label is empty. Nothing where any differs by another word:
    a central reading, say, is no other specimen.
    """
    known = {row["word"] for row in read("specimens")}
    found = [words(heading) for heading in headings]
    shared = frozenset.intersection(*found) if found else frozenset()
    own = [sorted(one - shared) for one in found]
    labels = [one[0] if one else "" for one in own]
    if any(len(one) > 1 for one in own) or len(set(labels)) < len(labels):
        return ()
    return tuple(labels) if all(not label or label in known for label in labels) else ()


def is_later(label: str) -> bool:
    """Whether a specimen so called is of a metastasis, a recurrence or what treatment left."""
    return any(row["word"] == label and row["later"] == "yes" for row in read("specimens"))
