"""What a source dictionary may not say: each rule checked against the schema and its codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cohort.codes import CodeTable
from cohort.dictionary import Block, FileRule, Rules, SourceDictionary
from cohort.dictionary_rules import LEVELS, ColumnRule, Constant, split
from cohort.errors import listed, suggest
from cohort.schema import EVENT, GIVEN, SCHEMA, SPECIMEN, Column, column
from cohort.table import STAGES

# Place, what was found, what is allowed, advice.
Place = tuple[str | int, ...]
Found = tuple[Place, str, str, str]

# Columns that later stages make; a source gives the evidence, never the answer.
DERIVED = (
    *("her2_status", "her2_detail", "her2_rule", "her2_flags", "her2_era", "her2_explanation"),
    "er_group",
)
INTERVALS = ("her2_ratio", "her2_copies", "her2_copies_single")
_EVENT_ONLY = tuple(name for name in EVENT if name != "patient_id")
# What is told of a specimen besides its own columns and its HER2 evidence.
PATHOLOGY = (
    *("laterality", "behaviour", "histology", "grade", "ki67_percent", "hr_status"),
    *("er_status", "er_percent", "pr_status", "pr_percent"),
)


def problems(dictionary: SourceDictionary, tables: Mapping[str, CodeTable]) -> list[Found]:
    """Everything that contradicts the schema, the files or the code tables, with its place."""
    found = [*_files(dictionary), *_main_file(dictionary), *_followup(dictionary)]
    found += _named_elsewhere(dictionary)
    roles = _one_row_a_patient(dictionary)
    allowed = [name for name in _mappable() if name not in _EVENT_ONLY]
    given = "given_<endpoint>_time, given_<endpoint>_event"
    place: Place = ("columns",)
    for name, rules in dictionary.columns.items():
        found += _column((*place, name), name, dictionary.columns, (allowed, given))
        found += _rules((*place, name), name, rules, dictionary, tables, roles)
    for key, i, block in dictionary.blocks:
        found += _block((key, i), key, block, dictionary, tables)
    return found


def _mappable() -> list[str]:
    """Columns that a source may give."""
    return [name for name in SCHEMA if name not in (*DERIVED, "patient_id")]


def _column(
    place: Place, name: str, columns: Rules, allowed: tuple[list[str], str]
) -> Iterator[Found]:
    """The column must be one that can be mapped here."""
    names, more = allowed
    given = name.startswith("given_") and column(name) is not None and bool(more)
    if name not in names and not given:
        yield _not_mappable(place, name, names, more)
        return
    stem, _, side = name.rpartition("_")
    if stem in INTERVALS and side in ("low", "high"):
        yield from _bound(place, name, columns)
    if name == "diagnosis_year" and any(rule.when for rule in columns[name]):
        yield place, "cannot depend on another column", "", ""


def _bound(place: Place, name: str, columns: Rules) -> Iterator[Found]:
    """A source that states a bound states both, and the number itself."""
    stem = name.rpartition("_")[0]
    lacking = [one for one in (stem, f"{stem}_low", f"{stem}_high") if one not in columns]
    if lacking:
        yield place, f"a bound without {listed(lacking)}", "", "Map all three, or the number only."


def _not_mappable(place: Place, name: str, names: list[str], more: str) -> Found:
    if name == "patient_id":
        return place, "patient_id is the key of the first file", "", "Leave it out here."
    if name in _EVENT_ONLY and place[0] == "columns":
        return place, f"'{name}' belongs to events", "", "Describe it under 'events'."
    known = f"Columns: {listed(names, 100)}{', ' if more else ''}{more}"
    if column(name) is None:
        return place, f"'{name}' is not a canonical column", known, suggest(name, names)
    if name not in _mappable():
        return place, f"'{name}' is made by the toolkit, not by a source", "", ""
    return place, f"'{name}' is no column of {place[0]}", known, ""


def _rules(
    place: Place, name: str, rules: Sequence[ColumnRule], dictionary: SourceDictionary,
    tables: Mapping[str, CodeTable], roles: Sequence[str],
) -> Iterator[Found]:  # fmt: skip
    """Each rule of a column."""
    known = column(name)
    if known is None:
        return
    for condition in dict.fromkeys(condition for rule in rules for condition in rule.when):
        of_condition = dictionary.columns.get(condition, ())
        if not of_condition:
            yield place, f"'when' needs a rule for {condition}", "", ""
        elif len(of_condition) > 1 or of_condition[0].when:
            yield place, f"'when' needs {condition} to have one rule, for every patient", "", ""
    if any(rule.days_from for rule in rules) and any(rule.when for rule in rules):
        yield place, "days between dates cannot depend on another column", "", ""
    for i, rule in enumerate(rules):
        at = (*place, i) if len(rules) > 1 else place
        for reference in rule.references:
            yield from _reference(reference, at, dictionary, roles)
        for where, what, allowed, advice in _rule(rule, known, tables):
            yield (*at, *where), what, allowed, advice


def _files(dictionary: SourceDictionary) -> Iterator[Found]:
    """Roles must be words, and rows of another role's file those of a role that has one."""
    for role, rule in dictionary.files.items():
        place = ("files", role)
        if not role.isidentifier():
            yield place, "a role is one word of letters, digits and underscores", "", ""
        if role in STAGES:
            advice = f"Call it {role}_file: findings name the stage or file that they are of."
            yield place, "is the name of a stage", "", advice
        if rule.of is not None and rule.of not in dictionary.own_files:
            own = dictionary.own_files
            yield (*place, "of"), f"'{rule.of}' is no file", listed(own), suggest(rule.of, own)


