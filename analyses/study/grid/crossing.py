"""Every combination of the choices that a study's grid names, the study's own first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from analyses.results.specification_curve import Axis
from analyses.study.specs.cox import CoxSpec
from analyses.study.specs.sensitivity import SensitivitySpec, year_words
from analyses.study.specs.term import TermSpec
from cohort.errors import Problem, listed, suggest

if TYPE_CHECKING:
    from analyses.study.criterion_spec import CriterionSpec
    from analyses.study.spec import Study

NAMES = ("editions", "policies", "endpoints", "adjustment", "missing", "years", "subsets")
TITLES = {
    "editions": "ASCO/CAP edition",
    "policies": "HER2 edge cases",
    "endpoints": "Endpoint",
    "adjustment": "Adjusted for",
    "missing": "Missing values",
    "years": "Years of diagnosis",
    "subsets": "Patients",
}
MISSING_WORDS = {"complete_case": "Complete cases", "impute": "Imputed"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One specification: what is asked of each stage, and its choice on each axis."""

    choices: tuple[int, ...]
    edition: int
    policies: Mapping[str, str]
    endpoint: str
    terms: tuple[TermSpec, ...]
    missing: str
    criteria: tuple[CriterionSpec, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """The axes in words, and what each choice stands for."""

    spec: SensitivitySpec
    model: CoxSpec
    axes: tuple[Axis, ...]
    values: tuple[tuple[Any, ...], ...]

    @property
    def n(self) -> int:
        """Specifications in all."""
        return math.prod(len(values) for values in self.values)

    @property
    def sizes(self) -> str:
        """Choices of each axis that has any beside the study's own."""
        return " x ".join(
            f"{axis.name} {len(axis.choices)}" for axis in self.axes if len(axis.choices) > 1
        )

    def cells(self) -> Iterator[Cell]:
        """Every specification, the last axis running fastest; the study's own is the first."""
        for places in itertools.product(*(range(len(values)) for values in self.values)):
            chosen = [values[place] for values, place in zip(self.values, places, strict=True)]
            edition, policies, endpoint, terms, missing, years, subset = chosen
            criteria = tuple(c for c in (self.model.only, years, subset) if c is not None)
            yield Cell(places, edition, policies, endpoint, terms, missing, criteria)


def main_model(study: Study, spec: SensitivitySpec) -> CoxSpec | None:
    """The Cox model that the grid names; None where there is none of that id."""
    return next(
        (one for one in study.analyses if isinstance(one, CoxSpec) and one.id == spec.of), None
    )


def crossing(study: Study, spec: SensitivitySpec) -> Crossing:
    """The axes of a study that was checked."""
    model = main_model(study, spec)
    assert model is not None
    endpoints = [model.endpoint, *(e for e in spec.endpoints if e != model.endpoint)]
    labels = {e.id: f"{e.label or e.kind} ({e.id})" for e in study.endpoints}
    parts: dict[str, list[tuple[str, Any]]] = {
        "editions": [
            (str(edition), edition)
            for edition in dict.fromkeys([study.her2.edition, *spec.editions])
        ],
        "policies": list(_policies(study, spec)),
        "endpoints": [(labels[name], name) for name in endpoints],
        "adjustment": list(_adjustments(spec, model)),
        "missing": [
            (MISSING_WORDS[name], name) for name in dict.fromkeys(["complete_case", *spec.missing])
        ],
        "years": [
            ("All", None),
            *((year_words(*years), spec.year_criterion(i)) for i, years in enumerate(spec.years)),
        ],
        "subsets": [("All", None), *((subset.reason, subset) for subset in spec.subsets)],
    }
    axes = tuple(Axis(name, TITLES[name], _apart([w for w, _ in parts[name]])) for name in NAMES)
    return Crossing(spec, model, axes, tuple(tuple(v for _, v in parts[name]) for name in NAMES))


def _apart(words: list[str]) -> tuple[str, ...]:
    """The words of an axis, told apart where two choices read alike."""
    return tuple(
        word if word not in words[:k] else f"{word} ({words[:k].count(word) + 1})"
        for k, word in enumerate(words)
    )


def _policies(study: Study, spec: SensitivitySpec) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The study's own edge cases, then each departure from them."""
    from cohort.her2_policies import policies, resolved

    own = dict(study.her2.policies)
    yield "As in the study", own
    if isinstance(spec.policies, str):
        in_force = resolved(own)
        for case, choices in policies().items():
            for choice in choices:
                if choice != in_force[case]:
                    yield f"{case} {choice.replace('_', ' ')}", _with(own, {case: choice}, in_force)
        return
    for given in spec.policies:
        said = ", ".join(
            value if key == "policy" else f"{key} {value.replace('_', ' ')}"
            for key, value in given.items()
        )
        alone = "policy" in given
        yield said, dict(given) if alone else _with(own, dict(given), resolved(own))


def _with(own: dict[str, str], given: dict[str, str], in_force: dict[str, str]) -> dict[str, str]:
    """Edge cases changed; a named set that decides one of them is written out first."""
    return (in_force if "policy" in own else own) | given


def _adjustments(
    spec: SensitivitySpec, model: CoxSpec
) -> Iterator[tuple[str, tuple[TermSpec, ...]]]:
    """The main model's terms, then each set beside the contrast's own term."""
    yield "As in the main model", tuple(_against(spec, term) for term in model.terms)
    own = next(term for term in model.terms if term.name == spec.contrast.term)
    for name, terms in spec.adjustment.items():
        yield name.replace("_", " ").capitalize(), (_against(spec, own), *terms)


def _against(spec: SensitivitySpec, term: TermSpec) -> TermSpec:
    """The contrast's term with its reference, where the grid names one."""
    if term.name != spec.contrast.term or spec.contrast.reference is None:
        return term
    return term.model_copy(update={"reference": spec.contrast.reference})


def grid_problems(study: Study) -> Iterator[Problem]:
    """What keeps a grid from being run: its model, contrast, edge cases, and its size."""
    spec = study.sensitivity
    if spec is None:
        return
    place = ("sensitivity",)
    model = main_model(study, spec)
    if model is None:
        known = [one.id for one in study.analyses if isinstance(one, CoxSpec)]
        yield Problem(
            study.place((*place, "of")),
            f"'{spec.of}' is no Cox model of this study",
            f"Models: {listed(known)}" if known else "The study has none",
            suggest(spec.of, known),
        )
        return
    names = [term.name for term in model.terms if term.name is not None]
    if spec.contrast.term not in names:
        yield Problem(
            study.place((*place, "contrast", "term")),
            f"'{spec.contrast.term}' is no term of the model '{model.id}'",
            f"Terms: {listed(names)}",
            suggest(spec.contrast.term, names),
        )
        return
    yield from _imputed_problems(study, spec, model)
    found = [*_endpoint_problems(study, spec), *_policy_problems(study, spec)]
    yield from found
    if not found:
        yield from _too_many(study, spec)


def _imputed_problems(study: Study, spec: SensitivitySpec, model: CoxSpec) -> Iterator[Problem]:
    """Imputed specifications of a model that imputation does not go with."""
    given = [name for name in ("weights", "penalty") if getattr(model, name)]
    if "impute" in spec.missing and given:
        yield Problem(
            study.place(("sensitivity", "missing")),
            f"impute, and the model '{model.id}' has {listed(given)}",
            advice=f"Leave impute out, or name a model without {listed(given)}.",
        )


def _endpoint_problems(study: Study, spec: SensitivitySpec) -> Iterator[Problem]:
    known = [endpoint.id for endpoint in study.endpoints]
    for i, name in enumerate(spec.endpoints):
        if name not in known:
            yield Problem(
                study.place(("sensitivity", "endpoints", i)),
                f"'{name}' is not an endpoint of this study",
                f"Endpoints: {listed(known)}",
                suggest(name, known),
            )


def _policy_problems(study: Study, spec: SensitivitySpec) -> Iterator[Problem]:
    from cohort.her2_policies import policy_problems

    if isinstance(spec.policies, str):
        return
    for i, given in enumerate(spec.policies):
        yield from policy_problems(given, partial(_policy_place, study, i))


def _policy_place(study: Study, i: int, name: str) -> str:
    return study.place(("sensitivity", "policies", i, name))


def _too_many(study: Study, spec: SensitivitySpec) -> Iterator[Problem]:
    crossed = crossing(study, spec)
    if crossed.n > spec.limit:
        yield Problem(
            study.place(("sensitivity",)),
            f"{crossed.n:,} specifications ({crossed.sizes}), and the limit is {spec.limit:,}",
            advice="Name fewer choices, or set the limit higher: each specification is one model.",
        )
