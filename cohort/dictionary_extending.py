"""A dictionary that says only what differs from one of the package's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cohort.dictionary import FOLDER
from cohort.errors import Problem, SpecError, listed, suggest
from cohort.yaml_reader import Document, read_yaml

# Parts that are merged key by key; every other part that is given stands in for the base's.
_MERGED = ("files", "identifies", "missing", "columns")


def read_whole(path: Path) -> tuple[Document, bytes]:
    """The document of a dictionary with what it extends, and the bytes of both.

    ``extends: naaccr`` takes that dictionary of the package; files, columns, missing tokens and
    what the source identifies are added to it key by key (null takes one away), and any other
    part that is given replaces its own. Lines are those of the file that extends.

    Raises
    ------
    SpecError
        Where a file is no dictionary, or extends one that does not exist or itself.
    """
    content = path.read_bytes()
    document = read_yaml(content, path.name, "source dictionary")
    if "extends" not in document.data:
        return document, content
    base = document.data["extends"]
    known = sorted(one.stem for one in FOLDER.glob("*.yaml") if one.stem != path.stem)
    if base not in known:
        where = f"{path.name}:{document.lines[('extends',)]}: extends"
        found = f"'{base}' is no dictionary of the package that this one can extend"
        allowed = f"Dictionaries: {listed(known)}"
        raise SpecError(Problem(where, found, allowed, suggest(str(base), known)))
    under, below = read_whole(FOLDER / f"{base}.yaml")
    own = {key: value for key, value in document.data.items() if key != "extends"}
    return replace(document, data=_over(under.data, own)), below + content


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The base with what the other says instead."""
    whole = dict(base)
    for key, value in own.items():
        parts = whole.get(key)
        if key in _MERGED and isinstance(parts, Mapping) and isinstance(value, Mapping):
            merged = {**parts, **value}
            whole[key] = {name: part for name, part in merged.items() if part is not None}
        else:
            whole[key] = value
    return whole
