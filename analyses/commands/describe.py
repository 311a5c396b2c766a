"""``her2low describe``: what a file holds, which dictionary fits it, and what stands against it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analyses.commands.messages import aligned, roles, told
from cohort.errors import Problem, SpecError

if TYPE_CHECKING:
    from cohort.description_sections import Section

_MAIN = "main"  # what every dictionary of the package calls its first file
_INDENT = "    "
_PAGE = 96  # characters that sentences and the last column of a table stay within
_NARROWEST = 36


def describe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The source's main file.")],
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="Read it by this dictionary (name or path)."),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="ROLE=PATH", help="Another file of the source; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a text.")] = False,
    identify: Annotated[
        bool, typer.Option("--identify", help="Show the keys of repeated patients.")
    ] = False,
) -> None:
    """Describe a file: which source it is, what is understood, what is wrong, is HER2-low there."""
    with told():
        from cohort.describing import describe as described_by
        from cohort.description_sections import sections

        described = described_by(_given(file, source, roles(files or [])), source=source,
                                 identify=identify)  # fmt: skip
        if as_json:
            typer.echo(json.dumps(described.to_dict(), indent=2, ensure_ascii=False))
            return
        _print(sections(described))


def _given(file: Path, source: str | None, others: dict[str, Path]) -> Any:
    """The files by their roles; the main file alone as it is."""
    if not others:
        return file
    from cohort.dictionary import SourceDictionary

    main = _MAIN if source is None else SourceDictionary.load(source).main
    if main in others:
        found = f"role '{main}' is given by {others[main]} and by {file}"
        raise SpecError(Problem("--file", found, advice="Keep one of the two."))
    return {main: file, **others}


def _print(report: tuple[Section, ...]) -> None:
    """The sections, headings in bold on a terminal."""
    for i, section in enumerate(report):
        if i:
            typer.echo()
        typer.secho(section.title, bold=True)
        for line in _lines(section):
            typer.echo(line)


def _lines(section: Section) -> Iterator[str]:
    """Sentences folded to the width of a page, and the table in columns."""
    for sentence in section.sentences:
        yield from (f"{_INDENT}{line}" for line in _folded(sentence, _PAGE))
    if section.rows:
        rows = _in_page([section.header, *section.rows])
        yield from (f"{_INDENT}{line}" for line in aligned(rows, section.right))


def _in_page(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows with the last cell folded into further rows where it would leave the page."""
    before = sum(max(len(row[i]) for row in rows) + 2 for i in range(len(rows[0]) - 1))
    width = max(_PAGE - before, _NARROWEST)
    folded = []
    for *cells, last in rows:
        first, *rest = _folded(last, width) or [""]
        folded.append((*cells, first))
        folded += [(*[""] * len(cells), line) for line in rest]
    return folded


def _folded(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, width, break_long_words=False, break_on_hyphens=False)
