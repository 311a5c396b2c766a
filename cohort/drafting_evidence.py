"""What the values of a column say of it: scores under any heading, dates where yes was expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from cohort.decode import CodeBook
from cohort.drafting_entries import DAYS
from cohort.drafting_headings import Guess, guess, words
from cohort.drafting_tables import label_tables
from cohort.drafting_values import Values, date_formats, tokens
from cohort.schema import GIVEN, column

_SIGNED = re.compile(r"[123] ?[+]")
_SCORED = 0.95  # share of texts that must be scores of immunohistochemistry
# What a heading of HER2 may stand for besides its score.
_RESULTS = ("her2_reported", "her2_ihc_reported")
# Other things that are scored with plus signs.
_OTHERS = frozenset({"er", "pr", "hr", "ar", "ki67", "estrogen", "progesterone", "pdl1", "fish"})


def weighed(headings: Sequence[str], values: Callable[[str], Values]) -> dict[str, list[Guess]]:
    """Headings by what they and their values mean together, the surest first.

    A column of HER2 whose texts are scores holds the score, whatever else its heading says; one
    whose heading says nothing is asked about. ``IHC`` alone is HER2's where the texts are scores.
    A treatment whose texts are dates is when it began.

    Parameters
    ----------
    headings
        Of the file, boxes to tick aside.
    values
        Gives the texts of a column.
    """
    found: dict[str, list[Guess]] = {}
    for heading in headings:
        one = _weighed(heading, values)
        if one is not None:
            found.setdefault(one.column, []).append(one)
    return {
        name: sorted(group, key=lambda one: (one.sure, one.strength), reverse=True)
        for name, group in found.items()
    }


def _weighed(heading: str, values: Callable[[str], Values]) -> Guess | None:
    one, found = guess(heading), words(heading)
    if one is None:
        may = "her2" in found or not found & _OTHERS
        if may and _are_scores(values(heading)):
            return Guess(heading, "her2_ihc", "her2_ihc", "", (0, 0), sure="her2" in found)
        return None
    if one.column in _RESULTS and _are_scores(values(heading)):
        return replace(one, column="her2_ihc", family="her2_ihc")
    if one.column == "her2_ihc" and "her2" not in found:
        return one if _are_scores(values(heading)) else None
    known = column(one.column)
    dated = f"{one.column}_date"
    if known is not None and known.levels == GIVEN and dated in DAYS:
        return replace(one, column=dated) if date_formats(values(heading)) else one
    return one


def _are_scores(values: Values) -> bool:
    """Whether the texts are scores of immunohistochemistry, of which some have their plus sign."""
    missing = tokens(values)
    given = {text: n for text, n in values.items() if text not in missing}
    if not any(_SIGNED.match(text) for text in given):
        return False
    books = [CodeBook(table) for table in label_tables("her2_ihc")]
    scores = sum(n for text, n in given.items() if _is_score(text, books))
    return scores >= _SCORED * sum(given.values())


def _is_score(text: str, books: Sequence[CodeBook]) -> bool:
    key = " ".join(text.casefold().split())
    found = [code for book in books if (code := book.find(key)) is not None]
    return any(code.kind in ("value", "uncertain") for code in found)
