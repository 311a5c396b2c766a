"""One drafted rule for each canonical column: what is certain stands, what is not is a comment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from cohort.drafting_headings import Guess
from cohort.drafting_values import (
    MOST_CODES,
    Label,
    Numbers,
    Values,
    date_formats,
    labels,
    numbers,
    tokens,
)
from cohort.schema import Column, column

_PARSED = 0.95  # share of texts that must be numbers in a column of numbers
_MARK = "DECIDE: does the comma mark the fraction? A mark of thousands is not read"
_LARGE_TUMOUR = 10  # a median tumour of 10 cm is not credible: such a column is in mm
DAYS = {
    "death_date": "death_day",
    "last_contact_date": "last_contact_day",
    "surgery_date": "surgery_day",
    "radiotherapy_date": "radiotherapy_day",
    "chemotherapy_date": "chemotherapy_day",
    "endocrine_therapy_date": "endocrine_therapy_day",
    "anti_her2_therapy_date": "anti_her2_therapy_day",
    "adc_therapy_date": "adc_therapy_day",
    "metastasis_date": "metastasis_day",
    "specimen_date": "specimen_day",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of the draft.

    Attributes
    ----------
    column
        Canonical column.
    rule
        The rule, as it stands after the column's name in the YAML file.
    headings
        Columns of the file that it reads.
    decided
        Whether it stands; otherwise it is a comment until the user has decided.
    said
        Why it was guessed, what was seen, what must be decided; each one line.
    labels
        Codes of the table that the rule names; none where it names none.
    """

    column: str
    rule: str
    headings: tuple[str, ...]
    decided: bool
    said: tuple[str, ...] = ()
    labels: tuple[Label, ...] = field(default=())


def quoted(text: str) -> str:
    """A text as YAML reads it back, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)


def reference(heading: str, role: str = "main") -> str:
    """A column as a dictionary names it."""
    return quoted(f"{role}.{heading}")


def entry(one: Guess, values: Values, *, codes: str, role: str = "main") -> Entry | None:
    """The rule for a column of the file, None where it is no column of its own kind.

    Parameters
    ----------
    one
        What the heading probably means.
    values
        The column's texts with their counts.
    codes
        Name of its code table, should it need one.
    role
        Role of the file or rows that it is read from.
    """
    name = one.column
    if name == "followup":
        return _followup(one, values, role)
    known = column(name)
    if known is None:
        return None
    given = {text: n for text, n in values.items() if text not in tokens(values)}
    if known.kind == "category":
        return _coded(one, given, codes, role)
    if known.kind in ("number", "integer"):
        return _number(one, known, given, role)
    if known.kind == "date":
        return _date(one, given, role)
    said = (f"guessed from the heading '{one.heading}'",)
    return Entry(name, f"{{from: {reference(one.heading, role)}}}", (one.heading,), True, said)


def _coded(one: Guess, values: Values, codes: str, role: str) -> Entry:
    """A column of codes: its table holds every text, those that are certain with their level."""
    rule = f"{{from: {reference(one.heading, role)}, codes: {codes}}}"
    start = f"guessed from the heading '{one.heading}'"
    known = column(one.column)
    if len(values) > MOST_CODES:
        seen = numbers(values)
        what = "numbers" if seen is not None and seen.share >= _PARSED else "texts"
        many = f"{len(values):,} different {what} are too many for codes"
        return Entry(one.column, rule, (one.heading,), False, (start, many))
    if not values:
        return Entry(one.column, rule, (one.heading,), False, (start, "the column is empty"))
    found = labels(one.column, one.family, values)
    if not one.sure:
        whose = f"DECIDE: the heading '{one.heading}' does not say whose scores these are: HER2's?"
        return Entry(one.column, rule, (one.heading,), False, (whose,), tuple(found))
    open_ones = [label for label in found if not label.decided]
    levels = ", ".join(known.levels) if known is not None else ""
    said = [start]
    if open_ones:
        written = ", ".join(f"{label.text} ({label.n:,})" for label in open_ones[:8])
        said.append(f"DECIDE in codes/{codes}.csv what these mean: {written}")
        said.append(f"levels: {levels}")
    decided = any(label.decided and label.kind == "value" for label in found)
    if not decided:
        said.append("no code is certain: complete the table, then take the # away")
    return Entry(one.column, rule, (one.heading,), decided, tuple(said), tuple(found))


def _number(one: Guess, known: Column, values: Values, role: str) -> Entry:
    """A column of numbers, with the range that was seen."""
    seen = numbers(values)
    said = [f"guessed from the heading '{one.heading}'"]
    keys, decided = ["integer: true"] if known.kind == "integer" else [], True
    if seen is None or seen.share < _PARSED:
        share = 0 if seen is None else round(100 * seen.share)
        said.append(f"only {share} % of its texts are numbers: say what the others mean by codes")
        keys += _decimal(seen)
        rule = f"{{from: {reference(one.heading, role)}, number: {{{', '.join(keys)}}}}}"
        return Entry(one.column, rule, (one.heading,), False, tuple(said))
    if one.column == "tumour_size_mm":
        scale, decided, more = _size(one, seen.middle)
        keys += scale
        said.append(more)
    elif one.column == "her2_copies" and one.heading.casefold() != one.column:
        decided = False
        said.append("DECIDE: of a dual probe (her2_copies) or a single (her2_copies_single)?")
    if not seen.marked:
        decided = False
        said.append(_MARK)
    keys += _decimal(seen)
    rule = f"{{from: {reference(one.heading, role)}, number: {{{', '.join(keys)}}}}}"
    said.append(f"seen: {seen.low:g} to {seen.high:g}, half of them up to {seen.middle:g}")
    if _outside(seen, known):
        said.append(
            f"possible is {known.low:g} to {known.high:g}: what lies outside will be missing; a "
            "number that means unknown is best named in a code table"
        )
    return Entry(one.column, rule, (one.heading,), decided, tuple(said))


def _decimal(seen: Numbers | None) -> list[str]:
    """What a rule says of the mark before the fraction, where that is no point."""
    return ['decimal: ","'] if seen is not None and seen.decimal == "," else []


def _outside(seen: Numbers, known: Column) -> bool:
    """Whether numbers were seen that the column cannot hold."""
    if known.low is None or known.high is None:
        return False
    return seen.low < known.low or seen.high > known.high


def _size(one: Guess, middle: float) -> tuple[list[str], bool, str]:
    """Scale of a tumour's size, whether it is certain, and why."""
    if one.unit in ("mm", "cm"):
        scale = ["scale: 10"] if one.unit == "cm" else []
        return scale, True, f"in {one.unit}, as the heading says"
    if middle >= _LARGE_TUMOUR:
        return [], True, f"in mm: half of the sizes are {middle:g} or less, which no cm would be"
    return [], False, "DECIDE: mm, or cm (then write number: {scale: 10})?"


