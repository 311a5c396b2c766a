"""Records of cumulative incidence: events by cause, shares at times, differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.curve_records import finite, open_limits
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, Status
from analyses.results.weighting import weighting_records

if TYPE_CHECKING:
    from analyses.results.cumulative_incidence import CumulativeIncidence

KIND = "cumulative_incidence"


def incidence_records(
    result: CumulativeIncidence,
    analysis: str,
    times: Sequence[float],
    reference: str | None,
) -> Iterator[Record]:
    """The records of one result."""
    yield from left_out_records(analysis, KIND, result.n, result.n_input, result.n_missing)
    yield from weighting_records(result.weighting, analysis, KIND)
    for curve in result.curves:
        for cause, events in zip(result.causes, curve.n_event, strict=True):
            yield Record(
                analysis, KIND, "events", group=curve.group, level=cause, n=curve.n, n_event=events
            )
    if not len(times):
        return
    sizes = {curve.group: curve for curve in result.curves}
    for row in result.at(times).to_dict("records"):
        curve = sizes[row["group"]]
        known = not np.isnan(row["estimate"])
        undefined = f"is not defined for {result.conf_type} limits at this estimate"
        ended = f"follow-up of the group ends at {curve.last_time:.12g}"
        status: Status = "ok" if known else "not_estimable"
        values: dict[str, Any] = finite(row) | {"n": curve.n, "status": status}
        reason = open_limits(row, undefined) if known else ended
        yield Record(analysis, KIND, **values, reason=reason)
    if len(result.curves) > 1:
        for one in result.contrasts(times, reference):
            yield replace(one.contrast.record(analysis, KIND), level=one.cause)
