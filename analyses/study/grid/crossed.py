"""The sensitivity grid of a study: one estimate for every combination of its choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyses.results.failure import Failure
from analyses.results.robust import Estimate
from analyses.results.specification_curve import (
    KIND,
    SensitivityAnalysis,
    Specification,
    SpecificationCurve,
)
from analyses.study.fingerprint import fingerprint
from analyses.study.grid.cohorts import PATIENT, Cohorts, digest, reason_of, restricted
from analyses.study.grid.crossing import Cell, Crossing, crossing
from analyses.study.kinds.imputing import pooled_model
from analyses.study.outcome import Outcome, finished
from cohort.errors import AnalysisError, listed

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.detectable import Detectable
    from analyses.study.setting import Setting
    from analyses.study.spec import Study
    from analyses.study.stages import Prepared

TITLE = "Sensitivity of the main estimate"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Model:
    """What one specification gives: `who` is the digest of the rows and groups that it used.

    `sizes` are the patients of the level and of the reference; both None without an estimate.
    """

    estimate: Estimate | None
    n: int
    n_event: int
    reason: str | None = None
    who: str | None = None
    sizes: tuple[int, int] | None = None


def crossed(study: Study, given: Prepared, progress: Progress | None = None) -> Outcome:
    """The estimate under every combination; those without one are counted, with the reason.

    `progress` is told (what is done, specifications done, specifications in all).
    """
    spec = study.sensitivity
    assert spec is not None
    axes = crossing(study, spec)
    cohorts = Cohorts(study, given, axes)
    cells = list(axes.cells())
    reference = _reference(axes)
    main = _found(axes, cohorts, cells[0], reference)
    made = []
    for done, cell in enumerate(cells):
        if progress is not None:
            progress("Sensitivity", done, len(cells))
        one = _found(axes, cohorts, cell, reference)
        same = one is main or (one.who is not None and one.who == main.who)
        made.append(Specification(cell.choices, one.estimate, one.n, one.n_event, same, one.reason))
    result = SpecificationCurve(
        of=axes.model.id,
        term=spec.contrast.term,
        level=spec.contrast.level,
        reference=reference,
        axes=axes.axes,
        specifications=tuple(made),
        computed=tuple(cohorts.remembered.computed.items()),
        detectable=_detectable(axes, main, reference),
        conf_level=axes.model.conf_level,
    )
    analysis = SensitivityAnalysis(spec.id, spec.title or TITLE, result)
    failures = [] if not result.failed else [_failure(spec.id, result)]
    return finished(spec.id, analysis, result.records(spec.id), (), failures)


def _reference(axes: Crossing) -> str:
    """The level that the contrast is against: named, or the first that the column has."""
    from cohort.schema import HER2_GROUPS, column

    contrast = axes.spec.contrast
    own = next(term for term in axes.model.terms if term.name == contrast.term)
    if contrast.reference is not None or own.reference is not None:
        return str(contrast.reference or own.reference)
    known = column(contrast.term)
    levels = HER2_GROUPS if contrast.term == "her2_status" else known.levels if known else ()
    return str(levels[0]) if levels else ""


def _found(axes: Crossing, cohorts: Cohorts, cell: Cell, reference: str) -> _Model:
    """The estimate of one specification; computed once for the same patients and terms."""
    patients = cohorts.patients(cell)
    if isinstance(patients, str):
        return _Model(None, 0, 0, patients)
    key = digest(
        [
            patients.digest,
            cell.endpoint,
            cell.missing,
            [term.model_dump(mode="json") for term in cell.terms],
            [criterion.model_dump(mode="json") for criterion in cell.criteria],
        ]
    )
    return cohorts.remembered.once(
        "model",
        key,
        lambda: _estimated(axes, cell, restricted(cell, patients), reference, cohorts.setting),
    )


def _estimated(
    axes: Crossing, cell: Cell, frame: pd.DataFrame, reference: str, setting: Setting
) -> _Model:
    """The contrast in these patients, or why there is none."""
    from analyses.estimators.cox import coefficients_of
    from analyses.estimators.cox_asked import asking
    from analyses.estimators.terms import declared

    model, contrast = axes.model, axes.spec.contrast
    spec = model.model_copy(update={"endpoint": cell.endpoint, "terms": cell.terms})
    pooled = None
    try:
        frame, event, entry = _followed(spec, frame)
        if cell.missing == "impute":
            pooled = pooled_model(spec, frame, setting, (entry, event))
        asked = asking(
            f"{cell.endpoint}_time", event, entry, list(model.strata) or None, model.weights,
            model.cluster, None, None, model.ties, model.conf_level, model.penalty,
        )  # fmt: skip
        found = (
            coefficients_of(frame, declared([term.declared() for term in cell.terms]), asked)
            if pooled is None
            else pooled.coefficients
        )
    except AnalysisError as error:
        n_event = _events(frame, f"{cell.endpoint}_event")
        return _Model(None, len(frame), n_event, reason_of(error))
    used = frame if pooled is not None else _complete(frame, cell, spec, (event, entry))
    n, n_event = len(used), _events(used, event)
    if pooled is not None:
        n, n_event = pooled.n, pooled.n_event
    who = fingerprint(used[[name for name in (PATIENT, contrast.term) if name in used]])
    own = [c for c in found if c.term == contrast.term]
    pair = [c for c in own if c.level == contrast.level and c.reference == reference]
    if not pair:
        here = listed([str(c.level) for c in own])
        reason = f"no '{contrast.level}' against '{reference}' (levels: {here})"
        return _Model(None, n, n_event, reason, who)
    (c,) = pair
    if c.estimate is None:
        return _Model(None, n, n_event, str(c.reason), who)
    base = next(one for one in own if one.is_reference)
    estimate = Estimate(
        c.estimate, c.std_error, c.conf_low, c.conf_high, c.n + base.n, c.n_event + base.n_event
    )
    return _Model(estimate, n, n_event, None, who, (c.n, base.n))


def _followed(spec: Any, frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str | None]:
    """The rows, the column of the event that the model is of, and that of entry."""
    from analyses.study.outcome import ending, entry_column

    entry, event = entry_column(spec, frame), f"{spec.endpoint}_event"
    if spec.cause == "competing":
        from analyses.estimators.states import happened

        frame, event = happened(frame, ending(spec, frame), spec.cause)
    if spec.weights is not None:  # rows of weight 0 take no part, as in the model itself
        frame = frame[~(frame[spec.weights] == 0).to_numpy(dtype=bool, na_value=False)]
    return frame, event, entry


def _complete(
    frame: pd.DataFrame, cell: Cell, spec: Any, followed: tuple[str, str | None]
) -> pd.DataFrame:
    """The rows of the model: complete in its columns, `followed` those of event and entry."""
    columns = [name for term in cell.terms for name in term.columns()]
    columns += [
        *spec.strata,
        *(name for name in (spec.cluster, spec.weights, *followed) if name is not None),
        f"{spec.endpoint}_time",
    ]
    return frame[frame[list(dict.fromkeys(columns))].notna().all(axis=1)]


def _events(frame: pd.DataFrame, event: str) -> int:
    return int(frame[event].eq(other=True).sum()) if event in frame else 0


def _detectable(axes: Crossing, main: _Model, reference: str) -> Detectable | None:
    """What the events of the two groups of the main specification could have shown."""
    from analyses.robustness.detectable import detectable_hazard_ratio

    if main.estimate is None or main.sizes is None or axes.model.weights is not None:
        return None
    return detectable_hazard_ratio(
        main.estimate.n_event,
        n=main.sizes,
        groups=(axes.spec.contrast.level, reference),
        conf_level=axes.model.conf_level,
    )


def _failure(name: str, result: SpecificationCurve) -> Failure:
    """One failure for all specifications without an estimate, their reasons counted."""
    reasons = "; ".join(f"{reason} ({n})" for reason, n in result.failed_by_reason[:3])
    more = len(result.failed_by_reason) - 3
    if more > 0:
        reasons += f"; and {more} more reasons"
    return Failure(
        analysis=name,
        kind=KIND,
        group="",
        term=result.term,
        reason=f"{len(result.failed)} of {len(result.specifications)} specifications have no "
        f"estimate: {reasons}",
        n=result.main.n,
        n_event=result.main.n_event,
        advice="They stand with their reasons in the table of all specifications.",
    )
