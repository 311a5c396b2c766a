"""What a HER2 classification notes: findings with their counts, and the choices made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import narwhals as nw

from cohort import her2_rules
from cohort.errors import listed
from cohort.her2_evidence import STAINING, impossible
from cohort.her2_policies import NAMED, named_meaning
from cohort.schema import HER2_ERA
from cohort.table import Choice, Cohort, Finding, Severity

STAGE = "her2"  # under which findings and choices are noted
Counts = Sequence[tuple[str, str, str, int]]  # status, rule, flags, patients

_ASSAY = {
    "expression": (
        "This source calls HER2 from gene expression, not from immunohistochemistry or in-situ "
        "hybridisation: what it calls positive or negative is no assay result (edge case E13)."
    ),
    "not_stated": (
        "Positive by the source's summary alone, which does not say by what assay: it may be gene "
        "expression (edge case E13)."
    ),
}
# Rules that rest on a summary and nothing else; by expression a negative one is no evidence either.
_SUMMARY_ALONE = {
    "expression": ("C28", "C29", "C30", "V13a", "V13b"),
    "not_stated": ("C28",),
}
_STATUS_ADVICE = {
    "negative_unspecified": (
        "HER2-negative by a wording, a summary or an in-situ result, without a score: neither zero "
        "nor low can be told, so they are left out of both and counted."
    ),
    "unresolved": (
        "The HER2 evidence conflicts or is incomplete: left out of the groups and counted."
    ),
    "unknown": "No HER2 evidence: left out of the groups and counted.",
}
_ZERO_BY_ERA = (
    "By the guideline of 2007 IHC 0 is no staining at all, and faint staining in up to 10 % of "
    "cells 1+; since 2013 that is 0: zero up to 2013 and after are different tumours. Use her2_era "
    "as a stratum or a term, or select an era."
)
ERA_RULES = ("her2_era", "zero_by_era")
_VERIFIED = ("yes", "derived")
_NUMBERS = tuple(
    f"{stem}{end}"
    for stem in ("her2_ratio", "her2_copies", "her2_copies_single")
    for end in ("", "_low", "_high")
)


def findings(
    cohort: Cohort, counts: Counts, *, edition: int, chosen: Mapping[str, str], assay: str
) -> tuple[Finding, ...]:
    """Who is left out of the groups, every flag, and what the edition and the era do to them."""
    return (
        *_statuses(cohort, counts),
        *_by_assay(counts, assay),
        *_flags(counts),
        *(_nothing_restained(cohort, counts, edition) if chosen["E14"] == "restain" else ()),
        *_impossible(cohort),
        *_unverified(counts, edition),
        *era_findings(cohort, edition),
    )


def era_findings(cohort: Cohort, edition: int) -> tuple[Finding, ...]:
    """Patients by era of diagnosis, and scores of 0 of two eras; of these patients only.

    A study counts them again (`ERA_RULES`) when it has selected its patients.
    """
    return (*_eras(cohort, edition), *_zero_by_era(cohort))


def choices(
    edition: int, chosen: Mapping[str, str], asked: Mapping[str, str]
) -> tuple[Choice, ...]:
    """What was decided, for the methods text and the manifest."""
    meaning = her2_rules.editions()[edition].meaning
    made = [Choice(STAGE, "edition", str(edition), f"ASCO/CAP {edition}: {meaning}")]
    if NAMED in asked:
        made.append(Choice(STAGE, NAMED, asked[NAMED], named_meaning(asked[NAMED])))
    for policy in her2_rules.policies():
        if policy.stage == "classify":
            choice = chosen[policy.id]
            made.append(Choice(STAGE, policy.id, choice, policy.meaning(choice)))
    return tuple(made)


def _statuses(cohort: Cohort, counts: Counts) -> Iterator[Finding]:
    for status, meaning in _STATUS_ADVICE.items():
        n = sum(row[3] for row in counts if row[0] == status)
        if n:
            unknown_few = status == "unknown" and n < cohort.n
            severity: Severity = "info" if unknown_few else "warning"
            yield Finding(severity, STAGE, "her2_status", status, f"her2_{status}", n, meaning)


def _by_assay(counts: Counts, assay: str) -> Iterator[Finding]:
    rules = _SUMMARY_ALONE.get(assay, ())
    n = sum(row[3] for row in counts if row[1].partition(".")[0] in rules)
    if n:
        yield Finding("warning", STAGE, "her2_reported", "", "her2_assay", n, _ASSAY[assay])


def _flags(counts: Counts) -> Iterator[Finding]:
    for row in her2_rules.read("flag_meanings"):
        flag, meaning = row["flag"], row["meaning"]
        n = sum(count[3] for count in counts if flag in count[2].split(";"))
        if n:
            yield Finding("info", STAGE, "her2_flags", flag, flag, n, meaning)


def _nothing_restained(cohort: Cohort, counts: Counts, edition: int) -> Iterator[Finding]:
    """That a study asks for scores from their staining, and why none could be read."""
    if any("score_from_staining" in row[2].split(";") for row in counts):
        return
    absent = [name for name in STAINING if name not in cohort.columns]
    why = (
        f"the source does not give {listed(absent)}"
        if absent
        else f"no patient's staining is one that the {edition} edition defines a score by"
    )
    advice = f"No score was read again from its staining (edge case E14): {why}."
    yield Finding("warning", STAGE, "her2_ihc", "", "none_restained", 0, advice)


def _impossible(cohort: Cohort) -> Iterator[Finding]:
    """Numbers that no ratio, count or percentage can be, handed over as they are."""
    names = [n for n in (*_NUMBERS, "her2_stain_percent") if n in cohort.columns]
    if not names:
        return
    sums = {name: impossible(name).cast(nw.Int64).sum() for name in names}
    row = cohort.engine.collect(cohort.patients.select(**sums)).to_pylist()[0]
    for name in names:
        if row[name]:
            advice = "Below 0, infinite, or beyond any such number: taken as missing."
            yield Finding("warning", STAGE, name, "", "impossible_number", int(row[name]), advice)


def _unverified(counts: Counts, edition: int) -> Iterator[Finding]:
    """Rows of the edition's in-situ table that nobody has held against the guideline's text."""
    rows = {r["id"] for r in her2_rules.ish_rows(edition) if r["verified"] not in _VERIFIED}
    if rows:
        n = sum(count[3] for count in counts if count[1].partition(".")[2] in rows)
        yield Finding(
            "warning" if n else "info",
            STAGE,
            "her2_rule",
            str(edition),
            "edition_unverified",
            n,
            f"The in-situ table of the {edition} edition is {her2_rules.editions()[edition].source}"
            ": compare it with the guideline before publishing what rests on it.",
        )


def _eras(cohort: Cohort, edition: int) -> Iterator[Finding]:
    """Patients by era of diagnosis, beside the edition that read their results."""
    if "her2_era" not in cohort.columns:
        return
    counted = cohort.engine.collect(cohort.patients.group_by("her2_era").agg(n=nw.len()))
    n = {row["her2_era"]: row["n"] for row in counted.to_pylist()}
    for era in HER2_ERA:
        if era in n:
            advice = f"Diagnosed in these years; in-situ results are read by the {edition} edition."
            yield Finding("info", STAGE, "her2_era", era, "her2_era", n[era], advice)
    if None in n:
        advice = "The year of diagnosis is not known, so neither is what a score of 0 meant."
        yield Finding("info", STAGE, "her2_era", "", "her2_era", n[None], advice)


def _zero_by_era(cohort: Cohort) -> Iterator[Finding]:
    """Scores of 0 up to 2013 and after, which are different tumours."""
    if not {"her2_era", "her2_ihc"} <= set(cohort.columns):
        return
    as_recorded = ~nw.col("her2_flags").str.contains("score_from_staining", literal=True)
    zero = cohort.patients.filter((nw.col("her2_ihc") == "0") & as_recorded)
    counted = cohort.engine.collect(zero.group_by("her2_era").agg(n=nw.len())).to_pylist()
    n = {row["her2_era"]: int(row["n"]) for row in counted}
    before, unknown = n.pop(HER2_ERA[0], 0), n.pop(None, 0)
    after = sum(n.values())
    if before:
        severity: Severity = "warning" if after + unknown else "info"
        of_years = (("up to 2013", before), ("after 2013", after), ("year not known", unknown))
        for value, count in of_years:
            if count:
                yield Finding(
                    severity, STAGE, "her2_ihc", f"0, {value}", "zero_by_era", count, _ZERO_BY_ERA
                )
