"""The methods in words, every choice spelt out, and the manifest as tables."""

from __future__ import annotations

from collections.abc import Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.report.blocks import Block, Bullets, Cell, Heading, Paragraph, Table, row
from analyses.report.manifest import manifest, versions
from analyses.report.words import ADJUSTMENTS, in_sentence, joined
from analyses.results.study import (
    CoxAnalysis,
    CurveAnalysis,
    StudyResult,
    TableAnalysis,
    TestAnalysis,
)

_INTERVALS = {
    "log-log": "log(-log) transformed",
    "log": "log transformed",
    "plain": "untransformed",
    "logit": "logit transformed",
    "arcsine": "arcsine square-root transformed",
}


def methods_pages(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """Methods complete enough for a paper: cohort, HER2, endpoints, estimators, software."""
    yield Heading("Methods")
    yield Heading("Cohort and endpoints", 2)
    yield Paragraph(_cohort(result, style))
    yield Bullets(tuple(_endpoints(result)))
    yield Heading("HER2 status", 2)
    yield Paragraph(_her2(result))
    yield _policies(result)
    yield Heading("Statistics", 2)
    yield Bullets(tuple(_statistics(result)))
    yield Paragraph(_software())


def _cohort(result: StudyResult, style: NumberStyle) -> str:
    criteria = [f"{c.meaning} ({c.value})" for c in result.choices if c.stage == "select"]
    listed = "; ".join(dict.fromkeys(criteria)) or "none"
    implied = "the endpoint of an analysis is known"
    if result.compares_her2:
        implied = f"the patient is in one of the three HER2 groups, and {implied}"
    return (
        f"Files were read as text and interpreted only by the dictionary {result.source}; a code "
        "that it does not know, or a value that cannot be, was set to missing and counted. "
        f"Patients loaded: {count(result.n_loaded, style)}. Criteria, in order: {listed}. Then: "
        f"{implied}. A patient whose value is missing does not meet a criterion."
    )


def _endpoints(result: StudyResult) -> Iterator[str]:
    for e in result.endpoints:
        censored = f"; follow-up censored at {e.censored}" if e.censored else ""
        yield f"{e.label} ({e.kind}): {e.meaning}, in {result.time_unit} from diagnosis{censored}."
    yield (
        "Follow-up of 0 is kept and an event at 0 counts; a patient censored on the day of an "
        "event is at risk for it. Times stay in the source's unit; horizons are converted once "
        "(1 year = 365.25 days = 12 months)."
    )


def _her2(result: StudyResult) -> str:
    edition = next(c.value for c in result.choices if c.stage == "her2" and c.name == "edition")
    return (
        f"HER2 status follows ASCO/CAP {edition}: zero is IHC 0 and low is IHC 1+, or 2+ with a "
        "negative in-situ result; positive is IHC 3+ or a positive in-situ result after the "
        "guideline's IHC work-up. Evidence was taken in this order: dual-probe ratio and signals "
        "both known (the guideline's group); else a reported positive or negative in-situ result, "
        "a decisive single-probe count, or the overall summary where some in-situ number exists; "
        "else what every group left open by partial numbers has in common. An edition re-reads "
        "in-situ results only, never a score. Edge cases were decided as follows."
    )


def _policies(result: StudyResult) -> Table:
    chosen = [c for c in result.choices if c.stage == "her2" and c.name != "edition"]
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
    seen: list[str] = []
    for analysis in result.analyses:
        if isinstance(analysis, TableAnalysis):
            seen.append(
                "Features: counts and per cent, mean (SD) and median (quartiles, type 7). "
                "Standardised mean differences use the root mean of the two groups' variances; "
                "categories by Yang and Dalton."
            )
        elif isinstance(analysis, CurveAnalysis):
            km = analysis.curves
            seen.append(
                f"Survival: Kaplan-Meier with {km.variance} variance and pointwise "
                f"{words.tick(100 * km.conf_level)}% limits, {_INTERVALS[km.conf_type]} "
                f"({km.conf_type}); medians by R's rule with limits from the band. Follow-up: "
                "reverse Kaplan-Meier. Curves are drawn while at least "
                f"{analysis.curtail_below} patients are at risk."
            )
        elif isinstance(analysis, TestAnalysis):
            seen.append(_test(analysis))
        elif isinstance(analysis, CoxAnalysis):
            seen.append(_cox(analysis))
    yield from dict.fromkeys(seen)
    yield "Each analysis uses the patients complete in its own columns; the others are counted."
    yield "Tests are two-sided; p values are not adjusted for the number of analyses in the report."


def _test(analysis: TestAnalysis) -> str:
    text = f"Groups were compared by the {analysis.test.kind} test with hypergeometric variance"
    if analysis.test.strata:
        text += f", stratified by {joined([label(s) for s in analysis.test.strata])}"
    if analysis.pairs is not None:
        text += (
            f"; pairs use their two groups only, p adjusted by {ADJUSTMENTS[analysis.pairs.method]}"
        )
    if analysis.trend is not None:
        text += f"; the trend (scores 0, 1, 2, 1 df) was tested {analysis.trend_said}"
    return f"{text}."


def _cox(analysis: CoxAnalysis) -> str:
    model = analysis.adjusted
    variance = "robust (sandwich)" if model.robust else "model-based"
    if model.cluster is not None:
        variance = f"robust, clustered by {label(model.cluster)}"
    terms = joined([_term(t.name, t.reference, t.per) for t in model.terms])
    strata = f", stratified by {joined([label(s) for s in model.strata])}" if model.strata else ""
    alone = "; each term also alone" if analysis.univariable else ""
    return (
        f"{analysis.title}: Cox model, {model.ties.capitalize()} ties, {variance} variance, Wald "
        f"{words.tick(100 * model.conf_level)}% limits{strata}; terms {terms}{alone}."
    )


def _term(name: str, reference: str | None, per: float | None) -> str:
    if reference is not None:
        return f"{in_sentence(name)} (reference {label(name, reference)})"
    step = words.per_step(name, per)
    return step[:1].lower() + step[1:] if in_sentence(name)[:1].islower() else step


def _software() -> str:
    found = versions()
    return (
        f"Software: her2low {found['her2low']} on Python {found['python']} with NumPy "
        f"{found['numpy']}, SciPy {found['scipy']}, pandas {found['pandas']}, DuckDB "
        f"{found['duckdb']}, Matplotlib {found['matplotlib']}, Typst {found['typst']}. Estimators "
        "agree with R survival 3.5 on committed reference values."
    )


def manifest_pages(result: StudyResult) -> Iterator[Block]:
    """Digests of what was read and of the tables that interpreted it."""
    yield Heading("Manifest")
    made = manifest(result)
    rows = [row("study", made["study"]["file"], made["study"]["sha256"])]
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
        "every number of this report: results.json.",
    )
