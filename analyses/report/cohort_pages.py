"""Pages about the patients: where they come from, who was left out, what the data hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyses.formatting import NumberStyle, count, label, n_percent
from analyses.report.blocks import (
    Block,
    Cell,
    FigureBlock,
    Heading,
    Paragraph,
    Table,
    aligned,
    row,
)
from analyses.report.words import joined, selected
from analyses.results.study import StudyResult
from cohort.schema import HER2_GROUPS, HER2_STATUS
from cohort.table import AttritionStep, Finding

_SEVERITIES = {"error": "Error", "warning": "Warning", "info": "Note"}
_IDENTIFIED = {
    "her2_score": "the HER2 score",
    "cause_of_death": "the cause of death",
    "recurrence": "recurrence",
    "treatment": "treatment",
    "adc": "antibody-drug conjugates",
    "anti_her2": "anti-HER2 therapy",
}
SHOWN_FINDINGS = 60
MISSING = "missing"  # the rule of findings that count missing values by kind


def question_pages(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """The question, the source and the endpoints."""
    yield Heading("Question and data")
    if result.question:
        yield Paragraph(result.question, "lead")
    files = joined([f"{f.name} ({count(f.n_rows, style)} rows)" for f in result.files])
    yield Paragraph(
        f"Source: {result.source_describes} (dictionary {result.source}). Files: {files}. "
        f"{count(result.n_loaded, style)} patients; follow-up in {result.time_unit}, as the source "
        "gives it."
    )
    rows = []
    for endpoint in result.endpoints:
        more = f"; from {endpoint.origin}" if endpoint.origin != "diagnosis" else ""
        more += f"; censored at {endpoint.censored}" if endpoint.censored else ""
        more += "" if endpoint.is_checked else "; definition not checked in its source"
        name = f"endpoint.{endpoint.id}/n_event"
        rows.append(
            row(
                Cell(endpoint.label, strong=True),
                endpoint.meaning + more,
                Cell(count(endpoint.n, style), name),
                Cell(count(endpoint.n_event, style), name),
            )
        )
    if rows:
        yield Table(
            "endpoints",
            "Endpoints. Patients after selection whose endpoint is known, and their events.",
            ("Endpoint", "Definition", "Patients", "Events"),
            ("left", "left", "right", "right"),
            tuple(rows),
            (2.2, 5, 1, 1),
        )


def flow_pages(result: StudyResult, style: NumberStyle, alt: str) -> Iterator[Block]:
    """The flow diagram and the same in numbers."""
    yield Heading("Cohort and flow")
    met = "met every criterion"
    if result.compares_her2:
        met += " and could be placed in a HER2 group"
    yield Paragraph(
        f"Of {count(result.n_loaded, style)} patients, {selected(result, style)} {met}. Each "
        "patient left out is counted once, under the first criterion not met."
    )
    if not alt:
        return
    yield FigureBlock("flow", "Flow of patients from the source to the analysis.", alt, 166)
    columns: tuple[str, ...] = ("Step", "Left out", "of these, value missing", "Remain")
    columns += tuple(label("her2_status", group) for group in HER2_GROUPS)
    rows = []
    known = [(f"flow.{e.id}.{s.id}", s, e.label) for e in result.endpoints for s in e.steps]
    chains = [(f"flow.{step.id}", step, "") for step in result.attrition]
    for name, step, of in [*chains, *known]:
        after = dict(step.after_by_group)
        rows.append(
            row(
                _step_words(step, of),
                Cell(count(step.n_removed, style), f"{name}/n_removed"),
                Cell(count(step.n_unknown, style), f"{name}/n_unknown"),
                Cell(count(step.n_after, style), f"{name}/n_after"),
                *(Cell(count(after.get(g), style), f"{name}/n_after/{g}") for g in HER2_GROUPS),
            )
        )
    yield Table(
        "flow",
        "Patients left out at each step, and remaining by HER2 group.",
        columns,
        aligned(len(columns)),
        tuple(rows),
        (4, 1.1, 1.4, 1.1, 1.4, 1.4, 1.6),
        "Each endpoint's rows count from the last step that all share.",
    )


def _step_words(step: AttritionStep, endpoint: str) -> str:
    """A step's reason; for the last step of an endpoint, that it is known."""
    if not endpoint:
        return step.reason
    return f"{endpoint} known" if step.id.endswith("-known") else f"{endpoint}: {step.reason}"


