"""The bytes of a text file: digest, encoding, line ends, records; rewritten to UTF-8 if needed."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cohort.errors import DataError, Problem

_CHUNK = 1 << 23
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over a file's bytes tells.

    Attributes
    ----------
    sha256
        Digest of the bytes as they are.
    encoding
        ``utf-8``, ``utf-16``, or the single-byte ``cp1252`` or ``latin-1`` where the bytes are
        not UTF-8.
    line_ends
        ``one`` kind of line end, or ``mixed`` (a lone carriage return counts as mixed).
    n_lines
        Lines that are not empty.
    """

    sha256: str
    encoding: str
    line_ends: str
    n_lines: int

    @property
    def readable(self) -> bool:
        """Whether DuckDB can read the file as it is."""
        return self.encoding == "utf-8" and self.line_ends == "one"


def scan(path: Path, name: str) -> Scan:
    """Digest, encoding, kind of line end and number of lines of a text file.

    Raises
    ------
    DataError
        Where the file is empty or no text.
    """
    sha256 = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8 = western = True
    feeds = returns = pairs = lines = 0
    first = b""
    for piece in _pieces(path):
        first = first or piece[:64]
        sha256.update(piece)
        utf8 = utf8 and (piece.isascii() or _decodes(decoder, piece))
        western = western and (utf8 or _western(piece))
        feeds += piece.count(b"\n")
        returns += piece.count(b"\r")
        pairs += piece.count(b"\r\n")
        lines += _n_lines(piece)
    utf8 = utf8 and _decodes(decoder, b"", final=True)
    _refuse(name, first)
    encoding = _encoding(first, utf8, western)
    mixed = returns > pairs or (0 < pairs < feeds)
    return Scan(sha256.hexdigest(), encoding, "mixed" if mixed else "one", lines)


def digest(path: Path) -> str:
    """Digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_utf8(path: Path, name: str, seen: Scan, folder: Path) -> Path:
    """A copy of the file in UTF-8 with one kind of line end, in the folder given."""
    copy = folder / f"{path.stem}.utf8"
    try:
        with (
            path.open(encoding=seen.encoding, newline=None) as old,
            copy.open("w", encoding="utf-8", newline="\n") as new,
        ):
            while text := old.read(_CHUNK):
                new.write(text)
    except UnicodeError:
        found = f"is not {seen.encoding.upper()} throughout"
        raise DataError(Problem(name, found, advice="Save it as UTF-8.")) from None
    return copy


def _pieces(path: Path) -> Iterator[bytes]:
    """The file's bytes in pieces that end at a line's end."""
    rest = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            whole, feed, tail = (rest + chunk).rpartition(b"\n")
            rest = tail
            if feed:
                yield whole + feed
    if rest:
        yield rest


def _n_lines(piece: bytes) -> int:
    """Lines of a piece that are not empty."""
    if b"\n\n" in piece or b"\n\r\n" in piece or piece[:1] in (b"\n", b"\r"):
        return sum(bool(line.strip(b"\r")) for line in piece.split(b"\n"))
    return piece.count(b"\n") + (not piece.endswith(b"\n"))


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _western(piece: bytes) -> bool:
    """Whether the bytes are all defined in Windows-1252."""
    try:
        piece.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return True


def _encoding(first: bytes, utf8: bool, western: bool) -> str:
    if first.startswith(_UTF16):
        return "utf-16"
    if utf8:
        return "utf-8"
    return "cp1252" if western else "latin-1"


def _refuse(name: str, first: bytes) -> None:
    """Files that are no text by their first bytes."""
    if b"\0" in first and not first.startswith(_UTF16):
        raise DataError(Problem(name, "holds zero bytes, so it is no text", "CSV, TSV or Parquet"))
