"""The rows of a role as texts to recode: in memory where they are, else on the engine."""

from __future__ import annotations

from collections.abc import Iterable

import narwhals as nw

from cohort.joining import join, key_place
from cohort.loading import Extract
from cohort.recoding_arrays import HeldTexts
from cohort.recoding_tables import LazyTexts


def texts(
    extract: Extract, base: str, columns: Iterable[str], meant: nw.Expr | None = None
) -> LazyTexts | HeldTexts:
    """The rows that `join` gives, in memory where the file was read so and no other is needed."""
    read = sorted(set(columns))
    held = extract.engine.held(extract.tables[base])
    if held is None or meant is not None or any(name.partition(":")[0] != base for name in read):
        return LazyTexts(extract.engine, join(extract, base, read, meant), read)
    names = {name: f"c{name.partition(':')[2]}" for name in read}
    return HeldTexts(extract.engine, held, f"c{key_place(extract, base)}", names)
