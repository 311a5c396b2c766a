"""GDC biotab files: headings in the first row, two further rows of names before the patients."""

from __future__ import annotations

from collections.abc import Sequence


def is_biotab(lines: Sequence[str]) -> bool:
    """Whether the third row holds the CDE identifiers of the columns, as only biotab files do."""
    if len(lines) < 3:
        return False
    cells = lines[2].split("\t")
    return len(cells) > 1 and all(cell.strip().startswith("CDE_ID") for cell in cells)
