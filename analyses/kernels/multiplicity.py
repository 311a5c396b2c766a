"""P-values adjusted for their number: Holm, Benjamini-Hochberg, Bonferroni.

As R's `p.adjust`. A few lines, where statsmodels would load its whole room of statistics (0.5 s).
Holm (1979), Scand. J. Stat. 6, 65-70.
Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def holm(p: Array) -> Array:
    """The smallest of n p-values times n, the next times n - 1, ..., never below one before."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * np.arange(len(p), 0, -1)
    return _put_back(np.maximum.accumulate(scaled), order)


def benjamini_hochberg(p: Array) -> Array:
    """The largest of n times n / n, the next times n / (n - 1), ..., never above one after."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * (len(p) / np.arange(1, len(p) + 1))
    return _put_back(np.minimum.accumulate(scaled[::-1])[::-1], order)


def bonferroni(p: Array) -> Array:
    """Each times their number."""
    return np.minimum(p * len(p), 1.0)


def _put_back(ordered: Array, order: npt.NDArray[np.intp]) -> Array:
    result = np.empty_like(ordered)
    result[order] = np.minimum(ordered, 1.0)
    return result
