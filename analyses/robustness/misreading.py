"""Who of a contrast may have been misread, and one drawing of who they really are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox_prepared import strata_of
from analyses.estimators.terms import learn
from analyses.kernels.lived_through import lived_through
from analyses.kernels.misread import Errors, Readings, prevalence, really_upper
from analyses.results.frozen import Array
from analyses.results.terms import columns_of
from analyses.robustness.contrasted import Contrasted
from cohort.errors import AnalysisError, Problem

Flags = npt.NDArray[np.bool_]
MOST_STRATA = 50  # whose shares of the level are modelled one by one
JEFFREYS = 0.5  # added to each count before shares are drawn


@dataclass(frozen=True, slots=True)
class Shares:
    """How likely each true level is read as itself: the level, then its reference."""

    upper: float
    lower: float


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Readings of truly upper and lower patients: [[right, wrong], [wrong, right]] of upper, lower.

    Rows are what is true, columns what was read. With `certain` its shares are taken as they are;
    else they are drawn, row by row, from their Dirichlet distribution given the counts.
    """

    counts: tuple[tuple[float, float], tuple[float, float]]
    certain: bool = False

    def drawn(self, generator: np.random.Generator) -> Shares:
        """Shares of right readings."""
        (right, wrong), (other, own) = self.counts
        if self.certain:
            return Shares(right / (right + wrong), own / (other + own))
        upper = generator.dirichlet([right + JEFFREYS, wrong + JEFFREYS])[0]
        lower = generator.dirichlet([other + JEFFREYS, own + JEFFREYS])[1]
        return Shares(float(upper), float(lower))


