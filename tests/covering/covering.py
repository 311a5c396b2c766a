"""How often a method's 95 % limits hold the truth of what it estimates, over simulated cohorts.

``make coverage``, or ``python tests/covering/covering.py --replicates 2000 --processes 2 --only
weighting``. A topic is a file ``<topic>_methods.py`` in this folder with ``METHODS``, a list of
`Method`: add a file, and its methods are in the table. Every replicate has a seed of its own, the
same whatever the number of processes. A method that says `conservative` may cover more than it
promises; otherwise exit 1 where a coverage is further from 95 % than four of its simulation errors.
A `naive` method is shown to fail, not tested.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from analyses.estimators.processes import spread
from cohort.errors import AnalysisError

FOLDER = Path(__file__).resolve().parent
PROMISED = 0.95
FAR = 4.0  # simulation errors
HEADS = ("method", "estimand", "truth", "mean", "bias/SE", "coverage", "MC error", "none")


class Answer(NamedTuple):
    """What a method says of one estimand in one cohort; limits None where there are none."""

    estimand: str
    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A way to estimate, the cohorts it is tried on and the truth of each estimand by name.

    `cohort(seed)` makes one simulated cohort, `answers(cohort)` estimates, `truth()` gives the
    true value of each estimand that the method aims at.
    """

    name: str
    cohort: Callable[[int], Any]
    answers: Callable[[Any], Iterable[Answer]]
    truth: Callable[[], Mapping[str, float]]
    expect: Literal["nominal", "conservative", "naive"] = "nominal"


class Line(NamedTuple):
    """One line of the table."""

    method: Method
    estimand: str
    truth: float
    mean: float
    bias: float
    coverage: float
    error: float
    without: int

    @property
    def is_far(self) -> bool:
        """Whether the coverage is no chance deviation from what was promised."""
        if self.method.expect == "naive" or math.isnan(self.coverage):
            return False
        off = (self.coverage - PROMISED) / self.error
        return off < -FAR or (off > FAR and self.method.expect == "nominal")


def topics() -> list[Path]:
    """Files that hold methods."""
    return sorted(FOLDER.glob("*_methods.py"))


@cache
def methods(path: Path) -> tuple[Method, ...]:
    """The methods of one topic."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return tuple(module.METHODS)


def replicate(which: tuple[str, int], seed: int) -> list[Answer]:
    """The answers of one method (file, place) in the cohort of one seed; none where it fails."""
    method = methods(Path(which[0]))[which[1]]
    try:
        return list(method.answers(method.cohort(seed)))
    except AnalysisError:
        return []


def lines(which: tuple[str, int], replicates: int, processes: int) -> list[Line]:
    """The table's lines of one method."""
    method = methods(Path(which[0]))[which[1]]
    seeds = [1_000 + number for number in range(replicates)]
    told = _teller(method.name)
    found = list(spread(replicate, which, seeds, processes=processes, progress=told))
    told(0, 0)
    return [
        line(method, estimand, truth, [a for answers in found for a in answers], replicates)
        for estimand, truth in method.truth().items()
    ]


def line(
    method: Method, estimand: str, truth: float, answers: Sequence[Answer], replicates: int
) -> Line:
    """How often the limits of one estimand hold the truth."""
    own = [a for a in answers if a.estimand == estimand and a.estimate is not None]
    limits = [a for a in own if a.low is not None and a.high is not None]
    values = np.array([a.estimate for a in own], dtype=float)
    hit = [a.low <= truth <= a.high for a in limits if a.low is not None and a.high is not None]
    share = float(np.mean(hit)) if hit else math.nan
    mean = float(values.mean()) if len(values) else math.nan
    spread_of = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    # The error of a share near 95 %, so that a share of 1 has one too.
    error = math.sqrt(PROMISED * (1 - PROMISED) / len(hit)) if hit else math.nan
    without = replicates - len(limits)
    return Line(method, estimand, truth, mean, (mean - truth) / spread_of, share, error, without)


def printed(found: Sequence[Line]) -> str:
    """The table."""
    rows = [HEADS] + [
        (
            one.method.name + (" (naive)" if one.method.expect == "naive" else ""),
            one.estimand,
            f"{one.truth:.4f}",
            f"{one.mean:.4f}",
            f"{one.bias:+.2f}",
            f"{100 * one.coverage:.1f} %" + (" FAR" if one.is_far else ""),
            f"{100 * one.error:.2f} %",
            str(one.without),
        )
        for one in found
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _teller(name: str) -> Callable[[int, int], None]:
    """Tells how far a method is, on a line that is written over."""

    def told(done: int, among: int) -> None:
        if sys.stderr.isatty():
            said = f"\r{name}: {done} of {among}" if among else "\r" + " " * 78 + "\r"
            sys.stderr.write(said)
            sys.stderr.flush()

    return told


def main(given: Sequence[str] | None = None) -> int:
    """Prints the table; 1 where a coverage is not what was promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="part of a method's name or of its file's")
    asked = parser.parse_args(given)
    found: list[Line] = []
    for path in topics():
        for place, method in enumerate(methods(path)):
            if asked.only in method.name or asked.only in path.stem:
                found += lines((str(path), place), asked.replicates, asked.processes)
    sys.stdout.write(f"{asked.replicates} replicates\n{printed(found)}\n")
    return 1 if any(one.is_far for one in found) else 0


if __name__ == "__main__":
    # Through the module that other processes import, so that both know the same classes.
    sys.path.insert(0, str(FOLDER))
    import covering

    sys.exit(covering.main())
