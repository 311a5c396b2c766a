"""Rules of a dictionary resolved to the columns that the files have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cohort.decode import CodeBook, Piece
from cohort.dictionary_rules import LEVELS, ColumnRule, Constant, Text, split
from cohort.joining import column_name
from cohort.loading import Extract
from cohort.schema import SCHEMA, Column, column
from cohort.table import Choice

Overrides = Mapping[str, Mapping[str, Constant]]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The rules of some canonical columns, and the choices that the files given made.

    Attributes
    ----------
    groups
        By canonical column: its rules, one for each span of years.
    conditions
        By column: the rule of each column that decides among rules.
    choices
        Which file or column was chosen where a rule names several.
    """

    groups: Mapping[str, tuple[Piece, ...]]
    conditions: Mapping[str, Piece]
    choices: tuple[Choice, ...]

    @property
    def names(self) -> frozenset[str]:
        """Every column of the joined table that is read."""
        read = [name for group in self.groups.values() for piece in group for name in piece.keys]
        told = [name for piece in self.conditions.values() for name in piece.keys]
        return frozenset([*read, *told])


def resolved(
    extract: Extract, columns: Mapping[str, tuple[ColumnRule, ...]], overrides: Overrides
) -> Pieces:
    """The rules of these columns, in the order of the schema.

    An endpoint that the source gives (``given_...``) is left out where the files lack it, and
    so is any column where the dictionary says so.
    """
    groups: dict[str, tuple[Piece, ...]] = {}
    choices = []
    for name in sorted(columns, key=order):
        rules = columns[name]
        said = {text.strip().lower(): value for text, value in overrides.get(name, {}).items()}
        group = tuple(replace(_piece(name, rule, extract), overrides=said) for rule in rules)
        left_out = name.startswith("given_") or extract.dictionary.absent == "left_out"
        if left_out and not any(piece.texts or piece.constant is not None for piece in group):
            continue
        groups[name] = group
        choices += list(_chosen_files(name, rules, extract))
    deciding = dict.fromkeys(
        name for group in groups.values() for piece in group for name in piece.rule.when
    )
    conditions = {
        name: _piece(name, extract.dictionary.columns[name][0], extract) for name in deciding
    }
    return Pieces(groups, conditions, tuple(choices))


def order(name: str) -> tuple[int, str]:
    """Place of a column in the schema; endpoints that the source gives come last."""
    known = list(SCHEMA)
    return (known.index(name) if name in SCHEMA else len(known), name)


def _chosen_files(name: str, rules: tuple[ColumnRule, ...], extract: Extract) -> Iterator[Choice]:
    for rule in rules:
        if not rule.first_of:
            continue
        chosen = ", ".join(_chosen(rule, extract).references)
        if len({_files(item) for item in rule.alternatives}) > 1:
            yield Choice("harmonise", name, chosen, "from the first file given")
        elif sum(bool(_present(item.references, extract)) for item in rule.alternatives) > 1:
            yield Choice("harmonise", name, chosen, "the first of the columns that the file has")


def _chosen(rule: ColumnRule, extract: Extract) -> Text:
    """The alternative of a rule whose file was given; in that file, whose column it has."""
    given = [item for item in rule.alternatives if _files(item) & set(extract.headings)]
    first = next(iter(given), rule.alternatives[0])
    alike = (item for item in given if _files(item) == _files(first))
    return next((item for item in alike if _present(item.references, extract)), first)


def _files(item: Text) -> frozenset[str]:
    """The files that an alternative reads."""
    return frozenset(split(name)[0] for name in item.references)


def _piece(name: str, rule: ColumnRule, extract: Extract) -> Piece:
    """A rule resolved to columns of the joined table."""
    known = column(name)
    if known is None:
        raise ValueError(f"{name} is no canonical column")
    book = _book(rule.codes, known, extract)
    if rule.value is not None:
        return Piece(known, rule, book, extract.dictionary.main, ())
    if rule.days_from is not None:
        dates = _present(rule.days_from.date, extract)
        origins = _present(rule.days_from.origin, extract)
        role = split(rule.days_from.date[0])[0]
        if not dates or not origins:
            return Piece(known, rule, book, role, ())
        return Piece(known, rule, book, role, dates, origins)
    chosen = _chosen(rule, extract)
    present = _present(chosen.references, extract)
    lacking = len(chosen.references) - len(present)
    names = not chosen.coalesce and not rule.any_of and len(present) > 1
    role = present[0].partition(":")[0] if present else split(chosen.references[0])[0]
    return Piece(known, rule, book, role, present, lacking=lacking, one_item=names)


def _book(codes: str | None, known: Column, extract: Extract) -> CodeBook | None:
    """The codes of a rule, where it has any."""
    if codes is None:
        return None
    if codes == LEVELS:
        return CodeBook.of_levels(known.levels)
    return CodeBook(extract.dictionary.codes(codes))


def _present(references: tuple[str, ...], extract: Extract) -> tuple[str, ...]:
    """Columns of the joined table, for those references that the files have."""
    found = [column_name(extract, split(reference)) for reference in references]
    return tuple(at for at in found if at is not None)
