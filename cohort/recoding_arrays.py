"""Texts held in memory, each column by its different texts: counted and looked up as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cohort.formats.opened import WHITE
from cohort.formats.plain import stripped_texts
from cohort.recoding import Days, Lookup, Recipe, arrow_type
from cohort.table import Engine

LazyTable = nw.LazyFrame[Any]
Whole = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]

# Combinations of texts up to which each has a place of its own; more are sorted.
_DENSE = 1 << 22


class HeldTexts:
    """Rows of text in memory (`cohort.formats.plain`), made canonical without a join.

    Agrees with `cohort.recoding_tables.LazyTexts` in every value and count
    (tests/cohort/test_recoding.py).

    Parameters
    ----------
    engine
        Gets the columns at the end.
    text
        The rows as they were read.
    key
        Column of the patient's key.
    names
        By the name under which a column is read (``main:12``): its name in `text`.
    """

    in_memory = True

    def __init__(self, engine: Engine, text: pa.Table, key: str, names: Mapping[str, str]) -> None:
        self.engine = engine
        self.n = text.num_rows
        self._text = text
        self._key = key
        self._names = names
        # Place of each row's texts among those that `distinct` told of.
        self._known: dict[tuple[str, ...], Whole] = {}

    def distinct(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """The different texts of some columns (empty where missing), each with its rows, n."""
        codes, texts = self._codes(keys)
        present, places, counts = _places(codes, [len(one) for one in texts])
        self._known[tuple(keys)] = places
        rows = []
        for place, n in zip(present.tolist(), counts.tolist(), strict=True):
            row: dict[str, Any] = {"n": n}
            for key, own in zip(reversed(keys), reversed(texts), strict=True):
                place, at = divmod(place, len(own))
                row[key] = own[at]
            rows.append(row)
        return rows

    def tokens(self, text: str, tokens: Sequence[str]) -> dict[str, int]:
        """Rows whose text, stripped and in small letters, is one of the tokens."""
        column = self._encoded(text)
        small = pc.utf8_lower(pc.utf8_trim(column.dictionary, WHITE)).to_pylist()
        codes = _filled(column)
        counts = np.bincount(codes, minlength=len(small) + 1)
        found: dict[str, int] = {}
        for token, n in zip([*small, ""], counts.tolist(), strict=True):
            if token in tokens and n:
                found[token] = found.get(token, 0) + n
        return found

    def written(self, texts: Sequence[str], tokens: Sequence[str]) -> dict[str, int]:
        """By column: rows whose text, stripped and in small letters, is none of the tokens."""
        return {text: self.n - sum(self.tokens(text, tokens).values()) for text in texts}

    def differences(self, lookups: Sequence[Lookup], days: Days) -> tuple[int, int, int]:
        """Differences of dates that are known, that cannot be, and of which a date is blank."""
        made: dict[str, pa.Array] = {}
        for lookup in lookups:
            made |= self._looked_up(lookup)
        between = pc.subtract(made[days.later], made[days.earlier])
        wrong = _impossible(between, days)
        blank = pc.or_(made[f"{days.later}?"], made[f"{days.earlier}?"])
        known = len(between) - between.null_count
        return known, _n(wrong), _n(blank)

    def table(self, recipes: Sequence[Recipe], tokens: Sequence[str]) -> LazyTable:
        """The canonical columns, beside `patient_id`."""
        columns: dict[str, pa.Array] = {"patient_id": self._patients()}
        for recipe in recipes:
            made: dict[str, pa.Array] = {}
            for lookup in recipe.lookups:
                made |= self._looked_up(lookup)
            for name, value in recipe.same.items():
                made[name] = _same(name, value, self.n)
            for name, text in recipe.free.items():
                made[name] = self._free(text, tokens)
            for name, days in recipe.days.items():
                between = pc.subtract(made[days.later], made[days.earlier])
                possible = pc.invert(_impossible(between, days))
                kept = pc.if_else(possible, between, pa.scalar(None, pa.int64()))
                made[name] = kept.cast(arrow_type(name))
            columns |= {name: made[name] for name in recipe.columns}
        return self.engine.register("recoded", pa.table(columns))

    def _encoded(self, name: str) -> pa.DictionaryArray:
        """A column by its different texts."""
        column = self._text.column(self._names[name])
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        whole = column.unify_dictionaries().combine_chunks()
        if isinstance(whole, pa.ChunkedArray):
            return pa.array([], pa.string()).dictionary_encode()
        return whole

    def _codes(self, keys: Sequence[str]) -> tuple[Whole, list[list[str]]]:
        """One number a row for its combination of texts, and the texts of each column."""
        codes: Whole | None = None
        texts = []
        for key in keys:
            column = self._encoded(key)
            texts.append([*column.dictionary.to_pylist(), ""])
            own = _filled(column)
            codes = own if codes is None else codes.astype(np.int64) * len(texts[-1]) + own
        if codes is None:
            raise ValueError("no column to count by")
        return codes, texts

    def _looked_up(self, lookup: Lookup) -> dict[str, pa.Array]:
        """What each row's texts mean, for every column that the lookup makes."""
        places = self._known[lookup.keys]
        return {
            name: _taken(pa.array(values, arrow_type(name)), places)
            for name, values in lookup.values.items()
        }

    def _patients(self) -> pa.ChunkedArray:
        stripped = stripped_texts(self._text.column(self._key))
        return pc.if_else(pc.equal(stripped, ""), pa.scalar(None, pa.string()), stripped)

    def _free(self, text: str, tokens: Sequence[str]) -> pa.Array:
        """A text as it is, white space stripped, tokens missing."""
        column = self._encoded(text)
        stripped = pc.utf8_trim(column.dictionary, WHITE)
        missing = pc.is_in(pc.utf8_lower(stripped), pa.array(tokens, pa.string()))
        kept = pc.if_else(missing, pa.scalar(None, pa.string()), stripped)
        # Different texts may be one once stripped: a dictionary holds each once, and no null.
        values = kept.dictionary_encode()
        return pa.DictionaryArray.from_arrays(
            values.indices.take(column.indices), values.dictionary
        )


