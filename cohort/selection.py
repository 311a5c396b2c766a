"""Who is analysed: criteria with a reason each, and the attrition counted in one aggregation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw

from cohort.errors import Problem, SpecError, listed, suggest
from cohort.schema import HER2_STATUS, column
from cohort.sites import COLUMN, other_site
from cohort.table import AttritionStep, Choice, Cohort

LazyTable = nw.LazyFrame[Any]
Bound = float | int | None


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition that a patient must meet, and why.

    Exactly one of: `between` (both ends included, None is open), `one_of` (levels or text),
    `none_of` (levels or text), `not_missing`. A patient whose value is missing meets `none_of`
    and no other criterion; how many left for that is counted apart.
    """

    id: str
    column: str
    reason: str
    between: tuple[Bound, Bound] | None = None
    one_of: Sequence[str] | None = None
    none_of: Sequence[str] | None = None
    not_missing: bool = False

    def __post_init__(self) -> None:
        """Refuse none or several conditions in one criterion."""
        where = f"criterion '{self.id}'"
        conditions = (self.between, self.one_of, self.none_of)
        given = [*(condition is not None for condition in conditions), self.not_missing]
        if sum(given) != 1:
            allowed = "Exactly one of: between, one_of, none_of, not_missing"
            raise SpecError(Problem(where, f"{sum(given)} conditions given", allowed))
        for name, levels in (("one_of", self.one_of), ("none_of", self.none_of)):
            if levels is not None and (isinstance(levels, str) or not levels):
                found = f"{name} is {levels!r}"
                raise SpecError(Problem(where, found, "A tuple of levels, such as ('I', 'II')"))
        if self.between is not None and not _is_range(self.between):
            found = f"between is {self.between!r}"
            raise SpecError(Problem(where, found, "Two numbers, the lower first; None is open"))

    def met(self) -> nw.Expr:
        """True where met; null where the value is missing and that is why it is not."""
        value = nw.col(self.column)
        if self.none_of is not None:
            return ~value.is_in(self._values(self.none_of)).fill_null(False)
        if self.one_of is not None:
            inside = value.is_in(self._values(self.one_of))
            return nw.when(value.is_null()).then(nw.lit(None)).otherwise(inside)
        if self.between is not None:
            low, high = self.between
            inside = nw.lit(True)
            if low is not None:
                inside = inside & (value >= low)
            if high is not None:
                inside = inside & (value <= high)
            return nw.when(value.is_null()).then(nw.lit(None)).otherwise(inside)
        return nw.when(value.is_null()).then(nw.lit(None)).otherwise(nw.lit(True))

    def _values(self, levels: Sequence[str]) -> list[Any]:
        """The levels as the column holds them."""
        known = column(self.column)
        numeric = known is not None and known.kind in ("number", "integer")
        return [float(level) for level in levels] if numeric else list(levels)


def _is_range(between: object) -> bool:
    """Whether it is two ends in order, numbers or None, and not open at both."""
    if isinstance(between, str) or not isinstance(between, Sequence) or len(between) != 2:
        return False
    ends = [end for end in between if end is not None]
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    return bool(ends) and numbers and ends == sorted(ends)


def her2_criteria(*, drawn: bool = False) -> tuple[Criterion, ...]:
    """The criteria that leave the three HER2 groups, one a status that is no group.

    Where the in-situ result of IHC 2+ is to be `drawn` (edge case E1), those patients stay: they
    alone are unresolved and have a detail. Ids hold a hyphen, which one of a study file cannot.
    """
    reasons = {
        "unknown": "No HER2 evidence",
        "unresolved": "HER2 evidence conflicts or is incomplete",
        "negative_unspecified": "HER2-negative without a score: neither zero nor low",
    }
    every = list(HER2_STATUS)
    criteria = []
    for status, reason in reasons.items():
        every.remove(status)
        allowed = (*every, "unresolved") if drawn and status != "unresolved" else tuple(every)
        allowed = tuple(dict.fromkeys(allowed))
        criteria.append(Criterion(f"her2-{status}", "her2_status", reason, one_of=allowed))
    if drawn:
        reason = (
            "HER2 evidence conflicts or is incomplete, other than IHC 2+ without in-situ result"
        )
        criteria[1] = Criterion("her2-unresolved", "her2_detail", reason, not_missing=True)
        # A negative result without a score has no detail either: it is counted as what it is.
        criteria = [criteria[0], criteria[2], criteria[1]]
    return tuple(criteria)


