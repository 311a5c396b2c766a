"""The simulated registry as NAACCR records: the XML exchange format, or a delimited extract.

The items are those of the participant user file under their NAACCR names, with dates in place of
days and survival in whole months. About one patient in 33 has a second tumour, of the colon,
after the one of the breast. Vital status is known in every year.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

from cohort.formats.naaccr_items import item_numbers
from cohort.simulation.codes import Columns
from cohort.simulation.draws import Draws, Text, Whole, digits, pick, where
from cohort.simulation.patients import Patients
from cohort.simulation.registry import DIRT, coded_blocks

SEVERAL = 0.03
NAMESPACE = "http://naaccr.org/naaccrxml"
_STREAM = 1_000_000  # keys of the random streams that draw days, apart from the patients' own
_DAYS_PER_MONTH = 365.24 / 12

# Column of the participant user file -> item, where the codes are the same.
_PATIENT = {"SEX": "sex", "RACE": "race1", "SPANISH_HISPANIC_ORIGIN": "spanishHispanicOrigin"}
_TUMOUR = {
    "PUF_FACILITY_ID": "reportingFacility",
    "AGE": "ageAtDiagnosis",
    "INSURANCE_STATUS": "primaryPayerAtDx",
    "SEQUENCE_NUMBER": "sequenceNumberCentral",
    "PRIMARY_SITE": "primarySite",
    "LATERALITY": "laterality",
    "HISTOLOGY": "histologicTypeIcdO3",
    "BEHAVIOR": "behaviorCodeIcdO3",
    "GRADE": "grade",
    "GRADE_CLIN": "gradeClinical",
    "GRADE_PATH": "gradePathological",
    "KI67": "ki67",
    "TUMOR_SIZE": "csTumorSize",
    "TUMOR_SIZE_SUMMARY_2016": "tumorSizeSummary",
    "REGIONAL_NODES_POSITIVE": "regionalNodesPositive",
    "REGIONAL_NODES_EXAMINED": "regionalNodesExamined",
    **{f"TNM_CLIN_{x}": f"tnmClin{x}" for x in "TNM"},
    **{f"TNM_PATH_{x}": f"tnmPath{x}" for x in "TNM"},
    "TNM_CLIN_STAGE_GROUP": "tnmClinStageGroup",
    "TNM_PATH_STAGE_GROUP": "tnmPathStageGroup",
    **{f"AJCC_TNM_CLIN_{x}": f"ajccTnmClin{x}" for x in "TNM"},
    **{f"AJCC_TNM_PATH_{x}": f"ajccTnmPath{x}" for x in "TNM"},
    **{f"AJCC_TNM_POST_PATH_{x}": f"ajccTnmPostTherapy{x}" for x in "TNM"},
    "AJCC_TNM_CLIN_STG_GRP": "ajccTnmClinStageGroup",
    "AJCC_TNM_PATH_STG_GRP": "ajccTnmPathStageGroup",
    **{f"METS_AT_DX_{x.upper()}": f"metsAtDx{x}" for x in ("Bone", "Brain", "Liver", "Lung")},
    "LYMPH_VASCULAR_INVASION": "lymphVascularInvasion",
    **{
        f"CS_SITESPECIFIC_FACTOR_{i}": f"csSiteSpecificFactor{i}" for i in (1, 2, *range(7, 17), 21)
    },
    "ER_SUMMARY": "estrogenReceptorSummary",
    "ER_PERCENT_POS_OR_RNG": "estrogenReceptorPercntPosOrRange",
    "PR_SUMMARY": "progesteroneRecepSummary",
    "PR_PERCENT_POS_OR_RNG": "progesteroneRecepPrcntPosOrRange",
    "HER2_IHC_SUMMARY": "her2IhcSummary",
    "HER2_ISH_SUMMARY": "her2IshSummary",
    "HER2_ISH_DUAL_NUM": "her2IshDualProbeCopyNumber",
    "HER2_ISH_DUAL_RATIO": "her2IshDualProbeRatio",
    "HER2_ISH_SINGLE_NUM": "her2IshSingleProbeCopyNumber",
    "HER2_OVERALL_SUMM": "her2OverallSummary",
    "RX_SUMM_SURG_PRIM_SITE": "rxSummSurgPrimSite",
    "RX_SUMM_CHEMO": "rxSummChemo",
    "RX_SUMM_HORMONE": "rxSummHormone",
    "RX_SUMM_IMMUNOTHERAPY": "rxSummBrm",
    "RX_SUMM_SURGRAD_SEQ": "rxSummSurgRadSeq",
    "RX_SUMM_SYSTEMIC_SUR_SEQ": "rxSummSystemicSurSeq",
    "RSPNS_TO_NEOADJUVT": "responseToNeoadjuvantTherapy",
}
_STARTS = {
    "DX_DEFSURG_STARTED_DAYS": "rxDateMostDefinSurg",
    "DX_CHEMO_STARTED_DAYS": "rxDateChemo",
    "DX_HORMONE_STARTED_DAYS": "rxDateHormone",
    "DX_IMMUNO_STARTED_DAYS": "rxDateBrm",
    "DX_RAD_STARTED_DAYS": "rxDateRadiation",
    "DX_SYSTEMIC_STARTED_DAYS": "rxDateSystemic",
}
Dates = npt.NDArray[Any]
# Items of a patient, of the tumour of the breast and of a later one (empty where there is none).
Records = tuple[Columns, Columns, Columns]


def write_naaccr_xml(
    path: str | Path, n: int, seed: int, *, dirt: float = DIRT, version: str = "250"
) -> Path:
    """A synthetic registry in the NAACCR XML exchange format; compressed where named ``.gz``.

    Parameters
    ----------
    path
        The file written; one that was there is replaced.
    n, seed, dirt
        As `simulate`; the same give the same file.
    version
        The NAACCR version that the file names.
    """
    target = Path(path)
    with _opened(target) as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<NaaccrData baseDictionaryUri="{NAMESPACE}/naaccr-dictionary-{version}.xml" '
            f'recordType="I" specificationVersion="1.7" xmlns="{NAMESPACE}">\n'
            '  <Item naaccrId="recordType">I</Item>\n'
        )
        for block in _records(n, seed, dirt):
            file.write(_xml(block))
        file.write("</NaaccrData>\n")
    return target


def write_naaccr_extract(
    path: str | Path,
    n: int,
    seed: int,
    *,
    dirt: float = DIRT,
    headings: Literal["ids", "numbers"] = "ids",
) -> Path:
    """The same registry as a delimited extract, one row a tumour, headed by XML ids or numbers.

    Parameters are those of `write_naaccr_xml`.
    """
    import pandas as pd

    target = Path(path)
    numbers = item_numbers()
    with _opened(target) as file:
        for number, (patient, breast, later) in enumerate(_records(n, seed, dirt)):
            first = pd.DataFrame(patient | breast)
            second = pd.DataFrame(patient | later)
            second = second[second["primarySite"] != ""].reindex(columns=first.columns)
            both = pd.concat([first, second]).sort_index(kind="stable")
            if headings == "numbers":
                both = both.rename(columns=numbers)
            both.to_csv(file, index=False, header=number == 0, lineterminator="\n")
    return target


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=6)
    return path.open("w", encoding="utf-8", newline="")


def _records(n: int, seed: int, dirt: float) -> Iterator[Records]:
    """Items block by block."""
    for number, (columns, patients) in enumerate(coded_blocks(n, seed, dirt)):
        yield _items(columns, patients, Draws(patients.n, (seed, _STREAM + number)))


def _items(columns: Columns, patients: Patients, draw: Draws) -> Records:
    """A block of the participant user file as items."""
    year = columns["YEAR_OF_DIAGNOSIS"].astype("datetime64[Y]")
    diagnosed = _later(year.astype("datetime64[D]"), draw.whole(0, 364))
    followup = patients.followup
    several = draw.chance(SEVERAL) & (followup.days > 60)
    months = np.floor(followup.days / _DAYS_PER_MONTH).astype(np.int64)
    patient = {
        "patientIdNumber": pick(np.arange(patients.n), [k[-8:] for k in columns["PUF_CASE_ID"]]),
        **{item: columns[name] for name, item in _PATIENT.items()},
        "vitalStatus": where(followup.dead, "0", "1"),
        "dateOfLastContact": _written(_later(diagnosed, followup.days)),
    }
    breast = {
        "dateOfDiagnosis": _written(diagnosed),
        **{item: columns[name] for name, item in _TUMOUR.items()},
        **{item: _started(columns[name], diagnosed) for name, item in _STARTS.items()},
        "survMosPresumedAlive": digits(months, 4),
        "survFlagPresumedAlive": pick(np.ones(patients.n, dtype=np.int64), ("0", "1")),
    }
    breast["sequenceNumberCentral"] = where(several, "01", breast["sequenceNumberCentral"])
    after = np.floor(draw.uniform(0.5, 1.0) * followup.days).astype(np.int64)
    later = {
        "dateOfDiagnosis": where(several, _written(_later(diagnosed, after)), ""),
        "ageAtDiagnosis": where(several, breast["ageAtDiagnosis"], ""),
        "sequenceNumberCentral": where(several, "02", ""),
        "primarySite": where(several, "C182", ""),
        "histologicTypeIcdO3": where(several, "8140", ""),
        "behaviorCodeIcdO3": where(several, "3", ""),
    }
    return patient, breast, later


def _written(days: Dates) -> Text:
    """Dates as NAACCR writes them: 20150331."""
    return np.char.replace(np.datetime_as_string(days, unit="D"), "-", "").astype(object)


def _started(days: Text, diagnosed: Dates) -> Text:
    """The date of a start that is told in days, blank where it is not."""
    known = days != ""
    after = np.where(known, days, "0").astype(np.int64)
    return where(known, _written(_later(diagnosed, after)), "")


def _later(dates: Dates, days: Whole) -> Dates:
    """Dates so many days later."""
    moved: Dates = dates + days.astype("timedelta64[D]")
    return moved


def _xml(records: Records) -> str:
    """A block of patients as elements; blank items are left out."""
    patients, breast, later = (
        _elements(columns, deep) for columns, deep in zip(records, _DEEP, strict=True)
    )
    parts = []
    for person, first, second in zip(patients, breast, later, strict=True):
        other = f"    <Tumor>\n{second}    </Tumor>\n" if second else ""
        parts.append(
            f"  <Patient>\n{person}    <Tumor>\n{first}    </Tumor>\n{other}  </Patient>\n"
        )
    return "".join(parts)


_DEEP = ("    ", "      ", "      ")


def _elements(columns: Columns, indent: str) -> list[str]:
    """The items of each row as one text."""
    written = [
        [f'{indent}<Item naaccrId="{item}">{value}</Item>\n' if value else "" for value in values]
        for item, values in columns.items()
    ]
    return ["".join(row) for row in zip(*written, strict=True)]
