"""The report's fonts as part of a page, cut down to the characters that it shows."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from analyses.plots.style import font_files

_FAMILIES = (("SourceSans", "Source Sans Pro"), ("SourceSerif", "Source Serif Pro"))
_WEIGHTS = (("Semibold", 600), ("Bold", 700), ("Regular", 400))


def font_faces(text: str) -> str:
    """``@font-face`` rules that hold the fonts themselves, with the characters of the text.

    The same bytes for the same characters: tables that tell a time keep that of the font.
    """
    unicodes = set(map(ord, set(text))) | set(range(0x20, 0x7F))
    return "\n".join(_face(path, unicodes) for path in font_files())


def _face(path: Path, unicodes: set[int]) -> str:
    family = next((name for stem, name in _FAMILIES if path.stem.startswith(stem)), path.stem)
    weight = next((w for name, w in _WEIGHTS if name.lower() in path.stem.lower()), 400)
    data = base64.b64encode(_subset(path, unicodes)).decode("ascii")
    return (
        f'@font-face{{font-family:"{family}";font-weight:{weight};'
        f'src:url(data:font/woff;base64,{data}) format("woff")}}'
    )


def _subset(path: Path, unicodes: set[int]) -> bytes:
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options(flavor="woff", layout_features=["kern"], notdef_outline=True)
    # Only pairs of letters are kept of what a font says of layout; the rest takes half a second a
    # font to be read, and is left out unread.
    options.drop_tables += ["GSUB", "GDEF", "BASE"]
    with TTFont(path, recalcTimestamp=False, lazy=True) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=unicodes)
        cutter.subset(font)
        font.flavor = "woff"
        made = io.BytesIO()
        font.save(made)
    return made.getvalue()
