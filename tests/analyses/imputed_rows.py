"""Fixed completed data: synthetic patients with five sets of values for what they lack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analyses.results.frozen import frozen
from analyses.results.imputations import Imputations, ImputedColumn

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GRADES = ("1", "2", "3")
M = 5


def incomplete() -> pd.DataFrame:
    """The patients with what they lack missing."""
    rows = pd.read_csv(REFERENCE / "imputed_rows.csv")
    grade = pd.Categorical.from_codes(rows["grade"].fillna(0).astype(int) - 1, list(GRADES), True)
    return rows[["time", "fine", "event", "receptor", "age"]].assign(grade=grade)


def imputations() -> Imputations:
    """The five sets of values as `impute` would give them."""
    rows = pd.read_csv(REFERENCE / "imputed_rows.csv")
    columns = []
    for name, method, levels in (("age", "pmm", ()), ("grade", "multinomial", GRADES)):
        lacking = np.flatnonzero(rows[name].isna())
        values = np.array([rows.loc[lacking, f"{name}_{i}"] for i in range(1, M + 1)])
        values = values - 1 if levels else values
        n = len(lacking)
        columns.append(
            ImputedColumn(name, method, levels, n, len(rows) - n, lacking, frozen(values))
        )
    return made(tuple(columns), len(rows), M)


def made(columns: tuple[ImputedColumn, ...], n: int, m: int) -> Imputations:
    """Imputations of given values."""
    lacking = np.unique(np.concatenate([column.rows for column in columns]))
    return Imputations(
        columns=columns,
        predictors=(),
        outcome=("time", "event"),
        traces=(),
        m=m,
        m_from="given",
        iterations=1,
        donors=5,
        seed=1,
        within=(),
        n=n,
        n_incomplete=len(lacking),
        n_input=n,
        n_without_outcome=0,
        kept=np.arange(n),
    )
