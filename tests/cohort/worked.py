"""Worked rows of a source: what is written in the file, and what every canonical column says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cohort.harmonisation import harmonise
from cohort.her2 import classify_her2
from cohort.loading import load
from cohort.specimens import index_specimen
from cohort.table import Cohort


@dataclass(frozen=True, slots=True)
class Worked:
    """One patient: the rows of the file (blank where nothing is said) and the answers."""

    id: str
    rows: Sequence[Mapping[str, str]]
    expected: Mapping[str, Any]


def worked(id: str, row: Mapping[str, str], **expected: Any) -> Worked:
    """A patient of one row."""
    return Worked(id, (row,), expected)


def table(cases: Sequence[Worked], key: str, blank: Mapping[str, str]) -> pd.DataFrame:
    """The file: every column that any row names, blank where a row says nothing of it."""
    rows = [{**blank, key: case.id, **row} for case in cases for row in case.rows]
    return pd.DataFrame(rows).fillna("").astype(str)


def classified(source: str, files: Any) -> Cohort:
    """Loaded, harmonised, the index specimen chosen, and HER2 classified."""
    return classify_her2(index_specimen(harmonise(load(files, source=source))))


def answers(cohort: Cohort) -> dict[str, dict[str, Any]]:
    """By patient, the value of each column; None where missing."""
    frame = cohort.to_pandas().astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    return {str(row["patient_id"]): {str(k): v for k, v in row.items()} for row in rows}


def seen(cohort: Cohort, column: str) -> dict[tuple[str, str], int]:
    """Findings of a column by rule and value."""
    return {(f.rule, f.value): f.n for f in cohort.findings if f.column == column}
