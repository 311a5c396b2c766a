"""What can be wrong with a study, its data or an analysis, told to a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from cohort.table import Finding


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what was found, what is allowed, what to try.

    `where` is a place a person can go to (``study.yaml:14: analyses[1].by``,
    ``registry.csv line 310``). Empty parts are left out when printed.
    """

    where: str
    found: str
    allowed: str = ""
    advice: str = ""

    def __str__(self) -> str:
        first = f"{self.where}: {self.found}" if self.where else self.found
        rest = [part for part in (self.advice, self.allowed) if part]
        return "\n    ".join([first, *rest])


class Her2LowError(Exception):
    """A mistake that the user can mend; printed without a traceback.

    Carries every problem of the stage that failed, not only the first.
    """

    exit_code = 1

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SpecError(Her2LowError):
    """The study file, a dictionary or the command line asks for something that is not there."""

    exit_code = 2


class DataError(Her2LowError):
    """The data cannot be read or break a rule that no analysis survives; carries findings."""

    exit_code = 3

    def __init__(
        self, problems: Problem | Iterable[Problem], findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(problems)
        self.findings = tuple(findings)


class AnalysisError(Her2LowError):
    """An analysis was asked for that the selected patients cannot answer."""

    exit_code = 4


def suggest(word: str, known: Iterable[str]) -> str:
    """Advice line for a misspelt name: the nearest known name, or nothing."""
    match = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{match[0]}'?" if match else ""


def listed(names: Iterable[str], limit: int = 30) -> str:
    """Names joined by commas, cut with a count where there are very many."""
    every = list(names)
    shown = ", ".join(every[:limit])
    return shown if len(every) <= limit else f"{shown}, ... ({len(every) - limit} more)"
