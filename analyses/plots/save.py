"""Figures to files: the same bytes for the same figure, text as text, fonts embedded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure

from analyses.plots.style import own_settings

Format = Literal["svg", "pdf", "png"]
FORMATS: tuple[Format, ...] = ("svg", "pdf", "png")

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "her2low",  # else element ids are drawn at random
    "pdf.fonttype": 42,  # TrueType, which journals can edit
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
    paths = []
    with own_settings(_SETTINGS):
        for form in formats:
            path = Path(folder) / f"{name}.{form}"
            figure.savefig(path, format=form, dpi=300, metadata=_metadata(form, alt))
            paths.append(path)
    return tuple(paths)


def _metadata(form: Format, alt: str) -> dict[str, Any]:
    """What a file says of itself: the alternative text, and neither clock nor program."""
    if form == "svg":
        return {"Date": None, "Creator": None} | ({"Description": alt} if alt else {})
    if form == "pdf":
        nothing = {"CreationDate": None, "Creator": None, "Producer": None}
        return nothing | ({"Subject": alt} if alt else {})
    return {"Software": None} | ({"Description": alt} if alt else {})
