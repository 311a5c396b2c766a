"""The numbers that every program of the benchmark reads: patients as columns of doubles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

COVARIATES = 20
FIRST = 4  # columns before the covariates: time, event, group, state
SEED = 20250131
LEVELS = ["zero", "low", "positive"]
STATES = ["censored", "cause", "competing"]
DRAWN = 1_100_000  # patients that are simulated; more are the same ones again with other noise


def write_numbers(path: Path, n: int) -> None:
    """Follow-up in days, event, group, state, and 20 covariates: categories, age, noise."""
    from cohort.simulation import simulated_patients

    drawn = min(n, DRAWN)
    patients = simulated_patients(drawn, seed=SEED)
    noise = np.random.default_rng(SEED)
    event = patients["event"].to_numpy().astype(float)
    columns: list[Any] = [
        patients["followup_days"],
        event,
        patients["her2_status"].cat.codes,
        event * (1 + (noise.random(drawn) < 0.4)),
    ]
    for name in ("her2_status", "grade", "stage", "hr_status", "comorbidity_index"):
        levels = [
            level for level in patients[name].cat.categories if (patients[name] == level).any()
        ]
        columns += [patients[name] == level for level in levels[1:]]
    columns.append(patients["age_years"])
    with path.open("wb") as file:
        for column in columns:
            np.resize(np.asarray(column, dtype=np.float64), n).tofile(file)
        for _ in range(FIRST + COVARIATES - len(columns)):
            noise.standard_normal(n).tofile(file)


def mapped(path: Path, n: int) -> npt.NDArray[np.float64]:
    """The columns (24 x n), read when they are looked at."""
    return np.memmap(path, dtype=np.float64, mode="r", shape=(FIRST + COVARIATES, n))


def read_numbers(path: Path, n: int) -> pd.DataFrame:
    """The same columns as a frame."""
    numbers = np.fromfile(path).reshape(FIRST + COVARIATES, n)
    frame = pd.DataFrame({f"x{i}": column for i, column in enumerate(numbers[FIRST:], start=1)})
    group, state = (
        pd.Categorical.from_codes(
            numbers[place].astype(int), dtype=pd.CategoricalDtype(levels, ordered=True)
        )
        for place, levels in ((2, LEVELS), (3, STATES))
    )
    return frame.assign(time=numbers[0], event=numbers[1].astype(bool), group=group, state=state)


def write_table(numbers: Path, path: Path, n: int) -> None:
    """The same columns as a Parquet file, written some rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = mapped(numbers, n)
    names = ["time", "event", "group", "state", *(f"x{i}" for i in range(1, COVARIATES + 1))]
    step = 1 << 17
    writer = None
    for first in range(0, n, step):
        some = {name: columns[place, first : first + step] for place, name in enumerate(names)}
        table = pa.table(some | {"event": some["event"] == 1})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
