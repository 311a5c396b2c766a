"""The patients and R's answers that tests of late treatments share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

REFERENCE = Path(__file__).resolve().parent / "reference"


@cache
def _tables():
    data = pd.read_csv(REFERENCE / "immortal_data.csv", dtype={"grade": str})
    answers = pd.read_csv(REFERENCE / "immortal.csv", keep_default_na=False)
    keyed = {(r.quantity, r.term): (r.estimate, r.std_error) for r in answers.itertuples()}
    return data, keyed


def patients():
    return _tables()[0].copy()


def expected(quantity, term=""):
    return float(_tables()[1][quantity, term][0])


def expected_error(quantity, term):
    return float(_tables()[1][quantity, term][1])
