"""What one row of a file is: a patient, a tumour, a specimen, or a part of a REDCap record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cohort.dictionary_checks import PATHOLOGY
from cohort.drafting_headings import Guess, words
from cohort.drafting_values import Survey
from cohort.errors import DataError, Problem, listed
from cohort.schema import SPECIMEN

_INSTRUMENT = ("redcap_repeat_instrument", "Repeat Instrument")
_EVENT = ("redcap_event_name", "Event Name")
_OF_TUMOUR = ("tumour_id",)
_SPECIMENS = "specimens"  # the role of rows that are specimens
_SPECIMEN_WORDS = frozenset({"sample", "specimen", "biopsy", "block", "slide"})
_KEY_WORDS = re.compile(
    r"(^|[^a-z])(id|nr|no|number|code|barcode|key|mrn)([^a-z]|$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Rows:
    """How the rows of a file are to be read.

    Attributes
    ----------
    key, grain
        The column that identifies the patient, and what a row stands for.
    where
        Which rows are the patients', where the file holds others too.
    repeats
        Roles of other rows of the file, with the condition that tells them.
    said
        Why it was so decided, each one line.
    of_specimens
        Columns that are the specimens', where each row is one of a patient who is repeated.
    specimen
        The column that tells a patient's specimens apart, where there is one.
    """

    key: str
    grain: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    repeats: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    of_specimens: frozenset[str] = frozenset()
    specimen: str = ""

    @property
    def several(self) -> bool:
        """Whether the rows of a patient repeat what is the patient's."""
        return bool(self.of_specimens)


def rows_of(survey: Survey, found: Mapping[str, Sequence[Guess]]) -> Rows:
    """How the rows are to be read.

    Raises
    ------
    DataError
        Where no column tells the patients apart, or it is not clear what their several rows are.
    """
    keys = _keys(survey, found)
    if not keys:
        raise DataError(
            Problem(
                _name(survey), "no column tells the patients apart",
                f"Columns: {listed(survey.headings, 12)}",
                "Add a column with a number for each patient, headed patient_id.",
            )
        )  # fmt: skip
    unique = _unique(survey, keys, found)
    if unique is not None:
        said = f"'{unique}' is different in every row: one row a patient"
        return Rows(unique, "patient", said=(said,))
    instrument = next((h for h in survey.headings if h in _INSTRUMENT), None)
    # A column that is the same in every row, as a study's name is, tells nobody apart.
    key = next((key for key in keys if len(survey.values(key)) > 1), keys[0])
    if instrument is not None:
        return _redcap(survey, key, instrument)
    return _several(survey, key, found)


def _unique(
    survey: Survey, keys: Sequence[str], found: Mapping[str, Sequence[Guess]]
) -> str | None:
    """A key that is different in every row; of samples, none where the patients' own repeats."""
    named = [one.heading for one in found.get("patient_id", ()) if one.heading in keys]
    whole = [key for key in keys if not survey.repeats(key)]
    of_patients = next((key for key in whole if key in named), None)
    repeated = any(len(survey.values(key)) > 1 for key in named)
    return of_patients if of_patients is not None or repeated else next(iter(whole), None)


def _keys(survey: Survey, found: Mapping[str, Sequence[Guess]]) -> list[str]:
    """Columns that may identify the patient, the likeliest first; none that is blank anywhere."""
    named = [one.heading for one in found.get("patient_id", ())]
    meant = {one.heading for group in found.values() for one in group}
    others = [h for h in survey.headings if h not in meant and _KEY_WORDS.search(h)]
    first = survey.headings[:1] if survey.headings[0] not in meant else ()
    likely = list(dict.fromkeys([*named, *others, *first]))
    whole = [key for key in likely if sum(survey.values(key).values()) and not _blank(survey, key)]
    # A column that only looks like a key must be different in every row.
    return [key for key in whole if key in named or not survey.repeats(key)]


def _blank(survey: Survey, heading: str) -> int:
    """Rows without a text in a column."""
    import narwhals as nw

    counted = survey.rows().filter(survey.text(heading) == "").select(n=nw.len())
    return int(survey.extract.engine.collect(counted)["n"][0].as_py())


