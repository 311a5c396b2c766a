"""Values that can be by themselves but not together, or not yet: counted, never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import narwhals as nw

from cohort.table import Cohort, Finding, Severity

_ADULT = 18
_DAYS_A_YEAR = 365.25
_SOURCE = "plausibility"


@dataclass(frozen=True, slots=True)
class _Check:
    """One question to the patients: what it is called, what it needs, whom it concerns."""

    rule: str
    column: str
    needs: tuple[str, ...]
    concerns: Callable[[date], nw.Expr]
    advice: str
    severity: Severity = "warning"


def _year_of(name: str) -> nw.Expr:
    return nw.col(name).str.slice(0, 4)


def _decimal(today: date) -> float:
    """Today as a year with its part, a day ahead so that today itself is not the future."""
    return today.year + (today.timetuple().tm_yday + 1) / _DAYS_A_YEAR


_CHECKS = (
    _Check(
        "future_year", "diagnosis_year", ("diagnosis_year",),
        lambda today: nw.col("diagnosis_year") > today.year,
        "Diagnosed in a year that has not begun. Ask the data's owner.",
    ),
    _Check(
        "future_date", "diagnosis_date", ("diagnosis_date",),
        lambda today: nw.col("diagnosis_date") > nw.lit(today.isoformat()),
        "Diagnosed on a day that has not come. Ask the data's owner.",
    ),
    _Check(
        "year_and_date_differ", "diagnosis_date", ("diagnosis_date", "diagnosis_year"),
        lambda _: _year_of("diagnosis_date") != nw.col("diagnosis_year").cast(nw.String),
        "The year and the date of diagnosis are of different years. Which is right?",
    ),
    _Check(
        "future_followup", "followup_days", ("followup_days", "diagnosis_year"),
        lambda today: (
            nw.col("diagnosis_year") + nw.col("followup_days") / _DAYS_A_YEAR > _decimal(today)
        ),
        "Followed up beyond today, even if diagnosed on the first day of the year.",
    ),
    _Check(
        "future_followup", "followup_months", ("followup_months", "diagnosis_year"),
        lambda today: (
            nw.col("diagnosis_year") + nw.col("followup_months") / 12 > _decimal(today)
        ),
        "Followed up beyond today, even if diagnosed on the first day of the year.",
    ),
    _Check(
        "contact_after_death", "last_contact_day", ("last_contact_day", "death_day"),
        lambda _: nw.col("last_contact_day") > nw.col("death_day"),
        "Last seen after the day of death. Ask the data's owner.",
    ),
    _Check(
        "alive_with_death", "vital_status", ("vital_status", "death_day"),
        lambda _: (nw.col("vital_status") == "alive") & ~nw.col("death_day").is_null(),
        "Alive, but with a day of death. Ask the data's owner.",
    ),
    _Check(
        "cause_without_death", "cause_of_death", ("vital_status", "cause_of_death"),
        lambda _: (nw.col("vital_status") == "alive") & ~nw.col("cause_of_death").is_null(),
        "Alive, but with a cause of death. Ask the data's owner.",
    ),
    _Check(
        "nodes_and_category", "nodes_positive", ("nodes_positive", "n_category"),
        lambda _: (nw.col("nodes_positive") > 0) & (nw.col("n_category") == "N0"),
        "Positive nodes, but category N0 (it may be the clinical category, or cells only).",
        "info",
    ),
    _Check(
        "metastasis_and_stage", "stage", ("stage", "m_category"),
        lambda _: (nw.col("m_category") == "M1") & (nw.col("stage") != "IV"),
        "Distant metastasis at diagnosis, but not stage IV.",
        "info",
    ),
    _Check(
        "minor", "age_years", ("age_years",),
        lambda _: nw.col("age_years") < _ADULT,
        "Younger than 18 years: possible, but look whether the column is the age.",
        "info",
    ),
)  # fmt: skip
_STARTS = (
    "surgery_day",
    "radiotherapy_day",
    "chemotherapy_day",
    "endocrine_therapy_day",
    "anti_her2_therapy_day",
    "adc_therapy_day",
)


def _before(name: str) -> _Check:
    """The check of one start of treatment."""

    def negative(_: date) -> nw.Expr:
        return nw.col(name) < 0

    advice = "Treatment that starts before the day of diagnosis: is the day of diagnosis right?"
    return _Check("treated_before_diagnosis", name, (name,), negative, advice, "info")


def implausible(cohort: Cohort, today: date) -> tuple[Finding, ...]:
    """How many patients hold values that cannot be together, or lie in the future.

    Parameters
    ----------
    cohort
        Harmonised patients.
    today
        The day past which everything is the future.
    """
    have = set(cohort.columns)
    checks = [check for check in (*_CHECKS, *map(_before, _STARTS)) if have.issuperset(check.needs)]
    if not checks:
        return ()
    sums = {
        f"n{i}": check.concerns(today).fill_null(False).cast(nw.Int64).sum()
        for i, check in enumerate(checks)
    }
    counts = cohort.engine.collect(cohort.patients.select(**sums)).to_pylist()[0]
    return tuple(_told(checks, [int(counts[f"n{i}"] or 0) for i in range(len(checks))]))


def _told(checks: list[_Check], counts: list[int]) -> Iterator[Finding]:
    for check, n in zip(checks, counts, strict=True):
        if n:
            yield Finding(check.severity, _SOURCE, check.column, "", check.rule, n, check.advice)
