"""IHC 2+ whose in-situ result a study has imputed (edge case E1): who they are, and how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cohort.errors import Problem

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.spec import Study

SCORE, OF_SCORE = "her2_ihc", "2+"
COLUMNS = ("her2_status", "her2_detail")
IMPUTED = "her2_status"


def draws_her2(study: Study) -> bool:
    """Whether the study asks for it."""
    return study.her2.policies.get("E1") == "impute"


def undrawn(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with these patients' group missing, which it is until it is drawn.

    Analyses that do not impute leave them out as they leave out everyone without a value.
    """
    if "her2_status" not in frame:
        return frame
    of_them = (frame["her2_status"] == "unresolved").to_numpy(dtype=bool)
    if not of_them.any():
        return frame
    made = frame.copy(deep=False)
    for name in COLUMNS:
        if name in made:
            made[name] = made[name].mask(of_them)
            made[name] = made[name].cat.remove_unused_categories()
    return made


def among(frame: pd.DataFrame, names: Any) -> dict[str, tuple[str, str]]:
    """The patients whom the model of their group is fitted to: those with IHC 2+ and a result."""
    if IMPUTED in names and SCORE in frame and frame[IMPUTED].isna().any():
        return {IMPUTED: (SCORE, OF_SCORE)}
    return {}


def drawn_problems(study: Study) -> Iterator[Problem]:
    """E1: impute where no analysis imputes the HER2 groups."""
    if not draws_her2(study):
        return
    uses = any(
        getattr(spec, "imputing", None) is not None and IMPUTED in spec.reads()
        for spec in study.analyses
    )
    if not uses:
        yield Problem(
            study.place(("her2", "policies", "E1")),
            "'impute' where no analysis imputes missing values of her2_status",
            advice="Add missing: impute to a model with her2_status, or choose unresolved.",
        )
