"""A source's files described: which dictionary fits, what it understands, what it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw

from cohort.decode import BLANK
from cohort.description import ColumnSeen, ColumnUnread, Description, Repeats
from cohort.dictionary import SourceDictionary
from cohort.dictionary_rules import ColumnRule, split
from cohort.drafting_values import UNDECIDED
from cohort.errors import Her2LowError, Problem, SpecError, listed
from cohort.fit import Fit, Headings, every_heading, heading_fit, is_found, package_dictionaries
from cohort.harmonisation import harmonise
from cohort.headings import places, position
from cohort.her2_outlook import her2_outlook
from cohort.loading import Extract, findings_of, headings_of, load
from cohort.pieces import Pieces, resolved
from cohort.plausibility import implausible
from cohort.records import told_of_patients
from cohort.repeats import one_row_each
from cohort.table import Cohort, Finding

# Findings of values that could not be used as they stand, and of values that cannot be; what is
# missing is told with the columns.
_NOT_UNDERSTOOD = ("unknown_code", "unparsable_number", "unparsable_date", "uncertain_code")
_IMPOSSIBLE = ("impossible_value", "impossible_order", "negative_followup")
_WITHOUT = ("missing", "column_absent", "outside_years", "interval_code")
_ELSEWHERE = (*_NOT_UNDERSTOOD, *_IMPOSSIBLE, *_WITHOUT, "unmapped_column")
_BY_KIND = {
    "unknown_code": "code not known",
    "unparsable_number": "not a number",
    "unparsable_date": "not a date",
    "uncertain_code": "uncertain",
    "outside_years": "not collected that year",
    "column_absent": "no column for that year",
    "interval_code": "a range only",
    "impossible_value": "impossible",
    "impossible_order": "impossible",
    "negative_followup": "impossible",
}


def describe(
    files: Any,
    *,
    source: str | Path | SourceDictionary | None = None,
    edition: int = 2018,
    identify: bool = False,
    today: date | None = None,
) -> Description:
    """What a source's files hold, and whether HER2-low can be formed from them.

    Every dictionary of the package is tried on the headings; those that fit are tried on the
    values too, and the best reads the files. Nothing is changed: a file in which a patient
    stands twice is described by one row of each patient, and the repeats are counted.

    Parameters
    ----------
    files
        As for `load`: a path or table, or a mapping from roles to paths or tables.
    source
        The dictionary to read them by; the best where not given.
    edition
        Guideline edition (ASCO/CAP) of the counts by HER2 status.
    identify
        Whether keys of repeated patients are shown.
    today
        The day past which a date lies in the future; the day of the call where not given.

    Raises
    ------
    SpecError
        For an unknown source or role, or a path that does not exist.
    DataError
        For files that cannot be read whole.

    Notes
    -----
    Checked against worked files of every fault (tests/cohort/test_describe.py).
    """
    fits, reading = _read(files, source, identify)
    if reading is None:
        items = files.values() if isinstance(files, Mapping) else [files]
        return Description("", fits, noted=tuple(f for item in items for f in findings_of(item)))
    day = today or date.today()  # noqa: DTZ011  the reader's own day
    return _described(reading, fits, edition, day)


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Files read by one dictionary."""

    extract: Extract
    cohort: Cohort
    repeats: tuple[Repeats, ...]


def _described(reading: _Reading, fits: tuple[Fit, ...], edition: int, today: date) -> Description:
    """Everything that was seen of files that a dictionary reads."""
    cohort, extract = reading.cohort, reading.extract
    columns = tuple(_columns(cohort, extract))
    found = cohort.findings
    return Description(
        source=fits[0].source,
        fits=fits,
        files=extract.files,
        n=cohort.n,
        n_tumours=_tumours(cohort, extract),
        n_specimens=_rows(cohort, cohort.specimens),
        n_events=_rows(cohort, cohort.events),
        columns=columns,
        unread=tuple(_unread(extract)),
        not_understood=tuple(f for f in found if f.rule in _NOT_UNDERSTOOD),
        implausible=(
            *(f for f in found if f.rule in _IMPOSSIBLE),
            *implausible(cohort, today),
        ),
        repeats=reading.repeats,
        her2=her2_outlook(cohort, extract.dictionary, columns, edition),
        noted=tuple(f for f in found if f.rule not in _ELSEWHERE),
    )


