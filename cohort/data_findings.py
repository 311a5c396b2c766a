"""What was seen while values were recoded: counts by column and kind, values by frequency."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from cohort.decode import (
    ABSENT,
    BLANK,
    CONTRADICTED,
    IMPOSSIBLE,
    INTERVAL,
    MISSING,
    OBSOLETE,
    OUTSIDE,
    RECODED,
    SECOND,
    UNCERTAIN,
    UNKNOWN,
    UNPARSABLE,
    VALUE,
    Piece,
)
from cohort.dictionary_rules import LEVELS, split
from cohort.errors import Problem, listed
from cohort.headings import position
from cohort.loading import Extract
from cohort.recoding import Tally
from cohort.table import Finding
from cohort.texts import texts

_SHOWN = 20  # values listed by column and rule; the rest are counted together
_BY_TEXT = (UNKNOWN, UNPARSABLE, IMPOSSIBLE, UNCERTAIN, CONTRADICTED)
_FOLLOWUP = ("followup_days", "followup_months", "death_day", "last_contact_day")

_SAID = {
    ABSENT: ("column_absent", "The files have no column for this: missing for these patients."),
    OUTSIDE: (
        "outside_years",
        "Not collected for this year of diagnosis or group, or that is unknown: missing.",
    ),
    INTERVAL: ("interval_code", "The source gives a range instead of a number: its bounds only."),
    OBSOLETE: ("obsolete_code", "An older code, read as what it means today."),
    UNKNOWN: (
        "unknown_code",
        "The dictionary does not have this code: missing. Add it to the code table if known.",
    ),
    UNCERTAIN: (
        "uncertain_code",
        "The text means more than one value: missing, unless the study says what to read it as.",
    ),
    UNPARSABLE: ("unparsable_number", "No number as the dictionary describes it: missing."),
    CONTRADICTED: (
        "columns_contradict",
        "Columns of one item under several names differ: the first is taken. Ask the data's owner.",
    ),
    SECOND: (
        "second_column",
        "The column that comes first is blank: read from one that comes later in the dictionary.",
    ),
    IMPOSSIBLE: ("impossible_value", "This value cannot be: missing. Ask the data's owner."),
}


def tally_findings(
    tallies: Mapping[str, Tally], pieces: Mapping[str, tuple[Piece, ...]], unit: str
) -> tuple[Finding, ...]:
    """Findings of every column from what became of its values, the commonest first.

    Rows are counted; `unit` is what one of them is.
    """
    found: list[Finding] = []
    for name, tally in tallies.items():
        group = pieces[name]
        role = next((piece.role for piece in group if piece.texts), group[0].role)
        for label in sorted({label for label, _ in tally} - {VALUE, RECODED}):
            counts = text_counts(tally, label)
            if label in _BY_TEXT:
                found += _wrong_values(name, label, role, counts, group)
            elif counts:
                found.append(_noted(name, label, role, sum(counts.values())))
    return tuple(replace(finding, unit=unit) for finding in found)


def without_texts(tally: Tally) -> Tally:
    """What became of the values, without those of which every text is told."""
    return {key: n for key, n in tally.items() if key[0] not in (*_BY_TEXT, RECODED)}


def text_counts(tally: Tally, label: str) -> dict[str, int]:
    """Rows by text among those with one outcome."""
    return {text: n for (known, text), n in tally.items() if known == label and n}


def unknown_code_problems(findings: Sequence[Finding], source: str) -> list[Problem]:
    """Unknown codes as problems, one a column."""
    unknown = [finding for finding in findings if finding.rule == _SAID[UNKNOWN][0]]
    problems = []
    for name in dict.fromkeys(finding.column for finding in unknown):
        values = [f"'{f.value}' ({f.n:,})" for f in unknown if f.column == name]
        problems.append(
            Problem(
                f"source '{source}', {name}",
                f"unknown codes: {listed(values)}",
                advice="Add them to the code table, or set on_unknown_code: warn.",
            )
        )
    return problems


def absent_files(extract: Extract) -> tuple[Finding, ...]:
    """Files that the dictionary knows and that were not given."""
    return tuple(
        Finding(
            "info", role, "", "", "file_not_given", 0,
            "This file of the source was not given: what only it has is missing.", "row",
        )
        for role in extract.dictionary.own_files if role not in extract.headings
    )  # fmt: skip


def unmapped_columns(extract: Extract) -> Iterator[Finding]:
    """Columns left out on purpose, where the file has values in them."""
    tokens = ["", *(token.lower() for token in extract.dictionary.missing)]
    for role in extract.tables:
        wanted = {}
        for item in extract.dictionary.unmapped:
            for where, heading in map(split, item.columns):
                at = position(heading, extract.headings[role]) if where == role else None
                if at is not None:
                    wanted[heading] = (at, item.reason)
        if not wanted:
            continue
        names = [f"{role}:{at}" for at, _ in wanted.values()]
        counts = texts(extract, role, names).written(names, tokens)
        for heading, (at, reason) in wanted.items():
            n = counts[f"{role}:{at}"]
            if n:
                yield Finding("info", role, heading, "", "unmapped_column", n, reason, "value")


def _noted(name: str, label: str, role: str, n: int) -> Finding:
    """A finding that is not about single values."""
    if label == BLANK or label.startswith(MISSING):
        kind = label.removeprefix(MISSING)
        return Finding("info", role, name, kind, "missing", n, f"Missing ({kind}) in the source.")
    rule, advice = _SAID[label]
    return Finding("info", role, name, "", rule, n, advice)


def _wrong_values(
    name: str, label: str, role: str, counts: Mapping[str, int], group: Sequence[Piece]
) -> Iterator[Finding]:
    """One finding for each value, the commonest first."""
    dated = any(piece.rule.days_from or piece.rule.date for piece in group)
    decimals = {piece.rule.number.decimal for piece in group if piece.rule.number}
    values = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for value, n in values[:_SHOWN]:
        rule, advice = _worded(name, label, value, dated)
        if rule == "unparsable_number":
            advice += _about_marks(value, decimals)
        yield Finding("warning", role, name, value, rule, n, advice)
    rest = values[_SHOWN:]
    if rest:
        rule, advice = _worded(name, label, "", dated)
        shown = f"({len(rest):,} other values)"
        yield Finding("warning", role, name, shown, rule, sum(n for _, n in rest), advice)


def _worded(name: str, label: str, value: str, dated: bool) -> tuple[str, str]:
    """Name of the check and what to do."""
    if label == UNPARSABLE and dated:
        return "unparsable_date", "No date as the dictionary describes it: missing."
    if label == IMPOSSIBLE and dated:
        return "impossible_order", "One date cannot come before the other, or not so far: missing."
    timed = name in _FOLLOWUP or (name.startswith("given_") and name.endswith("_time"))
    if label == IMPOSSIBLE and timed and value.startswith("-"):
        return "negative_followup", "Follow-up cannot be negative: missing. Ask the data's owner."
    return _SAID[label]


def _about_marks(value: str, decimals: Collection[str]) -> str:
    """What to do where a mark in a number is not that of its fraction."""
    if "," in value and "," not in decimals:
        return ' If the comma marks the fraction, write number: {decimal: ","} in the dictionary.'
    if "." in value and "." not in decimals and decimals:
        return " The fraction is marked by a comma here; a mark of thousands is never guessed."
    return ""


def unverified_codes(
    extract: Extract, pieces: Mapping[str, tuple[Piece, ...]]
) -> Iterator[Finding]:
    """Code tables in use whose meanings were written from memory, with the codes concerned."""
    for name, group in pieces.items():
        for table in dict.fromkeys(piece.rule.codes for piece in group if piece.texts):
            if table in (None, LEVELS):
                continue
            codes = extract.dictionary.codes(table).codes
            n = sum(code.verified == "memory" for code in codes)
            if n:
                advice = (
                    f"{n} of the {len(codes)} codes in this table are from memory, not checked in "
                    "their code book."
                )
                role = group[0].role
                yield Finding("info", role, name, table, "unverified_codes", n, advice, "code")
