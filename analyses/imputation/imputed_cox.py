"""A Cox model fitted to each imputation, and what the fits say together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analyses.estimators.cox import model_of
from analyses.estimators.cox_asked import Asked, asking
from analyses.estimators.cox_prepared import prepared
from analyses.estimators.survival_data import as_pandas, require_columns
from analyses.estimators.terms import Declared, TermSpec, declared, learn
from analyses.imputation.rubin import d1, d2, pool
from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from analyses.results.failure import Failure
from analyses.results.frozen import Array, frozen
from analyses.results.imputations import Imputations
from analyses.results.pooled import Pooled, PooledTest
from analyses.results.pooled_cox import PooledCox
from analyses.results.terms import Term
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

Key = tuple[str, str | None]


def imputed_cox(
    data: Any,
    imputations: Imputations,
    *,
    time: str,
    event: str,
    terms: Sequence[TermSpec],
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    ties: str = "efron",
    conf_level: float = 0.95,
) -> PooledCox:
    """Hazard ratios of all patients, what they lack drawn m times, by Rubin's rules.

    Parameters
    ----------
    data
        The data that were imputed, unchanged.
    imputations
        Of `impute`: every term with missing values must be among its columns. Patients without
        a cluster or stratum are left out of each fit, with a warning that counts them.
    time, event, terms, entry, strata, cluster, robust, ties, conf_level
        As in `cox`.

    Returns
    -------
    PooledCox
        Degrees of freedom by Barnard and Rubin from events less parameters; tests of several
        coefficients by D1 (Reiter's degrees of freedom) and D2. Levels and knots are learnt once,
        of the observed values, so that each fit has the same columns. A coefficient without a
        finite estimate in some imputation has none.

    Raises
    ------
    AnalysisError
        As `cox`, and for a term that lacks values and was not imputed.

    Notes
    -----
    Checked against `mice::pool` of `coxph` fits to fixed completed data, and by hand, in
    tests/analyses/test_imputed_cox.py.
    """
    asked = asking(time, event, entry, strata, None, cluster, robust, None, ties, conf_level, None)
    wanted = declared(terms)
    frame = as_pandas(data)
    _require_complete(frame, imputations, wanted)
    without = _without(frame, imputations, asked)
    of_patients = frame.iloc[imputations.kept]
    names = dict.fromkeys(name for term in wanted for name in term.columns)
    observed = {name: of_patients[name].dropna() for name in names}
    learnt, findings = learn(wanted, observed, of_periods=True)

    def fitted(number: int) -> CoxModel:
        completed = imputations.completed(frame, number)
        return model_of(prepared(completed, wanted, asked, learnt), asked).without_rows()

    return pooled_cox(fitted, imputations, asked, (*findings, *without))


def pooled_cox(
    fitted: Callable[[int], CoxModel],
    imputations: Imputations,
    asked: Asked,
    findings: tuple[Finding, ...] = (),
) -> PooledCox:
    """The models of all imputations together; `fitted` gives that of one."""
    parts = _Parts.of([fitted(number) for number in range(imputations.m)])
    first = parts.models[0]
    df = max(first.n_event - first.n_parameters, 1)
    estimates, covariances = parts.shared()
    rows = list(parts.rows(df, asked.conf_level))
    m = imputations.m
    total = np.zeros((0, 0))
    if parts.keys:
        between = np.atleast_2d(np.cov(estimates, rowvar=False, ddof=1))
        total = covariances.mean(axis=0) + (1 + 1 / m) * between
    noted: dict[tuple[str, ...], Finding] = {}  # the fits say the same of slightly other counts
    for finding in (f for model in parts.models for f in model.findings):
        noted.setdefault((finding.rule, finding.column, finding.value), finding)
    return PooledCox(
        coefficients=tuple(coefficient for coefficient, _ in rows),
        pooled=tuple(made for _, made in rows),
        covariance=frozen(total),
        tests=_tests(estimates, covariances, df) if parts.keys else (),
        term_tests=tuple(parts.term_tests(first.terms, df)),
        df_complete=df,
        m=m,
        n=first.n,
        n_event=first.n_event,
        n_parameters=first.n_parameters,
        terms=first.terms,
        strata=asked.strata,
        cluster=asked.cluster,
        ties=asked.ties,
        robust=first.robust,
        conf_level=asked.conf_level,
        imputations=imputations,
        findings=(*findings, *noted.values(), *imputations.findings),
        failures=tuple(_failures(c for c, _ in rows)),
    )


def _require_complete(
    frame: pd.DataFrame, imputations: Imputations, wanted: Sequence[Declared]
) -> None:
    """Every term of the model has values, or has them drawn."""
    names = list(dict.fromkeys(name for term in wanted for name in term.columns))
    require_columns(frame, names)
    drawn = {column.name for column in imputations.columns}
    of_patients = frame.iloc[imputations.kept]
    lacking = [n for n in names if n not in drawn and of_patients[n].isna().any()]
    if lacking:
        advice = "Name them among the columns of the imputation."
        found = f"columns with missing values that were not imputed: {listed(lacking)}"
        raise AnalysisError(Problem("imputed model", found, advice=advice))


def _without(frame: pd.DataFrame, imputations: Imputations, asked: Asked) -> Iterator[Finding]:
    """A warning of patients whom each fit leaves out for their cluster or stratum."""
    names = list(dict.fromkeys([*asked.strata, *([asked.cluster] if asked.cluster else [])]))
    require_columns(frame, names)
    drawn = {column.name for column in imputations.columns}
    for name in names:
        lacking = int(frame[name].iloc[imputations.kept].isna().sum())
        if lacking and name not in drawn:
            advice = (
                f"{lacking} patients have no {name}, which says who belongs together and was not "
                "imputed: the model over imputations leaves them out, as complete cases do."
            )
            yield Finding("warning", "imputed model", name, "", "no_cluster_or_stratum", lacking,
                          advice)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """The models of all imputations, and the coefficients that each of them has an estimate of."""

    models: tuple[CoxModel, ...]
    keys: tuple[Key, ...]

    @classmethod
    def of(cls, models: Sequence[CoxModel]) -> _Parts:
        """In the order of the first model."""
        everywhere = [{(c.term, c.level) for c in model.estimated} for model in models]
        shared = set.intersection(*everywhere)
        return cls(
            tuple(models),
            tuple(k for c in models[0].coefficients if (k := (c.term, c.level)) in shared),
        )

    def shared(self, keys: Sequence[Key] | None = None) -> tuple[Array, Array]:
        """Estimates (m x k) and covariances (m x k x k) of some coefficients."""
        keys = self.keys if keys is None else keys
        estimates, covariances = [], []
        for model in self.models:
            own = [(c.term, c.level) for c in model.estimated]
            places = [own.index(key) for key in keys]
            estimates.append([model.estimated[place].estimate for place in places])
            covariances.append(model.covariance[np.ix_(places, places)])
        return np.array(estimates, dtype=float), np.array(covariances)

    def rows(self, df: int, conf_level: float) -> Iterator[tuple[Coefficient, Pooled | None]]:
        """Each coefficient pooled, or the reason why it is not."""
        for place, like in enumerate(self.models[0].coefficients):
            every = [model.coefficients[place] for model in self.models]
            sizes: dict[str, Any] = {
                "n": round(float(np.mean([c.n for c in every]))),
                "n_event": round(float(np.mean([c.n_event for c in every]))),
            }
            if like.is_reference:
                yield replace(like, **sizes), None
                continue
            if (like.term, like.level) not in self.keys:
                yield _not_estimable(like, every, sizes), None
                continue
            values = np.array([c.estimate for c in every], dtype=float)
            errors = np.array([c.std_error for c in every], dtype=float)
            made = pool(values, errors, df_complete=df, conf_level=conf_level)
            names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
            numbers: dict[str, Any] = {name: getattr(made, name) for name in names}
            numbers["reason"] = made.reason
            yield replace(like, **numbers, **sizes), made

    def term_tests(
        self, terms: Sequence[Term], df: int
    ) -> Iterator[tuple[str, PooledTest, PooledTest]]:
        """D1 and D2 of each term's coefficients."""
        for term in terms:
            keys = [key for key in self.keys if key[0] == term.name]
            if keys:
                one, two = _tests(*self.shared(keys), df)
                yield term.name, one, two


def _not_estimable(
    like: Coefficient, every: Sequence[Coefficient], sizes: dict[str, Any]
) -> Coefficient:
    without = [c for c in every if c.status != "ok"]
    reason = f"no finite estimate in {len(without)} of {len(every)} imputations"
    if without and without[0].reason:
        reason += f" ({without[0].reason})"
    return replace(
        like, estimate=None, std_error=None, statistic=None, p_value=None, conf_low=None,
        conf_high=None, status="not_estimable", reason=reason, **sizes,
    )  # fmt: skip


def _tests(estimates: Array, covariances: Array, df: int) -> tuple[PooledTest, PooledTest]:
    k = estimates.shape[1]
    singular = int(sum(np.linalg.matrix_rank(v, hermitian=True) < k for v in covariances))
    if singular:  # fewer clusters than coefficients, say
        reason = f"the covariance is singular in {singular} of {len(covariances)} imputations"
        return (
            PooledTest("D1", None, k, None, None, None, reason),
            PooledTest("D2", None, k, None, None, None, reason),
        )
    wald = np.array(
        [b @ np.linalg.solve(v, b) for b, v in zip(estimates, covariances, strict=True)]
    )
    return d1(estimates, covariances, df_complete=df), d2(wald, k)


def _failures(coefficients: Iterator[Coefficient]) -> Iterator[Failure]:
    for c in coefficients:
        if c.status != "ok":
            yield Failure(
                analysis="",
                kind="cox",
                group=c.level or "",
                term=c.term,
                reason=str(c.reason),
                n=c.n,
                n_event=c.n_event,
                advice="Merge the level with another, or leave the term out.",
            )
