"""What a command line changes in a study file: some of its analyses only, values set anew."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cohort import yaml_reader
from cohort.errors import Problem, SpecError, listed, suggest


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
        Ids of the analyses that are done; all where empty.
    """

    settings: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is changed."""
        return bool(self.settings or self.only)

    @property
    def said(self) -> tuple[str, ...]:
        """Each change as the command line says it."""
        return (
            *(f"--set {one}" for one in self.settings),
            *(f"--only {name}" for name in self.only),
        )


@dataclass(frozen=True, slots=True)
class Changed:
    """A study's data with changes made.

    Attributes
    ----------
    places
        The words of each change by its path.
    kept
        The place that each analysis has in the file.
    """

    data: Mapping[str, Any]
    places: Mapping[yaml_reader.Path, str]
    kept: tuple[int, ...] = ()

    def lines(self, lines: Mapping[yaml_reader.Path, int]) -> Mapping[yaml_reader.Path, int]:
        """The file's lines by the paths that keys have after the changes."""
        now = {old: new for new, old in enumerate(self.kept)}
        return {
            ("analyses", now[int(path[1])], *path[2:])
            if len(path) > 1 and path[0] == "analyses"
            else path: line
            for path, line in lines.items()
            if len(path) < 2 or path[0] != "analyses" or int(path[1]) in now
        }


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
    kept = list(range(len(made.get("analyses") or ())))
    if changes.only:
        problems += _unknown(made, changes.only)
        kept = [i for i in kept if _id(made["analyses"][i]) in changes.only]
        made["analyses"] = [made["analyses"][i] for i in kept]
    if problems:
        raise SpecError(problems)
    return Changed(made, places, tuple(kept))


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
    if name.isdigit() and int(name) < len(at):
        return int(name)
    ids = [str(member.get("id", "")) for member in at if isinstance(member, dict)]
    for place, member in enumerate(at):
        if isinstance(member, dict) and member.get("id") == name:
            return place
    allowed = f"Ids: {listed(ids)}" if any(ids) else f"Places: 0 to {len(at) - 1}"
    raise SpecError(Problem(where, f"there is no '{name}'", allowed, suggest(name, ids)))


def _id(member: Any) -> str:
    return str(member.get("id", "")) if isinstance(member, dict) else ""


def _unknown(data: dict[str, Any], only: tuple[str, ...]) -> list[Problem]:
    """Analyses that are asked for and are not there."""
    ids = [_id(member) for member in data.get("analyses") or ()]
    return [
        Problem(
            f"--only {name}", "no analysis of this id", f"Ids: {listed(ids)}", suggest(name, ids)
        )
        for name in only
        if name not in ids
    ]
