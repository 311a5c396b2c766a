"""NAACCR XML: one row a tumour, the patient's items repeated, read once in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cohort.errors import DataError, Problem
from cohort.formats.compressed import Pieces
from cohort.formats.naaccr_parser import NaaccrParser, Values
from cohort.formats.opened import Given, Opened
from cohort.headings import position
from cohort.table import Finding

if TYPE_CHECKING:
    import narwhals as nw

    from cohort.table import Engine

_BATCH = 8_192  # tumours written at a time
_BYTES = 1 << 26  # of the file, after which those that there are are written


def open_xml(given: Given) -> Opened:
    """A NAACCR XML file, also one compressed by gzip.

    Headings are the XML names of its items; an item that only has a number is called by the
    name that belongs to it, or by the number. The file is parsed once: items that the
    dictionary names go, a batch of tumours at a time, to a file in the folder given, and are
    taken into the engine from there.

    Raises
    ------
    DataError
        Where the file is malformed, ends too early, declares a document type, or holds no
        tumour; with line, column and the patient's ordinal.
    """
    pieces = Pieces(given.path, given.name)
    parser = NaaccrParser(given.name, lambda heading: _kept(heading, given.wanted))
    store = _Store(given.folder)
    taken = 0

    def take() -> None:
        nonlocal taken
        if len(parser.tumours) >= _BATCH or parser.n_bytes - taken >= _BYTES:
            store.add(parser.tumours, len(parser.slots))
            parser.tumours.clear()
            taken = parser.n_bytes

    parser.feed(pieces, take)
    store.add(parser.tumours, len(parser.slots))
    store.close()
    if not store.n_rows:
        found = f"{parser.n_patients:,} patients and no tumour"
        raise DataError(Problem(given.name, found, advice="Was its export complete?"))
    headings = tuple(parser.headings)
    slots = dict(parser.slots)

    def read(engine: Engine, columns: Sequence[int]) -> tuple[nw.LazyFrame[Any], int]:
        return engine.read_batches(store.batches({at: slots[headings[at]] for at in columns}))

    return Opened(
        given.role, given.name, headings, pieces.sha256, read, _findings(given.role, parser, store)
    )


def _kept(heading: str, wanted: Sequence[str]) -> bool:
    """Whether the dictionary names an item."""
    return any(position(name, (heading,)) is not None for name in wanted)


class _Store:
    """Tumours on disk as Parquet, in parts: a new one whenever a new kind of item appears."""

    def __init__(self, folder: Path) -> None:
        self.n_rows = 0
        self._folder = folder
        self._parts: list[Path] = []
        self._width = -1
        self._writer: pq.ParquetWriter | None = None

    def add(self, tumours: Sequence[Values], width: int) -> None:
        """Write tumours; those read before the last kind of item appeared lack its place."""
        if not tumours:
            return
        for tumour in tumours:
            tumour += [""] * (width - len(tumour))
        if self._writer is None or width > self._width:
            self.close()
            self._parts.append(self._folder / f"part{len(self._parts)}.parquet")
            self._width = width
            schema = pa.schema([(f"s{slot}", pa.string()) for slot in range(width)])
            self._writer = pq.ParquetWriter(self._parts[-1], schema)
        self._writer.write_batch(pa.record_batch(_columns(tumours), schema=self._writer.schema))
        self.n_rows += len(tumours)

    def close(self) -> None:
        """Finish the part that is being written."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def batches(self, slots: dict[int, int]) -> pa.RecordBatchReader:
        """Every tumour, a batch at a time: columns ``c`` and the place, each from its slot."""
        schema = pa.schema([(f"c{place}", pa.string()) for place in slots])
        return pa.RecordBatchReader.from_batches(schema, self._rows(schema, list(slots.values())))

    def _rows(self, schema: pa.Schema, slots: Sequence[int]) -> Iterator[pa.RecordBatch]:
        for part in self._parts:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(_BATCH):
                    known = batch.num_columns
                    missing = pa.nulls(batch.num_rows, pa.string())
                    arrays = [batch.column(s) if s < known else missing for s in slots]
                    yield pa.record_batch(arrays, schema=schema)


def _columns(tumours: Sequence[Values]) -> list[pa.Array]:
    """The texts of each slot, null where empty."""
    width = len(tumours[0])
    flat = list(chain.from_iterable(tumours))
    return [_column(flat[slot::width]) for slot in range(width)]


def _column(texts: list[str]) -> pa.Array:
    """Texts joined once and cut by NumPy: text by text, Arrow takes longer than expat."""
    n = len(texts)
    # No text of an XML file can hold the character in between.
    joined = "\0".join(texts).encode() + b"\0"
    offsets = np.zeros(n + 1, np.int32)
    offsets[1:] = np.flatnonzero(np.frombuffer(joined, np.uint8) == 0) - np.arange(n)
    present = np.packbits(np.diff(offsets) > 0, bitorder="little")
    buffers = [pa.py_buffer(piece) for piece in (present, offsets, joined.replace(b"\0", b""))]
    return pa.Array.from_buffers(pa.string(), n, buffers)


def _findings(role: str, parser: NaaccrParser, store: _Store) -> tuple[Finding, ...]:
    """What a reader must know of the file."""
    found = [
        Finding(
            "info", role, "", _version(parser), "naaccr_xml", store.n_rows,
            f"Tumours of {parser.n_patients:,} patients, one row each.", "tumour",
        )
    ]  # fmt: skip
    if parser.n_without_tumour:
        found.append(
            Finding(
                "warning", role, "", "", "patients_without_tumour", parser.n_without_tumour,
                "Patients of the file without any tumour are not among the patients read.",
            )
        )  # fmt: skip
    if parser.n_conflicts:
        found.append(
            Finding(
                "warning", role, "", "", "stated_twice", parser.n_conflicts,
                "Items stated twice for one tumour with different values are taken as missing.",
                "value",
            )
        )  # fmt: skip
    for space, n in sorted(parser.extensions.items()):
        found.append(
            Finding(
                "info", role, "", space, "extension", n,
                "Elements of other name spaces, and all that is in them, are not read.",
                "element",
            )
        )  # fmt: skip
    user = parser.attributes.get("userDictionaryUri", "")
    if user:
        found.append(
            Finding(
                "info", role, "", user, "user_dictionary", len(parser.headings) - len(parser.slots),
                "The file has a dictionary of its own for some items; of all kinds of item in it, "
                "so many are not named by the source's dictionary and are not read.", "item",
            )
        )  # fmt: skip
    return tuple(found)


def _version(parser: NaaccrParser) -> str:
    """Dictionary, record type and version of the format, as the file states them."""
    stated = {
        "baseDictionaryUri": parser.attributes.get("baseDictionaryUri", "").rpartition("/")[2],
        "recordType": parser.attributes.get("recordType", ""),
        "specificationVersion": parser.attributes.get("specificationVersion", ""),
    }
    return ", ".join(f"{name} {value}" for name, value in stated.items() if value)
