"""Pointwise limits of a survival curve by five transforms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Array = npt.NDArray[np.float64]
Limits = tuple[Array, Array]


def survival_limits(survival: Array, std_error: Array, conf_level: float, conf_type: str) -> Limits:
    """Lower and upper limits of each survival; NaN where the transform is not defined.

    Equal to those of ``survfit``: within [0, 1], and not defined where the curve is 0, nor where
    it is 1 for ``log-log``, ``logit`` and ``arcsine``. `std_error` is on the scale of survival.
    """
    z = float(ndtri((1 + conf_level) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(std_error == 0, 0.0, std_error / survival)
        shift = z * relative
        match conf_type:
            case "log-log":
                return _log_log(survival, shift)
            case "log":
                return _log(survival, shift)
            case "plain":
                return _plain(survival, shift)
            case "logit":
                return _logit(survival, shift)
            case "arcsine":
                return _arcsine(survival, shift)
            case _:
                raise ValueError(f"no interval type {conf_type!r}")


def _log_log(s: Array, d: Array) -> Limits:
    inside = np.where((s == 0) | (s == 1), np.nan, s)
    shift = np.exp(np.abs(d / np.log(inside)))
    hazard = -np.log(inside)
    return np.exp(-hazard * shift), np.exp(-hazard / shift)


def _log(s: Array, d: Array) -> Limits:
    inside = np.where(s == 0, np.nan, s)
    return inside * np.exp(-d), np.minimum(inside * np.exp(d), 1.0)


def _plain(s: Array, d: Array) -> Limits:
    return np.maximum(s - d * s, 0.0), np.minimum(s + d * s, 1.0)


def _logit(s: Array, d: Array) -> Limits:
    inside = np.where((s == 0) | (s == 1), np.nan, s)
    odds = inside / (1 - inside)
    shift = np.exp(d / (1 - inside))
    return 1 - 1 / (1 + odds / shift), 1 - 1 / (1 + odds * shift)


def _arcsine(s: Array, d: Array) -> Limits:
    inside = np.where((s == 0) | (s == 1), np.nan, s)
    angle = np.arcsin(np.sqrt(inside))
    shift = 0.5 * d * np.sqrt(inside / (1 - inside))
    low, high = np.maximum(0.0, angle - shift), np.minimum(np.pi / 2, angle + shift)
    return np.sin(low) ** 2, np.sin(high) ** 2
