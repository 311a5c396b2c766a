"""The text of a drafted dictionary: what was guessed and why stands beside each rule."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cohort.codes import COLUMNS
from cohort.drafting_entries import Entry, quoted, reference
from cohort.drafting_headings import guess
from cohort.drafting_values import Label
from cohort.errors import listed
from cohort.schema import SCHEMA, column

if TYPE_CHECKING:
    from cohort.drafting import Plan, SpecimenBlock

_FITS = ("her2_ihc", "her2_reported", "vital_status")
_NOTES = {"birth_date": "  (age is not counted from it: add a column of the age at diagnosis)"}
_TREATMENT = (
    "surgery",
    "radiotherapy",
    "chemotherapy",
    "endocrine_therapy",
    "anti_her2_therapy",
    "adc_therapy",
    "neoadjuvant",
)


def dictionary_text(
    plan: Plan,
    standing: Sequence[Entry],
    left_open: Sequence[Entry],
    unrecognised: Sequence[str],
) -> str:
    """The YAML file."""
    file = plan.survey.extract.files[0].name
    lines = [
        f"# Drafted from {file} ({plan.survey.n:,} rows). Columns were guessed by their headings;",
        "# what a code means was never guessed. Read every line, decide what says DECIDE, then:",
        f"#   her2low describe FILE --source {plan.name}.yaml",
        f"name: {plan.name}",
        f"describes: {quoted(f'Drafted from {file}; to be completed')}",
        *_files(plan),
        *_time(plan, standing, left_open),
        *_identifies(plan, standing, left_open),
        *_missing(plan.missing),
        f"fits: [{', '.join(_fits(plan, standing))}]",
        "",
        *_rules("columns", standing, plan.also),
        *_open(left_open, plan.also),
        *_specimens(plan.blocks),
        *_unrecognised(unrecognised, plan.notes),
    ]
    return "\n".join(lines) + "\n"


def code_rows(one: Entry) -> str:
    """A code table as text: every text of the column, those that are undecided marked."""
    known = column(one.column)
    levels = ", ".join(known.levels) if known is not None else ""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(COLUMNS)
    for label in _merged(one.labels):
        meaning = label.why
        if not label.decided:
            meaning = f"DECIDE: set kind to value and value to one of {levels}"
        verified = "derived" if label.decided else "memory"
        seen = f"drafted; in {label.n:,} rows"
        writer.writerow([label.text, label.kind, label.value, "", "", meaning, verified, seen])
    return made.getvalue()


def _merged(labels: Sequence[Label]) -> list[Label]:
    """One label for texts that differ in case only, as codes match in either."""
    found: dict[str, Label] = {}
    for label in labels:
        known = found.get(label.text.lower())
        n = label.n + (known.n if known else 0)
        text = known.text if known else label.text
        found[label.text.lower()] = replace(label, text=text, n=n)
    return list(found.values())


def _files(plan: Plan) -> Iterator[str]:
    rows = plan.rows
    yield from (f"# {' '.join(said.split())}" for said in rows.said)
    yield "files:"
    where = f", where: {_where(rows.where)}" if rows.where else ""
    where += ", rows: several" if rows.several else ""
    yield f"  main: {{grain: {rows.grain}, key: {quoted(rows.key)}{where}}}"
    roles = {block.role for block in plan.blocks} - {"main"}
    for role, condition in rows.repeats.items():
        if role in roles:
            meant = f", where: {_where(condition)}" if condition else ""
            yield f"  {role}: {{grain: specimen, of: main{meant}}}"


def _where(condition: Mapping[str, Sequence[str]]) -> str:
    parts = [
        f"{quoted(heading)}: [{', '.join(quoted(text) for text in texts)}]"
        for heading, texts in condition.items()
    ]
    return f"{{{', '.join(parts)}}}"


def _time(plan: Plan, standing: Sequence[Entry], left_open: Sequence[Entry]) -> Iterator[str]:
    found = [one.column for one in standing]
    timed = next((name for name in found if name.startswith("followup_")), None)
    if timed is None and {"death_day", "last_contact_day"} & set(found):
        yield "# follow-up is counted from dates, in days"
    elif timed is None:
        yield "# DECIDE: no follow-up whose unit is certain was found"
    both = {one.column for one in (*standing, *left_open)} >= {"followup_days", "followup_months"}
    if timed is not None and both:
        yield "# the file gives days and months: days are the finer"
    yield f"time: {{followup: {plan.unit}}}"


def _identifies(plan: Plan, standing: Sequence[Entry], left_open: Sequence[Entry]) -> Iterator[str]:
    """What the file can tell by the columns that are read; what others would tell is a comment."""
    names = {one.column for one in standing}
    names |= {one.column for block in plan.blocks if block.stands for one in block.entries
              if one.decided}  # fmt: skip
    waiting = {one.column for one in left_open}
    waiting |= {one.column for block in plan.blocks for one in block.entries}
    wanted = {
        "her2_score": ("her2_ihc",),
        "cause_of_death": ("cause_of_death",),
        "recurrence": ("metastasis_day",),
        "treatment": _TREATMENT,
        "treatment_starts": tuple(f"{name}_day" for name in _TREATMENT),
        "anti_her2": ("anti_her2_therapy",),
        "adc": ("adc_therapy",),
    }
    yield "# what this source can tell; a study that needs what is false is refused"
    yield "identifies:"
    for name, columns in wanted.items():
        yes, no = ("partly", "none") if name == "treatment" else ("true", "false")
        said = yes if names & set(columns) else no
        open_ones = sorted(waiting & set(columns)) if said == no else []
        note = f"  # {yes} as soon as {listed(open_ones)} is read" if open_ones else ""
        yield f"  {name}: {said}{note}"


def _missing(tokens: Mapping[str, str]) -> Iterator[str]:
    if not tokens:
        yield "missing: {}"
        return
    yield "# texts that were seen and mean missing in every column"
    yield "missing:"
    shown: dict[str, str] = {}
    for token, kind in sorted(tokens.items()):
        shown.setdefault(token.lower(), f"  {quoted(token)}: {kind}")
    yield from shown.values()


def _fits(plan: Plan, standing: Sequence[Entry]) -> list[str]:
    """Columns by which a file of this source is known."""
    found = [one.headings[0] for one in standing if one.column in _FITS]
    return [reference(heading) for heading in dict.fromkeys([plan.rows.key, *found])]


def _order(one: Entry) -> int:
    known = list(SCHEMA)
    return known.index(one.column) if one.column in known else len(known)


def _rules(key: str, entries: Sequence[Entry], also: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if not entries:
        yield f"{key}: {{}}  # take {{}} away with the first column that you decide"
        return
    yield f"{key}:"
    for one in sorted(entries, key=_order):
        yield from _comments(one, also, "  ")
        yield f"  {one.column}: {one.rule}"


def _open(entries: Sequence[Entry], also: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Rules as comments, in the place where they will stand."""
    if not entries:
        return
    yield ""
    yield "  # Not read yet: decide, then take '# ' away."
    for one in sorted(entries, key=_order):
        yield from _comments(one, also, "  ")
        yield f"  # {one.column}: {one.rule}"


