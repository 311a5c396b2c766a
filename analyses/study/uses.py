"""Every place of a study that names a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.study.use import Use

if TYPE_CHECKING:
    from analyses.study.spec import Study


def uses(study: Study) -> tuple[Use, ...]:
    """Every use of a column, in the order of the study file."""
    found = []
    if study.her2.index_day is not None:
        found.append(Use(("her2", "index_day"), study.her2.index_day, "day"))
    found += [
        Use(("select", i, "column"), spec.column, "criterion", criterion=spec)
        for i, spec in enumerate(study.select)
    ]
    for i, analysis in enumerate(study.analyses):
        found += analysis.uses(("analyses", i))
    if study.sensitivity is not None:
        found += study.sensitivity.uses(("sensitivity",))
    return tuple(found)