def breast_criterion(cohort: Cohort) -> Criterion | None:
    """The criterion that leaves out tumours of other sites; None where there are none.

    A site that is not known, or is no topography code, stays and is counted among the findings.
    """
    if COLUMN not in cohort.columns:
        return None
    sites = cohort.patients.filter(other_site()).select(COLUMN).unique().sort(COLUMN)
    others = cohort.engine.collect(sites)[COLUMN].to_pylist()
    if not others:
        return None
    reason = "Tumour of another site than the breast"
    return Criterion("breast-site", COLUMN, reason, none_of=tuple(others))


def neoadjuvant_criterion() -> Criterion:
    """The criterion that leaves patients whose HER2 was known before neoadjuvant therapy.

    Having a specimen after it means that the response was not complete: from diagnosis, or with
    the response as the outcome, such patients are no fair part of their group (edge case E11).
    """
    return Criterion(
        "her2-before-neoadjuvant",
        "specimen_timing",
        "HER2 known only after neoadjuvant therapy",
        none_of=("after_neoadjuvant",),
    )


def endpoint_criterion(cohort: Cohort, endpoint: str) -> Criterion:
    """The criterion that leaves patients whose endpoint is known."""
    name = f"{endpoint}_time"
    whys = {f.rule for f in cohort.findings if f.source == "endpoint" and f.column == name}
    # The findings count each reason; one line of the flow has room for the usual one only.
    usual = whys <= {"no_endpoint", "time_zero"}
    reason = "Vital status or follow-up not known" if usual else "Endpoint not known or not at risk"
    return Criterion(f"{endpoint}-known", name, reason, not_missing=True)


def select(
    cohort: Cohort,
    criteria: Sequence[Criterion],
    *,
    endpoint: str | None = None,
    her2_groups: bool = True,
    her2_drawn: bool = False,
) -> Cohort:
    """The patients who meet every criterion, with how many each left out.

    Parameters
    ----------
    criteria
        Taken in order: a patient is counted under the first that is not met.
    endpoint
        Stem of an endpoint that must be known (last step).
    her2_groups, her2_drawn
        Keep only HER2-zero, -low and -positive, after the criteria and before the endpoint; and
        IHC 2+ whose in-situ result is to be imputed (edge case E1).

    Returns
    -------
    Cohort
        With `attrition` set: one step a criterion, ``n_before - n_removed = n_after``, counts by
        HER2 status where the cohort is classified.

    Raises
    ------
    SpecError
        For a column that the cohort does not have, all at once.
    """
    every = list(criteria)
    if her2_groups:
        every += her2_criteria(drawn=her2_drawn)
    if endpoint is not None:
        every.append(endpoint_criterion(cohort, endpoint))
    _check(cohort, every)
    by_group = "her2_status" in cohort.columns
    group = nw.col("her2_status") if by_group else nw.lit("all")
    marked = cohort.patients.with_columns(attrition_place=_first_not_met(every))
    counted = cohort.engine.collect(
        marked.with_columns(attrition_group=group)
        .group_by(["attrition_place", "attrition_group"])
        .agg(n=nw.len())
    ).to_pylist()
    counts = {(int(r["attrition_place"]), str(r["attrition_group"])): int(r["n"]) for r in counted}
    steps = _steps(every, counts, HER2_STATUS if by_group else ("all",))
    kept = marked.filter(nw.col("attrition_place") == len(every) * 2).drop("attrition_place")
    n = steps[-1].n_after if steps else cohort.n
    chosen = tuple(
        Choice("select_implied" if "-" in c.id else "select", c.id, _words(c), c.reason)
        for c in every
    )
    selected = replace(cohort, patients=kept, n=n, attrition=cohort.attrition + steps)
    return selected.noting(choices=chosen)


