"""DATA: published results of HER2-low disease and of the trials in it, and who shares patients.

``low_vs_zero.csv`` (prognosis), ``trials.csv`` (antibody-drug conjugates, and trastuzumab in
NSABP B-47), ``overlap_groups.csv``. Opened here and nowhere else.
"""

from __future__ import annotations

import csv
from importlib.resources import files

TABLES = ("low_vs_zero", "trials")


def read(name: str) -> tuple[dict[str, str], ...]:
    """Rows of one table, as text."""
    text = files("analyses.evidence.published").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
