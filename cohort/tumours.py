"""The index tumour of each patient, where a source has one row a tumour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from cohort.errors import DataError, Problem
from cohort.sites import other_site
from cohort.table import Engine, Finding

LazyTable = nw.LazyFrame[Any]

# What decides, in this order, with how many values it can take; each is a rank from 0.
_NO_DATE, _NO_DAY, _LARGEST = 99_999_999, 9999, 99_999
_REASONS = {
    "site": (2, "of another site than the breast"),
    "behaviour": (3, "in situ, or of unknown behaviour, beside an invasive one"),
    "date": (_NO_DATE + 1, "diagnosed later, or with no date"),
    "sequence": (4, "a later primary by its sequence number"),
    "size": (_LARGEST + 1, "smaller, or of unknown size"),
}
# What a patient has once, however many tumours.
_OF_PATIENTS = ("sex", "race", "vital_status")
_ADVICE = (
    "The tumour that stands for the patient was chosen by site, behaviour, date, sequence, size."
)


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Patients with their index tumour.

    Attributes
    ----------
    patients
        One row a patient, the columns of the index tumour and `n_tumours`.
    n
        Patients.
    findings
        Patients with several tumours; tumours that were not chosen, by what decided.
    """

    patients: LazyTable
    n: int
    findings: tuple[Finding, ...]


def index_tumours(tumours: LazyTable, engine: Engine, source: str) -> Chosen:
    """One tumour a patient: the one that the study is about.

    Breast (C50) or an unknown site comes before other sites, invasive before in situ, then the
    earliest diagnosis, the lowest sequence number, the largest size. Of tumours that are alike
    in all of this the first by `tumour_id` is taken, or by its other columns where there is
    none, so that the order of the rows never matters.

    Parameters
    ----------
    tumours
        Computed table, one row a tumour, canonical columns.
    engine
        Computes lazy tables.
    source
        Role of the tumours' file, for findings.

    Raises
    ------
    DataError
        Where a tumour of a patient stands in several rows.

    Notes
    -----
    Checked against patients worked by hand and, in a property test, against sorting in Python
    (tests/cohort/test_tumours.py).
    """
    names = tumours.collect_schema().names()
    told = [name for name in names if name != "tumour_id" or _has_keys(tumours, engine)]
    ranked = tumours.with_columns(**{f"?{name}": rank for name, rank in _ranks(names)})
    # As wide as the product of all ranks, whatever the engine takes a small number for.
    whole: nw.Expr = nw.lit(0, dtype=nw.Int64)
    for name, (size, _) in _REASONS.items():
        whole = whole * size + nw.col(f"?{name}")
    ranked = ranked.with_columns(**{"?rank": whole, "?key": _last_resort(told)})
    repeated = _repeated(ranked, engine)
    if repeated and "tumour_id" in told:
        raise DataError(_twice(repeated, source))
    best = ranked.group_by("patient_id").agg(**{"?best": nw.col("?rank").min(), "?n": nw.len()})
    first = ranked.join(best, on="patient_id", how="left").filter(
        nw.col("?rank") == nw.col("?best")
    )
    key = first.group_by("patient_id").agg(**{"?first": nw.col("?key").min()})
    alone = (
        first.join(key, on="patient_id", how="left")
        .filter(nw.col("?key") == nw.col("?first"))
        .with_columns(n_tumours=nw.col("?n").cast(nw.Int64))
    )
    if repeated:
        alone = alone.group_by(alone.collect_schema().names()).agg(**{"?rows": nw.len()})
    chosen = engine.materialise(alone)
    counts = engine.collect(
        chosen.select(n=nw.len(), several=(nw.col("n_tumours") > 1).cast(nw.Int64).sum())
    ).to_pylist()[0]
    findings = [*_several(int(counts["several"] or 0), source),
                *_not_used(ranked, chosen, engine, source, repeated),
                *_contradictions(tumours, engine, source)]  # fmt: skip
    kept = [*(name for name in names if name != "n_tumours"), "n_tumours"]
    return Chosen(chosen.select(kept), int(counts["n"]), tuple(findings))


def _ranks(names: list[str]) -> Iterator[tuple[str, nw.Expr]]:
    """The rank of each tumour by each thing that decides; alike where the source has it not."""
    known = set(names)
    far = nw.when(other_site()).then(nw.lit(1)).otherwise(nw.lit(0))
    yield "site", _levels("primary_site", known, far)
    yield (
        "behaviour",
        _levels("behaviour", known, _rank("behaviour", {"invasive": 0, "in_situ": 2}, 1)),
    )
    yield "date", _date(known)
    order = {"only": 0, "first_of_several": 1, "later": 2}
    yield "sequence", _levels("tumour_sequence", known, _rank("tumour_sequence", order, 3))
    tenths = (nw.col("tumour_size_mm") * 10).round().fill_null(0).cast(nw.Int64)
    yield "size", _levels("tumour_size_mm", known, nw.lit(_LARGEST) - tenths)


