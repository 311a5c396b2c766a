"""Figures to files: the same bytes for the same figure, text as text, fonts embedded."""

from __future__ import annotations

import io
import shutil
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure

from analyses.plots.style import font_files, own_settings

Format = Literal["svg", "pdf", "png"]
FORMATS: tuple[Format, ...] = ("svg", "pdf", "png")

DOTS = 300  # an inch
# One figure is the page; the alternative text is the document's description, and the picture's.
_PAGE = """#let alt = sys.inputs.alt
#set document(description: if alt != "" { alt } else { none }, date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image("figure.svg", alt: if alt != "" { alt } else { none })
"""
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "her2low",  # else element ids are drawn at random
    "path.simplify": False,  # a curve in a vector file has all its steps
}


def save_figure(
    figure: Figure, folder: Path, name: str, formats: Sequence[Format] = FORMATS, alt: str = ""
) -> tuple[Path, ...]:
    """The files of a figure: ``<name>.svg``, ``.pdf`` and ``.png`` (300 dots an inch) in `folder`.

    Two saves of one figure give the same bytes: no date, no program's version, no random id. In
    vector files text is text (SVG) or embedded TrueType (PDF), so that it can be searched and
    edited. The folder must exist.

    Parameters
    ----------
    alt
        The words that stand in for the figure, kept in the files' own description.

    Raises
    ------
    ValueError
        For a format other than these three.
    """
    unknown = [form for form in formats if form not in FORMATS]
    if unknown:
        raise ValueError(f"figures are saved as {', '.join(FORMATS)}, not as {unknown[0]!r}")
    drawing = _drawing(figure, alt)
    paths = []
    for form in formats:
        path = Path(folder) / f"{name}.{form}"
        path.write_bytes(drawing if form == "svg" else _converted(drawing, form, alt))
        paths.append(path)
    return tuple(paths)


def _drawing(figure: Figure, alt: str) -> bytes:
    """The figure as SVG, whose fonts are those of `font_files`."""
    # What a file says of itself: the alternative text, and neither clock nor program.
    about = {"Date": None, "Creator": None} | ({"Description": alt} if alt else {})
    made = io.BytesIO()
    with own_settings(_SETTINGS):
        figure.savefig(made, format="svg", metadata=about)
    return made.getvalue()


def _converted(drawing: bytes, form: Literal["pdf", "png"], alt: str) -> bytes:
    """The drawing as PDF, or as pixels.

    By Typst, as in a report's pages: a tenth of the time of matplotlib's own writers, which lay
    out the figure anew and take their fonts apart for each file.
    """
    import typst

    with tempfile.TemporaryDirectory() as work:
        for font in font_files():
            shutil.copyfile(font, Path(work) / font.name)
        (Path(work) / "figure.svg").write_bytes(drawing)
        page = Path(work) / "figure.typ"
        page.write_text(_PAGE, encoding="utf-8")
        made: bytes = typst.compile(
            str(page),
            root=work,
            font_paths=[work],
            ignore_system_fonts=True,
            format=form,
            ppi=float(DOTS),
            timestamp=0,
            sys_inputs={"alt": alt},
        )
    return made if form == "pdf" else _described(made, alt)


def _described(png: bytes, alt: str) -> bytes:
    """The picture with its dots an inch and its alternative text."""
    per_metre = round(DOTS / 0.0254)
    own = _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
    if alt:
        own += _chunk(b"iTXt", b"Description\0\0\0\0\0" + alt.encode("utf-8"))
    head = 8 + 25  # the signature and the first chunk, IHDR
    return png[:head] + own + png[head:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A piece of a PNG file."""
    whole = kind + content
    return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))
