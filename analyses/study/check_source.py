"""The source of a study: its dictionary, its files, and whether they give what the study uses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from analyses.study.check_endpoints import endpoint_problems
from analyses.study.check_treatments import late_problems
from analyses.study.near import near_file
from cohort.errors import Problem, SpecError, listed, suggest
from cohort.schema import CARRIED, HER2_EVIDENCE, column

if TYPE_CHECKING:
    from analyses.study.spec import Study
    from analyses.study.use import Use
    from cohort.dictionary import SourceDictionary

_TREATMENTS = (
    *("surgery", "radiotherapy", "chemotherapy", "endocrine_therapy", "immunotherapy"),
    *("anti_her2_therapy", "adc_therapy"),
)
_STARTS = (*(f"{name}_day" for name in _TREATMENTS), "systemic_therapy_day")
# What a dictionary says that its source identifies, and the columns it governs; the first that
# is not identified is the reason given.
_GOVERNS = {
    "her2_score": ("her2_ihc", "her2_ihc_text", "her2_zero_kind"),
    "cause_of_death": ("cause_of_death",),
    "treatment": (*_TREATMENTS, *_STARTS, "neoadjuvant", "pcr"),
    "adc": ("adc_therapy", "adc_therapy_day"),
    "anti_her2": ("anti_her2_therapy", "anti_her2_therapy_day"),
    "treatment_starts": _STARTS,
}
_HER2 = ("her2_status", "her2_detail")
_OF_SCORE = (
    *("zero", "low", "ihc_0_null", "ihc_0_ultralow", "ihc_0", "ihc_1"),
    *("ihc_2_ish_negative", "ihc_2_ish_unknown"),
)


def source_problems(study: Study, used: Sequence[Use]) -> Iterator[Problem]:
    """What the source lacks: dictionary, files, columns, endpoints."""
    yield from _files(study)
    try:
        dictionary = study.dictionary()
    except SpecError as error:
        yield from _dictionary(study, error)
        return
    yield from _roles(study, dictionary)
    yield from _readings(study, dictionary)
    available = available_columns(study, dictionary)
    for use in used:
        yield from _given(study, use, dictionary, available)
    yield from endpoint_problems(study, dictionary, available)


def _dictionary(study: Study, error: SpecError) -> Iterator[Problem]:
    """Problems of the dictionary itself, those of its name at the line that names it."""
    for problem in error.problems:
        named = problem.where.startswith("source ")
        if named:
            place, found = study.place(("source", "name")), f"{problem.where}: {problem.found}"
            yield Problem(place, found, problem.allowed, problem.advice)
        else:
            yield problem


def _files(study: Study) -> Iterator[Problem]:
    """Files that do not exist, cannot be read, or lie outside the folder by a link."""
    folder = study.folder.resolve()
    for role, path in study.paths().items():
        written = study.source.files[role]
        place = study.place(("source", "files", role))
        if not path.exists():
            yield Problem(place, f"'{written}': no such file", advice=near_file(path))
        elif path.is_dir():
            yield Problem(place, f"'{written}' is a folder", advice="Name the file in it.")
        elif not os.access(path, os.R_OK):
            yield Problem(place, f"'{written}' may not be read", advice="Look at its permissions.")
        elif not study.allow_path and not path.resolve().is_relative_to(folder):
            yield Problem(
                place,
                f"'{written}' is a link to a file outside the study's folder",
                advice="Copy the file, or allow it with --allow-path.",
            )


def _roles(study: Study, dictionary: SourceDictionary) -> Iterator[Problem]:
    """Roles that the dictionary does not have, and those that it needs."""
    known = {role: dictionary.files[role] for role in dictionary.own_files}
    roles = "; ".join(
        f"{role} ({'required' if rule.required else 'optional'})" for role, rule in known.items()
    )
    for role in study.source.files:
        if role not in known:
            yield Problem(
                study.place(("source", "files", role)),
                f"'{role}' is not a file of source '{dictionary.name}'",
                f"Files: {roles}",
                suggest(role, known),
            )
    for role, rule in known.items():
        if rule.required and role not in study.source.files:
            yield Problem(
                study.place(("source", "files")),
                f"source '{dictionary.name}' needs a file '{role}'",
                f"Files: {roles}",
                f"Write {role}: and its path.",
            )


def _readings(study: Study, dictionary: SourceDictionary) -> Iterator[Problem]:
    """Texts that the study reads its own way, of columns or as values that are not there."""
    from cohort.overrides import override_problems

    for place, found, allowed, advice in override_problems(dictionary, study.source.recode):
        yield Problem(study.place(("source", "recode", *place)), found, allowed, advice)


def available_columns(study: Study, dictionary: SourceDictionary) -> dict[str, tuple[str, ...]]:
    """Canonical columns of the source, each with roles of files of which it needs one.

    Empty roles mean that the files given suffice.
    """
    given = set(study.source.files)
    found: dict[str, tuple[str, ...]] = {"patient_id": (), "her2_rule": (), "her2_flags": ()}
    found |= dict.fromkeys(_HER2, ())
    for name, rules in dictionary.columns.items():
        named = [reference.partition(".")[0] for rule in rules for reference in rule.references]
        roles = {dictionary.file_of(role) for role in named}
        constant = any(rule.value is not None for rule in rules)
        found[name] = () if constant or roles & given else tuple(sorted(roles))
    for stem in ("her2_ratio", "her2_copies", "her2_copies_single"):
        if stem in found:
            found |= dict.fromkeys((f"{stem}_low", f"{stem}_high"), found[stem])
    for block in dictionary.specimens:
        role = dictionary.file_of(block.from_)
        needed = () if role in given else (role,)
        for name in (*block.columns, *HER2_EVIDENCE, *CARRIED):
            if name not in found or not needed:
                found[name] = needed
    if "diagnosis_year" in found:
        found["her2_era"] = found["diagnosis_year"]
    if "er_percent" in found:
        found["er_group"] = found["er_percent"]
    if "hr_status" not in found and {"er_status", "pr_status"} <= set(found):
        found["hr_status"] = found["er_status"] or found["pr_status"]
    return found


def _given(
    study: Study, use: Use, dictionary: SourceDictionary, available: dict[str, tuple[str, ...]]
) -> Iterator[Problem]:
    """Whether the source gives the column that is used."""
    if use.purpose == "start":
        return  # told with the treatment that it is of, by `treatment_problems`
    if column(use.column) is None:
        return  # an endpoint's column, or none at all, which is told elsewhere
    where = study.place(use.path)
    reason = _not_identified(use, dictionary)
    if reason:
        yield Problem(where, reason, advice=_instead(use, available))
    elif use.column not in available:
        yield Problem(
            where,
            f"source '{dictionary.name}' does not give '{use.column}'",
            f"It gives: {listed(sorted(available))}",
        )
    elif available[use.column]:
        yield Problem(where, _needs(use.column, available), advice=_add(available[use.column]))
    else:
        yield from late_problems(study, use)


def _not_identified(use: Use, dictionary: SourceDictionary) -> str:
    """Why the source cannot tell what the column says; empty where it can."""
    name = dictionary.name
    if use.column in _HER2 and dictionary.identifies.her2_score is False:
        kept = use.criterion.one_of or (use.criterion.equals,) if use.criterion else _OF_SCORE
        if any(level in _OF_SCORE for level in kept):
            found = "holds no HER2 score, so HER2-zero and HER2-low cannot be told apart"
            return _with_reason(f"source '{name}' {found}", "her2_score", dictionary)
    for what, columns in _GOVERNS.items():
        if use.column in columns and dictionary.identifies.stated().get(what) in (False, "none"):
            return _with_reason(f"source '{name}' does not identify {use.column}", what, dictionary)
    return ""


def _with_reason(found: str, what: str, dictionary: SourceDictionary) -> str:
    """What is not identified, with the reason that the dictionary gives."""
    reason = dictionary.identifies.because.get(what)
    return f"{found}. {reason.removesuffix('.')}" if reason else found


def _instead(use: Use, available: dict[str, tuple[str, ...]]) -> str:
    if use.column in _HER2 and "her2_reported" in available:
        return "Positive against negative can be compared by her2_reported."
    return "Leave it out, or use another source."


def _needs(name: str, available: dict[str, tuple[str, ...]]) -> str:
    files = " or ".join(f"'{role}'" for role in available[name])
    return f"'{name}' comes from file {files}, which the study does not give"


def _add(roles: tuple[str, ...]) -> str:
    return f"Add {roles[0]}: and its path under source.files."
