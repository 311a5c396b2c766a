"""The hormone-receptor status of patients and specimens, from ER and PR."""

from __future__ import annotations

from typing import Any

import narwhals as nw

LOWEST, HIGHEST_LOW = 1, 10  # per cent of cells: below negative, up to and including these low


def with_receptors(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The table with `hr_status` and `er_group`, where it has what they are made of."""
    return _with_er_group(_with_hr_status(table))


def _with_hr_status(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """`hr_status` where the table has both receptors and no such column.

    Positive where either is positive, negative where both are negative, else missing.
    """
    names = table.collect_schema().names()
    if not {"er_status", "pr_status"} <= set(names) or "hr_status" in names:
        return table
    er, pr = nw.col("er_status"), nw.col("pr_status")
    either = (er == "positive").fill_null(False) | (pr == "positive").fill_null(False)
    neither = ((er == "negative") & (pr == "negative")).fill_null(False)
    negative = nw.when(neither).then(nw.lit("negative")).otherwise(nw.lit(None))
    return table.with_columns(
        hr_status=nw.when(either).then(nw.lit("positive")).otherwise(negative)
    )


def _with_er_group(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """`er_group` where the table has the share of cells stained.

    By that share; without it negative where ER is, and missing where ER is positive, since it
    may be low.
    """
    names = table.collect_schema().names()
    if "er_percent" not in names:
        return table
    percent = nw.col("er_percent")
    group = nw.lit(None)
    if "er_status" in names:
        negative = (nw.col("er_status") == "negative").fill_null(False)
        group = nw.when(negative).then(nw.lit("negative")).otherwise(nw.lit(None))
    for holds, level in (
        (percent > HIGHEST_LOW, "positive"),
        ((percent >= LOWEST) & (percent <= HIGHEST_LOW), "low"),
        (percent < LOWEST, "negative"),
    ):
        group = nw.when(holds.fill_null(False)).then(nw.lit(level)).otherwise(group)
    return table.with_columns(er_group=group.cast(nw.String))
