"""Survival curves and restricted means of each imputation, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from scipy.special import stdtrit

from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.rmst import rmst
from analyses.estimators.survival_data import By, as_pandas, by_column
from analyses.imputation.rubin import FEWEST_DF, INFINITE, barnard_rubin, pool
from analyses.results.curve import Curve
from analyses.results.frozen import Array, frozen
from analyses.results.imputations import Imputations
from analyses.results.pooled_numbers import (
    PooledCurve,
    PooledNumber,
    PooledNumbers,
    on_own_scale,
    too_large,
)
from analyses.results.survival import KaplanMeier
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

_AT_ENDS = "the curve is at 0 or 1, or has ended, in {} of {} imputations"
_NO_ERROR = "no standard error in {} of {} imputations"


class _Number(Protocol):
    """A number of one group with its error."""

    @property
    def group(self) -> str: ...
    @property
    def n(self) -> int: ...
    @property
    def n_event(self) -> int: ...
    @property
    def estimate(self) -> float | None: ...
    @property
    def std_error(self) -> float | None: ...


def imputed_kaplan_meier(
    data: Any,
    imputations: Imputations,
    *,
    time: str,
    event: str,
    by: By,
    entry: str | None = None,
    times: Sequence[float] = (),
    reference: str | None = None,
    conf_level: float = 0.95,
) -> PooledNumbers:
    """Survival by group where some patients' group was drawn, by Rubin's rules.

    Parameters
    ----------
    data, imputations
        The data that were imputed, unchanged, and what `impute` gave; the others as in
        `kaplan_meier`.
    times
        At which survival, and its differences from `reference` (the first group), are given.

    Returns
    -------
    PooledNumbers
        Survival is pooled on the complementary log-log scale (Marshall et al., 2009), where it
        is nearly normal; differences on their own. Degrees of freedom by Barnard and Rubin from
        the group's events less 1 (of two groups: less 2). Not defined where the curve of some
        imputation is at 0 or 1.

    Notes
    -----
    Marshall, Altman, Holder and Royston (2009), BMC Med. Res. Methodol. 9, 57. Checked against
    `mice::pool.scalar` of `survfit`, and by hand, in tests/analyses/test_imputed_survival.py.
    """
    _require_imputed(imputations, by)
    frame = as_pandas(data)
    options: dict[str, Any] = {"time": time, "event": event, "by": by, "entry": entry}

    def curves_of(number: int) -> KaplanMeier:
        return kaplan_meier(imputations.completed(frame, number), conf_level=conf_level, **options)

    made = _alike([curves_of(i) for i in range(imputations.m)])
    grid = np.unique(np.concatenate([c.time for km in made for c in km.curves]))
    curves = tuple(
        _curve([km.curves[g] for km in made], grid, conf_level) for g in range(len(made[0].curves))
    )
    numbers = [
        _survival([km.curves[g] for km in made], t, conf_level)
        for g in range(len(made[0].curves))
        for t in times
    ]
    if times and len(made[0].curves) > 1:
        contrasts = [km.contrasts(times, reference) for km in made]
        events = _events(made)
        numbers += [
            _contrast([c[i] for c in contrasts], "identity", events, conf_level)
            for i in range(len(contrasts[0]))
        ]
    return _result("kaplan_meier_imputed", numbers, made, (by, imputations, conf_level), curves)


def imputed_rmst(
    data: Any,
    imputations: Imputations,
    *,
    time: str,
    event: str,
    by: By,
    entry: str | None = None,
    tau: float | None = None,
    reference: str | None = None,
    conf_level: float = 0.95,
) -> PooledNumbers:
    """Restricted mean survival by group over imputations, with differences and ratios.

    Parameters are those of `imputed_kaplan_meier` and `rmst`. `tau` defaults to the smallest that
    any imputation allows. Means and differences are pooled on their own scale, ratios on the
    logarithmic one. Checked in tests/analyses/test_imputed_survival.py.
    """
    _require_imputed(imputations, by)
    frame = as_pandas(data)
    options: dict[str, Any] = {"time": time, "event": event, "by": by, "entry": entry}
    options |= {"reference": reference, "conf_level": conf_level}

    def all_up_to(end: float | None) -> list[Any]:
        return _alike(
            [
                rmst(imputations.completed(frame, number), tau=end, **options)
                for number in range(imputations.m)
            ]
        )

    end = tau if tau is not None else min(found.tau for found in all_up_to(None))
    made = all_up_to(end)
    events = _events(made)
    numbers = [
        _pooled(
            [one.groups[g] for one in made],
            ("rmst", None, end),
            "identity",
            events[made[0].groups[g].group] - 1,
            conf_level,
        )
        for g in range(len(made[0].groups))
    ]
    for name, scale in (("differences", "identity"), ("log_ratios", "log")):
        every = [getattr(one, name) for one in made]
        numbers += [
            _contrast([one[i] for one in every], scale, events, conf_level)
            for i in range(len(every[0]))
        ]
    return _result("rmst_imputed", numbers, made, (by, imputations, conf_level), (), end)


def _require_imputed(imputations: Imputations, by: By) -> None:
    name = by_column(by)
    if name not in [column.name for column in imputations.columns]:
        advice = "No patient's group is missing: the curves of the data hold everybody."
        raise AnalysisError(Problem(f"by '{name}'", "was not imputed", advice=advice))


def _alike(made: list[Any]) -> list[Any]:
    """The results, whose groups must be the same in every imputation."""
    names = [tuple(part.group for part in _groups(one)) for one in made]
    if len(set(names)) > 1:
        found = "a group has patients in some imputations only"
        advice = "Merge the level with another."
        raise AnalysisError(Problem("imputed groups", found, advice=advice))
    return made


def _events(made: Sequence[Any]) -> dict[str, int]:
    """Events of each group at any time, means over the imputations."""
    found = {}
    for g, like in enumerate(_groups(made[0])):
        parts = [_groups(one)[g] for one in made]
        found[like.group] = _mean([getattr(p, "n_event_total", p.n_event) for p in parts])
    return found


def _groups(one: Any) -> Sequence[Any]:
    return one.curves if isinstance(one, KaplanMeier) else one.groups


def _survival(curves: Sequence[Curve], at: float, conf_level: float) -> PooledNumber:
    """Survival of one group at one time."""
    t = np.array([at])
    values = np.array([c.step("survival", t, 1.0)[0] for c in curves])
    errors = np.array([c.step("std_error", t, 0.0)[0] for c in curves])
    q, u = _cloglog(values, errors)
    events = [int(c.up_to("events", t)[0]) for c in curves]
    n, n_event = _mean([c.n for c in curves]), _mean(events)
    bad = int((~np.isfinite(q) | ~np.isfinite(u)).sum())
    if bad:
        return PooledNumber(
            "survival", curves[0].group, None, at, n, n_event, "cloglog", None, None, None, None,
            _AT_ENDS.format(bad, len(q)),
        )  # fmt: skip
    df = max(_mean([c.n_event for c in curves]) - 1, 1)
    made = pool(q, u, df_complete=df, conf_level=conf_level)
    return PooledNumber(
        "survival", curves[0].group, None, at, n, n_event, "cloglog",
        *on_own_scale(made, "cloglog"), made, made.reason,
    )  # fmt: skip


def _cloglog(survival: Array, error: Array) -> tuple[Array, Array]:
    """log(-log S) and its standard error; NaN at 0 and 1."""
    inside = (survival > 0) & (survival < 1)
    safe = np.where(inside, survival, 0.5)
    q = np.where(inside, np.log(-np.log(safe)), np.nan)
    u = np.where(inside, error / (safe * -np.log(safe)), np.nan)
    return q, u


def _curve(curves: Sequence[Curve], grid: Array, conf_level: float) -> PooledCurve:
    """The whole curve: estimate and limits at every time at which anybody leaves."""
    last = min(c.last_time if c.survival[-1] > 0 else math.inf for c in curves)
    times = grid[grid <= last]
    values = np.array([c.step("survival", times, 1.0) for c in curves])
    errors = np.array([c.step("std_error", times, 0.0) for c in curves])
    q, u = _cloglog(values, errors)
    m = len(curves)
    within, between = (u**2).mean(axis=0), q.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    n_event = _mean([c.n_event for c in curves])
    df = np.full(len(times), np.nan)
    for i in np.flatnonzero(np.isfinite(total)):
        found = barnard_rubin(m, float(between[i]), float(total[i]), max(n_event - 1, 1))
        df[i] = min(found, INFINITE) if found >= FEWEST_DF else np.nan  # no limits: see `pool`
    reach = stdtrit(df, (1 + conf_level) / 2) * np.sqrt(total)
    middle = q.mean(axis=0)
    with np.errstate(over="ignore", under="ignore"):  # far out, survival is 0 or 1
        pooled, low, high = (np.exp(-np.exp(x)) for x in (middle, middle + reach, middle - reach))
    survival = np.where(np.isfinite(middle), pooled, values.mean(axis=0))
    return PooledCurve(
        curves[0].group,
        _mean([c.n for c in curves]),
        n_event,
        frozen(times),
        frozen(survival),
        frozen(low),
        frozen(high),
    )


def _contrast(
    every: Sequence[Any], scale: str, events: dict[str, int], conf_level: float
) -> PooledNumber:
    """A difference or a log ratio of two groups."""
    first = every[0]
    quantity = "rmst_ratio" if scale == "log" else first.quantity
    df = events[first.group] + events[first.reference] - 2
    return _pooled(every, (quantity, first.reference, first.time), scale, df, conf_level)


def _pooled(
    every: Sequence[_Number],
    what: tuple[str, str | None, float],
    scale: str,
    df: int,
    conf_level: float,
) -> PooledNumber:
    """A number pooled on its own scale, or the logarithm of one."""
    quantity, reference, time = what
    n, n_event = _mean([c.n for c in every]), _mean([c.n_event for c in every])
    lacking = [c for c in every if c.estimate is None or c.std_error is None]
    if lacking:
        return PooledNumber(
            quantity, every[0].group, reference, time, n, n_event, scale, None, None, None, None,
            _NO_ERROR.format(len(lacking), len(every)),
        )  # fmt: skip
    values = np.array([c.estimate for c in every], dtype=float)
    errors = np.array([c.std_error for c in every], dtype=float)
    made = pool(values, errors, df_complete=max(df, 1), conf_level=conf_level)
    reason = made.reason or too_large(made, scale)
    return PooledNumber(
        quantity, every[0].group, reference, time, n, n_event, scale,
        *on_own_scale(made, scale), made, reason,
    )  # fmt: skip


def _mean(counts: Sequence[int]) -> int:
    return round(sum(counts) / len(counts))


def _result(
    kind: str,
    numbers: Sequence[PooledNumber],
    made: Sequence[Any],
    how: tuple[By, Imputations, float],
    curves: tuple[PooledCurve, ...],
    tau: float | None = None,
) -> PooledNumbers:
    by, imputations, conf_level = how
    noted: dict[tuple[str, ...], Finding] = {}
    for finding in (f for one in made for f in one.findings):
        noted.setdefault((finding.rule, finding.column, finding.value), finding)
    return PooledNumbers(
        kind=kind,
        numbers=tuple(numbers),
        by=str(by_column(by)),
        conf_level=conf_level,
        m=imputations.m,
        n=made[0].n,
        n_event=made[0].n_event,
        imputations=imputations,
        curves=curves,
        tau=tau,
        findings=(*noted.values(), *imputations.findings),
    )