@dataclass(frozen=True, slots=True, eq=False)
class Misread:
    """All that one drawing needs: the model, the rows that may be misread, and how they were read.

    Attributes
    ----------
    rows
        Places of the rows that may have been misread.
    readings
        What was read of them, with what bears on the truth: the event, the cumulative hazard up
        to its time, the other covariates, and their products where the model has interactions.
    event
        Which of the rows have the event.
    matrices
        Of those without and with the event: the same one where misreading depends on nothing.
    """

    asked: Contrasted
    rows: npt.NDArray[np.intp]
    readings: Readings
    event: Flags
    matrices: tuple[Matrix, Matrix]
    start: Array | None = None

    def with_matrix(self, matrix: Matrix) -> Misread:
        """The same patients under another matrix."""
        return replace(self, matrices=(matrix, matrix))

    def possible(self, shares: tuple[Shares, Shares]) -> bool:
        """Whether some true shares of the level can have given the shares that were read."""
        return all(
            1 - one.lower < self.readings.upper[own].mean() < one.upper
            for one, own in zip(shares, (~self.event, self.event), strict=True)
            if own.any()
        )


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing: the corrected estimate and its error, or why there is none.

    `up` and `down` are patients whose reading was wrong, read too low and too high.
    """

    shares: tuple[Shares, Shares]
    estimate: float | None = None
    std_error: float | None = None
    noise: float = 0.0
    up: int = 0
    down: int = 0
    impossible: bool = False


def drawing(given: Misread, seed: np.random.SeedSequence) -> Drawing:
    """One drawing of the shares, of who really is at which level, and of random error.

    The coefficients of the model of the true level are drawn too, so that what is not known of
    them is in the answer (a proper imputation).
    """
    generator = np.random.default_rng(seed)
    first = given.matrices[0].drawn(generator)
    same = given.matrices[0] is given.matrices[1]
    shares = (first, first if same else given.matrices[1].drawn(generator))
    if not given.possible(shares):
        return Drawing(shares, impossible=True)
    errors = _errors(shares, given.event)
    found = prevalence(given.readings, errors, given.start)
    if found is None:
        return Drawing(shares)
    theta = generator.multivariate_normal(found.theta, found.covariance, method="cholesky")
    chance = really_upper(given.readings, errors, theta)
    upper = generator.random(len(chance)) < chance
    noise = float(generator.standard_normal())
    try:
        c = given.asked.coefficient(_with_levels(given, upper))
    except AnalysisError:
        return Drawing(shares)
    read = given.readings.upper
    up, down = int((upper & ~read).sum()), int((~upper & read).sum())
    return Drawing(shares, c.estimate, c.std_error, noise, up, down)


def misread(asked: Contrasted, among: str | None, matrices: tuple[Matrix, Matrix]) -> Misread:
    """Rows at either level that may be misread, and what bears on their true level.

    `among` is the column that says who may be; all where there is none. AnalysisError where at one
    of the levels nobody may be.
    """
    at_level, at_reference = asked.at(asked.level), asked.at(asked.reference)
    may_be = np.ones(len(at_level), dtype=bool)
    if among is not None:
        may_be = asked.frame[among].eq(other=True).to_numpy(dtype=bool)
    for level, own in ((asked.level, at_level), (asked.reference, at_reference)):
        if not (own & may_be).any():
            found = f"no patient read as {level} may have been misread"
            advice = "Name the patients with a score of 0 or 1+."
            raise AnalysisError(Problem(f"misreading: among '{among}'", found, advice=advice))
    rows = np.flatnonzero((at_level | at_reference) & may_be)
    z = _covariates(asked)[rows]
    spread = z.std(axis=0)
    z = (z - z.mean(axis=0))[:, spread > 1e-12] / spread[spread > 1e-12]
    z = np.column_stack([np.ones(len(rows)), z])
    readings = Readings(z, at_level[rows])
    right = Errors(np.full(len(rows), 1 - 1e-9), np.full(len(rows), 1e-9))
    start = prevalence(readings, right)
    return Misread(
        asked,
        rows,
        readings,
        asked.happened[rows],
        matrices,
        None if start is None else start.theta,
    )


def n_strata(asked: Contrasted) -> int:
    """Strata of the model."""
    return len(strata_of(asked.frame, asked.asked.strata)[1])


def _covariates(asked: Contrasted) -> Array:
    """What bears on the true level beside its reading, one column each, of every patient."""
    others = tuple(t for t in asked.terms if asked.term not in t.columns)
    terms, _ = learn(others, asked.frame) if others else ((), ())
    columns = [np.asarray(c.values, dtype=float) for c in columns_of(terms, asked.frame)]
    time = asked.frame[asked.time].to_numpy(dtype=float)
    entry = None if asked.entry is None else asked.frame[asked.entry].to_numpy(dtype=float)
    event, hazard = asked.happened.astype(float), lived_through(time, asked.happened, entry)
    columns += [event, hazard]
    partners = {n for t in asked.terms if asked.term in t.columns and t.parts for n in t.columns}
    for term in terms:
        if term.name in partners - {asked.term}:
            own = [np.asarray(c.values, dtype=float) for c in columns_of((term,), asked.frame)]
            columns += [one * other for one in own for other in (event, hazard)]
    if 1 < n_strata(asked) <= MOST_STRATA:
        codes = strata_of(asked.frame, asked.asked.strata)[0]
        columns += [(codes == k).astype(float) for k in range(1, int(codes.max()) + 1)]
    return np.column_stack(columns)


def _errors(shares: tuple[Shares, Shares], event: Flags) -> Errors:
    without, having = shares
    return Errors(
        np.where(event, having.upper, without.upper),
        np.where(event, 1 - having.lower, 1 - without.lower),
    )


def _with_levels(given: Misread, upper: Flags) -> pd.DataFrame:
    """The patients with the levels drawn."""
    asked = given.asked
    column = asked.frame[asked.term]
    names, kind = list(column.cat.categories), cast("Any", column.dtype)
    codes: Any = column.cat.codes.to_numpy().copy()
    codes[given.rows] = np.where(upper, names.index(asked.level), names.index(asked.reference))
    drawn = pd.Categorical.from_codes(codes, dtype=kind)
    return asked.frame.assign(**{asked.term: drawn})
