"""The largest of several tests of one hypothesis, and its p-value from their joint distribution.

Each test is a squared length |L_w Z|^2 of independent normals Z, so that it is chi-square on its
own; the tests are correlated through Z. What is computed is the chance that any test reaches the
smallest p-value seen. SciPy's integral of the multivariate normal differs from call to call; here
nothing is random: fixed quadrature over directions where Z has up to three dimensions (two groups,
or a trend), and beyond that a fixed low-discrepancy sequence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri, ndtri

from analyses.kernels.logrank import RANK_TOLERANCE, Cells, joint_variance, score_sums
from analyses.kernels.product_limit import Array, Ints

CIRCLE = 4_096  # directions of two dimensions
HEIGHTS, TURNS = 128, 256  # directions of three: Gauss-Legendre by height, even by angle
POINTS, SHIFTS = 13, 8  # 2^13 points in each of 8 scrambles
SEED = 20_190_901


class Joint(NamedTuple):
    """Chi-square and degrees of freedom of each test [W], and its loadings L_w [df_w, r]."""

    statistic: Array
    df: Ints
    loadings: tuple[Array, ...]


def joint_tests(cells: Cells, weights: Array, scores: Array | None = None) -> Joint:
    """The test of each row of weights [W, C] with the loadings that correlate them.

    A group without variance under a weight takes a degree of freedom of that test with it; with
    scores every test is the trend on one degree of freedom.
    """
    variance = joint_variance(cells, weights)
    floor = RANK_TOLERANCE * np.einsum("wwkk->wk", variance).max(axis=1, initial=0.0)
    sums = [score_sums(cells, weight) for weight in weights]
    difference = [one.observed - one.expected for one in sums]
    if scores is not None:
        centred = scores - scores.mean()
        floor = RANK_TOLERANCE * np.einsum("wwkk,k->w", variance, centred**2)
        difference = [np.array([centred @ d]) for d in difference]
        variance = np.einsum("k,wvkl,l->wv", centred, variance, centred)[..., None, None]
    tests = range(len(weights))
    whitening = [_whitening(variance[w, w], float(floor[w])) for w in tests]
    whitened = [white @ d for white, d in zip(whitening, difference, strict=True)]
    df = np.array([len(white) for white in whitening], dtype=np.intp)
    statistic = np.array([float(y @ y) for y in whitened])
    if not df.any():
        return Joint(statistic, df, tuple(np.empty((0, 0)) for _ in tests))
    blocks = [[whitening[w] @ variance[w, v] @ whitening[v].T for v in tests] for w in tests]
    values, vectors = np.linalg.eigh(np.block(blocks))
    kept = values > RANK_TOLERANCE * len(values)
    root = vectors[:, kept] * np.sqrt(values[kept])
    return Joint(statistic, df, tuple(np.split(root, np.cumsum(df)[:-1])))


def _whitening(variance: Array, floor: float) -> Array:
    """The matrix that makes the differences uncorrelated with variance 1, without empty groups."""
    spread = np.diag(variance)
    kept = spread > floor
    scale = np.sqrt(np.where(kept, spread, 1.0))
    values, vectors = np.linalg.eigh(
        variance[np.ix_(kept, kept)] / np.outer(scale, scale)[np.ix_(kept, kept)]
    )
    positive = values > RANK_TOLERANCE
    white = np.zeros((int(positive.sum()), len(spread)))
    # An eigenvector's sign is arbitrary: the last group's is made positive, so that two tests of
    # one degree of freedom correlate with the sign that their differences have.
    turned = vectors[:, positive] * np.where(vectors[-1:, positive] < 0, -1.0, 1.0)
    white[:, kept] = (turned / np.sqrt(values[positive])).T
    return np.asarray(white / scale)


def any_p_value(joint: Joint) -> float:
    """The chance that any test reaches the smallest p-value among them."""
    tests = _tests(joint)
    each = [float(chdtrc(df, statistic)) for statistic, df, _ in tests]
    return _any_past(tests, _bounds(tests, each))


def critical_values(joint: Joint, level: float) -> tuple[float | None, ...]:
    """The statistic of each test that goes with the p-value which any reaches with this chance.

    None for a test without degrees of freedom. The p-value lies between the level and its share.
    """
    tests = _tests(joint)
    if not tests:
        return (None,) * len(joint.df)

    def beyond(log_p: float) -> float:
        bound = [float(chdtri(df, np.exp(log_p))) for _, df, _ in tests]
        return float(np.log(_any_past(tests, bound) / level))

    low, high = float(np.log(level / (2 * len(tests)))), float(np.log(level))
    single = len(tests) == 1 or beyond(high) <= 0  # one test in truth
    log_p = high if single else brentq(beyond, low, high, xtol=1e-3, rtol=1e-3)
    return tuple(float(chdtri(df, np.exp(log_p))) if df else None for df in joint.df)


def _tests(joint: Joint) -> list[tuple[float, int, Array]]:
    """Statistic, degrees of freedom and loadings of the tests that there are."""
    return [
        (float(statistic), int(df), loading)
        for statistic, df, loading in zip(*joint, strict=True)
        if df
    ]


def _any_past(tests: list[tuple[float, int, Array]], bound: list[float]) -> float:
    """The chance that any test is past its bound."""
    rank = tests[0][2].shape[1]
    if rank > 3:
        return _by_sequence([loading for *_, loading in tests], bound)
    directions, shares = _directions(rank)
    reach = np.zeros(len(directions))
    for (*_, loading), limit in zip(tests, bound, strict=True):
        squares = ((directions @ loading.T) ** 2).sum(axis=1)
        np.maximum(reach, squares / limit if limit > 0 else np.inf, out=reach)
    with np.errstate(divide="ignore"):
        return float(shares @ chdtrc(rank, 1 / reach))


def _bounds(tests: list[tuple[float, int, Array]], each: list[float]) -> list[float]:
    """For each test the statistic whose p-value is the smallest seen."""
    best = int(np.argmin(each))
    if min(each) == 0.0:  # beyond the smallest double: the largest statistic decides
        best = int(np.argmax([statistic for statistic, *_ in tests]))
    statistic, df, _ = tests[best]
    return [
        statistic if other == df or each[best] == 0.0 else float(chdtri(other, each[best]))
        for _, other, _ in tests
    ]


def _directions(rank: int) -> tuple[Array, Array]:
    """Unit vectors over half a sphere, opposite ones being alike, and the share of each."""
    if rank == 1:
        return np.ones((1, 1)), np.ones(1)
    if rank == 2:
        angle = (np.arange(CIRCLE) + 0.5) * np.pi / CIRCLE
        return np.column_stack([np.cos(angle), np.sin(angle)]), np.full(CIRCLE, 1 / CIRCLE)
    nodes, weights = np.polynomial.legendre.leggauss(HEIGHTS)
    height = np.repeat((nodes + 1) / 2, TURNS)
    angle = np.tile((np.arange(TURNS) + 0.5) * 2 * np.pi / TURNS, HEIGHTS)
    across = np.sqrt(1 - height**2)
    directions = np.column_stack([across * np.cos(angle), across * np.sin(angle), height])
    return directions, np.repeat(weights / 2, TURNS) / TURNS


def _by_sequence(loadings: list[Array], bound: list[float]) -> float:
    """The same chance by conditioning on each test in turn to be past its bound.

    A point past several bounds is counted once, by the reciprocal of their number: the sum of the
    tests' own p-values times a mean between 1 / W and 1, exact in the far tail as well (Owen,
    Maximov and Chertkov, 2019).
    """
    total = 0.0
    for place, (loading, limit) in enumerate(zip(loadings, bound, strict=True)):
        own = float(chdtrc(len(loading), limit))
        shares = []
        for shift in range(SHIFTS):
            z = _past_one(loading, own, SEED + SHIFTS * place + shift)
            past = np.zeros(len(z))
            for other, least in zip(loadings, bound, strict=True):
                past += ((z @ other.T) ** 2).sum(axis=1) >= least * (1 - 1e-12)
            shares.append(float((1 / np.maximum(past, 1)).mean()))
        total += own * float(np.mean(shares))
    return total


def _past_one(loading: Array, own: float, seed: int) -> Array:
    """Points Z given that one test has reached the bound that it reaches with chance `own`."""
    from scipy.stats import qmc

    df, rank = loading.shape
    points = qmc.Sobol(1 + df + rank, rng=seed).random_base2(POINTS)
    inside = np.clip(points, 1e-12, 1 - 1e-12)
    length = np.sqrt(chdtri(df, own * inside[:, 0]))
    normal = ndtri(inside[:, 1:])
    direction = normal[:, :df] / np.linalg.norm(normal[:, :df], axis=1)[:, None]
    rest = normal[:, df:]
    return np.asarray(rest + (direction * length[:, None] - rest @ loading.T) @ loading)
