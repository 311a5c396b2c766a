"""The rules of a source dictionary as expressions: text in, canonical values and outcomes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from cohort.codes import Code, CodeTable
from cohort.dates import day_number, iso_text
from cohort.dictionary import ColumnRule, NumberRule
from cohort.schema import Column

# Exponents are bounded, as a cast of 1e999 raises.
NUMBER = "^[-+]?([0-9]{1,30}([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]{1,2})?$"
_WHOLE = "^[0-9]+[.]0+$"
_DIGITS = "^[0-9]+$"

VALUE, BLANK, ABSENT, OUTSIDE = "value", "blank", "absent", "outside"
UNKNOWN, UNPARSABLE, IMPOSSIBLE = "unknown", "unparsable", "impossible"
INTERVAL, OBSOLETE, MISSING = "interval", "obsolete", "missing:"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What can become of a value, each outcome with the small number that stands for it."""

    labels: tuple[str, ...]

    @classmethod
    def of(cls, kinds: Sequence[str]) -> Outcomes:
        """The fixed outcomes and one for each kind of missing."""
        fixed = (
            VALUE, BLANK, ABSENT, OUTSIDE, UNKNOWN, UNPARSABLE, IMPOSSIBLE, INTERVAL, OBSOLETE,
        )  # fmt: skip
        return cls((*fixed, *(f"{MISSING}{kind}" for kind in sorted(set(kinds)))))

    def lit(self, label: str) -> nw.Expr:
        """The outcome as a value of a table."""
        return nw.lit(self.labels.index(label), dtype=nw.Int16)

    def is_(self, name: str, *labels: str) -> nw.Expr:
        """Whether a column holds one of these outcomes."""
        return nw.col(name).is_in([self.labels.index(label) for label in labels])


@dataclass(frozen=True, slots=True)
class Piece:
    """One rule of one canonical column, resolved to columns of the joined table.

    ``texts`` are the columns of the joined table that hold its text: one, or several of which
    each patient's first that is not missing counts; two (date, origin) for days. None of them
    where the file lacks the column.
    """

    number: int
    column: Column
    rule: ColumnRule
    table: CodeTable | None
    role: str
    texts: tuple[str, ...]

    def at(self, stem: str) -> str:
        """Name of this rule's intermediate column."""
        return f"{stem}{self.number}"


