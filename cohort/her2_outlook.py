"""Whether HER2-low can be formed from a source's files, for which years, and if not why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import narwhals as nw

from cohort.description import ColumnSeen, Her2Outlook
from cohort.dictionary import SourceDictionary
from cohort.errors import listed
from cohort.her2 import classify_her2
from cohort.schema import HER2_STATUS
from cohort.specimens import index_specimen
from cohort.table import Cohort

_SCORED = ("zero", "low")
_SCORE = "her2_ihc"


def her2_outlook(
    cohort: Cohort, dictionary: SourceDictionary, seen: Sequence[ColumnSeen], edition: int
) -> Her2Outlook:
    """What a classification of these patients would give, and why HER2-low is or is not in it.

    Parameters
    ----------
    cohort
        Harmonised patients and specimens.
    dictionary
        What the source can tell.
    seen
        The canonical columns with what the files hold.
    edition
        Guideline edition.
    """
    evidence = index_specimen(cohort, edition=edition)
    classified = classify_her2(evidence, edition=edition)
    years, scored = _by_year(classified)
    counts = tuple(
        (status, sum(row[i] for _, row in years)) for i, status in enumerate(HER2_STATUS)
    )
    n_formed = sum(n for status, n in counts if status in _SCORED)
    reasons = tuple(_refused(dictionary, seen, counts))
    if "diagnosis_year" not in cohort.columns:
        return Her2Outlook(n_formed > 0, reasons, edition, counts)
    outlook = Her2Outlook(n_formed > 0, reasons, edition, counts, years)
    if not outlook.possible:
        return outlook
    return replace(outlook, reasons=(*reasons, *_years_without(outlook, scored)))


Years = tuple[tuple[int | None, tuple[int, ...]], ...]


def _by_year(cohort: Cohort) -> tuple[Years, frozenset[int | None]]:
    """Patients by year of diagnosis and status, and the years in which any has a score."""
    has = set(cohort.columns)
    absent = nw.lit(None, dtype=nw.Int64)
    table = cohort.patients.select(
        "her2_status",
        year=nw.col("diagnosis_year") if "diagnosis_year" in has else absent,
        scored=(~nw.col(_SCORE).is_null()) if _SCORE in has else nw.lit(False),
    )
    by = ["year", "her2_status", "scored"]
    rows = cohort.engine.collect(table.group_by(by).agg(n=nw.len())).to_pylist()
    counts: dict[tuple[int | None, str], int] = {}
    for row in rows:
        place = (row["year"], row["her2_status"])
        counts[place] = counts.get(place, 0) + int(row["n"])
    every: list[int | None] = [*sorted({year for year, _ in counts if year is not None})]
    if any(year is None for year, _ in counts):
        every.append(None)
    years = tuple(
        (one, tuple(counts.get((one, status), 0) for status in HER2_STATUS)) for one in every
    )
    return years, frozenset(row["year"] for row in rows if row["scored"])


def _refused(
    dictionary: SourceDictionary, seen: Sequence[ColumnSeen], counts: Sequence[tuple[str, int]]
) -> Iterator[str]:
    """Why no score can be read: the source, its dictionary, the file, or the patients."""
    if dictionary.identifies.her2_score is False:
        assay = dictionary.identifies.her2_assay
        how = {"expression": " (HER2 is called from gene expression)"}.get(str(assay), "")
        yield (
            f"Source '{dictionary.name}' records no immunohistochemistry score{how}: "
            "HER2-zero and HER2-low cannot be told apart, only positive from negative."
        )
        reason = dictionary.identifies.because.get("her2_score")
        if reason:
            yield reason
        return
    scores = [one for one in seen if one.column == _SCORE]
    score = max(scores, key=lambda one: (one.n_known, one.read), default=None)
    if score is None:
        yield f"The dictionary reads no {_SCORE}: name the column of the HER2 score."
    elif not score.read:
        sought = listed(score.sought, 6)
        yield f"The files have no column for the HER2 score; the dictionary looks for {sought}."
    elif not score.n_known:
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in score.missing)
        yield f"No patient has a HER2 score ({kinds})."
    elif not any(n for status, n in counts if status in _SCORED):
        yield "Scores are there, but none that makes a patient HER2-zero or HER2-low."
    yield from _without_ish(seen, score)
    if not any(n for status, n in counts if status != "unknown"):
        yield "No patient has any HER2 result."


def _without_ish(seen: Sequence[ColumnSeen], score: ColumnSeen | None) -> Iterator[str]:
    """That 2+ stays open where no in-situ result is known."""
    evidence = ("her2_ish", "her2_ratio", "her2_copies", "her2_copies_single")
    held = any(one.column in evidence and one.n_known for one in seen)
    if score is not None and score.n_known and not held:
        yield "There is no in-situ hybridisation result: tumours of score 2+ stay unresolved."


def _years_without(outlook: Her2Outlook, scored: frozenset[int | None]) -> Iterator[str]:
    """Years of diagnosis in which there are patients but none is HER2-zero or HER2-low."""
    formed = set(outlook.formed_in)
    others = {
        year: sum(row) for year, row in outlook.years if year is not None and year not in formed
    }
    for has, why in ((False, "none of them has a HER2 score"), (True, "none is zero or low")):
        years = [year for year in others if (year in scored) == has]
        if years:
            n = sum(others[year] for year in years)
            patients = "1 patient" if n == 1 else f"{n:,} patients"
            yield f"Not for diagnoses of {spans(years)} ({patients}): {why}."


def spans(years: Sequence[int]) -> str:
    """Years in a row as spans: ``2010-2013, 2016``."""
    found: list[list[int]] = []
    for year in sorted(years):
        if found and year == found[-1][1] + 1:
            found[-1][1] = year
        else:
            found.append([year, year])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in found)
