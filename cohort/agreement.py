"""Agreement and change in a square table of counts: kappa, symmetry, marginal homogeneity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

Weights = Literal["none", "linear", "quadratic"]
Counts = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa with its large-sample standard errors.

    Attributes
    ----------
    weights
        ``none``, ``linear`` (1 - d / (k - 1)) or ``quadratic`` (1 - (d / (k - 1)) squared), for
        categories d places apart of k.
    observed, expected
        Weighted agreement as seen and by chance.
    std_error, std_error_null
        At the estimate, for the limits, and under no agreement beyond chance, for the test.
    reason
        Why there is no kappa; empty where there is one.
    """

    weights: Weights
    observed: float | None
    expected: float | None
    estimate: float | None
    std_error: float | None
    std_error_null: float | None
    statistic: float | None
    p_value: float | None
    conf_low: float | None
    conf_high: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TableTest:
    """A chi-square test of a square table; None with a reason where it is not defined."""

    name: Literal["bowker", "stuart_maxwell"]
    statistic: float | None
    df: int | None
    p_value: float | None
    reason: str = ""


def kappa(counts: Counts, *, weights: Weights = "none", conf_level: float = 0.95) -> Kappa:
    """How far two readings agree beyond chance.

    Parameters
    ----------
    counts
        Square table, rows the first reading and columns the second, in one order.

    Notes
    -----
    Method: Cohen 1960, 1968; standard errors of Fleiss, Cohen and Everitt 1969. Limits are not
    cut at -1 or 1. Checked against R code of the formulas and a table of three categories worked
    on paper (tests/cohort/test_agreement.py).
    """
    n = sum(map(sum, counts))
    if n == 0:
        return _no_kappa(weights, "no pair")
    k = len(counts)
    p = [[cell / n for cell in row] for row in counts]
    rows, columns = [sum(row) for row in p], [sum(row[j] for row in p) for j in range(k)]
    w = [[_weight(weights, i, j, k) for j in range(k)] for i in range(k)]
    places = [(i, j) for i in range(k) for j in range(k)]
    observed = sum(w[i][j] * p[i][j] for i, j in places)
    expected = sum(w[i][j] * rows[i] * columns[j] for i, j in places)
    if math.isclose(expected, 1.0):
        return _no_kappa(weights, "every pair is in one and the same category")
    if _is_constant(counts) or _is_constant(list(zip(*counts, strict=True))):
        # Agreement is then what chance gives, whatever the other reading says: 0 by necessity.
        return _no_kappa(weights, "one of the two readings knows one category only")
    estimate = (observed - expected) / (1 - expected)
    of_row = [sum(w[i][j] * columns[j] for j in range(k)) for i in range(k)]
    of_column = [sum(w[i][j] * rows[i] for i in range(k)) for j in range(k)]
    spread = sum(
        p[i][j] * (w[i][j] * (1 - expected) - (of_row[i] + of_column[j]) * (1 - observed)) ** 2
        for i, j in places
    )
    spread -= (observed * expected - 2 * expected + observed) ** 2
    null = sum(
        rows[i] * columns[j] * (w[i][j] - (of_row[i] + of_column[j])) ** 2 for i, j in places
    )
    std_error = math.sqrt(max(spread, 0.0) / n) / (1 - expected) ** 2
    std_error_null = math.sqrt(max(null - expected**2, 0.0) / n) / (1 - expected)
    z = estimate / std_error_null if std_error_null > 0 else None
    half = NormalDist().inv_cdf((1 + conf_level) / 2) * std_error
    return Kappa(
        weights,
        observed,
        expected,
        estimate,
        std_error,
        std_error_null,
        z,
        None if z is None else math.erfc(abs(z) / math.sqrt(2)),
        estimate - half,
        estimate + half,
    )


def _is_constant(counts: Counts) -> bool:
    """Whether the reading in the rows knows one category only."""
    return sum(1 for row in counts if sum(row)) == 1


def _weight(weights: Weights, i: int, j: int, k: int) -> float:
    if weights == "none":
        return float(i == j)
    apart = abs(i - j) / (k - 1)
    return 1 - apart if weights == "linear" else 1 - apart**2


def _no_kappa(weights: Weights, reason: str) -> Kappa:
    return Kappa(weights, *(None,) * 9, reason)


def bowker(counts: Counts) -> TableTest:
    """Whether changes one way are as frequent as changes back, for each pair of categories.

    Pairs of categories without any change between them tell nothing and have no degree of
    freedom. Checked against R's ``mcnemar.test`` (tests/cohort/test_agreement.py).
    """
    statistic, df = 0.0, 0
    for i in range(len(counts)):
        for j in range(i):
            total = counts[i][j] + counts[j][i]
            if total:
                statistic += (counts[i][j] - counts[j][i]) ** 2 / total
                df += 1
    if df == 0:
        return TableTest("bowker", None, None, None, "no change between any categories")
    return TableTest("bowker", statistic, df, chi_square_tail(statistic, df))


def stuart_maxwell(counts: Counts) -> TableTest:
    """Whether the categories are as frequent in the second reading as in the first.

    Categories that no change touches are left out. Checked against explicit R code
    (tests/cohort/test_agreement.py).
    """
    k = len(counts)
    changed = [
        i for i in range(k) if sum(counts[i][j] + counts[j][i] for j in range(k) if j != i) > 0
    ]
    if not changed:
        return TableTest("stuart_maxwell", None, None, None, "no change between any categories")
    used = changed[:-1]
    row, column = [sum(r) for r in counts], [sum(r[j] for r in counts) for j in range(k)]
    difference = [float(row[i] - column[i]) for i in used]
    spread = [
        [
            float(row[i] + column[i] - 2 * counts[i][i])
            if i == j
            else float(-(counts[i][j] + counts[j][i]))
            for j in used
        ]
        for i in used
    ]
    solved = _solved(spread, difference)
    if solved is None:
        reason = "changes do not join all categories"
        return TableTest("stuart_maxwell", None, None, None, reason)
    statistic = sum(a * b for a, b in zip(difference, solved, strict=True))
    return TableTest("stuart_maxwell", statistic, len(used), chi_square_tail(statistic, len(used)))


def _solved(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """The solution of a small symmetric system by elimination; None where there is none."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    n = len(rows)
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        if math.isclose(rows[pivot][i], 0.0, abs_tol=1e-9):
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(n):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def chi_square_tail(statistic: float, df: int) -> float:
    """Probability beyond a chi-square statistic with whole degrees of freedom."""
    half = statistic / 2
    if df % 2 == 0:
        return math.exp(-half) * sum(
            (math.pow(half, i) / math.factorial(i) for i in range(df // 2)), 0.0
        )
    terms = sum(math.pow(half, i - 0.5) / math.gamma(i + 0.5) for i in range(1, (df + 1) // 2))
    return math.erfc(math.sqrt(half)) + math.exp(-half) * terms


def wilson(n: int, total: int, conf_level: float) -> tuple[float, float]:
    """Wilson's limits of a share."""
    z = NormalDist().inv_cdf((1 + conf_level) / 2)
    share, z2 = n / total, z * z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    inner = share * (1 - share) / total + z2 / (4 * total * total)
    half = z * math.sqrt(inner) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)
