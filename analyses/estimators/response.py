"""Response to treatment by group: odds ratios raw, within strata, pooled and adjusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from analyses.estimators.category_fit import fit_category
from analyses.estimators.category_model import category_model
from analyses.estimators.category_rows import CategoryRows, category_rows
from analyses.estimators.subgroup_factors import levels_of
from analyses.estimators.survival_data import By, by_column, unused
from analyses.estimators.terms import TermSpec, declared
from analyses.kernels.proportions import (
    LogOdds,
    cochran_mantel_haenszel,
    log_odds_ratio,
    mantel_haenszel,
    wilson,
)
from analyses.kernels.wald import wald
from analyses.results.failure import Failure
from analyses.results.log_ratio import numbers_of
from analyses.results.odds import OddsTest
from analyses.results.response import How, Response, ResponseRatio, ResponseShare
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

Counts = npt.NDArray[np.float64]  # stratum x group x (response, none)
EMPTY_CELL = "one of the four cells is empty: the odds ratio is not finite"


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Columns of the question, their levels, and the counts of every cell."""

    rows: CategoryRows
    by: By
    within: By | None
    groups: tuple[str, ...]
    strata: tuple[str, ...]
    base: int
    counts: Counts
    terms: tuple[TermSpec, ...]
    conf_level: float


def response_odds(
    data: Any,
    *,
    response: By,
    by: By,
    within: By | None = None,
    terms: Sequence[TermSpec] = (),
    reference: str | None = None,
    conf_level: float = 0.95,
) -> Response:
    """How the odds of a response (pCR) differ between groups, raw and with a stratum held fixed.

    Where groups differ in a stratum that response depends on (hormone receptors), the raw odds
    ratio mixes the two; it may even lie on the other side of 1 (Simpson's paradox).

    Parameters
    ----------
    data
        One row a patient who was treated; select them before.
    response
        Two levels, the last of which is the response: boolean, ordered, or ``{"name", "levels"}``.
    by, reference
        The groups, and the one that the others are compared with (else the first).
    within
        The stratum that is held fixed, such as hormone receptors.
    terms
        What the adjusted model holds besides groups and stratum, as in `category_model`.

    Returns
    -------
    Response
        Every ratio is of the same patients: those complete in all columns; others are counted. A
        ratio with an empty cell has its reason and a Failure. A finding says where the raw ratio
        and the pooled one lie on either side of 1.

    Raises
    ------
    AnalysisError
        A response of other than two levels, one group, one stratum, an unknown reference.

    Notes
    -----
    Woolf's errors; Mantel-Haenszel with the variance of Robins, Breslow and Greenland; logistic
    models by likelihood ratio. Checked against ``mantelhaen.test`` and ``glm`` in R, and by hand:
    tests/analyses/test_response.py.
    """
    asked = _asked(data, response, by, within, tuple(terms), reference, conf_level)
    return _answered(asked, str(by_column(response)))


def _answered(asked: _Asked, response: str) -> Response:
    """Every number of a question that can be put."""
    ratios = tuple(_ratios(asked))
    groups = [g for g in range(len(asked.groups)) if g != asked.base]
    by, within = str(by_column(asked.by)), by_column(asked.within)
    return Response(
        shares=tuple(_shares(asked)),
        ratios=ratios,
        interaction=None if within is None else _interaction(asked, within),
        pooled_tests=() if within is None else tuple(_pooled(asked, g) for g in groups),
        response=response,
        level=asked.rows.categories[1],
        by=by,
        groups=asked.groups,
        reference=asked.groups[asked.base],
        within=within,
        strata=() if within is None else asked.strata,
        terms=tuple(t.name for t in asked.rows.terms if t.name not in (by, within)),
        conf_level=asked.conf_level,
        n=len(asked.rows.frame),
        n_response=int(asked.counts[..., 0].sum()),
        n_input=asked.rows.n_input,
        n_missing=asked.rows.n_missing,
        findings=tuple(_reversed(ratios)),
        failures=tuple(_failure(r) for r in ratios if r.status != "ok"),
    )


