"""The change of HER2 between two specimens: the table, its shares, and agreement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.report.blocks import Block, Cell, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section
from analyses.report.words import joined
from analyses.results.change import EVERYBODY, GROUPS, KAPPAS
from analyses.results.study import ChangeAnalysis, StudyResult

if TYPE_CHECKING:
    from cohort.agreement import Kappa
    from cohort.change_result import Her2Change, PairCounts, Share, Transition

SPECIMENS = {
    "primary": "primary tumour",
    "before_treatment": "specimen before treatment",
    "first": "first specimen",
    "metastasis": "metastasis",
    "recurrence": "recurrence",
    "metastasis_or_recurrence": "metastasis or recurrence",
    "after_neoadjuvant": "specimen after neoadjuvant therapy",
    "last": "last specimen",
}

_CHANGES = {
    "changed": "Changed",
    "higher": "To a higher group",
    "lower": "To a lower group",
}
_WEIGHTS = {
    "none": "Kappa",
    "linear": "Kappa, linear weights",
    "quadratic": "Kappa, quadratic weights",
}


def change_pages(
    result: StudyResult, analysis: ChangeAnalysis, style: NumberStyle, _alts: Alts
) -> Iterator[Block]:
    """Who is paired, the table with row percentages, and change and agreement by group."""
    change = analysis.change
    limits = [r for r in result.restrictions if r.analysis == analysis.id]
    yield Paragraph(_who(change, [(r.reason, r.n_outside) for r in limits], style))
    yield _cells(analysis, style)
    yield _agreement(analysis, style)


def _who(change: Her2Change, limits: list[tuple[str, int]], style: NumberStyle) -> str:
    """The pairs, and the patients that are none."""
    n = change.formed
    a, b = SPECIMENS[change.first], SPECIMENS[change.second]
    said = (
        f"{count(n.pairs, style)} of {count(n.patients, style)} patients have both specimens with "
        f"HER2 evidence ({a}, {b}); {count(change.overall.n, style)} pairs are in the table."
    )
    left = [
        (n.only_first, f"with a {a} only"),
        (n.only_second, f"with a {b} only"),
        (n.neither, "with neither"),
        (n.one_only, "with one dated specimen only"),
        (n.not_later, "whose specimens are all of one day"),
        (change.overall.n_unclassified, "with a specimen in none of the three groups"),
        *((k, f"outside the restriction to {reason}") for reason, k in limits),
    ]
    told = [f"{count(k, style)} {what}" for k, what in left if k]
    out = f" Left out: {joined(told)}." if told else ""
    return f"{said}{out}{_taken(n, style)}"


def _taken(n: PairCounts, style: NumberStyle) -> str:
    """Patients of whom one specimen of several was taken."""
    if not n.several_first + n.several_second:
        return ""
    a, b = count(n.several_first, style), count(n.several_second, style)
    return f" Of several specimens one was taken ({a} patients for the first, {b} for the second)."


def _cells(analysis: ChangeAnalysis, style: NumberStyle) -> Table:
    change = analysis.change
    rows: list[tuple[Cell, ...]] = []
    for table in change.transitions:
        group = table.group or EVERYBODY
        if len(change.transitions) > 1:
            rows.append(row(Cell(_group(change, table), strong=True), "", "", "", ""))
        for i, first in enumerate(GROUPS):
            cells = [
                Cell(_n_share(share, style), f"{analysis.id}/transition/{group}/{first}/{second}")
                for share, second in zip(table.shares[i], GROUPS, strict=True)
            ]
            total = count(sum(table.counts[i]), style)
            name = Cell(label("her2_status", first), indent=1)
            rows.append(row(name, *cells, Cell(total, f"{analysis.id}/row/{group}/{first}")))
    heads = tuple(label("her2_status", group) for group in GROUPS)
    a, b = SPECIMENS[change.first], SPECIMENS[change.second]
    return Table(
        analysis.id,
        f"{analysis.title}: HER2 in the {a} (rows) and in the {b} (columns).",
        (words.capitalised(a), *heads, "Pairs"),
        aligned(5),
        tuple(rows),
        (2.4, 1.5, 1.5, 1.5, 1),
        "Pairs (% of the row).",
    )


def _agreement(analysis: ChangeAnalysis, style: NumberStyle) -> Table:
    change = analysis.change
    heads = tuple(_group(change, table) for table in change.transitions)
    tables = change.transitions
    rows = [_line("Pairs", [(count(t.n, style), "pairs") for t in tables], analysis)]
    for name, text in _CHANGES.items():
        shares = [(_with_limits(getattr(t, name), style), name) for t in tables]
        rows.append(_line(text, shares, analysis))
    for k, (weights, text) in enumerate(_WEIGHTS.items()):
        kappas = [(_kappa(t.kappas[k], style), KAPPAS[weights]) for t in tables]
        rows.append(_line(text, kappas, analysis))
    for k, text in enumerate(("Symmetry (Bowker), p", "Same frequencies (Stuart-Maxwell), p")):
        tests = [t.tests[k] for t in tables]
        rows.append(
            _line(text, [(words.p_value(t.p_value, style), t.name) for t in tests], analysis)
        )
    level = words.tick(100 * change.conf_level, style)
    return Table(
        f"{analysis.id}_agreement",
        f"{analysis.title}: change and agreement, with {level}% limits.",
        ("", *heads),
        aligned(1 + len(heads)),
        tuple(rows),
        (2.6, *(2.0,) * len(heads)),
        "Change with Wilson limits; kappa with the standard errors of Fleiss, Cohen and Everitt.",
    )


def _kappa(kappa: Kappa, style: NumberStyle) -> str:
    if kappa.estimate is None:
        return words.NOT_ESTIMABLE
    limits = kappa.conf_low, kappa.conf_high
    return words.estimate_with_limits(kappa.estimate, *limits, 2, None, style)


def _line(text: str, values: list[tuple[str, str]], analysis: ChangeAnalysis) -> tuple[Cell, ...]:
    cells = [
        Cell(value, f"{analysis.id}/{quantity}/{table.group or EVERYBODY}")
        for (value, quantity), table in zip(values, analysis.change.transitions, strict=True)
    ]
    return row(Cell(text, strong=True), *cells)


def _group(change: Her2Change, table: Transition) -> str:
    if table.group is None or change.by is None:
        return "All pairs"
    return label(change.by, table.group)


def _n_share(share: Share, style: NumberStyle) -> str:
    if share.estimate is None:
        return count(share.n, style)
    return f"{count(share.n, style)} ({words.percent(share.estimate, style)})"


def _with_limits(share: Share, style: NumberStyle) -> str:
    if share.estimate is None:
        return words.NOT_ESTIMABLE
    limits = words.percent_with_limits(share.estimate, share.conf_low, share.conf_high, style)
    return f"{count(share.n, style)}: {limits}"


def change_methods(_result: StudyResult, analysis: ChangeAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    change = analysis.change
    return (
        f"{analysis.title}: HER2 of each patient's {SPECIMENS[change.first]} and "
        f"{SPECIMENS[change.second]}, each classified by itself. Of several the one of the index "
        "order was taken, at a relapse the earliest. Agreement is Cohen's kappa, plain and with "
        "linear and quadratic weights; shares have Wilson limits; Bowker's test is of symmetry, "
        "Stuart and Maxwell's of equal frequencies."
    )


CHANGES = Section(
    pages=change_pages,
    methods=change_methods,
    tables=lambda analysis: [("numbers", analysis.change.summary)],
)
