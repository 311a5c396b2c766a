"""Records of the change of HER2 between two specimens: one a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from analyses.results.records import Record, checked

if TYPE_CHECKING:
    from cohort.change_result import Her2Change, Share, Transition

KIND = "her2_change"
EVERYBODY = "all"
GROUPS = ("zero", "low", "positive")
KAPPAS = {"none": "kappa", "linear": "kappa_linear", "quadratic": "kappa_quadratic"}


def change_records(change: Her2Change, analysis: str) -> tuple[Record, ...]:
    """Every number of a change: how pairs came about, cells, shares, kappas and tests."""
    return checked(_records(change, analysis))


def _records(change: Her2Change, analysis: str) -> Iterator[Record]:
    for field in fields(change.formed):
        n = getattr(change.formed, field.name)
        yield Record(analysis, KIND, f"formed_{field.name}", n=n, unit="patients")
    if change.by is not None:
        yield Record(analysis, KIND, "without_group", n=change.n_without_group, unit="patients")
    for first, second, n in change.unclassified:
        yield Record(analysis, KIND, "unclassified", term=first, level=second, n=n, unit="patients")
    for table in change.transitions:
        yield from _of_table(table, analysis)


def _of_table(table: Transition, analysis: str) -> Iterator[Record]:
    group = table.group or EVERYBODY
    yield Record(analysis, KIND, "pairs", group=group, n=table.n, unit="patients")
    outside = table.n_unclassified
    yield Record(analysis, KIND, "pairs_unclassified", group=group, n=outside, unit="patients")
    for i, first in enumerate(GROUPS):
        total = sum(table.counts[i])
        yield Record(analysis, KIND, "row", group=group, term=first, n=total, unit="patients")
        for j, second in enumerate(GROUPS):
            yield _share(table.shares[i][j], (analysis, "transition", group), first, second)
    for name in ("changed", "higher", "lower"):
        yield _share(getattr(table, name), (analysis, name, group))
    for kappa in table.kappas:
        yield Record(
            analysis,
            KIND,
            KAPPAS[kappa.weights],
            group=group,
            n=table.n,
            estimate=kappa.estimate,
            std_error=kappa.std_error,
            statistic=kappa.statistic,
            p_value=kappa.p_value,
            conf_low=kappa.conf_low,
            conf_high=kappa.conf_high,
            status="not_estimable" if kappa.reason else "ok",
            reason=kappa.reason or None,
        )
    for test in table.tests:
        yield Record(
            analysis,
            KIND,
            test.name,
            group=group,
            n=table.n,
            statistic=test.statistic,
            df=test.df,
            p_value=test.p_value,
            status="not_estimable" if test.reason else "ok",
            reason=test.reason or None,
        )


def _share(
    share: Share, names: tuple[str, str, str], first: str | None = None, second: str | None = None
) -> Record:
    """Pairs that are so, with their share; without one where there is nothing to share."""
    analysis, quantity, group = names
    return Record(
        analysis,
        KIND,
        quantity,
        group=group,
        term=first,
        level=second,
        n=share.n,
        estimate=share.estimate,
        conf_low=share.conf_low,
        conf_high=share.conf_high,
        status="ok" if share.total else "not_estimable",
        reason=None if share.total else "no pair",
    )
