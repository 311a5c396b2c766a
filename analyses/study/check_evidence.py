"""Whether the analysis that published results are compared with exists, earlier and of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyses.study.specs.cox import CoxSpec
from analyses.study.specs.evidence import EvidenceSpec
from cohort.errors import Problem, listed, suggest

if TYPE_CHECKING:
    from analyses.study.spec import Study


def evidence_problems(study: Study) -> Iterator[Problem]:
    """Comparisons with an analysis that is no earlier Cox model, or lacks the term."""
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
