"""The stages before the analyses: each a function of the study and of what the last one gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analyses.study.criterion_spec import criteria
from analyses.study.drawn_her2 import draws_her2
from cohort.errors import AnalysisError, Problem
from cohort.table import Cohort, Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyses.study.spec import Study
    from cohort.selection import Criterion
    from cohort.table import Engine


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """The patients of every analysis, those of each endpoint, and what some columns ask for.

    `findings` are of the patients that were selected, `mixed` of what analyses pool.
    """

    shared: Cohort
    by_endpoint: Mapping[str, Cohort]
    conditions: Mapping[str, Criterion]
    findings: tuple[Finding, ...]
    mixed: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What the stages gave: patients harmonised, then with groups and endpoints, then selected."""

    harmonised: Cohort
    cohort: Cohort
    selected: Selected


def prepared(study: Study, engine: Engine, say: Callable[[str], None]) -> Prepared:
    """All stages in turn; `say` is told of each as it begins."""
    raw = harmonised(study, engine, say)
    say("classify")
    grouped = classified(study, raw)
    say("endpoints")
    cohort = with_endpoints(study, grouped)
    say("select")
    return Prepared(raw, cohort, selection(study, cohort))


def harmonised(study: Study, engine: Engine, say: Callable[[str], None]) -> Cohort:
    """The source's patients under canonical names."""
    from analyses.study.uses import uses
    from cohort.harmonisation import harmonise
    from cohort.loading import load

    say("load")
    columns = [*(use.column for use in uses(study)), *study.source.recode]
    if {"er_status", "hr_status", "er_group"} & set(columns):
        columns.append("er_percent")  # which tells whether low is pooled with positive
    extract = load(study.paths(), source=study.dictionary(), engine=engine, columns=columns)
    say("harmonise")
    return harmonise(extract, on_unknown_code=study.on_unknown_code, recode=study.source.recode)


def classified(study: Study, cohort: Cohort) -> Cohort:
    """The same patients with their HER2 group, from their index specimen."""
    from cohort.her2 import classify_her2
    from cohort.specimens import index_specimen

    rules: dict[str, Any] = {"edition": study.her2.edition, "policies": dict(study.her2.policies)}
    cohort = index_specimen(cohort, **rules, index_day=study.her2.index_day)
    return classify_her2(cohort, **rules)


def with_endpoints(study: Study, cohort: Cohort) -> Cohort:
    """The same patients with every endpoint of the study."""
    from cohort.endpoints import add_endpoints

    return add_endpoints(cohort, [spec.to_definition() for spec in study.endpoints])


def selection(study: Study, cohort: Cohort) -> Selected:
    """The criteria and the three groups for all; then what each endpoint needs."""
    from analyses.study.pooling import pooled_findings, selected_by_treatment
    from cohort.exposure import with_timely_her2
    from cohort.her2_findings import era_findings
    from cohort.selection import neoadjuvant_criterion, select

    shared = select(
        cohort,
        criteria(study.select, cohort),
        her2_groups=compares_her2(study),
        her2_drawn=draws_her2(study),
    )
    if shared.n == 0:
        emptied = next(step for step in shared.attrition if step.n_after == 0)
        raise AnalysisError(
            Problem(
                "select",
                f"no patient is left after step '{emptied.id}' ({emptied.reason})",
                advice="Widen this criterion, or look at the counts by her2low classify.",
            )
        )
    without_late = _leaves_late_out(study, shared)
    known = "HER2 known before neoadjuvant therapy"
    conditions = {"pcr": replace(neoadjuvant_criterion(), reason=known)} if without_late else {}
    by_endpoint = {
        spec.id: with_timely_her2(shared, spec.to_definition())
        if without_late
        else select(shared, [], endpoint=spec.id, her2_groups=False)
        for spec in study.endpoints
    }
    found = (*era_findings(shared, study.her2.edition), *_late(study, by_endpoint))
    mixed = (*pooled_findings(study, by_endpoint), *selected_by_treatment(study, shared))
    return Selected(shared, by_endpoint, conditions, found, mixed)


def _late(study: Study, by_endpoint: Mapping[str, Cohort]) -> tuple[Finding, ...]:
    """Patients of each endpoint whose HER2 was known only in its course, where it is compared."""
    from cohort.exposure import late_exposure

    if not compares_her2(study):
        return ()
    return tuple(
        found
        for spec in study.endpoints
        for found in late_exposure(
            by_endpoint[spec.id], spec.to_definition(), spec.label or spec.kind
        )
    )


def _leaves_late_out(study: Study, cohort: Cohort) -> bool:
    """Whether patients with HER2 only after neoadjuvant therapy leave some analyses (E11)."""
    from cohort.her2_policies import resolved

    in_question = compares_her2(study) and "specimen_timing" in cohort.columns
    return in_question and resolved(dict(study.her2.policies))["E11"] == "left_out"


def compares_her2(study: Study) -> bool:
    """Whether any analysis uses the HER2 groups, so that only their patients can be in it.

    A study that does not (a source without scores) keeps everybody.
    """
    from analyses.study.uses import uses

    return any(use.column in ("her2_status", "her2_detail") for use in uses(study))
