"""Records of Kaplan-Meier curves: medians, follow-up, survival and numbers at risk at times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.left_out import left_out_records
from analyses.results.records import Record, Status
from analyses.results.weighting import weighting_records

if TYPE_CHECKING:
    from analyses.results.curve import Counting
    from analyses.results.survival import KaplanMeier

KIND = "kaplan_meier"
MEDIAN = 0.5
UNDEFINED = "is not defined, as those of the curve are not where it comes down to"


def curve_records(
    result: KaplanMeier,
    analysis: str,
    unit: str | None,
    times: Sequence[float],
    quantiles: Sequence[float] = (),
    counting: Counting = "patients",
) -> Iterator[Record]:
    """The records of one result; those of survivors to a time say in `level` which time."""
    if result.given is None:
        yield from left_out_records(analysis, KIND, result.n, result.n_input, result.n_missing)
        yield from weighting_records(result.weighting, analysis, KIND)
    else:
        level = given_level(result.given)
        yield Record(analysis, KIND, "followed_past", level=level, n=result.n)
    yield from _medians(result, analysis, unit)
    for share in quantiles:
        if share != MEDIAN:
            yield from _quantile(result, analysis, unit, share)
    if len(times):
        yield from _milestones(result, analysis, times)
        if counting == "weights":
            yield from _weights_at_risk(result, analysis, times)


def given_level(given: float | None) -> str | None:
    """How records tell the curves of survivors to a time from those of everybody."""
    return None if given is None else f"given={given:.12g}"


def _medians(result: KaplanMeier, analysis: str, unit: str | None) -> Iterator[Record]:
    """Medians of the event and of follow-up."""
    level = given_level(result.given)
    tables = {"median": result.medians, "median_follow_up": result.follow_up}
    for quantity, table in tables.items():
        for row in table.to_dict("records"):
            values = _time_values(row, unit, "one half")
            yield Record(analysis, KIND, quantity, level=level, **values)


def _quantile(
    result: KaplanMeier, analysis: str, unit: str | None, share: float
) -> Iterator[Record]:
    """The time by which the share has had the event; `level` holds the share."""
    level = quantile_level(share, result.given)
    for row in result.quantiles(share).drop(columns="probability").to_dict("records"):
        values = _time_values(row, unit, f"{1 - share:.12g}")
        yield Record(analysis, KIND, "quantile", level=level, **values)


def quantile_level(share: float, given: float | None) -> str:
    """How records tell a quantile: ``0.25``, or ``0.25, given=12`` of survivors to a time."""
    return ", ".join(part for part in (f"{share:.12g}", given_level(given)) if part is not None)


def _time_values(row: dict[Any, Any], unit: str | None, height: str) -> dict[str, Any]:
    """What a record holds of the time at which a curve comes down to a height."""
    known = not np.isnan(row["estimate"])
    status: Status = "ok" if known else "not_reached"
    open_end = (np.isnan(row["conf_low"]), np.isnan(row["conf_high"]))
    why = f"{UNDEFINED} {height}" if all(open_end) else "is not reached"
    reason = open_limits(row, why) if known else f"the curve does not come down to {height}"
    return finite(row) | {"unit": unit, "status": status, "reason": reason}


def _weights_at_risk(
    result: KaplanMeier, analysis: str, times: Sequence[float]
) -> Iterator[Record]:
    """What those at risk at the times weigh."""
    level = given_level(result.given)
    sizes = {curve.group: curve for curve in result.curves}
    for row in result.risk_table(times, "weights").to_dict("records"):
        curve = sizes[row["group"]]
        before = row["time"] < curve.origin
        yield Record(
            analysis,
            KIND,
            "weights_at_risk",
            group=row["group"],
            level=level,
            time=row["time"],
            n=curve.n,
            estimate=None if before else row["n_risk"],
            status="not_estimable" if before else "ok",
            reason=starts_at(curve.origin) if before else None,
        )


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
