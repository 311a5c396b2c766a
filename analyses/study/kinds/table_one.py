"""A description by group, from the selected patients to its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.table_one import TableOneSpec


def described(spec: TableOneSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The features of each group."""
    unit = setting.unit
    from analyses.estimators.table_one import table_one
    from analyses.results.study import TableAnalysis

    del unit
    table = table_one(frame, by=spec.by, columns=list(spec.columns), tests=spec.tests)
    title = spec.title or "Features by group"
    records = table.records(spec.id)
    return Outcome(spec.id, TableAnalysis(spec.id, title, table), records, table.findings)
