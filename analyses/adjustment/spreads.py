"""Variances and covariances of the groups' numbers, and what follows: limits and differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from analyses.estimators.resampling import TOO_FEW, enough
from analyses.kernels.intervals import survival_limits
from analyses.kernels.wald import wald
from analyses.results.adjusted import AdjustedMean, Quantity
from analyses.results.contrast import NO_ERROR, Contrast
from analyses.results.frozen import Array

Places = npt.NDArray[np.intp]
NO_LIMITS = "its standard error is 0: nobody had the event by then, or all had it at once"
PAST = "the time lies past the follow-up of a group"


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Survival at times, and the mean up to tau, of each group, with their covariances.

    Attributes
    ----------
    names
        (quantity, time) of each number.
    values
        Groups x numbers; NaN where a number is not defined.
    covariance
        Numbers x groups x groups; NaN where samples are too few to tell.
    counts
        Patients of each group, and their events up to the time of each number (groups x numbers).
    """

    groups: tuple[str, ...]
    names: tuple[tuple[Quantity, float], ...]
    values: Array
    covariance: Array
    counts: tuple[tuple[int, ...], npt.NDArray[np.int64]]

    def means(self, conf_level: float) -> tuple[AdjustedMean, ...]:
        """Each number with its limits, by quantity, time and group."""
        found = []
        for column, (quantity, time) in enumerate(self.names):
            for g, group in enumerate(self.groups):
                counts = self.counts[0][g], int(self.counts[1][g, column])
                value = float(self.values[g, column])
                error = float(np.sqrt(self.covariance[column, g, g]))
                found.append(_mean(quantity, group, time, counts, value, error, conf_level))
        return tuple(found)

    def differences(self, reference: str, conf_level: float) -> tuple[Contrast, ...]:
        """Every other group less the reference."""
        base = self.groups.index(reference)
        return tuple(
            self._difference(column, g, base, conf_level)
            for column in range(len(self.names))
            for g in range(len(self.groups))
            if g != base
        )

    def _difference(self, column: int, g: int, base: int, conf_level: float) -> Contrast:
        quantity, time = self.names[column]
        spread = self.covariance[column]
        pair = self.groups[g], self.groups[base]
        sizes, events = self.counts
        place = (f"{quantity}_difference", *pair, time)
        counts = sizes[g] + sizes[base], int(events[g, column] + events[base, column])
        estimate = float(self.values[g, column] - self.values[base, column])
        if not np.isfinite(estimate):
            return Contrast(*place, *counts, reason=PAST)
        if not np.isfinite(spread[[g, base]][:, [g, base]]).all():
            return Contrast(*place, *counts, estimate, reason=TOO_FEW)
        errors = np.sqrt([spread[g, g], spread[base, base]])
        largest = time if quantity == "rmst" else 1.0
        without = [name for name, e in zip(pair, errors, strict=True) if e <= NO_ERROR * largest]
        if without:
            said = f"the standard error of {' and of '.join(without)} is 0, which is no certainty"
            return Contrast(*place, *counts, estimate, reason=said)
        error = float(np.sqrt(max(spread[g, g] + spread[base, base] - 2 * spread[g, base], 0.0)))
        if error <= NO_ERROR * largest:
            return Contrast(*place, *counts, estimate, reason="its standard error is 0")
        test = wald(estimate, error, conf_level)
        numbers = (estimate, error, test.statistic, test.p_value, test.low, test.high)
        return Contrast(*place, *counts, *numbers)


def _mean(
    quantity: Quantity,
    group: str,
    time: float,
    counts: tuple[int, int],
    value: float,
    error: float,
    conf_level: float,
) -> AdjustedMean:
    if not np.isfinite(value):
        return AdjustedMean(quantity, group, time, *counts, None, None, None, None, PAST)
    if not np.isfinite(error):
        return AdjustedMean(quantity, group, time, *counts, value, None, None, None, TOO_FEW)
    largest = time if quantity == "rmst" else 1.0
    if error <= NO_ERROR * largest:
        return AdjustedMean(quantity, group, time, *counts, value, 0.0, None, None, NO_LIMITS)
    if quantity == "rmst":
        reach = float(ndtri((1 + conf_level) / 2)) * error
        return AdjustedMean(
            quantity, group, time, *counts, value, error, value - reach, value + reach
        )
    low, high = survival_limits(np.array([value]), np.array([error]), conf_level, "log-log")
    return AdjustedMean(quantity, group, time, *counts, value, error, float(low[0]), float(high[0]))


def own_covariance(influence: Array, codes: Places, n_groups: int, cluster: Places | None) -> Array:
    """Covariances (numbers x groups x groups) where a row acts on its own group alone.

    `influence` is weighted, rows x numbers; without clusters groups are independent.
    """
    n_numbers = influence.shape[1]
    result = np.zeros((n_numbers, n_groups, n_groups))
    for column in range(n_numbers):
        if cluster is None:
            square = np.bincount(codes, influence[:, column] ** 2, minlength=n_groups)
            result[column] = np.diag(square)
            continue
        key = cluster * n_groups + codes
        sums = np.bincount(key, influence[:, column], (int(cluster.max()) + 1) * n_groups)
        own = sums.reshape(-1, n_groups)
        result[column] = own.T @ own
    return result


def shared_covariance(influence: Array, cluster: Places | None) -> Array:
    """Covariances of the groups (groups x groups) of one number; `influence` is rows x groups."""
    if cluster is None:
        return np.asarray(influence.T @ influence)
    n = int(cluster.max()) + 1
    sums = np.column_stack([np.bincount(cluster, own, n) for own in influence.T])
    return np.asarray(sums.T @ sums)


def sample_covariance(samples: Array, resamples: int) -> Array:
    """Covariances (numbers x groups x groups) over samples (samples x groups x numbers).

    NaN where too few of the `resamples` are left.
    """
    if not enough(len(samples), resamples):
        return np.full((samples.shape[2], samples.shape[1], samples.shape[1]), np.nan)
    away = samples - samples.mean(axis=0)
    return np.asarray(np.einsum("bgf,bhf->fgh", away, away) / (len(samples) - 1))


def events_by(
    time: Array, event: npt.NDArray[np.bool_], codes: Places, times: Sequence[float], k: int
) -> npt.NDArray[np.int64]:
    """Events of each group up to each time (groups x times)."""
    return np.array(
        [np.bincount(codes[event & (time <= t)], minlength=k) for t in times], dtype=np.int64
    ).T.reshape(k, len(times))
