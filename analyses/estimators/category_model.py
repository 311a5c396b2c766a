"""Multinomial and proportional-odds logistic models of a category, such as HER2 status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from scipy.special import chdtrc

from analyses.estimators.brant import proportional_odds
from analyses.estimators.category_fit import DOWNWARDS, UPWARDS, CategoryFit, Model, fit_category
from analyses.estimators.category_rows import CategoryRows, category_rows
from analyses.estimators.survival_data import By, by_column
from analyses.estimators.terms import TermSpec, declared
from analyses.kernels.wald import wald
from analyses.results.category_model import HIGHER, LOWER, CategoryModel
from analyses.results.coefficient import REFERENCE
from analyses.results.failure import Failure
from analyses.results.frozen import frozen
from analyses.results.odds import OddsRatio, OddsTest
from analyses.results.terms import Term
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

UNDETERMINED = "not determined: the odds of both categories against the reference diverge"
UNLIKE = 0.05  # p of Brant's test
FEW_ROWS = 10  # rows of the smallest category a parameter, below which estimates are unreliable


def category_model(
    data: Any,
    *,
    of: By,
    terms: Sequence[TermSpec],
    model: Literal["multinomial", "ordinal"] = "multinomial",
    reference: str | None = None,
    conf_level: float = 0.95,
) -> CategoryModel:
    """Which features go with which category: odds ratios, each adjusted for the others.

    Parameters
    ----------
    data
        A pandas frame, or anything Narwhals reads; one row a patient.
    of
        The category: an ordered categorical, or ``{"name", "levels"}``, in its order.
    terms
        As in `cox`, without `time_varying`.
    model
        ``multinomial``: an odds ratio for each pair of categories. ``ordinal``: one for a higher
        against a lower category, the same wherever the cut is made, which Brant's test questions.
    reference
        Of a multinomial model the category that the others are against first (else the first).

    Returns
    -------
    CategoryModel
        Rows without a value are left out and counted. A level without a finite odds ratio
        (separation) is ``not_estimable``, with a Failure; other terms stand.

    Raises
    ------
    AnalysisError
        Text without levels, one category, an unknown reference, columns that are sums of others.

    Notes
    -----
    By maximum likelihood, with Newton's method; McCullagh (1980) for the ordinal model. Checked
    against ``nnet::multinom``, ``MASS::polr`` and ``glm`` in R, Brant's test against its formulas,
    and by hand: tests/analyses/test_category_model.py.
    """
    if model not in ("multinomial", "ordinal"):
        raise ValueError(f"model is 'multinomial' or 'ordinal', not {model!r}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {conf_level}")
    rows = category_rows(data, of, declared(terms))
    base = _reference(rows, by_column(of), reference if model == "multinomial" else None)
    return _fitted(rows, str(by_column(of)), base, model, conf_level)


def _fitted(
    rows: CategoryRows, name: str, base: int, model: Model, conf_level: float
) -> CategoryModel:
    """The model of rows that are ready, the category at place `base` its reference."""
    order = [base, *(c for c in range(len(rows.categories)) if c != base)]
    codes = np.argsort(order)[rows.codes]
    fitted = fit_category(rows.x, codes, len(order), rows.names, model)
    ratios = tuple(_ratios(rows, fitted, order, model, conf_level))
    k = len(order)
    brant = proportional_odds(rows) if model == "ordinal" else ()
    return CategoryModel(
        model=model,
        of=name,
        categories=rows.categories,
        counts=tuple(int(c) for c in np.bincount(rows.codes, minlength=k)),
        reference=rows.categories[base],
        ratios=ratios,
        intercepts=tuple(_intercepts(rows, fitted, order, model)),
        term_tests=tuple(_term_tests(rows, fitted, codes, k, model)),
        whole=_likelihood_ratio("", fitted.log_likelihood, fitted.log_likelihood_null,
                                fitted.n_parameters),
        proportional_odds=brant,
        terms=rows.terms,
        covariance=frozen(fitted.covariance),
        log_likelihood=fitted.log_likelihood,
        log_likelihood_null=fitted.log_likelihood_null,
        n_parameters=fitted.n_parameters,
        conf_level=conf_level,
        n=len(rows.frame),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=(*rows.findings, *_few(rows), *_unlike(brant)),
        failures=tuple(_failure(ratio) for ratio in ratios if ratio.status != "ok"),
    )  # fmt: skip


def _reference(rows: CategoryRows, name: str | None, reference: str | None) -> int:
    if reference is None:
        return 0
    if str(reference) not in rows.categories:
        raise AnalysisError(
            Problem(
                f"model of '{name}'",
                f"reference '{reference}' is not a category with a complete row",
                f"Categories: {listed(rows.categories)}",
                suggest(str(reference), rows.categories),
            )
        )
    return rows.categories.index(str(reference))


def _ratios(
    rows: CategoryRows, fitted: CategoryFit, order: Sequence[int], model: Model, conf_level: float
) -> Iterator[OddsRatio]:
    """Odds ratios by pair of categories, then term and level."""
    q = rows.x.shape[1] + 1
    if model == "ordinal":
        k = len(order)
        yield from _of_pair(rows, fitted, (HIGHER, LOWER), [(k - 1, 1.0)], conf_level)
        return
    names = [rows.categories[place] for place in order]
    # The block of slopes of category b begins after the intercept of its part.
    for b in range(1, len(order)):
        yield from _of_pair(
            rows, fitted, (names[b], names[0]), [((b - 1) * q + 1, 1.0)], conf_level
        )
    for a in range(1, len(order)):
        for b in range(a + 1, len(order)):
            parts = [((b - 1) * q + 1, 1.0), ((a - 1) * q + 1, -1.0)]
            yield from _of_pair(rows, fitted, (names[b], names[a]), parts, conf_level)


def _of_pair(
    rows: CategoryRows,
    fitted: CategoryFit,
    pair: tuple[str, str],
    parts: Sequence[tuple[int, float]],
    conf_level: float,
) -> Iterator[OddsRatio]:
    """Every term's odds ratios for one pair, `parts` being where its slopes begin, with signs."""
    everybody = np.bincount(rows.codes, minlength=len(rows.categories))
    for term, places in zip(rows.terms, rows.places, strict=True):
        columns = iter(places)
        labels: Sequence[tuple[str | None, str | None]] = term.labels
        if term.kind == "category":
            labels = [(level, term.reference) for level in term.levels]
        for level, reference in labels:
            if term.kind == "category" and level == term.reference:
                rest = everybody - rows.counts[list(places)].sum(axis=0)
                counts = tuple(int(n) for n in rest)
                yield OddsRatio(
                    term.name, level, reference, None, *pair, counts, 0.0, reason=REFERENCE
                )
                continue
            column = next(columns)
            counts = tuple(int(n) for n in rows.counts[column])
            bare = OddsRatio(term.name, level, reference, _per(term), *pair, counts)
            where = [(first + column, sign) for first, sign in parts]
            yield _estimated(bare, fitted, where, conf_level)


