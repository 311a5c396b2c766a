"""Baseline hazards of a Cox model by stratum, and the survival that follows for a patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from analyses.results.frozen import Array


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Cumulative hazard by stratum, one row a stratum and event time.

    Kept for a patient at the means, where no number is too large or too small for the machine,
    and told (`cumulative_hazard`) for one at the reference values: the reference level of each
    category, 0 for each number, offset 0.

    Attributes
    ----------
    strata
        Label of each stratum; a single empty label where the model has no strata.
    last_time
        Last follow-up time of each stratum: no curve is drawn past it.
    stratum
        Place of each row's stratum among `strata`.
    time, hazard_at_means
        Distinct event times, ascending within the stratum, and the cumulative hazard up to and
        with them.
    log_ratio
        Log hazard ratio of the reference values against the means; minus infinity where the
        reference level had no event.
    variance
        Cumulative part of the hazard's variance that does not come from the coefficients.
    with_coefficients
        Covariance of that part with the estimated coefficients (rows x these); None where the two
        are independent, as in Cox's model.
    mean_covariates
        Cumulative sum of the hazard's steps times the mean covariates at risk (rows x
        estimated coefficients): the part of the variance that comes from the coefficients.
    """

    strata: tuple[str, ...]
    last_time: Array
    stratum: npt.NDArray[np.intp]
    time: Array
    hazard_at_means: Array
    log_ratio: float
    variance: Array
    mean_covariates: Array
    with_coefficients: Array | None = None

    @property
    def cumulative_hazard(self) -> Array:
        """Cumulative hazard at the reference values; infinite where a machine cannot hold it."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(self.hazard_at_means * np.exp(self.log_ratio))

    def hazard(
        self, stratum: int, times: Array, covariates: Array, covariance: Array
    ) -> tuple[Array, Array]:
        """Cumulative hazard at the means at `times`, and its standard error for a patient.

        `covariates` are the patient's columns of the estimated coefficients; both answers are
        still to be multiplied by that patient's hazard ratio against the means.
        """
        rows = np.flatnonzero(self.stratum == stratum)
        place = np.searchsorted(self.time[rows], times, side="right")
        chosen = np.append(rows, -1)[place - 1]
        before = place == 0
        cumulative = np.where(before, 0.0, self.hazard_at_means[chosen])
        mean = np.where(before[:, None], 0.0, self.mean_covariates[chosen])
        shift = mean - cumulative[:, None] * covariates
        spread = np.where(before, 0.0, self.variance[chosen])
        spread = spread + np.einsum("ti,ij,tj->t", shift, covariance, shift)
        if self.with_coefficients is not None:
            shared = np.where(before[:, None], 0.0, self.with_coefficients[chosen])
            spread = spread - 2 * (shift * shared).sum(axis=1)
        return cumulative, np.sqrt(np.maximum(spread, 0.0))


def survival_limits(
    cumulative: Array, std_error: Array, conf_level: float
) -> tuple[Array, Array, Array]:
    """Survival exp(-hazard) with log-log limits; limits are NaN where survival is 1 or 0."""
    survival = np.exp(-cumulative)
    inside = (survival > 0) & (survival < 1)
    ratio = np.divide(std_error, cumulative, out=np.full_like(cumulative, np.nan), where=inside)
    with np.errstate(over="ignore"):
        step = np.exp(ndtri((1 + conf_level) / 2) * ratio)
        return survival, np.exp(-cumulative * step), np.exp(-cumulative / step)
