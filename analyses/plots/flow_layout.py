"""Boxes of a flow diagram: their words, wrapped, their sizes, and where each stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from analyses.formatting import count, counted, label
from analyses.plots.style import FigureStyle
from cohort.table import AttritionStep

Kind = Literal["start", "removed", "remaining", "group"]

MARGIN_MM = 1.0
PAD_MM = 1.8  # between a box and its words
_GAP_MM = 6.0  # least distance of two boxes of the trunk: room for an arrow
_APART_MM = 2.0  # least distance of two side boxes
_TRUNK_SHARE = 0.38  # of the width
_SIDE_SHARE = 0.54
_GROUP_GAP_MM = 3.0
_NO_BREAK = "\u00a0"


@dataclass(frozen=True, slots=True)
class FlowWords:
    """A box before it is drawn.

    `id` is that of the step, or the group's level; `lines` are its words with their weight
    (bold or not) before wrapping, `wrapped` after; sizes and the upper left corner in
    millimetres.
    """

    kind: Kind
    id: str
    lines: tuple[tuple[str, bool], ...]
    wrapped: tuple[tuple[str, bool], ...]
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Centre from left to right."""
        return self.x + self.width / 2

    @property
    def centre(self) -> float:
        """Centre from top to bottom."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """The boxes where they stand: trunk from the top, side boxes in order, groups, notes."""

    trunk: tuple[FlowWords, ...]
    sides: tuple[FlowWords, ...]
    groups: tuple[FlowWords, ...]
    notes: tuple[str, ...]
    notes_top: float
    height: float


def flow_plan(
    steps: Sequence[AttritionStep],
    groups: Sequence[str],
    by: str,
    start: str,
    style: FigureStyle,
) -> FlowPlan:
    """All boxes of a selection, none touching another."""
    told = [step for step in steps if step.n_removed]
    trunk, sides = _columns(steps, told, by, groups, start, style)
    below = max([box.bottom for box in (trunk[-1], *sides[-1:])])
    row = _group_row(steps, groups, by, style, max(trunk[-1].bottom + 8.0, below + 4.0))
    bottom = max([below, *(box.bottom for box in row)])
    passed = [f"“{step.reason}”" for step in steps if not step.n_removed]
    said = "" if steps else "No criterion was applied."
    said = f"No patient was left out by {', '.join(passed)}." if passed else said
    size = style.small_size - 0.5
    notes = style.wrap(said, style.width_mm - 2 * MARGIN_MM, size=size) if said else ()
    foot = len(notes) * style.line_height(size) + 1.5 if notes else 0.0
    return FlowPlan(trunk, sides, row, notes, bottom + 1.5, bottom + foot + MARGIN_MM)


def _columns(
    steps: Sequence[AttritionStep],
    told: Sequence[AttritionStep],
    by: str,
    groups: Sequence[str],
    start: str,
    style: FigureStyle,
) -> tuple[tuple[FlowWords, ...], tuple[FlowWords, ...]]:
    """Trunk and side boxes from the top: each side box beside the arrow of its step."""
    width, side_width = _TRUNK_SHARE * style.width_mm, _SIDE_SHARE * style.width_mm
    first = ((start, False), (_n(steps[0].n_before, style), True)) if steps else ((start, False),)
    trunk = [_box("start", "", first, width, style, MARGIN_MM, MARGIN_MM)]
    sides: list[FlowWords] = []
    side_x = style.width_mm - MARGIN_MM - side_width
    free = MARGIN_MM  # where the next side box may begin
    for i, step in enumerate(told):
        words = _removed_words(step, by, groups, style)
        side = _box("removed", step.id, words, side_width, style, side_x)
        top = trunk[-1].bottom
        gap = max(_GAP_MM, 2 * (free + side.height / 2 - top))
        sides.append(
            _box(
                "removed",
                step.id,
                words,
                side_width,
                style,
                side_x,
                top + gap / 2 - side.height / 2,
            )
        )
        free = sides[-1].bottom + _APART_MM
        last = i == len(told) - 1
        remain = ("Analysed" if last else "Remaining", False), (_n(step.n_after, style), True)
        trunk.append(_box("remaining", step.id, remain, width, style, MARGIN_MM, top + gap))
    return tuple(trunk), tuple(sides)


def _removed_words(
    step: AttritionStep, by: str, groups: Sequence[str], style: FigureStyle
) -> tuple[tuple[str, bool], ...]:
    """Criterion, count with those whose value was missing, and the groups where any is concerned.

    A criterion's reason may name who was kept ("Women") or who was left out ("No HER2 evidence"):
    "left out by" is true of both.
    """
    numbers = style.numbers
    words = [(f"Left out by “{step.reason}”", False), (_n(step.n_removed, style), True)]
    if step.n_unknown:
        whole = step.n_unknown == step.n_removed
        who = "all" if whole else f"of them {count(step.n_unknown, numbers)}"
        words.append((f"{who} because the value is missing", False))
    if any(n and group in groups for group, n in step.removed_by_group):
        parts = [
            f"{label(by, group)} {count(n, numbers)}".replace(" ", _NO_BREAK)
            for group, n in step.removed_by_group
            if n
        ]
        words.append((", ".join(parts), False))
    return tuple(words)


def remaining_groups(
    steps: Sequence[AttritionStep], groups: Sequence[str]
) -> tuple[tuple[str, int], ...]:
    """Patients of each group after the last step, and of any other group that has some left."""
    after = dict(steps[-1].after_by_group) if steps else {}
    if not set(groups) & set(after):
        return ()
    others = [group for group, n in after.items() if n and group not in groups]
    return tuple((group, after.get(group, 0)) for group in [*groups, *others])


def _group_row(
    steps: Sequence[AttritionStep], groups: Sequence[str], by: str, style: FigureStyle, y: float
) -> tuple[FlowWords, ...]:
    """One box a group side by side, all of the tallest one's height."""
    counts = remaining_groups(steps, groups)
    if not counts:
        return ()
    width = (style.width_mm - 2 * MARGIN_MM - (len(counts) - 1) * _GROUP_GAP_MM) / len(counts)
    boxes = [
        _box(
            "group",
            group,
            ((label(by, group), False), (_n(n, style), True)),
            width,
            style,
            MARGIN_MM + i * (width + _GROUP_GAP_MM),
            y,
        )
        for i, (group, n) in enumerate(counts)
    ]
    tallest = max(box.height for box in boxes)
    return tuple(replace(box, height=tallest) for box in boxes)


