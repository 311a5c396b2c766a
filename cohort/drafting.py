"""A dictionary drafted from a file: columns are guessed, what a code means never is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cohort.dictionary import SourceDictionary
from cohort.drafting_boxes import box_entries
from cohort.drafting_entries import Entry, day_entry, entry, reference, year_entry
from cohort.drafting_evidence import weighed
from cohort.drafting_headings import Guess, box, guesses, is_later, specimen_labels, words
from cohort.drafting_rows import Rows, rows_of
from cohort.drafting_text import code_rows, dictionary_text
from cohort.drafting_values import Survey, Values, survey, tokens
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.table import TimeUnit

_EVIDENCE = (
    "her2_ihc",
    "her2_ihc_reported",
    "her2_ish",
    "her2_ratio",
    "her2_copies",
    "her2_reported",
    "her2_stain_percent",
    "her2_zero_kind",
)
_UNNAMED = "unnamed"  # the specimen whose columns have no word for it
_DATED = ("birth_date", "diagnosis_date", "specimen_date")


@dataclass(frozen=True, slots=True)
class SpecimenBlock:
    """Specimens that the rows of a role, or some columns of the main file, state.

    Those ``later`` are of a metastasis, a recurrence or what treatment left: until their site and
    timing are said they would pass for the tumour at diagnosis, so they are comments.
    """

    role: str
    label: str
    entries: tuple[Entry, ...]
    later: bool = False

    @property
    def stands(self) -> bool:
        """Whether the block is read before the user has decided anything."""
        return not self.later and any(one.decided for one in self.entries)


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A dictionary drafted from a file.

    Attributes
    ----------
    name
        Of the dictionary; its code tables begin with it.
    text
        The YAML file.
    tables
        Code tables by name, as text.
    decided, open
        Rules that stand, and rules that are comments until the user has decided.
    unrecognised
        Columns of the file whose heading says nothing.
    n_undecided
        Codes that are missing until the user has said what they mean.
    """

    name: str
    text: str
    tables: Mapping[str, str]
    decided: tuple[Entry, ...]
    open: tuple[Entry, ...]
    unrecognised: tuple[str, ...]
    n_undecided: int


@dataclass(slots=True, eq=False)
class Plan:
    """What the draft will say, gathered column by column."""

    name: str
    survey: Survey
    rows: Rows
    entries: list[Entry] = field(default_factory=list)
    blocks: list[SpecimenBlock] = field(default_factory=list)
    also: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def values(self, heading: str, where: Mapping[str, Sequence[str]] | None = None) -> Values:
        """A column's texts without those that mean missing in any column; these are noted."""
        found = self.survey.values(heading, self.rows.where if where is None else where)
        known = tokens(found)
        self.missing.update(known)
        return {text: n for text, n in found.items() if text not in known}

    def codes(self, column: str, label: str = "") -> str:
        """Name of a column's code table."""
        return "_".join(part for part in (self.name, column, label) if part)

    @property
    def unit(self) -> TimeUnit:
        """The unit of follow-up that the file gives; days where it gives both, or neither."""
        stands = {one.column for one in self.entries if one.decided}
        in_months = "followup_months" in stands and "followup_days" not in stands
        return "months" if in_months else "days"


def draft(item: Any, *, name: str) -> Draft:
    """A dictionary for a file of one's own, to be completed by a person.

    Columns are guessed by their headings. A code's meaning is never guessed: what is not a
    certain label is missing, marked in its code table as undecided; a column without any
    certain code, a number without its unit, and a date whose day and month could be exchanged
    are left out as comments. The draft has been tried: it reads the file.

    Parameters
    ----------
    item
        A path or table.
    name
        Of the dictionary, one word of letters, digits and underscores.

    Raises
    ------
    SpecError
        For a path that does not exist.
    DataError
        For a file that cannot be read whole, or in which no column tells patients apart.

    Notes
    -----
    Checked by harmonising worked files with their drafts (tests/cohort/test_drafting.py).
    """
    seen = survey(item)
    plain = [heading for heading in seen.headings if box(heading) is None]
    found = weighed(plain, seen.values)
    plan = Plan(name, seen, rows_of(seen, found))
    of_rows = plan.rows.of_specimens
    found = {k: [one for one in group if one.heading not in of_rows] for k, group in found.items()}
    wide = _wide(plan, found)
    _columns(plan, {k: group for k, group in found.items() if k != "patient_id"}, wide)
    plan.entries += box_entries(seen.headings, plan.values, plan.codes)
    _repeated_rows(plan)
    made = _settled(plan)
    _tried(item, made)
    return made