def _first_not_met(criteria: Sequence[Criterion]) -> nw.Expr:
    """Twice the place of the first criterion not met, one more where its value is missing.

    A patient who meets all has twice their number.
    """
    place = nw.lit(len(criteria) * 2)
    for i, criterion in reversed(list(enumerate(criteria))):
        met = criterion.met()
        place = (
            nw.when(met.is_null())
            .then(nw.lit(2 * i + 1))
            .when(~met)
            .then(nw.lit(2 * i))
            .otherwise(place)
        )
    return place


def _steps(
    criteria: Sequence[Criterion], counts: dict[tuple[int, str], int], groups: Sequence[str]
) -> tuple[AttritionStep, ...]:
    """The chain of steps from counts by (first criterion not met, group)."""
    left = {g: sum(n for (_, group), n in counts.items() if group == g) for g in groups}
    steps = []
    for i, criterion in enumerate(criteria):
        removed = {g: counts.get((2 * i, g), 0) + counts.get((2 * i + 1, g), 0) for g in groups}
        before = sum(left.values())
        left = {g: left[g] - removed[g] for g in groups}
        steps.append(
            AttritionStep(
                id=criterion.id,
                reason=criterion.reason,
                n_before=before,
                n_removed=sum(removed.values()),
                n_after=sum(left.values()),
                removed_by_group=tuple(removed.items()),
                after_by_group=tuple(left.items()),
                n_unknown=sum(counts.get((2 * i + 1, g), 0) for g in groups),
            )
        )
    return tuple(steps)


def _check(cohort: Cohort, criteria: Sequence[Criterion]) -> None:
    """Columns that are not there, and conditions that do not fit theirs, all at once."""
    known = cohort.columns
    problems = []
    for criterion in criteria:
        if criterion.column not in known:
            problems.append(
                Problem(
                    f"criterion '{criterion.id}'",
                    f"'{criterion.column}' is not a column of this cohort",
                    f"Columns: {listed(known)}",
                    suggest(criterion.column, known),
                )
            )
        else:
            problems += _misfits(criterion)
    if problems:
        raise SpecError(problems)


def _misfits(criterion: Criterion) -> list[Problem]:
    """Levels that the column does not have, a range of what is no number."""
    known = column(criterion.column)
    if known is None:
        return []
    where = f"criterion '{criterion.id}'"
    numeric = known.kind in ("number", "integer")
    if criterion.between is not None and not numeric:
        found = f"'{known.name}' is no number and has no range"
        return [Problem(where, found, advice="Use one_of.")]
    wrong = []
    for level in criterion.one_of or criterion.none_of or ():
        if numeric and not _is_number(level):
            wrong.append(Problem(where, f"'{level}' is no number, and {known.name} is one"))
        elif known.levels and level not in known.levels:
            allowed, near = f"Levels: {listed(known.levels)}", suggest(level, known.levels)
            wrong.append(Problem(where, f"'{level}' is not a level of {known.name}", allowed, near))
    return wrong


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _words(criterion: Criterion) -> str:
    """The condition as a person reads it."""
    if criterion.one_of is not None:
        return f"{criterion.column}: {listed(criterion.one_of)}"
    if criterion.none_of is not None:
        return f"{criterion.column} not {listed(criterion.none_of)}"
    if criterion.between is not None:
        low, high = criterion.between
        if low is None:
            return f"{criterion.column} up to {high:g}"
        return (
            f"{criterion.column} {low:g} or more"
            if high is None
            else f"{criterion.column} {low:g} to {high:g}"
        )
    return f"{criterion.column} known"
