"""The share of one category by facility: a funnel, and the variance between facilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.share_trend import whole_years
from analyses.estimators.subgroup_factors import levels_of
from analyses.estimators.survival_data import By, as_pandas, by_column, require_columns
from analyses.kernels.proportions import binomial_limits
from analyses.kernels.random_intercept import median_odds_ratio, random_intercept
from analyses.results.facility_shares import Between, FacilityShare, FacilityShares, Place
from analyses.results.failure import Failure
from analyses.results.frozen import Array, frozen
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

Flags = npt.NDArray[np.bool_]
LEAST_PATIENTS = 10
POINTS = 200
ONE_FACILITY = "one facility only: nothing lies between facilities"


def facility_shares(
    data: Any,
    *,
    of: By,
    category: str,
    facility: str,
    year: str | None = None,
    identify: bool = False,
    least_patients: int = LEAST_PATIENTS,
    conf_level: float = 0.95,
) -> FacilityShares:
    """How far the share of a category (HER2-low) differs between facilities, beyond chance.

    Parameters
    ----------
    data
        One row a patient.
    of, category
        The column of the categories and the one that is counted, among all patients with a value.
    facility
        Column of the facility's id; ids are replaced by places unless `identify`.
    year
        Whole numbers; each year has the same numbers beside.
    least_patients
        Facilities with fewer are small, and drawn grey: their limits are wide.

    Returns
    -------
    FacilityShares
        Rows without a value are left out and counted. A spread that does not exist has its reason
        and, of all years together, a Failure.

    Raises
    ------
    AnalysisError
        An unknown category, columns absent, no complete row.

    Notes
    -----
    Exact binomial control limits (Spiegelhalter, 2005); variance between facilities by a logistic
    model with a normal random intercept. Checked against ``integrate`` and ``optim``, ``glmer``
    and ``rma.glmm`` in R, and by hand: tests/analyses/test_facility_shares.py.
    """
    frame, name = as_pandas(data), str(by_column(of))
    wanted = [name, facility, *([] if year is None else [year])]
    require_columns(frame, wanted)
    missing = frame[wanted].isna()
    own = frame.loc[~missing.any(axis=1), wanted].reset_index(drop=True)
    if own.empty:
        found = f"no row has a value in all of {listed(wanted)}"
        raise AnalysisError(Problem("", found, advice="Check the selection."))
    groups = levels_of(own, of)
    if category not in groups.levels:
        found = f"no complete row is of '{category}'"
        advice, allowed = suggest(category, groups.levels), f"Levels: {listed(groups.levels)}"
        raise AnalysisError(Problem(f"shares of '{name}'", found, allowed, advice))
    counted = groups.codes == groups.levels.index(category)
    noted = tuple((c, int(missing[c].sum())) for c in wanted if missing[c].any())
    names = (name, category, facility, year)
    return _of_rows(own, counted, names, identify, least_patients, conf_level, (len(frame), noted))


def _of_rows(
    own: pd.DataFrame,
    counted: Flags,
    names: tuple[str, str, str, str | None],
    identify: bool,
    least_patients: int,
    conf_level: float,
    given: tuple[int, tuple[tuple[str, int], ...]],
) -> FacilityShares:
    """The funnel and the spread of complete rows, `counted` those of the category."""
    counts = _counts(own[names[2]], counted)
    n, k = counts["n"].to_numpy(dtype=float), counts["k"].to_numpy(dtype=float)
    share = float(k.sum() / n.sum())
    grid = np.unique(np.round(np.geomspace(1, max(float(n.max()), 2), POINTS)))
    inner, outer = (binomial_limits(share, n, c) for c in (0.95, 0.998))
    curves = [*binomial_limits(share, grid, 0.95), *binomial_limits(share, grid, 0.998)]
    facilities = tuple(
        FacilityShare(
            str(counts.index[i]) if identify else f"{i + 1}",
            int(n[i]),
            int(k[i]),
            float(k[i] / n[i]),
            _place(float(k[i] / n[i]), (inner[0][i], inner[1][i]), (outer[0][i], outer[1][i])),
            bool(n[i] < least_patients),
        )
        for i in range(len(n))
    )
    whole = _between(None, n, k, conf_level)
    return FacilityShares(
        facilities=facilities,
        between=whole,
        by_year=() if names[3] is None else _by_year(own, counted, names[2], names[3]),
        curve_n=frozen(grid),
        low_95=frozen(curves[0]),
        high_95=frozen(curves[1]),
        low_99_8=frozen(curves[2]),
        high_99_8=frozen(curves[3]),
        of=names[0],
        category=names[1],
        facility=names[2],
        year=names[3],
        identified=identify,
        least_patients=least_patients,
        conf_level=conf_level,
        n=len(own),
        n_input=given[0],
        n_missing=given[1],
        findings=_wide(names, whole, facilities),
        failures=() if whole.reason is None else (_failure(whole),),
    )


def _counts(facility: pd.Series[Any], counted: Flags) -> pd.DataFrame:
    """Patients and those counted by facility, the most first; ties by id."""
    flags = pd.Series(counted.astype(float), index=facility.index)
    grouped = flags.groupby(facility.astype(str), observed=True, sort=True)
    table = pd.DataFrame({"n": grouped.size(), "k": grouped.sum()})
    return table.sort_values("n", ascending=False, kind="stable")


def _place(share: float, inner: tuple[float, float], outer: tuple[float, float]) -> Place:
    """Where a share lies in the funnel."""
    if not outer[0] <= share <= outer[1]:
        return "beyond_99_8"
    return "within" if inner[0] <= share <= inner[1] else "beyond_95"


def _between(year: int | None, n: Array, k: Array, conf_level: float | None) -> Between:
    """The spread of facilities of these patients."""
    sizes = (year, len(n), int(n.sum()), int(k.sum()), float(k.sum() / n.sum()))
    if len(n) < 2:
        return Between(*sizes, reason=ONE_FACILITY)
    found = random_intercept(k, n, conf_level)
    if isinstance(found, str):
        return Between(*sizes, reason=found)
    return Between(
        *sizes,
        mean=found.mean,
        std_error=found.std_error,
        deviation=found.deviation,
        conf_low=found.low if conf_level is not None else None,
        conf_high=found.high,
        median_odds_ratio=median_odds_ratio(found.deviation),
        statistic=found.statistic,
        p_value=found.p_value,
    )


def _by_year(own: pd.DataFrame, counted: Flags, facility: str, year: str) -> tuple[Between, ...]:
    """The same of each year by itself."""
    values = whole_years(own[year], year)
    result = []
    for at in np.unique(values):
        mask = values == at
        counts = _counts(own.loc[mask, facility], counted[mask])
        n, k = counts["n"].to_numpy(dtype=float), counts["k"].to_numpy(dtype=float)
        result.append(_between(int(at), n, k, None))
    return tuple(result)


def _wide(
    names: tuple[str, str, str, str | None], whole: Between, facilities: tuple[FacilityShare, ...]
) -> tuple[Finding, ...]:
    """A warning where facilities differ beyond chance."""
    if whole.p_value is None or whole.p_value >= 0.05:
        return ()
    beyond = sum(one.place == "beyond_99_8" for one in facilities)
    advice = (
        f"The share of {names[1]} differs between facilities beyond chance (standard deviation of "
        f"the log odds {whole.deviation:.2f}; {beyond} of {len(facilities)} facilities beyond 99.8 "
        "% limits): it is in part a laboratory's habit. Use the facility as cluster or stratum."
    )
    n = len(facilities)
    return (
        Finding("warning", "facility_shares", names[2], names[1], "facilities_differ", n, advice,
                "facility"),
    )  # fmt: skip


def _failure(whole: Between) -> Failure:
    """What stands for a variance that does not exist."""
    return Failure(
        analysis="facility_shares",
        kind="facility_shares",
        group="",
        term="between-facility variance",
        reason=str(whole.reason),
        n=whole.n,
        n_event=whole.n_category,
        advice="Select more facilities, or another category.",
    )
