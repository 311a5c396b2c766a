"""Several studies' estimates as one, with fixed and with random effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtr, stdtrit

from analyses.estimators.survival_data import as_pandas, require_columns
from analyses.kernels.meta_analysis import Array, Mean, mean, spread
from analyses.kernels.wald import wald
from analyses.results.contrast import NO_ERROR
from analyses.results.meta_analysis import (
    ONE_STUDY,
    Heterogeneity,
    LeftOut,
    MetaAnalysis,
    Pooled,
    PooledStudy,
)
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

SOURCE = "meta_analysis"
FEW = 5  # below this many studies neither tau^2 nor a prediction can be told with any surety
_BELOW_ZERO = "both Q-profile limits of tau^2 lie below 0: the studies agree more than by chance"


def meta_analysis(
    data: Any,
    *,
    estimate: str,
    std_error: str,
    study: str,
    measure: str | None = None,
    conf_level: float = 0.95,
) -> MetaAnalysis:
    """What studies say together: pooled with fixed and with random effects, and how they differ.

    Parameters
    ----------
    data
        One row a study; a pandas frame, or anything Narwhals reads.
    estimate, std_error
        Columns of the estimate and its standard error, for ratios both of the logarithm.
    study
        Column of the studies' names, each once.
    measure
        What the exponential of an estimate is, such as ``hazard_ratio``; None where estimates are
        no logarithms.
    conf_level
        Of every limit, the prediction interval's included.

    Returns
    -------
    MetaAnalysis
        Rows without a value are left out and counted in `n_missing`. One study alone has no random
        effects: None with the reason.

    Raises
    ------
    AnalysisError
        No complete row, an error that is not above 0, a study named twice.

    Notes
    -----
    Fixed effects by inverse variance. Random effects: tau^2 by Paule and Mandel (1982), limits by
    Hartung and Knapp (2001) and Sidik and Jonkman (2002) without truncation, prediction interval
    with t of k - 1 df (Higgins et al. 2009), limits of tau^2 by the Q-profile (Viechtbauer 2007).
    Checked against metafor's ``rma(method = "PM", test = "knha")``, ``rma(method = "EE")``,
    ``confint`` and ``leave1out``, and by hand: tests/analyses/test_meta_analysis.py.
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {conf_level}")
    frame = as_pandas(data)
    complete, missing = _complete(frame, study, estimate, std_error)
    return pooled_studies(
        [str(name) for name in complete[study]],
        complete[estimate].to_numpy(dtype=float),
        complete[std_error].to_numpy(dtype=float),
        measure=measure,
        conf_level=conf_level,
        n_input=len(frame),
        n_missing=missing,
    )


def pooled_studies(
    names: Sequence[str],
    estimates: Array,
    errors: Array,
    *,
    measure: str | None,
    conf_level: float,
    n_input: int,
    n_missing: tuple[tuple[str, int], ...] = (),
) -> MetaAnalysis:
    """The meta-analysis of checked numbers."""
    variances = errors**2
    common = mean(estimates, variances, 0.0)
    varied, random = _random(estimates, variances, conf_level)
    shares = common.weights / common.weights.sum()
    random_shares = None
    if varied.tau2 is not None:
        weights = mean(estimates, variances, varied.tau2).weights
        random_shares = weights / weights.sum()
    limits = [wald(float(y), float(e), conf_level) for y, e in zip(estimates, errors, strict=True)]
    studies = tuple(
        PooledStudy(
            study=name,
            estimate=float(estimates[i]),
            std_error=float(errors[i]),
            conf_low=limits[i].low,
            conf_high=limits[i].high,
            share_fixed=float(shares[i]),
            share_random=None if random_shares is None else float(random_shares[i]),
        )
        for i, name in enumerate(names)
    )
    fixed = _fixed(common, conf_level)
    return MetaAnalysis(
        studies=studies,
        fixed=fixed,
        random=random,
        heterogeneity=varied,
        without=_without(names, estimates, variances, conf_level),
        measure=measure,
        conf_level=conf_level,
        n_input=n_input,
        n_missing=n_missing,
        findings=_findings(fixed, random, len(names)),
    )


def _complete(
    frame: pd.DataFrame, study: str, estimate: str, std_error: str
) -> tuple[pd.DataFrame, tuple[tuple[str, int], ...]]:
    """Studies with a name, an estimate and an error, and how many rows each column leaves out."""
    columns = [study, estimate, std_error]
    require_columns(frame, columns)
    missing = [(name, int(frame[name].isna().sum())) for name in columns]
    complete = frame[frame[columns].notna().all(axis=1)]
    problems = _problems(complete, study, estimate, std_error)
    if problems:
        raise AnalysisError(problems)
    return complete, tuple((name, n) for name, n in missing if n)


