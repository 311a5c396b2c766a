"""The registry's rows: drawn in blocks, coded as the participant user file, written as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cohort.errors import Problem, SpecError, suggest
from cohort.schema import SCHEMA
from cohort.simulation.codes import Columns, receptor_columns
from cohort.simulation.columns import (
    outcome_columns,
    person_columns,
    stage_columns,
    treatment_columns,
    tumour_columns,
)
from cohort.simulation.draws import Draws
from cohort.simulation.her2_evidence import RECORDED, Evidence, draw_evidence
from cohort.simulation.patients import Facilities, Patients, draw_facilities, draw_patients
from cohort.simulation.treatment import draw_treatment
from cohort.simulation.truth import (
    Effect,
    HazardRatios,
    effects,
)

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("ncdb_puf",)
YEARS = (2010, 2020)
DIRT = 0.001
# The registry that comes with the toolkit.
SAMPLE_SIZE = 4000
SAMPLE_SEED = 20250131
# Patients are drawn in blocks of their own random stream, so that a file may be written piece
# by piece and still hold the same bytes as the frame in memory.
BLOCK = 50_000


@dataclass(frozen=True, slots=True)
class _Plan:
    """A registry asked for, checked."""

    n: int
    seed: int
    years: tuple[int, int]
    dirt: float
    truth: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class _Dirt:
    """One kind of wrong value: what stands in the column, for a fact or for a code."""

    column: str
    value: str
    rule: str


_DIRT = (
    _Dirt("AGE", "150", "impossible age"),
    _Dirt("DX_LASTCONTACT_DEATH_MONTHS", "-1.00", "negative follow-up"),
    _Dirt("CS_SITESPECIFIC_FACTOR_8", "040", "unknown code"),
    _Dirt("HER2_IHC_SUMMARY", "5", "unknown code"),
    _Dirt("HER2_ISH_DUAL_RATIO", "2,1", "not a number"),
)


def simulate(
    n: int,
    *,
    seed: int,
    hazard_ratios: HazardRatios | None = None,
    source: str = "ncdb_puf",
    years: tuple[int, int] = YEARS,
    dirt: float = DIRT,
) -> pd.DataFrame:
    """A synthetic breast-cancer registry file with known hazard ratios, one row a patient.

    The frame is shaped as an extract of the NCDB Participant User File: its column names, its
    codes as text with their leading zeros, blanks as empty text. Collaborative Stage
    site-specific factors are filled for diagnoses of 2010 to 2017, SSDI columns for 2018 to
    2020, and the other era's columns are blank. Vital status (0 dead, 1 alive) is withheld for
    the last diagnosis year.

    Parameters
    ----------
    n
        Patients.
    seed
        Whole number from 0; the same seed and size give the same registry.
    hazard_ratios
        Departures from the default truth (`simulated_truth()`), by canonical column and level:
        ``{"her2_status": {"low": 1.0}, "age_years": 1.5}`` (age: for ten years more).
    source
        The registry imitated: ``ncdb_puf``.
    years
        First and last diagnosis year, within 2010 to 2020, when the HER2 score was collected.
    dirt
        Share of patients with a wrong value, for each of five kinds (`dirt_counts` says how
        many); 0 for a clean file.

    Returns
    -------
    DataFrame
        Text columns only.

    Raises
    ------
    SpecError
        For a size, seed, source, year, share or hazard ratio that cannot be simulated.

    Notes
    -----
    Death follows an exact proportional-hazards model; see the module's text for what else is
    assumed. About one patient in ten has no HER2 group on record, by the routes of a registry.

    Checked against Cox models fitted by lifelines, whose 95 % intervals hold the truth in 92 to
    98 of 100 (tests/cohort/test_simulation_truth.py), and against the classifier, which gives
    every patient the status that was simulated (tests/cohort/test_simulation_codes.py).
    """
    import pandas as pd

    plan = _plan(n, seed, hazard_ratios, source, years, dirt)
    return pd.concat([pd.DataFrame(columns) for columns in _blocks(plan)], ignore_index=True)


def write_registry(
    path: str | Path,
    n: int,
    seed: int,
    *,
    hazard_ratios: HazardRatios | None = None,
    source: str = "ncdb_puf",
    years: tuple[int, int] = YEARS,
    dirt: float = DIRT,
) -> Path:
    r"""A synthetic registry written as CSV; the memory needed does not grow with its size.

    Parameters are those of `simulate`, and the file holds the same rows. UTF-8, comma, one
    header line, ``\n`` at line ends, blanks as nothing between two commas.

    Returns
    -------
    Path
        The file written; one that was there is replaced.
    """
    import pandas as pd

    plan = _plan(n, seed, hazard_ratios, source, years, dirt)
    target = Path(path)
    with target.open("w", encoding="utf-8", newline="") as file:
        for number, columns in enumerate(_blocks(plan)):
            frame = pd.DataFrame(columns)
            frame.to_csv(file, index=False, header=number == 0, lineterminator="\n")
    return target


def simulated_patients(
    n: int,
    *,
    seed: int,
    hazard_ratios: HazardRatios | None = None,
    years: tuple[int, int] = YEARS,
) -> pd.DataFrame:
    """The patients behind a simulated registry: true values, none missing, in canonical columns.

    Row i is the patient of row i of `simulate` with the same size, seed, hazard ratios and
    years. Times are whole days and a death is known in every year: what a registrar with
    perfect records would hold.

    Returns
    -------
    DataFrame
        `patient_id`, `facility_id`, `diagnosis_year`, `behaviour`, `age_years`,
        `comorbidity_index`, `grade`, `stage`, `hr_status`, `her2_status` (the true group),
        `her2_recorded` (the status that the codes on record support under the default policies),
        `followup_days`, `event` (True: died).
    """
    import pandas as pd

    plan = _plan(n, seed, hazard_ratios, "ncdb_puf", years, 0.0)
    frames = []
    for first, patients, evidence, _ in _drawn(plan):
        frames.append(pd.DataFrame(_true_columns(first, patients, evidence)))
    return pd.concat(frames, ignore_index=True)


def dirt_counts(n: int, dirt: float = DIRT) -> dict[tuple[str, str], int]:
    """How many wrong values a registry of n patients holds, by column and value.

    A small registry may have fewer patients of an era than the count asks for.
    """
    sizes = [size for _, size in _sizes(n)]
    return {
        (kind.column, kind.value): sum(math.ceil(size * dirt) for size in sizes) for kind in _DIRT
    }


def _plan(
    n: int,
    seed: int,
    hazard_ratios: HazardRatios | None,
    source: str,
    years: tuple[int, int],
    dirt: float,
) -> _Plan:
    """What was asked for, with every problem at once."""
    problems = []
    if n < 1:
        problems.append(Problem("n", f"{n} patients", "at least 1"))
    if seed < 0:
        problems.append(Problem("seed", str(seed), "a whole number from 0"))
    if source not in SOURCES:
        allowed = f"Sources: {', '.join(SOURCES)}"
        problems.append(
            Problem("source", f"'{source}' cannot be simulated", allowed, suggest(source, SOURCES))
        )
    first, last = years
    if not YEARS[0] <= first <= last <= YEARS[1]:
        allowed = f"from {YEARS[0]} to {YEARS[1]}, the first not after the last"
        problems.append(Problem("years", f"{first} to {last}", allowed))
    if not 0 <= dirt <= 0.1:
        problems.append(Problem("dirt", str(dirt), "a share from 0 to 0.1"))
    if problems:
        raise SpecError(problems)
    return _Plan(n, seed, (first, last), dirt, effects(hazard_ratios))


def _sizes(n: int) -> list[tuple[int, int]]:
    """First position and size of each block."""
    return [(first, min(BLOCK, n - first)) for first in range(0, n, BLOCK)]


def _drawn(plan: _Plan) -> Iterator[tuple[int, Patients, Evidence, Draws]]:
    """Each block: position of its first patient, patients, HER2 evidence, and its stream."""
    facilities: Facilities = draw_facilities(plan.n, plan.seed)
    for number, (first, size) in enumerate(_sizes(plan.n), start=1):
        draw = Draws(size, (plan.seed, number))
        patients = draw_patients(draw, facilities, plan.years, plan.truth)
        yield first, patients, draw_evidence(draw, patients), draw


def _blocks(plan: _Plan) -> Iterator[Columns]:
    """The registry's columns, block by block."""
    for columns, _ in _coded(plan):
        yield columns


