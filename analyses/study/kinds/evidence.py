"""Published results with the study's own beneath, from the table to an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.results.failure import Failure
from analyses.study.outcome import Outcome, finished
from cohort.errors import AnalysisError, Problem, listed, suggest

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.evidence import Evidence, PresentStudy
    from analyses.results.published import PublishedResults
    from analyses.results.study import CoxAnalysis
    from analyses.study.setting import Setting
    from analyses.study.specs.evidence import EvidenceSpec


def published(spec: EvidenceSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """What is published on the question, and the analysis that it is compared with."""
    del frame  # published results rest on no patients of this study
    from analyses.evidence.pool import pool
    from analyses.evidence.published_results import published_results
    from analyses.results.evidence import EvidenceAnalysis

    table = published_results()
    result = pool(
        table,
        endpoint=spec.outcome,
        contrast=spec.contrast,
        population=spec.population,
        stage=spec.stage,
        unverified=spec.unverified,
        present=None if spec.compares is None else _present(spec, setting, table),
        conf_level=spec.conf_level,
    )
    title = spec.title or "Published results"
    made = EvidenceAnalysis(spec.id, title, result, spec.compares or "")
    return finished(
        spec.id, made, result.records(spec.id), result.findings, _unpooled(spec, result)
    )


def _present(spec: EvidenceSpec, setting: Setting, table: PublishedResults) -> PresentStudy:
    """The hazard ratio of the analysis that is compared."""
    from analyses.evidence.pool import present_study
    from analyses.results.study import CoxAnalysis

    found = setting.earlier.get(str(spec.compares))
    if not isinstance(found, CoxAnalysis):
        raise AnalysisError(
            Problem(
                f"analysis '{spec.compares}'",
                "it gave no model, so that there is nothing to set beside published results",
                advice="See why it failed, or leave `compares` out.",
            )
        )
    return present_study(
        found.adjusted,
        term=spec.term,
        level=spec.level,
        label="The present study",
        overlap_group=_registry(spec, setting, table),
        use=spec.present,
        endpoint=_endpoint(found, setting),
    )


def _endpoint(model: CoxAnalysis, setting: Setting) -> str:
    """What the model is of: the kind of its endpoint, or what competes with it."""
    kind = setting.kinds[model.endpoint].upper()
    return f"what competes with {kind}" if model.cause == "competing" else kind


def _registry(spec: EvidenceSpec, setting: Setting, table: PublishedResults) -> str | None:
    """Whose patients the study's are: as the study file says, else by the source's name."""
    known = [group.name for group in table.groups]
    if spec.registry is None:
        return table.group_of(setting.source)
    if spec.registry not in known:
        where = f"evidence '{spec.id}': registry"
        advice = suggest(spec.registry, known)
        raise AnalysisError(
            Problem(where, f"'{spec.registry}' shares nobody", f"Known: {listed(known)}", advice)
        )
    return spec.registry


def _unpooled(spec: EvidenceSpec, result: Evidence) -> list[Failure]:
    """The failure that stands for a pool of nothing."""
    if result.pool is not None:
        return []
    advice = "Ask for another population, stage or outcome, or let unverified results take part."
    reason = result.reason or "nothing is pooled"
    return [Failure(spec.id, spec.kind, "", "", reason, 0, 0, advice)]
