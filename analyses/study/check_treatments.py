"""Treatments that start after time zero: refused at baseline, and their starts where asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from analyses.study.specs.late_treatment import CloneCensorWeightSpec, LateTreatmentSpec
from analyses.study.specs.treatment_effect import TreatmentEffectSpec
from cohort.endpoint_rules import endpoint_rules
from cohort.endpoints_definition import Endpoint
from cohort.errors import Problem, SpecError
from cohort.schema import column
from cohort.start_days import starts_on

if TYPE_CHECKING:
    from analyses.study.endpoint_spec import EndpointSpec
    from analyses.study.spec import Study
    from analyses.study.use import Purpose, Use

THREE_WAYS = (
    "Whoever is treated later must have lived until then. Compare from a landmark on, count "
    "start-stop rows, or clone, censor and weight; or state starts: time_zero where the treatment "
    "was settled by then (randomised)."
)
# What a column is at baseline: what it describes, clusters or is itself the treatment of is not.
_AT_BASELINE: tuple[Purpose, ...] = ("groups", "subgroups", "cut", "term", "stratum")


def late_problems(study: Study, use: Use) -> Iterator[Problem]:
    """A treatment that starts after time zero where a covariate must be known at it.

    For a column that the source gives: what it does not is told otherwise.
    """
    day = starts_on(use.column)
    if day is None or use.endpoint is None or use.purpose not in _AT_BASELINE:
        return
    endpoint = study.endpoint(use.endpoint)
    if _is_there(day, endpoint):
        return
    origin = endpoint.origin.replace("_", " ")
    found = (
        f"'{use.column}' comes about after time zero ({origin}) and cannot stand at baseline: "
        "whoever is treated must have lived until then (immortal time)"
    )
    yield Problem(study.place(use.path), found, advice=_ways_out(use.column, day, endpoint.id))


def _is_there(day: str, endpoint: EndpointSpec) -> bool:
    """Whether what comes about on that day has come about when patients come under observation."""
    return day in (endpoint.to_definition().origin_column, endpoint.entry)


def _ways_out(name: str, day: str, endpoint: str) -> str:
    """What to ask for instead."""
    if day != f"{name}_day":
        begun = day.removesuffix("_day")
        return (
            f"It is known on the day of {begun} only: let time start there (an endpoint with "
            f"origin: {begun}), or leave it out."
        )
    return (
        "Three ways out, each an analysis of its own: {kind: landmark, landmark: {months: 6}}, "
        f"{{kind: start_stop}}, or {{kind: clone_censor_weight, grace: {{months: 6}}}}, with "
        f"endpoint: {endpoint}, treatment: {name}."
    )


def treatment_problems(study: Study) -> Iterator[Problem]:
    """Treatments whose start is not told, or is counted from another day than the endpoint."""
    given = _given(study)
    for i, spec in enumerate(study.analyses):
        if isinstance(spec, LateTreatmentSpec):
            yield from _without_start(study, i, spec, given)
            yield from _with_competing(study, i, spec)
        if not isinstance(spec, TreatmentEffectSpec) or spec.starts != "measured":
            continue
        where = study.place(("analyses", i, "treatment"))
        known, origin = column(spec.treatment), study.endpoint(spec.endpoint).origin
        if known is None or (given is not None and spec.treatment not in given):
            continue  # told elsewhere
        if column(spec.start) is None or (given is not None and spec.start not in given):
            found = f"nothing tells on which day '{spec.treatment}' began"
            yield Problem(where, found, advice=THREE_WAYS)
        elif origin != "diagnosis":
            found = (
                f"'{spec.start}' counts from diagnosis and endpoint '{spec.endpoint}' from {origin}"
            )
            yield Problem(where, found, advice=THREE_WAYS)


def _without_start(
    study: Study, i: int, spec: LateTreatmentSpec, given: Collection[str] | None
) -> Iterator[Problem]:
    """Treatments of which nothing tells the day of the start."""
    keys: list[tuple[tuple[str | int, ...], str]] = [(("treatment",), spec.treatment)]
    if isinstance(spec, CloneCensorWeightSpec):
        keys += [(("time_varying", k), name) for k, name in enumerate(spec.time_varying)]
    for key, name in keys:
        if column(name) is None or (given is not None and name not in given):
            continue  # told elsewhere
        day = f"{name}_day"
        if column(day) is None or (given is not None and day not in given):
            found = f"nothing tells on which day '{name}' began"
            advice = "Without the day nobody can tell who was treated when: leave the analysis out."
            yield Problem(study.place(("analyses", i, *key)), found, advice=advice)


def _with_competing(study: Study, i: int, spec: LateTreatmentSpec) -> Iterator[Problem]:
    """Risks of an endpoint with whose event another competes."""
    endpoint = study.endpoint(spec.endpoint)
    rule = endpoint_rules().get(endpoint.kind)
    if not isinstance(spec, CloneCensorWeightSpec) or rule is None or endpoint.made_from == "given":
        return
    if Endpoint(endpoint.to_definition(), rule).has_states:
        found = f"events compete with that of endpoint '{endpoint.id}' ({endpoint.kind})"
        advice = (
            "Weighted curves would count them as censored and the risks come out too high: choose "
            "an endpoint without competing events (OS), or kind start_stop for the hazard ratio."
        )
        yield Problem(study.place(("analyses", i, "endpoint")), found, advice=advice)


def _given(study: Study) -> Collection[str] | None:
    """The columns of the source's dictionary; None where it is unreadable (told elsewhere)."""
    try:
        return study.dictionary().columns
    except SpecError:
        return None