def _main_file(dictionary: SourceDictionary) -> Iterator[Found]:
    role = dictionary.main
    first: FileRule = dictionary.files[role]
    if first.grain not in ("patient", "tumour") or not first.required or first.of is not None:
        found = "the first file must be required and of grain patient or tumour"
        yield ("files", role), found, "", ""
    for other, rule in dictionary.files.items():
        if rule.grain == "tumour" and other != role:
            found = "only the first file can be of grain tumour"
            yield ("files", other, "grain"), found, "patient, specimen, event", ""


def _one_row_a_patient(dictionary: SourceDictionary) -> tuple[str, ...]:
    """Roles whose columns patients may have: one row each, or one of which is chosen."""
    return tuple(
        role for role, rule in dictionary.files.items()
        if rule.grain == "patient" or role == dictionary.main
    )  # fmt: skip


def _block(
    place: Place, key: str, block: Block, dictionary: SourceDictionary,
    tables: Mapping[str, CodeTable],
) -> Iterator[Found]:  # fmt: skip
    """Specimens or events: columns of their own, from their own rows and the patient's."""
    if block.from_ not in dictionary.files:
        yield (
            (*place, "from"), f"'{block.from_}' names no file of this dictionary",
            f"Roles: {listed(dictionary.files)}", suggest(block.from_, dictionary.files),
        )  # fmt: skip
        return
    unit = dictionary.time.followup
    names = ["event_kind", "event_day" if unit == "days" else "event_months"]
    if key == "specimens":
        names = [n for n in _mappable() if n in (*SPECIMEN, *PATHOLOGY) or n.startswith("her2_")]
    roles = [r for r, rule in dictionary.files.items() if rule.grain == "patient"]
    roles.append(block.from_)
    for name, rules in block.columns.items():
        at = (*place, "columns", name)
        yield from _column(at, name, block.columns, ([*names, "tumour_id"], ""))
        yield from _rules(at, name, rules, dictionary, tables, roles)
        for condition in dict.fromkeys(name for rule in rules for name in rule.when):
            yield from _condition(at, condition, dictionary, roles)
    lacking = [name for name in names if key == "events" and name not in block.columns]
    if lacking:
        yield (*place, "columns"), f"an event needs {listed(lacking)}", "", ""
    if block.from_ == dictionary.main and dictionary.of_tumours:
        yield from _whose(place, key, block, dictionary)
    if not block.where and all(r.value is not None for rs in block.columns.values() for r in rs):
        advice = "Say by 'where' which rows hold one."
        yield (*place, "columns"), "constants only, so that every row would hold one", "", advice