def _asked(
    data: Any,
    response: By,
    by: By,
    within: By | None,
    terms: tuple[TermSpec, ...],
    reference: str | None,
    conf_level: float,
) -> _Asked:
    """The question with its rows, or every reason why it cannot be put."""
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {conf_level}")
    fixed: list[TermSpec] = [by, *([] if within is None else [within])]
    rows = category_rows(data, response, declared([*fixed, *terms]))
    if len(rows.categories) != 2:
        found = f"{len(rows.categories)} levels: {listed(rows.categories)}"
        where = f"response '{by_column(response)}'"
        raise AnalysisError(Problem(where, found, "Two levels", "Say which one is the response."))
    groups = levels_of(rows.frame, by)
    strata: tuple[str, ...] = ("",)
    codes = np.zeros(len(rows.frame), dtype=np.intp)
    if within is not None:
        made = levels_of(rows.frame, within)
        strata, codes = made.levels, made.codes
    for what, levels in (("group", groups.levels), ("stratum", strata)):
        if len(levels) < 2 and (what == "group" or within is not None):
            found = f"one {what} only: {listed(levels)}"
            raise AnalysisError(Problem("response", found, advice="Check the selection."))
    shape = (len(strata), len(groups.levels), 2)
    counts = np.zeros(shape)
    np.add.at(counts, (codes, groups.codes, 1 - rows.codes), 1.0)
    base = _reference(groups.levels, reference)
    return _Asked(rows, by, within, groups.levels, strata, base, counts, terms, conf_level)


def _reference(groups: tuple[str, ...], reference: str | None) -> int:
    if reference is None:
        return 0
    if str(reference) not in groups:
        found = f"reference '{reference}' is not a group with a complete row"
        advice = suggest(str(reference), groups)
        raise AnalysisError(Problem("response", found, f"Groups: {listed(groups)}", advice))
    return groups.index(str(reference))


def _shares(asked: _Asked) -> Iterator[ResponseShare]:
    """Responders of each group: in all, then by stratum."""
    tables: list[tuple[str | None, Counts]] = [(None, asked.counts.sum(axis=0))]
    if asked.within is not None:
        tables += list(zip(asked.strata, asked.counts, strict=True))
    for stratum, table in tables:
        for group, (yes, no) in zip(asked.groups, table, strict=True):
            n, k = int(yes + no), int(yes)
            share = wilson(k, n, asked.conf_level) if n else (None, None, None)
            yield ResponseShare(stratum, group, n, k, *share)


def _ratios(asked: _Asked) -> Iterator[ResponseRatio]:
    """Of each group: raw, pooled, adjusted, and within each stratum."""
    adjusted = _adjusted(asked)
    for g, group in enumerate(asked.groups):
        if g == asked.base:
            continue
        pair = asked.counts[:, [g, asked.base]]
        whole = pair.sum(axis=0)
        yield _ratio(asked, "raw", None, group, whole, log_odds_ratio(whole))
        if asked.within is not None:
            yield _ratio(asked, "mantel_haenszel", None, group, whole, mantel_haenszel(pair))
        if asked.within is not None or asked.terms:
            bare = _ratio(asked, "adjusted", None, group, whole, None)
            yield _from_model(bare, adjusted)
        if asked.within is not None:
            for stratum, table in zip(asked.strata, pair, strict=True):
                yield _ratio(asked, "within", stratum, group, table, log_odds_ratio(table))


def _ratio(
    asked: _Asked,
    how: How,
    stratum: str | None,
    group: str,
    table: Counts,
    found: LogOdds | None,
) -> ResponseRatio:
    """One odds ratio of counts, ((group's), (reference's)) x (response, none)."""
    (a, b), (c, d) = (map(int, row) for row in table)
    bare = ResponseRatio(how, stratum, group, asked.groups[asked.base], a + b, a, c + d, c)
    if found is None:
        return replace(bare, status="not_estimable", reason=EMPTY_CELL)
    test = wald(found.estimate, found.std_error, asked.conf_level)
    return replace(
        bare,
        estimate=found.estimate,
        std_error=found.std_error,
        statistic=test.statistic,
        p_value=test.p_value,
        conf_low=test.low,
        conf_high=test.high,
    )


