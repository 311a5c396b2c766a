"""Columns of a simulated NCDB file other than the receptors: person, extent, treatment, outcome."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cohort.simulation.codes import Columns
from cohort.simulation.draws import Draws, Text, Truth, Whole, decimals, digits, pick, where
from cohort.simulation.her2_evidence import LAST_CS_YEAR
from cohort.simulation.patients import POSITIVE, STAGE_BY_T_N, STAGE_II, STAGE_IV, Patients, Tumour
from cohort.simulation.treatment import (
    CONSERVING,
    FIRST_IMMUNOTHERAPY_YEAR,
    MASTECTOMY,
    NO_SURGERY,
    Course,
    Treatment,
)

LAST_CS_SIZE_YEAR = 2015
DAYS_PER_MONTH = 365.25 / 12


def person_columns(draw: Draws, patients: Patients, first: int) -> Columns:
    """Keys, person, hospital; `first` is the position of the block's first patient."""
    person = patients.person
    serial = np.arange(first + 1, first + 1 + patients.n)
    asian = where(draw.chance(0.4), "15", where(draw.chance(0.5), "04", "06"))
    payer = np.where(
        person.age >= 65,
        draw.one_of((0.01, 0.11, 0.03, 0.83, 0.01, 0.01)),
        draw.one_of((0.035, 0.71, 0.125, 0.085, 0.025, 0.02)),
    )
    # The kind of hospital is withheld under 40, where it might identify a patient.
    kind = pick(person.facility % 7, ("1", "2", "2", "3", "3", "4", "2"))
    return {
        "PUF_CASE_ID": np.array([f"C{number:09d}" for number in serial], dtype=object),
        "PUF_FACILITY_ID": pick(
            person.facility, [f"F{i:05d}" for i in range(int(person.facility.max()) + 1)]
        ),
        "FACILITY_TYPE_CD": where(person.age < 40, "", kind),
        "AGE": digits(person.age, 3),
        "SEX": where(person.male, "1", "2"),
        "RACE": where(
            person.race == 2, asian, pick(person.race, ("01", "02", "", "03", "98", "99"))
        ),
        "SPANISH_HISPANIC_ORIGIN": pick(
            draw.one_of((0.915, 0.02, 0.01, 0.005, 0.015, 0.01, 0.025)),
            ("0", "1", "2", "3", "4", "6", "9"),
        ),
        "INSURANCE_STATUS": pick(payer, ("0", "1", "2", "3", "4", "9")),
        "CDCC_TOTAL_BEST": digits(person.comorbidity),
        "SEQUENCE_NUMBER": pick(draw.one_of((0.80, 0.08, 0.10, 0.02)), ("00", "01", "02", "03")),
        "YEAR_OF_DIAGNOSIS": digits(person.year),
    }


def tumour_columns(draw: Draws, patients: Patients, treatment: Treatment) -> Columns:
    """Site, histology, grade, size, nodes."""
    tumour, year = patients.tumour, patients.person.year
    site = draw.one_of((0.01, 0.05, 0.12, 0.06, 0.35, 0.08, 0.01, 0.20, 0.12))
    size = where(draw.chance(0.02), "999", digits(tumour.size_mm, 3))
    examined, positive = _nodes(draw, patients, treatment)
    other = pick(draw.whole(0, 3), ("8480", "8211", "8510", "8575"))
    return {
        "PRIMARY_SITE": pick(site, [f"C50{i}" for i in (0, 1, 2, 3, 4, 5, 6, 8, 9)]),
        "LATERALITY": where(draw.chance(0.51), "2", "1"),
        "HISTOLOGY": where(
            tumour.histology == 3, other, pick(tumour.histology, ("8500", "8520", "8522", ""))
        ),
        "BEHAVIOR": where(tumour.in_situ, "2", "3"),
        **_grade(draw, patients, treatment),
        "TUMOR_SIZE": where(year <= LAST_CS_SIZE_YEAR, size, ""),
        "TUMOR_SIZE_SUMMARY_2016": where(year > LAST_CS_SIZE_YEAR, size, ""),
        "REGIONAL_NODES_POSITIVE": positive,
        "REGIONAL_NODES_EXAMINED": examined,
    }


