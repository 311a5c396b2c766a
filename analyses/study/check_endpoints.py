"""Whether the source of a study gives what its endpoints are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cohort.endpoint_rules import EndpointRule, endpoint_rules
from cohort.endpoints_definition import GIVEN_NAMES, given_kinds, origins, unverified_problem
from cohort.errors import Problem, listed, suggest

if TYPE_CHECKING:
    from analyses.study.endpoint_spec import EndpointSpec
    from analyses.study.spec import Study
    from cohort.dictionary import SourceDictionary

# Canonical columns of a source, each with roles of files of which it needs one; none: it is there.
Available = Mapping[str, tuple[str, ...]]


def endpoint_problems(
    study: Study, dictionary: SourceDictionary, available: Available
) -> Iterator[Problem]:
    """Endpoints that the source neither gives nor has the parts of, or that are off."""
    for i, spec in enumerate(study.endpoints):
        where = study.place(("endpoints", i, "kind"))
        rule = _rule(spec, available)
        if rule is not None:
            yield from _made(study, where, rule, dictionary, available)
            if not rule.is_verified and not spec.unverified:
                yield unverified_problem(where, rule)
        else:
            yield from _given(where, spec, dictionary, available)
        yield from _columns(study, i, spec, dictionary, available)


def _rule(spec: EndpointSpec, available: Available) -> EndpointRule | None:
    """The definition by which an endpoint is made; None where the source gives it."""
    given = spec.kind in given_kinds(tuple(available))
    if spec.made_from == "given" or (given and spec.made_from is None):
        return None
    return endpoint_rules().get(spec.kind)


def _made(
    study: Study,
    where: str,
    rule: EndpointRule,
    dictionary: SourceDictionary,
    available: Available,
) -> Iterator[Problem]:
    """What an endpoint is made from and the source lacks, with the reason where it says one."""
    source, kinds = f"source '{dictionary.name}'", _kinds(dictionary, available)
    allowed = f"Endpoints: {listed(kinds)}"
    if rule.needs_events:
        roles = {dictionary.file_of(block.from_) for block in dictionary.events}
        if dictionary.identifies.recurrence is False:
            found = f"{source} does not identify recurrences, so not {rule.kind}"
            yield Problem(
                where, found, allowed, dictionary.identifies.because.get("recurrence", "")
            )
        elif not roles:
            found = f"{source} gives no events after diagnosis (recurrences), so not {rule.kind}"
            yield Problem(where, found, allowed)
        elif not roles & set(study.source.files):
            found = f"{rule.kind}: events come from file {_either(roles)}, which is not given"
            yield Problem(where, found, advice=_add(tuple(sorted(roles))))
    if rule.needs_cause and dictionary.identifies.cause_of_death is False:
        found = f"{source} does not identify cause of death, so not {rule.kind}"
        reason = dictionary.identifies.because.get("cause_of_death", "")
        yield Problem(where, found, allowed, reason)
        yield from _lacking(
            where, rule.kind, _followup(dictionary, available), dictionary, available
        )
    else:
        needed = _followup(dictionary, available)
        needed += ("cause_of_death",) if rule.needs_cause else ()
        yield from _lacking(where, rule.kind, needed, dictionary, available)


def _given(
    where: str, spec: EndpointSpec, dictionary: SourceDictionary, available: Available
) -> Iterator[Problem]:
    """An endpoint that only the source can give."""
    recurs = spec.kind in ("PFI", "DFI") or (
        spec.kind in endpoint_rules() and endpoint_rules()[spec.kind].needs_events
    )
    if recurs and dictionary.identifies.recurrence is False:
        found = f"source '{dictionary.name}' does not identify recurrences, so not {spec.kind}"
        allowed = f"Endpoints: {listed(_kinds(dictionary, available))}"
        yield Problem(where, found, allowed, dictionary.identifies.because.get("recurrence", ""))
        return
    stem = f"given_{spec.kind.lower()}"
    yield from _lacking(where, spec.kind, (f"{stem}_time", f"{stem}_event"), dictionary, available)


def _lacking(
    where: str,
    kind: str,
    needed: tuple[str, ...],
    dictionary: SourceDictionary,
    available: Available,
) -> Iterator[Problem]:
    """Columns that the source does not have, or only in a file that the study does not give."""
    kinds = _kinds(dictionary, available)
    missing = [name for name in needed if name not in available]
    elsewhere = [name for name in needed if available.get(name)]
    if missing:
        near = suggest(kind, [*endpoint_rules(), *GIVEN_NAMES, *kinds])
        yield Problem(
            where,
            f"source '{dictionary.name}' does not give {kind} ({listed(missing)})",
            f"Endpoints: {listed(kinds)}",
            "" if kind in endpoint_rules() or kind in GIVEN_NAMES else near,
        )
    elif elsewhere:
        roles = available[elsewhere[0]]
        found = f"'{elsewhere[0]}' comes from file {_either(roles)}, which the study does not give"
        yield Problem(where, f"{kind}: {found}", advice=_add(roles))


def _columns(
    study: Study, i: int, spec: EndpointSpec, dictionary: SourceDictionary, available: Available
) -> Iterator[Problem]:
    """Days, dates and sequences that the choices of an endpoint need."""
    needed = {
        "origin": origins().get(spec.origin),
        "entry": spec.entry,
        "censor_on": None if spec.censor_on is None else "diagnosis_date",
        "primaries": None if spec.primaries == "all" else "tumour_sequence",
    }
    for key, name in needed.items():
        if name is None or (name == "specimen_day" and dictionary.specimens):
            continue
        where, roles = study.place(("endpoints", i, key)), available.get(name)
        starts = name.endswith("_day") and name not in ("metastasis_day", "observed_from_day")
        if starts and dictionary.identifies.treatment_starts is False:
            found = f"source '{dictionary.name}' does not identify when treatments start"
            yield Problem(where, f"{found} ({name})", advice=f"Leave {key} out.")
        elif roles is None:
            days = [n for n in available if n in origins().values() or n == "observed_from_day"]
            allowed = (
                f"Columns of days: {listed(days) or 'none'}" if key in ("origin", "entry") else ""
            )
            found = f"source '{dictionary.name}' does not give '{name}', which {key} needs"
            yield Problem(where, found, allowed, f"Leave {key} out.")
        elif roles:
            found = f"'{name}' comes from file {_either(roles)}, which the study does not give"
            yield Problem(where, found, advice=_add(roles))


def _followup(dictionary: SourceDictionary, available: Available) -> tuple[str, ...]:
    """Columns that follow-up is made from."""
    unit = dictionary.time.followup
    if f"followup_{unit}" not in available and {"death_day", "last_contact_day"} & set(available):
        return "vital_status", "death_day", "last_contact_day"
    return "vital_status", f"followup_{unit}"


def _kinds(dictionary: SourceDictionary, available: Available) -> list[str]:
    """Endpoints that the source has: made from what it identifies, then ready-made."""
    identifies = dictionary.identifies
    made = [
        kind
        for kind, rule in endpoint_rules().items()
        if "vital_status" in available
        if not rule.needs_events or (dictionary.events and identifies.recurrence is not False)
        if not rule.needs_cause
        or ("cause_of_death" in available and identifies.cause_of_death is not False)
    ]
    return [*made, *(k for k in sorted(given_kinds(tuple(available))) if k not in made)]


def _either(roles: set[str] | tuple[str, ...]) -> str:
    return " or ".join(f"'{role}'" for role in sorted(roles))


def _add(roles: tuple[str, ...]) -> str:
    return f"Add {roles[0]}: and its path under source.files."
