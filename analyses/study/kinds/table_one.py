"""A description by group, from the selected patients to its outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from analyses.results.records import Record
from analyses.results.table_one import stratum_id
from analyses.study.outcome import Outcome, attempt, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.table_one import TableOneSpec


def described(spec: TableOneSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The features of each group, in all patients and within each level of a column."""
    from analyses.estimators.table_one import table_one
    from analyses.results.study import TableAnalysis

    del setting
    title = spec.title or "Features by group"
    options: dict[str, Any] = {"by": spec.by, "tests": spec.tests}
    table = table_one(frame, columns=list(spec.columns), **options)
    records, findings = list(table.records(spec.id)), list(table.findings)
    if spec.within is None:
        return Outcome(
            spec.id, TableAnalysis(spec.id, title, table), tuple(records), table.findings
        )
    strata, failures = [], []
    for level, own in within(frame, spec.within):
        # A column is the same in everybody within its own levels.
        columns = [name for name in spec.columns if name != spec.within]
        made, missed = attempt(spec, own, partial(table_one, own, columns=columns, **options))
        failures += [replace(failure, group=level) for failure in missed]
        if made is not None:
            strata.append((level, made))
            records += made.records(stratum_id(spec.id, level))
            findings += made.findings
    unknown = int(frame[spec.within].isna().sum())
    records.append(Record(spec.id, spec.kind, "stratum_not_known", term=spec.within, n=unknown))
    analysis = TableAnalysis(spec.id, title, table, spec.within, tuple(strata), unknown)
    return finished(spec.id, analysis, records, findings, failures)


def within(frame: pd.DataFrame, name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The patients at each level of a column, in the order of the levels."""
    values = frame[name]
    levels = (
        values.cat.categories if values.dtype == "category" else sorted(values.dropna().unique())
    )
    for level in levels:
        chosen = (values == level).fillna(False).to_numpy(dtype=bool)
        if chosen.any():
            yield str(level), frame.loc[chosen].reset_index(drop=True)
