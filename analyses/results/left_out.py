"""Records of the rows that an analysis left out, and why."""

from __future__ import annotations

from collections.abc import Iterator

from analyses.results.records import Record


def left_out_records(
    analysis: str, kind: str, n: int, n_input: int, n_missing: tuple[tuple[str, int], ...]
) -> Iterator[Record]:
    """Patients used and rows given, and rows without a value by column (one may miss several).

    The quantity names the kind, because curves and their test share one analysis.
    """
    yield Record(analysis, kind, f"{kind}_patients_used", n=n)
    yield Record(analysis, kind, f"{kind}_rows_given", n=n_input)
    for column, count in n_missing:
        yield Record(analysis, kind, f"{kind}_rows_missing", term=column, n=count)
