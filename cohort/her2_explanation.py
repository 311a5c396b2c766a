"""Why a patient has a HER2 status: the values seen, the rule and the flags in one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import pyarrow as pa

from cohort import her2_rules
from cohort.errors import Problem, SpecError
from cohort.her2 import DEFAULT_EDITION, rule_meanings
from cohort.her2_evidence import possible, with_evidence
from cohort.her2_findings import STAGE
from cohort.her2_policies import NAMED, resolved
from cohort.table import Cohort

_GROUPS = {
    "zero": "HER2-zero",
    "low": "HER2-low",
    "positive": "HER2-positive",
    "negative_unspecified": "HER2-negative, neither zero nor low",
    "unresolved": "HER2 unresolved",
    "unknown": "HER2 unknown",
}
_TEXTS = (  # column, words before its value, words after
    ("her2_ihc", "IHC ", ""),
    ("her2_ihc_text", "a score written '", "'"),
    ("her2_zero_kind", "described as HER2-", ""),
    ("her2_stain_intensity", "staining intensity ", ""),
    ("her2_stain_completeness", "staining completeness ", ""),
    ("her2_ihc_reported", "IHC worded ", ""),
    ("her2_ish", "in-situ result reported ", ""),
    ("her2_ish_second", "second in-situ method reported ", ""),
    ("her2_reported", "summary ", ""),
    ("her2_other_reported", "another method reported ", ""),
    ("specimen_timing", "specimen taken ", ""),
)
_NUMBERS = (
    ("her2_stain_percent", "per cent of cells stained"),
    ("her2_ratio", "dual-probe ratio"),
    ("her2_copies", "dual-probe signals per cell"),
    ("her2_copies_single", "single-probe signals per cell"),
)


def with_explanations(cohort: Cohort) -> Cohort:
    """The cohort with `her2_explanation`, one sentence a patient.

    It names every value of the evidence that was seen, the status with the rule that decided
    and what that rule says, and the flags with their meanings. No patient's key is in it.

    Raises
    ------
    SpecError
        Where the cohort is not classified.
    """
    if not {"her2_status", "her2_rule", "her2_flags"} <= set(cohort.columns):
        advice = "Call classify_her2 first."
        raise SpecError(Problem("her2", "these patients are not classified", advice=advice))
    names = [name for name in cohort.columns if name != "her2_explanation"]
    seen = _restained(cohort).select(*names, _seen(cohort).alias("e_seen"), "e_stain")
    by = ["her2_status", "her2_rule", "her2_flags"]
    reasons = cohort.engine.register("her2_reasons", _reasons(cohort, by))
    joined = seen.join(reasons, on=by, how="left")
    parts = [nw.col(name) for name in ("e_seen", "e_stain", "e_reason")]
    sentence = nw.concat_str(parts, separator="; ", ignore_nulls=True)
    explained = joined.select(*names, sentence.alias("her2_explanation"))
    return replace(cohort, patients=cohort.engine.materialise(explained))


def explain(cohort: Cohort, patient_id: str) -> str:
    """Why this patient has this HER2 status, in one sentence.

    Parameters
    ----------
    cohort
        As `classify_her2` gives it.
    patient_id
        Key of the patient in the source.

    Raises
    ------
    SpecError
        Where there is no such patient, or the cohort is not classified.
    """
    only = cohort.patients.filter(nw.col("patient_id") == patient_id)
    one = with_explanations(replace(cohort, patients=cohort.engine.materialise(only)))
    rows = cohort.engine.collect(one.patients.select("her2_explanation")).to_pylist()
    if not rows:
        advice = "Keys are those of the source, as text."
        raise SpecError(Problem("patient_id", f"no patient '{patient_id}'", advice=advice))
    return str(rows[0]["her2_explanation"])


def _restained(cohort: Cohort) -> nw.LazyFrame[Any]:
    """The patients with the score read from their staining and its rule, in words (`e_stain`)."""
    said = {c.name: c.value for c in cohort.choices if c.stage == STAGE}
    if said.get("E14") != "restain":
        return cohort.patients.with_columns(e_stain=nw.lit(None).cast(nw.String))
    policies = {name: value for name, value in said.items() if name not in ("edition", NAMED)}
    chosen, edition = resolved(None) | policies, int(said["edition"])
    keyed = with_evidence(cohort.patients, cohort.engine, edition=edition, chosen=chosen, assay="")
    words = [
        {
            "stain_rule": row["id"],
            "e_stain": f"score {row['ihc']} read from the staining by rule {row['id']} "
            f"({row['meaning']})",
        }
        for row in her2_rules.read("staining")
    ]
    kinds = pa.schema([("stain_rule", pa.string()), ("e_stain", pa.string())])
    table = cohort.engine.register("her2_stain_words", pa.Table.from_pylist(words, schema=kinds))
    return keyed.join(table, on="stain_rule", how="left").select(*cohort.columns, "e_stain")


def _seen(cohort: Cohort) -> nw.Expr:
    """The values of the evidence in words, joined by commas."""
    have = set(cohort.columns)
    words = [_worded(_text(name), before, after) for name, before, after in _TEXTS if name in have]
    for name, before in _NUMBERS:
        bounds = tuple(f"{name}_{end}" for end in ("low", "high"))
        if name in have:
            words.append(_worded(_number(name), f"{before} ", ""))
        if not have.isdisjoint(bounds):
            there = [bound if bound in have else None for bound in bounds]
            words.append(_interval(before, name if name in have else None, *there))
    if not words:
        return nw.lit("No HER2 evidence")
    said = nw.concat_str(words, separator=", ", ignore_nulls=True)
    listed = nw.concat_str([nw.lit("Seen: "), said])
    return nw.when(said == "").then(nw.lit("No HER2 evidence")).otherwise(listed)


def _text(name: str) -> nw.Expr:
    """A level in words; what the source wrote stays as it is."""
    value = nw.col(name)
    return value if name == "her2_ihc_text" else value.str.replace_all("_", " ", literal=True)


def _worded(value: nw.Expr, before: str, after: str) -> nw.Expr:
    """The value between its words; null where it is missing."""
    return nw.concat_str([nw.lit(before), value, nw.lit(after)])


def _number(name: str) -> nw.Expr:
    """A number as text, whole ones without a decimal; what no count can be is missing."""
    known = possible(name, nw.col(name))
    return known.cast(nw.String).str.replace_all(r"\.0$", "")


def _interval(before: str, value: str | None, low: str | None, high: str | None) -> nw.Expr:
    """The bounds of what is known only as an interval; null where the number itself is known.

    A bound that the source has no column for is not known.
    """
    ends = [(low, "of at least "), (high, "under ")]
    given = [(possible(name, nw.col(name)), name, said) for name, said in ends if name is not None]
    bounds = nw.concat_str(
        [nw.lit(before), *(_worded(_number(name), said, "") for _, name, said in given)],
        separator=" ",
        ignore_nulls=True,
    )
    known = [~number.is_null() for number, _, _ in given]
    some = nw.any_horizontal(*known, ignore_nulls=False)
    if value is not None:
        some = some & possible(value, nw.col(value)).is_null()
    return nw.when(some).then(bounds).otherwise(nw.lit(None))


def _reasons(cohort: Cohort, by: list[str]) -> pa.Table:
    """What status, rule and flags say, for each combination that occurs."""
    edition = next(
        (int(c.value) for c in cohort.choices if c.stage == STAGE and c.name == "edition"),
        DEFAULT_EDITION,
    )
    meanings = dict(rule_meanings(edition))
    flags = {row["flag"]: row["meaning"] for row in her2_rules.read("flag_meanings")}
    found = cohort.engine.collect(cohort.patients.select(by).unique()).to_pylist()
    rows: list[dict[str, Any]] = [
        row | {"e_reason": _reason(row, meanings, flags)} for row in found
    ]
    kinds = [(name, pa.string()) for name in (*by, "e_reason")]
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _reason(row: dict[str, str], meanings: dict[str, str], flags: dict[str, str]) -> str:
    category, _, evidence = row["her2_rule"].partition(".")
    said = [meanings[category], *([meanings[evidence]] if meanings[evidence] else [])]
    text = f"{_GROUPS[row['her2_status']]} by rule {row['her2_rule']} ({'; '.join(said)})"
    raised = [flag for flag in row["her2_flags"].split(";") if flag]
    if raised:
        text += "; flags: " + "; ".join(f"{f} ({flags[f].rstrip('.')})" for f in raised)
    return f"{text}."
