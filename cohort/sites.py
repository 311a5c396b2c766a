"""Whether a tumour is of the breast, by its topography code (ICD-O-3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import narwhals as nw

from cohort.table import Engine, Finding

COLUMN = "primary_site"


def other_site() -> nw.Expr:
    """A code of another site than the breast: C34.1, C341, or 341 where the letter is left out.

    False where the site is not known or is no code: it may be the breast.
    """
    return (_coded() & ~_breast()).fill_null(False)


def no_site() -> nw.Expr:
    """A text that is no code of a site."""
    return (~_coded()).fill_null(False)


def _coded() -> nw.Expr:
    return _written().str.contains("^c?[0-9]{2}")


def _breast() -> nw.Expr:
    return _written().str.contains("^c?50")


def _written() -> nw.Expr:
    return nw.col(COLUMN).str.to_lowercase()


def site_findings(patients: nw.LazyFrame[Any], engine: Engine, source: str) -> Iterator[Finding]:
    """Patients whose tumour is of another site, or of one that cannot be told."""
    if COLUMN not in patients.collect_schema().names():
        return
    told = (
        (
            "other_site",
            other_site(),
            "The tumour is not of the breast: a study leaves these patients out.",
        ),
        (
            "no_site",
            no_site(),
            "The site is no topography code (such as C504): it may or may not be the breast.",
        ),
    )
    sums = {rule: which.cast(nw.Int64).sum() for rule, which, _ in told}
    counts = engine.collect(patients.select(**sums)).to_pylist()[0]
    for rule, _, advice in told:
        if n := int(counts[rule] or 0):
            yield Finding("warning", source, COLUMN, "", rule, n, advice)
