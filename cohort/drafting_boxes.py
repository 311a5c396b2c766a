"""Boxes to tick, as REDCap exports them: one column a choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cohort.drafting_entries import Entry, reference
from cohort.drafting_headings import Box, Guess, box, guess
from cohort.drafting_values import Label, Values, undecided
from cohort.schema import GIVEN, column

_TICKED = ("1", "checked")


def box_entries(
    headings: Sequence[str],
    values: Callable[[str], Values],
    codes: Callable[[str], str],
) -> Iterator[Entry]:
    """Rules for boxes whose choice, or question, means a canonical column of yes and no.

    Where the choice is named (``Treatment (choice=Chemotherapy)``, ``treatment___chemotherapy``)
    the box is read; where only the question is (``chemotherapy___1``) it is left to the user, as
    one of the boxes may say none or unknown. That a box is ticked means yes; whether one that is
    not ticked means no, or not filled in, is for the user to say.
    """
    boxes = [one for one in map(box, headings) if one is not None]
    done: set[str] = set()
    for one in boxes:
        meant = guess(one.choice)
        if meant is not None and _is_given(meant) and meant.column not in done:
            done.add(meant.column)
            yield _one(meant, one, values(one.heading), codes(meant.column))
    for question in dict.fromkeys(one.question for one in boxes):
        of_question = [one for one in boxes if one.question == question]
        meant = guess(question)
        if meant is not None and _is_given(meant) and meant.column not in done:
            done.add(meant.column)
            yield _any_of(meant, of_question, values, codes(meant.column))


def _is_given(meant: Guess) -> bool:
    known = column(meant.column)
    return known is not None and known.levels == GIVEN


def _one(meant: Guess, chosen: Box, values: Values, codes: str) -> Entry:
    """A box whose choice is the column."""
    found = _labels(values)
    said = [f"guessed from the choice '{chosen.choice}' of '{chosen.question}'"]
    if not all(label.decided for label in found):
        said.append(f"DECIDE in codes/{codes}.csv whether a box that is not ticked means no")
    ticked = any(label.decided for label in found)
    rule = f"{{from: {reference(chosen.heading)}, codes: {codes}}}"
    return Entry(meant.column, rule, (chosen.heading,), ticked, tuple(said), found)


def _any_of(
    meant: Guess, boxes: Sequence[Box], values: Callable[[str], Values], codes: str
) -> Entry:
    """Several boxes of one question, left open: one of them may say none or unknown."""
    named = ", ".join(reference(one.heading) for one in boxes)
    counts: dict[str, int] = {}
    for one in boxes:
        for text, n in values(one.heading).items():
            counts[text] = counts.get(text, 0) + n
    said = (
        f"guessed from the boxes of '{meant.heading}'",
        "DECIDE which boxes mean yes; leave out one that says none or unknown",
        f"and in codes/{codes}.csv whether a box that is not ticked means no",
    )
    rule = f"{{any_of: [{named}], codes: {codes}}}"
    headings = tuple(one.heading for one in boxes)
    return Entry(meant.column, rule, headings, False, said, _labels(counts))


def _labels(values: Values) -> tuple[Label, ...]:
    """What the texts of a box mean."""
    return tuple(
        Label(text, n, "value", "yes", "a ticked box")
        if text.casefold() in _TICKED
        else undecided(text, n)
        for text, n in values.items()
    )