def _date(one: Guess, values: Values, role: str) -> Entry:
    """A date in the only way of writing that fits; a comment where two ways fit or none."""
    forms = date_formats(values)
    start = f"guessed from the heading '{one.heading}'"
    rule = f"{{from: {reference(one.heading, role)}, date: {forms[0] if forms else 'iso'}}}"
    if len(forms) == 1:
        said = (start, f"written as {_written(forms[0])}")
        return Entry(one.column, rule, (one.heading,), True, said)
    said = (start, _undated(forms))
    return Entry(one.column, rule, (one.heading,), False, said)


def _written(form: str) -> str:
    return {"iso": "2015-03-31", "us": "03/31/2015", "european": "31.03.2015 or 31/03/2015",
            "compact": "20150331"}[form]  # fmt: skip


def _undated(forms: Sequence[str]) -> str:
    if forms:
        return f"DECIDE the order of day and month: {' or '.join(forms)}? Every date fits both"
    return "its texts are no dates written in one way: iso, us, european or compact"


def _followup(one: Guess, values: Values, role: str) -> Entry:
    """Follow-up in the unit that the heading names; a comment where it names none."""
    start = f"guessed from the heading '{one.heading}'"
    unit = one.unit if one.unit in ("days", "months") else ""
    name = f"followup_{unit or 'days'}"
    seen = numbers(values)
    mark = ", ".join(_decimal(seen))
    rule = f"{{from: {reference(one.heading, role)}, number: {{{mark}}}}}"
    span = f"seen: {seen.low:g} to {seen.high:g}" if seen is not None else "no numbers seen"
    said = [start, span]
    if one.unit == "years":
        said.append("in years: give days or months instead, follow-up is never converted")
    elif not unit:
        said.append("DECIDE the unit: followup_days or followup_months (and time: above)")
    if seen is not None and not seen.marked:
        said.append(_MARK)
    decided = bool(unit) and seen is not None and seen.share >= _PARSED and seen.marked
    return Entry(name, rule, (one.heading,), decided, tuple(said))


def day_entry(
    one: Guess, origin: Guess, values: Values, origin_values: Values, *, role: str = "main"
) -> Entry | None:
    """Days from the date of diagnosis to another date; None for a date that no column is for."""
    name = DAYS.get(one.column)
    if name is None:
        return None
    forms = [
        form for form in date_formats(origin_values) if not values or form in date_formats(values)
    ]
    form = forms[0] if forms else "iso"
    day, start_day = reference(one.heading, role), reference(origin.heading)
    rule = f"{{days_from: {{date: {day}, origin: {start_day}, format: {form}}}}}"
    start = f"guessed from the headings '{one.heading}' and '{origin.heading}'"
    said = (start,) if len(forms) == 1 else (start, _undated(forms))
    return Entry(name, rule, (one.heading, origin.heading), len(forms) == 1, said)


def year_entry(origin: Guess, values: Values) -> Entry | None:
    """The year of diagnosis from its date."""
    forms = date_formats(values)
    places = {"iso": "characters: [1, 4]", "compact": "characters: [1, 4]", "us": 'after: "/"'}
    ends = set(forms) & {"us", "european"}
    how = places.get(forms[0]) if forms and not ends else None
    if ends:
        marks = {mark for text in values for mark in "./-" if mark in text}
        how = f'after: "{marks.pop()}"' if len(marks) == 1 else None
    if how is None:
        return None
    rule = f"{{from: {reference(origin.heading)}, {how}, number: {{integer: true}}}}"
    said = (f"the year in '{origin.heading}'",)
    return Entry("diagnosis_year", rule, (origin.heading,), True, said)
