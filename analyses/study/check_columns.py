"""The columns and levels that a study names, held against the schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cohort.errors import Problem, listed, suggest
from cohort.schema import HER2_GROUPS, SCHEMA, Column, Kind, column
from cohort.yaml_reader import scalar

if TYPE_CHECKING:
    from analyses.study.criterion_spec import CriterionSpec
    from analyses.study.spec import Study
    from analyses.study.use import Purpose, Use
    from cohort.yaml_reader import Path

_NUMBERS: tuple[Kind, ...] = ("number", "integer")
_FIT: dict[Purpose, tuple[Kind, ...]] = {
    "groups": ("category", "boolean"),
    "subgroups": ("category", "boolean"),
    "cut": _NUMBERS,
    "treatment": ("category", "boolean"),
    "start": _NUMBERS,
    "description": ("category", "boolean", *_NUMBERS),
    "term": ("category", "boolean", *_NUMBERS),
    "stratum": ("category", "boolean", "integer", "text"),
    "cluster": ("category", "integer", "text"),
    "weight": _NUMBERS,
    "imputation": ("category", "boolean", *_NUMBERS),
    "day": ("number",),
}
_WORDS: dict[Kind, str] = {
    "text": "free text",
    "category": "a column with levels",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a date",
}
_ROLES: dict[Purpose, str] = {
    "groups": "make groups",
    "subgroups": "make subgroups without cuts",
    "cut": "be cut",
    "treatment": "be a treatment",
    "start": "be the day of a start",
    "description": "be described",
    "term": "be a term",
    "stratum": "make strata",
    "cluster": "make clusters",
    "weight": "be a weight",
    "imputation": "be imputed or help to",
    "day": "be a day",
}


def column_problems(study: Study, used: Sequence[Use]) -> Iterator[Problem]:
    """Columns that do not exist or do not fit, and levels that they do not have."""
    endpoints = _endpoint_columns(study)
    for use in used:
        known = endpoints.get(use.column) if use.criterion is None else None
        known = known or column(use.column)
        if known is None and use.purpose == "start":
            continue  # that nothing tells the start is told with what to do
        if known is None:
            yield _unknown(study, use, endpoints)
        elif use.criterion is not None:
            yield from _criterion(study, use, use.criterion, known)
        elif known.kind not in _FIT[use.purpose] or _is_no_day(use, known):
            yield _unfit(study, use, known)
        elif use.endpoint is not None and use.column.startswith(f"{use.endpoint}_"):
            yield Problem(study.place(use.path), f"'{use.column}' is the outcome itself")
        elif use.term is not None and use.term.interaction is None:
            yield from _term(study, use, known)


def _endpoint_columns(study: Study) -> dict[str, Column]:
    """The columns that the endpoints of the study make."""
    made = {}
    for spec in study.endpoints:
        time, event = f"{spec.id}_time", f"{spec.id}_event"
        made[time] = Column(time, "number", f"Time of {spec.kind}")
        made[event] = Column(event, "boolean", f"Event of {spec.kind}")
    return made


def _unknown(study: Study, use: Use, endpoints: dict[str, Column]) -> Problem:
    where = study.place(use.path)
    if use.column in endpoints:
        return Problem(
            where,
            f"'{use.column}' is an outcome, and patients are not selected by outcomes",
            advice="Patients whose endpoint is not known are left out anyway.",
        )
    # A purpose is suggested only what fits it, the misspelt name whatever it is near to.
    kinds = _FIT.get(use.purpose, tuple(_WORDS))
    names = [name for name, known in SCHEMA.items() if known.kind in kinds]
    return Problem(
        where,
        f"'{use.column}' is not a cohort column",
        f"Columns: {listed(names)}",
        suggest(use.column, [*SCHEMA, *endpoints]),
    )


def _is_no_day(use: Use, known: Column) -> bool:
    """Whether a number that should be a day after diagnosis is none."""
    return use.purpose == "day" and known.unit != "days"


def _unfit(study: Study, use: Use, known: Column) -> Problem:
    kinds = _FIT[use.purpose]
    names = [
        name for name, other in SCHEMA.items() if other.kind in kinds and not _is_no_day(use, other)
    ]
    return Problem(
        study.place(use.path),
        f"'{use.column}' is {_WORDS[known.kind]} and cannot {_ROLES[use.purpose]}",
        f"Columns: {listed(names)}",
    )


def _criterion(study: Study, use: Use, spec: CriterionSpec, known: Column) -> Iterator[Problem]:
    """Levels that the column does not have, and ranges of what is no number."""
    place = use.path[:-1]
    if spec.between is not None and known.kind not in _NUMBERS:
        yield Problem(
            study.place((*place, "between")),
            f"'{known.name}' is {_WORDS[known.kind]} and has no range",
            f"Levels: {listed(known.levels)}" if known.levels else "",
            "Use one_of." if known.kind in ("category", "text") else "",
        )
    levels = [(("one_of", i), level) for i, level in enumerate(spec.one_of or ())]
    for path, level in [*levels, (("equals",), spec.equals)]:
        if level is not None:
            yield from _level(study, (*place, *path), level, known)


def _term(study: Study, use: Use, known: Column) -> Iterator[Problem]:
    """A scale of what is no number, a reference of what has no levels or not this one."""
    term, place = use.term, use.path[:-1]
    if term is None:
        return
    if known.kind in _NUMBERS:
        if term.reference is not None:
            yield Problem(
                study.place((*place, "reference")),
                f"'{known.name}' is a number and has no reference level",
                advice="Leave it out; 'per: 10' gives the effect of ten units.",
            )
        return
    for key in ("per", "spline"):
        if getattr(term, key) is not None:
            yield Problem(
                study.place((*place, key)),
                f"'{known.name}' is {_WORDS[known.kind]}; {key} belongs to a number",
                advice="Leave it out.",
            )
    if term.reference is not None and known.kind == "category":
        yield from reference_problems(study, (*place, "reference"), term.reference, known)


def reference_problems(
    study: Study, path: Path, reference: str, known: Column
) -> Iterator[Problem]:
    """A reference must be a level, and one that the selection leaves."""
    if known.name == "her2_status" and reference not in HER2_GROUPS:
        yield Problem(
            study.place(path),
            f"'{reference}' is not a HER2 group",
            f"Groups: {listed(HER2_GROUPS)}",
            suggest(reference, HER2_GROUPS),
        )
        return
    wrong = list(_level(study, path, reference, known))
    yield from wrong
    conditions: list[tuple[Path, CriterionSpec]] = [
        (("select", i), spec) for i, spec in enumerate(study.select)
    ]
    only = study.analyses[int(path[1])].only if path[0] == "analyses" else None
    if only is not None:
        conditions.append(((*path[:2], "only"), only))
    for place, spec in conditions:
        kept = (spec.equals,) if spec.equals is not None else spec.one_of
        if not wrong and spec.column == known.name and kept and reference not in kept:
            yield Problem(
                study.place(path),
                f"no patient has '{reference}': the selection keeps {listed(map(str, kept))}",
                advice=f"Choose another reference, or change {study.place(place)}.",
            )


def _level(study: Study, path: Path, level: str, known: Column) -> Iterator[Problem]:
    where = study.place(path)
    if known.kind == "category" and level not in known.levels:
        found = f"'{level}' is not a level of {known.name}"
        near = [other for other in known.levels if other.lower() == level.lower()]
        advice = f"Did you mean '{near[0]}'?" if near else suggest(level, known.levels)
        yield Problem(where, found, f"Levels: {listed(known.levels)}", advice)
    elif known.kind in _NUMBERS and not isinstance(scalar(level), int | float):
        yield Problem(where, f"'{level}' is no number, and {known.name} is one")
    elif known.kind == "date":
        yield Problem(where, f"{known.name} is a date and has no levels",
                      advice="Select by diagnosis_year.")  # fmt: skip
