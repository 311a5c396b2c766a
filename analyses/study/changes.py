"""What a command line changes in a study file: some of its analyses only, values set anew."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cohort import yaml_reader
from cohort.errors import Problem, SpecError, listed, suggest

GRID = "sensitivity"
# By kind: the key that names the analysis which one builds on.
_BUILDS_ON = MappingProxyType({"robustness": "of", "evidence": "compares"})


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of a study file.

    Attributes
    ----------
    settings
        ``key=value`` each: the key a path such as ``her2.edition`` or ``analyses.model.ties``,
        where a member of a list is called by its id or its place (from 0); the value as a study
        file writes it.
    only
        Ids of the analyses that are done, with those that they build on; all where empty. The
        grid of specifications is called ``sensitivity``.
    formats
        The forms of the report, as a list between commas; empty for the study's own.
    """

    settings: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    formats: str = ""

    def __bool__(self) -> bool:
        """Whether anything is changed."""
        return bool(self.settings or self.only or self.formats)

    @property
    def said(self) -> tuple[str, ...]:
        """Each change as the command line says it."""
        return (
            *(f"--set {one}" for one in self.settings),
            *(f"--only {name}" for name in self.only),
            *([f"--format {self.formats}"] if self.formats else []),
        )


@dataclass(frozen=True, slots=True)
class Changed:
    """A study's data with changes made.

    Attributes
    ----------
    places
        The words of each change by its path.
    kept
        The place that each analysis has in the file; None where none was left out.
    """

    data: Mapping[str, Any]
    places: Mapping[yaml_reader.Path, str]
    kept: tuple[int, ...] | None = None

    def lines(self, lines: Mapping[yaml_reader.Path, int]) -> Mapping[yaml_reader.Path, int]:
        """The file's lines by the paths that keys have after the changes."""
        if self.kept is None:
            return lines
        moved = {_moved(path, self.kept): line for path, line in lines.items()}
        return {path: line for path, line in moved.items() if path is not None}


def changed(data: Mapping[str, Any], changes: Changes) -> Changed:
    """The data of a study file with the changes made; the file's own stay as they are.

    Raises SpecError, with every problem, for a change that is not ``key=value``, a path that leads
    nowhere, a value that is no YAML, or an analysis that is not there.
    """
    made = copy.deepcopy(dict(data))
    places: dict[yaml_reader.Path, str] = {}
    problems: list[Problem] = []
    for one in changes.settings:
        try:
            places[_set(made, one)] = f"--set {one}"
        except SpecError as error:
            problems += error.problems
    if changes.formats:
        try:
            path = _set(made, f"report.formats=[{changes.formats}]")
            places[path] = f"--format {changes.formats}"
        except SpecError:
            problems.append(Problem(f"--format {changes.formats}", "no list", "pdf,html,docx"))
    analyses = made.get("analyses")
    kept = None
    if changes.only and isinstance(analyses, list):
        problems += _unknown(made, changes.only)
        kept = _keep(made, changes.only)
        problems += [
            Problem(words, "--only leaves this analysis out", advice="Leave one of the two out.")
            for path, words in places.items()
            if _moved(path, kept) is None
        ]
        places = {_moved(path, kept) or path: words for path, words in places.items()}
    if problems:
        raise SpecError(problems)
    return Changed(made, places, kept)


def _set(data: dict[str, Any], one: str) -> yaml_reader.Path:
    """Set one value in place; the path that was set."""
    key, sign, text = one.partition("=")
    where = f"--set {one}"
    if not (key.strip() and sign):
        raise SpecError(Problem(where, "no key and value", "--set key=value"))
    value = yaml_reader.read_yaml(f"value: {text}".encode(), where).data["value"]
    path: tuple[str | int, ...] = ()
    *parents, last = key.strip().split(".")
    at: Any = data
    for name in parents:
        step = _step(at, name, where)
        if isinstance(at, dict) and step not in at:
            at[step] = {}
        at, path = at[step], (*path, step)
    step = _step(at, last, where)
    at[step] = value
    return (*path, step)


def _step(at: Any, name: str, where: str) -> str | int:
    """A key of a mapping, or the place of a member of a list, by its id or its number."""
    if isinstance(at, dict):
        return name
    if not isinstance(at, list):
        raise SpecError(Problem(where, f"nothing is below '{name}'", "A key of the study file"))
    if name.isdecimal() and int(name) < len(at):
        return int(name)
    ids = [str(member.get("id", "")) for member in at if isinstance(member, dict)]
    for place, member in enumerate(at):
        if isinstance(member, dict) and member.get("id") == name:
            return place
    allowed = f"Ids: {listed(ids)}" if any(ids) else f"It has {len(at)} members, from 0"
    raise SpecError(Problem(where, f"there is no '{name}'", allowed, suggest(name, ids)))


def _keep(data: dict[str, Any], only: tuple[str, ...]) -> tuple[int, ...]:
    """Leave the analyses asked for and what they build on; the places that they had."""
    analyses = data["analyses"]
    wanted = set(only)
    if GRID in data and GRID not in only:
        del data[GRID]
    elif isinstance(data.get(GRID), dict):
        wanted.add(str(data[GRID].get("of")))
    by_id = {_id(member): member for member in analyses if isinstance(member, dict)}
    for name in only:
        member = by_id.get(name, {})
        wanted.add(str(member.get(_BUILDS_ON.get(str(member.get("kind")), ""))))
    kept = tuple(i for i, member in enumerate(analyses) if _id(member) in wanted)
    data["analyses"] = [analyses[i] for i in kept]
    return kept


def _moved(path: yaml_reader.Path, kept: tuple[int, ...]) -> yaml_reader.Path | None:
    """A path below the analyses after some were left out; None below one of those."""
    if len(path) < 2 or path[0] != "analyses" or not isinstance(path[1], int):
        return path
    return ("analyses", kept.index(path[1]), *path[2:]) if path[1] in kept else None


def _id(member: Any) -> str:
    return str(member.get("id", "")) if isinstance(member, dict) else ""


def _unknown(data: dict[str, Any], only: tuple[str, ...]) -> list[Problem]:
    """Analyses that are asked for and are not there."""
    ids = [_id(member) for member in data["analyses"]]
    ids += [GRID] if GRID in data else []
    return [
        Problem(
            f"--only {name}", "no analysis of this id", f"Ids: {listed(ids)}", suggest(name, ids)
        )
        for name in only
        if name not in ids
    ]
