"""What a curve says where the reader points at it: survival and numbers at risk over time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from analyses import formatting as words
from analyses.formatting import NumberStyle
from analyses.report.sections import section_of
from analyses.report.web.svg import TIME_AXIS
from analyses.results.frozen import Array
from analyses.results.study import StudyResult

MOST_TIMES = 240


def readouts(
    result: StudyResult, drawn: Mapping[str, str], style: NumberStyle
) -> dict[str, dict[str, Any]]:
    """By figure: its time axis, times, and what each group's curve says at them, in words."""
    made: dict[str, dict[str, Any]] = {}
    for analysis in result.analyses:
        for name, svg in drawn.items():
            found = TIME_AXIS.search(svg)
            if found is None or name != analysis.id:
                continue
            low, high = float(found.group(1)), float(found.group(2))
            times = _times(low, high)
            lines = section_of(analysis).readout(analysis, times, style)
            if lines:
                made[name] = {
                    "low": low,
                    "high": high,
                    "times": [float(t) for t in times],
                    "said": [words.time(float(t), result.time_unit, style) for t in times],
                    "groups": [{"name": who, "said": list(said)} for who, said in lines],
                    "axis": f"{name}-time-axis_{found.group(1)}_{found.group(2)}",
                }
    return made


def _times(low: float, high: float) -> Array:
    """Round times over the axis, at most `MOST_TIMES` of them."""
    step = max(10.0 ** math.floor(math.log10((high - low) / 10.0)) / 10.0, 1e-9)
    for factor in (1, 2, 5, 10, 20, 50, 100):
        if (high - low) / (step * factor) <= MOST_TIMES:
            step *= factor
            break
    steps = math.floor((high - low) / step + 1e-9)
    return np.asarray(low + step * np.arange(steps + 1), dtype=float)
