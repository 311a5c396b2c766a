"""Records beside those of a second program: deviations, and what has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analyses.results.records import Record
from analyses.results.verification import Compared
from analyses.verification.absent import NOTHING, reason
from analyses.verification.second import Broken, Second, Silent

COUNTS = ("n", "n_event", "n_risk", "n_censor", "df")
SPREAD = ("std_error", "conf_low", "conf_high")
NUMBERS = (*COUNTS, "estimate", *SPREAD, "statistic", "p_value")
LEAST = {"statistic": 1.0, "p_value": 1.0}
SHOWN = ("patients_used", "rows_given", "rows_missing")


@dataclass(slots=True)
class _Tally:
    """What was compared of one quantity so far."""

    names: list[str] = field(default_factory=list)
    n: int = 0
    absolute: float = 0.0
    relative: float = -1.0
    undefined: bool = False
    record: str = ""
    said: str = ""

    def add(self, name: str, absolute: float | None, relative: float, record: Record) -> None:
        """One number; infinite where only one program has it."""
        self._name(name)
        self.undefined |= absolute is None
        if absolute is not None:
            self.absolute = max(self.absolute, absolute)
        if relative > self.relative:
            self.relative, self.record, self.said = relative, record.id, name

    def lack(self, name: str) -> None:
        """One number without a second program."""
        self._name(name)

    def _name(self, name: str) -> None:
        self.n += 1
        if name not in self.names:
            self.names.append(name)


def compared(
    records: Iterable[Record], seconds: Iterable[Second | Silent | Broken]
) -> tuple[Compared, ...]:
    """One row a quantity; what no second program makes is a row with its reason.

    So is what it had not made when it broke.

    A record that only the second program makes is a deviation too, unless its analysis failed.
    """
    second: dict[str, Second] = {}
    why: dict[str, str] = {}
    otherwise = NOTHING
    for each in seconds:
        if isinstance(each, Silent):
            why[each.analysis] = each.why
        elif isinstance(each, Broken):
            otherwise = each.why
        else:
            second[each.record.id] = each
    first = list(records)
    failed = {record.analysis for record in first if record.status == "failed"}
    tallies: dict[tuple[str, ...], _Tally] = {}
    tolerances: dict[tuple[str, ...], float] = {}
    for record in first:
        if record.status == "failed":
            continue
        other = second.pop(record.id, None)
        if other is None:
            said = reason(record, why.get(record.analysis, otherwise))
            _without(tallies, record, present(record), said)
            continue
        _beside(tallies, tolerances, record, other)
    for other in second.values():
        if other.record.analysis not in failed:
            key = _compared_key(other)
            tolerances[key] = other.tolerance
            tallies.setdefault(key, _Tally()).add("record", None, np.inf, other.record)
    return tuple(_row(key, tally, tolerances.get(key)) for key, tally in tallies.items())


def present(record: Record) -> list[str]:
    """Names of the numbers that a record has."""
    return [name for name in NUMBERS if getattr(record, name) is not None]


def _beside(
    tallies: dict[tuple[str, ...], _Tally],
    tolerances: dict[tuple[str, ...], float],
    record: Record,
    other: Second,
) -> None:
    key = _compared_key(other)
    tolerances[key] = other.tolerance
    for name in NUMBERS:
        own, its = getattr(record, name), getattr(other.record, name)
        if name in other.without or (own is None and its is None):
            continue
        absolute, relative = deviation(name, own, its, record, other.record)
        tallies.setdefault(key, _Tally()).add(name, absolute, relative, record)
    if present(record) == [] and present(other.record) == []:
        tallies.setdefault(key, _Tally())
    _without(tallies, record, [x for x in other.without if x in present(record)], other.why)


def _without(
    tallies: dict[tuple[str, ...], _Tally], record: Record, names: Sequence[str], why: str
) -> None:
    for name in names:
        key = (_analysis(record.analysis), _quantity(record), "", why)
        tallies.setdefault(key, _Tally()).lack(name)


def deviation(
    name: str, own: float | None, its: float | None, record: Record, other: Record
) -> tuple[float | None, float]:
    """Absolute and relative deviation of one number; (None, infinity) where one has none."""
    if own is None or its is None or not (np.isfinite(own) and np.isfinite(its)):
        return None, np.inf
    absolute = abs(own - its)
    if own == its:
        return 0.0, 0.0
    if name in COUNTS:
        return absolute, np.inf
    if name == "p_value":
        if min(own, its) <= 0:
            return absolute, np.inf
        own, its = float(np.log(own)), float(np.log(its))
    least = LEAST.get(name, 0.0)
    if name != "std_error":
        least = max(least, *(r.std_error or 0.0 for r in (record, other) if name in _SCALED), 0.0)
    size = max(abs(own), abs(its), least)
    return absolute, abs(own - its) / size


_SCALED = ("estimate", "conf_low", "conf_high")


def _analysis(name: str) -> str:
    """The models of single terms are one analysis."""
    whole, alone, _ = name.partition(".univariable.")
    return f"{whole}.univariable" if alone else name


def _quantity(record: Record) -> str:
    """The counts of rows are one quantity."""
    return "rows" if record.quantity.endswith(SHOWN) else record.quantity


def _compared_key(other: Second) -> tuple[str, ...]:
    record = other.record
    return (_analysis(record.analysis), _quantity(record), other.program, "")


def _row(key: tuple[str, ...], tally: _Tally, tolerance: float | None) -> Compared:
    analysis, quantity, program, why = key
    numbers: dict[str, Any] = {"numbers": ", ".join(tally.names), "n": tally.n}
    if tolerance is None:
        return Compared(
            analysis, quantity, **numbers, largest_absolute=None, largest_relative=None,
            tolerance=None, verdict="none independent", reason=why,
        )  # fmt: skip
    past = tally.relative > tolerance
    infinite = not np.isfinite(tally.relative)
    return Compared(
        analysis,
        quantity,
        **numbers,
        largest_absolute=None if tally.undefined else tally.absolute,
        largest_relative=None if infinite else max(tally.relative, 0.0),
        tolerance=tolerance,
        verdict="deviates" if past else "agrees",
        program=program,
        reason=_said(tally, infinite) if past else "",
        record=tally.record if tally.relative > 0 else "",
    )


def _said(tally: _Tally, infinite: bool) -> str:
    if tally.said == "record":
        return f"only the second program has {tally.record}"
    if tally.undefined:
        return f"{tally.said} of {tally.record} is defined in one program only"
    how = "differs, where it must be equal" if infinite else "deviates most"
    return f"{tally.said} of {tally.record} {how}"
