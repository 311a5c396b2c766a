"""Files described in which patients and specimens have columns of the same name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cohort.describing import describe
from cohort.description import ColumnSeen, Description
from cohort.harmonisation import harmonise
from cohort.loading import load

TODAY = date(2024, 6, 30)
PATIENTS = """\
PATIENT_ID	AGE	OS_STATUS	OS_MONTHS	SEX
P1	50	0:LIVING	12.5	Female
P2	51	1:DECEASED	22.5	Female
P3	52	0:LIVING	32.5	Female
P4	52	1:DECEASED		Female
"""
# Six samples, of which the last is of a patient who is not there; three scores are uncertain.
SAMPLES = """\
PATIENT_ID	SAMPLE_ID	HER2_IHC_SCORE	HER2_FISH_STATUS	SAMPLE_TYPE
P1	P1-01	0-1+		Primary
P1	P1-06	2+	Negative	Metastasis
P2	P2-01	1+ (focal)		Primary
P3	P3-01	0+		Primary
P3	P3-02	1+ (3+ outside)		Primary
P9	P9-02	1+	odd	Primary
"""
TABLE = """\
patient_id,Age,Date of diagnosis,HER2 IHC,HER2 ISH,ER status,Vital status,Date of last contact
1,50,2019-01-05,1+,,positive,alive,2020-01-05
2,50,2019-02-05,2+,neg,negative,dead,2021-01-05
3,50,2019-02-05,0,,pos,dead,2021-01-05
4,50,2019-02-05,3+,neg,negative,alive,2021-01-05
5,50,2019-02-05,1+,,negative,alive,2021-01-05
"""


def of_study(folder: Path) -> Description:
    """The study of cBioPortal with both of its files."""
    (folder / "patients.txt").write_text(PATIENTS)
    (folder / "samples.txt").write_text(SAMPLES)
    files = {"main": folder / "patients.txt", "samples": folder / "samples.txt"}
    return describe(files, today=TODAY)


def seen(description: Description, column: str, table: str) -> ColumnSeen:
    return next(o for o in description.columns if (o.column, o.table) == (column, table))


def test_values_are_those_of_patients_and_of_their_specimens(tmp_path: Path) -> None:
    best = of_study(tmp_path).fits[0]
    # Vital status and sex of 4 patients; of 5 specimens the site, the score, and one result.
    assert (best.n_values, best.n_unknown) == (4 + 4 + 5 + 5 + 1, 0)


def test_what_specimens_lack_is_not_counted_of_patients_nor_of_strangers(tmp_path: Path) -> None:
    found = of_study(tmp_path)
    score, result = (seen(found, name, "specimens") for name in ("her2_ihc", "her2_ish"))
    assert (score.n_known, score.missing) == (2, (("uncertain", 3),))
    assert (result.n_known, result.missing) == (1, (("blank", 4),))
    assert seen(found, "her2_ish", "patients").missing == ()
    # The odd result is of the specimen of no patient, which is counted as a whole.
    assert not [f for f in found.not_understood if f.column == "her2_ish"]
    strange = next(f for f in found.noted if f.rule == "specimens_of_no_patient")
    assert (strange.n, strange.unit, strange.leaves_out) == (1, "specimen", True)


def test_a_column_of_the_patient_and_of_its_specimen_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text(TABLE)
    found = describe(file, today=TODAY)
    assert found.source == "spreadsheet"
    told = [(f.column, f.value, f.n, f.unit) for f in found.not_understood]
    assert told == [("er_status", "pos", 1, "patient"), ("her2_ish", "neg", 2, "patient")]
    for table in ("patients", "specimens"):
        assert seen(found, "her2_ish", table).missing == (("blank", 3), ("code not known", 2))
    # Receptor, score and vital status of five patients, and two results; each once.
    assert (found.fits[0].n_values, found.fits[0].n_unknown) == (5 + 5 + 5 + 2, 3)


def test_what_a_study_reads_otherwise_is_counted_once(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text(TABLE)
    recode = {"her2_ish": {"neg": "negative"}}
    cohort = harmonise(load(file, source="spreadsheet"), recode=recode)
    assert [(f.n, f.unit) for f in cohort.findings if f.rule == "recoded"] == [(2, "value")]
    assert not [f for f in cohort.findings if (f.rule, f.value) == ("unknown_code", "neg")]


def test_a_second_specimen_in_columns_of_its_own_is_told_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    head, *rows = TABLE.splitlines()
    more = [f"{head},Second specimen HER2 ISH", f"{rows[0]},odd", *(f"{row}," for row in rows[1:])]
    file.write_text("\n".join(more) + "\n")
    found = describe(file, today=TODAY)
    told = [(f.column, f.value, f.n, f.unit) for f in found.not_understood if f.value == "odd"]
    assert told == [("her2_ish", "odd", 1, "specimen")]
