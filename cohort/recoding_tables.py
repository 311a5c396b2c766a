"""Texts as a lazy table of an engine: counted by groups, looked up by joins and conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from cohort.formats.opened import WHITE
from cohort.recoding import Days, Lookup, Recipe, arrow_type
from cohort.table import Engine

if TYPE_CHECKING:
    from narwhals.dtypes import DType

LazyTable = nw.LazyFrame[Any]

# Different texts of a column up to which its levels are told by conditions and not by a join.
_FEW = 64


class LazyTexts:
    """Rows of text on an engine; each count and the columns at the end are one pass over them.

    Parameters
    ----------
    engine
        Computes the table.
    table
        `patient_id` and the texts, as written.
    read
        The columns of text that are read.
    """

    in_memory = False

    def __init__(self, engine: Engine, table: LazyTable, read: Sequence[str]) -> None:
        self.engine = engine
        filled = [nw.col(name).fill_null("") for name in sorted(read)]
        self._table = table.with_columns(*filled) if filled else table
        self.n = int(engine.collect(self._table.select(n=nw.len()))["n"][0].as_py())

    def distinct(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """The different texts of some columns (empty where missing), each with its rows, n."""
        counted = self._table.group_by(list(keys)).agg(n=nw.len())
        rows: list[dict[str, Any]] = self.engine.collect(counted).to_pylist()
        return rows

    def tokens(self, text: str, tokens: Sequence[str]) -> dict[str, int]:
        """Rows whose text, stripped and in small letters, is one of the tokens."""
        small = nw.col(text).str.strip_chars(WHITE).str.to_lowercase()
        held = self._table.select(text=small).filter(nw.col("text").is_in(list(tokens)))
        rows = self.engine.collect(held.group_by("text").agg(n=nw.len())).to_pylist()
        return {row["text"]: int(row["n"]) for row in rows}

    def written(self, texts: Sequence[str], tokens: Sequence[str]) -> dict[str, int]:
        """By column: rows whose text, stripped and in small letters, is none of the tokens."""
        sums = {}
        for text in texts:
            small = nw.col(text).str.strip_chars(WHITE).str.to_lowercase()
            sums[text] = (~small.is_in(list(tokens))).cast(nw.Int64).sum()
        counts = self.engine.collect(self._table.select(**sums)).to_pylist()[0]
        return {text: int(counts[text] or 0) for text in texts}

    def differences(self, lookups: Sequence[Lookup], days: Days) -> tuple[int, int, int]:
        """Differences of dates that are known, that cannot be, and of which a date is blank."""
        table = self._table
        for lookup in lookups:
            table = table.join(self._meanings(lookup), on=list(lookup.keys), how="left")
        blank = nw.col(f"{days.later}?") | nw.col(f"{days.earlier}?")
        between = nw.col(days.later) - nw.col(days.earlier)
        sums = {
            "known": ~between.is_null(),
            "wrong": _impossible(between, days),
            "blank": blank.fill_null(False),
        }
        counted = {name: held.cast(nw.Int64).sum() for name, held in sums.items()}
        counts = self.engine.collect(table.select(**counted)).to_pylist()[0]
        known, wrong, blanks = (int(counts[name] or 0) for name in ("known", "wrong", "blank"))
        return known, wrong, blanks

    def table(self, recipes: Sequence[Recipe], tokens: Sequence[str]) -> LazyTable:
        """The canonical columns, beside `patient_id`."""
        plain: dict[str, nw.Expr] = {}
        joined: list[Lookup] = []
        late: dict[str, nw.Expr] = {}
        for recipe in recipes:
            plain |= {name: nw.lit(v, dtype=dtype(name)) for name, v in recipe.same.items()}
            plain |= {name: _free(text, tokens) for name, text in recipe.free.items()}
            late |= {name: _between(name, days) for name, days in recipe.days.items()}
            for lookup in recipe.lookups:
                if _is_short(lookup):
                    plain |= {name: _cases(lookup, name) for name in lookup.values}
                else:
                    joined.append(lookup)
        whole = self._table.with_columns(**plain) if plain else self._table
        for lookup in joined:
            whole = whole.join(self._meanings(lookup), on=list(lookup.keys), how="left")
        whole = whole.with_columns(**late) if late else whole
        return whole.select("patient_id", *(name for one in recipes for name in one.columns))

    def _meanings(self, lookup: Lookup) -> LazyTable:
        """A small table of texts and what they mean."""
        columns = {
            key: pa.array([row[key] for row in lookup.rows], pa.string()) for key in lookup.keys
        }
        for name, values in lookup.values.items():
            columns[name] = pa.array(values, arrow_type(name))
        return self.engine.register("codes", pa.table(columns))


def dtype(name: str) -> DType:
    """The type of a canonical column in a lazy table."""
    kind = arrow_type(name)
    if pa.types.is_integer(kind):
        return nw.Int64()
    return nw.Float64() if pa.types.is_floating(kind) else nw.String()


def _free(text: str, tokens: Sequence[str]) -> nw.Expr:
    """A text as it is, white space stripped, tokens missing."""
    stripped = nw.col(text).str.strip_chars(WHITE)
    missing = stripped.str.to_lowercase().is_in(list(tokens))
    return nw.when(~missing).then(stripped).otherwise(nw.lit(None))


def _between(name: str, days: Days) -> nw.Expr:
    """A difference of dates where it can be."""
    between = nw.col(days.later) - nw.col(days.earlier)
    possible = ~_impossible(between, days)
    return nw.when(possible).then(between).otherwise(nw.lit(None)).cast(dtype(name))


def _impossible(between: nw.Expr, days: Days) -> nw.Expr:
    """Whether a difference of dates cannot be; not where it is unknown."""
    wrong = between != between  # a column without bounds refuses nothing
    if days.low is not None:
        wrong = wrong | (between < days.low)
    if days.high is not None:
        wrong = wrong | (between > days.high)
    return wrong.fill_null(False)


def _is_short(lookup: Lookup) -> bool:
    """Whether naming the few texts of each level is cheaper than a join."""
    texts = all(pa.types.is_string(arrow_type(name)) for name in lookup.values)
    few = all(len({row[key] for row in lookup.rows}) <= _FEW for key in lookup.keys)
    return texts and few and len(lookup.keys) <= 2


def _cases(lookup: Lookup, name: str) -> nw.Expr:
    """The level of each text; where a second column decides, by those of its texts that agree."""
    first, second = lookup.keys[0], lookup.keys[-1]
    by_second: dict[str, dict[str, Any]] = {}
    for row, value in zip(lookup.rows, lookup.values[name], strict=True):
        by_second.setdefault(row[second] if first != second else "", {})[row[first]] = value
    groups: list[tuple[list[str], dict[str, Any]]] = []
    for text, levels in sorted(by_second.items()):
        for texts, known in groups:
            if all(known.get(key, value) == value for key, value in levels.items()):
                texts.append(text)
                known.update(levels)
                break
        else:
            groups.append(([text], dict(levels)))
    expression: nw.Expr = nw.lit(None, dtype=nw.String)
    for texts, levels in groups:
        for level in sorted({value for value in levels.values() if value is not None}):
            condition = nw.col(first).is_in(sorted(k for k, v in levels.items() if v == level))
            if first != second:
                condition = condition & nw.col(second).is_in(texts)
            expression = nw.when(condition).then(nw.lit(level)).otherwise(expression)
    return expression
