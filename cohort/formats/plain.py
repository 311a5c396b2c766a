"""Delimited text that is plain, read into memory with each column's different texts once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from cohort.formats.opened import WHITE

if TYPE_CHECKING:
    from cohort.formats.delimited import Layout

_LARGEST = 1 << 31  # bytes of a file that is read so; larger ones are left to the disk
_QUOTED = 50_000  # lines with quotation marks that are looked at
_SAMPLE = 1 << 22
_PIECE = 1 << 24  # bytes that are read at a time
_BLOCK = 1 << 22
# Whole numbers by the most texts that they count, as short as they come.
_SIZES = ((pa.int8(), 1 << 7), (pa.int16(), 1 << 15), (pa.int32(), 1 << 31))
_FEW = 0.2  # different texts among the sample's rows up to which a column is worth a list of them


def plain_text(path: Path, layout: Layout, columns: Sequence[int]) -> pa.Table | None:
    """Some columns of the body as text (``c0`` is the first), null where empty.

    Columns of few different texts come as dictionaries, one for the whole file, so that a
    registry of a million patients needs a byte or two a value and its different texts are known
    at once. None where the file cannot be read so without a doubt: where it is too large, where
    quotation marks do more than stand around whole fields of one line, or where a line does not
    fit. The strict reader then says which.
    """
    size = path.stat().st_size
    if not columns or size > _LARGEST or not _plainly_quoted(path, layout):
        return None
    try:
        short = _short(path, layout, columns)
        return _read(path, layout, columns, short)
    except pa.ArrowInvalid:
        return None


def _compact(rows: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns, each of few texts by as few bytes as its texts can be told apart with."""
    return {name: _short_codes(rows.column(name).chunks) for name in rows.column_names}


def _short_codes(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Pieces of one column put together, its different texts once; other columns as they are."""
    kind = chunks[0].type if chunks else pa.string()
    if not pa.types.is_dictionary(kind):
        return pa.chunked_array(chunks, kind)
    wide = [
        pa.DictionaryArray.from_arrays(chunk.indices.cast(pa.int32()), chunk.dictionary)
        for chunk in chunks
    ]
    whole = pa.chunked_array(wide, pa.dictionary(pa.int32(), pa.string())).unify_dictionaries()
    texts = whole.chunk(0).dictionary
    size = next(size for size, most in _SIZES if len(texts) <= most)
    places = pa.chunked_array([chunk.indices.cast(size) for chunk in whole.chunks], size)
    # One piece: what smaller ones leave in between is not given back to the system.
    coded = pa.DictionaryArray.from_arrays(_one(places), texts)
    return pa.chunked_array([coded], pa.dictionary(size, pa.string()))


def _one(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    whole = column.combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole


def _plainly_quoted(path: Path, layout: Layout) -> bool:
    """Whether each quotation mark of the body stands at one end of a whole field of its line.

    Only few lines with quotation marks are looked at; a file that is full of them is not plain.
    """
    if not layout.quote:
        return True
    mark, field = re.escape(layout.quote), r"(?:{0}[^{0}\n]*{0}|[^{0}{1}\n]*)"
    quote = layout.quote.encode()
    one = field.format(mark, re.escape(layout.delimiter))
    line = re.compile(rf"{one}(?:{re.escape(layout.delimiter)}{one})*\r?\n?".encode())
    with path.open("rb") as file:
        for _ in range(layout.skip_lines):
            file.readline()
        left = _QUOTED
        for piece in _pieces(file):
            at = 0
            while (found := piece.find(quote, at)) >= 0:
                start = piece.rfind(b"\n", 0, found) + 1
                at = piece.find(b"\n", found) + 1 or len(piece)
                left -= 1
                if left < 0 or not line.fullmatch(piece, start, at):
                    return False
    return True


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file in pieces of whole lines: no more of it is ever in memory."""
    while piece := file.read(_PIECE) + file.readline():
        yield piece


def _short(path: Path, layout: Layout, columns: Sequence[int]) -> set[int]:
    """Columns that have few different texts in the first rows."""
    with path.open("rb") as file:
        for _ in range(layout.skip_lines):
            file.readline()
        begin = file.read(_SAMPLE)
    whole, feed, rest = begin.rpartition(b"\n")
    sample = whole + feed if whole else rest
    rows = _parsed(pa.BufferReader(sample), layout, columns, set())
    few = max(_FEW * rows.num_rows, 20)
    return {at for at in columns if pc.count_distinct(rows.column(f"c{at}")).as_py() <= few}


def _read(path: Path, layout: Layout, columns: Sequence[int], short: set[int]) -> pa.Table:
    """The body piece by piece, each made small before the next one is read."""
    with path.open("rb") as file:
        for _ in range(layout.skip_lines):
            file.readline()
        parts = [
            _compact(_parsed(pa.BufferReader(piece), layout, columns, short))
            for piece in _pieces(file)
        ]
    whole = {}
    for name in [*parts[0]]:  # a column is given up as soon as it is put together
        pieces = [chunk for part in parts for chunk in part.pop(name).chunks]
        whole[name] = _short_codes(pieces)
    del parts, pieces
    pa.system_memory_pool().release_unused()
    return pa.table(whole)


def _parsed(
    source: pa.BufferReader, layout: Layout, columns: Sequence[int], short: set[int]
) -> pa.Table:
    """The rows of some lines."""
    coded = pa.dictionary(pa.int32(), pa.string())
    return arrow_csv.read_csv(
        source,
        read_options=arrow_csv.ReadOptions(
            column_names=[f"c{i}" for i in range(len(layout.headings))],
            block_size=_BLOCK,
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char=layout.quote or False,
            double_quote=False,
            escape_char=False,
        ),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=[f"c{at}" for at in columns],
            column_types={f"c{at}": coded if at in short else pa.string() for at in columns},
            null_values=[""],
            strings_can_be_null=True,
        ),
        # Arrow's own pool keeps what it no longer needs.
        memory_pool=pa.system_memory_pool(),
    )


def stripped_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without white space around them; the same where no text has any."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    marks = [mark.encode() for mark in WHITE]
    for chunk in column.chunks:
        content = chunk.buffers()[2]
        held = b"" if content is None else content.to_pybytes()
        if any(mark in held for mark in marks):
            return pc.utf8_trim(column, WHITE)
    return column
