"""What every format gives to the loader: headings first, and then the body as a table of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohort.dictionary import FileRule
from cohort.errors import DataError, Problem
from cohort.table import Finding

if TYPE_CHECKING:
    import narwhals as nw

    from cohort.table import Engine

WHITE = " \t\r\n\v\f\u00a0\u2007\u202f\ufeff"

NO_HEADINGS = (
    "If its first line holds values and no headings, export it with them (SEER*Stat: variable "
    "names included), or put above it the names that stand in the .dic file beside it."
)

Read = Callable[["Engine", Sequence[int]], "tuple[nw.LazyFrame[Any], int]"]


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A file that the user gave.

    Attributes
    ----------
    role, path, name
        Its role in the dictionary, where it is, and its name for messages.
    rule
        What the dictionary says of it.
    wanted
        Names of the columns that the dictionary reads from it.
    folder
        For what must be rewritten; emptied when loading ends.
    """

    role: str
    path: Path
    name: str
    rule: FileRule
    wanted: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A file or table whose headings are known.

    Attributes
    ----------
    role, name
        Its role in the dictionary and its name for messages.
    headings
        Every heading, in order, white space stripped, none twice.
    sha256
        Digest of the file as it was given.
    read
        Makes an engine's table of text from some columns of the body (places among the
        headings), and counts its rows; a `DataError` where any row of the file would be lost.
    findings
        What was seen on the way.
    """

    role: str
    name: str
    headings: tuple[str, ...]
    sha256: str
    read: Read
    findings: tuple[Finding, ...] = ()


def checked_headings(names: Sequence[str], name: str) -> tuple[str, ...]:
    """Headings with the white space around them stripped.

    Raises
    ------
    DataError
        Where one stands twice.
    """
    headings = tuple(str(heading).strip(WHITE) for heading in names)
    twice = sorted({h for h in headings if h and headings.count(h) > 1})
    if twice:
        advice = "Rename or delete all but one: which is meant cannot be told."
        if like_values(headings):
            advice = NO_HEADINGS
        raise DataError(
            Problem(f"{name} headings", f"'{h}' stands {headings.count(h)} times", advice=advice)
            for h in twice
        )
    return headings


def like_values(headings: Sequence[str]) -> bool:
    """Whether most headings hold no letter, as the values of a patient may but names do not."""
    bare = sum(not any(letter.isalpha() for letter in heading) for heading in headings)
    return 2 * bare > len(headings)
