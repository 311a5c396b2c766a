"""Figures drawn from results; each returns its named artists.

The names below load when first used, so that matplotlib is imported only to draw.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyses.plots.axis_words import AxisWords
    from analyses.plots.calibration import plot_calibration
    from analyses.plots.cumulative_incidence import (
        plot_cumulative_incidence,
        plot_stacked_incidence,
    )
    from analyses.plots.excess import plot_excess
    from analyses.plots.fitted_survival import plot_fitted
    from analyses.plots.flow import plot_flow
    from analyses.plots.forest import plot_forest
    from analyses.plots.kaplan_meier import plot_kaplan_meier
    from analyses.plots.rmst import plot_rmst
    from analyses.plots.save import save_figure
    from analyses.plots.standardised import plot_gray, plot_max_combo, plot_pairs
    from analyses.plots.style import FigureStyle

_HOMES = {
    "AxisWords": "axis_words",
    "FigureStyle": "style",
    "plot_cumulative_incidence": "cumulative_incidence",
    "plot_calibration": "calibration",
    "plot_fitted": "fitted_survival",
    "plot_excess": "excess",
    "plot_flow": "flow",
    "plot_gray": "standardised",
    "plot_max_combo": "standardised",
    "plot_pairs": "standardised",
    "plot_forest": "forest",
    "plot_kaplan_meier": "kaplan_meier",
    "plot_rmst": "rmst",
    "plot_stacked_incidence": "cumulative_incidence",
    "save_figure": "save",
}

__all__ = [
    "AxisWords",
    "FigureStyle",
    "plot_calibration",
    "plot_cumulative_incidence",
    "plot_excess",
    "plot_fitted",
    "plot_flow",
    "plot_forest",
    "plot_gray",
    "plot_kaplan_meier",
    "plot_max_combo",
    "plot_pairs",
    "plot_rmst",
    "plot_stacked_incidence",
    "save_figure",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'analyses.plots' has no attribute {name!r}")
    return getattr(import_module(f"analyses.plots.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted(__all__)
