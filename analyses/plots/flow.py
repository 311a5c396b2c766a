"""Flow of patients: who remained after each step, who was left out and why, and the groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.text import Text

from analyses.plots.flow_layout import PAD_MM, FlowPlan, FlowWords, alternative_text, flow_plan
from analyses.plots.layout import Sheet, blank, sheet
from analyses.plots.style import INK, PAGE, FigureStyle, add_text, looks, own_settings
from cohort.table import AttritionStep

_STRIPE_MM = 1.2
_LINE_WIDTH = 0.6
_BAR_MM = 4.0  # of the line that branches to the groups, above them


@dataclass(frozen=True, slots=True, eq=False)
class FlowBox:
    """One box: ``start``, ``removed``, ``remaining`` or ``group``.

    `id` is that of the step, or the group's level; `texts` are its lines from the top.
    """

    kind: str
    id: str
    box: Rectangle
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FlowArtists:
    """Every artist of the figure by name, and the words that stand in for the figure."""

    figure: Figure
    axes: Axes
    boxes: tuple[FlowBox, ...]
    arrows: tuple[FancyArrowPatch, ...]
    notes: tuple[Text, ...]
    alt: str


def plot_flow(
    steps: Sequence[AttritionStep],
    *,
    groups: Sequence[str],
    by: str = "her2_status",
    start: str = "Patients in the source",
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
) -> FlowArtists:
    """Flow diagram of a selection: what remained in the trunk, what was left out at the side.

    Every step that left somebody out has its box with the reason and the count, by group where
    one of the groups is concerned; those whose deciding value was missing are named. Steps
    that left nobody out are listed below. The last row are the groups; patients of any other
    group that remain are shown too, never dropped.

    Parameters
    ----------
    steps
        In order; `n_after` of each is `n_before` of the next.
    groups
        Levels of the last row, in order.
    by
        The column of the groups, for their words and colours.
    start
        Words of the first box.
    ax
        Axes whose place the figure takes; a new figure, as high as it needs, where absent.

    Raises
    ------
    ValueError
        Where the steps do not form a chain.

    Notes
    -----
    STROBE item 13, REMARK item 12. Checked against the steps
    (tests/analyses/test_plot_flow.py).
    """
    for before, after in pairwise(steps):
        if before.n_after != after.n_before:
            raise ValueError(
                f"{before.n_after} patients remain after '{before.id}', "
                f"but '{after.id}' begins with {after.n_before}"
            )
    with own_settings():
        place = sheet(ax, style)
        plan = flow_plan(steps, groups, by, start, place.style)
        alt = alternative_text(steps, groups, by, start, place.style)
        return _drawn(place, plan, by, alt)


def _drawn(place: Sheet, plan: FlowPlan, by: str, alt: str) -> FlowArtists:
    """The figure of a plan."""
    style = place.style
    if place.home is None:
        axes = place.figure.add_subplot(place.grid([plan.height], [style.width_mm])[0, 0])
    else:
        axes = place.home
    blank(axes, style.width_mm, max(plan.height, place.height_mm or 0.0))
    shown = [box.id for box in plan.groups]
    colours = {group: look.colour for group, look in zip(shown, looks(by, shown), strict=True)}
    every = (*plan.trunk, *plan.sides, *plan.groups)
    size = style.small_size - 0.5
    return FlowArtists(
        figure=place.whole,
        axes=axes,
        boxes=tuple(_draw_box(axes, box, colours.get(box.id, ""), style) for box in every),
        arrows=_draw_arrows(axes, plan),
        notes=tuple(
            add_text(
                axes,
                (1.0, plan.notes_top + (i + 0.5) * style.line_height(size)),
                line,
                style.words(size=size),
            )
            for i, line in enumerate(plan.notes)
        ),
        alt=alt,
    )


def _draw_box(axes: Axes, words: FlowWords, colour: str, style: FigureStyle) -> FlowBox:
    """The box and its lines; a group has a stripe of its colour along the top."""
    box = Rectangle(
        (words.x, words.y),
        words.width,
        words.height,
        facecolor="white",
        edgecolor=INK,
        linewidth=_LINE_WIDTH,
    )
    axes.add_patch(box)
    if words.kind == "group":
        stripe = Rectangle((words.x, words.y - _STRIPE_MM), words.width, _STRIPE_MM)
        stripe.set(facecolor=colour, edgecolor=colour, linewidth=_LINE_WIDTH)
        axes.add_patch(stripe)
    size = style.small_size
    line = style.line_height(size)
    top = words.y + (words.height - len(words.wrapped) * line) / 2
    left = words.kind == "removed"
    x = words.x + PAD_MM if left else words.middle
    texts = [
        add_text(
            axes,
            (x, top + (i + 0.5) * line),
            text,
            style.words("semibold" if bold else "regular", size),
            "left" if left else "center",
        )
        for i, (text, bold) in enumerate(words.wrapped)
    ]
    return FlowBox(words.kind, words.id, box, tuple(texts))


def _draw_arrows(axes: Axes, plan: FlowPlan) -> tuple[FancyArrowPatch, ...]:
    """Down the trunk, out to the side boxes, and from the last box to each group."""
    arrows = []
    for upper, lower in pairwise(plan.trunk):
        arrows.append(_arrow(axes, (upper.middle, upper.bottom), (lower.middle, lower.y)))
    for side in plan.sides:
        start = (plan.trunk[0].middle, side.centre)
        arrows.append(_arrow(axes, start, (side.x, side.centre)))
    if plan.groups:
        last = plan.trunk[-1]
        bar = plan.groups[0].y - _STRIPE_MM - _BAR_MM
        ends = [box.middle for box in plan.groups] + [last.middle]
        arrows.append(_arrow(axes, (last.middle, last.bottom), (last.middle, bar), "-"))
        arrows.append(_arrow(axes, (min(ends), bar), (max(ends), bar), "-"))
        arrows += [
            _arrow(axes, (box.middle, bar), (box.middle, box.y - _STRIPE_MM)) for box in plan.groups
        ]
    return tuple(arrows)


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], form: str = "-|>"
) -> FancyArrowPatch:
    """A straight line, with a head unless `form` says otherwise."""
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle=form,
        mutation_scale=6,
        shrinkA=0,
        shrinkB=0,
        linewidth=_LINE_WIDTH,
        color=INK,
        joinstyle="miter",
        capstyle="butt",
    )
    axes.add_patch(arrow)
    return arrow
