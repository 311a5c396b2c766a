"""Whether the groups' ratios are alike in all subgroups: models with and without a product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc

from analyses.estimators.cox import cox
from analyses.estimators.cox_prepared import whole_numbers
from analyses.estimators.subgroup_factors import FactorCodes
from analyses.estimators.subgroup_rows import Options, SubgroupRows
from analyses.estimators.terms import TermSpec
from analyses.results.cox import CoxModel
from analyses.results.subgroups import InteractionTest, TestName
from cohort.errors import AnalysisError, listed

Codes = npt.NDArray[np.intp]
EMPTY = "no two subgroups hold two of the groups: there is no product to test"
NO_WALD = (
    "a coefficient of the product has no finite estimate, and weights or clusters leave no "
    "likelihood ratio"
)


@dataclass(frozen=True, slots=True, eq=False)
class ProductModel:
    """The model with the products of groups and subgroups, and what it was made of.

    Attributes
    ----------
    frame
        The patients whose factor is known, with a column for each product.
    plain
        Terms of the model without products.
    products
        (column, group, subgroup) of each product, by place; in the columns' order.
    full, reason
        The model with every product, or why there is none.
    """

    frame: pd.DataFrame
    plain: tuple[TermSpec, ...]
    products: tuple[tuple[str, int, int], ...]
    full: CoxModel | None
    reason: str | None


def product_model(rows: SubgroupRows, factor: FactorCodes, options: Options) -> ProductModel:
    """The larger of the two models that a test of interaction compares.

    It has a coefficient for each group, for each subgroup and for the terms, and the products
    besides, without those that cells without patients leave undetermined.
    """
    known = factor.codes >= 0
    frame, plain = _plain(rows, factor, known)
    products = _products(rows, factor, known)
    full, reason = None, None if products else EMPTY
    for name, _, _, member in products:
        frame[name] = member
    if products:
        try:
            full = _fit(frame, [*plain, *(name for name, *_ in products)], options)
        except AnalysisError as error:
            reason = _why(error)
    places = tuple((name, group, level) for name, group, level, _ in products)
    return ProductModel(frame, tuple(plain), places, full, reason)


def interaction_tests(
    rows: SubgroupRows, factor: FactorCodes, options: Options
) -> tuple[InteractionTest, tuple[InteractionTest, ...]]:
    """The test of all groups together, and of each group against the reference.

    Both models are fitted to the patients whose factor is known. The test of one group leaves the
    products of the others in both.
    """
    n, n_event = rows.size(factor.codes >= 0)
    made = product_model(rows, factor, options)
    test: TestName = "wald" if _is_robust(rows, options) else "likelihood_ratio"
    found: list[InteractionTest] = []
    for group in (None, *(g for g in range(len(rows.groups)) if g != rows.reference)):
        own = [product for product, g, _ in made.products if group in (None, g)]
        if made.full is not None and own:
            values = _tested(made, made.full, own, options)
        else:
            values = {"reason": made.reason or EMPTY}
        whose = None if group is None else rows.groups[group]
        found.append(InteractionTest(factor.name, whose, test, n, n_event, **values))
    return found[0], tuple(found[1:])


def _tested(made: ProductModel, full: CoxModel, own: list[str], options: Options) -> dict[str, Any]:
    """Statistic, df and p of the products `own`, or why there is none."""
    try:
        if not full.has_likelihood:
            estimated = {c.term for c in full.estimated}
            if not set(own) <= estimated:
                return {"reason": NO_WALD}
            wald = full.wald(own)
            return {"statistic": wald.statistic, "df": wald.df, "p_value": wald.p_value}
        rest = [product for product, *_ in made.products if product not in own]
        reduced = _fit(made.frame, [*made.plain, *rest], options)
    except AnalysisError as error:
        return {"reason": _why(error)}
    df = full.n_parameters - reduced.n_parameters
    if df < 1:
        return {"reason": EMPTY}
    gain = max(2 * (full.log_likelihood - reduced.log_likelihood), 0.0)
    return {"statistic": gain, "df": df, "p_value": float(chdtrc(df, gain))}


def _fit(frame: pd.DataFrame, terms: Sequence[TermSpec], options: Options) -> CoxModel:
    return cox(frame, terms=terms, **options.keywords).without_rows()


def _is_robust(rows: SubgroupRows, options: Options) -> bool:
    """Whether clusters, or weights that are not counts, leave no likelihood to compare."""
    if options.cluster is not None:
        return True
    if options.weights is None:
        return False
    return not whole_numbers(rows.frame[options.weights].to_numpy(dtype=float))


def _plain(
    rows: SubgroupRows, factor: FactorCodes, known: npt.NDArray[np.bool_]
) -> tuple[pd.DataFrame, list[TermSpec]]:
    """The patients with the factor, and the terms of the model without a product."""
    frame = rows.frame.loc[known].copy()
    by: TermSpec = {"name": rows.by, "reference": rows.groups[rows.reference]}
    own = next((term for asked, term in rows.terms if asked.columns == (factor.name,)), None)
    if own is not None and not factor.cut and own.kind != "number" and own.kind != "spline":
        return frame, [by, *rows.adjusting()]
    name = f"{factor.name} (subgroups)"
    frame[name] = pd.Categorical.from_codes(
        factor.codes[known], pd.Index(factor.levels), ordered=True
    )
    # Its number beside all its levels would be their sum; beside ranges of it, it is not.
    rest = rows.adjusting(None if factor.cut or own is None else factor.name)
    return frame, [by, name, *rest]


def _products(
    rows: SubgroupRows, factor: FactorCodes, known: npt.NDArray[np.bool_]
) -> list[tuple[str, int, int, npt.NDArray[np.bool_]]]:
    """(name, group, subgroup, rows) of every product that the cells with patients determine."""
    group, level = rows.codes[known], factor.codes[known]
    cells = np.unique(np.column_stack([group, level]), axis=0)
    mains = [np.ones(len(cells))]
    mains += [(cells[:, 0] == g).astype(float) for g in range(1, len(rows.groups))]
    mains += [(cells[:, 1] == k).astype(float) for k in range(1, len(factor.levels))]
    kept = np.column_stack(mains)
    found = []
    for g in range(len(rows.groups)):
        if g == rows.reference:
            continue
        for k in range(1, len(factor.levels)):
            product = ((cells[:, 0] == g) & (cells[:, 1] == k)).astype(float)
            larger = np.column_stack([kept, product])
            if np.linalg.matrix_rank(larger) > np.linalg.matrix_rank(kept):
                kept = larger
                name = f"{rows.by}={rows.groups[g]} × {factor.name}={factor.levels[k]}"
                found.append((name, g, k, (group == g) & (level == k)))
    return found


def _why(error: AnalysisError) -> str:
    return listed(f"{p.where}: {p.found}" if p.where else p.found for p in error.problems)
