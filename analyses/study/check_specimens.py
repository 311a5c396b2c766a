"""Whether what a study asks about specimens fits together, and the source has any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyses.study.specs.her2_change import Her2ChangeSpec
from cohort.errors import Problem, SpecError

if TYPE_CHECKING:
    from analyses.study.spec import Study
    from cohort.yaml_reader import Path


def specimen_problems(study: Study) -> Iterator[Problem]:
    """An order of specimens without its day or with one too many, or without specimens."""
    choice = study.her2.policies.get("E10")
    day = study.her2.index_day
    if choice == "closest" and day is None:
        yield Problem(
            study.place(("her2", "policies", "E10")),
            "'closest' needs the day that the specimen must not be after",
            advice="Add her2.index_day, such as metastasis_day.",
        )
    elif day is not None and choice != "closest":
        yield Problem(
            study.place(("her2", "index_day")),
            "only edge case E10 'closest' looks at a day",
            advice="Add E10: closest under her2.policies, or leave index_day out.",
        )
    wanted = list(_wanting(study))
    if wanted and _has_none(study):
        name = study.dictionary().name
        for path, what in wanted:
            found = f"source '{name}' holds one HER2 result a patient, so {what}"
            yield Problem(study.place(path), found, advice="Leave it out, or use another source.")


def _wanting(study: Study) -> Iterator[tuple[Path, str]]:
    """Places of a study that need specimens, and what cannot be without them."""
    if study.her2.policies.get("E10", "item_3855") != "item_3855":
        yield ("her2", "policies", "E10"), "there is nothing to choose from"
    for i, analysis in enumerate(study.analyses):
        if isinstance(analysis, Her2ChangeSpec):
            yield ("analyses", i, "kind"), "no change can be seen"


def _has_none(study: Study) -> bool:
    """Whether the source is known to hold no specimens; a dictionary in error is told elsewhere."""
    try:
        return not study.dictionary().specimens
    except SpecError:
        return False