def _read(
    files: Any, source: str | Path | SourceDictionary | None, identify: bool
) -> tuple[tuple[Fit, ...], _Reading | None]:
    """Every dictionary's fit, the best first, and the files as the best reads them."""
    asked = None if source is None else SourceDictionary.load(source)
    if asked is not None:
        reading = _reading(files, asked, identify)
        first = _with_values(heading_fit(asked, reading.extract.headings), reading)
        others = [fit for _, fit in _tried(files) if fit.source != asked.name]
        return (first, *_ranked(others)), reading
    fits: list[Fit] = []
    errors: list[Her2LowError] = []
    best: tuple[Fit, _Reading] | None = None
    for dictionary, fit in sorted(_tried(files), key=lambda pair: pair[1].rank, reverse=True):
        if not fit.fits:
            fits.append(fit)
            continue
        try:
            reading = _reading(files, dictionary, identify)
        except Her2LowError as error:
            # Another dictionary may say how the file is laid out; where none does, this is told.
            errors.append(error)
            fits.append(replace(fit, refused=error.problems[0].found))
            continue
        whole = _with_values(fit, reading)
        fits.append(whole)
        if best is None or whole.rank > best[0].rank:
            best = whole, reading
    if best is None and errors:
        raise errors[0]
    return _ranked(fits), None if best is None else best[1]


def _ranked(fits: Sequence[Fit]) -> tuple[Fit, ...]:
    return tuple(sorted(fits, key=lambda fit: fit.rank, reverse=True))


def _tried(files: Any) -> Iterator[tuple[SourceDictionary, Fit]]:
    """Dictionaries of the package that have the files' roles, with their fit to the headings."""
    given = dict(files) if isinstance(files, Mapping) else None
    known = package_dictionaries()
    wanted = every_heading()
    read = {role: headings_of(item, wanted) for role, item in (given or {"": files}).items()}
    able = [one for one in known if given is None or set(given) <= set(one.own_files)]
    if not able:
        roles = sorted({role for one in known for role in one.own_files})
        raise SpecError(
            Problem(
                "files", f"no source has files {listed(given or ())}", f"Roles: {listed(roles)}"
            )
        )
    for dictionary in able:
        headings: Headings = read if given is not None else {dictionary.main: read[""]}
        yield dictionary, heading_fit(dictionary, headings)


def _reading(files: Any, dictionary: SourceDictionary, identify: bool) -> _Reading:
    """The files as one dictionary reads them, one row a patient."""
    extract, repeats = one_row_each(load(files, source=dictionary), identify=identify)
    return _Reading(extract, harmonise(extract), repeats)


def _with_values(fit: Fit, reading: _Reading) -> Fit:
    """The fit with the values in coded columns counted, and those not known among them."""
    n_values = n_unknown = 0
    every = list(_every_column(reading.extract))
    for one in every:
        if one.told or not one.read or all(rule.codes is None for rule in one.rules):
            continue
        found = _found(reading.cohort, one)
        n_values += _n_written(reading, one, found)
        # A drafted table marks codes that its user has not decided.
        n_unknown += sum(f.n for f in found if f.rule == "unknown_code" or f.value == UNDECIDED)
    n_given = sum(sum(of.values()) for of in _known_by_table(reading.cohort, every).values())
    return replace(fit, n_values=n_values, n_unknown=n_unknown, n_given=n_given)