def _columns(plan: Plan, found: Mapping[str, list[Guess]], wide: Sequence[Guess]) -> None:
    """A rule for each canonical column that a heading means."""
    taken = {one.heading for one in wide}
    origin = found.get("diagnosis_date", [None])[0]
    origin_values = plan.values(origin.heading) if origin is not None else {}
    for column, group in found.items():
        left = [one for one in group if one.heading not in taken and _is_told(one, plan)]
        if not left:
            continue
        best, *others = _fullest(left, plan)
        values = plan.values(best.heading)
        if column.endswith("_date") and column not in _DATED and origin is not None:
            made = day_entry(best, origin, values, origin_values)
        else:
            made = entry(best, values, codes=plan.codes(column))
        if made is None and column.endswith("_date") and origin is None:
            plan.notes[best.heading] = "  (days are counted from a date of diagnosis: none found)"
        if made is not None:
            plan.entries.append(made)
            plan.also[made.column] = [one.heading for one in others]
    if origin is not None and "diagnosis_year" not in found:
        year = year_entry(origin, origin_values)
        plan.entries += [year] if year is not None else []


def _is_told(one: Guess, plan: Plan) -> bool:
    """Whether a column can be what it seems: a number of tumours tells none apart in one row."""
    sequence = one.column == "tumour_id" and "sequence" in words(one.heading)
    return plan.rows.grain == "tumour" or not sequence


def _fullest(group: Sequence[Guess], plan: Plan) -> list[Guess]:
    """The surest headings first, and among equals the one with most values."""
    known = {one.heading: sum(plan.values(one.heading).values()) for one in group}
    return sorted(group, key=lambda one: (one.strength, known[one.heading]), reverse=True)


def _wide(plan: Plan, found: Mapping[str, list[Guess]]) -> list[Guess]:
    """Columns of HER2 evidence that stand once for each specimen, made into blocks of specimens."""
    every = [one for column in _EVIDENCE for one in found.get(column, ())]
    labels: dict[str, None] = {}
    for column in _EVIDENCE:
        group = [one.heading for one in found.get(column, ())]
        labels |= dict.fromkeys(specimen_labels(group) if len(group) > 1 else ())
    if not labels:
        return []
    named = {label for label in labels if label}
    for label in labels:
        members = [
            one
            for one in every
            if (label in words(one.heading) if label else not named & words(one.heading))
        ]
        entries = tuple(_members(plan, members, label or _UNNAMED))
        later = is_later(label)
        plan.blocks.append(SpecimenBlock("main", label or _UNNAMED, entries, later))
    return [one for one in every if "" in labels or named & words(one.heading)]


def _members(
    plan: Plan,
    members: Sequence[Guess],
    label: str,
    role: str = "main",
    where: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Entry]:
    """Rules of one block of specimens."""
    for one in members:
        codes = plan.codes(one.column, label)
        made = entry(one, plan.values(one.heading, where), codes=codes, role=role)
        if made is not None:
            yield made