def _whose(place: Place, key: str, block: Block, dictionary: SourceDictionary) -> Iterator[Found]:
    """Of a file of one row a tumour, only what belongs to the index tumour counts."""
    if "tumour_id" not in block.columns or "tumour_id" not in dictionary.columns:
        found = f"whose {key} these are is not told where each tumour has a row"
        yield (*place, "columns"), found, "", "Map tumour_id, here and for the patients."


def _condition(
    place: Place, name: str, dictionary: SourceDictionary, roles: Sequence[str]
) -> Iterator[Found]:
    """What a rule depends on must be in rows that the block can read."""
    for rule in dictionary.columns.get(name, ()):
        if any(split(reference)[0] not in roles for reference in rule.references):
            yield place, f"'when' needs {name}, which has no single row for each patient", "", ""


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
        found = f"from {_files_of(time)}, but vital status from {_files_of(vital)}"
        advice = "Take both from one file: a status of another day belongs to another time."
        yield ("columns", f"followup_{unit}"), found, "", advice


def _roles(dictionary: SourceDictionary, name: str) -> tuple[frozenset[str], ...]:
    """Files that a column comes from, for each alternative of its rules and of `first_of`."""
    return tuple(
        dict.fromkeys(
            frozenset(split(reference)[0] for reference in item.references)
            for rule in dictionary.columns.get(name, ())
            for item in rule.alternatives
        )
    )


def _files_of(roles: Sequence[frozenset[str]]) -> str:
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
    name: str, place: Place, dictionary: SourceDictionary, roles: Sequence[str] | None = None
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
    elif roles is not None and role not in roles:
        yield (place, f"'{role}' has no single row for each patient", "", "")


def _rule(rule: ColumnRule, known: Column, tables: Mapping[str, CodeTable]) -> Iterator[Found]:
    """What a rule says must fit the kind of its column."""
    if rule.value is not None:
        yield from _constant(rule.value, known)
        return
    numeric = known.kind in ("number", "integer")
    if rule.codes == LEVELS and known.kind != "category":
        yield ("codes",), f"{known.name} has no levels", "", ""
    if known.kind == "category" and rule.codes is None:
        yield (), "a column with levels needs codes", f"Levels: {listed(known.levels)}", ""
    if numeric and not (rule.codes or rule.number or rule.days_from):
        yield (), "a number needs 'number', 'codes' or 'days_from'", "", ""
    if not numeric and (rule.number or rule.days_from):
        yield (), f"{known.name} is not a number", "", ""
    if (known.kind == "date") != (rule.date is not None):
        formats = "iso, us, european, compact"
        yield ("date",), "a date, and only a date, has a date format", formats, ""
    if rule.any_of and known.levels != GIVEN:
        yield ("any_of",), f"{known.name} is not answered by yes or no", "", ""
    if rule.codes is not None and rule.codes in tables:
        yield from _codes(tables[rule.codes], known)


def _constant(value: Constant, known: Column) -> Iterator[Found]:
    """A constant must be a value of the column."""
    found = f"'{value}' is no value of {known.name}"
    if known.kind == "category" and str(value) not in known.levels:
        advice = suggest(str(value), known.levels)
        yield ("value",), found, f"Levels: {listed(known.levels)}", advice
    elif known.kind in ("number", "integer") and isinstance(value, str):
        yield ("value",), found, "A number", ""
    elif known.kind == "date":
        yield ("value",), f"{known.name} cannot be the same for every row", "", ""


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
        elif known.kind in ("number", "integer") and not is_number(code.value):
            yield ("codes",), f"{table.name}.csv: '{code.value}' is no number", "", ""


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
