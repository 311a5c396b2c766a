"""The in-situ result that HER2 classification rests on, and the evidence that gave it."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from cohort import her2_rules
from cohort.her2_rules import MISSING
from cohort.table import Engine

LazyTable = nw.LazyFrame[Any]


def _column(frame: LazyTable, name: str, kind: Any) -> nw.Expr:
    """The column, or nulls of its type where the source has none."""
    if name in frame.collect_schema().names():
        return nw.col(name)
    return nw.lit(None).cast(kind)


def _number(frame: LazyTable, name: str) -> nw.Expr:
    """The number, or null: not-a-number, which compares as the largest of all, is no evidence."""
    value = _column(frame, name, nw.Float64)
    return nw.when(value.is_nan().fill_null(True)).then(nw.lit(None)).otherwise(value)


def _text_key(frame: LazyTable, name: str) -> nw.Expr:
    return _column(frame, name, nw.String).fill_null(MISSING)


def _cut(frame: LazyTable, stem: str, cuts: tuple[tuple[float, str], ...], lowest: str) -> nw.Expr:
    """Class of a number or interval by descending cuts; an interval across a cut is missing.

    `<stem>_low` and `<stem>_high` bound the value; the upper bound of an interval is exclusive.
    """
    value, low, high = (_number(frame, name) for name in (stem, f"{stem}_low", f"{stem}_high"))
    low, high = nw.coalesce(low, value), nw.coalesce(high, value)
    expression = nw.lit(MISSING)
    below = float("inf")
    levels = [*cuts, (float("-inf"), lowest)]
    for cut, name in levels:
        above = (low >= cut).fill_null(False) if cut > float("-inf") else nw.lit(True)
        under = (
            ((value < below) | (value.is_null() & (high <= below))).fill_null(False)
            if below < float("inf")
            else nw.lit(True)
        )
        expression = nw.when(above & under).then(nw.lit(name)).otherwise(expression)
        below = cut
    return expression


def with_keys(frame: LazyTable) -> LazyTable:
    """The evidence as the words of the rule tables."""
    signals = ((6.0, "ge6"), (4.0, "ge4_lt6"))
    return frame.with_columns(
        k_ihc=_text_key(frame, "her2_ihc"),
        k_label=_text_key(frame, "her2_ihc_reported"),
        k_reported=_text_key(frame, "her2_reported"),
        k_ratio=_cut(frame, "her2_ratio", ((2.0, "ge2"),), "lt2"),
        k_copies=_cut(frame, "her2_copies", signals, "lt4"),
        k_single=_cut(frame, "her2_copies_single", signals, "lt4"),
        k_first=_text_key(frame, "her2_ish"),
        k_second=_text_key(frame, "her2_ish_second"),
    )


def with_ish(frame: LazyTable, engine: Engine, edition: int) -> LazyTable:
    """The in-situ result (`k_ish`), the evidence it rests on and its flags."""
    dual = her2_rules.ish_table(edition, ("dual", "partial"), ("ratio", "copies", "ihc"))
    single = her2_rules.ish_table(edition, ("single",), ("copies", "ihc"))
    dual = dual.rename_columns(
        {"ish_rule": "dual_rule", "result": "dual_result", "flags": "dual_flags"}
    )
    single = single.drop_columns("flags").rename_columns(
        {"k_copies": "k_single", "ish_rule": "single_rule", "result": "single_result"}
    )
    joined = frame.join(
        engine.register("her2_dual", dual), on=["k_ratio", "k_copies", "k_ihc"], how="left"
    ).join(engine.register("her2_single", single), on=["k_single", "k_ihc"], how="left")
    result, rule = nw.lit(MISSING), nw.lit("none")
    for condition, value, evidence in reversed(_evidence()):
        result = nw.when(condition).then(value).otherwise(result)
        rule = nw.when(condition).then(evidence).otherwise(rule)
    resolved = joined.with_columns(k_ish=result, ish_rule=rule)
    return resolved.with_columns(ish_flags=_ish_flags(), ish_conflict=_conflict_flag())


def _evidence() -> list[tuple[nw.Expr, nw.Expr, nw.Expr]]:
    """(condition, result, evidence) by authority: the first whose condition holds decides.

    Ratio and signals both known give the guideline's group; else a report decides; else a
    single-probe count, the summary beside numbers, and what partial numbers leave open. Two
    methods that conflict make the tumour positive (edge case E18).
    """
    dual_result, single_result = nw.col("dual_result"), nw.col("single_result")
    dual_rule, single_rule = nw.col("dual_rule"), nw.col("single_rule")
    whole = dual_rule.str.starts_with("D").fill_null(False)
    dual, single = _is_either("dual_result"), _is_either("single_result")
    first, second = _is_either("k_first"), _is_either("k_second")
    numbers_conflict = dual & single & _differ("dual_result", "single_result")
    reports_conflict = first & second & _differ("k_first", "k_second")
    against_single = (first & _differ("k_first", "single_result")) | (
        second & _differ("k_second", "single_result")
    )
    some_number = ~(dual_rule.is_null() & single_rule.is_null())
    summary = some_number & ~nw.col("k_reported").is_in([MISSING, "equivocal"])
    summary_positive = nw.col("k_reported") == "positive"
    summary_result = (
        nw.when(summary_positive).then(nw.lit("positive")).otherwise(nw.lit("negative"))
    )
    equivocal = (nw.col("k_first") == "equivocal") | (nw.col("k_second") == "equivocal")
    positive, reported = nw.lit("positive"), nw.lit("reported")
    return [
        (numbers_conflict, positive, nw.lit("numbers_conflict")),
        (whole, dual_result, dual_rule),
        (reports_conflict, positive, nw.lit("reports_conflict")),
        (single & against_single, positive, nw.lit("methods_conflict")),
        (first, nw.col("k_first"), reported),
        (second, nw.col("k_second"), reported),
        (single, single_result, single_rule),
        (summary, summary_result, nw.lit("summary")),
        (~dual_rule.is_null(), dual_result, dual_rule),
        (~single_rule.is_null(), single_result, single_rule),
        (equivocal, nw.lit("equivocal"), reported),
    ]


def _is_either(name: str) -> nw.Expr:
    """True where the column is a decided result."""
    return nw.col(name).is_in(["positive", "negative"]).fill_null(False)


def _differ(a: str, b: str) -> nw.Expr:
    return (nw.col(a) != nw.col(b)).fill_null(False)


def _ish_flags() -> nw.Expr:
    """Flags of the in-situ row that was used; none where a report decided."""
    used = nw.col("ish_rule")
    return (
        nw.when((used == nw.col("dual_rule")).fill_null(False))
        .then(nw.col("dual_flags"))
        .when(
            (used == "summary").fill_null(False) & (nw.col("k_reported") == "negative_or_equivocal")
        )
        .then(nw.lit("summary_negative_or_equivocal"))
        .otherwise(nw.lit(None))
    )


def _conflict_flag() -> nw.Expr:
    """Flag of in-situ methods that conflict, or of evidence against the result that decided."""
    methods = nw.col("ish_rule").str.ends_with("_conflict")
    sources = ("dual_result", "single_result", "k_first", "k_second")
    against = nw.any_horizontal(
        *(_is_either(name) & _differ(name, "k_ish") for name in sources), ignore_nulls=False
    )
    return (
        nw.when(methods)
        .then(nw.lit("discordant_ish_methods"))
        .when(against & _is_either("k_ish"))
        .then(nw.lit("ish_status_conflict"))
        .otherwise(nw.lit(None))
    )