def her2_pages(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """How HER2 status was reached: counts by status and rule, before selection."""
    yield Heading("HER2 classification")
    total = sum(n for *_, n in result.her2_counts)
    by_status: dict[str, int] = {}
    by_rule: dict[tuple[str, str], int] = {}
    for status, rule, _, n in result.her2_counts:
        by_status[status] = by_status.get(status, 0) + n
        by_rule[status, rule] = by_rule.get((status, rule), 0) + n
    without = by_status.get("negative_unspecified", 0)
    yield Paragraph(
        f"All {count(total, style)} patients of the source were classified. "
        f"{n_percent(without, total, style)} are HER2-negative by a status label, a summary or an "
        "in-situ result without a score: they can be neither zero nor low, and are left out of "
        f"both. {n_percent(by_status.get('unresolved', 0), total, style)} have evidence that "
        f"conflicts or is incomplete, and {n_percent(by_status.get('unknown', 0), total, style)} "
        "have none."
    )
    meanings = result.rule_meanings
    rows = []
    for status in HER2_STATUS:
        if status not in by_status:
            continue
        rows.append(
            row(
                Cell(label("her2_status", status), strong=True),
                "",
                Cell(n_percent(by_status[status], total, style), f"her2/n/{status}"),
            )
        )
        for (of, rule), n in sorted(by_rule.items()):
            if of == status:
                category, _, evidence = rule.partition(".")
                words = dict(meanings).get(category, category)
                ish = dict(meanings).get(evidence, "")
                rows.append(
                    row(
                        Cell(rule, indent=1),
                        words + (f"; {ish}" if ish else ""),
                        Cell(count(n, style), f"her2/n/{status}/{rule}"),
                    )
                )
    yield Table(
        "her2",
        "HER2 status of all patients by the rule that decided, before selection.",
        ("Status and rule", "What the rule says", "Patients"),
        ("left", "left", "right"),
        tuple(rows),
        (2.3, 5, 1.3),
        "A rule reads: row of the category table, then the in-situ evidence used.",
    )


def findings_pages(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """What was seen in the data, worst first; the whole list is in findings.csv."""
    yield Heading("Data findings")
    order = {"error": 0, "warning": 1, "info": 2}
    seen = sorted(result.findings, key=lambda f: (order[f.severity], f.source, -f.n))
    shown = [f for f in seen if f.severity != "info"] + [f for f in seen if f.severity == "info"]
    if not shown:
        yield Paragraph("Nothing was found that a reader must know.")
        return
    yield Paragraph(
        "Codes that the dictionary does not know, values that cannot be, and missing values by "
        "kind: every one is counted, none was guessed. A value that could not be read is missing "
        "in the analysis."
    )
    told = [finding for finding in shown if finding.rule != MISSING]
    kept = told[:SHOWN_FINDINGS]
    more = len(told) - len(kept)
    yield Table(
        "findings",
        "Findings, with how many patients, specimens or other things they concern.",
        ("Kind", "Where", "Value", "n", "What it means"),
        ("left", "left", "left", "right", "left"),
        tuple(_finding(f, style) for f in kept),
        (1.1, 2.4, 1.6, 1.4, 5.0),
        f"{more} more findings are in findings.csv." if more else "",
    )
    missing = [finding for finding in shown if finding.rule == MISSING]
    if missing:
        yield _missing_values(missing, style)


def _missing_values(findings: Sequence[Finding], style: NumberStyle) -> Table:
    """Missing values of the source by column, of patients or others, and kind."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.column, finding.unit), []).append(finding)
    rows = []
    for (column, unit), found in kinds.items():
        said = joined([f"{f.value.replace('_', ' ')} {count(f.n, style)}" for f in found])
        of = "" if unit == "patient" else f" (of {unit}s)"
        rows.append(row(Cell(f"{label(column)}{of}", strong=True), said))
    return Table(
        "missing",
        "Missing values of all patients of the source, by kind, before selection.",
        ("Column", "Kind and how many"),
        ("left", "left"),
        tuple(rows),
        (2, 5),
    )


def limits_pages(result: StudyResult) -> Iterator[Block]:
    """What the source cannot tell, as its dictionary declares."""
    missing = [name for name, value in result.identifies if value == "no"]
    if missing:
        yield Heading("What the source does not tell", 2)
        said = joined([_IDENTIFIED.get(name, name.replace("_", " ")) for name in missing])
        yield Paragraph(
            f"This source does not identify: {said}. Analyses that need it are refused."
        )


def _finding(finding: Finding, style: NumberStyle) -> tuple[Cell, ...]:
    where = f"{finding.source}: {finding.column}" if finding.column else finding.source
    return row(
        _SEVERITIES[finding.severity],
        where,
        finding.value or style.dash,
        f"{count(finding.n, style)} {finding.unit}{'' if finding.n == 1 else 's'}",
        finding.advice,
    )
