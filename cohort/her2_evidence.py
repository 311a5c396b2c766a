"""The HER2 evidence of each row in the words of the rule tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from cohort import her2_rules
from cohort.her2_cuts import MISSING, class_of
from cohort.her2_rules import STAIN_KEYS
from cohort.table import Engine

LazyTable = nw.LazyFrame[Any]

EVIDENCE = (
    *("k_ihc", "k_recorded", "k_label", "k_first", "k_second", "k_reported", "k_other"),
    *("k_ratio", "k_copies", "k_single", "k_number", "k_timing", "k_assay"),
    *("stain_rule", "k_zero", "k_zero_said", "k_stain_conflict"),
)
NUMBERS = {"ratio": "her2_ratio", "copies": "her2_copies", "single": "her2_copies_single"}
STAINING = ("her2_stain_percent", "her2_stain_intensity", "her2_stain_completeness")
_ULTRALOW_UP_TO = 10.0  # per cent of cells
_LARGEST = 1e6  # far beyond any count of signals, and short of infinity


def with_evidence(
    frame: LazyTable, engine: Engine, *, edition: int, chosen: Mapping[str, str], assay: str
) -> LazyTable:
    """The rows with the words that the rules look at (`EVIDENCE`), none of them missing."""
    numbers = her2_rules.number_classes(edition, chosen)
    given = {key: stem for key, stem in NUMBERS.items() if _has(frame, *_interval(stem))}
    bounds = {key: _bounds(frame, stem) for key, stem in given.items()}
    known = [~bound.is_null() for three in bounds.values() for bound in three]
    classed = {f"k_{key}": class_of(*bounds[key], numbers[key]) for key in given}
    keyed = frame.with_columns(
        **({f"k_{key}": nw.lit(MISSING) for key in NUMBERS} | classed),
        k_number=nw.any_horizontal(*known, ignore_nulls=False) if known else nw.lit(False),
        k_label=_text(frame, "her2_ihc_reported"),
        k_reported=_text(frame, "her2_reported"),
        k_first=_text(frame, "her2_ish"),
        k_second=_text(frame, "her2_ish_second"),
        k_other=_text(frame, "her2_other_reported"),
        k_timing=_text(frame, "specimen_timing"),
        k_assay=nw.lit(assay if assay in her2_rules.KEYS["assay"] else MISSING),
        k_recorded=_recorded_score(frame),
    )
    scored = _with_score(keyed, frame, engine, edition, chosen["E14"] == "restain")
    return _with_zero_kind(scored, frame)


def _has(frame: LazyTable, *names: str) -> bool:
    """Whether the source gives any of these columns."""
    return not set(names).isdisjoint(frame.collect_schema().names())


def _interval(stem: str) -> tuple[str, str, str]:
    return stem, f"{stem}_low", f"{stem}_high"


def _column(frame: LazyTable, name: str, kind: Any) -> nw.Expr:
    """The column, or nulls of its type where the source has none."""
    if name in frame.collect_schema().names():
        return nw.col(name)
    return nw.lit(None).cast(kind)


def _number(frame: LazyTable, name: str) -> nw.Expr:
    return possible(name, _column(frame, name, nw.Float64))


def possible(name: str, value: nw.Expr) -> nw.Expr:
    """The number, or null where a ratio, a count or a percentage cannot be so.

    Not-a-number and infinity, which compare as the largest of all, are no evidence either.
    """
    largest = 100.0 if name == "her2_stain_percent" else _LARGEST
    can_be = ((value >= 0) & (value <= largest)).fill_null(False)
    return nw.when(can_be).then(value).otherwise(nw.lit(None))


def impossible(name: str) -> nw.Expr:
    """Where the column holds a number that cannot be; not-a-number is missing, and not told."""
    value = nw.col(name)
    is_number = (~value.is_nan()).fill_null(False)
    return is_number & possible(name, value).is_null()


def _bounds(frame: LazyTable, stem: str) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    """A number and the bounds of the interval it may be known as instead."""
    value, low, high = (_number(frame, name) for name in _interval(stem))
    return value, low, high


def _text(frame: LazyTable, name: str) -> nw.Expr:
    return _column(frame, name, nw.String).fill_null(MISSING)


def _recorded_score(frame: LazyTable) -> nw.Expr:
    """The score as recorded; a text that is no certain score is `uncertain`."""
    uncertain = ~_column(frame, "her2_ihc_text", nw.String).is_null()
    otherwise = nw.when(uncertain).then(nw.lit("uncertain")).otherwise(nw.lit(MISSING))
    return nw.coalesce(_column(frame, "her2_ihc", nw.String), otherwise)


def _with_score(
    keyed: LazyTable, frame: LazyTable, engine: Engine, edition: int, restain: bool
) -> LazyTable:
    """The score in force (`k_ihc`): recorded, or read from the staining where that is asked for."""
    if not restain:
        return keyed.with_columns(k_ihc=nw.col("k_recorded"), stain_rule=nw.lit(MISSING))
    percent = _number(frame, "her2_stain_percent")
    patterned = keyed.with_columns(
        k_intensity=_text(frame, "her2_stain_intensity"),
        k_completeness=_text(frame, "her2_stain_completeness"),
        k_percent=class_of(percent, percent, percent, her2_rules.stain_classes(edition)["percent"]),
    )
    table = engine.register("her2_staining", her2_rules.stain_table(edition))
    joined = patterned.join(table, on=[f"k_{key}" for key in STAIN_KEYS], how="left")
    return joined.with_columns(
        k_ihc=nw.coalesce(nw.col("stain_ihc"), nw.col("k_recorded")),
        stain_rule=nw.col("stain_rule").fill_null(MISSING),
    )


def _with_zero_kind(scored: LazyTable, frame: LazyTable) -> LazyTable:
    """Null or ultralow within IHC 0 (`k_zero`), and whether the staining speaks against 0."""
    if not _has(frame, "her2_zero_kind", *STAINING):
        return scored.with_columns(
            k_zero=nw.lit(MISSING), k_zero_said=nw.lit(False), k_stain_conflict=nw.lit(False)
        )
    conflict = scored.with_columns(
        k_stain_conflict=_stain_conflict(frame),
        k_zero_said=~_column(frame, "her2_zero_kind", nw.String).is_null(),
    )
    return conflict.with_columns(k_zero=_zero_kind(frame))


def _zero_kind(frame: LazyTable) -> nw.Expr:
    """Null or ultralow within IHC 0, where a column tells and none contradicts; else missing."""
    said = _column(frame, "her2_zero_kind", nw.String)
    percent = _number(frame, "her2_stain_percent")
    by_stain = (
        nw.when(percent == 0)
        .then(nw.lit("null"))
        .when((percent > 0) & (percent <= _ULTRALOW_UP_TO))
        .then(nw.lit("ultralow"))
        .otherwise(nw.lit(MISSING))
    )
    told = nw.coalesce(said, by_stain)
    return nw.when(nw.col("k_stain_conflict")).then(nw.lit(MISSING)).otherwise(told)


def _stain_conflict(frame: LazyTable) -> nw.Expr:
    """True where the staining is none that IHC 0 may have, or contradicts what is said of it."""
    said = _text(frame, "her2_zero_kind")
    percent = _number(frame, "her2_stain_percent")
    intensity = _text(frame, "her2_stain_intensity")
    completeness = _text(frame, "her2_stain_completeness")
    some = (percent > 0).fill_null(False)
    without = (percent == 0).fill_null(False)
    stained = intensity.is_in(["faint", "weak", "moderate", "intense"]) | completeness.is_in(
        ["incomplete", "complete"]
    )
    return (
        (percent > _ULTRALOW_UP_TO).fill_null(False)
        | intensity.is_in(["weak", "moderate", "intense"])
        | (completeness == "complete")
        | (some & ((said == "null") | (intensity == "none") | (completeness == "none")))
        | (without & ((said == "ultralow") | stained))
        | ((said == "null") & stained)
        | ((said == "ultralow") & ((intensity == "none") | (completeness == "none")))
    )