def _redcap(survey: Survey, key: str, instrument: str) -> Rows:
    """Rows of a REDCap export: a record's own row, and those of its repeating instruments."""
    where: dict[str, tuple[str, ...]] = {instrument: ("",)}
    said = [f"rows with a '{instrument}' are parts of a record, the others are the patients"]
    if survey.repeats(key, where):
        event = next((h for h in survey.headings if h in _EVENT), None)
        chosen = _event(survey, key, event, where) if event is not None else None
        if event is None or chosen is None:
            raise _unclear(survey, key)
        where |= {event: (chosen,)}
        said.append(f"of the events only '{chosen}' has one row for every patient")
    repeats = {
        _role(text): {instrument: (text,)} for text in survey.values(instrument) if _role(text)
    }
    return Rows(key, "patient", where, repeats, tuple(said))


def _event(
    survey: Survey, key: str, event: str, where: Mapping[str, tuple[str, ...]]
) -> str | None:
    """The one event that has a single row for every patient, None where there is no such one."""
    n = len(survey.values(key))
    fitting = []
    for text in survey.values(event, where):
        rows = {**where, event: (text,)}
        if not survey.repeats(key, rows) and len(survey.values(key, rows)) == n:
            fitting.append(text)
    return fitting[0] if len(fitting) == 1 else None


def _several(survey: Survey, key: str, found: Mapping[str, Sequence[Guess]]) -> Rows:
    """Patients in several rows: tumours where a column numbers them, else specimens.

    They are specimens where nothing but what belongs to a specimen differs between them.
    """
    tumour = next((found[column][0] for column in _OF_TUMOUR if column in found), None)
    if tumour is not None:
        said = (
            f"'{key}' stands in several rows, and '{tumour.heading}' numbers tumours: one row a "
            "tumour"
        )
        return Rows(key, "tumour", said=(said,))
    meant = {one.heading: one.column for group in found.values() for one in group}
    differ = survey.varying(key)
    evidence = [h for h, name in meant.items() if name.startswith("her2_")]
    of_patients = [h for h in differ if h in meant and not _is_of_specimen(meant[h])]
    if of_patients or not set(evidence) & set(differ):
        raise _unclear(survey, key, differ, of_patients)
    read = frozenset([*evidence, *(h for h in differ if h in meant)])
    specimen = next((h for h in survey.headings if h not in meant and _numbers(survey, key, h)), "")
    said = (
        f"'{key}' stands in several rows, between which only what is a specimen's differs "
        f"({listed(h for h in survey.headings if h in read)}): one row a specimen"
    )
    return Rows(
        key, "patient", repeats={_SPECIMENS: {}}, said=(said,),
        of_specimens=read, specimen=specimen,
    )  # fmt: skip


def _is_of_specimen(name: str) -> bool:
    """Whether a canonical column, or a date beside them, can be a specimen's."""
    return name in (*SPECIMEN, *PATHOLOGY, "specimen_date") or name.startswith("her2_")


def _numbers(survey: Survey, key: str, heading: str) -> bool:
    """Whether a column is by its name and its texts what tells a patient's specimens apart."""
    named = _SPECIMEN_WORDS & words(heading) or _KEY_WORDS.search(heading)
    return bool(named) and survey.tells_apart(key, heading)


def _unclear(
    survey: Survey, key: str, differ: Sequence[str] = (), of_patients: Sequence[str] = ()
) -> DataError:
    n = survey.repeats(key)
    found = f"patients stand in more than one row ({n:,} rows beyond the first of '{key}')"
    if of_patients:
        found += f", which differ in what is the patient's: {listed(of_patients, 8)}"
    elif differ:
        found += f", which differ in {listed(differ, 8)}, but in nothing of HER2"
    advice = (
        "Give one row a patient; or a column that numbers tumours (tumour_id), or REDCap's "
        "redcap_repeat_instrument, so that it is known what a row is. Rows are specimens where "
        "only what is a specimen's differs between them."
    )
    return DataError(Problem(_name(survey), found, advice=advice))


def _name(survey: Survey) -> str:
    return survey.extract.files[0].name


def _role(text: str) -> str:
    """A role's name from an instrument's."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()
    return name if name.isidentifier() and name != "main" else ""
