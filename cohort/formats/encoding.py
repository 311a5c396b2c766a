"""The bytes of a text file: digest, encoding, line ends, records; rewritten to UTF-8 if needed."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cohort.errors import DataError, Problem

_CHUNK = 1 << 23
_LONGEST = 1 << 24  # bytes without a line end that are kept in memory
LONG = 500_000  # bytes of a line that no table of patients needs
_FIRST = 256  # bytes that tell an encoding
# The mark at the beginning of a file, the longest first, as one begins with another.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over a file's bytes tells.

    Attributes
    ----------
    sha256
        Digest of the bytes as they are.
    encoding
        ``utf-8``, ``utf-16``, ``utf-16-le`` or ``utf-16-be`` (without the mark at the
        beginning), ``utf-32``, or the single-byte ``cp1252`` or ``latin-1`` where the bytes
        are not UTF-8.
    line_ends
        ``one`` kind of line end, or ``mixed`` (a lone carriage return counts as mixed); not told
        of encodings of several bytes a letter.
    n_lines
        Lines that are not empty.
    ends
        Whether the last line has a line end.
    long_lines
        Lines, counted from 1, that are longer than those of any table of patients.
    """

    sha256: str
    encoding: str
    line_ends: str
    n_lines: int
    ends: bool
    long_lines: tuple[int, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether DuckDB can read the file as it is."""
        return self.encoding == "utf-8" and self.line_ends == "one"


def scan(path: Path, name: str) -> Scan:
    """Digest, encoding, kind of line end and number of lines of a text file.

    Raises
    ------
    DataError
        Where it is no text, with the line of the first zero byte.
    """
    sha256 = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8 = western = True
    wide, first, last = "", b"", b""
    feeds = returns = pairs = lines = 0
    long: list[int] = []
    for piece in _pieces(path):
        if not first:
            first = piece[:_FIRST]
            wide = _wide(first)
        sha256.update(piece)
        if not wide and b"\0" in piece:
            _refuse(name, lines + piece[: piece.index(b"\0")].count(b"\n") + 1)
        utf8 = utf8 and (piece.isascii() or _decodes(decoder, piece))
        western = western and (utf8 or _western(piece))
        long += [feeds + 1 + piece.count(b"\n", 0, at) for at in _long_lines(piece)]
        feeds += piece.count(b"\n")
        # Pairs of bytes take far longer to find than single ones.
        if own := piece.count(b"\r"):
            returns += own
            pairs += piece.count(b"\r\n")
        lines += _n_lines(piece, own > 0)
        last = piece[-4:]
    utf8 = utf8 and _decodes(decoder, b"", final=True)
    encoding = wide or ("utf-8" if utf8 else "cp1252" if western else "latin-1")
    mixed = not wide and (returns > pairs or 0 < pairs < feeds)
    ends = b"\n" in last if wide else last.endswith((b"\n", b"\r"))
    kind = "mixed" if mixed else "one"
    return Scan(sha256.hexdigest(), encoding, kind, lines, ends, tuple(long))


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
    """The file's bytes in pieces that end at a line's end, where there is any in reach."""
    rest = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            whole, feed, tail = (rest + chunk).rpartition(b"\n")
            rest = tail
            if feed:
                yield whole + feed
            if len(rest) > _LONGEST:
                yield rest
                rest = b""
    if rest:
        yield rest


def _long_lines(piece: bytes) -> Iterator[int]:
    """Where the long lines of a piece begin; of the others few line ends are looked at."""
    start = 0
    while len(piece) - start > LONG:
        end = piece.rfind(b"\n", start, start + LONG + 1)
        if end < 0:
            yield start
            end = piece.find(b"\n", start)
        if end < 0:
            return
        start = end + 1


def _n_lines(piece: bytes, returns: bool) -> int:
    """Lines of a piece that are not empty."""
    empty = b"\n\n" in piece or (returns and b"\n\r\n" in piece)
    if empty or piece[:1] in (b"\n", b"\r"):
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


def _wide(first: bytes) -> str:
    """The encoding of several bytes a letter that a file's first bytes tell; else empty."""
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return encoding
    # Most letters of a table are ASCII, of which UTF-16 writes every other byte as zero.
    even, odd = first[::2].count(0), first[1::2].count(0)
    if max(even, odd) * 4 < len(first) or min(even, odd):
        return ""
    return "utf-16-be" if even else "utf-16-le"


def _refuse(name: str, line: int) -> NoReturn:
    found = "a zero byte: the file is damaged or no text"
    advice = "Copy or export it again."
    raise DataError(Problem(f"{name} line {line}", found, "CSV, TSV or Parquet", advice))
