"""Random draws for simulated patients, made from uniform numbers alone.

NumPy promises its uniform stream for good but not the streams of its other distributions, so
everything else is made here by inversion: the same seed gives the same registry for years.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtri

Real = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]
Text = npt.NDArray[np.object_]


class Draws:
    """Draws for the `n` patients of one block, each call one value a patient."""

    def __init__(self, n: int, key: Sequence[int]) -> None:
        self.n = n
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))

    def uniform(self, low: float | Real = 0.0, high: float | Real = 1.0) -> Real:
        """Evenly between low and high."""
        drawn: Real = low + (np.asarray(high) - low) * self._generator.random(self.n)
        return drawn

    def normal(self, mean: float | Real = 0.0, sd: float = 1.0) -> Real:
        """Normal, by inversion."""
        # A draw of exactly 0 would be minus infinity.
        drawn: Real = mean + sd * ndtri(np.maximum(self._generator.random(self.n), 1e-12))
        return drawn

    def exponential(self, mean: float = 1.0) -> Real:
        """Exponential, by inversion; never infinite."""
        drawn: Real = -np.log1p(-self._generator.random(self.n)) * mean
        return drawn

    def whole(self, low: int, high: int) -> Whole:
        """Whole numbers from low up to and including high."""
        return np.floor(self.uniform(low, high + 1)).astype(np.int64)

    def chance(self, probability: float | Real) -> Truth:
        """True with the probability given (one, or one a patient)."""
        return np.asarray(self._generator.random(self.n) < probability)

    def likely(self, log_odds: float | Real) -> Truth:
        """True with the log odds given."""
        return self.chance(np.asarray(expit(log_odds), dtype=np.float64))

    def one_of(self, weights: Any) -> Whole:
        """Index 0..k-1 with the weights given: k numbers, or a row of k for each patient."""
        table = np.asarray(weights, dtype=np.float64)
        upper = np.cumsum(table, axis=-1)
        point = self._generator.random(self.n) * upper[..., -1]
        if table.ndim == 1:
            return np.searchsorted(upper, point, side="right").astype(np.int64)
        return np.asarray((point[:, None] >= upper).sum(axis=1), dtype=np.int64)


def pick(codes: npt.NDArray[Any], labels: Sequence[str]) -> Text:
    """The label of each code 0..k-1, as text."""
    words: Text = np.array(list(labels), dtype=object)
    picked: Text = np.take(words, codes)
    return picked


def digits(values: npt.NDArray[Any], width: int = 1) -> Text:
    """Whole numbers from 0 as text with leading zeros."""
    if not len(values):
        return np.empty(0, dtype=object)
    return pick(values, [f"{value:0{width}d}" for value in range(int(values.max()) + 1)])


def decimals(scaled: npt.NDArray[Any], places: int) -> Text:
    """Numbers counted in tenths (places 1) or hundredths (places 2) as text."""
    if not len(scaled):
        return np.empty(0, dtype=object)
    one = 10**places
    table = [f"{v // one}.{v % one:0{places}d}" for v in range(int(scaled.max()) + 1)]
    return pick(scaled, table)


def where(condition: npt.NDArray[Any], values: Text | str, otherwise: Text | str) -> Text:
    """Text by a condition."""
    return np.where(condition, np.asarray(values, object), np.asarray(otherwise, object))
