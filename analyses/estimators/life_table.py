"""A life table from the rows that a user gives, with every hole and wrong unit named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.estimators.survival_data import as_pandas
from analyses.results.frozen import frozen
from analyses.results.life_table import LifeTable
from cohort.errors import DataError, Problem, listed, suggest

SOURCE = "life table"
KEYS = ("age", "sex", "year")
MEASURES = ("rate", "probability")
LARGEST = 3.0  # a year: above it a rate is counted per so many people, or a percentage
LOWEST_MEAN = 0.0005  # of the rates from age 60: below it they are daily
_NUMBERS = ("age", "year", "rate", "probability")


def life_table(data: Any, *, name: str = "", sha256: str = "") -> LifeTable:
    """The mortality of the population that patients are compared with.

    Parameters
    ----------
    data
        One row a cell: `age` and `year` (whole, each consecutive), `sex` and, where told apart,
        `race` (as the patients' columns name them), and either `rate` (deaths a person-year: the
        hazard) or `probability` (of dying within the year).
    name, sha256
        Of the file, for the report.

    Returns
    -------
    LifeTable
        Complete: every age in every year for every sex (and race).

    Raises
    ------
    DataError
        Listing all: absent or unknown columns, both measures or none, ages or years that are not
        whole, cells that are missing or given twice, numbers that are negative or of another unit
        (per 1,000 or 100,000, percentages, daily rates).
    """
    frame = as_pandas(data)
    problems = list(_columns(frame))
    if problems:
        raise DataError(problems)
    measure = next(m for m in MEASURES if m in frame)
    problems = list(_values(frame, measure))
    if problems:
        raise DataError(problems)
    numbers = [name for name in _NUMBERS if name in frame]
    frame = frame.assign(**{name: pd.to_numeric(frame[name]).astype(float) for name in numbers})
    of = ["sex", "race"] if "race" in frame else ["sex"]
    ages = _span(frame["age"])
    years = _span(frame["year"])
    strata = tuple(dict.fromkeys(frame[of].astype(str).itertuples(index=False, name=None)))
    hazard = np.full((len(strata), years[1] - years[0] + 1, ages[1] - ages[0] + 1), np.nan)
    place = {stratum: i for i, stratum in enumerate(strata)}
    codes = [place[s] for s in frame[of].astype(str).itertuples(index=False, name=None)]
    values = frame[measure].to_numpy(dtype=float)
    if measure == "probability":
        values = -np.log1p(-values)
    at = (codes, frame["year"].to_numpy(int) - years[0], frame["age"].to_numpy(int) - ages[0])
    problems = list(_cells(at, hazard.shape, strata, ages, years))
    if problems:
        raise DataError(problems)
    hazard[at] = values
    problems = list(_units(hazard, ages))
    if problems:
        raise DataError(problems)
    return LifeTable(frozen(hazard), ages, years, strata, measure, name, sha256)


def _columns(frame: pd.DataFrame) -> Iterator[Problem]:
    known = [str(name) for name in frame.columns]
    for name in KEYS:
        if name not in known:
            yield Problem(f"{SOURCE}: column '{name}'", "not there", f"Columns: {listed(known)}",
                          suggest(name, known))  # fmt: skip
    given = [m for m in MEASURES if m in known]
    if len(given) != 1:
        found = "both a rate and a probability" if given else "neither a rate nor a probability"
        advice = "Give `rate` (deaths a person-year) or `probability` (of dying within the year)."
        yield Problem(SOURCE, found, advice=advice)
    for name in known:
        if name not in (*KEYS, "race", *MEASURES):
            allowed = f"Columns: {listed([*KEYS, 'race', *MEASURES])}"
            yield Problem(f"{SOURCE}: column '{name}'", "unknown", allowed, suggest(name, allowed))
    if not known or frame.empty:
        yield Problem(SOURCE, "no rows")


def _values(frame: pd.DataFrame, measure: str) -> Iterator[Problem]:
    """Columns that hold something that cannot be."""
    for name in frame.columns:
        missing = int(frame[name].isna().sum())
        if missing:
            yield Problem(f"{SOURCE}: column '{name}'", f"{missing} cells are empty")
        elif name in _NUMBERS:
            values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
            if not np.isfinite(values).all():
                example = str(frame[name][~np.isfinite(values)].iloc[0])
                yield Problem(f"{SOURCE}: column '{name}'", f"'{example}' is not a number")
            elif name in ("age", "year") and (values != np.floor(values)).any():
                found = "not whole years"
                yield Problem(f"{SOURCE}: column '{name}'", found, advice="Use single years.")
            elif name == measure:
                yield from _range(values, measure)


def _range(values: np.ndarray[Any, Any], measure: str) -> Iterator[Problem]:
    where = f"{SOURCE}: column '{measure}'"
    if (values < 0).any():
        yield Problem(where, f"{int((values < 0).sum())} values are negative")
    elif measure == "probability" and (values >= 1).any():
        n, largest = int((values >= 1).sum()), float(values.max())
        advice = "Give shares of 1; end the table at an age that some survive."
        yield Problem(where, f"{n} values of 1 or more (the largest {largest:g})", advice=advice)
    elif measure == "rate" and (values > LARGEST).any():
        found = f"a rate of {float(values.max()):g} a year, which nobody has"
        advice = "Rates are deaths a person-year: divide those per 1,000 or 100,000."
        yield Problem(where, found, f"At most {LARGEST:g}", advice)


def _span(values: pd.Series[Any]) -> tuple[int, int]:
    return int(values.min()), int(values.max())


def _cells(
    at: tuple[Any, ...],
    shape: tuple[int, ...],
    strata: Sequence[tuple[str, ...]],
    ages: tuple[int, int],
    years: tuple[int, int],
) -> Iterator[Problem]:
    """Cells given twice, and holes."""
    counts = np.zeros(shape, dtype=int)
    np.add.at(counts, at, 1)
    for which, said in ((counts > 1, "given more than once"), (counts == 0, "missing")):
        where = np.argwhere(which)
        if len(where):
            names = [
                f"{' '.join(strata[i])} aged {ages[0] + a} in {years[0] + y}"
                for i, y, a in where[:5]
            ]
            more = f" ... ({len(where) - 5} more)" if len(where) > 5 else ""
            advice = "The table needs every age in every year for every sex, each once."
            found = f"{len(where)} cells {said}: {listed(names)}{more}"
            yield Problem(SOURCE, found, advice=advice)


def _units(hazard: np.ndarray[Any, Any], ages: tuple[int, int]) -> Iterator[Problem]:
    """Rates that can be none of a year."""
    old = max(60 - ages[0], 0)
    if ages[1] >= 60 and float(hazard[:, :, old:].mean()) < LOWEST_MEAN:
        mean = float(hazard[:, :, old:].mean())
        found = f"from age 60 on {mean:.2g} die a person-year on average: daily or monthly rates?"
        yield Problem(f"{SOURCE}: unit", found, "Yearly rates", "Multiply them to a year.")
