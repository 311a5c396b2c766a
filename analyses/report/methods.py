"""The methods in words, every choice spelt out, and the manifest as tables."""

from __future__ import annotations

from collections.abc import Iterator

from analyses.formatting import NumberStyle, count, label
from analyses.report.blocks import Block, Bullets, Cell, Heading, Paragraph, Table, row
from analyses.report.her2_words import her2_methods
from analyses.report.manifest import manifest
from analyses.report.sections import section_of
from analyses.report.software import software_sentences
from analyses.report.verification_pages import verification_sentence
from analyses.results.study import (
    StudyResult,
)


def methods_pages(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """Methods complete enough for a paper: cohort, HER2, endpoints, estimators, software."""
    yield Heading("Methods")
    yield Heading("Cohort and endpoints", 2)
    yield Paragraph(_cohort(result, style))
    yield Bullets(tuple(_endpoints(result)))
    yield Heading("HER2 status", 2)
    yield Paragraph(her2_methods(result, style))
    yield _policies(result)
    yield Heading("Statistics", 2)
    yield Bullets(tuple(_statistics(result)))
    yield Paragraph(software_sentences(result))


def _cohort(result: StudyResult, style: NumberStyle) -> str:
    criteria = [f"{c.meaning} ({c.value})" for c in result.choices if c.stage == "select"]
    listed = "; ".join(dict.fromkeys(criteria)) or "none"
    implied = "the endpoint of an analysis is known"
    if result.compares_her2:
        implied = f"the patient is in one of the three HER2 groups, and {implied}"
    return (
        f"Files were read as text and interpreted only by the dictionary {result.source}; a code "
        "that it does not know, or a value that cannot be, was set to missing and counted. "
        f"{_readings(result)}Patients loaded: {count(result.n_loaded, style)}. "
        f"Criteria, in order: {listed}. Then: {implied}. A patient whose value is missing does "
        "not meet a criterion."
    )


def _readings(result: StudyResult) -> str:
    """Texts that the study reads its own way."""
    said = [
        f"{label(c.name.removeprefix('recode.'))}: {c.value}"
        for c in result.choices
        if c.stage == "harmonise" and c.name.startswith("recode.")
    ]
    return f"By decision of this study: {'; '.join(said)}. " if said else ""


def _endpoints(result: StudyResult) -> Iterator[str]:
    for e in result.endpoints:
        censored = f"; follow-up censored at {e.censored}" if e.censored else ""
        said = (
            f"{e.label} ({e.kind}): {e.meaning}, in {result.time_unit} from {e.origin}{censored}."
        )
        yield " ".join([said, *e.said])
    yield (
        "Follow-up of 0 is kept and an event at 0 counts; a patient censored on the day of an "
        "event is at risk for it. Times stay in the source's unit; horizons are converted once "
        "(1 year = 365.25 days = 12 months)."
    )


def _policies(result: StudyResult) -> Table:
    stages = ("her2", "specimens")
    chosen = [c for c in result.choices if c.stage in stages and c.name != "edition"]
    rows = tuple(row(c.name, Cell(c.value.replace("_", " ")), c.meaning) for c in chosen)
    return Table(
        "policies",
        "HER2 edge cases and the policy of this study.",
        ("Case", "Policy", "Meaning"),
        ("left", "left", "left"),
        rows,
        (0.7, 1.6, 6),
    )


def _statistics(result: StudyResult) -> Iterator[str]:
    """One sentence a kind of analysis that the study holds, its choices named."""
    yield from dict.fromkeys(section_of(a).methods(result, a) for a in result.analyses)
    if result.verification is not None:
        yield verification_sentence(result.verification)
    beside = " Where values were imputed, the answer of all patients stands beside that."
    imputed = any(getattr(a, "imputed", None) is not None for a in result.analyses)
    yield (
        "Each analysis uses the patients complete in its own columns; the others are counted."
        + beside * imputed
    )
    yield "Tests are two-sided; p values are not adjusted for the number of analyses in the report."


def manifest_pages(result: StudyResult) -> Iterator[Block]:
    """Digests of what was read and of the tables that interpreted it."""
    yield Heading("Manifest")
    made = manifest(result)
    rows = [row("study", made["study"]["file"], made["study"]["sha256"])]
    rows += [row("changed", one, "on the command line") for one in result.changes]
    rows += [row(f["role"], f["file"], f["sha256"]) for f in made["files"]]
    rows += [row("rules", name, digest) for name, digest in made["tables"].items()]
    yield Table(
        "manifest",
        "Files and tables with their SHA-256 digests.",
        ("What", "Name", "SHA-256"),
        ("left", "left", "left"),
        tuple(rows),
        (0.8, 3.0, 5.4),
        f"Seed {made['seed']}. No count was redacted. Versions and every choice: manifest.json; "
        "every estimate and its counts: results.json; findings: findings.csv; points of curves "
        "with numbers at risk: tables.",
    )
