"""Whether what published results are compared with exists, earlier, and answers the question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyses.results.evidence import PAIRS
from analyses.study.specs.cox import CoxSpec
from analyses.study.specs.evidence import EvidenceSpec
from cohort.errors import Problem, listed, suggest

if TYPE_CHECKING:
    from analyses.study.spec import Study


def evidence_problems(study: Study) -> Iterator[Problem]:
    """Comparisons with what is no earlier Cox model, lacks the term, or compares other levels."""
    for i, spec in enumerate(study.analyses):
        if not isinstance(spec, EvidenceSpec) or spec.compares is None:
            continue
        models = {s.id: s for s in study.analyses[:i] if isinstance(s, CoxSpec)}
        found = models.get(spec.compares)
        if found is None:
            allowed = f"Cox analyses before it: {listed(models) or 'none'}"
            advice = suggest(spec.compares, models)
            place = study.place(("analyses", i, "compares"))
            yield Problem(place, f"'{spec.compares}' is no earlier Cox analysis", allowed, advice)
            continue
        names = [term.name for term in found.terms if term.name is not None]
        if spec.term not in names:
            place = study.place(("analyses", i, "term"))
            said = f"'{spec.term}' is no term of '{spec.compares}'"
            yield Problem(place, said, f"Terms: {listed(names)}", suggest(spec.term, names))
            continue
        yield from _pair_problems(study, i, spec, found)


def _pair_problems(study: Study, i: int, spec: EvidenceSpec, model: CoxSpec) -> Iterator[Problem]:
    """A level or a declared reference that is not the contrast's."""
    pair = PAIRS.get(spec.contrast)
    own = next(term for term in model.terms if term.name == spec.term)
    if pair is None:
        return
    if spec.level != pair[0]:
        place = study.place(("analyses", i, "level"))
        yield Problem(place, f"'{spec.level}' is not in {spec.contrast}", f"'{pair[0]}'")
    if own.reference not in (None, pair[1]):
        place = study.place(("analyses", i, "compares"))
        said = f"'{spec.term}' is against '{own.reference}' in '{model.id}', not {spec.contrast}"
        advice = "Name a model with that reference, or ask for another contrast."
        yield Problem(place, said, f"Against '{pair[1]}'", advice)
