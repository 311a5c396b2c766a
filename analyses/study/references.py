"""What the parts of a study say of each other: ids once, endpoints that exist, paths in bounds.

These look at the plain data, so that they are told together with everything else that is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from analyses.study.origin import Origin
from cohort.errors import Problem, listed, suggest


def reference_problems(data: Mapping[str, Any], origin: Origin) -> list[Problem]:
    """Repeated ids, endpoints that are asked for and not defined, paths that leave the folder."""
    found = [
        p for part in ("endpoints", "select", "analyses") for p in _repeated(data, part, origin)
    ]
    return [*found, *_endpoints(data, origin), *_models(data, origin), *_paths(data, origin)]


def _parts(data: Mapping[str, Any], part: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The members of a list of the study that are mappings, with their place."""
    members = data.get(part)
    for i, member in enumerate(members if isinstance(members, list | tuple) else ()):
        if isinstance(member, Mapping):
            yield i, member


def _repeated(data: Mapping[str, Any], part: str, origin: Origin) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for i, member in _parts(data, part):
        name = member.get("id")
        if not isinstance(name, str):
            continue
        if name in seen:
            first = origin.place((part, seen[name], "id"))
            yield Problem(origin.place((part, i, "id")), f"'{name}' is already the id of {first}",
                          advice="Give each its own.")  # fmt: skip
        seen.setdefault(name, i)


def _endpoints(data: Mapping[str, Any], origin: Origin) -> Iterator[Problem]:
    named = [str(member["id"]) for _, member in _parts(data, "endpoints") if "id" in member]
    known = list(dict.fromkeys(named))
    for i, member in _parts(data, "analyses"):
        name = member.get("endpoint")
        if isinstance(name, str) and name not in known:
            allowed = f"Endpoints: {listed(known)}" if known else "The study defines no endpoint"
            yield Problem(origin.place(("analyses", i, "endpoint")),
                          f"'{name}' is not an endpoint of this study",
                          allowed, suggest(name, known) or _any_case(name, known))  # fmt: skip


def _models(data: Mapping[str, Any], origin: Origin) -> Iterator[Problem]:
    """Cox models that a later analysis is to look at, and that do not stand before it."""
    before: list[str] = []
    for i, member in _parts(data, "analyses"):
        name = member.get("of")
        if member.get("kind") == "robustness" and isinstance(name, str) and name not in before:
            allowed = f"Models before: {listed(before)}" if before else "No Cox model stands before"
            yield Problem(origin.place(("analyses", i, "of")),
                          f"'{name}' is no Cox model that stands before this analysis",
                          allowed, suggest(name, before))  # fmt: skip
        if member.get("kind") == "cox" and isinstance(member.get("id"), str):
            before.append(str(member["id"]))


def _any_case(name: str, known: list[str]) -> str:
    match = [other for other in known if other.lower() == name.lower()]
    return f"Did you mean '{match[0]}'?" if match else ""


def _paths(data: Mapping[str, Any], origin: Origin) -> Iterator[Problem]:
    source = data.get("source")
    if not isinstance(source, Mapping) or origin.allow_path:
        return
    files = source.get("files")
    named: dict[tuple[str | int, ...], Any] = {("source", "files"): files}
    if isinstance(files, Mapping):
        named = {("source", "files", str(role)): path for role, path in files.items()}
    if is_path(source.get("name")):
        named[("source", "name")] = source["name"]
    for i, member in _parts(data, "analyses"):
        if isinstance(member.get("life_table"), str):
            named[("analyses", i, "life_table")] = member["life_table"]
    for place, path in named.items():
        if isinstance(path, str) and leaves_folder(path):
            yield Problem(
                origin.place(place),
                f"'{path}' lies outside the study's folder",
                "Paths are relative to the study file and stay below its folder",
                "Move the file, or allow it with --allow-path.",
            )


def is_path(name: object) -> bool:
    """Whether a source's name is the path of a dictionary rather than a name."""
    return isinstance(name, str) and name.lower().endswith((".yaml", ".yml"))


def leaves_folder(path: str) -> bool:
    """Whether a path as written is absolute or climbs out, on any operating system."""
    windows = PureWindowsPath(path)
    if PurePosixPath(path).is_absolute() or windows.drive or windows.root:
        return True
    return os.path.normpath(path.replace("\\", "/")).split("/")[0] == ".."