def _box(
    kind: Kind,
    id: str,
    lines: tuple[tuple[str, bool], ...],
    width: float,
    style: FigureStyle,
    x: float,
    y: float = 0.0,
) -> FlowWords:
    """A box as high as its wrapped words."""
    size = style.small_size
    wrapped = tuple(
        (part, bold)
        for text, bold in lines
        for part in style.wrap(text, width - 2 * PAD_MM, "semibold" if bold else "regular", size)
    )
    height = len(wrapped) * style.line_height(size) + 2 * PAD_MM * 0.7
    return FlowWords(kind, id, lines, wrapped, width, height, x, y)


def _n(n: int, style: FigureStyle) -> str:
    return f"n = {count(n, style.numbers)}"


def alternative_text(
    steps: Sequence[AttritionStep],
    groups: Sequence[str],
    by: str,
    start: str,
    style: FigureStyle,
) -> str:
    """The figure in words: the beginning, each step, the groups at the end."""
    numbers = style.numbers
    if not steps:
        return f"Flow of patients: {start.lower()}; no criterion was applied."
    said = [f"Flow of patients. {start}: {count(steps[0].n_before, numbers)}."]
    said += [
        f"Left out by “{step.reason}”: {counted(step.n_removed, 'patient', numbers)}, "
        f"{count(step.n_after, numbers)} remaining."
        for step in steps
    ]
    ends = [f"{label(by, g)} {count(n, numbers)}" for g, n in remaining_groups(steps, groups)]
    return " ".join([*said, f"Groups: {', '.join(ends)}."] if ends else said)
