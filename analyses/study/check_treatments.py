"""Whether it can be known that a treatment was settled at time zero."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from analyses.study.specs.treatment_effect import TreatmentEffectSpec
from cohort.errors import Problem, SpecError
from cohort.schema import column

if TYPE_CHECKING:
    from analyses.study.spec import Study

THREE_WAYS = (
    "Whoever is treated later must have lived until then. Compare from a landmark on, count "
    "start-stop rows, or clone, censor and weight; or state starts: time_zero where the treatment "
    "was settled by then (randomised)."
)


def treatment_problems(study: Study) -> Iterator[Problem]:
    """Treatments whose start is not told, or is counted from another day than the endpoint."""
    for i, spec in enumerate(study.analyses):
        if not isinstance(spec, TreatmentEffectSpec) or spec.starts != "measured":
            continue
        where = study.place(("analyses", i, "treatment"))
        known, origin = column(spec.treatment), study.endpoint(spec.endpoint).origin
        given = _given(study)
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


def _given(study: Study) -> Collection[str] | None:
    """The columns of the source's dictionary; None where it is unreadable (told elsewhere)."""
    try:
        return study.dictionary().columns
    except SpecError:
        return None
