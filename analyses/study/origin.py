"""Where a study came from: the file's name, folder, digest and lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from analyses.study.changes import Changes
from cohort import yaml_reader
from cohort.errors import Problem


@dataclass(frozen=True, slots=True)
class Origin:
    """The file behind a study, or a notebook's dictionary.

    Attributes
    ----------
    name
        The file's name without its folder; ``study`` where there is no file.
    folder
        Folder that paths in the study are relative to.
    digest
        sha256 of the file's bytes, or of the dictionary as sorted JSON.
    lines
        Line of each key and item; empty where there is no file.
    allow_path
        Files may lie outside the folder.
    changes, changed
        What the command line changes, and the words of each change by its path.
    """

    name: str = "study"
    folder: Path = Path()
    digest: str = ""
    lines: Mapping[yaml_reader.Path, int] = field(default_factory=lambda: MappingProxyType({}))
    allow_path: bool = False
    changes: Changes = field(default_factory=Changes)
    changed: Mapping[yaml_reader.Path, str] = field(default_factory=lambda: MappingProxyType({}))

    def where(self, path: yaml_reader.Path = ()) -> str:
        """``study.yaml:14`` for a path of keys and places: its own line, or the nearest above."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.changed:
                return self.changed[path[:length]]
            if path[:length] in self.lines:
                return f"{self.name}:{self.lines[path[:length]]}"
        return self.name

    def place(self, path: yaml_reader.Path = ()) -> str:
        """``study.yaml:14: analyses[1].by``."""
        return f"{self.where(path)}: {yaml_reader.dotted(path)}" if path else self.where()


def digest_of(data: Mapping[str, Any]) -> str:
    """sha256 of plain data, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def line_of(problem: Problem) -> int:
    """The line that a problem names, for sorting; 0 where it names none."""
    parts = problem.where.split(":")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
