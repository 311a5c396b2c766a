"""Gray's test: whether groups share the cumulative incidence of each of several events."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from analyses.estimators.cumulative_incidence import event_findings
from analyses.estimators.grouped_survival import require_groups
from analyses.estimators.states import StateRows, state_rows
from analyses.estimators.strata import Strata, strata_names, stratum_codes
from analyses.estimators.survival_data import By, by_column
from analyses.kernels.aalen_johansen import count_states
from analyses.kernels.gray import GraySums, gray_sums
from analyses.results.frozen import Array, frozen
from analyses.results.gray import CauseTest, GrayTest

Flags = npt.NDArray[np.bool_]
RANK_TOLERANCE = 1e-9  # of a unit diagonal: below it a direction has no variance of its own


def gray_test(data: Any, *, time: str, state: By, by: By, strata: Strata | None = None) -> GrayTest:
    """Whether the groups share one cumulative incidence, tested for each event.

    Parameters
    ----------
    data, time, state, by
        As in `cumulative_incidence`; at least two groups.
    strata
        Column or columns: groups are compared within each stratum, and the scores summed.

    Returns
    -------
    GrayTest
        `.summary` has a row an event: statistic, degrees of freedom, p-value. Rows with a missing
        value are left out and counted. Where an event has no test, statistic and p are None with
        a reason. A group never at risk beside another takes a degree of freedom with it.

    Raises
    ------
    AnalysisError
        As `cumulative_incidence`; for fewer than two groups.

    Notes
    -----
    Gray (1988), rho 0, ties as in cmprsk. Checked against ``cuminc`` of R's cmprsk 2.2 and by
    hand: tests/analyses/test_gray_test.py.
    """
    names = strata_names(strata)
    found = state_rows(data, time=time, state=state, by=by, others=names)
    require_groups(found.rows, f"Gray's test by '{by_column(by)}'")
    tests = tuple(
        _tested(found, cause, *sums) for cause, sums in enumerate(_sums(found, names), start=1)
    )
    return GrayTest(
        tests=tests,
        groups=found.rows.levels,
        n=found.rows.per_group(),
        by=str(by_column(by)),
        state=found.column,
        strata=names,
        n_input=found.rows.n_input,
        n_missing=found.rows.n_missing,
        findings=event_findings(found),
    )


def _sums(found: StateRows, strata: tuple[str, ...]) -> list[tuple[GraySums, bool]]:
    """Scores and covariance of each cause, summed over the strata.

    And whether any of its events came while two groups of a stratum were at risk together.
    """
    rows = found.rows
    shape = (len(rows.levels), len(found.causes))
    codes = np.zeros(len(rows.time), dtype=np.intp)
    if strata:
        codes = stratum_codes(rows.frame, strata).codes
    size = len(rows.levels)
    total = [GraySums(np.zeros(size), np.zeros((size, size))) for _ in found.causes]
    together = [False for _ in found.causes]
    for stratum in range(int(codes.max()) + 1):
        own = codes == stratum
        counts = count_states(rows.time[own], found.state[own], rows.codes[own], shape)
        shared = (counts.n_risk > 0).sum(axis=0) > 1
        for cause in np.flatnonzero(counts.events.sum(axis=(0, 2)) > 0):
            part = gray_sums(counts, int(cause))
            together[cause] |= bool(counts.events[:, cause, shared].any())
            total[cause] = GraySums(
                total[cause].score + part.score, total[cause].variance + part.variance
            )
    return list(zip(total, together, strict=True))


def _tested(found: StateRows, cause: int, sums: GraySums, together: bool) -> CauseTest:
    """The test of one cause: a quadratic form over the groups whose scores vary."""
    events = found.per_group(cause)
    diagonal = np.diag(sums.variance)
    largest = float(diagonal.max(initial=0.0))
    statistic, df = None, 0
    if largest > 0:
        statistic, df = _quadratic(sums, diagonal > RANK_TOLERANCE * largest)
    return CauseTest(
        cause=found.causes[cause - 1],
        statistic=statistic,
        df=df,
        p_value=None if statistic is None else float(chdtrc(df, statistic)),
        n_event=events,
        score=frozen(sums.score),
        variance=frozen(sums.variance),
        reason=None if statistic is not None else _no_test(sum(events), sums.variance, together),
    )


def _quadratic(sums: GraySums, kept: Flags) -> tuple[float | None, int]:
    """Statistic and rank; (None, 0) where the variance is no variance."""
    scale = np.sqrt(np.diag(sums.variance)[kept])
    values, vectors = np.linalg.eigh(sums.variance[np.ix_(kept, kept)] / np.outer(scale, scale))
    if values[0] < -RANK_TOLERANCE:
        return None, 0
    positive = values > RANK_TOLERANCE
    along = vectors.T[positive] @ (sums.score[kept] / scale)
    return float((along**2 / values[positive]).sum()), int(positive.sum())


def _no_test(n_event: int, variance: Array, together: bool) -> str:
    if n_event == 0:
        return "no event of this kind"
    if variance.any():
        return (
            "the variance of the scores is none (it has a negative direction), as happens where "
            "few are at risk and many events are of one time"
        )
    if not together:
        return "no event of this kind while two groups were at risk together"
    return "the scores have no variance: events of this kind all at one time that leaves nobody"