@dataclass(frozen=True, slots=True)
class Decoder:
    """Turns pieces into expressions; holds what they share."""

    tokens: tuple[tuple[str, str], ...]
    outcomes: Outcomes

    def text(self, piece: Piece) -> dict[str, nw.Expr]:
        """``x``: the text of a piece (and ``y``, the origin of days)."""
        rule = piece.rule
        if not piece.texts:
            return {piece.at("x"): nw.lit(None, dtype=nw.String)}
        if rule.days_from is not None:
            return {
                piece.at("x"): nw.col(piece.texts[0]),
                piece.at("y"): nw.col(piece.texts[1]),
            }
        parts = [_part(nw.col(name), rule) for name in piece.texts]
        if len(parts) == 1:
            return {piece.at("x"): parts[0]}
        usable = [nw.when(self._usable(part, piece)).then(part) for part in parts]
        # Where all are missing, the first one's kind of missing is what is counted.
        return {piece.at("x"): nw.coalesce(*[u.otherwise(nw.lit(None)) for u in usable], parts[0])}

    def key(self, piece: Piece) -> dict[str, nw.Expr]:
        """``k``: the text as codes are matched: small letters, ``10.0`` as 10, zeros restored."""
        return {piece.at("k"): _key(nw.col(piece.at("x")), piece.rule)}

    def number(self, piece: Piece) -> dict[str, nw.Expr]:
        """``d``: the number written, before scaling, or days; null where there is none."""
        rule = piece.rule
        if rule.days_from is not None and piece.texts:
            form = rule.days_from.format
            days = [day_number(nw.col(piece.at(stem)), form) for stem in ("x", "y")]
            return {piece.at("d"): (days[0] - days[1]).cast(nw.Float64)}
        if rule.number is None:
            return {}
        width = rule.number.code_width
        text = nw.col(piece.at("x" if width is None else "k"))
        pattern = NUMBER if width is None else f"^[0-9]{{{width}}}$"
        found = nw.when(text.str.contains(pattern).fill_null(False)).then(text)
        return {piece.at("d"): found.otherwise(nw.lit(None)).cast(nw.Float64)}

    def outcome(self, piece: Piece) -> dict[str, nw.Expr]:
        """``w``: what becomes of each patient's value."""
        if not piece.texts:
            return {piece.at("w"): self.outcomes.lit(ABSENT)}
        lit = self.outcomes.lit
        text, rule = nw.col(piece.at("x")), piece.rule
        missing = text.is_null()
        if rule.days_from is not None:
            missing = missing | nw.col(piece.at("y")).is_null()
        cases = [(missing, lit(BLANK)), *self._tokens(text)]
        if rule.days_from is not None:
            cases += self._tokens(nw.col(piece.at("y")))
        if piece.table is not None:
            cases += [
                (_among(nw.col(piece.at("k")), codes), lit(label))
                for label, codes in _grouped(piece.table.codes, lambda code: code.outcome)
            ]
        return {piece.at("w"): first(cases, self._rest(piece))}

    def values(self, piece: Piece, bounds: bool) -> list[nw.Expr]:
        """The canonical value, and its bounds where the column has them."""
        value = self._value(piece)
        if not bounds:
            return [value]
        sides = [self._bound(piece, value, side) for side in ("low", "high")]
        return [value, *sides]

    def _usable(self, text: nw.Expr, piece: Piece) -> nw.Expr:
        """Whether a text is there and not missing by its token or code."""
        missing = text.is_null()
        if self.tokens:
            missing = missing | text.str.to_lowercase().is_in([token for token, _ in self.tokens])
        if piece.table is not None:
            codes = [c for c in piece.table.codes if c.kind == "missing"]
            if codes:
                missing = missing | _among(_key(text, piece.rule), codes)
        return ~missing.fill_null(True)

    def _tokens(self, text: nw.Expr) -> list[tuple[nw.Expr, nw.Expr]]:
        """Missing tokens of the whole source, by kind."""
        kinds: dict[str, list[str]] = {}
        for token, kind in self.tokens:
            kinds.setdefault(kind, []).append(token)
        small = text.str.to_lowercase()
        return [
            (small.is_in(tokens), self.outcomes.lit(f"{MISSING}{kind}"))
            for kind, tokens in kinds.items()
        ]

    def _rest(self, piece: Piece) -> nw.Expr:
        """The outcome of a text that is no token and no code."""
        lit, rule = self.outcomes.lit, piece.rule
        if rule.number is not None or rule.days_from is not None:
            number = nw.col(piece.at("d"))
            cases = [(number.is_null(), lit(UNPARSABLE))]
            if rule.number is not None and rule.number.integer:
                cases.append((number % 1 != 0, lit(UNPARSABLE)))
            cases += [(wrong, lit(IMPOSSIBLE)) for wrong in _out_of_range(piece, number)]
            return first(cases, lit(VALUE))
        if rule.date is not None:
            known = ~day_number(nw.col(piece.at("x")), rule.date).is_null()
            return first([(known, lit(VALUE))], lit(UNPARSABLE))
        return lit(VALUE if piece.table is None else UNKNOWN)

    def _value(self, piece: Piece) -> nw.Expr:
        """The value where there is one, in the column's type."""
        kind = piece.column.kind
        numeric = kind in ("number", "integer")
        null = nw.lit(None, dtype=nw.Float64 if numeric else nw.String)
        if not piece.texts:
            value = null
        else:
            rest = self._plain(piece) if self._is_plain(piece) else null
            known = self.outcomes.is_(piece.at("w"), VALUE, OBSOLETE)
            coded = [
                (_among(nw.col(piece.at("k")), codes), nw.lit(float(v) if numeric else v))
                for v, codes in _grouped(_with(piece, VALUE, OBSOLETE), lambda code: code.value)
            ]
            value = first([(known, first(coded, rest))], null)
        return value.cast(nw.Int64) if kind == "integer" else value

    def _is_plain(self, piece: Piece) -> bool:
        rule = piece.rule
        return bool(rule.number or rule.days_from or rule.date or piece.table is None)

    def _plain(self, piece: Piece) -> nw.Expr:
        """A number, a date or a text as written."""
        rule = piece.rule
        if rule.number is not None:
            return _scaled(nw.col(piece.at("d")), rule.number)
        if rule.days_from is not None:
            return nw.col(piece.at("d"))
        text = nw.col(piece.at("x"))
        return text if rule.date is None else iso_text(text, rule.date)

    def _bound(self, piece: Piece, value: nw.Expr, side: str) -> nw.Expr:
        """A bound of the value: of its interval, or the number itself."""
        null = nw.lit(None, dtype=nw.Float64)
        if not piece.texts:
            return null
        cases = [(self.outcomes.is_(piece.at("w"), VALUE, OBSOLETE), value.cast(nw.Float64))]
        groups = _grouped(_with(piece, INTERVAL), lambda code: getattr(code, side))
        cases += [
            (_among(nw.col(piece.at("k")), codes), nw.lit(bound))
            for bound, codes in groups
            if bound is not None
        ]
        return first(cases, null)


