"""Everything about a study that can be known before the first number is computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from analyses.study.check_columns import column_problems, reference_problems
from analyses.study.check_evidence import evidence_problems
from analyses.study.check_source import source_problems
from analyses.study.check_specimens import specimen_problems
from analyses.study.check_treatments import treatment_problems
from analyses.study.drawn_her2 import drawn_problems
from analyses.study.engine_spec import engine_problems
from analyses.study.grid.crossing import grid_problems
from analyses.study.life_table_file import life_table_problems
from analyses.study.origin import line_of
from analyses.study.report_spec import report_problems
from analyses.study.specs.category_model import CategoryModelSpec
from analyses.study.specs.cox import CoxSpec
from analyses.study.specs.cumulative_incidence import CumulativeIncidenceSpec
from analyses.study.specs.fine_gray import FineGraySpec
from analyses.study.specs.kaplan_meier import KaplanMeierSpec
from analyses.study.specs.late_treatment import CloneCensorWeightSpec, LandmarkSpec
from analyses.study.specs.modelled import Modelled
from analyses.study.specs.performance import PerformanceSpec
from analyses.study.specs.rmst import RmstSpec
from analyses.study.specs.subgroups import SubgroupsSpec
from analyses.study.specs.treatment_effect import TreatmentEffectSpec
from analyses.study.uses import uses
from cohort.errors import Problem
from cohort.schema import column

if TYPE_CHECKING:
    from analyses.study.endpoint_spec import EndpointSpec
    from analyses.study.spec import Study
    from cohort.duration import Duration


def check_study(study: Study) -> tuple[Problem, ...]:
    """Every problem of a study that shows before its patients are read; empty where there is none.

    Columns are canonical and fit their purpose; levels and reference groups exist; edge cases of
    the HER2 classification exist; times lie before the endpoint's end; the source's dictionary
    exists and can be read; its files are given and exist; and it gives every column and endpoint
    that the study uses.

    Returns
    -------
    tuple of Problem
        In the order of the study file, each with its line, what is allowed and what to try.
    """
    used = uses(study)
    found = [
        *_policies(study),
        *drawn_problems(study),
        *specimen_problems(study),
        *column_problems(study, used),
        *_interactions(study),
        *_times(study),
        *_references(study),
        *evidence_problems(study),
        *life_table_problems(study),
        *treatment_problems(study),
        *grid_problems(study),
        *source_problems(study, used),
        *engine_problems(study),
        *report_problems(study),
    ]
    return tuple(sorted(dict.fromkeys(found), key=line_of))


def _policies(study: Study) -> Iterator[Problem]:
    """Edge cases and choices that the classification does not know, or that contradict."""
    from cohort.her2_policies import policy_problems

    yield from policy_problems(
        study.her2.policies, lambda name: study.place(("her2", "policies", name))
    )


def _interactions(study: Study) -> Iterator[Problem]:
    """Interactions whose columns are not terms themselves."""
    for i, spec in enumerate(study.analyses):
        if not isinstance(spec, CoxSpec | FineGraySpec | Modelled | CategoryModelSpec):
            continue
        alone = [term.name for term in spec.terms if term.name is not None]
        for k, term in enumerate(spec.terms):
            for j, name in enumerate(term.interaction or ()):
                if name not in alone:
                    yield Problem(
                        study.place(("analyses", i, "terms", k, "interaction", j)),
                        f"'{name}' is in an interaction and is not a term itself",
                        advice=f"Add '{name}' to the terms.",
                    )


def _times(study: Study) -> Iterator[Problem]:
    """Times that lie past the end of their endpoint."""
    for i, spec in enumerate(study.analyses):
        for key, last, name in _last_times(spec):
            endpoint = study.endpoint(name)
            if last.within("days") > _censored_at(endpoint):
                yield Problem(
                    study.place(("analyses", i, key)),
                    f"{last} lies past {endpoint.censor_at}, where endpoint '{endpoint.id}' "
                    "is censored",
                    advice="Leave the time out, or let the endpoint run longer.",
                )


def _last_times(spec: Any) -> Iterator[tuple[str, Duration, str]]:
    """The latest times that an analysis looks at: key in the study file, time, endpoint."""
    timed = KaplanMeierSpec | CumulativeIncidenceSpec | TreatmentEffectSpec | CloneCensorWeightSpec
    if isinstance(spec, timed) and spec.at is not None:
        yield "at", spec.at.to_durations()[-1], spec.endpoint
    if isinstance(spec, PerformanceSpec):
        yield "at", spec.at.to_durations()[-1], spec.endpoint
    if isinstance(spec, LandmarkSpec):
        yield "landmark", spec.landmark.to_duration(), spec.endpoint
    if isinstance(spec, CloneCensorWeightSpec):
        yield "grace", spec.grace.to_duration(), spec.endpoint
    until = RmstSpec | PerformanceSpec | CloneCensorWeightSpec
    if isinstance(spec, until) and spec.tau is not None:
        yield "tau", spec.tau.to_duration(), spec.endpoint


def _references(study: Study) -> Iterator[Problem]:
    """Reference groups that are no level of their column, or that the selection leaves out."""
    for i, spec in enumerate(study.analyses):
        compared = (
            KaplanMeierSpec
            | RmstSpec
            | CumulativeIncidenceSpec
            | SubgroupsSpec
            | TreatmentEffectSpec
        )
        if not isinstance(spec, compared) or spec.reference is None:
            continue
        known = column(str(spec.by))
        if known is not None and known.kind == "category":
            yield from reference_problems(
                study, ("analyses", i, "reference"), spec.reference, known
            )


def _censored_at(endpoint: EndpointSpec) -> float:
    """Days at which the endpoint ends; without limit where it is not censored."""
    if endpoint.censor_at is None:
        return float("inf")
    return endpoint.censor_at.to_duration().within("days")
