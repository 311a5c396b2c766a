"""Whether odds ratios are the same wherever an ordered category is cut: Brant's test."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, expit

from analyses.estimators.category_fit import SAME, fit_category
from analyses.estimators.category_rows import CategoryRows
from analyses.kernels.newton import solved
from analyses.results.frozen import Array
from analyses.results.odds import OddsTest
from cohort.errors import AnalysisError, Problem

CONSTANT = "a column is the same in every row"
NOT_FINITE = "at one of the cuts an odds ratio is not finite"


def proportional_odds(rows: CategoryRows) -> tuple[OddsTest, ...]:
    """Brant's test of all terms, and of each.

    A binary logistic model at each cut; the joint covariance of their slopes follows from their
    scores. Wald test that the slopes are the same at every cut. Brant (1990), Biometrics 46,
    1171-1178. Checked against its formulas in R (tests/reference/models_of_categories.R).
    """
    k, p = len(rows.categories), rows.x.shape[1]
    df = (k - 2) * p
    if k < 3:
        reason = "two categories have one cut only"
        return (OddsTest("", None, 0, None, reason),)
    try:
        slopes, covariance = _cuts(rows)
    except AnalysisError as error:
        return (OddsTest("", None, df, None, error.problems[0].found),)
    tests = [_test("", slopes, covariance, tuple(range(p)), k)]
    tests += [
        _test(term.name, slopes, covariance, places, k)
        for term, places in zip(rows.terms, rows.places, strict=True)
        if places
    ]
    return tuple(tests)


def _cuts(rows: CategoryRows) -> tuple[Array, Array]:
    """Slopes of every cut (k - 1 x p), and their joint covariance."""
    k, (n, p) = len(rows.categories), rows.x.shape
    x = np.column_stack([np.ones(n), rows.x - rows.x.mean(axis=0)])
    slopes, shares, inverses = [], [], []
    for cut in range(1, k):
        fitted = fit_category(
            rows.x, (rows.codes >= cut).astype(np.intp), 2, rows.names, "multinomial"
        )
        if fitted.unreported:
            advice = "Merge levels that separate."
            found = CONSTANT if set(fitted.unreported.values()) == {SAME} else NOT_FINITE
            raise AnalysisError(Problem("proportional odds", found, advice=advice))
        slopes.append(fitted.beta[1:])
        shares.append(expit(x @ fitted.beta))
        inverses.append(fitted.covariance)
    joint = np.zeros((k - 1, p, k - 1, p))
    for a in range(k - 1):
        for b in range(a, k - 1):
            # Whoever is above the higher cut is above the lower one too.
            spread = shares[b] * (1 - shares[a])
            block = inverses[a] @ (x.T @ (x * spread[:, None])) @ inverses[b]
            joint[a, :, b, :] = block[1:, 1:]
            joint[b, :, a, :] = block[1:, 1:].T
    return np.array(slopes), joint


def _test(term: str, slopes: Array, joint: Array, places: tuple[int, ...], k: int) -> OddsTest:
    """Wald test that these slopes of every cut equal those of the first."""
    own = list(places)
    df = (k - 2) * len(own)
    differences = (slopes[1:, own] - slopes[0, own]).ravel()
    part = joint[:, own][:, :, :, own]
    m = len(own)
    covariance = np.zeros((k - 2, m, k - 2, m))
    for a in range(k - 2):
        for b in range(k - 2):
            covariance[a, :, b, :] = (
                part[a + 1, :, b + 1, :]
                - part[a + 1, :, 0, :]
                - part[0, :, b + 1, :]
                + part[0, :, 0, :]
            )
    weighed = solved(covariance.reshape(df, df), differences)
    if weighed is None:
        return OddsTest(term, None, df, None, "the differences between the cuts have no covariance")
    statistic = max(float(differences @ weighed), 0.0)
    return OddsTest(term, statistic, df, float(chdtrc(df, statistic)))