def first(cases: Sequence[tuple[nw.Expr, nw.Expr]], otherwise: nw.Expr) -> nw.Expr:
    """The value of the first case that holds."""
    result = otherwise
    for condition, value in reversed(cases):
        result = nw.when(condition.fill_null(False)).then(value).otherwise(result)
    return result


def _part(text: nw.Expr, rule: ColumnRule) -> nw.Expr:
    """The text before or after a separator."""
    if rule.up_to is not None:
        text = text.str.replace_all(f"{_literal(rule.up_to)}.*$", "")
    if rule.after is not None:
        text = text.str.replace_all(f"^.*{_literal(rule.after)}", "")
    return text


def _literal(text: str) -> str:
    """A text as a pattern that means itself in every dialect."""
    return "".join(f"[{letter}]" if letter not in "^\\" else f"\\{letter}" for letter in text)


def _key(text: nw.Expr, rule: ColumnRule) -> nw.Expr:
    small = text.str.to_lowercase()
    whole = small.str.contains(_WHOLE).fill_null(False)
    key = nw.when(whole).then(small.str.replace_all("[.]0+$", "")).otherwise(small)
    if rule.pad is None:
        return key
    digits = key.str.contains(_DIGITS).fill_null(False)
    return nw.when(digits).then(key.str.zfill(rule.pad)).otherwise(key)


def _among(key: nw.Expr, codes: Sequence[Code]) -> nw.Expr:
    """Whether a key is one of these codes, or in one of these ranges."""
    single = [code.code.lower() for code in codes if code.bounds is None]
    tests = [key.is_in(single)] if single else []
    for code in codes:
        if code.bounds is not None:
            width = len(code.code.partition("-")[0])
            shaped = key.str.contains(f"^[0-9]{{{width}}}$").fill_null(False)
            number = nw.when(shaped).then(key).otherwise(nw.lit(None)).cast(nw.Int64)
            tests.append((number >= code.bounds[0]) & (number <= code.bounds[1]))
    return nw.any_horizontal(*[test.fill_null(False) for test in tests], ignore_nulls=False)


def _grouped(
    codes: Sequence[Code], of: Callable[[Code], Any]
) -> list[tuple[Any, list[Code]]]:
    """Codes by what they have in common; single codes first, as they take precedence."""
    groups: dict[tuple[bool, Any], list[Code]] = {}
    for code in codes:
        groups.setdefault((code.bounds is not None, of(code)), []).append(code)
    ordered = sorted(groups.items(), key=lambda item: item[0][0])
    return [(label, members) for (_, label), members in ordered]


def _with(piece: Piece, *outcomes: str) -> list[Code]:
    """Codes of a piece that have one of these outcomes."""
    codes = () if piece.table is None else piece.table.codes
    return [code for code in codes if code.outcome in outcomes]


def _out_of_range(piece: Piece, number: nw.Expr) -> list[nw.Expr]:
    """Conditions under which a number cannot be."""
    rule, column = piece.rule.number, piece.column
    value = number if rule is None else _scaled(number, rule)
    tests = []
    if rule is not None and rule.min is not None:
        tests.append(number < rule.min)
    if rule is not None and rule.max is not None:
        tests.append(number > rule.max)
    if column.low is not None:
        tests.append(value < column.low)
    if column.high is not None:
        tests.append(value > column.high)
    return tests


def _scaled(number: nw.Expr, rule: NumberRule) -> nw.Expr:
    """The number in the column's unit; divided where that is exact (230 / 100 is 2.3)."""
    if rule.scale == 1:
        return number
    divisor = 1 / rule.scale
    if rule.scale < 1 and abs(divisor - round(divisor)) < 1e-9:
        return number / round(divisor)
    return number * rule.scale