def _comments(one: Entry, also: Mapping[str, Sequence[str]], indent: str) -> Iterator[str]:
    said = list(one.said)
    others = also.get(one.column, ())
    if others:
        said.append(f"DECIDE: or is one of these meant? {', '.join(others)}")
    # A heading may be of several lines; a comment is of one.
    yield from (f"{indent}# {' '.join(text.split())}" for text in said)


def _specimens(blocks: Sequence[SpecimenBlock]) -> Iterator[str]:
    standing = [block for block in blocks if block.stands]
    if not blocks:
        return
    yield ""
    yield "# Several specimens of a patient. DECIDE for each: specimen_timing (before_treatment,"
    yield "# after_neoadjuvant, recurrence), specimen_site (primary, regional, distant). Until then"
    yield "# those that are read pass for the tumour at diagnosis; others are comments."
    if standing:
        yield "specimens:"
    for block in blocks:
        mark = "  " if block in standing else "  # "
        yield f"{mark}- from: {block.role}"
        yield f"{mark}  columns:"
        if block.role == "main":
            yield f"{mark}    specimen_id: {{value: {quoted(block.label)}}}"
        yield "      # specimen_timing: {value: before_treatment}"
        for one in sorted(block.entries, key=_order):
            yield from _comments(one, {}, "      ")
            hidden = "" if one.decided else "# "
            yield f"{mark}    {hidden}{one.column}: {one.rule}"


def _unrecognised(headings: Sequence[str], notes: Mapping[str, str]) -> Iterator[str]:
    if headings:
        yield ""
        yield f"# Columns that no rule reads: their headings say nothing usable ({len(headings)})"
        for heading in headings:
            meant = guess(heading)
            note = _NOTES.get(meant.column, "") if meant is not None else ""
            note = notes.get(heading, note)
            yield f"#   {' '.join(heading.split())}{note}"
