"""Where the parts of a figure stand: rows and columns in millimetres, in a figure or in an axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import GridSpec, GridSpecBase

from analyses.plots.style import MM_PER_INCH, FigureStyle


@dataclass(frozen=True, slots=True)
class Sheet:
    """A rectangle to draw in: a figure of its own (`home` is None), or the place of one axes."""

    figure: Figure | SubFigure
    home: Axes | None
    style: FigureStyle
    height_mm: float | None

    def rows(self, heights_mm: Sequence[float], flexible: int, least_mm: float) -> list[float]:
        """Heights of rows: as asked in a figure of its own, else one row takes what is left."""
        rows = list(heights_mm)
        if self.height_mm is not None:
            rest = self.height_mm - (sum(rows) - rows[flexible])
            rows[flexible] = max(rest, least_mm)
        return rows

    def grid(self, heights_mm: Sequence[float], widths_mm: Sequence[float]) -> GridSpecBase:
        """Cells of these sizes without gaps; a figure of its own takes their height."""
        heights, widths = list(heights_mm), list(widths_mm)
        place = None if self.home is None else self.home.get_subplotspec()
        if place is not None:
            return place.subgridspec(
                len(heights),
                len(widths),
                hspace=0,
                wspace=0,
                height_ratios=heights,
                width_ratios=widths,
            )
        left, bottom, right, top = 0.0, 0.0, 1.0, 1.0
        if self.home is not None:
            left, bottom, right, top = self.home.get_position(original=True).extents
        elif isinstance(self.figure, Figure):
            self.figure.set_size_inches(sum(widths) / MM_PER_INCH, sum(heights) / MM_PER_INCH)
        return GridSpec(
            len(heights),
            len(widths),
            left=left,
            right=right,
            bottom=bottom,
            top=top,
            hspace=0,
            wspace=0,
            height_ratios=heights,
            width_ratios=widths,
        )

    @property
    def whole(self) -> Figure:
        """The figure that holds the rectangle, from which files are saved."""
        return self.figure if isinstance(self.figure, Figure) else self.figure.figure


def sheet(ax: Axes | None, style: FigureStyle) -> Sheet:
    """A new figure of the style's width, or the place that an axes has in its figure.

    The style of the sheet has the width that there is.
    """
    if ax is None:
        figure = Figure(figsize=(style.width_mm / MM_PER_INCH, 1), facecolor="white")
        return Sheet(figure, None, style, None)
    host = ax.get_figure()
    if host is None:
        raise ValueError("the axes belongs to no figure")
    box = ax.get_window_extent()
    millimetres = MM_PER_INCH / host.dpi
    fitted = replace(style, width_mm=box.width * millimetres)
    return Sheet(host, ax, fitted, box.height * millimetres)


def blank(axes: Axes, width_mm: float, height_mm: float) -> Axes:
    """The axes without frame and ticks, its coordinates millimetres from the upper left."""
    axes.set_axis_off()
    axes.set_xlim(0, width_mm)
    axes.set_ylim(height_mm, 0)
    axes.set_in_layout(False)
    return axes


def bare(axes: Axes, *, left: bool) -> None:
    """Thin spines below and, where asked, at the left; no grid."""
    axes.grid(visible=False)
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom" or (left and side == "left"))
        spine.set_linewidth(0.6)
        spine.set_color("black")
    axes.tick_params(width=0.6, length=2.5, color="black", direction="out", pad=2)