def _estimated(
    bare: OddsRatio, fitted: CategoryFit, where: Sequence[tuple[int, float]], conf_level: float
) -> OddsRatio:
    """The ratio with its estimate, a sum over places with signs, or with the reason of none."""
    reason = _why(fitted, where)
    if reason is not None:
        return replace(bare, status="not_estimable", reason=reason)
    at = np.zeros(len(fitted.beta))
    for place, sign in where:
        at[place] = sign
    estimate = float(at @ fitted.beta)
    error = float(np.sqrt(at @ fitted.covariance @ at))
    test = wald(estimate, error, conf_level)
    return replace(
        bare,
        estimate=estimate,
        std_error=error,
        statistic=test.statistic,
        p_value=test.p_value,
        conf_low=test.low,
        conf_high=test.high,
    )


def _why(fitted: CategoryFit, where: Sequence[tuple[int, float]]) -> str | None:
    """Why a sum over places has no estimate; what is taken away diverges the other way."""
    turned = {UPWARDS: DOWNWARDS, DOWNWARDS: UPWARDS}
    missing = [
        turned.get(reason, reason) if sign < 0 else reason
        for reason, sign in ((fitted.unreported.get(place), sign) for place, sign in where)
        if reason is not None
    ]
    if len(set(missing)) > 1:
        return UNDETERMINED
    return missing[0] if missing else None


