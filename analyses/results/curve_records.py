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
            reason = open_limits(row, "is not reached") if known else unreached
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
            ended = f"the curve starts at {curve.origin:.12g}"
        undefined = f"is not defined for {result.conf_type} limits at this estimate"
        reason = open_limits(row, undefined) if known else ended
        status: Status = "ok" if known else "not_estimable"
        values = finite(row) | {"n": curve.n, "status": status, "reason": reason}
        quantity = "survival" if level is None else "conditional_survival"
        yield Record(analysis, KIND, quantity, level=level, **values)
    for row in result.risk_table(times).to_dict("records"):
        n = sizes[row["group"]].n
        yield Record(analysis, KIND, "at_risk", level=level, n=n, **finite(row))


def open_limits(row: Mapping[Any, Any], why: str) -> str | None:
    """Why a defined estimate lacks one of its limits; None where it has both."""
    sides = {"lower": row["conf_low"], "upper": row["conf_high"]}
    absent = [side for side, value in sides.items() if not np.isfinite(value)]
    if len(absent) == 2:
        return f"its limits: each {why}"
    return f"the {absent[0]} limit {why}" if absent else None


def finite(row: dict[Any, Any]) -> dict[str, Any]:
    """A table's row with None where a number is not defined."""
    return {
        str(key): None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in row.items()
    }