def _grade(draw: Draws, patients: Patients, treatment: Treatment) -> Columns:
    """One grade to 2017; clinical and pathological from 2018, never against each other."""
    tumour, early = patients.tumour, patients.person.year <= LAST_CS_YEAR
    unknown = draw.chance(0.035)
    row = np.where(tumour.in_situ, 2, draw.chance(0.05).astype(np.int64))
    letters = np.array([("1", "2", "3"), ("A", "B", "C"), ("L", "M", "H")], dtype=object)
    code = where(unknown, "9", letters[row, tumour.grade - 1])
    resected = (treatment.surgery != NO_SURGERY) & ~treatment.neoadjuvant
    clinical = where(resected & draw.chance(0.2), "9", code)
    score = 2 + 2 * tumour.grade + (draw.chance(0.5) & (tumour.grade > 1))
    score = np.where(tumour.grade == 1, draw.whole(3, 5), score)
    nottingham = where(draw.chance(0.12), digits(100 + 10 * tumour.grade, 3), digits(score * 10, 3))
    nottingham = where(unknown | tumour.in_situ, "999", nottingham)
    proliferation = np.clip(draw.exponential() * 9 * tumour.grade, 0, 100)
    stained = decimals(np.floor(proliferation).astype(np.int64) * 10, 1)
    return {
        "GRADE": where(early, where(unknown, "9", digits(tumour.grade)), ""),
        "GRADE_CLIN": where(early, "", clinical),
        "GRADE_PATH": where(early, "", where(resected, code, "9")),
        "CS_SITESPECIFIC_FACTOR_7": where(early, nottingham, ""),
        "KI67": where(early, "", where(draw.chance(0.45), "XXX.9", stained)),
    }


