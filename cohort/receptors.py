"""The hormone-receptor status of patients and specimens, from ER and PR."""

from __future__ import annotations

from typing import Any

import narwhals as nw


def with_hr_status(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The table with `hr_status` where it has both receptors and no such column.

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