def _per(term: Term) -> float | None:
    """Units that one step of the coefficient means; None for a category."""
    if term.kind == "interaction":
        scales = [scale for scale in map(_per, term.parts) if scale is not None]
        return float(np.prod(scales)) if scales else None
    return None if term.kind == "category" else term.per


def _intercepts(
    rows: CategoryRows, fitted: CategoryFit, order: Sequence[int], model: Model
) -> Iterator[tuple[str, float]]:
    """Log odds where every column is 0, off the centred columns of the fit."""
    p, k = rows.x.shape[1], len(order)
    if model == "ordinal":
        shift = float(fitted.centre @ fitted.beta[k - 1 :])
        for j in range(k - 1):
            yield rows.categories[j], float(fitted.beta[j]) + shift
        return
    blocks = fitted.beta.reshape(k - 1, p + 1)
    for place, block in zip(order[1:], blocks, strict=True):
        yield rows.categories[place], float(block[0] - fitted.centre @ block[1:])


def _term_tests(
    rows: CategoryRows, fitted: CategoryFit, codes: Any, k: int, model: Model
) -> Iterator[OddsTest]:
    """Likelihood ratio without each term; an interaction goes with its parts."""
    for term in rows.terms:
        with_it = {
            i
            for i, other in enumerate(rows.terms)
            if other.name == term.name or term.name in [part.name for part in other.parts]
        }
        gone = {place for i in with_it for place in rows.places[i]}
        kept = [place for place in range(rows.x.shape[1]) if place not in gone]
        if len(kept) == rows.x.shape[1]:
            reason = f"every complete row is at the level '{term.reference}'"
            yield OddsTest(term.name, None, 0, None, reason)
            continue
        names = [rows.names[place] for place in kept]
        smaller = fit_category(np.ascontiguousarray(rows.x[:, kept]), codes, k, names, model)
        df = fitted.n_parameters - smaller.n_parameters
        yield _likelihood_ratio(term.name, fitted.log_likelihood, smaller.log_likelihood, df)


def _likelihood_ratio(term: str, larger: float, smaller: float, df: int) -> OddsTest:
    statistic = max(2 * (larger - smaller), 0.0)
    if df < 1:
        return OddsTest(term, None, df, None, "it has no coefficient of its own")
    return OddsTest(term, statistic, df, float(chdtrc(df, statistic)))


def _few(rows: CategoryRows) -> tuple[Finding, ...]:
    """A warning where the smallest category has few rows for the slopes of a pair."""
    counts = np.bincount(rows.codes, minlength=len(rows.categories))
    least, p = int(counts.min()), rows.x.shape[1]
    if least >= FEW_ROWS * p:
        return ()
    which = rows.categories[int(counts.argmin())]
    advice = (
        f"{least} rows of category '{which}' for {p} coefficients, fewer than {FEW_ROWS} for each: "
        "estimates may be biased and limits too narrow. Use fewer terms."
    )
    value = f"{least} rows, {p} coefficients"
    return (
        Finding("warning", "category_model", "", value, "few_rows_per_parameter", least, advice),
    )


def _unlike(brant: Sequence[OddsTest]) -> tuple[Finding, ...]:
    """A warning where the odds ratios of an ordinal model are not the same at every cut."""
    if not brant or brant[0].p_value is None or brant[0].p_value >= UNLIKE:
        return ()
    terms = [t.term for t in brant[1:] if t.p_value is not None and t.p_value < UNLIKE]
    advice = (
        f"The odds ratios are not the same wherever the category is cut ({listed(terms)}): one "
        "number for them hides that. Read the multinomial model."
    )
    value = listed(terms)
    return (Finding("warning", "category_model", "", value, "odds_not_proportional", 0, advice),)


def _failure(ratio: OddsRatio) -> Failure:
    """What stands for an odds ratio that does not exist."""
    where = ratio.term if ratio.level is None else f"{ratio.term}={ratio.level}"
    return Failure(
        analysis="category_model",
        kind="category_model",
        group=f"{ratio.group} against {ratio.against}",
        term=where,
        reason=str(ratio.reason),
        n=sum(ratio.counts),
        n_event=0,
        advice="Merge the level with another or leave the term out. Other terms are reported.",
    )
