"""The methods in words, every choice spelt out, and the manifest as tables."""

from __future__ import annotations

from collections.abc import Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.report.blocks import Block, Bullets, Cell, Heading, Paragraph, Table, row
from analyses.report.change_pages import SPECIMENS
from analyses.report.competing_pages import competing_methods
from analyses.report.her2_words import her2_methods
from analyses.report.manifest import manifest
from analyses.report.model_pages import variance_words
from analyses.report.parametric_pages import parametric_methods
from analyses.report.performance_pages import performance_methods
from analyses.report.proportionality_pages import TIMES
from analyses.report.rmst_pages import rmst_methods
from analyses.report.software import software_sentences
from analyses.report.term_said import term_said
from analyses.report.verification_pages import verification_sentence
from analyses.report.words import ADJUSTMENTS, endpoint_of, event_nouns, joined
from analyses.results.study import (
    ChangeAnalysis,
    CoxAnalysis,
    CurveAnalysis,
    Endpoint,
    FineGrayAnalysis,
    IncidenceAnalysis,
    ParametricAnalysis,
    PerformanceAnalysis,
    RmstAnalysis,
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
    seen: list[str] = []
    for analysis in result.analyses:
        if isinstance(analysis, TableAnalysis):
            seen.append(
                "Features: counts and per cent, mean (SD) and median (quartiles, type 7). "
                "Standardised mean differences use the root mean of the two groups' variances; "
                "categories by Yang and Dalton." + _group_tests(analysis)
            )
        elif isinstance(analysis, CurveAnalysis):
            km = analysis.curves
            seen.append(
                f"Survival: Kaplan-Meier with {km.variance} variance and pointwise "
                f"{words.tick(100 * km.conf_level)}% limits, {_INTERVALS[km.conf_type]} "
                f"({km.conf_type}); medians by R's rule with limits from the band. Follow-up: "
                "reverse Kaplan-Meier. Curves are drawn while at least "
                f"{analysis.curtail_below} patients are at risk." + _milestones(analysis)
            )
        elif isinstance(analysis, TestAnalysis):
            seen.append(_test(analysis))
        elif isinstance(analysis, RmstAnalysis | ParametricAnalysis | PerformanceAnalysis):
            seen.append(_told_beside(analysis, result))
        elif isinstance(analysis, IncidenceAnalysis | FineGrayAnalysis):
            seen.append(competing_methods(analysis))
        elif isinstance(analysis, CoxAnalysis):
            seen.append(_cox(analysis, endpoint_of(result, analysis.endpoint)))
        elif isinstance(analysis, ChangeAnalysis):
            seen.append(_change(analysis))
    yield from dict.fromkeys(seen)
    if result.verification is not None:
        yield verification_sentence(result.verification)
    yield "Each analysis uses the patients complete in its own columns; the others are counted."
    yield "Tests are two-sided; p values are not adjusted for the number of analyses in the report."


def _told_beside(
    analysis: RmstAnalysis | ParametricAnalysis | PerformanceAnalysis, result: StudyResult
) -> str:
    """The sentences that stand beside the pages of an analysis."""
    if isinstance(analysis, RmstAnalysis):
        return rmst_methods(analysis, result)
    if isinstance(analysis, ParametricAnalysis):
        return parametric_methods(analysis)
    return performance_methods(analysis)


def _milestones(analysis: CurveAnalysis) -> str:
    """The test of the groups, and what is compared or given at single times."""
    text = ""
    if analysis.test is not None:
        text += (
            f" Groups with curves were compared by the {analysis.test.kind} test with "
            "hypergeometric variance."
        )
    if analysis.differences:
        text += (
            " Differences of survival at single times have the standard error of two independent "
            "curves and limits on their own scale."
        )
    if analysis.given:
        text += (
            " Survival given an earlier time is the curve of those followed past that time, "
            "starting there at 1."
        )
    return text


def _test(analysis: TestAnalysis) -> str:
    text = f"Groups were compared by the {analysis.test.kind} test with hypergeometric variance"
    if analysis.test.strata:
        text += f", stratified by {joined([label(s) for s in analysis.test.strata])}"
    if analysis.pairs is not None:
        text += (
            f"; pairs use their two groups only, p adjusted by {ADJUSTMENTS[analysis.pairs.method]}"
        )
    if analysis.trend is not None:
        scores = joined([words.tick(score) for score in analysis.trend.scores or ()])
        text += f"; the trend (scores {scores}; 1 df) was tested {analysis.trend_said}"
    if (analysis.trend or analysis.pairs) and (analysis.test.strata or analysis.test.is_weighted):
        text += ", with the same weights and strata"
    if analysis.combo is not None:
        text += (
            "; the max-combo test is the largest of four with Fleming and Harrington's weights "
            "(0, 0), (1, 0), (0, 1) and (1, 1), its p from their joint normal distribution"
        )
        if analysis.combo.strata:
            text += ", within the same strata"
    return f"{text}."


def _change(analysis: ChangeAnalysis) -> str:
    change = analysis.change
    return (
        f"{analysis.title}: HER2 of each patient's {SPECIMENS[change.first]} and "
        f"{SPECIMENS[change.second]}, each classified by itself. Of several the one of the index "
        "order was taken, at a relapse the earliest. Agreement is Cohen's kappa, plain and with "
        "linear and quadratic weights; shares have Wilson limits; Bowker's test is of symmetry, "
        "Stuart and Maxwell's of equal frequencies."
    )


def _group_tests(analysis: TableAnalysis) -> str:
    """The tests of Table 1 by name, where there are any."""
    names = list(dict.fromkeys(test.test for test in analysis.table.tests))
    if not names:
        return ""
    simulated = " (100,000 tables drawn with a fixed seed)" * any("simulated" in n for n in names)
    return (
        f" Groups were compared by {joined(names)}{simulated}: Fisher where an expected count is "
        "below 5."
    )


def _ended(analysis: CoxAnalysis, endpoint: Endpoint) -> str:
    """What is modelled where events compete, and what became of the other event."""
    if analysis.cause is None:
        return ""
    own = event_nouns(endpoint)[1]
    others = event_nouns(endpoint, "competing")[1]
    if analysis.cause == "event":
        return (
            f" Events that compete ({others}) ended follow-up as censorings: the hazard ratios "
            "are cause-specific."
        )
    return (
        f" Modelled are the events that compete with {endpoint.label} ({others}); its own "
        f"({own}) ended follow-up as censorings: the hazard ratios are cause-specific."
    )


def _cox(analysis: CoxAnalysis, endpoint: Endpoint) -> str:
    model = analysis.adjusted
    terms = joined([term_said(term) for term in model.terms])
    strata = f", stratified by {joined([label(s) for s in model.strata])}" if model.strata else ""
    alone = "; each term also alone" if analysis.univariable else ""
    limits = "Wald" if model.penalty is None else "profile"
    return (
        f"{analysis.title}: Cox model, {model.ties.capitalize()} ties, {variance_words(model)}, "
        f"{limits} {words.tick(100 * model.conf_level)}% limits{strata}; terms {terms}{alone}."
        f"{_ended(analysis, endpoint)}{_proportional(analysis)}"
    )


def _proportional(analysis: CoxAnalysis) -> str:
    """How the hazard ratios were tested for being constant, or that they were not."""
    tested = analysis.proportionality
    if tested is None:
        return " Proportional hazards were not tested."
    return (
        " Proportional hazards: exact score tests of Grambsch and Therneau, time by "
        f"{TIMES[tested.transform]}; hazard ratios over time by a natural spline (4 df) through "
        "the scaled Schoenfeld residuals."
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
        "every estimate and its counts: results.json; findings: findings.csv; points of curves "
        "with numbers at risk: tables.",
    )