def _n_written(reading: _Reading, one: _Column, found: Sequence[Finding]) -> int:
    """Values of a column that are not blank; a code that means missing is one of them."""
    blank = ("column_absent", "outside_years")
    if one.table == "patients":
        n = _rows(reading.cohort, reading.extract.tables[reading.extract.dictionary.main])
        return n - sum(f.n for f in found if f.rule in blank or f.value == BLANK)
    known = _known_by_table(reading.cohort, [one])[one.table].get(one.name, 0)
    without = (*_NOT_UNDERSTOOD, *_IMPOSSIBLE, "interval_code", "missing")
    return known + sum(f.n for f in found if f.rule in without and f.value != BLANK)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """One canonical column of patients, specimens or events, with its rules.

    ``read`` where the files have a column for it; ``told`` where the patients' column of this
    name reads the same texts in the same way.
    """

    name: str
    table: str
    rules: tuple[ColumnRule, ...]
    read: bool = True
    told: bool = False


def _every_column(extract: Extract) -> Iterator[_Column]:
    """The columns of patients, then those of specimens and events whose rows were given."""
    dictionary = extract.dictionary
    own = resolved(extract, dictionary.columns, {})
    for name, rules in dictionary.columns.items():
        yield _Column(name, "patients", rules, read=_has_texts(own, name))
    found: dict[tuple[str, str], list[ColumnRule]] = {}
    read: dict[tuple[str, str], set[bool]] = {}
    for key, _, block in dictionary.blocks:
        if block.from_ not in extract.tables:
            continue
        pieces = resolved(extract, block.columns, {})
        told = told_of_patients(extract, block, pieces, own)
        for name, rules in block.columns.items():
            found.setdefault((key, name), []).extend(rules)
            if _has_texts(pieces, name):
                read.setdefault((key, name), set()).add(name in told)
    for (key, name), group in found.items():
        seen = read.get((key, name), set())
        yield _Column(name, key, tuple(group), read=bool(seen), told=seen == {True})


def _has_texts(pieces: Pieces, name: str) -> bool:
    """Whether the files have a column that a canonical column is read from."""
    return any(piece.texts for piece in pieces.groups.get(name, ()))


def _found(cohort: Cohort, one: _Column) -> list[Finding]:
    """Findings of a column of patients (or tumours), of specimens, or of events."""
    units = ("patient", "tumour") if one.table == "patients" else (one.table.removesuffix("s"),)
    return [f for f in cohort.findings if f.column == one.name and f.unit in units]


def _columns(cohort: Cohort, extract: Extract) -> Iterator[ColumnSeen]:
    """Each canonical column of patients, specimens and events, with what the files hold for it."""
    every = list(_every_column(extract))
    for key, known in _known_by_table(cohort, every).items():
        for one in (one for one in every if one.table == key):
            headings, sought = _headings(one.rules, extract)
            found = _found(cohort, one)
            if one.told:
                # The texts that cannot be used are told of the patients, whose column it is.
                of_patients = _found(cohort, _Column(one.name, "patients", one.rules))
                found += [f for f in of_patients if f.rule in (*_NOT_UNDERSTOOD, *_IMPOSSIBLE)]
            missing = tuple(_missing(found)) if headings else ()
            n = known.get(one.name, 0)
            yield ColumnSeen(one.name, key, headings, sought, _ways(one.rules), n, missing)


