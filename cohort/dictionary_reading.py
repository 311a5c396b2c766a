"""Reading a source dictionary: YAML and code tables, every mistake with file, line and key."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ValidationError

from cohort.codes import CodeTable, code_path, read_codes
from cohort.dictionary import FOLDER, Block, FileRule, Identifies, SourceDictionary, Time, Unmapped
from cohort.dictionary_checks import Found, problems
from cohort.dictionary_extending import read_whole
from cohort.dictionary_rules import LEVELS, ColumnRule, DaysRule, NumberRule, Text
from cohort.errors import Problem, SpecError, listed, suggest
from cohort.yaml_reader import Document, dotted


def read_dictionary(path: Path) -> SourceDictionary:
    """The dictionary in a YAML file, checked with its code tables.

    Raises
    ------
    SpecError
        With file, line and key for everything that is wrong in it.
    """
    document, content = read_whole(path)
    try:
        dictionary = SourceDictionary.model_validate(document.data)
    except ValidationError as error:
        raise SpecError(_explained(error, document, path.name)) from None
    tables, found = _read_tables(dictionary, path.parent / "codes")
    found += problems(dictionary, tables)
    if found:
        raise SpecError(
            Problem(place_of(document, path.name, place), what, allowed, advice)
            for place, what, allowed, advice in found
        )
    digest = hashlib.sha256(content)
    for name in sorted(tables):
        digest.update(tables[name].sha256.encode())
    return dictionary.bound(tables, digest.hexdigest())


@cache
def of_package(path: Path) -> SourceDictionary:
    """A dictionary that comes with the package, read once: it does not change."""
    return read_dictionary(path)


def place_of(document: Document, name: str, place: tuple[str | int, ...]) -> str:
    """``file.yaml:14: columns.grade[0].codes``: file, line and key of a place."""
    known = place
    while known and known not in document.lines:
        known = known[:-1]
    line = document.lines.get(known)
    start = name if line is None else f"{name}:{line}"
    return f"{start}: {dotted(place)}" if place else start


def _read_tables(
    dictionary: SourceDictionary, folder: Path
) -> tuple[dict[str, CodeTable], list[Found]]:
    """The code tables that the rules name; those that are absent or wrong as problems."""
    tables: dict[str, CodeTable] = {}
    found: list[Found] = []
    for place, rule in dictionary.rules():
        if rule.codes in (None, LEVELS) or rule.codes in tables:
            continue
        try:
            tables[rule.codes] = read_codes(code_path(rule.codes, folder))
        except SpecError as error:
            found += [
                ((*place, "codes"), f"{p.where}: {p.found}", p.allowed, p.advice)
                for p in error.problems
            ]
    return tables, found


def dictionary_path(source: str | Path) -> Path:
    """The file of a dictionary given by name or path.

    Raises
    ------
    SpecError
        Where there is none, with the nearest name.
    """
    text = str(source)
    path = Path(text)
    if path.suffix.lower() in (".yaml", ".yml") or len(path.parts) > 1:
        if path.is_file():
            return path
        near = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise SpecError(
            Problem(f"source '{text}'", "no such file", advice=suggest(path.name, near))
        )
    known = SourceDictionary.names()
    if text not in known:
        allowed = f"Sources: {listed(known)}; or the path of a dictionary (.yaml)"
        raise SpecError(
            Problem(f"source '{text}'", "no such dictionary", allowed, suggest(text, known))
        )
    return FOLDER / f"{text}.yaml"


def _explained(error: ValidationError, document: Document, name: str) -> list[Problem]:
    """What pydantic found, with the line and in plain words."""
    problems = []
    for item in error.errors():
        place = _place(item["loc"], document)
        found, allowed, advice = item["msg"], "", ""
        if item["type"] == "extra_forbidden":
            known = _keys(place)
            found, allowed = f"unknown key '{place[-1]}'", f"Keys: {listed(known)}"
            advice = suggest(str(place[-1]), known)
        elif item["type"] == "missing":
            found = "this key is needed"
        elif item["type"] == "value_error":
            found = item["msg"].removeprefix("Value error, ")
        else:
            found = f"{item['msg']}, not {item['input']!r}"
        problems.append(Problem(place_of(document, name, place), found, allowed, advice))
    return problems


def _place(loc: tuple[int | str, ...], document: Document) -> tuple[str | int, ...]:
    """Pydantic's path without the steps that the file does not have."""
    place: tuple[str | int, ...] = ()
    for i, part in enumerate(loc):
        last = i == len(loc) - 1
        if (*place, part) in document.lines or (last and part not in ("str", "Text")):
            place = (*place, part)
    return place


_HOMES: dict[str, type[BaseModel]] = {
    "files": FileRule,
    "columns": ColumnRule,
    "unmapped": Unmapped,
    "time": Time,
    "identifies": Identifies,
    "specimens": Block,
    "events": Block,
}
_INNER: dict[str, type[BaseModel]] = {
    "columns": ColumnRule,
    "number": NumberRule,
    "days_from": DaysRule,
    "first_of": Text,
}


def _keys(place: tuple[str | int, ...]) -> list[str]:
    """Keys that may stand beside an unknown one."""
    model: type[BaseModel] = SourceDictionary
    if len(place) > 1:
        model = _HOMES.get(str(place[0]), SourceDictionary)
    for part in place[1:-1]:
        model = _INNER.get(str(part), model) if place[0] != "files" else model
    return [field.alias or name for name, field in model.model_fields.items()]
