"""The digest of selected patients: whether two runs analyse the same values of the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def fingerprint(frame: pd.DataFrame) -> str:
    """sha256 of the columns' names and values, rows in their order.

    The same whichever engine made the rows: levels count by their words, numbers as floating
    numbers, and missing is missing.
    """
    found = sha256()
    for name in sorted(map(str, frame.columns)):
        found.update(f"{name}\x1e".encode())
        for part in _parts(frame[name]):
            found.update(part)
    return found.hexdigest()


def _parts(values: pd.Series[Any]) -> Iterator[bytes]:
    """A column as bytes."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan) + 0.0  # no zero below zero
        yield np.where(np.isnan(numbers), np.nan, numbers).astype("<f8").tobytes()
        return
    codes, levels = pd.factorize(values, sort=False)
    words = [str(level) for level in levels]
    order = sorted(range(len(words)), key=words.__getitem__)
    place = np.full(len(words) + 1, -1, dtype="<i4")
    place[order] = np.arange(len(words))
    yield "\x1f".join(words[i] for i in order).encode() + b"\x1e"
    yield place[codes].tobytes()
