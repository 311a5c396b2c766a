"""A YAML file as plain data with the line of every key and item; nothing is interpreted.

YAML 1.1, as PyYAML reads it, turns ``no`` into false, ``010`` into 8 and ``12:30`` into 750. Codes
of a registry look like that, so scalars are resolved here, by the few rules a person expects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import yaml

from cohort.errors import Problem, SpecError

Path = tuple[str | int, ...]

_LARGEST = 1_000_000  # bytes; PyYAML takes minutes over a registry given in place of a study
_DEEPEST = 20
_LONGEST_INTEGER = 18
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WORDS = {
    word: value
    for value, words in {
        None: ("", "~", "null", "Null", "NULL"),
        True: ("true", "True", "TRUE"),
        False: ("false", "False", "FALSE"),
    }.items()
    for word in words
}


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What a YAML file says, and where it says it.

    Attributes
    ----------
    data
        Mappings, lists and scalars. Unquoted whole numbers without a leading zero, decimal
        numbers, true, false and null are what they say; everything else is text as written.
    lines
        Line (from 1) of each key and list item, by its path of keys and places.
    """

    data: dict[str, Any]
    lines: Mapping[Path, int]


def read_yaml(content: bytes, name: str, what: str = "study file") -> Document:
    """The mapping that a YAML file holds, with its lines.

    Refused, each with its line: a repeated key, a tab, an anchor, alias, merge key or tag, a second
    document, text that is not UTF-8, anything at the top that is not a mapping.

    Parameters
    ----------
    content
        Bytes of the file; a UTF-8 byte order mark is fine.
    name
        The file's name, for messages.
    what
        What the file should be, for messages.

    Raises
    ------
    SpecError
        With the file's name and the line.
    """
    text = _text(content, name, what)
    builder = _Builder(name, what, yaml.parse(text, Loader=yaml.SafeLoader))
    try:
        data = builder.document()
    except yaml.MarkedYAMLError as error:
        raise SpecError([*builder.problems, _syntax(error, name)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"a character that YAML does not allow (code {ord(text[error.position]):#06x})"
        raise SpecError(Problem(f"{name}:{line}", found, advice="Delete it.")) from None
    if builder.problems:
        raise SpecError(builder.problems)
    if not isinstance(data, dict):
        kind = "empty" if data is None else "a list" if isinstance(data, list) else "only text"
        raise SpecError(
            Problem(
                f"{name}:1" if data is None else f"{name}:{builder.first_line}",
                f"the file is {kind}",
                "At the top stand keys with values, such as 'version: 1' and 'title: ...'",
            )
        )
    return Document(data, MappingProxyType(builder.lines))


def dotted(path: Path) -> str:
    """A path as a person writes it: ``analyses[1].terms[0].name``."""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else part
    return words


def scalar(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar says; text as written where no rule applies."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= _LONGEST_INTEGER else text
    if _NUMBER.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _text(content: bytes, name: str, what: str) -> str:
    """The decoded text, refused where it is too large, not UTF-8 or holds a tab."""
    if len(content) > _LARGEST:
        found = f"{len(content):,} bytes are too many for a {what}"
        raise SpecError(Problem(name, found, advice="Was a data file given in its place?"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError(
            Problem(f"{name}:{line}", "not UTF-8 text", advice="Save the file as UTF-8.")
        ) from None
    tabs = [number for number, line in enumerate(text.splitlines(), 1) if "\t" in line]
    if tabs:
        more = f" (also on lines {', '.join(map(str, tabs[1:6]))})" if tabs[1:] else ""
        raise SpecError(
            Problem(
                f"{name}:{tabs[0]}",
                f"a tab{more}",
                "Keys are indented by spaces, and no tab stands anywhere in the file",
                "Replace it by spaces.",
            )
        )
    return text


class _Builder:
    """Turns the events of one YAML text into data, noting lines and problems on the way."""

    def __init__(self, name: str, what: str, events: Iterator[Any]) -> None:
        self.name = name
        self.what = what
        self.events = events
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.first_line = 1

    def document(self) -> Any:
        """The one document of the text; None where there is none."""
        data = None
        seen = False
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    self._refuse(event, "a second document begins here", "Delete the line '---'.")
                    return data
                seen = True
                root = next(self.events)
                self.first_line = root.start_mark.line + 1
                data = self._node(root, ())
        return data

    def _node(self, event: Any, path: Path) -> Any:
        """The value that begins with this event."""
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"'*{event.anchor}' repeats another place", "Write it out.")
            return None
        if event.anchor is not None:
            self._refuse(event, f"'&{event.anchor}' names a place", "Leave it out.")
        if event.tag is not None:
            self._refuse(event, f"'{event.tag}' is a tag", "Leave it out.")
        if len(path) > _DEEPEST:
            raise SpecError(Problem(self._at(event), f"nested too deeply for a {self.what}"))
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return scalar(event.value) if event.style is None else event.value

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event)
            place = (*path, key)
            if key == "<<":
                self._refuse(event, "'<<' merges another place", "Write it out.")
            elif key in found:
                first = self.lines[place]
                self._refuse(
                    event, f"'{dotted(place)}' stands here again, first on line {first}",
                    "Keep one of the two.",
                )  # fmt: skip
                # The second value is read past, under a path that no first value has.
                place = (*place, key)
            self.lines[place] = event.start_mark.line + 1
            value = self._node(next(self.events), place)
            found.setdefault(key, value)
        return found

    def _sequence(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            place = (*path, len(found))
            self.lines[place] = event.start_mark.line + 1
            found.append(self._node(event, place))
        return found

    def _key(self, event: Any) -> str:
        """A key as written; keys are text whatever they look like."""
        if isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None:
            return str(event.value)
        raise SpecError(
            [*self.problems, Problem(self._at(event), "a key is no plain word", "Keys are words")]
        )

    def _at(self, event: Any) -> str:
        return f"{self.name}:{event.start_mark.line + 1}"

    def _refuse(self, event: Any, found: str, advice: str) -> None:
        self.problems.append(Problem(self._at(event), found, advice=advice))


_SYNTAX = (
    ("mapping values are not allowed", "a colon where none can stand",
     "Put a text that holds ': ' in quotes, and indent keys of one level alike."),
    ("could not find expected ':'", "a key without a colon", "Write 'key: value'."),
    ("expected ',' or ']'", "a list that is not closed", "Close it with ']'."),
    ("expected ',' or '}'", "keys in braces that are not closed", "Close them with '}'."),
    ("unexpected end of stream", "a quote that is not closed", "Close it."),
    ("expected <block end>", "a line that is not indented like its neighbours",
     "Indent keys of one level, and items of one list, by the same number of spaces."),
    ("cannot start any token", "a character that cannot begin a value", "Put the text in quotes."),
    ("unknown escape character", "a backslash in double quotes", "Use single quotes."),
)  # fmt: skip


def _syntax(error: yaml.MarkedYAMLError, name: str) -> Problem:
    """PyYAML's complaint in plain words, with the line where it was noticed and where it began."""
    said = error.problem or "not readable"
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    began = ""
    if error.context_mark is not None and error.context_mark.line + 1 != line:
        began = f" (it began on line {error.context_mark.line + 1})"
    for part, found, advice in _SYNTAX:
        if part in said:
            return Problem(f"{name}:{line}", f"{found}{began}", advice=advice)
    return Problem(f"{name}:{line}", f"not readable as YAML: {said}{began}")