def _adjusted(asked: _Asked) -> dict[str, Any] | str:
    """The logistic model's odds ratio of each group, or why there is none."""
    by: dict[str, Any] = {"name": str(by_column(asked.by)), "levels": list(asked.groups)}
    by["reference"] = asked.groups[asked.base]
    fixed: list[TermSpec] = [by]
    if asked.within is not None:
        fixed.append({"name": str(by_column(asked.within)), "levels": list(asked.strata)})
    rows = asked.rows
    of = unused("is a response", rows.frame.columns)
    data = rows.frame.assign(**{of: rows.codes == 1})
    try:
        model = category_model(
            data, of=of, terms=[*fixed, *asked.terms], conf_level=asked.conf_level
        )
    except AnalysisError as error:
        return error.problems[0].found
    return {str(r.level): r for r in model.ratios if r.term == by["name"]}


def _from_model(bare: ResponseRatio, made: dict[str, Any] | str) -> ResponseRatio:
    """The ratio with the model's estimate."""
    if isinstance(made, str):
        return replace(bare, reason=made)
    c = made[bare.group]
    return replace(bare, **numbers_of(c), status=c.status, reason=c.reason)


def _pooled(asked: _Asked, group: int) -> OddsTest:
    """Cochran-Mantel-Haenszel test of one group."""
    name = asked.groups[group]
    found = cochran_mantel_haenszel(asked.counts[:, [group, asked.base]])
    if found is None:
        return OddsTest(name, None, 1, None, "no stratum holds both groups and both outcomes")
    return OddsTest(name, *found)


def _interaction(asked: _Asked, name: str) -> OddsTest:
    """Likelihood ratio of the cells' own shares against a model without the product."""
    cells = asked.counts.reshape(-1, 2)
    strata, groups = asked.counts.shape[:2]
    present = cells.sum(axis=1) > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(cells > 0, cells * np.log(cells / cells.sum(axis=1, keepdims=True)), 0.0)
    whole = float(logs.sum())
    mains = np.zeros((strata, groups, strata - 1 + groups - 1))
    for s in range(1, strata):
        mains[s, :, s - 1] = 1
    for g in range(1, groups):
        mains[:, g, strata - 2 + g] = 1
    design = mains.reshape(-1, mains.shape[2])
    rank = int(np.linalg.matrix_rank(np.column_stack([np.ones(present.sum()), design[present]])))
    df = int(present.sum()) - rank
    if df < 1:
        return OddsTest(name, None, 0, None, "no two strata hold two groups")
    x = np.repeat(design, cells.sum(axis=1).astype(int), axis=0)
    codes = np.concatenate([np.repeat([1, 0], row.astype(int)) for row in cells])
    try:
        smaller = fit_category(x, codes, 2, [str(i) for i in range(x.shape[1])], "multinomial")
    except AnalysisError as error:
        return OddsTest(name, None, df, None, error.problems[0].found)
    statistic = max(2 * (whole - smaller.log_likelihood), 0.0)
    return OddsTest(name, statistic, df, float(chdtrc(df, statistic)))


def _reversed(ratios: Sequence[ResponseRatio]) -> Iterator[Finding]:
    """A warning where the raw ratio and the pooled one lie on either side of 1."""
    found = {(r.group, r.how): r for r in ratios if r.stratum is None}
    for (group, how), raw in found.items():
        pooled = found.get((group, "mantel_haenszel"))
        if how != "raw" or pooled is None or raw.estimate is None or pooled.estimate is None:
            continue
        if raw.estimate * pooled.estimate < 0:
            advice = (
                f"The raw odds ratio of {group} lies on the other side of 1 than the one with the "
                "stratum held fixed (Simpson's paradox): the groups differ in the stratum."
            )
            n = raw.n + raw.n_reference
            yield Finding("warning", "response", "", group, "reversed_by_strata", n, advice)


def _failure(ratio: ResponseRatio) -> Failure:
    """What stands for an odds ratio that does not exist."""
    where = ratio.how.replace("_", "-") if ratio.stratum is None else ratio.stratum
    return Failure(
        analysis="response",
        kind="response",
        group=ratio.group,
        term=where,
        reason=str(ratio.reason),
        n=ratio.n + ratio.n_reference,
        n_event=ratio.n_response + ratio.n_response_reference,
        advice="Merge strata or groups. The others are reported.",
    )