def _places(codes: Whole, sizes: Sequence[int]) -> tuple[Whole, Whole, Whole]:
    """The combinations that there are, the place of each row's among them, and their rows."""
    if int(np.prod(sizes, dtype=object)) <= _DENSE:
        counts = np.bincount(codes, minlength=1)
        present = np.flatnonzero(counts)
        places = np.zeros(len(counts), _size(len(present)))
        places[present] = np.arange(len(present))
        return present, places[codes], counts[present]
    present, at, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return present, at.astype(_size(len(present))), counts


def _size(n: int) -> type[np.signedinteger[Any]]:
    """Whole numbers that can count so far, as short as they come."""
    return np.int8 if n <= 127 else np.int16 if n <= 32_767 else np.int32


def _filled(column: pa.DictionaryArray) -> Whole:
    """Places of a column's texts; a missing one comes after the last."""
    indices = column.indices
    if indices.null_count:
        indices = pc.fill_null(indices, len(column.dictionary))
    return np.asarray(indices.to_numpy(zero_copy_only=False))


def _taken(values: pa.Array, places: Whole) -> pa.Array:
    """The value of each row; levels as a dictionary, a byte each where they are few."""
    if not pa.types.is_string(values.type):
        missing = values.is_null().to_numpy(zero_copy_only=False)
        plain = values.fill_null(False if pa.types.is_boolean(values.type) else 0)
        taken = plain.to_numpy(zero_copy_only=False)[places]
        return pa.array(taken, values.type, mask=missing[places] if missing.any() else None)
    coded = values.dictionary_encode()
    at = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    taken = at.astype(_size(len(coded.dictionary)))[places]
    mask = taken < 0 if values.null_count else None
    return pa.DictionaryArray.from_arrays(pa.array(taken, mask=mask), coded.dictionary)


def _same(name: str, value: Any, n: int) -> pa.Array:
    """One value for every row."""
    return _taken(pa.array([value], arrow_type(name)), np.zeros(n, np.int8))


def _impossible(between: pa.Array, days: Days) -> pa.Array:
    """Whether a difference of dates cannot be; not where it is unknown."""
    wrong = pc.not_equal(between, between)  # a column without bounds refuses nothing
    if days.low is not None:
        wrong = pc.or_(wrong, pc.less(between, days.low))
    if days.high is not None:
        wrong = pc.or_(wrong, pc.greater(between, days.high))
    return pc.fill_null(wrong, False)


def _n(marks: pa.Array) -> int:
    """How many are true."""
    return int(pc.sum(marks).as_py() or 0)
