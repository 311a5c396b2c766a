"""The look of every figure: sizes, fonts, and a colour and line for each group."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from analyses.formatting import NumberStyle
from analyses.number_style import BMJ, DEFAULT, JAMA, LANCET, NATURE, NEJM
from cohort.schema import HER2_STATUS

Weight = Literal["regular", "semibold", "bold"]
Dashes = tuple[float, tuple[float, ...] | None]

MM_PER_INCH = 25.4
POINTS_PER_MM = 72 / MM_PER_INCH
LEADING = 1.3  # line pitch over font size
INK = "#000000"

# Wong, Nature Methods 2011;8:441 (Okabe and Ito): told apart with any colour vision.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, GREY = "#E69F00", "#56B4E9", "#7f7f7f"
SOLID: Dashes = (0, None)  # an empty pattern would leave SVG readers without a line
DASHED: Dashes = (0, (5, 1.6))
DASH_DOT: Dashes = (0, (6, 1.5, 1.2, 1.5))
DOTTED: Dashes = (0, (1.2, 1.2))

_NOT_OURS = ("backend", "backend_fallback", "interactive", "toolbar", "timezone")

_PACKAGED = {"Source Sans Pro": "font_source_sans_pro", "Source Serif Pro": "font_source_serif_pro"}
_FACES: dict[Weight, str] = {"regular": "Regular", "semibold": "Semibold", "bold": "Bold"}
_DEJAVU: dict[Weight, str] = {
    "regular": "DejaVuSans",
    "semibold": "DejaVuSans-Bold",
    "bold": "DejaVuSans-Bold",
}
_WEIGHTS: dict[Weight, int] = {"regular": 400, "semibold": 600, "bold": 700}


@dataclass(frozen=True, slots=True)
class Look:
    """Colour and line of one group; the line tells groups apart without colour."""

    colour: str
    dashes: Dashes


HER2_LOOKS = dict(
    zip(
        HER2_STATUS,
        (
            Look(BLUE, SOLID),
            Look(VERMILLION, DASHED),
            Look(GREEN, DASH_DOT),
            Look(SKY, DOTTED),
            Look(PURPLE, DOTTED),
            Look(GREY, DOTTED),
        ),
        strict=True,
    )
)
_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK)
_DASHES = (SOLID, DASHED, DASH_DOT, DOTTED)


@dataclass(frozen=True, slots=True)
class FigureStyle:
    """How large a figure is, how its words and numbers look, and where its curves end.

    Attributes
    ----------
    name
        Of the preset: ``page`` (the report's text width), ``column`` (one column of a journal),
        ``wide`` (two columns).
    width_mm
        Width of the whole figure; the height follows from its content.
    font_size, small_size
        Points.
    line_width
        Of curves, points.
    numbers
        The journal's rules for numbers.
    curtail_below
        Curves end where fewer than so many patients remain at risk; 0 draws them whole.
    most_marks
        Censoring is marked on curves with at most so many distinct censoring times.
    """

    name: str = "page"
    width_mm: float = 166.0
    font_size: float = 8.0
    small_size: float = 7.5
    line_width: float = 1.2
    numbers: NumberStyle = DEFAULT
    curtail_below: int = 10
    most_marks: int = 400

    def font(self, weight: Weight = "regular", size: float | None = None) -> FontProperties:
        """The face and size of a text, by its file: no setting outside the figure matters."""
        return FontProperties(
            family=font_family(),
            weight=_WEIGHTS[weight],
            size=self.font_size if size is None else size,
            fname=str(_face(weight)),
        )

    def words(self, weight: Weight = "regular", size: float | None = None) -> dict[str, Any]:
        """Arguments of a text artist: its font, black ink, and no mathematics in its words."""
        return {"fontproperties": self.font(weight, size), "color": INK, "parse_math": False}

    def width(self, text: str, weight: Weight = "regular", size: float | None = None) -> float:
        """Width of one line of text in millimetres."""
        font = self.font(weight, size)
        points, _, _ = text_to_path.get_text_width_height_descent(drawable(text), font, False)
        return float(points) / POINTS_PER_MM

    def line_height(self, size: float | None = None) -> float:
        """Pitch of lines of text in millimetres."""
        return LEADING * (self.font_size if size is None else size) / POINTS_PER_MM

    def wrap(
        self, text: str, width_mm: float, weight: Weight = "regular", size: float | None = None
    ) -> tuple[str, ...]:
        """The text in lines not wider than given; a word that is too wide itself is broken.

        Lines end at spaces, never at a no-break space.
        """
        lines = [""]
        for word in text.replace("\n", " ").split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if self.width(longer, weight, size) <= width_mm:
                lines[-1] = longer
                continue
            if lines[-1]:
                lines.append("")
            for letter in word:
                if lines[-1] and self.width(lines[-1] + letter, weight, size) > width_mm:
                    lines.append("")
                lines[-1] += letter
        return tuple(lines)


def own_settings(more: dict[str, Any] | None = None) -> AbstractContextManager[None]:
    """A stretch of code (or a function) in which matplotlib's defaults hold, not the user's.

    What is drawn then depends on its arguments only; the user's settings come back after it.
    """
    fixed: dict[Any, Any] = {
        name: value for name, value in mpl.rcParamsDefault.items() if name not in _NOT_OURS
    }
    return mpl.rc_context(fixed | (more or {}))


PAGE = FigureStyle()
# Widths of the journals' figures in millimetres; Nature's text is of 5 to 7 points.
STYLES = MappingProxyType(
    {
        "default": PAGE,
        "nejm": FigureStyle("nejm", 170.0, 8.0, 7.5, 1.2, NEJM),
        "jama": FigureStyle("jama", 178.0, 8.0, 7.5, 1.2, JAMA),
        "lancet": FigureStyle("lancet", 170.0, 8.0, 7.5, 1.2, LANCET),
        "nature": FigureStyle("nature", 183.0, 7.0, 6.0, 1.0, NATURE),
        "bmj": FigureStyle("bmj", 178.0, 8.0, 7.5, 1.2, BMJ),
    }
)
COLUMN = FigureStyle("column", 89.0, 7.0, 6.5, 1.0, JAMA)
WIDE = FigureStyle("wide", 183.0, 8.0, 7.5, 1.2, JAMA)


def looks(by: str | None, groups: Sequence[str]) -> tuple[Look, ...]:
    """A look for each group: HER2 groups always have their own, others by their place."""
    if by == "her2_status" and all(group in HER2_LOOKS for group in groups):
        return tuple(HER2_LOOKS[group] for group in groups)
    # Colours repeat after seven and lines after four, so that 28 groups differ in one of the two.
    return tuple(
        Look(_COLOURS[i % len(_COLOURS)], _DASHES[i % len(_DASHES)]) for i in range(len(groups))
    )


def font_family() -> str:
    """Name of the family that figures are drawn in."""
    return "Source Sans Pro" if _packaged("Source Sans Pro") else "DejaVu Sans"


def font_files() -> tuple[Path, ...]:
    """Files of the figures' family, and of the serif family set beside it in a report.

    A page that shows a figure as SVG must use these files: the figure's layout was measured
    with them.
    """
    figures = tuple(dict.fromkeys(_face(weight) for weight in _FACES))
    serif = _packaged("Source Serif Pro")
    return figures + tuple(serif[face] for face in _FACES if serif)


def drawable(text: str) -> str:
    """The text with every character that the figures' font lacks as a visible escape."""
    known = _characters()
    return "".join(c if ord(c) in known or c == "\n" else f"\\u{{{ord(c):04x}}}" for c in text)


def add_text(
    axes: Axes, at: tuple[float, float], text: str, words: dict[str, Any], align: str = "left"
) -> Text:
    """One piece of text, centred on its line, in the axes' data coordinates; never clipped."""
    x, y = at
    shown = drawable(text)
    return axes.text(x, y, shown, ha=align, va="center_baseline", clip_on=False, **words)


def _face(weight: Weight) -> Path:
    """File of the figures' font in this weight."""
    packaged = _packaged("Source Sans Pro")
    if packaged:
        return packaged[weight]
    from matplotlib import get_data_path

    return Path(get_data_path()) / "fonts" / "ttf" / f"{_DEJAVU[weight]}.ttf"


@cache
def _packaged(family: str) -> dict[Weight, Path]:
    """Files by weight of a family that a Python package ships; empty where it is not installed."""
    spec = find_spec(_PACKAGED[family])
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent / "files"
    stem = family.replace(" ", "")
    found = {weight: folder / f"{stem}-{face}.ttf" for weight, face in _FACES.items()}
    return found if all(path.is_file() for path in found.values()) else {}


@cache
def _characters() -> frozenset[int]:
    """Code points that every chosen face of the figures' font can draw."""
    return frozenset.intersection(
        *(frozenset(FT2Font(str(_face(weight))).get_charmap()) for weight in _FACES)
    )