def _problems(frame: Any, study: str, estimate: str, std_error: str) -> list[Problem]:
    if frame.empty:
        return [Problem("meta_analysis", "no row has an estimate, its error and a name")]
    found = []
    for name in (estimate, std_error):
        values = _as_numbers(frame[name])
        if values is None or not np.isfinite(values).all():
            advice = "Give finite numbers, for ratios their logarithms."
            found.append(Problem(f"column '{name}'", "not finite numbers", advice=advice))
        elif name == std_error and (values <= 0).any():
            which = listed(str(s) for s in frame[study][values <= 0])
            advice = "A study whose error is not known cannot be weighted: leave it out."
            found.append(Problem(f"column '{name}'", f"not above 0: {which}", advice=advice))
    twice = frame[study].astype(str)[frame[study].astype(str).duplicated()].unique()
    if len(twice):
        advice = "One row a study enters a pool: rows of the same patients are counted twice."
        found.append(Problem(f"column '{study}'", f"more than once: {listed(twice)}", "", advice))
    return found


def _as_numbers(values: Any) -> npt.NDArray[np.float64] | None:
    try:
        return np.asarray(values.to_numpy(), dtype=float)
    except (TypeError, ValueError):
        return None


def _fixed(common: Mean, conf_level: float) -> Pooled:
    error = float(np.sqrt(common.variance))
    test = wald(common.estimate, error, conf_level)
    return Pooled(
        estimate=common.estimate,
        std_error=error,
        statistic=test.statistic,
        p_value=test.p_value,
        conf_low=test.low,
        conf_high=test.high,
    )


def _random(estimates: Array, variances: Array, conf_level: float) -> tuple[Heterogeneity, Pooled]:
    """Random effects of the studies, and how they differ."""
    df = len(estimates) - 1
    if df == 0:
        return Heterogeneity(reason=ONE_STUDY), Pooled(reason=ONE_STUDY)
    found = spread(estimates, variances, conf_level)

    def between(tau2: float | None) -> float | None:
        return None if tau2 is None else tau2 / (tau2 + found.typical)

    varied = Heterogeneity(
        q=found.q,
        df=df,
        p_value=found.p_value,
        tau2=found.tau2,
        tau2_low=found.low,
        tau2_high=found.high,
        i2=between(found.tau2),
        i2_low=between(found.low),
        i2_high=between(found.high),
        reason=_BELOW_ZERO if found.high is None else None,
    )
    pool = mean(estimates, variances, found.tau2)
    error = float(np.sqrt(pool.spread * pool.variance))
    if error <= NO_ERROR * np.sqrt(pool.variance):
        said = "all estimates are the same: Hartung and Knapp's error is 0"
        return varied, Pooled(estimate=pool.estimate, df=df, reason=said)
    reach = float(stdtrit(df, (1 + conf_level) / 2))
    wide = reach * float(np.sqrt(error**2 + found.tau2))
    return varied, Pooled(
        estimate=pool.estimate,
        std_error=error,
        statistic=pool.estimate / error,
        df=df,
        p_value=2 * float(stdtr(df, -abs(pool.estimate / error))),
        conf_low=pool.estimate - reach * error,
        conf_high=pool.estimate + reach * error,
        prediction_low=pool.estimate - wide,
        prediction_high=pool.estimate + wide,
    )


def _without(
    names: Sequence[str], estimates: Array, variances: Array, conf_level: float
) -> tuple[LeftOut, ...]:
    """The random-effects pool with each study left out; nothing where one or two are pooled."""
    if len(names) < 3:
        return ()
    every = np.arange(len(names))
    left = [_random(estimates[every != i], variances[every != i], conf_level) for i in every]
    return tuple(
        LeftOut(name, pooled, varied) for name, (varied, pooled) in zip(names, left, strict=True)
    )


def _findings(fixed: Pooled, random: Pooled, k: int) -> tuple[Finding, ...]:
    """Few studies, and random-effects limits narrower than the studies' own errors allow."""
    found = []
    if 1 < k < FEW:
        advice = (
            f"With fewer than {FEW} studies the variance between them is hardly known; read the "
            "prediction interval and the fixed-effects pool beside the random-effects limits."
        )
        found.append(Finding("warning", SOURCE, "", str(k), "few_studies", k, advice, "study"))
    errors = (random.std_error, fixed.std_error)
    if random.df and None not in errors and random.std_error < fixed.std_error:  # type: ignore[operator]
        advice = (
            "The studies agree more than by chance, so that Hartung and Knapp's error is smaller "
            "than that of fixed effects; it is not truncated. Read the wider of the two."
        )
        found.append(
            Finding("warning", SOURCE, "", "", "narrow_random_effects", k, advice, "study")
        )
    return tuple(found)
