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


def _text_key(frame: LazyTable, name: str) -> nw.Expr:
    return _column(frame, name, nw.String).fill_null(MISSING)


def _cut(frame: LazyTable, stem: str, cuts: tuple[tuple[float, str], ...], lowest: str) -> nw.Expr:
    """Class of a number or interval by descending cuts; an interval across a cut is missing.

    `<stem>_low` and `<stem>_high` bound the value; the upper bound of an interval is exclusive.
    """
    value = _column(frame, stem, nw.Float64)
    low = _column(frame, f"{stem}_low", nw.Float64)
    high = _column(frame, f"{stem}_high", nw.Float64)
    low = nw.coalesce(low, value)
    high = nw.coalesce(high, value)
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
    single = single.rename_columns(
        {
            "k_copies": "k_single",
            "ish_rule": "single_rule",
            "result": "single_result",
            "flags": "single_flags",
        }
    )
    joined = frame.join(
        engine.register("her2_dual", dual), on=["k_ratio", "k_copies", "k_ihc"], how="left"
    ).join(engine.register("her2_single", single), on=["k_single", "k_ihc"], how="left")
    decided = _is_either
    whole = nw.col("dual_rule").str.starts_with("D").fill_null(False)
    by_dual = whole & decided("dual_result")
    by_single = decided("single_result")
    numbers_conflict = by_dual & by_single & _differ("dual_result", "single_result")
    first, second = decided("k_first"), decided("k_second")
    reports_conflict = first & second & _differ("k_first", "k_second")
    some_number = ~(nw.col("dual_rule").is_null() & nw.col("single_rule").is_null())
    summary = (
        some_number & (nw.col("k_reported") != MISSING) & (nw.col("k_reported") != "equivocal")
    )
    summary_result = (
        nw.when(nw.col("k_reported") == "positive")
        .then(nw.lit("positive"))
        .otherwise(nw.lit("negative"))
    )
    equivocal = (nw.col("k_first") == "equivocal") | (nw.col("k_second") == "equivocal")
    positive, reported = nw.lit("positive"), nw.lit("reported")
    order: list[tuple[nw.Expr, nw.Expr, nw.Expr]] = [
        (numbers_conflict, positive, nw.lit("numbers_conflict")),
        (whole, nw.col("dual_result"), nw.col("dual_rule")),
        (by_single, nw.col("single_result"), nw.col("single_rule")),
        (reports_conflict, positive, nw.lit("reports_conflict")),
        (first, nw.col("k_first"), reported),
        (second, nw.col("k_second"), reported),
        (summary, summary_result, nw.lit("summary")),
        (~nw.col("dual_rule").is_null(), nw.col("dual_result"), nw.col("dual_rule")),
        (~nw.col("single_rule").is_null(), nw.col("single_result"), nw.col("single_rule")),
        (equivocal, nw.lit("equivocal"), reported),
    ]
    result, rule = nw.lit(MISSING), nw.lit("none")
    for condition, value, evidence in reversed(order):
        result = nw.when(condition).then(value).otherwise(result)
        rule = nw.when(condition).then(evidence).otherwise(rule)
    resolved = joined.with_columns(k_ish=result, ish_rule=rule)
    return resolved.with_columns(
        ish_flags=_ish_flags(), ish_conflict=_conflict_flag(numbers_conflict | reports_conflict)
    )


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
        .when((used == nw.col("single_rule")).fill_null(False))
        .then(nw.col("single_flags"))
        .when(
            (used == "summary").fill_null(False) & (nw.col("k_reported") == "negative_or_equivocal")
        )
        .then(nw.lit("summary_negative_or_equivocal"))
        .otherwise(nw.lit(None))
    )


def _conflict_flag(methods: nw.Expr) -> nw.Expr:
    """Flag of in-situ methods that conflict, or of a report against the number-based result."""
    by_number = nw.col("ish_rule").str.contains("^[DS][0-9]")
    against = (_is_either("k_first") & _differ("k_first", "k_ish")) | (
        _is_either("k_second") & _differ("k_second", "k_ish")
    )
    return (
        nw.when(methods)
        .then(nw.lit("discordant_ish_methods"))
        .when(by_number & against & _is_either("k_ish"))
        .then(nw.lit("ish_status_conflict"))
        .otherwise(nw.lit(None))
    )
