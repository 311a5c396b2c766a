"""Standardised differences before and after weighting or matching, in one table.

Austin and Stuart (2015), Stat. Med. 34, 3661-3679. Differences after are over the spread before,
so that a smaller difference is not a larger spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analyses.estimators.survival_data import By, as_pandas, by_column
from analyses.estimators.table_one import table_one
from analyses.estimators.table_one_columns import Column
from analyses.results.balance import Balance, BalanceRow, How
from analyses.results.table_one import Smd, TableOne


def balance(
    data: Any, *, by: By, columns: Sequence[Column], weights: str, how: How = "weighting"
) -> Balance:
    """How far each pair of groups differs in each column, without and with weights.

    Parameters
    ----------
    data, by, columns
        As in `table_one`; one row a patient.
    weights
        At least 0; patients of weight 0 (not matched) count before, and for the spread.

    Returns
    -------
    Balance
        Absolute standardised differences, categories by Yang and Dalton (2012). A column's
        missing values take no part in its difference; their share has one of its own.

    Notes
    -----
    Checked against an explicit computation in R in tests/analyses/test_balance.py.
    """
    frame = as_pandas(data)
    before = table_one(frame, by=by, columns=columns)
    after = table_one(frame, by=by, columns=columns, weights=weights)
    rows = [
        BalanceRow(a.column, a.group_a, a.group_b, a.value, b.value, a.reason or b.reason)
        for a, b in zip(before.smd, after.smd, strict=True)
    ]
    rows += _missing(frame, by, before, weights)
    return Balance(str(by_column(by)), before.groups, how, before.columns, tuple(rows))


def _missing(frame: pd.DataFrame, by: By, table: TableOne, weights: str) -> list[BalanceRow]:
    """Differences in the share without a value, of columns that lack some."""
    lacking = [name for name in table.columns if frame[name].isna().any()]
    if not lacking:
        return []
    flags = pd.DataFrame({name: frame[name].isna().to_numpy(dtype=bool) for name in lacking})
    name = str(by_column(by))
    flags[name], flags[weights] = frame[name].to_numpy(), frame[weights].to_numpy()
    flags[name] = pd.Categorical(frame[name], table.groups, ordered=True)
    before = table_one(flags, by=name, columns=lacking)
    after = table_one(flags, by=name, columns=lacking, weights=weights)
    return [
        BalanceRow(a.column, a.group_a, a.group_b, a.value, b.value, _why(a, b), missing=True)
        for a, b in zip(before.smd, after.smd, strict=True)
    ]


def _why(before: Smd, after: Smd) -> str | None:
    return before.reason or after.reason
