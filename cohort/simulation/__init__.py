"""Synthetic registries with known hazard ratios, of any size, the same for the same seed.

Death follows an exact proportional-hazards model (Weibull baseline, shape 1.15) in HER2 group,
age, grade, stage, hormone receptors and comorbidity; nothing else acts, treatment included.
Follow-up ends with the year after the last diagnosis year, or by chance loss (2.5 % a year,
unrelated to anything). HER2-low is more often receptor-positive and of lower grade, so that the
crude comparison is confounded. Each hospital has its own habit of calling 0 or 1+; the group as
called is the one that acts, so that no tumour is misclassified. Whether a patient has a group on
record (not for 2+ without an in-situ result, negative without a score, not tested, unknown)
depends on the group but not on the outcome: complete cases are unbiased. Stage groups are
anatomic in both editions.
"""

from __future__ import annotations

from cohort.simulation.confounded import potential_outcomes, simulated_confounding
from cohort.simulation.late_treatment import late_treatment_truth, simulated_late_treatment
from cohort.simulation.naaccr import write_naaccr_extract, write_naaccr_xml
from cohort.simulation.registry import (
    SAMPLE_SEED,
    SAMPLE_SIZE,
    dirt_counts,
    simulate,
    simulated_patients,
    write_registry,
)
from cohort.simulation.specimens import simulated_specimens
from cohort.simulation.truth import HAZARD_RATIOS, simulated_truth

__all__ = [
    "HAZARD_RATIOS",
    "SAMPLE_SEED",
    "SAMPLE_SIZE",
    "dirt_counts",
    "late_treatment_truth",
    "potential_outcomes",
    "simulate",
    "simulated_confounding",
    "simulated_late_treatment",
    "simulated_patients",
    "simulated_specimens",
    "simulated_truth",
    "write_naaccr_extract",
    "write_naaccr_xml",
    "write_registry",
]