def _missing(found: Iterable[Finding]) -> Iterator[tuple[str, int]]:
    """Rows without a value in a column, by kind, the commonest first."""
    counts: dict[str, int] = {}
    for finding in found:
        kind = finding.value if finding.rule == "missing" else _BY_KIND.get(finding.rule)
        if kind is not None:
            counts[kind] = counts.get(kind, 0) + finding.n
    yield from sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _headings(
    rules: Sequence[ColumnRule], extract: Extract
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns that the rules read from, as the files spell them, and all that they name."""
    references = list(dict.fromkeys(name for rule in rules for name in rule.references))
    usable = [rule for rule in rules if is_found(rule, extract.dictionary, extract.headings)]
    held = [
        heading
        for rule in usable
        for name in rule.references
        if (heading := _heading(name, extract))
    ]
    sought = (split(reference)[1] for reference in references)
    return tuple(dict.fromkeys(held)), tuple(dict.fromkeys(sought))


def _ways(rules: Sequence[ColumnRule]) -> str:
    return "; ".join(dict.fromkeys(_read_as(rule) for rule in rules))


def _known_by_table(cohort: Cohort, columns: Sequence[_Column]) -> dict[str, dict[str, int]]:
    """Rows with a value in each of some columns, by whose columns they are."""
    tables = {"patients": cohort.patients, "specimens": cohort.specimens, "events": cohort.events}
    return {
        key: _known(cohort, table, [one.name for one in columns if one.table == key])
        for key, table in tables.items()
    }


def _known(cohort: Cohort, table: nw.LazyFrame[Any] | None, names: Iterable[str]) -> dict[str, int]:
    """Rows with a value in each column."""
    if table is None:
        return {}
    have = set(table.collect_schema().names())
    sums = {n: (~nw.col(n).is_null()).cast(nw.Int64).sum() for n in names if n in have}
    if not sums:
        return {}
    counts = cohort.engine.collect(table.select(**sums)).to_pylist()[0]
    return {name: int(n or 0) for name, n in counts.items()}


def _tumours(cohort: Cohort, extract: Extract) -> int:
    """Tumours, where the main file has one row for each; none elsewhere."""
    dictionary = extract.dictionary
    return _rows(cohort, extract.tables[dictionary.main]) if dictionary.of_tumours else 0


def _rows(cohort: Cohort, table: nw.LazyFrame[Any] | None) -> int:
    """Rows of a table, none where there is none."""
    if table is None:
        return 0
    return int(cohort.engine.collect(table.select(n=nw.len()))["n"][0].as_py())


def _heading(reference: str, extract: Extract) -> str | None:
    """A column as its file spells it; None where the files lack it."""
    role, heading = split(reference)
    headings = extract.headings.get(role, ())
    at = position(heading, headings)
    return None if at is None else headings[at]


def _read_as(rule: ColumnRule) -> str:
    """How a rule understands its text, with the years that it is for."""
    number = (
        f"number x {rule.number.scale:g}" if rule.number and rule.number.scale != 1 else "number"
    )
    ways = [
        f"codes {rule.codes}" if rule.codes else "",
        number if rule.number else "",
        f"date ({rule.date})" if rule.date else "",
        f"days between dates ({rule.days_from.format})" if rule.days_from else "",
    ]
    constant = f"'{rule.value}' for all" if rule.value is not None else "text"
    how = ", ".join(way for way in ways if way) or constant
    if rule.years is None:
        return how
    start, end = (str(year) if year is not None else "" for year in rule.years)
    return f"{start}-{end} {how}"


def _unread(extract: Extract) -> Iterator[ColumnUnread]:
    """Columns of the files that no rule reads, with the dictionary's reason where it has one."""
    dictionary = extract.dictionary
    reasons = {
        heading: item.reason
        for item in dictionary.unmapped
        for reference in item.columns
        if (heading := _heading(reference, extract)) is not None
    }
    for file in dictionary.own_files:
        left_out = {
            split(name)[1] for item in dictionary.unmapped for name in item.columns
        } - _used(dictionary, dictionary.roles_of(file))
        named = [name for name in dictionary.headings(file) if name not in left_out]
        headings = extract.headings.get(file, ())
        read = set(places(named, headings))
        for at, heading in enumerate(headings):
            if at not in read and heading:
                yield ColumnUnread(file, heading, reasons.get(heading, ""))


def _used(dictionary: SourceDictionary, roles: Sequence[str]) -> set[str]:
    """Columns that rules read from the rows of some roles."""
    references = [split(name) for _, rule in dictionary.rules() for name in rule.references]
    return {heading for role, heading in references if role in roles}
