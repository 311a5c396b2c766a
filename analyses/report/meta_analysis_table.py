"""A pool as a table: both models, the prediction, heterogeneity, each study left out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from analyses import formatting as words
from analyses.formatting import NumberStyle
from analyses.report.blocks import Cell, Table, aligned, row
from analyses.results.meta_analysis import MetaAnalysis, Pooled


def pool_table(
    analysis: str,
    group: str,
    title: str,
    pool: MetaAnalysis,
    labels: Mapping[str, str],
    style: NumberStyle,
) -> Table:
    """The pool of this group of the analysis's records; `labels` name the studies."""
    return Table(
        f"{analysis}_{group}",
        f"{title}, {pool.k} {'study' if pool.k == 1 else 'studies'}.",
        ("", "Ratio" if pool.measure else "Estimate", style.p_symbol),
        aligned(3),
        tuple(_rows(f"{analysis}/", group, pool, labels, style)),
        (3.0, 2.2, 1.0),
        _note(pool, style),
    )


def _rows(
    stem: str, group: str, pool: MetaAnalysis, labels: Mapping[str, str], style: NumberStyle
) -> Iterator[tuple[Cell, ...]]:
    end = pool.measure or "estimate"
    for name, said in (("fixed", "Fixed effects"), ("random", "Random effects")):
        found: Pooled = getattr(pool, name)
        record = f"{stem}pooled_{name}_{end}/{group}"
        yield row(
            Cell(said, strong=True),
            Cell(_limits(pool, found, style), record),
            Cell(words.p_value(found.p_value, style), record),
        )
    wide = pool.random
    if wide.prediction_low is not None:
        spread = Pooled(
            estimate=wide.estimate, conf_low=wide.prediction_low, conf_high=wide.prediction_high
        )
        record = f"{stem}prediction_{end}/{group}"
        yield row("Where a new study would lie", Cell(_limits(pool, spread, style), record), "")
    for one in pool.without:
        record = f"{stem}pooled_without_{end}/{group}/{one.study}"
        yield row(
            Cell(f"Random effects without {labels.get(one.study, one.study)}", indent=1),
            Cell(_limits(pool, one.pooled, style), record),
            Cell(words.p_value(one.pooled.p_value, style), record),
        )


def _limits(pool: MetaAnalysis, found: Pooled, style: NumberStyle) -> str:
    """The pooled value on the scale of the measure."""
    values = (found.estimate, found.conf_low, found.conf_high)
    if found.estimate is None:
        return found.reason or style.dash
    if pool.measure is None:
        return words.estimate_with_limits(*values, 2, None, style)
    estimate, low, high = (_risen(value) for value in values)
    return words.hazard_ratio(estimate, low, high, style)


def _risen(value: float | None) -> float | None:
    """The ratio; without limit where a number cannot hold it."""
    if value is None:
        return None
    return math.exp(value) if value < 700 else math.inf


def _note(pool: MetaAnalysis, style: NumberStyle) -> str:
    """Heterogeneity with its limits."""
    found = pool.heterogeneity
    if found.q is None or found.tau2 is None or found.i2 is None:
        return f"No random effects: {found.reason}."
    level = words.tick(100 * pool.conf_level, style)
    said = (
        f"Heterogeneity: Q {words.number(found.q, 2, style)} on {found.df} df, "
        f"{words.p_equals(found.p_value, style)}; "
    )
    if found.tau2_high is None or found.tau2_low is None:
        return (
            f"{said}τ² {words.number(found.tau2, 4, style)}, I² {words.percent(found.i2, style, 0)}"
            f"; no limits of either: {found.reason}."
        )
    limits = f"({level}% limits {words.number(found.tau2_low, 4, style)} to "
    limits += f"{words.number(found.tau2_high, 4, style)})"
    share = words.percent_with_limits(found.i2, found.i2_low, found.i2_high, style)
    return f"{said}τ² {words.number(found.tau2, 4, style)} {limits}, I² {share}."
