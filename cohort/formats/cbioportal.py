"""Clinical files of cBioPortal: lines of comment before the headings, which may be absent."""

from __future__ import annotations

from collections.abc import Sequence

MARK = "#"


def comment_lines(lines: Sequence[str], mark: str | None = None) -> int:
    """How many leading lines are comments.

    With no mark given, lines that begin with ``#`` count where they are laid out as cBioPortal
    lays them out: display names, descriptions, types and priorities, each with as many fields
    as the headings that follow.
    """
    prefix = mark or MARK
    n = 0
    while n < len(lines) and lines[n].startswith(prefix):
        n += 1
    if mark is not None or n == 0 or n == len(lines):
        return n
    return n if lines[0].count("\t") == lines[n].count("\t") else 0
