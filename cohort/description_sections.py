"""The report on a source's files: sections of sentences and tables, for a terminal or a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from cohort.description import ColumnSeen, Description, Her2Outlook
from cohort.errors import listed
from cohort.fit import Fit
from cohort.her2_outlook import spans
from cohort.schema import HER2_STATUS
from cohort.table import Finding

_CANDIDATES = 4  # dictionaries named besides the best
_KINDS = 5  # kinds of missing told of one column
_READ = "Columns read, and what is missing in them"
_LONGEST = 40  # characters shown of a heading
_CLOSE = 0.2  # share of its columns from which a dictionary is worth extending
_NEEDED = 8  # columns named of those that a dictionary needs
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report: what it is about, sentences, and a table under headings."""

    title: str
    sentences: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: Rows = ()
    right: tuple[int, ...] = ()

    def html(self) -> str:
        """The section as a heading, paragraphs and a table."""
        parts = [f"<h4>{escape(self.title)}</h4>"]
        parts += [f"<p>{escape(sentence)}</p>" for sentence in self.sentences]
        if self.rows:
            head = "".join(f"<th>{escape(cell)}</th>" for cell in self.header)
            body = "".join(
                "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
                for row in self.rows
            )
            parts.append(f"<table><tr>{head}</tr>{body}</table>")
        return "".join(parts)


def sections(described: Description) -> tuple[Section, ...]:
    """The report, the most important first: can HER2-low be formed, and what stands against it."""
    if not described.source:
        return tuple(_unfit(described))
    return tuple(
        section
        for section in (
            _source(described),
            _her2(described.her2, described.n),
            _years(described.her2),
            _repeats(described),
            _implausible(described),
            _not_understood(described),
            _columns(described, "patients", _READ, described.n),
            _columns(described, "specimens", "The same of specimens", described.n_specimens),
            _columns(described, "events", "The same of events", described.n_events),
            _absent(described),
            _unread(described),
            _noted(described),
        )
        if section is not None
    )


def _unfit(described: Description) -> Iterator[Section]:
    best = described.best
    sentences = ["No dictionary of the package fits this file."]
    if best is not None and best.n_found:
        sentences.append(
            f"The nearest is '{best.source}' ({best.describes}), which would still need "
            f"{_needed(best.lacking, _NEEDED)}."
        )
        if best.found > _CLOSE:
            sentences.append(
                f"If the file is of that kind, a short dictionary that begins 'extends: "
                f"{best.source}' need only name what differs."
            )
    sentences.append(
        "Draft a dictionary of its own: her2low new-dictionary FILE. It guesses the columns, "
        "never what a code means."
    )
    yield Section("Source", tuple(sentences))
    yield _candidates("Dictionaries tried", described.fits)
    noted = _noted(described)
    yield from [noted] if noted is not None else []


def _candidates(title: str, fits: Sequence[Fit]) -> Section:
    rows = tuple(
        (
            fit.source,
            f"{fit.n_found} of {fit.n_columns}",
            "" if fit.known is None else _percent(fit.known),
            fit.refused or (f"lacks {_needed(fit.lacking, 3)}" if fit.lacking else "fits"),
        )
        for fit in fits[: _CANDIDATES + 1]
    )
    header = ("dictionary", "columns found", "codes known", "")
    return Section(title, (), header, rows, (1, 2))


def _needed(lacking: Sequence[str], limit: int) -> str:
    """Columns that a dictionary needs, of each the first names that it may have."""
    names = [one.split(" or ") for one in lacking]
    return listed(
        (" or ".join(one[:2]) + (" (or another name)" if len(one) > 2 else "") for one in names),
        limit,
    )


def _source(described: Description) -> Section:
    best = described.fits[0]
    names = ", ".join(
        f"{f.name} ({f.n_rows:,} rows, {f.n_columns} columns)" for f in described.files
    )
    known = ""
    if best.known is not None:
        unknown = f"; {best.n_unknown:,} are not" if best.n_unknown else ""
        known = (
            f" Of {best.n_values:,} values in coded columns {_percent(best.known)} are "
            f"known{unknown}."
        )
    others = [fit for fit in described.fits[1:] if fit.n_found]
    table = _candidates("", [best, *others])
    return Section(
        "Source",
        (
            f"{names}.",
            f"Read by '{described.source}' ({best.describes}): {best.n_found} of its "
            f"{best.n_columns} columns are there.{known}",
            _size(described),
        ),
        table.header,
        table.rows,
        table.right,
    )


def _size(described: Description) -> str:
    """Patients, and what is told of them in rows of their own."""
    counts = [f"{described.n:,} patients"]
    counts += [f"{described.n_tumours:,} tumours"] if described.n_tumours else []
    counts += [f"{described.n_specimens:,} specimens"] if described.n_specimens else []
    counts += [f"{described.n_events:,} events"] if described.n_events else []
    return f"{', '.join(counts)}."


def _her2(her2: Her2Outlook | None, n: int) -> Section | None:
    if her2 is None:
        return None
    first = "HER2-low can be formed." if her2.possible else "HER2-low cannot be formed."
    formed = her2.formed_in
    if her2.possible and formed:
        first = f"HER2-low can be formed for diagnoses of {spans(formed)}."
    rows = tuple(
        (status, f"{count:,}", _percent(count / n) if n else "") for status, count in her2.counts
    )
    header = (f"HER2 status (ASCO/CAP {her2.edition})", "patients", "share")
    return Section("HER2", (first, *her2.reasons), header, rows, (1, 2))


