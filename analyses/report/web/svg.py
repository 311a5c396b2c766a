"""A figure's SVG made fit to stand in a page: names of its own, no size, words for it."""

from __future__ import annotations

import re
from html import escape

TIME_AXIS = re.compile(r'id="time-axis_([0-9.eE+-]+)_([0-9.eE+-]+)"')
_HEAD = re.compile(r"<svg\b[^>]*>", re.S)
_VIEW_BOX = re.compile(r'viewBox="([^"]*)"')
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.S)
_STYLE = re.compile(r"<style[^>]*>\*(\{[^}]*\})</style>")
_NAMED = re.compile(r'\bid="([^"]+)"|url\(#([^)]+)\)|xlink:href="#([^"]+)"')


def inline(svg: str, name: str, alt: str) -> str:
    """The ``<svg>`` element alone, its ids beginning with the figure's name.

    Ids of two figures in one page would otherwise be the same; the element scales with the
    page; `alt` is read out in its place.
    """
    body = svg[_HEAD.search(svg).start() :]  # type: ignore[union-attr]
    head = _HEAD.match(body)
    assert head is not None
    box = _VIEW_BOX.search(head.group(0))
    assert box is not None
    opening = (
        f'<svg id="{escape(name)}-svg" class="figure" role="img" aria-label="{escape(alt)}" '
        f'viewBox="{box.group(1)}" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xmlns="http://www.w3.org/2000/svg">'
    )
    rest = _METADATA.sub("", body[head.end() :])
    rest = _STYLE.sub(rf"<style>#{name}-svg *\1</style>", rest)

    def renamed(found: re.Match[str]) -> str:
        plain, url, link = found.groups()
        if plain is not None:
            return f'id="{name}-{plain}"'
        return f"url(#{name}-{url})" if url is not None else f'xlink:href="#{name}-{link}"'

    return opening + _NAMED.sub(renamed, rest).strip()