def _nodes(draw: Draws, patients: Patients, treatment: Treatment) -> tuple[Text, Text]:
    """Nodes examined and nodes positive (98: none examined; 95: by needle biopsy only)."""
    tumour = patients.tumour
    removed = (treatment.surgery != NO_SURGERY) & draw.chance(0.96)
    left = np.where(treatment.neoadjuvant, tumour.nodes // (1 + treatment.response), tumour.nodes)
    more = np.where(tumour.nodes > 0, draw.whole(3, 14), draw.whole(1, 4))
    needle = ~removed & (tumour.nodes > 0) & draw.chance(0.6)
    examined = where(removed, digits(np.minimum(left + more, 90), 2), where(needle, "95", "00"))
    positive = where(removed, digits(left, 2), where(needle, "95", "98"))
    return examined, positive


def stage_columns(draw: Draws, patients: Patients, treatment: Treatment) -> Columns:
    """T, N, M and stage groups of both editions; anatomic groups throughout."""
    tumour, early = patients.tumour, patients.person.year <= LAST_CS_YEAR
    resected = (treatment.surgery != NO_SURGERY) & ~treatment.neoadjuvant
    unknown = draw.chance(0.02)
    missed = resected & (tumour.n > 0) & draw.chance(0.35)
    clinical_n = np.where(missed, 0, tumour.n)
    clinical = _group(tumour.t, clinical_n, tumour.m, unknown)
    pathological = _group(tumour.t, tumour.n, tumour.m, unknown | ~resected)
    columns = _tnm("TNM_CLIN", "c", tumour, clinical_n) | {"TNM_CLIN_STAGE_GROUP": clinical}
    columns |= _if(resected, _tnm("TNM_PATH", "p", tumour, tumour.n))
    columns["TNM_PATH_STAGE_GROUP"] = pathological
    late = _ajcc("AJCC_TNM_CLIN", "c", tumour, clinical_n) | {"AJCC_TNM_CLIN_STG_GRP": clinical}
    late |= _if(resected, _ajcc("AJCC_TNM_PATH", "p", tumour, tumour.n))
    late["AJCC_TNM_PATH_STG_GRP"] = pathological
    late |= _if(treatment.neoadjuvant, _post(tumour, treatment))
    analytic = where(unknown, "9", digits(tumour.stage))
    return (
        {name: where(early, values, "") for name, values in columns.items()}
        | {name: where(early, "", values) for name, values in late.items()}
        | {"ANALYTIC_STAGE_GROUP": analytic}
        | _spread(draw, patients)
    )


def _if(condition: Truth, columns: Columns) -> Columns:
    """The columns, blank where the condition fails."""
    return {name: where(condition, values, "") for name, values in columns.items()}


def _group(t: Whole, n: Whole, m: Truth, unknown: Truth) -> Text:
    """Stage group of a T, N and M, 99 where unknown."""
    table = np.array(STAGE_BY_T_N, dtype=object)
    return where(unknown, "99", where(m, "4", table[t, n]))


def _t_code(tumour: Tumour, codes: Sequence[str]) -> Text:
    """T with its subdivision: codes of Tis, T1a, T1b, T1c, T2, T3, T4b."""
    part = np.digitize(tumour.size_mm, (5.5, 10.5))
    return pick(np.where(tumour.t == 0, 0, np.where(tumour.t == 1, 1 + part, tumour.t + 2)), codes)


def _tnm(stem: str, prefix: str, tumour: Tumour, n: Whole) -> Columns:
    """Editions 6 and 7: `c1C`, `p2A`."""
    sizes = [f"{prefix}{t}" for t in ("1A", "1B", "1C", "2", "3", "4B")]
    first = "1A" if prefix == "p" else "1"
    return {
        f"{stem}_T": _t_code(tumour, ["pIS", *sizes]),
        f"{stem}_N": pick(n, [f"{prefix}{category}" for category in ("0", first, "2A", "3A")]),
        f"{stem}_M": where(tumour.m, f"{prefix}1", "c0"),
    }


def _ajcc(stem: str, prefix: str, tumour: Tumour, n: Whole) -> Columns:
    """Edition 8: `cT1c`, `pN2a`."""
    sizes = [f"{prefix}T{t}" for t in ("is(DCIS)", "1a", "1b", "1c", "2", "3", "4b")]
    first = "1a" if prefix == "p" else "1"
    return {
        f"{stem}_T": _t_code(tumour, sizes),
        f"{stem}_N": pick(n, [f"{prefix}N{category}" for category in ("0", first, "2a", "3a")]),
        f"{stem}_M": where(tumour.m, f"{prefix}M1", "cM0"),
    }


def _post(tumour: Tumour, treatment: Treatment) -> Columns:
    """Edition 8 after primary chemotherapy; groups were not assigned."""
    t = np.maximum(np.minimum(tumour.t, 3) - treatment.response, 0)
    t = np.where(treatment.response == 2, 0, np.maximum(t, 1))
    n = np.where(treatment.response == 2, 0, np.maximum(tumour.n - treatment.response, 0))
    return {
        "AJCC_TNM_POST_PATH_T": pick(t, ("ypT0", "ypT1c", "ypT2", "ypT3")),
        "AJCC_TNM_POST_PATH_N": pick(n, ("ypN0", "ypN1a", "ypN2a", "ypN3a")),
        "AJCC_TNM_POST_PATH_M": where(tumour.m, "cM1", "cM0"),
    }


def _spread(draw: Draws, patients: Patients) -> Columns:
    """Sites of metastasis from 2016, and lymphovascular invasion."""
    m, year = patients.tumour.stage == STAGE_IV, patients.person.year
    shares = {"BONE": 0.62, "BRAIN": 0.06, "LIVER": 0.25, "LUNG": 0.32}
    sites = {
        f"METS_AT_DX_{site}": where(
            year > LAST_CS_SIZE_YEAR, where(m & draw.chance(share), "1", "0"), ""
        )
        for site, share in shares.items()
    }
    invaded = draw.likely(-2.2 + 0.6 * np.minimum(patients.tumour.n, 2) + 0.4 * m)
    vessels = where(draw.chance(0.18), "9", where(invaded, "1", "0"))
    return sites | {"LYMPH_VASCULAR_INVASION": where(patients.tumour.in_situ, "8", vessels)}


def treatment_columns(draw: Draws, patients: Patients, treatment: Treatment) -> Columns:
    """First course of treatment: codes, days from diagnosis, sequences."""
    tumour, died = patients.tumour, patients.followup.dead
    advanced = tumour.stage >= STAGE_II
    targeted = (tumour.her2 == POSITIVE) & (patients.person.year >= FIRST_IMMUNOTHERAPY_YEAR)
    systemic = (treatment.chemotherapy, treatment.endocrine, treatment.immunotherapy)
    days = np.array([np.where(course.given, course.day, 10**6) for course in systemic])
    first = days.min(axis=0)
    any_systemic = Course(np.where(first < 10**6, first, -1), np.ones(draw.n, dtype=bool))
    conserving = pick(draw.whole(0, 4), ("20", "21", "22", "22", "23"))
    mastectomy = pick(draw.whole(0, 4), ("41", "41", "50", "51", "42"))
    surgery = where(treatment.surgery == CONSERVING, conserving, "00")
    surgery = where(treatment.surgery == MASTECTOMY, mastectomy, surgery)
    agents = pick(draw.one_of((0.05, 0.10, 0.85)), ("01", "02", "03"))
    return {
        "RX_SUMM_SURG_PRIM_SITE": surgery,
        "DX_DEFSURG_STARTED_DAYS": _days(treatment.operation),
        "RX_SUMM_CHEMO": _given(draw, treatment.chemotherapy, agents, advanced, died),
        "DX_CHEMO_STARTED_DAYS": _days(treatment.chemotherapy),
        "RX_SUMM_HORMONE": _given(draw, treatment.endocrine, "01", tumour.hr_positive, died),
        "DX_HORMONE_STARTED_DAYS": _days(treatment.endocrine),
        "RX_SUMM_IMMUNOTHERAPY": _given(draw, treatment.immunotherapy, "01", targeted, died),
        "DX_IMMUNO_STARTED_DAYS": _days(treatment.immunotherapy),
        "DX_RAD_STARTED_DAYS": _days(treatment.radiotherapy),
        "DX_SYSTEMIC_STARTED_DAYS": _days(any_systemic),
        "RX_SUMM_SURGRAD_SEQ": where(
            treatment.radiotherapy.given & treatment.operation.given, "3", "0"
        ),
        "RX_SUMM_SYSTEMIC_SUR_SEQ": _sequence(draw, treatment, days),
        **_response(draw, patients, treatment),
    }


def _days(course: Course) -> Text:
    """Day that a course began, blank where it was not given."""
    return where(course.given, digits(np.maximum(course.day, 0)), "")


def _given(draw: Draws, course: Course, code: Text | str, indicated: Truth, died: Truth) -> Text:
    """Code of a course given, or of the reason why not; few reasons where none was indicated."""
    reason = np.where(
        indicated,
        draw.one_of((0.40, 0.10, 0.22, 0.20, 0.04, 0.04)),
        draw.one_of((0.985, 0.0, 0.005, 0.0, 0.0, 0.01)),
    )
    absent = pick(reason, ("00", "82", "86", "87", "88", "99"))
    return where(course.given, code, where(course.intended & died, "85", absent))


def _sequence(draw: Draws, treatment: Treatment, days: Whole) -> Text:
    """Systemic therapy before surgery, after it, or both."""
    operation = treatment.operation
    given = days < 10**6
    before = (given & (days < operation.day)).any(axis=0)
    after = (given & (days >= operation.day)).any(axis=0)
    code = np.where(operation.given, before * 1 + after * 2, 0)
    both = operation.given & (before | after)
    return where(both & draw.chance(0.01), "9", pick(code, ("0", "2", "3", "4")))


def _response(draw: Draws, patients: Patients, treatment: Treatment) -> Columns:
    """Response to primary chemotherapy in the coding of each era."""
    early = patients.person.year <= LAST_CS_YEAR
    unknown = draw.chance(0.15)
    old = where(unknown, "999", pick(treatment.response, ("030", "020", "010")))
    new = where(unknown, "9", pick(treatment.response, ("4", "2", "1")))
    given = treatment.neoadjuvant
    return {
        "CS_SITESPECIFIC_FACTOR_21": where(early, where(given, old, "987"), ""),
        "RSPNS_TO_NEOADJUVT": where(early, "", where(given, new, "0")),
    }


def outcome_columns(draw: Draws, patients: Patients, last_year: int) -> Columns:
    """Follow-up in months and vital status (0 dead, 1 alive), withheld for the last year."""
    followup = patients.followup
    hundredths = np.floor(followup.days * 100 / DAYS_PER_MONTH + 0.5).astype(np.int64)
    status = where(followup.dead, "0", "1")
    return {
        "DX_LASTCONTACT_DEATH_MONTHS": where(draw.chance(0.002), "", decimals(hundredths, 2)),
        "PUF_VITAL_STATUS": where(patients.person.year == last_year, "", status),
    }
