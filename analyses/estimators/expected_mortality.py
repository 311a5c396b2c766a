"""Patients placed in a life table: their stratum, and age and calendar time at diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.kernels.net_survival import Table
from analyses.results.frozen import Array
from analyses.results.life_table import LifeTable
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

SOURCE = "relative_survival"
YEAR_DAYS = 365.25
MONTH_DAYS = YEAR_DAYS / 12
UNITS = {"days": 1.0, "months": MONTH_DAYS}
MIDDLE, AS_GIVEN = "the middle of whole years", "as given"


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Patients in a life table; `age` and `year` are days at diagnosis, `n_beyond` as counted."""

    table: Table
    stratum: npt.NDArray[np.intp]
    age: Array
    year: Array
    placed: str
    n_beyond: int
    findings: tuple[Finding, ...]


def in_days(time: Array, unit: str) -> Array:
    """Follow-up in days; months that come to whole days but for rounding are whole days."""
    days = time * UNITS[unit]
    whole = np.round(days)
    return np.asarray(np.where(np.abs(days - whole) < 1e-6, whole, days))


def day_table(table: LifeTable) -> Table:
    """The hazards a day, with the first age and year."""
    hazard = np.ascontiguousarray(table.hazard / YEAR_DAYS)
    return Table(hazard, float(table.ages[0]), float(table.years[0]), YEAR_DAYS)


def known_to(table: LifeTable, frame: pd.DataFrame, sex: str, race: str | None) -> pd.Series[bool]:
    """Rows whose sex (and race) the table has rates for."""
    known = frame[sex].astype(str).isin(table.sexes)
    if race is not None:
        pairs = pd.Series(
            list(zip(frame[sex].astype(str), frame[race].astype(str), strict=True)),
            index=frame.index,
            dtype=object,
        )
        known &= pairs.isin(list(table.strata))
    return known


def require_race(table: LifeTable, race: str | None) -> None:
    """AnalysisError where the table tells races apart and the patients do not, or inversely."""
    if table.by_race and race is None:
        found = f"rates by race ({listed(table.races)}), and no column of race is named"
        raise AnalysisError(Problem("life table", found, advice="Name it: race: <column>."))
    if not table.by_race and race is not None:
        found = f"no rates by race, and the column '{race}' is named"
        raise AnalysisError(Problem("life table", found, advice="Leave `race` out."))


def expected_of(
    table: LifeTable,
    frame: pd.DataFrame,
    columns: Sequence[str],
    days: Array,
) -> Expected:
    """Complete rows placed in the table; `columns` are age, sex, year and, where used, race.

    `days` is each patient's follow-up. Where ages (or years) are all whole they are placed in the
    middle of their year: a patient aged 60 is 60.5, diagnosed in 2010 is in July.
    """
    age, sex, year, *rest = columns
    codes = {stratum: i for i, stratum in enumerate(table.strata)}
    named = [frame[name].astype(str) for name in (sex, *rest)]
    stratum = np.array([codes[s] for s in zip(*named, strict=True)], dtype=np.intp)
    findings: list[Finding] = []
    placed = []
    at = []
    for name in (age, year):
        values = _numbers(frame, name)
        whole = bool((values == np.floor(values)).all())
        placed.append(MIDDLE if whole else AS_GIVEN)
        at.append((values + 0.5 if whole else values) * YEAR_DAYS)
    if MIDDLE in placed:
        both = [n for n, p in zip((age, year), placed, strict=True) if p == MIDDLE]
        advice = "Only whole years are known: each is taken as its middle."
        findings.append(
            Finding("info", SOURCE, listed(both), "", "whole_years", len(frame), advice)
        )
    outside, beyond = _beyond(table, (age, year), at, days)
    findings += beyond
    return Expected(
        day_table(table),
        stratum,
        at[0],
        at[1],
        placed[0] if placed[0] == placed[1] else f"{age}: {placed[0]}; {year}: {placed[1]}",
        int(outside.sum()),
        tuple(findings),
    )


def _beyond(
    table: LifeTable, names: tuple[str, str], at: Sequence[Array], days: Array
) -> tuple[npt.NDArray[np.bool_], list[Finding]]:
    """Patients whose follow-up leaves the ages or years of the table, and what is said of them."""
    findings = []
    outside = np.zeros(len(days), dtype=bool)
    for name, start, (first, last), what in (
        (names[0], at[0], table.ages, "age"),
        (names[1], at[1], table.years, "year"),
    ):
        after = (start + days) / YEAR_DAYS >= last + 1
        before = start / YEAR_DAYS < first
        for who, said in (
            (after, f"after {last}, the last"),
            (before, f"before {first}, the first"),
        ):
            if who.any():
                advice = (
                    f"Follow-up {said} {what} of the life table: its rates of that {what} hold."
                )
                value = f"{last if who is after else first}"
                findings.append(
                    Finding(
                        "warning", SOURCE, name, value, f"beyond_{what}", int(who.sum()), advice
                    )
                )
        outside |= after | before
    return outside, findings


def _numbers(frame: pd.DataFrame, name: str) -> Array:
    """A column of ages or calendar years."""
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(values).all() or (values < 0).any():
        raise AnalysisError(
            Problem(
                f"column '{name}'",
                "not finite numbers of at least 0",
                advice="Give age in years and the calendar year of diagnosis (2010, or 2010.5).",
            )
        )
    return values
