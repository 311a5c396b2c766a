"""The chance of each group given what was known beforehand, by multinomial logistic regression.

Rosenbaum and Rubin (1983), Biometrika 70, 41-55; several groups by Imbens (2000), Biometrika 87,
706-710. Newton's method on our own likelihood (kernels/logit.py), to the arithmetic's last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc

from analyses.adjustment.propensity_checks import (
    few_findings,
    not_converged,
    outside_findings,
    require_independent,
    require_mixed,
    require_patients,
)
from analyses.estimators.survival_data import (
    By,
    Grouping,
    as_pandas,
    by_column,
    grouping,
    require_columns,
)
from analyses.estimators.terms import TermSpec, declared, learn
from analyses.kernels import logit
from analyses.kernels.newton import maximise, solved
from analyses.kernels.wald import wald
from analyses.results.frozen import Array, frozen
from analyses.results.propensity import LogOdds, Overlap, Propensity
from analyses.results.terms import Column, Term, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

BINS = 50


def propensity(
    data: Any, *, by: By, terms: Sequence[TermSpec], conf_level: float = 0.95
) -> Propensity:
    """Each patient's chance of every group given the terms, and how far the groups overlap.

    Parameters
    ----------
    data
        A pandas frame, or anything Narwhals reads; one row a patient.
    by
        The groups, two or more: an ordered categorical or ``{"name": ..., "levels": [...]}``.
    terms
        As in `cox`: names, references, scales, splines, interactions. All must have been known
        when the group was; a treatment given because of the group is not one of them.

    Returns
    -------
    Propensity
        Rows without a value in any column are left out and counted in `n_missing`.

    Raises
    ------
    AnalysisError
        Separation, naming term, level and patients; groups without overlap; a group with fewer
        patients than the model has columns; collinear terms.

    Notes
    -----
    Checked against ``nnet::multinom``, an explicit maximisation in R, and statsmodels' MNLogit in
    tests/analyses/test_propensity.py.
    """
    frame = as_pandas(data)
    wanted = declared(terms)
    name = str(by_column(by))
    columns = list(dict.fromkeys([name, *(c for term in wanted for c in term.columns)]))
    kept, whole, n_missing = _complete(frame, columns)
    groups = grouping(kept, by)
    learnt, findings = learn(wanted, kept)
    scores, coefficients, heights = _fitted(kept, groups, learnt, conf_level)
    overlap = overlaps(scores, groups)
    df = len(coefficients)
    return Propensity(
        by=name,
        groups=groups.levels,
        n=tuple(int(n) for n in np.bincount(groups.codes, minlength=len(groups.levels))),
        coefficients=coefficients,
        log_likelihood=heights[0],
        log_likelihood_null=heights[1],
        df=df,
        p_value=float(chdtrc(df, max(2 * (heights[0] - heights[1]), 0.0))),
        conf_level=conf_level,
        overlap=overlap,
        terms=learnt,
        n_input=len(frame),
        n_missing=n_missing,
        findings=(*_renamed(findings), *few_findings(name, groups, df), *outside_findings(overlap)),
        rows=_held(np.flatnonzero(whole)),
        codes=_held(groups.codes),
        scores=frozen(scores),
    )


def _complete(
    frame: pd.DataFrame, columns: list[str]
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_], tuple[tuple[str, int], ...]]:
    """Rows with a value in every column, which they are, and values missing by column."""
    require_columns(frame, columns)
    missing = frame[columns].isna()
    whole = ~missing.any(axis=1).to_numpy()
    if not whole.any():
        found = f"no row has a value in all of {listed(columns)}"
        raise AnalysisError(Problem("propensity", found, advice="Check the terms."))
    counts = tuple((c, int(missing[c].sum())) for c in columns if missing[c].any())
    return frame.loc[whole, columns].reset_index(drop=True), whole, counts


def _fitted(
    frame: pd.DataFrame, groups: Grouping, terms: tuple[Term, ...], conf_level: float
) -> tuple[Array, tuple[LogOdds, ...], tuple[float, float]]:
    """Chances (rows x groups), log odds ratios, and log-likelihoods with and without terms."""
    columns = columns_of(terms, frame)
    require_patients(groups, len(columns))
    require_mixed(terms, frame, columns, groups)
    spread, x = _standardised(columns, len(frame))
    require_independent(terms, x)
    shape = (len(groups.levels) - 1, x.shape[1])
    parts = (logit.Part(x, groups.codes, None),)
    start = np.zeros(shape)
    sizes = np.bincount(groups.codes)
    start[:, 0] = np.log(sizes[1:] / sizes[0])
    null = logit.evaluate(parts, start)
    reach = np.tile(np.abs(x).max(axis=0), shape[0])
    everything = np.ones(start.size, dtype=bool)
    end = maximise(
        lambda beta: logit.evaluate(parts, beta.reshape(shape)),
        start.ravel(),
        reach,
        everything,
        null,
    )
    covariance = None
    if end.status == "converged":
        covariance = solved(end.at.information, np.eye(start.size))
    if covariance is None:
        raise not_converged(terms, groups, end.moving.reshape(shape))
    beta = end.beta.reshape(shape)
    errors = np.sqrt(np.diag(covariance)).reshape(shape)
    odds = _odds(terms, columns, groups, beta[:, 1:] / spread, errors[:, 1:] / spread, conf_level)
    chances = alike(x, beta)
    return chances, odds, (end.at.log_likelihood, null.log_likelihood)


def alike(x: Array, beta: Array) -> Array:
    """Chances of the groups (rows x groups), the same to the last digit for patients alike.

    A matrix product may sum two equal rows in two orders; greedy matching would then prefer one.
    """
    odds = np.zeros((len(x), len(beta) + 1))
    for group, own in enumerate(beta, start=1):
        for place, weight in enumerate(own):
            odds[:, group] += weight * x[:, place]
    odds -= odds.max(axis=1, keepdims=True)
    np.exp(odds, out=odds)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _standardised(columns: list[Column], n: int) -> tuple[Array, Array]:
    """Deviations of the columns, and the matrix less its means so scaled, after a constant."""
    centre = np.array([float(column.values.mean()) for column in columns])
    spread = np.array([float(column.values.std()) for column in columns])
    spread[spread == 0] = 1.0
    x = np.ones((n, len(columns) + 1))
    x[:, 1:] = design_matrix(columns, n, centre) / spread
    return spread, x


def _odds(
    terms: tuple[Term, ...],
    columns: list[Column],
    groups: Grouping,
    beta: Array,
    errors: Array,
    conf_level: float,
) -> tuple[LogOdds, ...]:
    labels = [(term.name, *label) for term in terms for label in term.labels]
    counts = [
        len(groups.codes) if column.member is None else int(column.member.sum())
        for column in columns
    ]
    found = []
    for place, group in enumerate(groups.levels[1:]):
        for column, (label, n) in enumerate(zip(labels, counts, strict=True)):
            estimate, error = float(beta[place, column]), float(errors[place, column])
            test = wald(estimate, error, conf_level)
            found.append(
                LogOdds(
                    group,
                    groups.levels[0],
                    *label,
                    n,
                    estimate,
                    error,
                    test.statistic,
                    test.p_value,
                    test.low,
                    test.high,
                )
            )
    return tuple(found)


def overlaps(scores: Array, groups: Grouping) -> tuple[Overlap, ...]:
    """How each group's chance is spread in each group; AnalysisError where two do not meet."""
    found, apart = [], []
    for place, score_of in enumerate(groups.levels):
        own = [scores[groups.codes == g, place] for g in range(len(groups.levels))]
        low = max(float(values.min()) for values in own)
        high = min(float(values.max()) for values in own)
        if low > high:
            apart.append((score_of, low, high))
        for group, values in zip(groups.levels, own, strict=True):
            outside = int(((values < low) | (values > high)).sum())
            counts = np.histogram(values, BINS, (0.0, 1.0))[0]
            ends = float(values.min()), float(values.max())
            found.append(Overlap(score_of, group, len(values), frozen(counts), *ends, outside))
    if apart:
        raise AnalysisError(
            Problem(
                f"propensity: chance of '{score_of}'",
                f"no overlap: a group has nobody below {low:.3g}, another nobody above {high:.3g}",
                advice="These groups cannot be compared: restrict to patients who could have been "
                "of any group, or leave out the term that tells them apart.",
            )
            for score_of, low, high in apart
        )
    return tuple(found)


def _renamed(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Findings of terms as those of this model."""
    return tuple(
        Finding(f.severity, "propensity", f.column, f.value, f.rule, f.n, f.advice)
        for f in findings
    )


def _held(places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    held = np.array(places, dtype=np.intp, copy=True)
    held.setflags(write=False)
    return held
