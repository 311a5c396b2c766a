"""Rows added to a category's model so that no level is predicted perfectly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyses.kernels.logit import Part
from analyses.results.frozen import Array

REACH = 0.5  # of a predictor's standard deviation


def augmented(x: Array, use: npt.NDArray[np.bool_], k: int) -> Part:
    """Two rows a predictor and level: half a standard deviation above and below the means.

    All together they weigh one more than there are predictors. With them the likelihood has a
    maximum where a predictor separates the levels, and hardly another one elsewhere.

    White, Daniel and Royston (2010), Comput. Stat. Data Anal. 54, 2267-2275, as `mice:::augment`
    does it (values kept between the least and the largest). Checked against it in
    tests/analyses/test_imputation_models.py.
    """
    if not k:
        return Part(x[:0], np.zeros(0, dtype=np.intp), None)
    predictors = np.flatnonzero(use)
    predictors = predictors[predictors > 0]  # the column of ones stays 1
    mean, spread = x.mean(axis=0), x.std(axis=0, ddof=1) if len(x) > 1 else np.zeros(x.shape[1])
    rows = []
    for column in predictors:
        for sign in (1.0, -1.0):
            one = mean.copy()
            one[column] += sign * REACH * spread[column]
            rows.append(one)
    if not rows:
        return Part(np.zeros((0, x.shape[1])), np.zeros(0, dtype=np.intp), np.zeros(0))
    made = np.clip(np.repeat(np.array(rows), k, axis=0), x.min(axis=0), x.max(axis=0))
    n = len(made)
    y = np.tile(np.arange(k), n // k)
    return Part(made, y, np.full(n, (len(predictors) + 1) / n))