def _repeated_rows(plan: Plan) -> None:
    """Rows of a repeating instrument that hold HER2 evidence, made into blocks of specimens."""
    for role, where in plan.rows.repeats.items():
        filled = [h for h in plan.survey.headings if plan.survey.values(h, where)]
        found = weighed(filled, partial(plan.survey.values, where=where))
        members = [found[column][0] for column in _EVIDENCE if column in found]
        members += [
            group[0]
            for column, group in found.items()
            if column not in _EVIDENCE and group[0].heading in plan.rows.of_specimens
        ]
        if members:
            entries = [*_specimen_id(plan, role), *_members(plan, members, role, role, where)]
            entries += _specimen_day(plan, found, role, where)
            plan.blocks.append(SpecimenBlock(role, role, tuple(entries)))
    # What only the specimens have is no column of the patients.
    taken = {h for block in plan.blocks for one in block.entries for h in one.headings}
    plan.entries = [one for one in plan.entries if one.decided or not taken & set(one.headings)]


def _specimen_id(plan: Plan, role: str) -> Iterator[Entry]:
    """What tells the specimens of a patient apart, where each row is one."""
    heading = plan.rows.specimen
    if heading:
        said = (f"'{heading}' is different in every row of a patient",)
        rule = f"{{from: {reference(heading, role)}}}"
        yield Entry("specimen_id", rule, (heading,), True, said)


def _specimen_day(
    plan: Plan, found: Mapping[str, list[Guess]], role: str, where: Mapping[str, Sequence[str]]
) -> Iterator[Entry]:
    """Days from diagnosis to a specimen, where both dates are there."""
    dated = found.get("specimen_date", [None])[0]
    origin = guesses(plan.survey.headings).get("diagnosis_date", [None])[0]
    if dated is not None and origin is not None:
        values, origin_values = plan.values(dated.heading, where), plan.values(origin.heading)
        made = day_entry(dated, origin, values, origin_values, role=role)
        yield from [made] if made is not None else []


def _settled(plan: Plan) -> Draft:
    """The draft's text and tables, one rule a column and follow-up in one unit."""
    unit = plan.unit
    other = "followup_months" if unit == "days" else "followup_days"
    in_blocks = [one for block in plan.blocks for one in block.entries]
    read = [one for block in plan.blocks if block.stands for one in block.entries if one.decided]
    standing: dict[str, Entry] = {}
    left_open = []
    for one in plan.entries:
        if one.decided and one.column not in standing and one.column != other:
            standing[one.column] = one
        else:
            left_open.append(one)
    used = {h for one in (*plan.entries, *in_blocks) for h in one.headings}
    used |= {plan.rows.key, *plan.rows.where, *(h for also in plan.also.values() for h in also)}
    unrecognised = tuple(h for h in plan.survey.headings if h not in used)
    every = [*standing.values(), *left_open, *in_blocks]
    tables = {_table_of(one): code_rows(one) for one in every if one.labels}
    text = dictionary_text(plan, tuple(standing.values()), tuple(left_open), unrecognised)
    n_undecided = sum(not label.decided for one in every for label in one.labels)
    decided = (*standing.values(), *read)
    still_open = (*left_open, *(one for one in in_blocks if one not in read))
    return Draft(plan.name, text, tables, decided, still_open, unrecognised, n_undecided)


def _table_of(one: Entry) -> str:
    """The code table that a rule names."""
    return one.rule.rpartition("codes: ")[2].rstrip("}")


def _tried(item: Any, made: Draft) -> None:
    """The draft must read the file that it was drafted from."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{made.name}.yaml"
        write(made, path)
        harmonise(load(item, source=SourceDictionary.load(path)))


def write(made: Draft, path: Path) -> tuple[Path, ...]:
    """The YAML file and its code tables, none of which may be there already.

    Raises
    ------
    FileExistsError
        Where one is; nothing is then left behind.
    """
    folder = path.parent / "codes"
    texts = {folder / f"{name}.csv": text for name, text in made.tables.items()} | {path: made.text}
    written: list[Path] = []
    try:
        if made.tables:
            folder.mkdir(exist_ok=True)
        for place, text in texts.items():
            with place.open("x", encoding="utf-8", newline="") as file:
                written.append(place)
                file.write(text)
    except OSError:
        for place in written:
            place.unlink(missing_ok=True)
        raise
    return tuple(texts)
