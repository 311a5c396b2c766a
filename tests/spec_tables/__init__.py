"""Worked patients as tables: what a source writes of them, and what must become of each.

A table is a CSV file of this folder. Lines that begin with ``#`` stand first and are YAML:

``title``
    Heading of the table in the reference (docs/her2_rules.md or docs/endpoints.md).
``says``
    What it shows, one or two sentences.
``source``
    The dictionary that reads the columns, or ``canonical``: they are canonical columns already.
``time``
    ``days`` (as where not given) or ``months``, for canonical columns.
``endpoints``
    Endpoints to make, as in a study file: ``[{id: os, kind: OS}]``.
``batch``
    ``alone`` where the table may not be read together with the others of its source (a column
    that is absent means something else there than one that is blank).

Then the columns. ``patient`` names each patient; a line whose name is blank goes on with the one
above (another specimen, tumour or event). ``edition`` and ``policies`` (``E1: low; E3: exclude``)
are those of `classify_her2`, and of `index_specimen` where the source has specimens; the order
``E10: closest`` looks before ``metastasis_day``. A heading ``-> her2_status`` is what must come
out, blank where it must be missing; ``why`` is for the reader. Every other column is a heading of
the source's main file, or, with the role before it (``cdr.DSS``), of another; of canonical columns
those of a specimen or an event stand behind ``specimens.`` and ``events.``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cohort.dictionary import SourceDictionary

FOLDER = Path(__file__).parent
CANONICAL = "canonical"
EXPECTED = "-> "
_OPTIONS = ("patient", "edition", "policies", "why")
_HEADER = {"title", "says", "source", "time", "endpoints", "batch"}


@dataclass(frozen=True)
class SpecTable:
    """One table of worked patients, as written."""

    name: str
    title: str
    says: str
    source: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    time: str = "days"
    endpoints: tuple[Mapping[str, Any], ...] = ()
    alone: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        """Headings of the source."""
        return tuple(c for c in self.columns if c not in _OPTIONS and not c.startswith(EXPECTED))

    @property
    def expected(self) -> tuple[str, ...]:
        """Canonical columns that are looked at."""
        return tuple(c.removeprefix(EXPECTED) for c in self.columns if c.startswith(EXPECTED))

    @property
    def patients(self) -> tuple[Mapping[str, str], ...]:
        """The first line of each patient."""
        return tuple(row for row in self.rows if row["patient"])


@dataclass(frozen=True)
class Batch:
    """Tables of one source that are read together; patients are named ``table:patient``."""

    source: str
    tables: tuple[SpecTable, ...]
    time: str = "days"
    options: Mapping[str, tuple[int, Mapping[str, str]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of a test."""
        return "+".join(table.name for table in self.tables)

    @property
    def endpoints(self) -> tuple[Mapping[str, Any], ...]:
        """The endpoints of every table, each once."""
        made = {spec["id"]: spec for table in self.tables for spec in table.endpoints}
        for table in self.tables:
            assert all(made[spec["id"]] == spec for spec in table.endpoints), table.name
        return tuple(made.values())

    def files(self) -> dict[str, tuple[list[str], list[list[str]]]]:
        """Headings and rows of each file of the source, by role."""
        dictionary = SourceDictionary.load(self.source)
        headings: dict[str, list[str]] = {}
        for table in self.tables:
            for column in table.given:
                role, heading = _split(column, dictionary)
                known = headings.setdefault(role, [dictionary.files[role].key[0]])
                if heading not in known:
                    known.append(heading)
        return {
            role: (
                known,
                [row for table in self.tables for row in _rows(table, role, known, dictionary)],
            )
            for role, known in headings.items()
        }

    def canonical(self, records: str = "") -> dict[str, list[str]]:
        """Columns of patients, specimens or events written in canonical columns."""
        before = f"{records}." if records else ""
        every = dict.fromkeys(name for table in self.tables for name in table.given)
        names = [n for n in every if (n.startswith(before) if records else "." not in n)]
        found: dict[str, list[str]] = {"patient_id": []}
        found |= {name.removeprefix(before): [] for name in names}
        for table in self.tables:
            patient = ""
            for row in table.rows:
                first, patient = bool(row["patient"]), row["patient"] or patient
                if any(row.get(name) for name in names) if records else first:
                    found["patient_id"].append(f"{table.name}:{patient}")
                    for name in names:
                        found[name.removeprefix(before)].append(row.get(name, ""))
        return found


@cache
def read_all() -> tuple[SpecTable, ...]:
    """Every table of the folder."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.csv")))


def each() -> tuple[Batch, ...]:
    """A batch for each table."""
    return tuple(_batch([table]) for table in read_all())


def together() -> tuple[Batch, ...]:
    """As few batches as there can be: one for each source and set of files."""
    groups: dict[tuple[str, ...], list[SpecTable]] = {}
    for table in read_all():
        roles = sorted({column.partition(".")[0] for column in table.given if "." in column})
        alone = table.name if table.alone else ""
        ends = "endpoints" if table.endpoints else ""
        groups.setdefault((table.source, table.time, alone, ends, *roles), []).append(table)
    return tuple(_batch(tables) for tables in groups.values())


def option(row: Mapping[str, str]) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Edition and policies of a patient."""
    pairs = [part.partition(":") for part in row.get("policies", "").split(";") if part.strip()]
    chosen = tuple((name.strip(), choice.strip()) for name, _, choice in pairs)
    return int(row.get("edition") or 2018), chosen


def _read(path: Path) -> SpecTable:
    lines = path.read_text(encoding="utf-8").splitlines()
    n = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    header = yaml.safe_load(
        "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[:n])
    )
    assert set(header) <= _HEADER, f"{path.name}: {set(header) - _HEADER}"
    cells = list(csv.reader(lines[n:]))
    columns = tuple(cells[0])
    assert len(set(columns)) == len(columns), f"{path.name}: a heading stands twice"
    assert all(len(row) == len(columns) for row in cells), f"{path.name}: ragged"
    rows = tuple(dict(zip(columns, row, strict=True)) for row in cells[1:])
    names = [row["patient"] for row in rows if row["patient"]]
    assert len(set(names)) == len(names), f"{path.name}: a patient stands twice"
    return SpecTable(
        path.stem, header["title"], header["says"], header["source"], columns, rows,
        header.get("time", "days"), tuple(header.get("endpoints", ())),
        header.get("batch") == "alone",
    )  # fmt: skip


def _batch(tables: Sequence[SpecTable]) -> Batch:
    options = {
        f"{table.name}:{row['patient']}": (option(row)[0], dict(option(row)[1]))
        for table in tables
        for row in table.patients
    }
    return Batch(tables[0].source, tuple(tables), tables[0].time, options)


def _split(column: str, dictionary: SourceDictionary) -> tuple[str, str]:
    """Role and heading of a column."""
    role, dot, heading = column.partition(".")
    return (role, heading) if dot and role in dictionary.own_files else (dictionary.main, column)


def _rows(
    table: SpecTable, role: str, headings: Sequence[str], dictionary: SourceDictionary
) -> Iterator[list[str]]:
    """Rows of one file: a patient's first of the main file, else those that say something."""
    patient = ""
    for row in table.rows:
        first = bool(row["patient"])
        patient = row["patient"] or patient
        said = {h: row[c] for c in table.given for r, h in [_split(c, dictionary)] if r == role}
        if any(said.values()) or (first and role == dictionary.main):
            yield [f"{table.name}:{patient}", *(said.get(h, "") for h in headings[1:])]
