"""The in-situ result that HER2 classification rests on, and the evidence that gave it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from cohort import her2_rules
from cohort.her2_cuts import MISSING
from cohort.table import Engine

LazyTable = nw.LazyFrame[Any]
# Whether it holds, the result that it gives, the evidence that is named.
Step = tuple[nw.Expr, nw.Expr, nw.Expr]

RECOUNT = "recount_assumed"  # the flag of rows that rest on the guideline's blinded recount


def with_ish(
    frame: LazyTable, engine: Engine, *, edition: int, chosen: Mapping[str, str]
) -> LazyTable:
    """The in-situ result (`k_ish`), the evidence it rests on (`ish_rule`) and its flags."""
    dual = engine.register("her2_dual", her2_rules.dual_table(edition, chosen))
    single = engine.register("her2_single", her2_rules.single_table(edition, chosen))
    joined = frame.join(dual, on=["k_ratio", "k_copies", "k_ihc"], how="left").join(
        single, on=["k_single", "k_ihc"], how="left"
    )
    result, rule = nw.lit(MISSING), nw.lit("none")
    for condition, value, evidence in reversed(_steps(chosen)):
        result = nw.when(condition).then(value).otherwise(result)
        rule = nw.when(condition).then(evidence).otherwise(rule)
    resolved = joined.with_columns(k_ish=result, ish_rule=rule)
    return resolved.with_columns(
        ish_flags=_row_flags(),
        ish_conflict=_conflict_flag(),
        ish_policy=_policy_flag(chosen),
        ish_reread=_reread_flag(),
    )


def _steps(chosen: Mapping[str, str]) -> list[Step]:
    """The evidence by authority: the first step whose condition holds decides.

    Ratio and signals both known give the guideline's group; else a report decides; else a
    single-probe count, the summary beside numbers, and what partial numbers leave open. Two
    methods that conflict are decided by the policy of edge case E18.
    """
    dual_result, dual_rule = nw.col("dual_result"), nw.col("dual_rule")
    single_result, single_rule = nw.col("single_result"), nw.col("single_rule")
    whole = (nw.col("dual_probe") == "dual").fill_null(False)
    dual, single = _is_either("dual_result"), _is_either("single_result")
    first, second = _is_either("k_first"), _is_either("k_second")
    reports_conflict = first & second & _differ("k_first", "k_second")
    report = nw.when(first).then(nw.col("k_first")).otherwise(nw.col("k_second"))
    against_single = (first & _differ("k_first", "single_result")) | (
        second & _differ("k_second", "single_result")
    )
    summary = nw.col("k_number") & ~nw.col("k_reported").is_in([MISSING, "equivocal"])
    equivocal = (nw.col("k_first") == "equivocal") | (nw.col("k_second") == "equivocal")
    # A ratio that only a policy lets decide is no method that could conflict with another.
    alone = (nw.col("dual_probe") == "ratio_alone").fill_null(False)
    steps = [
        (
            dual & ~alone & single & _differ("dual_result", "single_result"),
            _of_conflict(chosen, dual_result),
            nw.lit("numbers_conflict"),
        ),
        (whole, dual_result, dual_rule),
        (reports_conflict, _of_conflict(chosen, nw.col("k_first")), nw.lit("reports_conflict")),
        (
            single & against_single,
            # Only the first report can be of a dual probe.
            _of_conflict(
                chosen, nw.when(first).then(nw.col("k_first")).otherwise(nw.lit("positive"))
            ),
            nw.lit("methods_conflict"),
        ),
        (first | second, report, nw.lit("reported")),
        (single, single_result, single_rule),
        (summary, _summary_result(), nw.lit("summary")),
        (~dual_rule.is_null(), dual_result, dual_rule),
        (~single_rule.is_null(), single_result, single_rule),
        (equivocal, nw.lit("equivocal"), nw.lit("reported")),
        (nw.col("k_number"), nw.lit("unresolved"), nw.lit("interval")),
    ]
    if chosen["R1"] == "reported_decides":
        recounted = whole & _needs_recount() & (first | second) & ~reports_conflict
        steps.insert(1, (recounted, report, nw.lit("recount_reported")))
    return steps


def _of_conflict(chosen: Mapping[str, str], of_dual_probe: nw.Expr) -> nw.Expr:
    """The result of two methods that conflict, by the policy of edge case E18."""
    if chosen["E18"] == "dual_probe_decides":
        return of_dual_probe
    return nw.lit("positive" if chosen["E18"] == "positive" else "unresolved")


def _summary_result() -> nw.Expr:
    positive = nw.col("k_reported") == "positive"
    return nw.when(positive).then(nw.lit("positive")).otherwise(nw.lit("negative"))


def _needs_recount() -> nw.Expr:
    """True where the row of the dual table rests on a recount."""
    return nw.col("dual_flags").str.contains(RECOUNT, literal=True).fill_null(False)


def _is_either(name: str) -> nw.Expr:
    """True where the column is a decided result."""
    return nw.col(name).is_in(["positive", "negative"]).fill_null(False)


def _differ(a: str, b: str) -> nw.Expr:
    return (nw.col(a) != nw.col(b)).fill_null(False)


def _row_flags() -> nw.Expr:
    """Flags of the in-situ row that was used; none where a report decided."""
    used = nw.col("ish_rule")
    return (
        nw.when((used == nw.col("dual_rule")).fill_null(False))
        .then(nw.col("dual_flags"))
        .when(used == "recount_reported")
        .then(nw.lit("ish_group_2_3_4"))
        .when((used == "summary") & (nw.col("k_reported") == "negative_or_equivocal"))
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


def _policy_flag(chosen: Mapping[str, str]) -> nw.Expr:
    """``by_policy`` where the in-situ result comes from a policy that is no default."""
    used = nw.col("ish_rule")
    alone = (nw.col("dual_probe") == "ratio_alone") & (used == nw.col("dual_rule"))
    by_policy = alone.fill_null(False) | (used == "recount_reported")
    if chosen["E18"] != "positive":
        by_policy = by_policy | used.str.ends_with("_conflict")
    # A score of 3+ is positive whatever the in-situ result.
    applies = by_policy & (nw.col("k_ihc") != "3+")
    return nw.when(applies).then(nw.lit("by_policy")).otherwise(nw.lit(None))


def _reread_flag() -> nw.Expr:
    """Flag of a reported equivocal result that numbers have decided (edge case E2)."""
    equivocal = (nw.col("k_first") == "equivocal") | (nw.col("k_second") == "equivocal")
    by_numbers = ~nw.col("ish_rule").is_in(["reported", "recount_reported", "summary"])
    reread = equivocal & by_numbers & _is_either("k_ish")
    return nw.when(reread).then(nw.lit("equivocal_reread")).otherwise(nw.lit(None))
