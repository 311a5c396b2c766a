"""Shares by facility, from the selected patients to their outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.facility_shares import FacilitySharesSpec


def by_facility(spec: FacilitySharesSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The shares of the facilities and how far they differ."""
    from analyses.estimators.facility_shares import facility_shares
    from analyses.results.facility_shares import FacilityAnalysis

    del setting
    result = facility_shares(
        frame,
        of=spec.of,
        category=spec.category,
        facility=spec.facility,
        year=spec.year,
        identify=spec.identify,
        least_patients=spec.least_patients,
        conf_level=spec.conf_level,
    )
    made = FacilityAnalysis(spec.id, spec.title or "Shares by facility", result)
    failures = [replace(failure, analysis=spec.id) for failure in result.failures]
    return finished(spec.id, made, result.records(spec.id), result.findings, failures)
