"""Strata by one column or the combinations of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Strata = str | Sequence[str]


class StratumCodes(NamedTuple):
    """Codes 0..s-1 of the rows, and what each stratum is: ``grade 2, er_status positive``."""

    codes: npt.NDArray[np.intp]
    labels: tuple[str, ...]


def strata_names(strata: Strata | None) -> tuple[str, ...]:
    """The columns that make the strata."""
    if strata is None:
        return ()
    return (strata,) if isinstance(strata, str) else tuple(strata)


def stratum_codes(frame: pd.DataFrame, names: Sequence[str]) -> StratumCodes:
    """The combinations of the columns' values that occur, in the order of the values."""
    grouped = frame.groupby(list(names), sort=True, observed=True)
    codes = np.asarray(grouped.ngroup(), dtype=np.intp)
    first = np.unique(codes, return_index=True)[1]
    values = frame[list(names)].iloc[first].itertuples(index=False)
    labels = tuple(
        ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))
        for row in values
    )
    return StratumCodes(codes, labels)
