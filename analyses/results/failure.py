"""What stands where an estimate does not exist."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """An estimate that was asked for and does not exist, with the reason and what to try.

    Printed in its place in the report, written as a record with status ``failed``, and
    the reason for exit code 5.
    """

    analysis: str
    kind: str
    group: str
    term: str
    reason: str
    n: int
    n_event: int
    advice: str
