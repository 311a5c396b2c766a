"""The page of sources, from the package's dictionaries and their code tables."""

from __future__ import annotations

from collections.abc import Iterator

from markdown import code, page, table
from worked import ABOUT, of_source, worked

from cohort.dictionary import SourceDictionary
from cohort.dictionary_rules import LEVELS, ColumnRule

_TOLD = {
    "her2_score": "HER2 score", "her2_assay": "HER2 by", "cause_of_death": "cause of death",
    "recurrence": "recurrence", "treatment": "treatment", "treatment_starts": "starts of treatment",
    "anti_her2": "anti-HER2 therapy", "adc": "antibody-drug conjugates",
}  # fmt: skip


def text() -> str:
    """The page."""
    dictionaries = [SourceDictionary.load(name) for name in SourceDictionary.names()]
    return page(
        "# Sources",
        "Each source is a dictionary, a file of `cohort/dictionaries`: which of its columns "
        "become which canonical column, by which codes. A dictionary of your own is a path "
        "(`her2low new-dictionary FILE` drafts one).",
        table(
            ("source", "what it is", "unit of follow-up", "HER2 score"),
            (
                (f"[{d.name}](#{d.name})", d.describes, d.time.followup,
                 _said(d.identifies.stated().get("her2_score", "not stated")))
                for d in dictionaries
            ),
        ),
        *(part for d in dictionaries for part in _source(d)),
    )  # fmt: skip


def _source(dictionary: SourceDictionary) -> Iterator[str]:
    yield f"## {dictionary.name}"
    yield f"{dictionary.describes}. Follow-up in {dictionary.time.followup}."
    yield table(("file", "one row a", "key", "needed"), _files(dictionary))
    yield "What it tells, and why not:"
    because = dictionary.identifies.because
    stated = dictionary.identifies.stated()
    yield table(
        ("matter", "told", "reason"),
        ((_TOLD.get(k, k), _said(v), because.get(k, "")) for k, v in stated.items()),
    )
    yield table(("canonical column", "from", "for", "read as"), _columns(dictionary))
    if dictionary.unmapped:
        yield "Left out on purpose:"
        yield table(
            ("columns", "reason"),
            ((", ".join(code(c) for c in u.columns), u.reason) for u in dictionary.unmapped),
        )
    yield from _unchecked(dictionary)
    tables = of_source(dictionary.name)
    if tables:
        yield f"Worked patients of {dictionary.name}. {ABOUT}"
        yield worked(tables)


def _files(dictionary: SourceDictionary) -> Iterator[tuple[str, ...]]:
    for role, rule in dictionary.files.items():
        where = "; ".join(
            f"{name} is {' or '.join(t) or 'blank'}" for name, t in rule.where.items()
        )
        of = f" (rows of {rule.of})" if rule.of else ""
        named = code(role) + of + (f" where {where}" if where else "")
        yield named, rule.grain, ", ".join(dictionary.key_of(role)), "yes" if rule.required else ""


def _columns(dictionary: SourceDictionary) -> Iterator[tuple[str, ...]]:
    for path, rule in dictionary.rules():
        block = "" if path[0] == "columns" else f"{path[0]} {_place(path)}: "
        name = next(str(part) for part in reversed(path) if isinstance(part, str))
        yield block + code(name), _from(rule), _when(rule), _read(rule)


def _place(path: tuple[str | int, ...]) -> int:
    return next(part for part in path if isinstance(part, int)) + 1


def _from(rule: ColumnRule) -> str:
    if rule.value is not None:
        return f"always {code(rule.value)}"
    if rule.days_from is not None:
        days = rule.days_from
        return f"days from {_names(days.origin)} to {_names(days.date)}"
    ways = (
        (rule.coalesce, "first not missing of "), (rule.any_of, "any of "),
        (rule.from_, "by any of its names " if len(rule.from_) > 1 else ""),
    )  # fmt: skip
    for names, words in ways:
        if names:
            return words + _names(names)
    return "file given: " + _names(rule.references)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(code(name.removeprefix("main.")) for name in names)


def _when(rule: ColumnRule) -> str:
    said = []
    for name, wanted in rule.when.items():
        if name == "diagnosis_year":
            first, last = wanted
            said.append(f"{'' if first is None else first}–{'' if last is None else last}")
        else:
            said.append(f"{name} {', '.join(map(str, wanted))}")
    return "; ".join(said)


def _read(rule: ColumnRule) -> str:
    said = []
    if rule.codes is not None:
        said.append("its levels" if rule.codes == LEVELS else f"codes {code(rule.codes)}")
    if rule.number is not None:
        scale = rule.number.scale
        said.append("number" if scale == 1 else f"number × {scale:g}")
    if rule.date is not None:
        said.append(f"date ({rule.date})")
    return ", ".join(said)


def _unchecked(dictionary: SourceDictionary) -> Iterator[str]:
    """Code tables that hold codes from memory."""
    named = dict.fromkeys(rule.codes for _, rule in dictionary.rules())
    rows = []
    for name in named:
        if name is None or name == LEVELS:
            continue
        codes = dictionary.codes(name).codes
        n = sum(one.verified == "memory" for one in codes)
        if n:
            rows.append((code(name), f"{n} of {len(codes)}"))
    if rows:
        yield "Codes that are from memory, not checked in their code book:"
        yield table(("code table", "codes"), rows)


def _said(value: bool | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.replace("_", " ")
