"""Treatments that start after time zero, from the selected patients to their outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analyses.results.failure import Failure
from analyses.study.outcome import Outcome, entry_column, finished
from cohort.duration import Duration
from cohort.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.landmark import Landmark
    from analyses.results.strategies import Strategies
    from analyses.study.setting import Setting
    from analyses.study.specs.late_treatment import (
        CloneCensorWeightSpec,
        LandmarkSpec,
        LateTreatmentSpec,
        StartStopSpec,
    )

NOT_GIVEN = ("no", "none")


def from_landmark(spec: LandmarkSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Survival from the landmark; a failure for each group that it emptied."""
    from analyses.adjustment.landmark import landmark
    from analyses.results.landmark import LandmarkAnalysis

    times, said = _times(spec, setting)
    result = landmark(
        _counted_from_zero(spec, frame, setting, [spec.start]),
        at=spec.landmark.to_duration().within(setting.unit),
        by=spec.by,
        entry=entry_column(spec, frame),
        strata=spec.strata,
        **_options(spec),
    )
    title = spec.title or "Survival from a landmark"
    at_said = str(spec.landmark.to_duration())
    made = LandmarkAnalysis(spec.id, title, spec.endpoint, result, at_said, times, said)
    failures = [*_of_model(spec, result.failures), *_emptied(spec, result, at_said)]
    records = result.records(spec.id, setting.unit, times)
    return finished(spec.id, made, records, result.findings, failures)


def changing(spec: StartStopSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The treatment as a covariate that changes at its start."""
    from analyses.adjustment.start_stop import start_stop
    from analyses.results.start_stop import StartStopAnalysis

    times, said = _times(spec, setting)
    result = start_stop(
        _counted_from_zero(spec, frame, setting, [spec.start]),
        entry=entry_column(spec, frame),
        strata=spec.strata,
        **_options(spec),
    )
    title = spec.title or "A treatment as it changes over time"
    made = StartStopAnalysis(spec.id, title, spec.endpoint, result, times, said)
    records = result.records(spec.id, setting.unit, times)
    failures = _of_model(spec, result.failures)
    return finished(spec.id, made, records, result.findings, failures)


def cloned(spec: CloneCensorWeightSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Two strategies by clones that are censored as they deviate, and weighted."""
    from analyses.adjustment.clone_censor_weight import clone_censor_weight
    from analyses.results.strategies import StrategiesAnalysis

    if entry_column(spec, frame) is not None:
        found = "patients of this endpoint come under observation late"
        advice = (
            "A strategy begins at time zero: use an endpoint without delayed entry, or start_stop."
        )
        raise AnalysisError(Problem("clone_censor_weight", found, advice=advice))
    switching = {name: f"{name}_day" for name in spec.time_varying}
    times, said = _times(spec, setting)
    tau = None if spec.tau is None else spec.tau.to_duration()
    grace = spec.grace.to_duration()
    result = clone_censor_weight(
        _counted_from_zero(spec, frame, setting, [spec.start, *switching.values()]),
        grace=grace.within(setting.unit),
        time_varying=switching,
        times=times,
        tau=None if tau is None else tau.within(setting.unit),
        model=spec.model,
        intervals=spec.intervals,
        truncate=spec.truncate,
        resamples=spec.resamples,
        seed=setting.seed,
        processes=spec.processes,
        progress=setting.drawing(f"Bootstrap of {spec.id}"),
        **_options(spec),
    )
    title = spec.title or "Two strategies of treatment"
    made = StrategiesAnalysis(
        spec.id, title, spec.endpoint, result, str(grace), said, "" if tau is None else str(tau)
    )
    records = result.records(spec.id, setting.unit)
    failures = _without_limits(spec, result) if spec.resamples else ()
    return finished(spec.id, made, records, result.findings, failures)


def _options(spec: LateTreatmentSpec) -> dict[str, Any]:
    """What the three ways take alike."""
    return {
        "time": f"{spec.endpoint}_time",
        "event": f"{spec.endpoint}_event",
        "treatment": spec.treatment,
        "start": spec.start,
        "terms": [term.declared() for term in spec.terms],
        "unknown_start": spec.unknown_start,
        "naive": spec.naive == "show",
        "conf_level": spec.conf_level,
    }


def _counted_from_zero(
    spec: LateTreatmentSpec, frame: pd.DataFrame, setting: Setting, starts: list[str]
) -> pd.DataFrame:
    """The rows, starts counted from the endpoint's origin in its unit, treatment as true or false.

    AnalysisError for a level of the treatment that does not exist.
    """
    import pandas as pd

    origin = setting.origins.get(spec.endpoint)
    factor = Duration(1, "days").within(setting.unit)
    days = 0.0 if origin is None else frame[origin].to_numpy(dtype=float)
    made: dict[str, Any] = {name: (frame[name] - days) * factor for name in starts}
    values = frame[spec.treatment].astype(object)
    given = spec.given
    if given is None:
        given = tuple(str(v) for v in pd.unique(values.dropna()) if str(v) not in NOT_GIVEN)
    known = values.map(lambda value: str(value) in given).astype(object)
    made[spec.treatment] = known.where(values.notna(), None)
    return frame.assign(**made)


def _times(
    spec: LandmarkSpec | StartStopSpec | CloneCensorWeightSpec, setting: Setting
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Times in the unit of follow-up, and in the study file's words."""
    durations = () if spec.at is None else spec.at.to_durations()
    within = tuple(duration.within(setting.unit) for duration in durations)
    return within, tuple(str(duration) for duration in durations)


def _of_model(spec: LateTreatmentSpec, failures: tuple[Failure, ...]) -> list[Failure]:
    return [replace(failure, analysis=spec.id, kind=spec.kind) for failure in failures]  # type: ignore[attr-defined]


def _without_limits(spec: CloneCensorWeightSpec, result: Strategies) -> list[Failure]:
    """What stands for each number that has no limits though samples were drawn."""
    numbers: list[tuple[str, str, Any, str | None]] = []
    for arm in result.arms:
        numbers += [(arm.strategy, "risk", r.time, r.reason) for r in arm.risks]
        numbers.append((arm.strategy, "rmst", arm.mean.time, arm.mean.reason))
    contrasts = (*result.risk_differences, result.mean_difference)
    numbers += [(c.group, c.quantity, c.time, c.reason) for c in contrasts]
    numbers += [
        ("", f"hazard ratio ({effect.method})", None, effect.reason)
        for effect in result.effects
        if effect.is_valid
    ]
    return [
        Failure(
            analysis=spec.id,
            kind=spec.kind,
            group=group,
            term=term if time is None else f"{term} at {time:g}",
            reason=reason,
            n=result.n,
            n_event=result.n_event,
            advice="Draw more samples, or choose an earlier time. The estimates stand.",
        )
        for group, term, time, reason in numbers
        if reason is not None
    ]


def _emptied(spec: LandmarkSpec, result: Landmark, at_said: str) -> list[Failure]:
    """The failure that stands for each group of which nobody is followed past the landmark."""
    return [
        Failure(
            analysis=spec.id,
            kind=spec.kind,
            group=group.group,
            term=spec.by or "",
            reason=f"nobody is followed past the landmark at {at_said}",
            n=group.n,
            n_event=group.n_event_before,
            advice="Choose an earlier landmark.",
        )
        for group in result.groups
        if group.group in result.emptied
    ]
