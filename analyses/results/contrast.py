"""A group against a reference: an estimate on one scale with its limits and its test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.kernels.wald import wald
from analyses.results.records import Record, Status


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference, or the logarithm of a ratio, between a group and a reference.

    Attributes
    ----------
    quantity
        What the estimate is: ``rmst_difference``, ``survival_difference`` ...
    estimate, std_error, statistic, p_value, conf_low, conf_high
        On one scale; None with a `reason` where not defined. Where one side has an error of 0
        there is the estimate only.
    time
        The time that the estimate is for.
    n, n_event
        Patients of both groups, and their events up to the time.
    """

    quantity: str
    group: str
    reference: str
    time: float
    n: int
    n_event: int
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    reason: str | None = None

    @property
    def status(self) -> Status:
        """``ok`` where there is an estimate."""
        return "ok" if self.estimate is not None else "not_estimable"

    def record(self, analysis: str, kind: str, unit: str | None = None) -> Record:
        """The contrast as a record."""
        return Record(analysis, kind, unit=unit, status=self.status, **self.values())

    def values(self) -> dict[str, Any]:
        """The fields by name, in the order of the tidy table's columns."""
        return {name: getattr(self, name) for name in _COLUMNS} | {"reason": self.reason}


NO_ERROR = 1e-12  # of the largest that the estimate can be: below it an error is rounding

_COLUMNS = (
    *("quantity", "group", "reference", "time", "n", "n_event", "estimate", "std_error"),
    *("statistic", "p_value", "conf_low", "conf_high"),
)


def contrast(
    quantity: str,
    pair: tuple[str, str],
    *,
    time: float,
    counts: tuple[int, int],
    estimate: float,
    errors: tuple[float, float],
    conf_level: float,
    reason: str = "",
    largest: float = 1.0,
) -> Contrast:
    """The contrast of (group, reference), whose errors are those of the two sides.

    It is tested where both errors are above 0. A side of error 0 (nobody of it had the event yet,
    or all at once) is not known exactly: it holds no estimate of its spread, so that the other
    side's error alone would understate that of the contrast. `reason` says why, where the
    estimate or an error is not finite; `largest` is the most that a side can be.
    """
    place: dict[str, Any] = {"group": pair[0], "reference": pair[1], "time": time}
    place |= {"n": counts[0], "n_event": counts[1]}
    if not np.isfinite(estimate):
        return Contrast(quantity, **place, reason=reason)
    if not np.isfinite(errors).all():
        return Contrast(quantity, **place, estimate=float(estimate), reason=reason)
    without = [g for g, error in zip(pair, errors, strict=True) if error <= NO_ERROR * largest]
    if without:
        said = (
            f"the standard error of group {' and of group '.join(without)} is 0, which is no "
            "certainty: no event up to the time, or all at once"
        )
        return Contrast(quantity, **place, estimate=float(estimate), reason=said)
    std_error = float(np.hypot(*errors))
    test = wald(float(estimate), std_error, conf_level)
    return Contrast(
        quantity,
        **place,
        estimate=float(estimate),
        std_error=std_error,
        statistic=test.statistic,
        p_value=test.p_value,
        conf_low=test.low,
        conf_high=test.high,
    )
