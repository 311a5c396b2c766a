"""Whether the source of a study gives what its endpoints are made from, told at their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from cohort.endpoint_rules import endpoint_rules
from cohort.endpoints_definition import Endpoint, EndpointDefinition
from cohort.endpoints_refusals import Offer, Refusal, decided
from cohort.errors import Problem, listed

if TYPE_CHECKING:
    from analyses.study.spec import Study
    from cohort.dictionary import SourceDictionary

# Canonical columns of a source, each with roles of files of which it needs one; none: it is there.
Available = Mapping[str, tuple[str, ...]]


def endpoint_problems(
    study: Study, dictionary: SourceDictionary, available: Available
) -> Iterator[Problem]:
    """Endpoints that the source neither gives nor has the parts of, or that are off."""
    offer = _offer(study, dictionary, available)
    for i, spec in enumerate(study.endpoints):
        for reason in _refused(offer, spec.to_definition()):
            key = "from" if reason.key == "made_from" else reason.key
            yield reason.at(study.place(("endpoints", i, key)))
    yield from _without_states(study, offer)


def _without_states(study: Study, offer: Offer) -> Iterator[Problem]:
    """Analyses of competing events whose endpoint has none, the source allowing it."""
    competing = {}
    for spec in study.endpoints:
        competing[spec.id] = _may_compete(offer, spec.to_definition())
    for i, asked in enumerate(study.analyses):
        key, name = getattr(asked, "competes", None), str(getattr(asked, "endpoint", ""))
        if key is None or competing[name]:
            continue
        yield Problem(
            study.place(("analyses", i, key)),
            f"nothing competes with the event of endpoint '{name}' ({study.endpoint(name).kind})",
            f"Endpoints with competing events: {listed(_with_states())}",
            "Choose such an endpoint, or leave cause out."
            if key == "cause"
            else "Choose such an endpoint, or ask for kaplan_meier, logrank and cox.",
        )


def _may_compete(offer: Offer, asked: EndpointDefinition) -> bool:
    """Whether something may compete with an endpoint, ready-made or made; True where refused."""
    ways = [asked]
    if asked.options.made_from is None:
        ways.append(replace(asked, options=replace(asked.options, made_from="events")))
    for one in ways:
        rule, refused = decided(offer, one)
        if (refused and one is asked) or Endpoint(one, rule).has_states:
            return True
    return False


def _with_states() -> list[str]:
    """Kinds of endpoints with which something competes as they are defined."""
    return [
        kind
        for kind, rule in endpoint_rules().items()
        if Endpoint(EndpointDefinition(kind.lower(), kind), rule).has_states
    ]


def _refused(offer: Offer, asked: EndpointDefinition) -> list[Refusal]:
    """Every reason that holds whether or not the files have the endpoint ready-made.

    A dictionary may name a ready-made endpoint that this file has not: then it is made.
    """
    _, refused = decided(offer, asked)
    if refused and asked.options.made_from is None:
        made = replace(asked, options=replace(asked.options, made_from="events"))
        if not decided(offer, made)[1]:
            return []
    return refused


def _offer(study: Study, dictionary: SourceDictionary, available: Available) -> Offer:
    """What the source has for endpoints, before any of its files is opened."""
    roles = {dictionary.file_of(block.from_) for block in dictionary.events}
    given = bool(roles & set(study.source.files))
    return Offer(
        source=dictionary.name,
        time_unit=dictionary.time.followup,
        columns=available,
        events=() if given else tuple(sorted(roles)) or None,
        identifies=MappingProxyType(dictionary.identifies.said()),
        because=dictionary.identifies.because,
    )
