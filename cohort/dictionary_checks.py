"""What a source dictionary may not say: each rule checked against the schema and its codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cohort.codes import CodeTable
from cohort.dictionary import ColumnRule, SourceDictionary, split
from cohort.errors import listed, suggest
from cohort.schema import SCHEMA, Column, column

# Place, what was found, what is allowed, advice.
Found = tuple[tuple[str | int, ...], str, str, str]

# Columns that later stages make; a source gives the evidence, never the answer.
DERIVED = ("her2_status", "her2_detail", "her2_rule", "her2_flags")
INTERVALS = ("her2_ratio", "her2_copies", "her2_copies_single")


def problems(dictionary: SourceDictionary, tables: Mapping[str, CodeTable]) -> list[Found]:
    """Everything that contradicts the schema, the files or the code tables, with its place."""
    found = [*_main_file(dictionary), *_followup(dictionary), *_named_elsewhere(dictionary)]
    for name, rules in dictionary.columns.items():
        known = column(name)
        if known is None or name in DERIVED or name == "patient_id" or _bound(name):
            found.append(_not_mappable(name))
            continue
        for i, rule in enumerate(rules):
            place = ("columns", name, i) if len(rules) > 1 else ("columns", name)
            found += [
                ((*place, *where), what, allowed, advice)
                for where, what, allowed, advice in _rule(rule, known, dictionary, tables)
            ]
        if name == "diagnosis_year" and any(rule.when for rule in rules):
            found.append((("columns", name), "cannot depend on the year of diagnosis", "", ""))
        if any(rule.when for rule in rules) and "diagnosis_year" not in dictionary.columns:
            found.append((("columns", name), "'when' needs a rule for diagnosis_year", "", ""))
        if len(rules) > 1 and not all(rule.when for rule in rules):
            found.append((("columns", name), "each of several rules needs 'when'", "", ""))
    return found


def _bound(name: str) -> bool:
    """Whether the column is a bound that harmonising fills."""
    return any(name in (f"{stem}_low", f"{stem}_high") for stem in INTERVALS)


def _not_mappable(name: str) -> Found:
    place = ("columns", name)
    if name == "patient_id":
        return place, "patient_id is the key of the first file", "", "Leave it out here."
    if column(name) is not None:
        return place, f"'{name}' is made by the toolkit, not by a source", "", ""
    names = [known for known in SCHEMA if known not in DERIVED and not _bound(known)]
    given = "given_<endpoint>_time, given_<endpoint>_event"
    return (
        place,
        f"'{name}' is not a canonical column",
        f"Columns: {listed(names, 100)}, {given}",
        suggest(name, names),
    )


def _main_file(dictionary: SourceDictionary) -> Iterator[Found]:
    for role in dictionary.files:
        if not role.isidentifier():
            yield ("files", role), "a role is one word of letters, digits and underscores", "", ""
    first = dictionary.files[dictionary.main]
    if first.grain != "patient" or not first.required:
        yield (
            ("files", dictionary.main),
            "the first file must be required and of grain patient", "", "",
        )  # fmt: skip


def _followup(dictionary: SourceDictionary) -> Iterator[Found]:
    """Follow-up in the source's own unit, and from the file that vital status comes from."""
    unit = dictionary.time.followup
    other = "months" if unit == "days" else "days"
    if f"followup_{other}" in dictionary.columns:
        yield (
            ("columns", f"followup_{other}"),
            f"time.followup says {unit}", "", f"Map followup_{unit}: time is never converted.",
        )  # fmt: skip
    times = [n for n in dictionary.columns if n.startswith("followup_") or n.endswith("_time")]
    for name in times:
        for rule in dictionary.columns[name]:
            if rule.number is not None and rule.number.scale != 1:
                yield (
                    ("columns", name, "number", "scale"),
                    "follow-up stays in the unit of the source", "",
                    "Leave scale out: time is never converted.",
                )  # fmt: skip
    vital, time = (_roles(dictionary, name) for name in ("vital_status", f"followup_{unit}"))
    if vital and time and vital != time:
        found = f"from {_files(time)}, but vital status from {_files(vital)}"
        advice = "Take both from one file: a status of another day belongs to another time."
        yield ("columns", f"followup_{unit}"), found, "", advice


def _roles(dictionary: SourceDictionary, name: str) -> tuple[frozenset[str], ...]:
    """Files that a column comes from, for each alternative of `first_of`."""
    return tuple(
        frozenset(split(reference)[0] for reference in item.references)
        for rule in dictionary.columns.get(name, ())
        for item in rule.alternatives
    )


def _files(roles: Sequence[frozenset[str]]) -> str:
    return ", else ".join(" and ".join(f"'{role}'" for role in sorted(each)) for each in roles)


def _named_elsewhere(dictionary: SourceDictionary) -> Iterator[Found]:
    """References in `fits` and `unmapped`."""
    for i, names in enumerate(dictionary.fits):
        for name in names:
            yield from _reference(name, ("fits", i), dictionary)
    for i, item in enumerate(dictionary.unmapped):
        for name in item.columns:
            yield from _reference(name, ("unmapped", i, "columns"), dictionary)


def _reference(
    name: str, place: tuple[str | int, ...], dictionary: SourceDictionary, grain: bool = False
) -> Iterator[Found]:
    """A reference must be ``role.column`` of a file that the dictionary has."""
    role, heading = split(name)
    if role not in dictionary.files or not heading:
        yield (
            place,
            f"'{name}' names no file of this dictionary",
            f"Written role.column; roles: {listed(dictionary.files)}",
            suggest(role, dictionary.files),
        )
    elif grain and dictionary.files[role].grain != "patient":
        yield (place, f"'{role}' has no single row for each patient", "", "")


def _rule(
    rule: ColumnRule,
    known: Column,
    dictionary: SourceDictionary,
    tables: Mapping[str, CodeTable],
) -> Iterator[Found]:
    for name in rule.references:
        yield from _reference(name, (), dictionary, grain=True)
    numeric = known.kind in ("number", "integer")
    if known.kind == "category" and rule.codes is None:
        yield (), "a column with levels needs codes", f"Levels: {listed(known.levels)}", ""
    if numeric and not (rule.codes or rule.number or rule.days_from):
        yield (), "a number needs 'number', 'codes' or 'days_from'", "", ""
    if not numeric and (rule.number or rule.days_from):
        yield (), f"{known.name} is not a number", "", ""
    if (known.kind == "date") != (rule.date is not None):
        yield ("date",), "a date, and only a date, has a date format", "iso, us, compact", ""
    if rule.days_from is not None and rule.when:
        yield ("when",), "days between dates cannot depend on the year of diagnosis", "", ""
    if rule.codes is not None and rule.codes in tables:
        yield from _codes(tables[rule.codes], known)


def _codes(table: CodeTable, known: Column) -> Iterator[Found]:
    """Values of the codes must be values of the column."""
    for code in table.codes:
        if code.outcome not in ("value", "obsolete"):
            continue
        if known.kind == "category" and code.value not in known.levels:
            yield (
                ("codes",),
                f"{table.name}.csv: code '{code.code}' gives '{code.value}'",
                f"Levels of {known.name}: {listed(known.levels)}",
                suggest(code.value, known.levels),
            )
        elif known.kind in ("number", "integer") and not _is_number(code.value):
            yield ("codes",), f"{table.name}.csv: '{code.value}' is no number", "", ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
