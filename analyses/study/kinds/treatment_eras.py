"""A model by era of treatment, from the selected patients to its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.results.records import Record
from analyses.study.outcome import Outcome, entry_column, finished
from analyses.study.specs.treatment_eras import DATE
from cohort.duration import Duration
from cohort.table import Finding
from cohort.treatment_eras import TREATMENT_ERAS

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.treatment_eras import TreatmentErasSpec


def by_era(spec: TreatmentErasSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The models by the end of follow-up; a printed limitation where there are no dates."""
    import pandas as pd

    from analyses.adjustment.treatment_eras import treatment_eras
    from analyses.results.treatment_eras import KIND, TreatmentErasAnalysis

    title = spec.title or "Follow-up up to approvals of trastuzumab deruxtecan"
    eras = tuple((era.id, era.meaning, era.is_checked) for era in TREATMENT_ERAS)
    if DATE not in frame or frame[DATE].isna().all():
        said = limitation(setting.source)
        made = TreatmentErasAnalysis(spec.id, title, spec.endpoint, None, eras, said)
        record = Record(spec.id, KIND, "treatment_eras", status="not_estimable", reason=said)
        n = len(frame)
        found = Finding("warning", spec.id, DATE, "", "no_dates_of_eras", n, said)
        return finished(spec.id, made, [record], [found], ())
    began = pd.to_datetime(frame[DATE], format="ISO8601")
    origin = setting.origins.get(spec.endpoint)
    if origin is not None:
        began = began + pd.to_timedelta(frame[origin], unit="D")
    result = treatment_eras(
        frame.assign(**{DATE: began}),
        time=f"{spec.endpoint}_time",
        event=f"{spec.endpoint}_event",
        entry=entry_column(spec, frame),
        terms=[term.declared() for term in spec.terms],
        strata=spec.strata,
        began=DATE,
        per_day=Duration(1, "days").within(setting.unit),
        until={era.id: era.until for era in TREATMENT_ERAS},
        conf_level=spec.conf_level,
    )
    made = TreatmentErasAnalysis(spec.id, title, spec.endpoint, result, eras)
    records = result.records(spec.id, setting.unit)
    return finished(spec.id, made, records, result.findings, result.failures(spec.id))


def limitation(source: str) -> str:
    """What cannot be told without dates of diagnosis."""
    dates = " and ".join(f"{era.until.isoformat()} ({era.meaning})" for era in TREATMENT_ERAS)
    return (
        f"Source '{source}' gives no date of diagnosis, so follow-up cannot be censored at {dates} "
        "[dates from memory]: later follow-up may hold patients given that treatment."
    )
