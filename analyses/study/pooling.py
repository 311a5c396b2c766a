"""What a model must not mix: metastatic and early disease, ER-low and ER-positive, the future."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from cohort.receptors import HIGHEST_LOW, LOWEST
from cohort.selection import select
from cohort.start_days import starts_on
from cohort.table import Cohort, Finding

if TYPE_CHECKING:
    from analyses.study.spec import Study

_EARLY = ("I", "II", "III")
_POOLS_ER = ("er_status", "hr_status")
_COLUMNS = ("stage", "m_category", "er_percent")


def pooled_findings(study: Study, by_endpoint: Mapping[str, Cohort]) -> tuple[Finding, ...]:
    """A warning for each model of stage I-III and de novo IV together, or of ER-low as positive.

    Each counts the patients of that analysis, its own condition (`only`) observed, and says how
    to split them.
    """
    found: list[Finding] = []
    counted: dict[tuple[str, str], dict[str, int]] = {}
    analyses: tuple[Any, ...] = study.analyses
    for spec in analyses:
        if not getattr(spec, "terms", ()) or getattr(spec, "endpoint", None) not in by_endpoint:
            continue
        key = (spec.endpoint, repr(spec.only))
        if key not in counted:
            counted[key] = _counts(by_endpoint[spec.endpoint], spec)
        found += _told(spec, counted[key])
    return tuple(found)


def selected_by_treatment(study: Study, shared: Cohort) -> tuple[Finding, ...]:
    """A warning for each criterion that selects patients by what comes after time zero."""
    steps = {step.id: step for step in shared.attrition}
    if not study.endpoints or all(spec.origin != "diagnosis" for spec in study.endpoints):
        return ()
    found = []
    for criterion in study.select:
        day, step = starts_on(criterion.column), steps.get(criterion.id)
        if day is None or step is None:
            continue
        advice = (
            f"Patients are selected by '{criterion.column}', which comes after diagnosis: who died "
            f"before it is not among those who had it (immortal time), and {step.n_removed} leave. "
            f"Let time start there (origin: {day.removesuffix('_day')}), or enter there (entry: "
            f"{day})."
        )
        found.append(
            Finding(
                "warning", "select", criterion.column, criterion.id, "selected_by_later_treatment",
                step.n_removed, advice,
            )
        )  # fmt: skip
    return tuple(found)


def _counts(cohort: Cohort, spec: Any) -> dict[str, int]:
    """Patients of an analysis at each of what it might pool."""
    there = [name for name in _COLUMNS if name in cohort.columns]
    if not there:
        return {}
    if spec.only is not None:
        cohort = select(cohort, [spec.only.to_criterion()], her2_groups=False)
    sums = dict(_marked(there))
    table = cohort.patients.select(
        **{name: holds.cast(nw.Int64).sum() for name, holds in sums.items()}
    )
    row = cohort.engine.collect(table).to_pylist()[0]
    return {name: int(n or 0) for name, n in row.items()}


def _marked(there: Sequence[str]) -> Iterator[tuple[str, nw.Expr]]:
    """Whether a patient is metastatic, early, or ER-low, by the columns that there are."""
    stage, spread, percent = nw.col("stage"), nw.col("m_category"), nw.col("er_percent")
    metastatic = early = None
    if "stage" in there:
        metastatic = (stage == "IV").fill_null(False)
        early = stage.is_in(list(_EARLY)).fill_null(False)
    if "m_category" in there:
        known = (spread == "M1").fill_null(False)
        metastatic = known if metastatic is None else metastatic | known
        early = (spread == "M0").fill_null(False) if early is None else early
    if metastatic is not None and early is not None:
        yield "metastatic", metastatic
        yield "early", early & ~metastatic
    if "er_percent" in there:
        yield "er_low", ((percent >= LOWEST) & (percent <= HIGHEST_LOW)).fill_null(False)


def _told(spec: Any, counts: Mapping[str, int]) -> Iterator[Finding]:
    metastatic, early = counts.get("metastatic", 0), counts.get("early", 0)
    if metastatic and early:
        advice = (
            f"{metastatic} patients with de novo stage IV and {early} with stage I to III are in "
            "one model; their prognosis and treatment are not those of one disease. Split them by "
            "select or only: {column: stage, one_of: [I, II, III]}, and another analysis with "
            "{column: stage, equals: IV}."
        )
        yield Finding("warning", spec.id, "stage", "IV", "stage_pooled", metastatic, advice)
    used = set(spec.reads())
    low = counts.get("er_low", 0)
    pools = [name for name in _POOLS_ER if name in used]
    if low and pools and "er_group" not in used:
        advice = (
            f"{low} patients have 1 to 10 % of cells stained for ER, which '{pools[0]}' counts as "
            "positive; they are treated and fare more like ER-negative. Use er_group, where low is "
            "a level of its own."
        )
        yield Finding("warning", spec.id, "er_percent", "1-10", "er_low_pooled", low, advice)
