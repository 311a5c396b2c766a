"""Records of Kaplan-Meier curves: medians, follow-up, survival and numbers at risk at times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.left_out import left_out_records
from analyses.results.records import Record, Status

if TYPE_CHECKING:
    from analyses.results.survival import KaplanMeier

KIND = "kaplan_meier"
UNDEFINED = "is not defined, as those of the curve are not where it comes down to one half"


def curve_records(
    result: KaplanMeier, analysis: str, unit: str | None, times: Sequence[float]
) -> Iterator[Record]:
    """The records of one result; those of survivors to a time say in `level` which time."""
    if result.given is None:
        yield from left_out_records(analysis, KIND, result.n, result.n_input, result.n_missing)
    else:
        level = given_level(result.given)
        yield Record(analysis, KIND, "followed_past", level=level, n=result.n)
    yield from _quantiles(result, analysis, unit)
    if len(times):
        yield from _milestones(result, analysis, times)


def given_level(given: float | None) -> str | None:
    """How records tell the curves of survivors to a time from those of everybody."""
    return None if given is None else f"given={given:.12g}"


def _quantiles(result: KaplanMeier, analysis: str, unit: str | None) -> Iterator[Record]:
    """Medians of the event and of follow-up."""
    tables = {"median": result.medians, "median_follow_up": result.follow_up}
    for quantity, table in tables.items():
        for row in table.to_dict("records"):
            known = not np.isnan(row["estimate"])
            status: Status = "ok" if known else "not_reached"
            unreached = "the curve does not come down to one half"
            open_end = (np.isnan(row["conf_low"]), np.isnan(row["conf_high"]))
            why = UNDEFINED if all(open_end) else "is not reached"
            reason = open_limits(row, why) if known else unreached
            values = finite(row) | {"unit": unit, "status": status, "reason": reason}
            yield Record(analysis, KIND, quantity, level=given_level(result.given), **values)


def _milestones(result: KaplanMeier, analysis: str, times: Sequence[float]) -> Iterator[Record]:
    """Survival and numbers at risk at the times."""
    sizes = {curve.group: curve for curve in result.curves}
    level = given_level(result.given)
    for row in result.at(times).to_dict("records"):
        curve = sizes[row["group"]]
        known = not np.isnan(row["estimate"])
        ended = f"follow-up of the group ends at {curve.last_time:.12g}"
        if row["time"] < curve.origin:
            ended = starts_at(curve.origin)
        undefined = f"is not defined for {result.conf_type} limits at this estimate"
        reason = open_limits(row, undefined) if known else ended
        status: Status = "ok" if known else "not_estimable"
        values = finite(row) | {"n": curve.n, "status": status, "reason": reason}
        quantity = "survival" if level is None else "conditional_survival"
        yield Record(analysis, KIND, quantity, level=level, **values)
    for row in result.risk_table(times).to_dict("records"):
        curve = sizes[row["group"]]
        counts: dict[str, Any] = finite(row) | {"n": curve.n}
        if row["time"] < curve.origin:
            counts |= {"status": "not_estimable", "reason": starts_at(curve.origin)}
        yield Record(analysis, KIND, "at_risk", level=level, **counts)


def starts_at(origin: float) -> str:
    """Why there is nothing before the origin."""
    return f"the curve starts at {origin:.12g}"


def open_limits(row: Mapping[Any, Any], why: str) -> str | None:
    """Why a defined estimate lacks one of its limits; None where it has both."""
    sides = {"lower": row["conf_low"], "upper": row["conf_high"]}
    absent = [side for side, value in sides.items() if not np.isfinite(value)]
    if len(absent) == 2:
        return f"its limits: each {why}"
    return f"the {absent[0]} limit {why}" if absent else None


def finite(row: dict[Any, Any]) -> dict[str, Any]:
    """A table's row with None where a number is not defined."""
    return {str(key): value if _defined(value) else None for key, value in row.items()}


def _defined(value: Any) -> bool:
    import pandas as pd

    return not (isinstance(value, float) and not np.isfinite(value)) and value is not pd.NA
