"""Simulated patients as they truly are, before any registrar has coded them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cohort.simulation.draws import Draws, Real, Truth, Whole
from cohort.simulation.truth import Effect, days_to_death, log_hazard

ZERO, LOW, POSITIVE = 0, 1, 2
STAGE_0, STAGE_I, STAGE_II, STAGE_III, STAGE_IV = range(5)
DUCTAL, LOBULAR, MIXED, OTHER = range(4)

PATIENTS_PER_FACILITY = 200
MOST_FACILITIES = 1350
LOST_PER_YEAR = 0.025
FOLLOWUP_YEARS_AFTER_LAST_DIAGNOSIS = 1


@dataclass(frozen=True, slots=True, eq=False)
class Facilities:
    """The hospitals: share of patients (cumulative) and habit of calling 1+ rather than 0."""

    cumulative_share: Real
    habit: Real


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Who was diagnosed where and when; codes are positions in the lists of the registry."""

    facility: Whole
    year: Whole
    day_of_year: Real
    male: Truth
    age: Whole
    race: Whole
    comorbidity: Whole


@dataclass(frozen=True, slots=True, eq=False)
class Tumour:
    """The tumour. `her2` is the group as the hospital's laboratory calls it."""

    in_situ: Truth
    er: Truth
    pr: Truth
    grade: Whole
    histology: Whole
    her2: Whole
    size_mm: Whole
    t: Whole
    nodes: Whole
    n: Whole
    m: Truth
    stage: Whole

    @property
    def hr_positive(self) -> Truth:
        """Either hormone receptor is positive."""
        return self.er | self.pr


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """Days from diagnosis to death or last contact, and whether it is a death."""

    days: Whole
    dead: Truth


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """A block of patients."""

    person: Person
    tumour: Tumour
    followup: FollowUp

    @property
    def n(self) -> int:
        """Patients in the block."""
        return len(self.followup.days)


