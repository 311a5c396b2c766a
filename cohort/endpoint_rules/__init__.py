"""The endpoint tables as data: what each event after diagnosis is to each endpoint."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from cohort.schema import EVENT_KINDS

Value = Literal["event", "competing", "censor", "ignore"]
VALUES: tuple[Value, ...] = ("event", "competing", "censor", "ignore")
DEATHS = ("death_breast_cancer", "death_other_cause", "death_unknown_cause")
EVENTS = (*EVENT_KINDS, *DEATHS)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one event is to one endpoint, whether that was checked, and where it is written."""

    event: str
    value: Value
    verified: str
    source: str
    caution: str


@dataclass(frozen=True, slots=True)
class EndpointRule:
    """One endpoint: the first of which events ends it, and how.

    Attributes
    ----------
    kind, name
        Abbreviation (``IDFS``) and name in words.
    event
        What counts as the event, in words.
    setting
        ``any``, ``early`` (patients free of disease at the start) or ``metastatic``.
    verified, source, caution
        ``yes`` where the whole definition was checked in its source; ``partly`` or ``memory``
        otherwise: such an endpoint is made only when asked for.
    cells
        One for each of `EVENTS`, in their order.
    """

    kind: str
    name: str
    event: str
    setting: str
    verified: str
    source: str
    caution: str
    cells: tuple[Cell, ...]

    @property
    def is_verified(self) -> bool:
        """Whether the definition was checked, so that it may be used unasked."""
        return self.verified == "yes"

    @property
    def meaning(self) -> str:
        """The definition in one phrase."""
        return f"{self.name}: {self.event}"

    @property
    def needs_events(self) -> bool:
        """Whether any event besides death matters, so that a source must give events."""
        return bool(self.events_that("event", "competing", "censor"))

    @property
    def needs_cause(self) -> bool:
        """Whether deaths differ by their cause, so that a source must give causes."""
        return len({self.value(death) for death in DEATHS}) > 1

    def changed(self, changes: Mapping[str, Value]) -> EndpointRule:
        """The same endpoint with some cells as a study sets them."""
        cells = (
            replace(cell, value=changes[cell.event], verified="study", source="the study file")
            if cell.event in changes
            else cell
            for cell in self.cells
        )
        return replace(self, cells=tuple(cells))

    def value(self, event: str) -> Value:
        """What this event is to the endpoint."""
        return next(cell.value for cell in self.cells if cell.event == event)

    def events_that(self, *values: Value) -> tuple[str, ...]:
        """Events besides death that are one of these to the endpoint."""
        return tuple(e for e in EVENT_KINDS if self.value(e) in values)


def read(name: str) -> tuple[dict[str, str], ...]:
    """Rows of one table, as text."""
    text = files("cohort.endpoint_rules").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def endpoint_rules() -> dict[str, EndpointRule]:
    """Every endpoint by its kind, in the order of ``endpoints.csv``."""
    cells = read("matrix")
    return {
        row["endpoint"]: EndpointRule(
            kind=row["endpoint"],
            cells=tuple(_cell(r) for r in cells if r["endpoint"] == row["endpoint"]),
            **{k: row[k] for k in ("name", "event", "setting", "verified", "source", "caution")},
        )
        for row in read("endpoints")
    }


def _cell(row: dict[str, str]) -> Cell:
    """One row of the matrix; a value that is none of the four is a mistake in the table."""
    value = next((v for v in VALUES if v == row["value"]), None)
    if value is None:
        raise ValueError(f"matrix.csv, {row['endpoint']} {row['event']}: '{row['value']}'")
    return Cell(row["event"], value, row["verified"], row["source"], row["caution"])
