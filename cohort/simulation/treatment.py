"""First course of treatment of simulated patients: it never starts after follow-up has ended.

Treatment does not change the simulated hazard. Whoever dies early is treated less often, so
an analysis of "ever treated" from diagnosis shows a benefit that is not there (immortal time).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cohort.simulation.draws import Draws, Real, Truth, Whole
from cohort.simulation.patients import POSITIVE, STAGE_II, STAGE_III, STAGE_IV, Patients

NEVER = -1
NO_SURGERY, CONSERVING, MASTECTOMY = range(3)
NO_RESPONSE, PARTIAL_RESPONSE, COMPLETE_RESPONSE = range(3)

# Anti-HER2 antibodies were registered as chemotherapy before this year.
FIRST_IMMUNOTHERAPY_YEAR = 2013


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One kind of treatment: day it began (NEVER if not) and whether it was meant to be given."""

    day: Whole
    intended: Truth

    @property
    def given(self) -> Truth:
        """True where the treatment began."""
        return np.asarray(self.day != NEVER)


@dataclass(frozen=True, slots=True, eq=False)
class Treatment:
    """First course of treatment; days count from diagnosis."""

    surgery: Whole
    operation: Course
    chemotherapy: Course
    endocrine: Course
    immunotherapy: Course
    radiotherapy: Course
    neoadjuvant: Truth
    response: Whole


def draw_treatment(draw: Draws, patients: Patients) -> Treatment:
    """What each patient of a block was given, and when it began."""
    end = patients.followup.days
    primary = _primary(draw, patients)
    early = primary & draw.chance(_share_primary_chemotherapy(patients))
    operable = np.where(patients.tumour.m, draw.chance(0.25), draw.chance(0.955))
    operation_day = np.where(early, draw.whole(140, 230), 8 + np.floor(draw.exponential(28.0)))
    operation = _course(operable, operation_day, end)
    chemotherapy = _chemotherapy(draw, patients, early, operation)
    neoadjuvant = early & chemotherapy.given & operation.given
    surgery = np.where(
        operation.given,
        np.where(draw.chance(_share_mastectomy(patients)), MASTECTOMY, CONSERVING),
        NO_SURGERY,
    )
    return Treatment(
        surgery=surgery,
        operation=operation,
        chemotherapy=chemotherapy,
        endocrine=_endocrine(draw, patients, operation, chemotherapy),
        immunotherapy=_immunotherapy(draw, patients, chemotherapy),
        radiotherapy=_radiotherapy(draw, patients, surgery, operation, chemotherapy),
        neoadjuvant=neoadjuvant,
        response=_response(draw, patients),
    )


def _course(intended: Truth, day: Whole | Real, end: Whole) -> Course:
    """A course that was meant to begin on a day, if follow-up reached it."""
    begun = intended & (day <= end)
    return Course(np.where(begun, day, NEVER).astype(np.int64), intended)


def _primary(draw: Draws, patients: Patients) -> Truth:
    """Fit for primary chemotherapy: invasive, not metastatic, not too old."""
    tumour = patients.tumour
    return ~tumour.in_situ & ~tumour.m & (patients.person.age < 80) & draw.chance(0.9)


def _share_primary_chemotherapy(patients: Patients) -> Real:
    tumour = patients.tumour
    aggressive = (tumour.her2 == POSITIVE) | ~tumour.hr_positive
    by_stage = np.array([(0.0, 0.0), (0.01, 0.06), (0.08, 0.42), (0.35, 0.65), (0.0, 0.0)])
    return np.asarray(by_stage[tumour.stage, aggressive.astype(np.int64)])


def _share_mastectomy(patients: Patients) -> Real:
    return np.asarray(np.array([0.30, 0.30, 0.48, 0.74, 0.60])[patients.tumour.stage])


def _chemotherapy(draw: Draws, patients: Patients, early: Truth, operation: Course) -> Course:
    tumour, age = patients.tumour, patients.person.age
    log_odds = (
        np.array([-9.0, -1.7, 0.0, 1.4, 0.7])[tumour.stage]
        + 1.3 * (tumour.her2 == POSITIVE)
        + 1.5 * ~tumour.hr_positive
        - 0.5 * (age - 60) / 10
    )
    intended = (early | draw.likely(log_odds)) & ~tumour.in_situ
    after = np.where(operation.given, operation.day + draw.whole(24, 62), draw.whole(14, 60))
    day = np.where(early, draw.whole(12, 45), after)
    return _course(intended, day, patients.followup.days)


def _endocrine(draw: Draws, patients: Patients, operation: Course, chemotherapy: Course) -> Course:
    """Endocrine therapy of receptor-positive disease, after surgery and chemotherapy."""
    intended = patients.tumour.hr_positive & draw.chance(0.87)
    local = np.where(operation.given, operation.day + draw.whole(20, 90), draw.whole(10, 60))
    day = np.where(chemotherapy.given, chemotherapy.day + draw.whole(110, 190), local)
    return _course(intended, np.maximum(day, local), patients.followup.days)


def _immunotherapy(draw: Draws, patients: Patients, chemotherapy: Course) -> Course:
    """Anti-HER2 antibodies, with chemotherapy."""
    year = patients.person.year
    eligible = (patients.tumour.her2 == POSITIVE) & (year >= FIRST_IMMUNOTHERAPY_YEAR)
    intended = eligible & chemotherapy.given & draw.chance(0.88)
    return _course(intended, chemotherapy.day + draw.whole(0, 28), patients.followup.days)


def _radiotherapy(
    draw: Draws, patients: Patients, surgery: Whole, operation: Course, chemotherapy: Course
) -> Course:
    """After conserving surgery as a rule, after mastectomy in stage III, seldom in stage IV."""
    stage = patients.tumour.stage
    after_mastectomy = np.array([0.02, 0.05, 0.25, 0.72, 0.30])[stage]
    share = np.where(surgery == CONSERVING, 0.80, np.where(stage == STAGE_IV, 0.22, 0.02))
    share = np.where(surgery == MASTECTOMY, after_mastectomy, share)
    day = np.where(operation.given, operation.day + draw.whole(32, 80), draw.whole(10, 90))
    later = np.where(chemotherapy.given, chemotherapy.day + draw.whole(120, 200), 0)
    return _course(draw.chance(share), np.maximum(day, later), patients.followup.days)


def _response(draw: Draws, patients: Patients) -> Whole:
    """Response to primary chemotherapy, read only where it was given."""
    tumour = patients.tumour
    complete = np.where(tumour.her2 == POSITIVE, 0.42, np.where(tumour.hr_positive, 0.10, 0.34))
    other = np.where(draw.chance(0.88), PARTIAL_RESPONSE, NO_RESPONSE)
    smaller = np.where(tumour.stage >= STAGE_III, 0.8, 1.0) * (tumour.stage >= STAGE_II)
    return np.where(draw.chance(complete * smaller), COMPLETE_RESPONSE, other).astype(np.int64)
