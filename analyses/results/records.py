"""One record a number: the long tidy table that every printed number can be found in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np

Status = Literal["ok", "not_reached", "not_estimable", "redacted", "failed"]


@dataclass(frozen=True, slots=True)
class Record:
    """A number with its limits, its place in the analysis and its state.

    Estimate, standard error and limits are on one scale; a log hazard ratio and a hazard
    ratio are two records. What is not defined is None with a `reason`, never NaN. Times are in
    `unit` where `quantity` is a time, else `unit` names the unit of the estimate.
    """

    analysis: str
    kind: str
    quantity: str
    group: str | None = None
    term: str | None = None
    level: str | None = None
    reference: str | None = None
    time: float | None = None
    n: int | None = None
    n_event: int | None = None
    n_risk: float | None = None
    n_censor: float | None = None
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    unit: str | None = None
    status: Status = "ok"
    reason: str | None = None

    @property
    def id(self) -> str:
        """Stable name: analysis, quantity and the parts that tell it from its neighbours."""
        parts = (self.quantity, self.group, self.term, self.level, self.reference)
        named = [self.analysis, *(str(part) for part in parts if part is not None)]
        if self.time is not None:
            named.append(f"t={self.time:.12g}")
        return "/".join(named)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, the id first."""
        return {"id": self.id} | {key: _plain(value) for key, value in asdict(self).items()}


_COUNTS = ("n", "n_event", "n_risk", "n_censor")
COLUMNS = ("id", *(f.name for f in fields(Record)))


def _plain(value: Any) -> Any:
    """NumPy scalars as Python's, numbers at 12 significant digits, not-finite as None."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.12g}") if np.isfinite(value) else None
    return value


def _lacking(record: Record) -> str | None:
    """What a record must not lack without a reason, or None: a count alone is whole."""
    numbers = (*_COUNTS, "estimate", "statistic", "p_value")
    if all(getattr(record, name) is None for name in numbers):
        return "a number"
    spread = (record.std_error, record.conf_low, record.conf_high)
    if record.estimate is None and any(value is not None for value in spread):
        return "the estimate of its standard error or limits"
    if record.statistic is not None and record.estimate is None and record.p_value is None:
        return "the p-value of its statistic"
    return None


def checked(records: Iterable[Record]) -> tuple[Record, ...]:
    """The records, refused if one id stands twice or an undefined number lacks a reason.

    Without a reason a record holds a count, an estimate, a statistic or a p-value; a standard
    error or limits stand beside their estimate, a statistic beside an estimate or a p-value.
    """
    result = tuple(records)
    seen: set[str] = set()
    for record in result:
        if record.id in seen:
            raise ValueError(f"two records share the id {record.id!r}")
        seen.add(record.id)
        undefined = any(
            isinstance(value, float | np.floating) and not np.isfinite(value)
            for value in (getattr(record, name) for name in COLUMNS[1:])
        )
        if undefined:
            raise ValueError(f"record {record.id!r} holds a number that is not finite")
        if record.status != "ok" and not record.reason:
            raise ValueError(f"record {record.id!r} is {record.status} without a reason")
        lacking = None if record.reason else _lacking(record)
        if lacking:
            raise ValueError(f"record {record.id!r} lacks {lacking}, without a reason")
    return result
