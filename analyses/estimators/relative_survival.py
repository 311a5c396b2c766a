"""Net survival by Pohar Perme's estimator, against a life table that the user gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtri

from analyses.estimators.expected_mortality import (
    SOURCE,
    UNITS,
    Expected,
    expected_of,
    in_days,
    known_to,
    require_race,
)
from analyses.estimators.grouped_survival import (
    GroupedSurvival,
    grouped_survival,
    small_group_findings,
)
from analyses.estimators.survival_data import By, as_pandas, by_column, require_columns
from analyses.kernels.net_survival import DailySums, daily_sums
from analyses.results.frozen import Array, frozen
from analyses.results.life_table import LifeTable
from analyses.results.relative_survival import NetCurve, NetTest, RelativeSurvival
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

FEW_AT_RISK = 10
NO_VARIANCE = "the variance of the test is 0: no deaths, or in one group only all at once"


def relative_survival(
    data: Any,
    *,
    time: str,
    event: str,
    life_table: LifeTable,
    age: str,
    sex: str,
    year: str,
    race: str | None = None,
    by: By | None = None,
    times: Sequence[float] = (),
    unit: str = "days",
    conf_level: float = 0.95,
) -> RelativeSurvival:
    """Survival if the disease were the only cause of death, from deaths of every cause.

    Parameters
    ----------
    data, time, event, by
        As in `kaplan_meier`; the event is death of any cause. No delayed entry.
    life_table
        As from `life_table`: mortality of the patients' population.
    age, sex, year, race
        Columns at diagnosis: age and calendar year (whole ones are taken as their middle), sex
        and race as the table names them.
    times, unit
        At which survival is reported; ``days`` or ``months`` (of 365.25 / 12 days).

    Returns
    -------
    RelativeSurvival
        Net, Ederer II and observed survival by group, and the test that groups share one net
        survival. Rows without a value, or unknown to the table, are left out and counted.

    Raises
    ------
    AnalysisError
        As `kaplan_meier`; ages that are no numbers; races told apart in one place only.

    Notes
    -----
    Pohar Perme et al. (2012), integrated day by day (trapezium), limits on the log scale; the
    curve may rise, and pass 1. Test: Graffeo et al. (2016). Checked against relsurv's ``rs.surv``
    with a time a day and ``rs.diff``, and by hand: tests/analyses/test_relative_survival.py.
    """
    require_options(unit, conf_level)
    require_race(life_table, race)
    columns = (age, sex, year, *((race,) if race else ()))
    known, missing, findings = among_known(as_pandas(data), life_table, columns)
    rows = grouped_survival(known, time=time, event=event, by=by, others=columns)
    at = sorted({float(t) for t in times})
    found = _found(rows, life_table, columns, at, unit, conf_level)
    return replace(
        found,
        by=by_column(by),
        n_input=rows.n_input + sum(n for _, n in missing),
        n_missing=(*rows.n_missing, *missing),
        findings=(*findings, *found.findings, *_small(event, found.groups), *_late(found)),
    )


def _small(event: str, groups: Sequence[NetCurve]) -> tuple[Finding, ...]:
    """What is said of groups with few deaths."""
    counts = zip(*((g.group, g.n, g.n_event) for g in groups), strict=True)
    levels, n, n_event = (list(part) for part in counts)
    return small_group_findings(event, levels, n, n_event)


def _late(found: RelativeSurvival) -> tuple[Finding, ...]:
    """Times at which so few remain that one old patient's weight may carry the estimate."""
    noted = []
    for curve in found.groups:
        for time in found.times:
            place = curve.at(time)
            if place is not None and curve.n_risk[place] < FEW_AT_RISK:
                n = int(curve.n_risk[place])
                advice = (
                    f"{n} at risk at {time:g} {found.unit} in {curve.group}: the weights of a few "
                    "old patients carry net survival there; read Ederer II beside it."
                )
                value = f"{curve.group}, {time:g}"
                noted.append(Finding("warning", SOURCE, "", value, "few_at_risk", n, advice))
    return tuple(noted)


def require_options(unit: str, conf_level: float) -> None:
    """ValueError for a unit that is none, or a level that is no share."""
    if unit not in UNITS:
        raise ValueError(f"unit is 'days' or 'months', not {unit!r}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {conf_level}")


def _found(
    rows: GroupedSurvival,
    table: LifeTable,
    columns: tuple[str, ...],
    times: list[float],
    unit: str,
    conf_level: float,
) -> RelativeSurvival:
    """The curves and the test of complete rows."""
    days = in_days(rows.time, unit)
    expected = expected_of(table, rows.frame, columns, days)
    asked = in_days(np.array(times, dtype=float), unit)
    k = len(rows.levels)
    grid = _grid([days], float(days.max()))
    together = [_sums(rows, rows.codes == g, days, expected, grid) for g in range(k)]
    groups = tuple(
        _curve(rows, g, days, expected, (asked, UNITS[unit]), (grid, together[g]), conf_level)
        for g in range(k)
    )
    return RelativeSurvival(
        groups=groups,
        test=_test(together) if k > 1 else None,
        times=tuple(times),
        by=None,
        columns=columns,
        unit=unit,
        life_table=table,
        placed=expected.placed,
        conf_level=conf_level,
        n=len(rows.time),
        n_event=int(rows.event.sum()),
        n_beyond=expected.n_beyond,
        n_input=len(rows.time),
        n_missing=(),
        findings=expected.findings,
    )


