"""Pages to PDF by Typst: chosen fonts only, no clock, tagged and accessible (PDF/UA-1)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from analyses.plots.style import font_files


def typeset(data: dict[str, Any], figures: Sequence[Path], work: Path) -> bytes:
    """The PDF's bytes: the same for the same data, figures and fonts.

    `work` is an empty folder of the caller's: template, data, figures and fonts are laid out
    in it, so that nothing outside of it, and no system font, can change a page.
    """
    (work / "figures").mkdir()
    (work / "fonts").mkdir()
    for figure in figures:
        shutil.copyfile(figure, work / "figures" / figure.name)
    for font in font_files():
        shutil.copyfile(font, work / "fonts" / font.name)
    template = files("analyses.report").joinpath("report.typ").read_text(encoding="utf-8")
    (work / "report.typ").write_text(template, encoding="utf-8")
    shown = visible(data)
    (work / "data.json").write_text(json.dumps(shown, ensure_ascii=False), encoding="utf-8")
    pdf: bytes = typst.compile(
        str(work / "report.typ"),
        root=str(work),
        font_paths=[str(work / "fonts")],
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
        timestamp=0,
    )
    return pdf


def visible(value: Any) -> Any:
    """The value with every character that no chosen font has as a visible escape."""
    if isinstance(value, str):
        known = _characters()
        return "".join(c if ord(c) in known else f"\\u{{{ord(c):04x}}}" for c in value)
    if isinstance(value, dict):
        return {key: visible(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [visible(item) for item in value]
    return value


def unprintable(text: str) -> tuple[str, ...]:
    """Characters of the text that no chosen font has, each once."""
    return tuple(dict.fromkeys(c for c in text if ord(c) not in _characters()))


@cache
def _characters() -> frozenset[int]:
    """Code points that every chosen font can draw, and the white space that none needs to."""
    from fontTools.ttLib import TTFont

    drawn: list[set[int]] = []
    for path in font_files():
        with TTFont(path, lazy=True) as font:
            drawn.append(set(font.getBestCmap()))
    return frozenset(set.intersection(*drawn) | {0x09, 0x0A, 0x20})
