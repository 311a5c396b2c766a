"""Probabilistic bias analysis of two levels that are misread for each other.

Record-level correction as Fox, Lash and Greenland (2005), Int. J. Epidemiol. 34, 1370-1376, shares
of right readings from the Dirichlet distribution of the counts plus one half. The true level given
what was read, the event, the cumulative hazard and the other covariates is a logistic model with
known error of reading (kernels/misread.py), its coefficients drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.estimators.processes import spread
from analyses.results.bias_analysis import BiasAnalysis, Reading
from analyses.results.cox import CoxModel
from analyses.results.frozen import frozen
from analyses.robustness.contrasted import Contrast, Contrasted, contrasted
from analyses.robustness.misreading import (
    MOST_STRATA,
    Drawing,
    Matrix,
    Misread,
    drawing,
    misread,
    n_strata,
)
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

WHERE = "bias_analysis"
FEWEST_DRAWS = 1000  # from which quantiles stand for limits
ENDINGS = ("no event", "event")
Given = Mapping[str, Mapping[str, float]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Way:
    draws: int
    seed: int
    processes: int
    progress: Progress | None


def bias_analysis(
    model: CoxModel,
    data: Any,
    *,
    time: str,
    event: str,
    contrast: Contrast,
    matrix: Given,
    matrix_event: Given | None = None,
    among: str | None = None,
    draws: int = 1000,
    seed: int,
    processes: int = 1,
    progress: Progress | None = None,
) -> BiasAnalysis:
    """A hazard ratio corrected for readers who take one level for the other.

    Each draw takes shares of right readings from the matrix, then who truly is at which level, and
    fits the model again.

    Parameters
    ----------
    model, data, time, event
        A result of `cox` and the table that it was fitted to.
    contrast
        (term, level, reference), such as ``("her2_status", "low", "zero")``.
    matrix
        Readings counted by what is true, then by what was read:
        ``{"zero": {"zero": 80, "low": 20}, "low": {"zero": 15, "low": 85}}``.
    matrix_event
        The same of patients with the event, where misreading depends on it; `matrix` is then of
        those without.
    among
        Boolean column of those who may have been misread; others stay. All where not given.
    draws, seed, processes, progress
        Limits are quantiles of the draws: at least 1,000. The same seed gives the same numbers on
        any number of processes. `progress` is called with (draws done, draws asked for).

    Returns
    -------
    BiasAnalysis
        What misreading leaves open, and that with random error. Draws whose shares contradict
        what was read are counted and left out.

    Raises
    ------
    AnalysisError
        For a matrix that is no table of the two levels, a reading no better than chance, other
        patients than those of the fit, and where most draws contradict what was read.

    Notes
    -----
    The method: see the module. Checked against a maximum found by `optim` in R, simulated
    registries of known truth, and by hand (tests/analyses/test_bias_analysis.py).
    """
    besides = () if among is None else (among,)
    asked = contrasted(model, data, (time, event), contrast, where=WHERE, besides=besides)
    _require(draws)
    given = misread(asked, among, _matrices(matrix, matrix_event, contrast))
    return analysed(given, _Way(draws, seed, processes, progress))


def analysed(given: Misread, way: _Way) -> BiasAnalysis:
    """The draws and what they come to."""
    seeds = np.random.SeedSequence(way.seed).spawn(way.draws)
    drawn = list(
        spread(
            drawing, given, seeds, processes=way.processes, progress=way.progress,
            what=f"{WHERE}: processes",
        )
    )  # fmt: skip
    used = [one for one in drawn if one.estimate is not None]
    n_impossible = sum(one.impossible for one in drawn)
    _require_draws(given, drawn, used)
    corrections = np.array([one.estimate for one in used])
    errors = np.array([one.std_error for one in used])
    totals = corrections + errors * np.array([one.noise for one in used])
    asked, upper = given.asked, given.readings.upper
    conf_level = asked.asked.conf_level
    conventional = asked.estimate(asked.frame)
    return BiasAnalysis(
        term=asked.term,
        level=asked.level,
        reference=asked.reference,
        conventional=conventional,
        corrections=frozen(corrections),
        totals=frozen(totals),
        systematic=_middle(corrections, conf_level),
        total=_middle(totals, conf_level),
        n=conventional.n,
        n_event=conventional.n_event,
        n_upper=int(upper.sum()),
        n_lower=int((~upper).sum()),
        up=float(np.mean([one.up for one in used])),
        down=float(np.mean([one.down for one in used])),
        readings=_readings(given, used, conf_level),
        is_differential=given.matrices[0] is not given.matrices[1],
        draws=way.draws,
        n_impossible=n_impossible,
        n_failed=len(drawn) - len(used) - n_impossible,
        seed=way.seed,
        conf_level=conf_level,
        findings=_findings(asked, way.draws, n_impossible, len(drawn) - len(used) - n_impossible),
    )


def _middle(values: Any, conf_level: float) -> tuple[float, float, float]:
    """Median and limits: quantiles of type 7."""
    tail = (1 - conf_level) / 2
    middle, low, high = np.quantile(values, [0.5, tail, 1 - tail])
    return float(middle), float(low), float(high)


def _readings(given: Misread, used: Sequence[Drawing], conf_level: float) -> tuple[Reading, ...]:
    """Shares of right readings as drawn, by true level and, where it matters, by outcome."""
    asked = given.asked
    same = given.matrices[0] is given.matrices[1]
    result = []
    for k, matrix in enumerate(given.matrices[:1] if same else given.matrices):
        upper, lower = matrix.counts
        for level, (right, wrong), name in (
            (asked.reference, (lower[1], lower[0]), "lower"),
            (asked.level, upper, "upper"),
        ):
            shares = np.array([getattr(one.shares[k], name) for one in used])
            _, low, high = _middle(shares, conf_level)
            ending = "" if same else ENDINGS[k]
            result.append(Reading(level, ending, right, wrong, float(shares.mean()), low, high))
    return tuple(result)


def _matrices(
    matrix: Given, matrix_event: Given | None, contrast: Contrast
) -> tuple[Matrix, Matrix]:
    """The matrices of those without and with the event, every mistake in them listed."""
    problems = matrix_problems(matrix, contrast, f"{WHERE}: matrix")
    if matrix_event is not None:
        problems += matrix_problems(matrix_event, contrast, f"{WHERE}: matrix_event")
    if problems:
        raise AnalysisError(problems)
    first = _matrix(matrix, contrast)
    return first, first if matrix_event is None else _matrix(matrix_event, contrast)


def _matrix(matrix: Given, contrast: Contrast) -> Matrix:
    _, level, reference = contrast
    (upper, lower) = (
        (float(matrix[true][level]), float(matrix[true][reference])) for true in (level, reference)
    )
    return Matrix((upper, lower))


def matrix_problems(matrix: Given, contrast: Contrast, where: str) -> list[Problem]:
    """What keeps a table of readings from telling how two levels are misread."""
    levels = set(contrast[1:])
    example = f"{{{contrast[2]}: {{{contrast[2]}: 80, {contrast[1]}: 20}}, {contrast[1]}: ...}}"
    named = [set(matrix)] + [set(row) for row in matrix.values()]
    if any(found != levels for found in named):
        allowed = f"By what is true, then by what was read: {example}"
        return [Problem(where, "not a table of the two levels", allowed)]
    counts = [value for row in matrix.values() for value in row.values()]
    if not all(np.isfinite(value) and value >= 0 for value in counts):
        return [Problem(where, listed(map(str, counts)), "Counts of readings, 0 or more")]
    empty = [true for true, row in matrix.items() if sum(row.values()) <= 0]
    if empty:
        return [Problem(where, f"no reading of truly {listed(empty)} patients", "At least one")]
    right = [row[true] / sum(row.values()) for true, row in matrix.items()]
    if sum(right) <= 1:
        found = f"shares of right readings of {right[0]:g} and {right[1]:g}"
        advice = "Such readings tell no more than chance: are rows what is true?"
        return [Problem(where, found, "Together more than 1", advice)]
    return []


def _require(draws: int) -> None:
    if draws < 2:
        raise AnalysisError(Problem(f"{WHERE}: draws", f"{draws}", "2 or more; 1,000 for limits"))


def _require_draws(given: Misread, drawn: Sequence[Drawing], used: Sequence[Drawing]) -> None:
    if 2 * len(used) >= len(drawn):
        return
    n_impossible = sum(one.impossible for one in drawn)
    found = (
        f"{n_impossible} of {len(drawn)} draws contradict what was read, and "
        f"{len(drawn) - len(used) - n_impossible} had no estimate"
    )
    share = 100 * given.readings.upper.mean()
    advice = (
        f"{share:.1f} % were read as {given.asked.level}: with these errors that share, in "
        "patients with and without the event, cannot have come about. The readers of the matrix "
        "are not like those of these patients."
    )
    raise AnalysisError(Problem(f"{WHERE}: matrix", found, advice=advice))


def _findings(
    asked: Contrasted, draws: int, n_impossible: int, n_failed: int
) -> tuple[Finding, ...]:
    found = []
    if draws < FEWEST_DRAWS:
        said = f"{draws} draws: quantiles stand for limits only from {FEWEST_DRAWS:,}."
        found.append(("few_draws", draws, said))
    if n_impossible:
        said = (
            f"{n_impossible} of {draws} draws of the readers' errors contradict what was read in "
            "these patients; they are left out."
        )
        found.append(("impossible_draws", n_impossible, said))
    if n_failed:
        said = f"In {n_failed} of {draws} draws the model had no estimate; they are left out."
        found.append(("failed_draws", n_failed, said))
    strata = n_strata(asked)
    if strata > MOST_STRATA:
        said = f"{strata} strata: the share of each level was not modelled stratum by stratum."
        found.append(("strata_left_out", strata, said))
    return tuple(
        Finding("warning", WHERE, asked.term, "", rule, n, said) for rule, n, said in found
    )
