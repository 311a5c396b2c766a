"""The file that a misspelt path may have meant."""

from __future__ import annotations

from pathlib import Path

from cohort.errors import suggest


def near_file(path: Path) -> str:
    """Advice for a path that does not exist: a near name in its folder, or the missing folder."""
    folder = path.parent
    try:
        if not folder.is_dir():
            return f"There is no folder '{folder}' either."
        names = [item.name for item in folder.iterdir() if item.is_file()]
    except OSError:
        return ""
    same = [name for name in names if name.lower() == path.name.lower()]
    return f"Did you mean '{same[0]}'?" if same else suggest(path.name, names)
