"""What a study says that a text of the source means, before any code of its dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cohort.data_findings import text_counts
from cohort.decode import RECODED
from cohort.dictionary import SourceDictionary
from cohort.dictionary_checks import is_number
from cohort.dictionary_rules import Constant
from cohort.errors import listed, suggest
from cohort.pieces import Overrides
from cohort.recoding import Tally
from cohort.schema import Column, column
from cohort.table import Choice, Finding

# Place below `recode`, what was found, what is allowed, advice.
Found = tuple[tuple[str, ...], str, str, str]


def override_problems(dictionary: SourceDictionary, overrides: Overrides) -> Iterator[Found]:
    """Columns that the source does not give, and values that they do not have."""
    given = dict(dictionary.columns)
    for _, _, block in dictionary.blocks:
        given |= block.columns
    for name, texts in overrides.items():
        known = column(name)
        if known is None or name not in given:
            found = f"source '{dictionary.name}' does not give '{name}'"
            yield (name,), found, f"It gives: {listed(sorted(given))}", suggest(name, given)
            continue
        if all(rule.days_from or rule.value is not None for rule in given[name]):
            yield (name,), f"'{name}' is not read from written text", "", "Leave it out."
            continue
        for text, value in texts.items():
            if not text.strip():
                yield (name,), "a blank text is missing and means nothing else", "", ""
            yield from _value((name, text), value, known)


def _value(place: tuple[str, ...], value: Constant, known: Column) -> Iterator[Found]:
    """A value must be one of the column."""
    if known.kind == "category" and str(value) not in known.levels:
        found = f"'{value}' is not a level of {known.name}"
        yield place, found, f"Levels: {listed(known.levels)}", suggest(str(value), known.levels)
    elif known.kind in ("number", "integer"):
        number = float(value) if is_number(str(value)) else None
        low = float("-inf") if known.low is None else known.low
        high = float("inf") if known.high is None else known.high
        if number is None or not low <= number <= high:
            allowed = f"A number from {low:g} to {high:g}"
            yield place, f"'{value}' is no value of {known.name}", allowed, ""
        elif known.kind == "integer" and not number.is_integer():
            yield place, f"'{value}' is no whole number, and {known.name} is one", "", ""
    elif known.kind == "date":
        yield place, f"{known.name} is a date and has no codes", "", "Leave it out."


def override_choices(overrides: Overrides) -> tuple[Choice, ...]:
    """The decisions, for the methods text and the manifest."""
    return tuple(
        Choice("harmonise", f"recode.{name}", f"'{text}' read as {value}", "by the study")
        for name, texts in sorted(overrides.items())
        for text, value in sorted(texts.items())
    )


def override_findings(
    overrides: Overrides, tallies: Sequence[Mapping[str, Tally]]
) -> Iterator[Finding]:
    """How many rows each decision concerned; one that concerned none is told too."""
    for name, texts in sorted(overrides.items()):
        small: dict[str, int] = {}
        for counts in (text_counts(one.get(name, {}), RECODED) for one in tallies):
            for written, n in counts.items():
                small[written.lower()] = small.get(written.lower(), 0) + n
        for text, value in sorted(texts.items()):
            n = small.get(text.strip().lower(), 0)
            advice = (
                f"Read as {value}, as the study says."
                if n
                else (f"The study reads this as {value}, but no row has it: look at its spelling.")
            )
            yield Finding(
                "info" if n else "warning", "study", name, text, "recoded", n, advice, "value"
            )