def _years(her2: Her2Outlook | None) -> Section | None:
    if her2 is None or len(her2.years) < 2:
        return None
    rows = tuple(
        ("unknown" if year is None else str(year), f"{sum(row):,}", *(f"{n:,}" for n in row))
        for year, row in her2.years
    )
    header = ("year", "patients", *HER2_STATUS)
    return Section(
        "HER2 status by year of diagnosis", (), header, rows, tuple(range(1, len(header)))
    )


def _repeats(described: Description) -> Section:
    if not described.repeats and described.n_tumours:
        said = f"One row a tumour: {described.n_tumours:,} tumours of {described.n:,} patients."
        return Section("Repeated patients", (said,))
    if not described.repeats:
        return Section("Repeated patients", ("None: every patient stands in one row.",))
    sentences = []
    for one in described.repeats:
        if one.n_patients:
            sentences.append(
                f"{one.file}: {_patients(one.n_patients)} in more than one row "
                f"({one.n_rows:,} rows, key {one.key}). A study refuses such a file; here one row "
                "of each is described."
            )
        if one.n_without_key:
            sentences.append(f"{one.file}: {_rows(one.n_without_key)} no {one.key}; left out here.")
        if one.patients:
            more = one.n_patients - len(one.patients)
            rest = f" and {more:,} more" if more > 0 else ""
            sentences.append(f"They are {', '.join(one.patients)}{rest}.")
    return Section("Repeated patients", tuple(sentences))


def _patients(n: int) -> str:
    return "1 patient stands" if n == 1 else f"{n:,} patients stand"


def _rows(n: int) -> str:
    return "1 row has" if n == 1 else f"{n:,} rows have"


def _implausible(described: Description) -> Section:
    title = "Impossible or implausible"
    if not described.implausible:
        return Section(title, ("Nothing found among dates, ages and follow-up.",))
    return Section(
        title, (), ("column", "value", "found in", ""), _findings(described.implausible), (2,)
    )


def _not_understood(described: Description) -> Section:
    title = "Codes and values not understood"
    if not described.not_understood:
        return Section(title, ("None: every value is known to the dictionary.",))
    header = ("column", "value", "found in", "")
    return Section(title, (), header, _findings(described.not_understood), (2,))


def _findings(findings: Sequence[Finding]) -> Rows:
    return tuple(
        (f.column, f"'{f.value}'" if f.value else "", f.counted, f.advice) for f in findings
    )


def _columns(described: Description, table: str, title: str, n: int) -> Section | None:
    rows = tuple(
        (
            seen.column,
            listed((_short(heading) for heading in seen.headings), 2) or seen.read_as,
            f"{seen.n_known:,}",
            _percent(seen.n_known / n) if n else "",
            _kinds(seen),
        )
        for seen in described.columns
        if seen.read and seen.table == table
    )
    if not rows:
        return None
    return Section(
        title, (), ("column", "read from", "known", "share", "missing by kind"), rows, (2, 3)
    )


def _short(heading: str) -> str:
    """A heading cut where it is a sentence of its own."""
    return heading if len(heading) <= _LONGEST else f"{heading[: _LONGEST - 3]}..."


def _kinds(seen: ColumnSeen) -> str:
    return listed((f"{kind.replace('_', ' ')} {n:,}" for kind, n in seen.missing), _KINDS)


def _absent(described: Description) -> Section | None:
    read = {seen.column for seen in described.columns if seen.read}
    absent = {
        seen.column: listed(seen.sought, 4) for seen in described.columns if seen.column not in read
    }
    rows = tuple(absent.items())
    if not rows:
        return None
    header = ("column", "looked for")
    return Section("Columns that would be missing: the files have none for them", (), header, rows)


def _unread(described: Description) -> Section | None:
    plain = [one.heading for one in described.unread if not one.reason]
    told = tuple((one.heading, one.reason) for one in described.unread if one.reason)
    if not plain and not told:
        return None
    sentences = (
        (f"Not read by the dictionary ({len(plain)}): {', '.join(plain)}.",) if plain else ()
    )
    header = ("left out on purpose", "because") if told else ()
    return Section("Columns of the files that are not used", sentences, header, told)


def _noted(described: Description) -> Section | None:
    memory = [f for f in described.noted if f.rule == "unverified_codes"]
    rest = [f for f in described.noted if f.rule != "unverified_codes"]
    if not described.noted:
        return None
    tables = listed(dict.fromkeys(f.value for f in memory), 100)
    sentences = (
        (f"Code tables with meanings from memory, not checked in a code book: {tables}.",)
        if memory
        else ()
    )
    header = ("column", "value", "n", "") if rest else ()
    rows = tuple(
        (f.column or f"file '{f.source}'", _short(f.value), f.counted, f.advice) for f in rest
    )
    return Section("Also seen", sentences, header, rows, (2,))


def _percent(share: float) -> str:
    """A share in percent; never 100 % or 0 % where it is not quite."""
    text = f"{100 * share:.1f} %"
    if share < 1 and text == "100.0 %":
        return ">99.9 %"
    return "<0.1 %" if share > 0 and text == "0.0 %" else text
