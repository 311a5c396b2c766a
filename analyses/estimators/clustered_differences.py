"""Errors of differences in survival between two arms where patients come in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analyses.estimators.subgroup_factors import FactorCodes
from analyses.estimators.subgroup_rows import Options, SubgroupRows
from analyses.kernels.curve_influence import survival_influence
from analyses.kernels.product_limit import count, product_limit
from analyses.kernels.wald import wald
from analyses.results.contrast import Contrast
from analyses.results.frozen import Array


def clustered_covariances(
    rows: SubgroupRows, factor: FactorCodes, options: Options, at: Sequence[float]
) -> Array:
    """Covariances of the groups' differences at each time (times x groups x groups).

    By the infinitesimal jackknife, the rows of a cluster added first, as ``survfit(cluster=)``; a
    cluster with patients of both arms, or of several groups, counts in all of them.
    """
    known, k = factor.codes >= 0, len(factor.levels)
    frame = rows.frame.loc[known]
    time = frame[options.time].to_numpy(dtype=float)
    event = rows.event[known]
    entry = None if options.entry is None else frame[options.entry].to_numpy(dtype=float)
    weights = np.ones(len(time))
    if options.weights is not None:
        weights = frame[options.weights].to_numpy(dtype=float)
    group, arm = factor.codes[known], rows.codes[known]
    codes = 2 * group + arm
    plain = count(time, event, codes, 2 * k, entry=entry)
    used = count(time, event, codes, 2 * k, entry=entry, weights=weights)
    emptied = (plain.events > 0) & (plain.events == plain.n_risk)
    fit = product_limit(np.where(plain.n_risk > 0, used.n_risk, 0.0), used.events, emptied)
    influence = survival_influence(
        used, fit, np.array(at, dtype=float), time=time, event=event, codes=codes, entry=entry
    )
    influence = influence * (weights * np.where(arm == 1, 1.0, -1.0))[:, None]
    cluster = pd.factorize(frame[options.cluster])[0]
    sums = np.zeros((influence.shape[1], int(cluster.max()) + 1, k))
    for column, own in enumerate(influence.T):
        np.add.at(sums[column], (cluster, group), own)
    return np.asarray(np.swapaxes(sums, 1, 2) @ sums)


def with_error(change: Contrast, variance: float, conf_level: float) -> Contrast:
    """The difference with another error, where it has one."""
    if change.estimate is None or change.std_error is None:
        return change
    error = float(np.sqrt(variance))
    if error == 0:
        return replace(
            change,
            std_error=None,
            statistic=None,
            p_value=None,
            conf_low=None,
            conf_high=None,
            reason="one cluster only, or clusters that do not differ",
        )
    test = wald(change.estimate, error, conf_level)
    return replace(
        change,
        std_error=error,
        statistic=test.statistic,
        p_value=test.p_value,
        conf_low=test.low,
        conf_high=test.high,
    )
