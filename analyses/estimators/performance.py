"""Performance of a Cox model in patients: those it was fitted to, or others.

Harrell (1982) and Uno (2011) for concordance; Uno (2007) for the time-dependent area; Graf (1999)
for the Brier score; Crowson (2016) and van Houwelingen (2000) for calibration; Harrell (1996) for
the bootstrap's correction of optimism, with the limits of Noma (2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyses.estimators.optimism import Bootstrap, corrected
from analyses.estimators.performance_measures import Seen, calibration_groups, measures
from analyses.estimators.predicted_risk import Predicted, columns_needed, predicted
from analyses.estimators.processes import Progress
from analyses.estimators.survival_data import (
    SurvivalData,
    as_pandas,
    require_columns,
    survival_data,
)
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from analyses.results.performance import ModelPerformance
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

SOURCE = "performance"
_Way = tuple[int | None, int, Progress | None]  # seed, processes, whom to tell
FEW_EVENTS = 100  # below which an external validation is too small (Collins, 2016)


def model_performance(
    model: CoxModel,
    data: Any,
    *,
    time: str,
    event: str,
    times: Sequence[float],
    tau: float | None = None,
    entry: str | None = None,
    n_groups: int = 10,
    resamples: int = 0,
    seed: int | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    conf_level: float = 0.95,
) -> ModelPerformance:
    """How well the model tells who dies earlier, how far its risks are off, and for whom.

    Parameters
    ----------
    model
        A result of `cox`.
    data, time, event
        Patients, one row each, with the columns of the model; all are observed from time 0.
    entry
        Column of the time from which each patient was observed, which must be 0 (the weights for
        those lost are not defined for late entry); the model's own where not given.
    times, tau
        Horizons in the unit of `time`; Uno's concordance and the integrated score look up to
        `tau`, the last horizon where not given.
    n_groups
        Groups of like predicted risk that are held against Kaplan-Meier.
    resamples, seed, processes
        Bootstrap samples of the patients (of clusters, where the model has them) in each of
        which the model is fitted anew; `data` must then be what it was fitted to. The same seed
        gives the same numbers whatever the number of processes.
    progress
        Called with (samples done, samples asked for).

    Returns
    -------
    ModelPerformance
        Rows without a value in any column are left out and counted. What is not defined is None
        with its reason.

    Raises
    ------
    AnalysisError
        As `cox`; for patients observed late; for a horizon past the follow-up of the patients or
        the model; for a level or stratum that the model did not see; for resamples without a
        seed, in other patients than those of the fit, or of a model with weights.

    Notes
    -----
    Definitions: see the module and kernels/prediction_error.py. Checked against `concordance` of
    R's survival and formulas written out in R: tests/analyses/test_performance.py.
    """
    asked = _Asked(tuple(float(t) for t in times), tau, n_groups, resamples, conf_level)
    frame = _from_start(as_pandas(data), model, entry)
    return _measured(model, frame, (time, event), asked, (seed, processes, progress))


@dataclass(frozen=True, slots=True)
class _Asked:
    times: tuple[float, ...]
    tau: float | None
    n_groups: int
    resamples: int
    conf_level: float

    @property
    def last(self) -> float:
        return max(self.times)


def _measured(
    model: CoxModel, data: Any, names: tuple[str, str], asked: _Asked, way: _Way
) -> ModelPerformance:
    """The measures of checked rows; `way` is how a bootstrap is to be done."""
    _require(asked)
    rows = _rows(model, data, *names)
    end = asked.last if asked.tau is None else float(asked.tau)
    predictions = predicted(model, rows.frame)
    _require_follow_up(asked.times, end, rows, predictions)
    boot = None
    if asked.resamples:
        scope = (asked.times, end, asked.conf_level)
        boot = Bootstrap.of(model, rows, names, scope, asked.resamples)
        boot.require(way[0], is_fitted=_is_fitted(model, rows))
    return _assembled(predictions, rows, asked, end, (boot, *way))


def _assembled(
    predictions: Predicted,
    rows: SurvivalData,
    asked: _Asked,
    tau: float,
    way: tuple[Bootstrap | None, int | None, int, Progress | None],
) -> ModelPerformance:
    boot, seed, processes, progress = way
    seen = Seen.of(rows.time, rows.event, asked.conf_level)
    found = measures(predictions, seen, asked.times, tau)
    n_failed = 0
    findings = list(_few_events(rows))
    if boot is not None and seed is not None:
        drawn = boot.drawn(seed, processes, progress)
        found, n_failed = corrected(found, drawn, asked.conf_level), boot.resamples - len(drawn)
        findings += _failed(n_failed, boot.resamples)
    groups = [
        group
        for t in asked.times
        for group in calibration_groups(1 - predictions.survival(t), t, seen, asked.n_groups)
    ]
    is_apparent = _is_fitted(predictions.model, rows)
    if is_apparent and boot is None:
        findings.append(_apparent(rows.n))
    return ModelPerformance(
        measures=found,
        groups=tuple(groups),
        times=asked.times,
        tau=tau,
        is_apparent=is_apparent,
        resamples=asked.resamples,
        n_failed=n_failed,
        seed=seed if boot is not None else None,
        conf_level=asked.conf_level,
        n=rows.n,
        n_event=int(rows.event.sum()),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=tuple(findings),
    )


def _require(asked: _Asked) -> None:
    problems = []
    times: Array = np.asarray(asked.times)
    if not len(times) or not (np.isfinite(times) & (times > 0)).all():
        problems.append(Problem("performance: times", "no horizon", "Numbers above 0"))
    elif (np.diff(times) <= 0).any():
        problems.append(Problem("performance: times", f"{asked.times}", "Ascending numbers"))
    if asked.tau is not None and not 0 < asked.tau < np.inf:
        problems.append(Problem("performance: tau", f"{asked.tau!r}", "A number above 0"))
    if asked.n_groups < 2:
        problems.append(Problem("performance: n_groups", f"{asked.n_groups}", "At least 2"))
    if asked.resamples < 0 or asked.resamples == 1:
        problems.append(Problem("performance: resamples", f"{asked.resamples}", "0, or above 1"))
    if not 0 < asked.conf_level < 1:
        found = f"{asked.conf_level!r}"
        problems.append(Problem("performance: conf_level", found, "Between 0 and 1"))
    if problems:
        raise AnalysisError(problems)


def _from_start(frame: pd.DataFrame, model: CoxModel, entry: str | None) -> pd.DataFrame:
    """The patients; AnalysisError where one is observed late, or since when is not known."""
    name = entry
    if name is None and model.entry is not None and model.entry in frame:
        name = model.entry
    if name is None:
        return frame
    require_columns(frame, [name])
    late = int((~(pd.to_numeric(frame[name], errors="coerce") <= 0)).sum())
    if not late:
        return frame
    raise AnalysisError(
        Problem(
            f"performance: entry '{name}'",
            f"{late} of {len(frame)} patients come under observation after time 0, or at a time "
            "that is not known",
            "Patients who are all observed from time 0.",
            "Concordance, AUC and Brier scores weigh patients by how many were lost to follow-up, "
            "which late entry does not allow: measure the model in patients seen from the start.",
        )
    )


def _rows(model: CoxModel, data: Any, time: str, event: str) -> SurvivalData:
    others = [*columns_needed(model), *([] if model.cluster is None else [model.cluster])]
    rows = survival_data(data, time=time, event=event, others=list(dict.fromkeys(others)))
    if not rows.event.any():
        found = f"none of the {rows.n} complete rows has an event"
        advice = "Performance is about who has the event: follow up longer."
        raise AnalysisError(Problem(f"performance: event '{event}'", found, advice=advice))
    return rows


def _require_follow_up(
    times: tuple[float, ...], tau: float, rows: SurvivalData, predictions: Predicted
) -> None:
    """Every horizon lies within the follow-up of the patients and of the model."""
    last = min(float(rows.time.max()), predictions.last_time)
    late = [t for t in (*times, tau) if t > last]
    if late:
        raise AnalysisError(
            Problem(
                "performance: times",
                f"{max(late):g} is past the follow-up of the patients or of the model",
                f"At most {last:g}",
            )
        )


def _is_fitted(model: CoxModel, rows: SurvivalData) -> bool:
    """Whether these can be the patients of the fit: as many, with as many events."""
    return model.n == rows.n and model.n_event == int(rows.event.sum())


def _few_events(rows: SurvivalData) -> tuple[Finding, ...]:
    events = int(rows.event.sum())
    if events >= FEW_EVENTS:
        return ()
    said = f"{events} events, fewer than {FEW_EVENTS}: performance is uncertain."
    return (Finding("warning", SOURCE, "", f"{events}", "few_events", events, said),)


def _apparent(n: int) -> Finding:
    said = (
        "Measured in as many patients and events as the model was fitted to, so probably the same: "
        "the numbers flatter the model. Ask for resamples, or give other patients."
    )
    return Finding("warning", SOURCE, "", "", "apparent_performance", n, said)


def _failed(n_failed: int, resamples: int) -> tuple[Finding, ...]:
    if not n_failed:
        return ()
    said = (
        f"In {n_failed} of {resamples} bootstrap samples the model could not be fitted or applied "
        "(a level was not drawn, or had no event); they are left out."
    )
    return (Finding("warning", SOURCE, "", f"{n_failed}", "failed_resamples", n_failed, said),)
