"""Missing values counted, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.missingness import MissingnessSpec


def lacking(spec: MissingnessSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Who lacks what."""
    from analyses.imputation.missingness import missingness
    from analyses.results.imputed import MissingnessAnalysis

    found = missingness(frame, columns=list(spec.columns), by=spec.by)
    made = MissingnessAnalysis(spec.id, spec.title or "Missing values", found)
    return Outcome(spec.id, made, found.records(spec.id, setting.unit))