def among_known(
    frame: pd.DataFrame, table: LifeTable, columns: Sequence[str]
) -> tuple[pd.DataFrame, tuple[tuple[str, int], ...], tuple[Finding, ...]]:
    """The rows that the table has rates for, or that lack a value; how many others there are."""
    require_columns(frame, columns)
    _, sex, _, *rest = columns
    race = rest[0] if rest else None
    names = [name for name in (sex, race) if name is not None]
    whole = frame[names].notna().all(axis=1)
    known = known_to(table, frame, sex, race) | ~whole
    n = int((~known).sum())
    if not n:
        return frame, (), ()
    if n == int(whole.sum()):
        found = f"none of the patients' values of {' and '.join(names)} is in the life table"
        allowed = f"It has {', '.join(' '.join(s) for s in table.strata)}"
        advice = "Name its rows as the patients' columns do."
        raise AnalysisError(Problem("life table", found, allowed, advice))
    values = frame.loc[~known, names].astype(str).drop_duplicates().itertuples(index=False)
    said = ", ".join(" ".join(v) for v in list(values)[:5])
    advice = f"The life table has no rates for them ({said}): they are left out."
    finding = Finding("warning", SOURCE, names[-1], said, "not_in_life_table", n, advice)
    return frame[known], ((f"{' and '.join(names)} in the life table", n),), (finding,)


def _curve(
    rows: GroupedSurvival,
    g: int,
    days: Array,
    expected: Expected,
    at: tuple[Array, float],
    known: tuple[Array, DailySums],
    conf_level: float,
) -> NetCurve:
    """One group's curves, at every time that somebody leaves and those asked for.

    `at` are the times asked for, in days, and the days in a unit of follow-up; `known` the grid of
    all groups with the sums on it, taken where the group's own grid is the beginning of that.
    """
    asked, factor = at
    own = rows.codes == g
    exits = days[own]
    last = float(exits.max())
    within = asked[asked <= last]
    grid = _grid([exits, within], last)
    if np.array_equal(grid, known[0][: len(grid)]):
        sums = known[1].up_to(len(grid))
    else:
        sums = _sums(rows, own, days, expected, grid)
    shown = np.isin(grid, np.concatenate([exits, within]))
    with np.errstate(invalid="ignore", divide="ignore"):
        net = np.cumprod(1 - sums.died_weighted / sums.weighted + sums.expected)
        error = np.sqrt(np.cumsum(sums.died_squared / sums.weighted**2))
        # Ederer II by intervals between the times shown, within which the same are at risk.
        between = np.diff(np.cumsum(sums.hazard / sums.n)[shown], prepend=0.0)
        older = np.cumprod(1 - (sums.died / sums.n)[shown] + between)
        older_error = np.sqrt(np.cumsum(sums.died / sums.n**2))
        observed = np.cumprod(1 - sums.died / sums.n)
        reach = float(ndtri((1 + conf_level) / 2)) * error
        limited = (net > 0) & (error > 0)
        low = np.where(limited, net * np.exp(-reach), np.nan)
        high = np.where(limited, net * np.exp(reach), np.nan)
    first = [part[shown] for part in (sums.n, net, error, low, high)]
    parts = [*first, older, older_error[shown], observed[shown]]
    return NetCurve(
        rows.levels[g],
        int(own.sum()),
        int(rows.event[own].sum()),
        float(sums.hazard.sum()),
        frozen(grid[shown] / factor),
        *(frozen(part) for part in parts),
    )


def _grid(times: Sequence[Array], last: float) -> Array:
    """The ends of the steps: every whole day, and every time given; from 0 on."""
    every = np.unique(np.concatenate([*times, np.arange(1.0, np.floor(last) + 1)]))
    return np.asarray(every[every <= last])


def _sums(
    rows: GroupedSurvival, own: Any, days: Array, expected: Expected, grid: Array
) -> DailySums:
    place = np.searchsorted(grid, days[own]).astype(np.intp)
    return daily_sums(
        expected.table,
        grid,
        place,
        np.ascontiguousarray(rows.event[own]),
        expected.stratum[own],
        expected.age[own],
        expected.year[own],
    )


def _test(sums: Sequence[DailySums]) -> NetTest:
    """Excess deaths of each group against those that the pooled excess hazard expects."""
    k = len(sums)
    at_risk = np.array([s.weighted for s in sums])
    excess = np.array([s.died_weighted - s.expected_end for s in sums])
    squared = np.array([s.died_squared for s in sums])
    share = at_risk / at_risk.sum(axis=0)
    z = (excess - share * excess.sum(axis=0)).sum(axis=1)
    covariance = np.zeros((k, k))
    for g in range(k):
        part = (np.arange(k) == g)[:, None] - share
        covariance += (part * squared[g]) @ part.T
    kept = covariance[:-1, :-1]
    df = k - 1
    if np.linalg.matrix_rank(kept) < df:
        return NetTest(None, df, None, NO_VARIANCE)
    statistic = float(z[:-1] @ np.linalg.solve(kept, z[:-1]))
    return NetTest(statistic, df, float(chdtrc(df, statistic)))
