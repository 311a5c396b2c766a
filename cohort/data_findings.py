"""What was seen while values were decoded: counts by column and kind, values by frequency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from cohort.decode import ABSENT, IMPOSSIBLE, INTERVAL, MISSING, OBSOLETE, OUTSIDE, BLANK
from cohort.decode import UNKNOWN, UNPARSABLE, Outcomes, Piece
from cohort.dictionary import split
from cohort.errors import Problem, listed
from cohort.joining import column_name
from cohort.loading import Extract
from cohort.table import Finding, Severity

LazyTable = nw.LazyFrame[Any]

_SHOWN = 20  # values listed by column and rule; the rest are counted together

_ADVICE = {
    ABSENT: "The files have no column for this: it is missing for these patients.",
    OUTSIDE: "Not collected for the year of diagnosis, or the year is unknown: missing.",
    INTERVAL: "The source gives a range instead of a number: the number is missing.",
    OBSOLETE: "An older code, read as what it means today.",
    UNKNOWN: "The dictionary does not have this code: missing. Add it to the code table if known.",
    UNPARSABLE: "Not a number as the dictionary describes it: missing.",
    IMPOSSIBLE: "This value cannot be: missing. Ask the data's owner.",
}
_RULES = {
    ABSENT: "column_absent",
    OUTSIDE: "outside_years",
    INTERVAL: "interval_code",
    OBSOLETE: "obsolete_code",
    UNKNOWN: "unknown_code",
    UNPARSABLE: "unparsable_number",
    IMPOSSIBLE: "impossible_value",
}


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Decoded patients and what it takes to say what happened to them.

    Attributes
    ----------
    table
        Computed: canonical columns, and ``<column>?`` with the outcome of each value.
    raw
        Lazy: the same with the raw text in ``<column>=``.
    pieces
        The resolved rules of each canonical column.
    """

    extract: Extract
    outcomes: Outcomes
    table: LazyTable
    raw: LazyTable
    pieces: Mapping[str, tuple[Piece, ...]]


def decoding_findings(decoded: Decoded) -> tuple[Finding, ...]:
    """Findings of every column, from one count of the outcomes and one of each wrong value."""
    counts = _counts(decoded)
    found: list[Finding] = []
    for name, pieces in decoded.pieces.items():
        role = next((piece.role for piece in pieces if piece.texts), pieces[0].role)
        for label in decoded.outcomes.labels[1:]:
            n = counts.get((name, label), 0)
            if not n:
                continue
            if label in (UNKNOWN, UNPARSABLE, IMPOSSIBLE):
                found += _wrong_values(decoded, name, label, role)
            else:
                found.append(_noted(name, label, role, n))
    return (*found, *_unmapped(decoded))


def unknown_code_problems(findings: Sequence[Finding], source: str) -> list[Problem]:
    """Unknown codes as problems, one a column."""
    problems = []
    unknown = [finding for finding in findings if finding.rule == _RULES[UNKNOWN]]
    for column in dict.fromkeys(finding.column for finding in unknown):
        values = [f"'{f.value}' ({f.n:,})" for f in unknown if f.column == column]
        problems.append(
            Problem(
                f"source '{source}', {column}", f"unknown codes: {listed(values)}",
                advice="Add them to the code table, or let them be missing "
                "(on_unknown_code: warn).",
            )
        )  # fmt: skip
    return problems


def _counts(decoded: Decoded) -> dict[tuple[str, str], int]:
    """Patients by column and outcome, in one aggregation."""
    sums = {}
    for i, name in enumerate(decoded.pieces):
        for j, label in enumerate(decoded.outcomes.labels[1:], start=1):
            hit = (nw.col(f"{name}?") == j).fill_null(False)
            sums[f"{i}_{j}"] = hit.cast(nw.Int64).sum()
    row = decoded.extract.engine.collect(decoded.table.select(**sums)).to_pylist()[0]
    names = list(decoded.pieces)
    found = {}
    for key, n in row.items():
        i, j = map(int, key.split("_"))
        found[names[i], decoded.outcomes.labels[j]] = int(n or 0)
    return found


def _noted(name: str, label: str, role: str, n: int) -> Finding:
    """A finding that is not about single values."""
    if label == BLANK or label.startswith(MISSING):
        kind = label.removeprefix(MISSING)
        return Finding("info", role, name, kind, "missing", n, f"Missing ({kind}) in the source.")
    return Finding("info", role, name, "", _RULES[label], n, _ADVICE[label])


def _wrong_values(decoded: Decoded, name: str, label: str, role: str) -> Iterator[Finding]:
    """One finding for each value, the commonest first."""
    pieces = decoded.pieces[name]
    code = decoded.outcomes.labels.index(label)
    dated = any(piece.rule.days_from is not None for piece in pieces)
    hidden = dated and label == IMPOSSIBLE  # the value is a pair of a patient's dates
    text = nw.lit("") if hidden else nw.col(f"{name}=")
    rows = decoded.extract.engine.collect(
        decoded.raw.filter((nw.col(f"{name}?") == code).fill_null(False))
        .select(value=text)
        .group_by("value")
        .agg(n=nw.len())
    ).to_pylist()
    values = sorted(((str(row["value"]), int(row["n"])) for row in rows), key=lambda v: (-v[1], v))
    severity: Severity = "warning"
    for value, n in values[:_SHOWN]:
        rule, advice = _worded(name, label, value, dated)
        yield Finding(severity, role, name, value, rule, n, advice)
    rest = values[_SHOWN:]
    if rest:
        rule, advice = _worded(name, label, "", dated)
        shown = f"({len(rest):,} other values)"
        yield Finding(severity, role, name, shown, rule, sum(n for _, n in rest), advice)


_FOLLOWUP = ("followup_days", "followup_months", "death_day", "last_contact_day")


def _worded(name: str, label: str, value: str, dated: bool) -> tuple[str, str]:
    """Name of the check and what to do."""
    if label == UNPARSABLE and dated:
        return "unparsable_date", "Not a date as the dictionary describes it: missing."
    if label == IMPOSSIBLE and dated:
        return "impossible_order", "The later date lies before the earlier one, or impossibly far."
    timed = name in _FOLLOWUP or (name.startswith("given_") and name.endswith("_time"))
    if label == IMPOSSIBLE and timed and value.startswith("-"):
        advice = "Follow-up cannot be negative: missing. Ask the data's owner."
        return "negative_followup", advice
    return _RULES[label], _ADVICE[label]


def _unmapped(decoded: Decoded) -> Iterator[Finding]:
    """Columns left out on purpose, where the file has values in them."""
    dictionary, extract = decoded.extract.dictionary, decoded.extract
    tokens = [token.lower() for token in dictionary.missing]
    for item in dictionary.unmapped:
        for reference in item.columns:
            at = column_name(extract, split(reference))
            if at is None:
                continue
            text = nw.col(at)
            known = ~text.is_null()
            if tokens:
                known = known & ~text.str.to_lowercase().is_in(tokens)
            counted = decoded.raw.select(n=known.fill_null(False).cast(nw.Int64).sum())
            n = int(extract.engine.collect(counted)["n"][0].as_py() or 0)
            if n:
                role, heading = split(reference)
                yield Finding("info", role, heading, "", "unmapped_column", n, item.reason)
