"""Linear regression from cross-products, and a draw of its parameters from their posterior.

Rubin (1987), example 5.1: sigma^2 is the residual sum of squares over a chi-square of n - p degrees
of freedom, the coefficients are normal about the estimate with variance sigma^2 (X'X)^-1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
COLLINEAR = 1e-9  # of a column's own square: what is left of it beside the others


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A fitted regression: estimate and one draw, both p long (0 at columns without use).

    `sigma` is the drawn residual standard deviation, `dropped` columns that others determine.
    """

    estimate: Array
    drawn: Array
    sigma: float
    dropped: Places


def regression(
    products: Array, with_y: Array, y_squared: float, n: int, draw: np.random.Generator
) -> Line | None:
    """The regression by X'X, X'y and y'y of n rows; None where no degree of freedom is left."""
    p = len(with_y)
    kept, factor, size = independent(products)
    if n <= len(kept):
        return None
    half = solve_triangular(factor, with_y[kept] / size[kept], lower=True)
    estimate, drawn = np.zeros(p), np.zeros(p)
    estimate[kept] = solve_triangular(factor.T, half, lower=False) / size[kept]
    rest = max(y_squared - float(half @ half), 1e-12 * y_squared)
    sigma = float(np.sqrt(rest / draw.chisquare(n - len(kept))))
    noise = solve_triangular(factor.T, draw.standard_normal(len(kept)), lower=False)
    drawn[kept] = estimate[kept] + sigma * noise / size[kept]
    dropped = np.setdiff1d(np.flatnonzero(np.diag(products) > 0), kept)
    return Line(estimate, drawn, sigma, dropped)


def independent(products: Array) -> tuple[Places, Array, Array]:
    """Columns of which none is determined by the others, their factor (scaled), and sizes.

    The factor L is of the scaled products: L L' = D^-1 X'X D^-1 over `kept`, D the sizes.
    """
    size = np.sqrt(np.maximum(np.diag(products), 0.0))
    used = np.flatnonzero(size > 0)
    scaled = products[np.ix_(used, used)] / np.outer(size[used], size[used])
    factor, pivots, rank, _ = dpstrf(scaled, lower=1, tol=COLLINEAR)
    kept = used[pivots[:rank] - 1]
    return kept, np.tril(factor[:rank, :rank]), size
