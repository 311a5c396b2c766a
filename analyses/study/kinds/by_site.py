"""Hazard ratios from site to site, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.results.failure import Failure
from analyses.study.outcome import Outcome, entry_column, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.by_site import BySite
    from analyses.study.setting import Setting
    from analyses.study.specs.by_site import BySiteSpec


def from_site_to_site(spec: BySiteSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Each site's own hazard ratios, their pool, and the models of all sites."""
    from analyses.evidence.by_site import by_site
    from analyses.results.by_site import BySiteAnalysis

    result = by_site(
        frame,
        time=f"{spec.endpoint}_time",
        event=f"{spec.endpoint}_event",
        entry=entry_column(spec, frame),
        terms=[term.declared() for term in spec.terms],
        site=spec.site,
        of=spec.of,
        strata=list(spec.strata) or None,
        ties=spec.ties,
        least_events=spec.least_events,
        named=spec.sites,
        conf_level=spec.conf_level,
    )
    made = BySiteAnalysis(spec.id, spec.title or "From site to site", spec.endpoint, result)
    records = result.records(spec.id, setting.unit)
    return finished(spec.id, made, records, result.findings, _unpooled(spec, result))


def _unpooled(spec: BySiteSpec, result: BySite) -> list[Failure]:
    """The failure that stands for a level that no site has an estimate of."""
    advice = "Lower `least_events`, leave terms out, or read the stratified model."
    return [
        Failure(
            analysis=spec.id,
            kind=spec.kind,
            group=one.level or result.term,
            term="",
            reason=one.reason,
            n=result.n,
            n_event=result.n_event,
            advice=advice,
        )
        for one in result.levels
        if one.reason is not None
    ]
