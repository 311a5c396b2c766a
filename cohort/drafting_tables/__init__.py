"""What headings and labels usually mean, as data: what a drafted dictionary rests on."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path

from cohort.codes import FOLDER, CodeTable, read_codes

_OWN = Path(__file__).parent / "labels"


@cache
def read(name: str) -> tuple[dict[str, str], ...]:
    """Rows of one table, as text."""
    text = files("cohort.drafting_tables").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def label_tables(family: str) -> tuple[CodeTable, ...]:
    """Tables of labels whose meaning is certain for a family of columns, the first to count first.

    Those of this folder, then those of the package's dictionaries that are labels and no codes.
    """
    names = [row["table"] for row in read("families") if row["family"] == family]
    paths = [folder / f"{name}.csv" for name in names for folder in (_OWN, FOLDER)]
    return tuple(read_codes(path) for path in paths if path.is_file())
