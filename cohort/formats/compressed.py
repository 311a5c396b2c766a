"""Bytes of a file in pieces, decompressed where gzip compressed them, within bounds."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

from cohort.errors import DataError, Problem
from cohort.formats.kinds import GZIP
from cohort.table import Finding

_CHUNK = 1 << 20
# Registry files shrink to a tenth or a thirtieth; gzip's own limit is a thousandth, which only
# a file made to fill the disk comes near. Small files may be as even as they like.
_MOST_TIMES = 200
_FREE = 1 << 28


def is_gzip(path: Path) -> bool:
    """Whether the file begins as gzip's files do."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


class Pieces:
    """The bytes of a file, decompressed, in pieces; afterwards the digest of the file as given.

    Iterate once. `sha256` is known when the last piece is out.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Digest of the bytes read so far, as they are in the file."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._raw()
        return self._decompressed(pieces) if is_gzip(self._path) else pieces

    def _raw(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while piece := file.read(_CHUNK):
                self._digest.update(piece)
                yield piece

    def _decompressed(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """One member after another, as gzip allows them to be strung together."""
        member = zlib.decompressobj(wbits=31)
        read = made = 0
        for piece in pieces:
            read += len(piece)
            rest = piece
            while rest:
                if member.eof:
                    rest = rest.lstrip(b"\0")  # tapes pad with zero bytes
                    if not rest:
                        break
                    member = zlib.decompressobj(wbits=31)
                out = self._inflated(member, rest)
                made += len(out)
                self._bounded(read, made)
                if out:
                    yield out
                rest = member.unused_data if member.eof else member.unconsumed_tail
        if tail := member.flush():
            made += len(tail)
            yield tail
        if not member.eof:
            found = f"is cut short: its compressed data end early, after {made:,} bytes of text"
            raise DataError(Problem(self._name, found, advice="Copy or download it again."))

    def _inflated(self, member: zlib._Decompress, rest: bytes) -> bytes:
        try:
            return member.decompress(rest, 4 * _CHUNK)
        except zlib.error as error:
            found = f"is damaged: {error}"
            raise DataError(Problem(self._name, found, advice="Copy it again.")) from None

    def _bounded(self, read: int, made: int) -> None:
        """Refuse what grows without end."""
        if made > max(_FREE, _MOST_TIMES * read):
            raise DataError(
                Problem(
                    self._name,
                    f"grows to more than {_MOST_TIMES} times its size when decompressed",
                    f"up to {_MOST_TIMES} times",
                    "No registry file does: if you trust it, decompress it yourself first.",
                )
            )


def unpacked(path: Path, name: str, folder: Path) -> tuple[Path, str]:
    """A file written out decompressed, in the folder given; and the digest of the one given.

    Raises
    ------
    DataError
        Where it is damaged, cut short, or grows out of all proportion.
    """
    target = folder / "unpacked"
    pieces = Pieces(path, name)
    with target.open("wb") as file:
        for piece in pieces:
            file.write(piece)
    return target, pieces.sha256


def unpacked_finding(role: str, n_lines: int) -> Finding:
    """A note that a file was compressed."""
    advice = "The file was decompressed before it was read."
    return Finding("info", role, "", "gzip", "compressed", n_lines, advice, "line")
