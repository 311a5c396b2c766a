"""Survival of a group's patients beside the most alike of another group.

Greedy nearest-neighbour matching on the logit of the propensity, without replacement (Rosenbaum and
Rubin, 1985; Ho, Imai, King and Stuart, 2011, J. Stat. Softw. 42(8)); caliper by Austin (2011),
Pharm. Stat. 10, 150-161; variance clustered on the matched set (Austin and Small, 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd

from analyses.adjustment.balance import balance
from analyses.adjustment.followed import (
    UNIT,
    WEIGHT,
    Named,
    Patients,
    columns_of_terms,
    group_counts,
    patients,
    ratios_of,
    without_group,
)
from analyses.adjustment.propensity import propensity
from analyses.adjustment.weighted_curves import (
    Asked,
    Followed,
    asked_for,
    curve_numbers,
    require_tau,
)
from analyses.adjustment.weighted_survival import described
from analyses.estimators.cox import cox
from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.survival_data import By, as_pandas, by_column, grouping, require_columns
from analyses.estimators.terms import TermSpec
from analyses.kernels.pairs import nearest
from analyses.results.adjusted import AdjustedRatio
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from analyses.results.matched import GroupMatched, MatchedSurvival, Spread
from analyses.results.propensity import Places, Propensity
from analyses.results.terms import Term
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

WHERE = "matched comparison"
CALIPER = 0.2
MANY = 0.05  # of a group's patients without a counterpart, from which it is said


class Caliper(NamedTuple):
    """Distance allowed in standard deviations (None: any), and of which deviation."""

    deviations: float | None
    spread: Spread


def matched_survival(
    data: Any,
    *,
    time: str,
    event: str,
    by: By,
    pair: tuple[str, str],
    terms: Sequence[TermSpec],
    ratio: int = 1,
    caliper: float | None = CALIPER,
    spread: Spread = "overall",
    entry: str | None = None,
    times: Sequence[float] = (),
    tau: float | None = None,
    conf_level: float = 0.95,
) -> MatchedSurvival:
    """How a group's patients fare beside the patients of another that are most like them.

    Parameters
    ----------
    data, time, event, entry, by, times, tau
        As in `weighted_survival`.
    pair
        (group, reference): each patient of the group looks for counterparts in the reference.
        Patients of other groups take no part.
    terms
        Of the logistic propensity model of the pair.
    ratio, caliper, spread
        Counterparts wanted; largest distance in standard deviations of the logit (None: any);
        ``overall`` (of both together, as MatchIt 4.5) or ``pooled`` (Austin's).

    The largest propensity chooses first, each its nearest; ties go by row order; a second
    counterpart is given after everybody had a first. Those without one are counted, as are rows
    without a value. No bootstrap: it is not valid here (Abadie and Imbens, 2008). AnalysisError as
    `propensity` and `cox`, for a pair that is none, for nobody matched. Checked against MatchIt 4.5
    and ``coxph`` clustered on the set: tests/analyses/test_matched_survival.py.
    """
    _require(ratio, caliper, spread)
    kept, two, n_without = _pair(data, by, pair)
    names, others = (time, event, entry), columns_of_terms(terms)
    who = patients(kept, names=names, by=two, reference=pair[1], others=others, where=WHERE)
    without_group(terms, who.by, WHERE)
    asked = asked_for(times, tau, WHERE)
    how = _How(pair, ratio, Caliper(caliper, spread))
    model = propensity(who.frame, by=who.by, terms=terms, conf_level=conf_level)
    result = _result(who, model, _matches(model, ratio, how.caliper), how, asked, conf_level)
    if not n_without:
        return result
    missing = ((who.by, n_without), *result.n_missing)
    return replace(result, n_input=result.n_input + n_without, n_missing=missing)


class _How(NamedTuple):
    """Who is matched to whom, to how many, and how near."""

    pair: tuple[str, str]
    ratio: int
    caliper: Caliper


def _result(
    who: Patients, model: Propensity, found: _Found, how: _How, asked: Asked, conf_level: float
) -> MatchedSurvival:
    """The comparison of the matched patients."""
    weights, sets = _weights(len(who.frame), found.pairs)
    frame = who.frame.assign(**{WEIGHT: weights, UNIT: sets})
    matched = frame[frame[WEIGHT] > 0]
    chosen = np.flatnonzero(weights > 0)
    followed = Followed(
        who.time[chosen],
        who.event[chosen],
        None if who.entry is None else who.entry[chosen],
        who.groups.codes[chosen],
        weights[chosen],
    )
    require_tau(followed, who.levels, asked.tau, WHERE)
    unit = pd.factorize(sets[chosen])[0].astype(np.intp)
    numbers = curve_numbers(followed, who.levels, asked, unit)
    sizes = _sizes(who, weights)
    ratios, model_of_pairs = _ratios(who, frame, weights, how, conf_level)
    columns = described(frame, [c for term in model.terms for c in _columns(term)])
    return MatchedSurvival(
        by=who.by,
        group=how.pair[0],
        reference=how.pair[1],
        ratio=how.ratio,
        caliper=how.caliper.deviations,
        spread=how.caliper.spread,
        width=found.width,
        sizes=sizes,
        sets=_set_sizes(found.pairs),
        ratios=ratios,
        means=numbers.means(conf_level),
        differences=numbers.differences(how.pair[1], conf_level),
        curves=kaplan_meier(
            matched, **who.followed, by=who.by, weights=WEIGHT, conf_level=conf_level
        ),
        model=model_of_pairs.without_rows(),
        propensity=model,
        balance=balance(frame, by=who.by, columns=columns, weights=WEIGHT, how="matching"),
        conf_level=conf_level,
        n_pair=len(frame),
        n_pair_event=int(who.event.sum()),
        n=len(matched),
        n_event=int(followed.event.sum()),
        n_input=who.n_input,
        n_missing=who.n_missing,
        findings=(
            *model.findings,
            *_unmatched(who.by, sizes, how.pair),
            *model_of_pairs.findings,
        ),
        places=_places(chosen, sets[chosen]),
    )


def _ratios(
    who: Patients, frame: pd.DataFrame, weights: Array, how: _How, conf_level: float
) -> tuple[tuple[AdjustedRatio, ...], CoxModel]:
    """Before and after matching, and the model of the matched patients."""
    term = [who.group_term]
    crude = cox(frame, **who.followed, terms=term, conf_level=conf_level)
    matched = cox(
        frame[weights > 0],
        **who.followed,
        terms=term,
        weights=WEIGHT,
        cluster=UNIT,
        conf_level=conf_level,
    )
    own = {}
    for k, group in enumerate(who.levels):
        chosen = (weights > 0) & (who.groups.codes == k)
        own[group] = (int(chosen.sum()), int((chosen & who.event).sum()))
    before: Named = ("unadjusted", "marginal", "each group's own patients")
    after: Named = ("matched", "marginal", f"matched patients of {how.pair[0]}")
    ratios = (
        *ratios_of(crude, who.by, before, group_counts(who)),
        *ratios_of(matched, who.by, after, own),
    )
    return ratios, matched


def _columns(term: Term) -> list[str]:
    """Columns of the table that a term is made of; an interaction's are those of its parts."""
    return [] if term.parts else [term.name]


class _Found(NamedTuple):
    """(place of a patient of the group, place of a counterpart), and the caliper's distance."""

    pairs: list[tuple[int, int]]
    width: float | None


def _pair(data: Any, by: By, pair: tuple[str, str]) -> tuple[pd.DataFrame, By, int]:
    """Rows of the two groups, the column (reference first), and the rows without a group."""
    frame = as_pandas(data)
    name = str(by_column(by))
    require_columns(frame, [name])
    known = frame[frame[name].notna()]
    groups = grouping(known.reset_index(drop=True), by)
    wrong = [level for level in pair if level not in groups.levels]
    if wrong or pair[0] == pair[1] or len(pair) != 2:
        found = listed(wrong) + " has no patient" if wrong else f"{pair!r} is no pair"
        allowed = f"Groups: {listed(groups.levels)}"
        advice = suggest(str(wrong[0]), groups.levels) if wrong else ""
        raise AnalysisError(Problem(f"{WHERE}: pair", found, allowed, advice))
    chosen = np.isin(groups.codes, [groups.levels.index(level) for level in pair])
    kept = known[chosen].copy()
    labels = np.array(groups.levels, dtype=object)[groups.codes[chosen]]
    kept[name] = pd.Categorical(labels, [pair[1], pair[0]], ordered=True)
    return kept, name, len(frame) - len(known)


def _matches(model: Propensity, ratio: int, caliper: Caliper) -> _Found:
    scores, codes = model.scores, model.codes
    assert scores is not None
    assert codes is not None
    logit = np.log(scores[:, 1]) - np.log(scores[:, 0])
    treated, controls = np.flatnonzero(codes == 1), np.flatnonzero(codes == 0)
    width = None
    if caliper.deviations is not None:
        width = caliper.deviations * _deviation(logit, codes, caliper.spread)
    largest = np.inf if width is None else width
    found = nearest(logit[treated], logit[controls], ratio, largest)
    if not found:
        raise AnalysisError(
            Problem(
                WHERE,
                f"no patient of '{model.groups[1]}' has a counterpart within {width:.3g}",
                advice="The groups do not overlap: widen the caliper, or restrict to patients who "
                "could have been of either.",
            )
        )
    return _Found([(int(treated[t]), int(controls[c])) for t, c in found], width)


def _deviation(logit: Array, codes: Places, spread: Spread) -> float:
    if spread == "overall":
        return float(np.std(logit, ddof=1))
    return float(np.sqrt(np.mean([np.var(logit[codes == g], ddof=1) for g in (0, 1)])))


def _weights(n: int, pairs: list[tuple[int, int]]) -> tuple[Array, Places]:
    """Weight of each patient (0: not matched), and the number of their set (-1: none).

    A counterpart weighs one over those of its set; all of them then 1 on average, as MatchIt.
    """
    sets = np.full(n, -1, dtype=np.intp)
    patients_of = np.array(sorted({t for t, _ in pairs}), dtype=np.intp)
    sets[patients_of] = np.arange(len(patients_of))
    treated = np.array([t for t, _ in pairs], dtype=np.intp)
    controls = np.array([c for _, c in pairs], dtype=np.intp)
    sets[controls] = sets[treated]
    size = np.bincount(sets[treated], minlength=len(patients_of))
    weights = np.zeros(n)
    weights[patients_of] = 1.0
    own = 1.0 / size[sets[controls]]
    weights[controls] = own * (len(own) / own.sum())
    return weights, sets


def _sizes(who: Patients, weights: Array) -> tuple[GroupMatched, ...]:
    found = []
    for g, group in enumerate(who.levels):
        own = weights[who.groups.codes == g]
        used = own[own > 0]
        effective = float(used.sum() ** 2 / (used**2).sum())
        found.append(GroupMatched(group, len(own), len(used), effective))
    return tuple(found)


def _set_sizes(pairs: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """How many patients have one counterpart, two ..."""
    counts = np.bincount([t for t, _ in pairs])
    sizes, n = np.unique(counts[counts > 0], return_counts=True)
    return tuple((int(size), int(k)) for size, k in zip(sizes, n, strict=True))


def _places(chosen: Places, sets: Places) -> Places:
    held = np.vstack([chosen, sets]).astype(np.intp)
    held.setflags(write=False)
    return held


def _unmatched(
    by: str, sizes: tuple[GroupMatched, ...], pair: tuple[str, str]
) -> tuple[Finding, ...]:
    own, other = (next(s for s in sizes if s.group == group) for group in pair)
    if own.n_unmatched <= MANY * own.n:
        return ()
    why = "no free counterpart is within the caliper"
    if not other.n_unmatched:
        why = f"all {other.n} patients of {other.group} are taken"
    advice = (
        f"{own.n_unmatched} of {own.n} patients of {own.group} have no counterpart ({why}): the "
        "comparison is about the others. Overlap weights keep everybody in part."
    )
    return (Finding("warning", "matching", by, own.group, "unmatched", own.n_unmatched, advice),)


def _require(ratio: int, caliper: float | None, spread: str) -> None:
    problems = []
    if isinstance(ratio, bool) or not isinstance(ratio, int) or ratio < 1:
        allowed = "Allowed: a whole number from 1"
        problems.append(Problem(f"{WHERE}: ratio", f"{ratio!r}", allowed))
    if caliper is not None and not 0 < caliper < np.inf:
        allowed = "Allowed: a number above 0, or none"
        problems.append(Problem(f"{WHERE}: caliper", f"{caliper!r}", allowed))
    if spread not in get_args(Spread):
        allowed = f"Allowed: {listed(get_args(Spread))}"
        problems.append(Problem(f"{WHERE}: spread", f"'{spread}'", allowed))
    if problems:
        raise AnalysisError(problems)
