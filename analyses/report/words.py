"""Phrases that several pages share: groups, endpoints, events, in a reader's words."""

from __future__ import annotations

from collections.abc import Sequence

from analyses.formatting import label
from analyses.results.study import Endpoint, StudyResult

_EVENTS = {"OS": ("death", "deaths"), "DSS": ("disease-specific death", "disease-specific deaths")}
FEW_EVENTS = 10


def endpoint_of(result: StudyResult, id: str) -> Endpoint:
    """The endpoint of an analysis."""
    return next(endpoint for endpoint in result.endpoints if endpoint.id == id)


def events(endpoint: Endpoint, n: int) -> str:
    """``6 deaths``, ``1 event``: the count with the noun that fits the endpoint."""
    one, many = _EVENTS.get(endpoint.kind, ("event", "events"))
    return f"{n:,} {one if n == 1 else many}"


def group_words(by: str | None, group: str) -> str:
    """A group as a reader names it; everybody where there are no groups."""
    return "All patients" if by is None else label(by, group)


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    every = [part for part in parts if part]
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"