def _coded(plan: _Plan) -> Iterator[tuple[Columns, Patients]]:
    """Each block as the registry codes it, and the patients behind it."""
    for first, patients, evidence, draw in _drawn(plan):
        treatment = draw_treatment(draw, patients)
        columns = person_columns(draw, patients, first)
        columns |= tumour_columns(draw, patients, treatment)
        columns |= stage_columns(draw, patients, treatment)
        columns |= receptor_columns(draw, patients, evidence)
        columns |= treatment_columns(draw, patients, treatment)
        columns |= outcome_columns(draw, patients, plan.years[1])
        _soil(columns, plan.dirt)
        yield columns, patients


def coded_blocks(n: int, seed: int, dirt: float) -> Iterator[tuple[Columns, Patients]]:
    """A registry block by block, and the patients behind it, for other ways of writing it.

    Raises
    ------
    SpecError
        As `simulate`.
    """
    return _coded(_plan(n, seed, None, "ncdb_puf", YEARS, dirt))


def _soil(columns: Columns, dirt: float) -> None:
    """Put wrong values into the columns of one block, at even distances among the filled rows."""
    for place, kind in enumerate(_DIRT, start=1):
        values = columns[kind.column]
        rows = np.flatnonzero((values != "") & ~np.char.startswith(values.astype(str), "XX"))
        count = min(math.ceil(len(values) * dirt), len(rows))
        # The kinds start at different rows, so that one patient rarely has two.
        chosen = (np.arange(count) + place / (len(_DIRT) + 1)) * (len(rows) / max(count, 1))
        values[rows[chosen.astype(np.int64)]] = kind.value


def _true_columns(first: int, patients: Patients, evidence: Evidence) -> dict[str, object]:
    """Canonical columns of one block; categories in the schema's order of levels."""
    person, tumour, followup = patients.person, patients.tumour, patients.followup
    serial = range(first + 1, first + 1 + patients.n)
    return {
        "patient_id": [f"C{number:09d}" for number in serial],
        "facility_id": [f"F{number:05d}" for number in person.facility],
        "diagnosis_year": person.year,
        "behaviour": _category("behaviour", np.where(tumour.in_situ, 0, 1)),
        "age_years": person.age.astype(np.float64),
        "comorbidity_index": _category("comorbidity_index", person.comorbidity),
        "grade": _category("grade", tumour.grade - 1),
        "stage": _category("stage", tumour.stage),
        "hr_status": _category("hr_status", tumour.hr_positive),
        "her2_status": _category("her2_status", tumour.her2),
        "her2_recorded": _category("her2_status", evidence.recorded, RECORDED),
        "followup_days": followup.days,
        "event": followup.dead,
    }


def _category(name: str, codes: object, levels: Sequence[str] = ()) -> object:
    """Codes as an ordered category of a canonical column's levels."""
    import pandas as pd

    words = list(levels or SCHEMA[name].levels)
    kind = pd.CategoricalDtype(words, ordered=True)
    return pd.Categorical.from_codes(np.asarray(codes, np.int64), dtype=kind)
