"""Patients of NAACCR XML as machines write it: nothing but elements and text, one after another.

Such text is cut by patterns, which is faster than a call for every element. Every tag of it must
be accounted for, or it is not cut; and expat still reads every byte and decides whether it is XML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.parsers import expat

# Attributes and text of each item that one patient or tumour states.
Items = list[tuple[str, str]]
# Items of a patient, and of each tumour.
Patient = tuple[Items, list[Items]]

_SMALL = 1 << 16  # bytes whose items the processor's cache holds
FIRST, LAST = b"<Patient", b"</Patient>"
_ITEM = re.compile(r"<Item ([^<>]*)>([^<]*)</Item>")
_EMPTY = re.compile(r"<Item ([^<>]*)/>")
_REFERENCE = re.compile(r"&(#x[0-9a-fA-F]+|#[0-9]+|lt|gt|amp|apos|quot);")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "apos": "'", "quot": '"'}


def plain_patients(piece: bytes) -> list[Patient] | None:
    """Items of each patient of a piece; None where it holds anything but whole plain patients."""
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    before, *patients = text.split("<Patient>")
    found = [_patient(patient) for patient in patients]
    whole = [patient for patient in found if patient is not None]
    return None if before.strip() or len(whole) < len(found) else whole


def _patient(text: str) -> Patient | None:
    """What follows one beginning of a patient, up to the next."""
    inside, end, after = text.partition("</Patient>")
    own, *tumours = inside.split("<Tumor>")
    parts = [_items(own)]
    for tumour in tumours:
        items, closed, between = tumour.partition("</Tumor>")
        if not closed or between.strip():
            return None
        parts.append(_items(items))
    whole = [items for items in parts if items is not None]
    if not end or after.strip() or len(whole) < len(parts):
        return None
    return whole[0], whole[1:]


def _items(text: str) -> Items | None:
    """Attributes and text of items, where there is no other tag."""
    items = _ITEM.findall(text)
    n_tags = 2 * len(items)
    if "/>" in text:
        empty = _EMPTY.findall(text)
        n_tags += len(empty)
        items += [(kind, "") for kind in empty]
    if text.count("<") != n_tags:
        return None
    if "&" in text:
        return [(kind, _REFERENCE.sub(_letter, value)) for kind, value in items]
    return items


def attributes_of(written: str) -> list[str] | None:
    """Names and values of attributes, in turn; None where name spaces have a part in them."""
    if "xmlns" in written:
        return None
    found: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.ordered_attributes = True
    parser.StartElementHandler = lambda _, attributes: found.extend(attributes)
    try:
        parser.Parse(f"<Item {written}/>", True)
    except expat.ExpatError:
        return None
    return found


def _letter(found: re.Match[str]) -> str:
    name = found[1]
    if not name.startswith("#"):
        return _NAMED[name]
    return chr(int(name[2:], 16) if name[1] == "x" else int(name[1:]))


def by_patients(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The same bytes in small pieces that end where a patient does, where one does in reach.

    What comes before the first patient is a piece of its own.
    """
    rest, begun = b"", False
    for piece in pieces:
        rest += piece
        at = 0
        if not begun and (first := rest.find(FIRST)) >= 0:
            begun, at = True, first
            yield rest[:first]
        while begun and (end := rest.find(LAST, at + _SMALL) + len(LAST)) >= len(LAST):
            yield rest[at:end]
            at = end
        rest = rest[at:]
        if len(rest) > most:
            yield rest
            rest = b""
    yield rest
