"""Classified against unclassified patients: their features and their survival."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.estimators.cox import cox
from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.logrank import logrank
from analyses.estimators.survival_data import as_pandas, require_columns
from analyses.estimators.table_one import table_one
from analyses.estimators.table_one_columns import Column
from analyses.estimators.terms import TermSpec
from analyses.results.classification import (
    CLASSIFICATION,
    CLASSIFIED,
    UNCLASSIFIED,
    Classification,
)
from analyses.results.cox import CoxModel
from analyses.results.logrank import LogRank
from analyses.results.table_one import TableOne
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

LARGE = 0.1  # of a standardised difference, past which the two are not alike


def classification(
    data: Any,
    *,
    status: str,
    groups: Sequence[str],
    columns: Sequence[Column],
    time: str,
    event: str,
    terms: Sequence[TermSpec] = (),
    entry: str | None = None,
    conf_level: float = 0.95,
) -> Classification:
    """Whether patients without a group (no HER2 score) are like those with one.

    Parameters
    ----------
    data
        One row a patient, those in no group among them.
    status, groups
        The column that tells the group, and its levels that are groups; every other level, and a
        missing value, is unclassified.
    columns
        Features of the table, as in `table_one`.
    time, event, entry
        As in `kaplan_meier`.
    terms
        What the adjusted model holds besides, as in `cox`.

    Returns
    -------
    Classification
        Rows without follow-up stay in the table; each part counts whom it leaves out.

    Raises
    ------
    AnalysisError
        Nobody, or everybody, in a group; and as `table_one` and `kaplan_meier`.

    Notes
    -----
    Every part is that of `table_one`, `kaplan_meier`, `logrank` and `cox`, which are checked
    against R; by hand in tests/analyses/test_classification.py.
    """
    frame = as_pandas(data)
    require_columns(frame, [status])
    words = frame[status].astype(object).where(frame[status].notna(), "").astype(str)
    inside = words.isin([str(group) for group in groups]).to_numpy()
    if inside.all() or not inside.any():
        found = "nobody is unclassified" if inside.all() else "nobody is in one of the groups"
        allowed, advice = f"Groups: {listed(map(str, groups))}", "There is nothing to compare."
        raise AnalysisError(Problem(f"classification by '{status}'", found, allowed, advice))
    made = pd.Categorical.from_codes(
        np.where(inside, 0, 1), pd.Index([CLASSIFIED, UNCLASSIFIED]), ordered=True
    )
    frame = frame.assign(**{CLASSIFICATION: made})
    options: dict[str, Any] = {"time": time, "event": event, "entry": entry}
    counts = _counts(frame[status], words)
    return _answered(frame, (status, tuple(map(str, groups))), counts, columns, terms, options,
                     conf_level)  # fmt: skip


def _answered(
    frame: pd.DataFrame,
    asked: tuple[str, tuple[str, ...]],
    counts: tuple[tuple[str, int], ...],
    columns: Sequence[Column],
    terms: Sequence[TermSpec],
    options: dict[str, Any],
    conf_level: float,
) -> Classification:
    """Every part of the comparison, of rows that say who is classified."""
    curves = kaplan_meier(frame, by=CLASSIFICATION, conf_level=conf_level, **options)
    test, untested = _test(frame, options)
    models = {"raw": _model(frame, [], options, conf_level)}
    if terms:
        models["adjusted"] = _model(frame, terms, options, conf_level)
    fitted = {name: m for name, m in models.items() if isinstance(m, CoxModel)}
    features = table_one(frame, by=CLASSIFICATION, columns=columns)
    return Classification(
        status=asked[0],
        groups=asked[1],
        counts=counts,
        features=features,
        curves=curves,
        test=test,
        untested=untested,
        raw=fitted.get("raw"),
        adjusted=fitted.get("adjusted"),
        failed=tuple((name, str(m)) for name, m in models.items() if name not in fitted),
        findings=(*features.findings, *curves.findings, *_unlike(features)),
    )


def _counts(values: pd.Series[Any], words: pd.Series[str]) -> tuple[tuple[str, int], ...]:
    """Patients of every level, in the order of the levels; the missing last."""
    order = list(map(str, values.cat.categories)) if values.dtype == "category" else []
    order += sorted(set(words) - set(order) - {""})
    counted = words.value_counts()
    return tuple((level, int(counted[level])) for level in (*order, "") if level in counted)


def _test(frame: pd.DataFrame, options: dict[str, Any]) -> tuple[LogRank | None, str]:
    """The log-rank test, or why there is none."""
    try:
        test = logrank(frame, by=CLASSIFICATION, **options)
    except AnalysisError as error:
        return None, error.problems[0].found
    return (test, "") if test.p_value is not None else (None, str(test.reason))


def _model(
    frame: pd.DataFrame, terms: Sequence[TermSpec], options: dict[str, Any], conf_level: float
) -> CoxModel | str:
    """Unclassified against classified, or why there is no model."""
    try:
        model = cox(frame, terms=[CLASSIFICATION, *terms], conf_level=conf_level, **options)
    except AnalysisError as error:
        return error.problems[0].found
    return model.without_rows()


def _unlike(features: TableOne) -> tuple[Finding, ...]:
    """A warning that names the features in which the two differ."""
    apart = [s for s in features.smd if s.value is not None and s.value > LARGE]
    if not apart:
        return ()
    named = listed(f"{s.column} {s.value:.2f}" for s in apart)
    advice = (
        f"Unclassified patients differ from the classified (standardised difference above {LARGE:g}"
        f": {named}): a comparison of the groups speaks for the classified only."
    )
    n = features.n[1] if len(features.n) > 1 else 0
    return (Finding("warning", "classification", "", named, "unclassified_differ", n, advice),)
