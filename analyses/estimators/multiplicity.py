"""P-values of several tests, adjusted for how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np

from analyses.kernels.multiplicity import benjamini_hochberg, bonferroni, holm

Adjustment = Literal["holm", "bh", "bonferroni", "none"]
ADJUSTMENTS = MappingProxyType({"holm": holm, "bh": benjamini_hochberg, "bonferroni": bonferroni})


def adjusted_p(p_values: Sequence[float | None], adjust: str) -> tuple[float | None, ...]:
    """P-values adjusted for the number of those that exist; the others stay None."""
    known = [i for i, p in enumerate(p_values) if p is not None]
    if adjust == "none" or not known:
        return tuple(p_values)
    result = list(p_values)
    adjusted = ADJUSTMENTS[adjust](np.array([p_values[i] for i in known]))
    for i, p in zip(known, adjusted, strict=True):
        result[i] = float(p)
    return tuple(result)
