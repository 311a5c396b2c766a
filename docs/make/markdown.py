"""Text of the reference: tables and paragraphs of Markdown."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

Rows = Iterable[Sequence[object]]


def table(headings: Sequence[str], rows: Rows) -> str:
    """A table; every cell on one line."""
    lines = [_row(headings), _row(["---"] * len(headings))]
    lines += [_row([cell(value) for value in row]) for row in rows]
    return "\n".join(lines)


def cell(value: object) -> str:
    """A value as a cell of a table has it."""
    if value is None:
        return ""
    words = f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(words.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def code(words: object) -> str:
    """Words as they are written in a file; blank stays blank."""
    plain = " ".join(str(words).split())
    return f"`{plain}`" if plain else ""


def page(*parts: str) -> str:
    """A page from its paragraphs and tables."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def read(package: str, name: str) -> tuple[Mapping[str, str], ...]:
    """Rows of a table of the program."""
    text = files(package).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def as_written(rows: Sequence[Mapping[str, str]], *, without: Sequence[str] = ()) -> str:
    """A table of the program, its columns in their order; those that are blank throughout not."""
    names = [
        name for name in rows[0] if name not in without and any((row[name] or "") for row in rows)
    ]
    return table(names, ([row[name] for name in names] for row in rows))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