def _levels(name: str, known: set[str], rank: nw.Expr) -> nw.Expr:
    return rank if name in known else nw.lit(0)


def _rank(name: str, ranks: dict[str, int], otherwise: int) -> nw.Expr:
    """The rank of each level."""
    value: nw.Expr = nw.lit(otherwise)
    for level, rank in ranks.items():
        held = (nw.col(name) == level).fill_null(False)
        value = nw.when(held).then(nw.lit(rank)).otherwise(value)
    return value


def _date(known: set[str]) -> nw.Expr:
    """The date of diagnosis as one number (20150331); what is not known comes last."""
    dates = []
    if "diagnosis_date" in known:
        digits = nw.col("diagnosis_date").str.replace_all("-", "", literal=True)
        dates.append(digits.cast(nw.Int64))
    if "diagnosis_year" in known:
        dates.append(nw.col("diagnosis_year") * (_NO_DAY + 1) + _NO_DAY)
    return nw.coalesce(*dates, nw.lit(_NO_DATE)) if dates else nw.lit(_NO_DATE)


def _has_keys(tumours: LazyTable, engine: Engine) -> bool:
    """Whether any tumour has a key of its own: the column may be one that the file lacks."""
    keyed = tumours.select(n=(~nw.col("tumour_id").is_null()).cast(nw.Int64).sum())
    return bool(engine.collect(keyed)["n"][0].as_py())


def _last_resort(names: list[str]) -> nw.Expr:
    """What tells tumours of one rank apart: their id, else all that is known of them."""
    if "tumour_id" in names:
        return nw.col("tumour_id").fill_null("")
    return nw.concat_str(
        *[nw.col(name).cast(nw.String).fill_null("") for name in names], separator="\x1f"
    )


def _repeated(ranked: LazyTable, engine: Engine) -> int:
    """Rows beyond the first of one tumour, or of tumours that nothing tells apart."""
    keys = ranked.group_by("patient_id", "?key").agg(rows=nw.len())
    again = keys.filter(nw.col("rows") > 1).select(n=(nw.col("rows") - 1).sum())
    return int(engine.collect(again)["n"][0].as_py() or 0)


def _twice(n: int, source: str) -> Problem:
    return Problem(
        f"file '{source}'", f"{n:,} rows hold a tumour that another row holds already",
        "One row a tumour (patient and tumour_id)",
        "Keep one row of each, or map tumour_id to what tells tumours apart.",
    )  # fmt: skip


def _several(n: int, source: str) -> Iterator[Finding]:
    if n:
        advice = f"These patients have more than one tumour in the source. {_ADVICE}"
        yield Finding("info", source, "n_tumours", "", "several_tumours", n, advice)


def _contradictions(tumours: LazyTable, engine: Engine, source: str) -> Iterator[Finding]:
    """Patients of whom their rows say different things that are one a patient."""
    names = [name for name in _OF_PATIENTS if name in tumours.collect_schema().names()]
    if not names:
        return
    ends = {
        f"{end}{name}": getattr(nw.col(name), end)() for name in names for end in ("min", "max")
    }
    by_patient = tumours.group_by("patient_id").agg(**ends)
    differ = {
        name: (nw.col(f"min{name}") != nw.col(f"max{name}")).fill_null(False).cast(nw.Int64).sum()
        for name in names
    }
    counts = engine.collect(by_patient.select(**differ)).to_pylist()[0]
    for name in names:
        if n := int(counts[name] or 0):
            advice = (
                "The rows of these patients contradict each other: that of the tumour that stands "
                "for the patient is taken. Ask the data's owner."
            )
            yield Finding("warning", source, name, "", "rows_contradict", n, advice)


def _not_used(
    ranked: LazyTable, chosen: LazyTable, engine: Engine, source: str, repeated: int
) -> Iterator[Finding]:
    """Tumours that stand for no patient, by the first thing in which they come after."""
    index = chosen.select(
        "patient_id", **{f"!{name}": nw.col(f"?{name}") for name in (*_REASONS, "key")}
    )
    beside = ranked.join(index, on="patient_id", how="left").filter(
        nw.col("?key") != nw.col("!key")
    )
    reason: nw.Expr = nw.lit("alike")
    for name in reversed(_REASONS):
        after = nw.col(f"?{name}") > nw.col(f"!{name}")
        reason = nw.when(after).then(nw.lit(name)).otherwise(reason)
    counted = beside.select(reason=reason).group_by("reason").agg(n=nw.len())
    counts = {row["reason"]: int(row["n"]) for row in engine.collect(counted).to_pylist()}
    for name, (_, words) in _REASONS.items():
        if name in counts:
            advice = f"Tumours {words}: not used."
            n = counts[name]
            yield Finding("info", source, "", name, "tumours_not_used", n, advice, "tumour")
    n = counts.get("alike", 0) + repeated
    if n:
        advice = "Tumours alike in site, behaviour, date, sequence and size: the first was taken."
        yield Finding("warning", source, "", "alike", "tumours_not_used", n, advice, "tumour")
