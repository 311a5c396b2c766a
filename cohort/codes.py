"""Code tables: what each code of a registry's field means, read from ``codes/<field>.csv``."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cohort.errors import Problem, SpecError, listed, suggest

CodeKind = Literal["value", "interval", "missing", "obsolete", "uncertain"]

COLUMNS = ("code", "kind", "value", "low", "high", "meaning", "verified", "source")
KINDS: tuple[CodeKind, ...] = ("value", "interval", "missing", "obsolete", "uncertain")
VERIFIED = ("yes", "partly", "derived", "memory")
FOLDER = Path(__file__).parent / "dictionaries" / "codes"

_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
_NUMBER = re.compile(r"[-+]?[0-9]+([.][0-9]+)?")


@dataclass(frozen=True, slots=True)
class Code:
    """One code and what it stands for.

    A range of whole-number codes is written ``8000-9993``; ``C50*`` is every code that begins
    so and has no row of its own or of a more exact beginning; ``?`` there is any character.

    Attributes
    ----------
    code
        As the field is written; letters match in either case.
    kind
        ``value``, ``interval`` (bounds instead of a number), ``missing``, ``obsolete``
        (an older code that still has a value or bounds), or ``uncertain`` (more than one value
        is meant, such as a score of ``0-1+``: nothing is chosen).
    value
        The canonical value; for a missing code, the kind of missing; empty where uncertain.
    low, high
        Bounds of an interval; None where it is open.
    meaning, verified, source
        What the code book says, whether that was checked there, and which book it is.
    """

    code: str
    kind: CodeKind
    value: str
    low: float | None
    high: float | None
    meaning: str
    verified: str
    source: str

    @property
    def bounds(self) -> tuple[int, int] | None:
        """First and last code of a range, None for a single code."""
        match = _RANGE.fullmatch(self.code)
        return None if match is None else (int(match[1]), int(match[2]))

    @property
    def beginning(self) -> str | None:
        """What codes of this row begin with, in small letters; None for a single code."""
        return self.code[:-1].lower() if self.code.endswith("*") else None

    @property
    def outcome(self) -> str:
        """How a patient with this code is counted."""
        if self.kind == "missing":
            return f"missing:{self.value}"
        bounded = self.low is not None or self.high is not None
        return "interval" if bounded else self.kind


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The codes of one field, and the digest of the file that states them."""

    name: str
    codes: tuple[Code, ...]
    sha256: str

    @property
    def ranges(self) -> tuple[Code, ...]:
        """Codes that stand for every whole number between two."""
        return tuple(code for code in self.codes if code.bounds is not None)


def code_path(name: str, folder: Path | None = None) -> Path:
    """The file of a code table: beside the user's dictionary, else among the package's.

    Raises
    ------
    SpecError
        Where neither has it, with the nearest name that exists.
    """
    folders = [FOLDER] if folder is None else [folder, FOLDER]
    for place in folders:
        path = place / f"{name}.csv"
        if path.is_file():
            return path
    known = sorted({path.stem for place in folders for path in place.glob("*.csv")})
    raise SpecError(
        Problem(
            f"codes '{name}'",
            f"no file {name}.csv",
            f"Code tables: {listed(known)}",
            suggest(name, known),
        )
    )


def read_codes(path: Path) -> CodeTable:
    """The code table in a file.

    Raises
    ------
    SpecError
        With file and line for every row that is not as it must be.
    """
    content = path.read_bytes()
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise SpecError(
            Problem(f"{path.name}:1", "headings differ", f"Headings: {','.join(COLUMNS)}")
        )
    problems: list[Problem] = []
    codes: dict[str, Code] = {}
    for line, row in enumerate(rows[1:], start=2):
        wrong = _wrong(row, codes)
        if wrong:
            problems.append(Problem(f"{path.name}:{line}", wrong[0], wrong[1]))
        else:
            code = _code(dict(zip(COLUMNS, row, strict=True)))
            codes[code.code.lower()] = code
    if problems:
        raise SpecError(problems)
    return CodeTable(path.stem, tuple(codes.values()), hashlib.sha256(content).hexdigest())


def _wrong(row: list[str], known: dict[str, Code]) -> tuple[str, str] | None:
    """What is wrong with a row, and what is allowed."""
    if len(row) != len(COLUMNS):
        return f"{len(row)} fields", f"Fields: {len(COLUMNS)}"
    code, kind, value, low, high, _, verified, _ = row
    bad = next((text for text in (low, high) if text and not _NUMBER.fullmatch(text)), None)
    checks = (
        (not code or code.lower() in known, f"code '{code}' is empty or repeated", ""),
        (kind not in KINDS, f"kind '{kind}'", f"Kinds: {listed(KINDS)}"),
        (verified not in VERIFIED, f"verified '{verified}'", f"Marks: {listed(VERIFIED)}"),
        (bad is not None, f"bound '{bad}' is not a number", ""),
        (kind == "interval" and not (low or high), "an interval without a bound", ""),
        (kind in ("value", "missing") and not value, f"a {kind} code without a value", ""),
        (kind == "obsolete" and not (value or low or high), "an obsolete code means nothing", ""),
        (kind == "uncertain" and bool(value or low or high), "an uncertain code with a value", ""),
    )
    return next(((found, allowed) for wrong, found, allowed in checks if wrong), None)


def _code(row: dict[str, str]) -> Code:
    """A checked row."""
    bound = {name: float(row[name]) if row[name] else None for name in ("low", "high")}
    kinds = {str(kind): kind for kind in KINDS}
    return Code(
        row["code"], kinds[row["kind"]], row["value"], bound["low"], bound["high"],
        row["meaning"], row["verified"], row["source"],
    )  # fmt: skip
