"""What kind of file this is, told from its first bytes and never from the ending of its name."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import Literal

from cohort.errors import DataError, Problem

Kind = Literal["parquet", "workbook", "xml", "text"]

GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"
_HEAD = 4096
_READ = "CSV, TSV, NAACCR XML (each also compressed by gzip), Excel .xlsx, Parquet"
# First bytes of files that hold no table we read, and what to do about each.
_REFUSED = (
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook (.xls), or one with a password",
        "Save it as .xlsx without a password, or as CSV.",
    ),
    (b"%PDF", "a PDF", "Export the table as CSV."),
    (b"$FL2", "an SPSS file", "Export the table as CSV."),
    (b"<stata_dta>", "a Stata file", "Export the table as CSV."),
    (b"BZh", "compressed by bzip2", "Decompress it, or compress it by gzip."),
    (b"\xfd7zXZ", "compressed by xz", "Decompress it, or compress it by gzip."),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", "Decompress it, or compress it by gzip."),
    (b"version https://git-lfs", "a pointer of Git LFS, not the data", "Fetch the file itself."),
)
_XML = re.compile(
    r"\s*(<\?xml|<!DOCTYPE|<!--|<([A-Za-z_][\w.-]*:)?NaaccrData|<html)", re.IGNORECASE
)


def kind_of(path: Path, name: str) -> Kind:
    """Kind of a file; one compressed by gzip is of the kind of what it holds.

    Raises
    ------
    DataError
        Where it is empty, or of a kind that is not read.
    """
    with path.open("rb") as file:
        first = file.read(_HEAD)
    if first.startswith(GZIP):
        first = _inside(first)
    if not first:
        raise DataError(Problem(name, "the file is empty", advice="Was its download complete?"))
    for signature, what, advice in _REFUSED:
        if first.startswith(signature):
            raise DataError(Problem(name, f"is {what}", _READ, advice))
    if first.startswith(_PARQUET):
        return "parquet"
    if first.startswith(_ZIP):
        return _workbook(path, name)
    return "xml" if _XML.match(_text(first)) else "text"


def _inside(first: bytes) -> bytes:
    """The first bytes of what gzip compressed; none where there are none."""
    try:
        return zlib.decompressobj(wbits=31).decompress(first, _HEAD)
    except zlib.error:
        return first


def _workbook(path: Path, name: str) -> Kind:
    """A workbook, or a refusal of another kind of archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = set(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        found = "is a damaged ZIP archive or Excel workbook"
        raise DataError(Problem(name, found, _READ, "Was its download complete?")) from None
    if "xl/workbook.xml" in inside:
        return "workbook"
    if "xl/workbook.bin" in inside:
        found, advice = "is a binary Excel workbook (.xlsb)", "Save it as .xlsx or CSV."
    else:
        found, advice = "is a ZIP archive", "Unpack it, and give the file that it holds."
    raise DataError(Problem(name, found, _READ, advice))


def _text(first: bytes) -> str:
    """The first characters, whatever the encoding: enough to see whether it is XML."""
    return first.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").decode("latin-1")