def draw_facilities(n: int, seed: int) -> Facilities:
    """About one hospital for every 200 patients, most of them small."""
    count = int(np.clip(n // PATIENTS_PER_FACILITY, 8, MOST_FACILITIES))
    draw = Draws(count, (seed, 0))
    volume = np.exp(draw.normal(sd=0.7))
    return Facilities(np.cumsum(volume) / volume.sum(), draw.normal(sd=0.45))


def draw_patients(
    draw: Draws, facilities: Facilities, years: tuple[int, int], truth: Sequence[Effect]
) -> Patients:
    """One block of patients."""
    person = _person(draw, facilities, years)
    tumour = _tumour(draw, person, facilities)
    age = person.age.astype(np.float64)
    log_hazards = log_hazard(age, person.comorbidity, tumour, truth)
    return Patients(person, tumour, _followup(draw, person, log_hazards, years[1]))


def _person(draw: Draws, facilities: Facilities, years: tuple[int, int]) -> Person:
    age = np.floor(draw.normal(np.where(draw.chance(0.25), 47.0, 65.0), 11.0))
    # The file gives 90 for everyone older, and this age is the one that acts.
    age = np.clip(age, 22, 90).astype(np.int64)
    older = (age - 60) / 10
    burden = draw.uniform()
    cuts = [expit(-1.75 + 0.28 * older), expit(-3.1 + 0.35 * older), expit(-4.0 + 0.40 * older)]
    facility = np.searchsorted(facilities.cumulative_share, draw.uniform(), side="right")
    return Person(
        facility=np.minimum(facility, len(facilities.habit) - 1).astype(np.int64),
        year=draw.whole(*years),
        day_of_year=draw.uniform(0, 365.25),
        male=draw.chance(0.01),
        age=age,
        race=draw.one_of((0.80, 0.12, 0.05, 0.006, 0.014, 0.01)),
        comorbidity=np.sum([burden < cut for cut in cuts], axis=0).astype(np.int64),
    )


def _tumour(draw: Draws, person: Person, facilities: Facilities) -> Tumour:
    older = (person.age - 60) / 10
    black = person.race == 1
    er = draw.likely(1.45 + 0.16 * older - 0.55 * black + 1.5 * person.male)
    pr = np.where(er, draw.chance(0.86), draw.chance(0.06))
    hormone = er | pr
    grade = np.where(hormone, draw.one_of((0.28, 0.50, 0.22)), draw.one_of((0.03, 0.22, 0.75)))
    histology = np.where(
        hormone, draw.one_of((0.72, 0.13, 0.07, 0.08)), draw.one_of((0.88, 0.02, 0.03, 0.07))
    )
    her2 = _her2(draw, person, facilities, hormone, grade, histology)
    in_situ = draw.chance(0.02)
    size = np.exp(draw.normal(2.54 + 0.24 * grade + 0.12 * (her2 == POSITIVE), 0.72))
    size = np.clip(np.round(size), 1, 200).astype(np.int64)
    nodes = _nodes(draw, size, her2)
    nodes[in_situ] = 0
    spread = -4.2 + 0.028 * size + 0.16 * np.minimum(nodes, 10) + 0.45 * (her2 == POSITIVE)
    m = draw.likely(spread + 0.2 * ~hormone) & ~in_situ
    t = np.digitize(size, (20.5, 50.5)) + 1
    t = np.where(draw.chance(0.025) & (size > 15), 4, t)
    t[in_situ] = 0
    n = np.digitize(nodes, (0.5, 3.5, 9.5))
    return Tumour(
        in_situ=in_situ,
        er=er,
        pr=pr,
        grade=grade + 1,
        histology=histology,
        her2=her2,
        size_mm=size,
        t=t,
        nodes=nodes,
        n=n,
        m=m,
        stage=stage_of(t, n, m),
    )


def _her2(
    draw: Draws,
    person: Person,
    facilities: Facilities,
    hormone: Truth,
    grade: Whole,
    histology: Whole,
) -> Whole:
    """Group 0, 1, 2; low is commoner in receptor-positive, lower-grade, non-lobular tumours."""
    amplified = np.where(
        hormone,
        np.array([0.045, 0.10, 0.21])[grade],
        np.array([0.15, 0.27, 0.30])[grade],
    )
    low = (
        0.08
        + 0.60 * hormone
        - 0.25 * (grade - 1)
        - 0.35 * (histology == LOBULAR)
        + 0.03 * (person.age - 60) / 10
        + 0.03 * (person.year - 2015)
        + facilities.habit[person.facility]
    )
    return np.where(draw.chance(amplified), POSITIVE, draw.likely(low).astype(np.int64))


def _nodes(draw: Draws, size: Whole, her2: Whole) -> Whole:
    """Positive nodes: none in about two thirds, few in most of the others."""
    involved = draw.likely(-1.75 + 0.035 * np.minimum(size, 80) + 0.2 * (her2 == POSITIVE))
    number = 1 + np.floor(draw.exponential() * (1.3 + 0.045 * size))
    return np.where(involved, np.minimum(number, 45), 0).astype(np.int64)


# Anatomic stage by T (rows: Tis, T1, T2, T3, T4) and N (columns: N0, N1, N2, N3) without distant
# metastasis, AJCC 7th edition; the two halves give the roman number and the subgroup.
STAGE_BY_T_N = (
    ("0", "2A", "3A", "3C"),
    ("1A", "2A", "3A", "3C"),
    ("2A", "2B", "3A", "3C"),
    ("2B", "3A", "3A", "3C"),
    ("3B", "3B", "3B", "3C"),
)


def stage_of(t: Whole, n: Whole, m: Truth) -> Whole:
    """Stage 0 to 4 of a T (0 is Tis), N and M."""
    table = np.array([[int(group[0]) for group in row] for row in STAGE_BY_T_N])
    return np.where(m, STAGE_IV, table[t, n])


def _followup(draw: Draws, person: Person, log_hazards: Real, last_year: int) -> FollowUp:
    """Death, loss to follow-up or the end of follow-up, whichever comes first."""
    death = days_to_death(log_hazards, draw.exponential())
    lost = draw.exponential(365.25 / LOST_PER_YEAR)
    years_left = last_year + FOLLOWUP_YEARS_AFTER_LAST_DIAGNOSIS + 1 - person.year
    end = np.minimum(lost, years_left * 365.25 - person.day_of_year)
    return FollowUp(np.floor(np.minimum(death, end)).astype(np.int64), death <= end)
