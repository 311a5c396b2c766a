"""Tables beside survival curves: differences at milestones, and survival given an earlier time."""

from __future__ import annotations

from collections.abc import Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.rmst import with_limits
from analyses.report.blocks import Block, Cell, Table, aligned
from analyses.report.words import group_words, weighted_by
from analyses.results.curve_records import MEDIAN, given_level, quantile_level
from analyses.results.study import CurveAnalysis
from analyses.results.survival import KaplanMeier


def milestone_tables(analysis: CurveAnalysis, style: NumberStyle, unit: str) -> Iterator[Block]:
    """The tables that the study asks for, none where it asks for none."""
    if analysis.quantiles:
        yield _quantiles(analysis, style, unit)
    if analysis.differences:
        yield _differences(analysis, style)
    for said, later in analysis.given:
        yield _given(analysis, said, later, style)


def _quantiles(analysis: CurveAnalysis, style: NumberStyle, unit: str) -> Table:
    """The times by which the shares asked for have had the event, the median among them."""
    km = analysis.curves
    shares = sorted({*analysis.quantiles, MEDIAN})
    found = {(r["group"], r["probability"]): r for r in km.quantiles(shares).to_dict("records")}
    rows = []
    for curve in km.curves:
        cells = [Cell(group_words(km.by, curve.group), strong=True)]
        for share in shares:
            r = found[curve.group, share]
            text = words.median_time(r["estimate"], r["conf_low"], r["conf_high"], None, style)
            record = f"{analysis.id}/median/{curve.group}"
            if share != MEDIAN:
                record = f"{analysis.id}/quantile/{curve.group}/{quantile_level(share, None)}"
            cells.append(Cell(text, record))
        rows.append(tuple(cells))
    limits = words.tick(100 * km.conf_level, style)
    heads = ("Group", *(f"{words.tick(100 * share, style)}% by" for share in shares))
    return Table(
        f"{analysis.id}_quantiles",
        f"{analysis.title}: times in {unit} by which a share of the patients has had the event, "
        f"with {limits}% limits.{weighted_by(km.weighting)}",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (1.7, *(2.1,) * len(shares)),
        "A time that the curve does not come down to is not reached.",
    )


def _differences(analysis: CurveAnalysis, style: NumberStyle) -> Table:
    """Survival of each group less the reference's, a row a group and time."""
    km = analysis.curves
    named = dict(zip(analysis.times, analysis.times_said, strict=True))
    reference = analysis.differences[0].reference
    rows = []
    for c in analysis.differences:
        record = f"{analysis.id}/survival_difference/{c.group}/{reference}/t={c.time:.12g}"
        points = [None if x is None else 100 * x for x in (c.estimate, c.conf_low, c.conf_high)]
        text = with_limits(points[0], points[1], points[2], style.percent_decimals, style)
        rows.append(
            (
                Cell(named[c.time], strong=True),
                Cell(group_words(km.by, c.group)),
                Cell(text, record),
                Cell(words.p_value(c.p_value, style), record),
            )
        )
    level = words.tick(100 * km.conf_level, style)
    against = group_words(km.by, reference)
    return Table(
        f"{analysis.id}_differences",
        f"{analysis.title}: differences from {against}, with {level}% limits."
        f"{weighted_by(km.weighting)}",
        ("At", "Group", "Difference, percentage points", style.p_symbol),
        ("left", "left", "right", "right"),
        tuple(rows),
        (1.2, 2, 2.6, 0.8),
        f"Survival of the group less that of {against} at the time; limits and p from the "
        "standard errors of the two curves. A dash stands past the last follow-up of a group, and "
        "for limits where a curve has come down to 0, or where a group's own standard error is 0 "
        "(no event yet, or all at once), which is no certainty.",
    )


def _given(analysis: CurveAnalysis, said: str, later: KaplanMeier, style: NumberStyle) -> Table:
    """Survival at the later times of those who lived to a time."""
    times = [
        (time, name)
        for time, name in zip(analysis.times, analysis.times_said, strict=True)
        if time > (later.given or 0)
    ]
    level = given_level(later.given)
    at = {
        (r["group"], r["time"]): r for r in later.at([time for time, _ in times]).to_dict("records")
    }
    rows = []
    for curve in later.curves:
        cells = [
            Cell(group_words(later.by, curve.group), strong=True),
            Cell(
                f"{count(curve.n_event, style)} / {count(curve.n, style)}",
                f"{analysis.id}/median/{curve.group}/{level}",
            ),
        ]
        for time, _ in times:
            r = at[curve.group, time]
            record = f"{analysis.id}/conditional_survival/{curve.group}/{level}/t={time:.12g}"
            text = words.percent_with_limits(r["estimate"], r["conf_low"], r["conf_high"], style)
            cells.append(Cell(text, record))
        rows.append(tuple(cells))
    heads = ("Group", "Later events / patients", *(f"At {name}" for _, name in times))
    slug = said.replace(" ", "_").replace(".", "_")
    limits = words.tick(100 * later.conf_level, style)
    return Table(
        f"{analysis.id}_given_{slug}",
        f"{analysis.title}: of those alive without the event at {said}, with {limits}% limits."
        f"{weighted_by(later.weighting)}",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (1.7, 1.5, *(2.1,) * len(times)),
        f"Patients followed past {said}; the times are counted from the same start as in the "
        "curves. A dash stands past the last follow-up of a group.",
    )
