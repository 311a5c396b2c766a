"""Shares of the categories by year, and whether they rise or fall."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from analyses.estimators.category_fit import fit_category
from analyses.estimators.subgroup_factors import levels_of
from analyses.estimators.survival_data import By, as_pandas, by_column, require_columns
from analyses.kernels.proportions import cochran_armitage, wilson
from analyses.results.frozen import Array
from analyses.results.share_trend import CategoryTrend, ShareTrend, YearShare
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

FEW = 10  # patients of a year below which its share says little
ALL_OR_NONE = "every patient, or nobody, is of the category"


def share_trend(data: Any, *, of: By, year: str, conf_level: float = 0.95) -> ShareTrend:
    """The share of each category (HER2-low) by year of diagnosis, with a test of its trend.

    Parameters
    ----------
    data
        One row a patient.
    of
        The category: an ordered categorical, or ``{"name", "levels"}``.
    year
        Whole numbers.

    Returns
    -------
    ShareTrend
        Rows without a value are left out and counted.

    Raises
    ------
    AnalysisError
        Years that are no whole numbers, one year only, and as `category_model`.

    Notes
    -----
    Wilson's limits; Cochran-Armitage over the years; odds ratio for a year more by a logistic
    model of the category against all others. Checked against ``prop.test``, ``prop.trend.test``
    and ``glm`` in R, and by hand: tests/analyses/test_share_trend.py.
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {conf_level}")
    frame, name = as_pandas(data), str(by_column(of))
    require_columns(frame, [name, year])
    missing = frame[[name, year]].isna()
    own = frame.loc[~missing.any(axis=1), [name, year]].reset_index(drop=True)
    if own.empty:
        found = f"no row has a value in both '{name}' and '{year}'"
        raise AnalysisError(Problem("", found, advice="Check the selection."))
    years, place = np.unique(whole_years(own[year], year), return_inverse=True)
    if len(years) < 2:
        found = f"one year only: {int(years[0])}"
        raise AnalysisError(Problem(f"trend over '{year}'", found, advice="Select more years."))
    noted = tuple((c, int(missing[c].sum())) for c in (name, year) if missing[c].any())
    return _over(own, of, (name, year), years, place, conf_level, len(frame), noted)


def _over(
    own: pd.DataFrame,
    of: By,
    names: tuple[str, str],
    years: Array,
    place: Any,
    conf_level: float,
    n_input: int,
    n_missing: tuple[tuple[str, int], ...],
) -> ShareTrend:
    """The shares of complete rows, `place` being the year of each among `years`."""
    groups = levels_of(own, of)
    counts = np.zeros((len(groups.levels), len(years)))
    np.add.at(counts, (groups.codes, place), 1.0)
    return ShareTrend(
        shares=tuple(
            _share(category, int(at), int(k), int(total), conf_level)
            for category, row in zip(groups.levels, counts, strict=True)
            for at, k, total in zip(years, row, counts.sum(axis=0), strict=True)
        ),
        trends=tuple(
            _trend(category, row, counts.sum(axis=0), years, conf_level)
            for category, row in zip(groups.levels, counts, strict=True)
        ),
        of=names[0],
        year=names[1],
        categories=groups.levels,
        years=tuple(int(at) for at in years),
        conf_level=conf_level,
        n=len(own),
        n_input=n_input,
        n_missing=n_missing,
        findings=_few(names[1], years, counts.sum(axis=0)),
    )


def whole_years(values: pd.Series[Any], name: str) -> Array:
    """The years; AnalysisError where they are not whole numbers."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float)
        if np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all():
            return np.asarray(numbers, dtype=np.float64)
    found = f"not whole numbers (for example '{values.iloc[0]}')"
    raise AnalysisError(Problem(f"column '{name}'", found, advice="Give the year of diagnosis."))


def _share(category: str, year: int, k: int, n: int, conf_level: float) -> YearShare:
    return YearShare(category, year, n, k, *wilson(k, n, conf_level))


def _trend(
    category: str, events: Array, n: Array, years: Array, conf_level: float
) -> CategoryTrend:
    """The test of one category and its slope on the log odds scale."""
    sizes = (category, int(n.sum()), int(events.sum()))
    test = cochran_armitage(events, n, years)
    if test is None:
        return CategoryTrend(*sizes, reason=ALL_OR_NONE)
    x = np.concatenate([np.repeat(years, n.astype(int))])[:, None]
    codes = np.concatenate(
        [np.repeat([1, 0], [int(k), int(m - k)]) for k, m in zip(events, n, strict=True)]
    )
    fitted = fit_category(x, codes, 2, ["year"], "multinomial")
    if 1 in fitted.unreported:
        return CategoryTrend(*sizes, *test, reason=fitted.unreported[1])
    slope, error = float(fitted.beta[1]), float(np.sqrt(fitted.covariance[1, 1]))
    reach = float(ndtri((1 + conf_level) / 2)) * error
    return CategoryTrend(*sizes, *test, slope, error, slope - reach, slope + reach)


def _few(name: str, years: Array, n: Array) -> tuple[Finding, ...]:
    """A note of the years with few patients."""
    few = [f"{int(at)}" for at, total in zip(years, n, strict=True) if total < FEW]
    if not few:
        return ()
    advice = f"Fewer than {FEW} patients in {listed(few)}: the share of such a year says little."
    total = int(n[n < FEW].sum())
    return (Finding("info", "share_trend", name, listed(few), "few_patients", total, advice),)
