"""The confounded patients of R's reference (tests/reference/adjustment.R), and R's answers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).resolve().parent / "reference"
LEVELS = ["zero", "low", "positive"]
BY = {"name": "group", "levels": LEVELS}
GRADE = {"name": "grade", "levels": ["1", "2", "3"]}
ER = {"name": "er", "levels": ["no", "yes"]}
TERMS = ["age", GRADE, ER]
AT, TAU = (10.0, 25.0), 35.0
FOLLOWED = {"time": "time", "event": "event"}


@cache
def _patients() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "adjustment_data.csv")


def patients() -> pd.DataFrame:
    """The patients, each call a new table."""
    return _patients().copy()


@cache
def _answers() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "adjustment.csv")


def expected(case: str, quantity: str) -> np.ndarray:
    """R's numbers of one case."""
    table = _answers()
    own = table[(table["case"] == case) & (table["quantity"] == quantity)]
    assert len(own), (case, quantity)
    return own.sort_values("index")["value"].to_numpy()


def numbers(result, quantity, time=None, name="estimate"):
    """Numbers of one quantity of a result's means, by group."""
    own = [m for m in result.means if m.quantity == quantity and time in (None, m.time)]
    return np.array([getattr(m, name) for m in own], dtype=float)


def errors_of_differences(result, quantity, time=None):
    """Standard errors of one quantity's differences, by group."""
    own = [
        d
        for d in result.differences
        if d.quantity == f"{quantity}_difference" and time in (None, d.time)
    ]
    return np.array([d.std_error for d in own], dtype=float)


def agrees(result, case, *, end="", rtol=1e-8):
    """Asserts that survival, means and their errors are R's."""
    for name, quantity, time in (("survival_10", "survival", 10), ("survival_25", "survival", 25),
                                 ("rmst", "rmst", None)):  # fmt: skip
        np.testing.assert_allclose(numbers(result, quantity, time), expected(case, name), rtol=rtol)
        error = numbers(result, quantity, time, "std_error")
        np.testing.assert_allclose(error, expected(case, f"{name}_error{end}"), rtol=rtol)
        difference = errors_of_differences(result, quantity, time)
        wanted = expected(case, f"{name}_difference_error{end}")
        np.testing.assert_allclose(difference, wanted, rtol=rtol)
