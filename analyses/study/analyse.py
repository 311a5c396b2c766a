"""Each analysis of a study file, from the selected patients to its result and records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analyses.results.records import Record
from analyses.results.restriction import Restriction
from analyses.study.drawn_her2 import SCORE, draws_her2
from analyses.study.kinds.adjusted import matched, standardised, weighted
from analyses.study.kinds.by_site import from_site_to_site
from analyses.study.kinds.category_model import modelled
from analyses.study.kinds.cox import model
from analyses.study.kinds.cumulative_incidence import incidences
from analyses.study.kinds.evidence import published
from analyses.study.kinds.facility_shares import by_facility
from analyses.study.kinds.fine_gray import subdistribution
from analyses.study.kinds.kaplan_meier import plotted
from analyses.study.kinds.late_treatment import changing, cloned, from_landmark
from analyses.study.kinds.logrank import tests
from analyses.study.kinds.missingness import lacking
from analyses.study.kinds.parametric import distributed
from analyses.study.kinds.performance import performed
from analyses.study.kinds.relative_survival import against_population
from analyses.study.kinds.response import responded
from analyses.study.kinds.rmst import averaged
from analyses.study.kinds.robustness import robust
from analyses.study.kinds.share_trend import over_years
from analyses.study.kinds.subgroups import compared
from analyses.study.kinds.table_one import described
from analyses.study.kinds.treatment_effect import treated
from analyses.study.kinds.treatment_eras import by_era
from analyses.study.outcome import Outcome, failed_record, failure_of
from analyses.study.specs.late_treatment import LateTreatmentSpec
from analyses.study.specs.treatment_eras import DATE, TreatmentErasSpec
from cohort.errors import AnalysisError

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.spec import Study
    from cohort.selection import Criterion
    from cohort.table import Cohort

Frames = Mapping[str, "pd.DataFrame"]
# What an analysis that uses a column asks of its patients besides.
Conditions = Mapping[str, "Criterion"]
WHOLE_COHORT = ("her2_change", "classification")  # they select their patients themselves
SHARED = ""  # the patients of analyses that have no endpoint

_KINDS: dict[str, Callable[[Any, Any, Setting], Outcome]] = {
    "table_one": described,
    "kaplan_meier": plotted,
    "logrank": tests,
    "rmst": averaged,
    "cox": model,
    "cumulative_incidence": incidences,
    "fine_gray": subdistribution,
    "parametric": distributed,
    "performance": performed,
    "evidence": published,
    "by_site": from_site_to_site,
    "relative_survival": against_population,
    "subgroups": compared,
    "weighted": weighted,
    "matched": matched,
    "standardised_curves": standardised,
    "robustness": robust,
    "facility_shares": by_facility,
    "share_trend": over_years,
    "response": responded,
    "category_model": modelled,
    "treatment_effect": treated,
    "missingness": lacking,
    "treatment_eras": by_era,
    "landmark": from_landmark,
    "start_stop": changing,
    "clone_censor_weight": cloned,
}


def needed(
    study: Study, conditions: Conditions, apart: Collection[str] = ()
) -> dict[str, list[str]]:
    """Columns that the analyses need, by endpoint (`SHARED` where an analysis has none).

    Those of analyses `apart`, by id, are left where they are.
    """
    wanted: dict[str, list[str]] = {}
    for spec in study.analyses:
        if spec.kind in WHOLE_COHORT or spec.id in apart:
            continue  # of specimens, or of patients outside the groups; or not held
        endpoint = getattr(spec, "endpoint", SHARED)
        columns = wanted.setdefault(endpoint, [])
        columns += spec.reads()
        columns += [SCORE] if "her2_status" in columns and draws_her2(study) else []
        columns += [criterion.column for criterion in conditions_of(spec, conditions)]
        if endpoint:
            columns += [f"{endpoint}_time", f"{endpoint}_event"]
            columns += [f"{endpoint}_state"] if spec.competes else []
            origin = study.endpoint(endpoint).to_definition().origin_column
            if origin is not None and isinstance(spec, LateTreatmentSpec | TreatmentErasSpec):
                columns.append(origin)  # from which the start is counted as well
            if study.endpoint(endpoint).entry is not None:
                columns.append(f"{endpoint}_entry")
    return {name: list(dict.fromkeys(columns)) for name, columns in wanted.items()}


def analyse(spec: Any, frames: Frames, conditions: Conditions, setting: Setting) -> Outcome:
    """The outcome of one analysis; what cannot be estimated becomes a Failure, not an error."""
    frame, outside = patients_of(spec, frames, conditions)
    try:
        outcome = _KINDS[spec.kind](spec, frame, setting)
    except AnalysisError as error:
        failure = failure_of(spec, frame, error)
        return Outcome(spec.id, None, (failed_record(0, failure),), failures=(failure,))
    return restricted(spec, outcome, outside)


def restricted(spec: Any, outcome: Outcome, outside: Sequence[tuple[Criterion, int]]) -> Outcome:
    """The outcome with how many patients each condition of the analysis left out."""
    left = tuple(
        Record(spec.id, spec.kind, "rows_outside", term=criterion.column, n=n)
        for criterion, n in outside
    )
    limits = tuple(Restriction(spec.id, criterion.reason, n) for criterion, n in outside)
    return replace(outcome, records=(*outcome.records, *left), restrictions=limits)


def patients_of(
    spec: Any, frames: Frames, conditions: Conditions
) -> tuple[pd.DataFrame, list[tuple[Criterion, int]]]:
    """The patients of one analysis, and how many each of its own conditions leaves out."""
    frame = frames[getattr(spec, "endpoint", SHARED)]
    outside = []
    for criterion in conditions_of(spec, conditions):
        met = _meets(frame, criterion)
        outside.append((criterion, int((~met).sum())))
        frame = observed_levels(frame[met].copy())
    return frame, outside


def conditions_of(spec: Any, conditions: Conditions) -> list[Criterion]:
    """What an analysis asks of its patients: its own condition, and those of its columns."""
    own = [] if spec.only is None else [spec.only.to_criterion()]
    used = set(spec.reads())
    of_columns = [criterion for column, criterion in conditions.items() if column in used]
    return own + [c for c in of_columns if all(c.column != o.column for o in own)]


def made(columns: Collection[str], patients: Cohort) -> list[str]:
    """The columns without those that nobody made, and without the date of diagnosis.

    An endpoint that is ready-made tells no state, a source without dates is told so.
    """
    there = patients.columns
    return [c for c in columns if c in there or not (c.endswith("_state") or c == DATE)]


def observed_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, changed in place, without levels that a selection has emptied.

    How follow-up ended keeps its levels, the first of which is censoring.
    """
    for name in frame.select_dtypes("category"):
        if str(name).endswith("_state"):
            continue
        frame[name] = frame[name].cat.remove_unused_categories()
    return frame


def _meets(frame: pd.DataFrame, criterion: Criterion) -> pd.Series[bool]:
    """Rows that meet the condition of one analysis; a missing value does not."""
    values = frame[criterion.column]
    if criterion.none_of is not None:
        return ~values.isin(list(criterion.none_of))
    if criterion.one_of is not None:
        numeric = values.dtype.kind in "if"
        allowed = [float(v) for v in criterion.one_of] if numeric else list(criterion.one_of)
        return values.isin(allowed)
    met = values.notna()
    if criterion.between is not None:
        low, high = criterion.between
        met &= True if low is None else values >= low
        met &= True if high is None else values <= high
    return met
