"""What tests of figures share: where every piece of text stands once the figure is drawn."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

TOLERANCE = 1.5  # pixels at 300 dots an inch: an eighth of a millimetre


def drawn_texts(figure: Figure):
    """(text, box in pixels) of all words that are seen."""
    figure.set_dpi(300)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return [(t, t.get_window_extent(renderer)) for t in texts if _is_drawn(t)]


def _is_drawn(text: Text) -> bool:
    """Whether the text is a tick's label on an axis that is shown, or no tick's label."""
    axes = text.axes
    if axes is None or axes.axison:
        return True
    ticks = [
        *axes.get_xticklabels(which="both"),
        *axes.get_yticklabels(which="both"),
        axes.xaxis.label,
        axes.yaxis.label,
    ]
    return all(text is not other for other in ticks)


@pytest.fixture
def layout_faults() -> Callable[[Figure], list[str]]:
    """Words that leave the figure, and pairs of words that overlap."""

    def faults(figure: Figure) -> list[str]:
        texts = drawn_texts(figure)
        width, height = figure.bbox.width, figure.bbox.height
        found = [
            f"outside: {t.get_text()!r} {box.extents}"
            for t, box in texts
            if box.x0 < -TOLERANCE
            or box.y0 < -TOLERANCE
            or box.x1 > width + TOLERANCE
            or box.y1 > height + TOLERANCE
        ]
        for (a, one), (b, other) in combinations(texts, 2):
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            up = min(one.y1, other.y1) - max(one.y0, other.y0)
            if across > TOLERANCE and up > TOLERANCE:
                found.append(
                    f"overlap: {a.get_text()!r} and {b.get_text()!r} by {across:.1f} x {up:.1f}"
                )
        return found

    return faults
