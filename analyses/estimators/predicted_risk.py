"""What a Cox model predicts for each of many patients, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from analyses.results.terms import as_text, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed

LARGEST_LOG = 700.0  # exp beyond this is not a number a machine holds


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """Predictions for the rows of a table.

    Attributes
    ----------
    linear
        Log hazard ratio against the reference values.
    ratio
        Hazard ratio against the means, by which the baseline's hazard is multiplied.
    stratum, n_strata
        Place of each row's stratum among the model's.
    steps
        Times at which any predicted curve falls.
    last_time
        Up to which the model knows every stratum.
    """

    model: CoxModel
    linear: Array
    ratio: Array
    stratum: npt.NDArray[np.intp]
    n_strata: int
    steps: Array
    last_time: float

    def hazard(self, times: Array) -> Array:
        """Cumulative hazard of each row up to its own time."""
        baseline = self.model.baseline
        cumulative = np.empty(len(times))
        for s in range(self.n_strata):
            of, rows = baseline.stratum == s, self.stratum == s
            place = np.searchsorted(baseline.time[of], times[rows], side="right")
            cumulative[rows] = np.concatenate([[0.0], baseline.hazard_at_means[of]])[place]
        return np.asarray(cumulative * self.ratio)

    def survival(self, t: float) -> Array:
        """Survival of each row at one time."""
        baseline = self.model.baseline
        reached = baseline.time <= t
        last = [np.flatnonzero(reached & (baseline.stratum == s)) for s in range(self.n_strata)]
        values = [float(baseline.hazard_at_means[rows[-1]]) if len(rows) else 0.0 for rows in last]
        cumulative = np.array(values)[self.stratum] if self.n_strata > 1 else values[0]
        return np.asarray(np.exp(-cumulative * self.ratio))

    def of(self, rows: npt.NDArray[np.intp]) -> Predicted:
        """The predictions of some rows, in their order."""
        parts = (self.linear[rows], self.ratio[rows], self.stratum[rows])
        return Predicted(self.model, *parts, self.n_strata, self.steps, self.last_time)


def columns_needed(model: CoxModel) -> tuple[str, ...]:
    """Columns of a table that a prediction reads."""
    names = [part.name for term in model.terms for part in (term.parts or (term,))]
    names += [*model.strata, *([] if model.offset is None else [model.offset])]
    return tuple(dict.fromkeys(names))


def predicted(model: CoxModel, frame: pd.DataFrame) -> Predicted:
    """Predictions for the rows of a frame, which must be complete.

    Raises AnalysisError for a level or stratum that the model did not see, and for patients at a
    level that has no estimate.
    """
    columns = [c for c in model.coefficients if not c.is_reference]
    kept = np.array([c.status == "ok" for c in columns], dtype=bool)
    matrix = design_matrix(columns_of(model.terms, frame), len(frame))
    without = (matrix[:, ~kept] != 0).any(axis=1)
    if without.any():
        lost = listed(
            f"{c.term}={c.level}" for c, known in zip(columns, kept, strict=True) if not known
        )
        raise AnalysisError(
            Problem(
                "model performance",
                f"{int(without.sum())} patients at levels without an estimate ({lost})",
                advice="Merge the level with another in the model, or leave the patients out.",
            )
        )
    linear = matrix[:, kept] @ np.array([c.estimate for c in model.estimated], dtype=float)
    if model.offset is not None:
        linear = linear + frame[model.offset].to_numpy(dtype=float)
    return Predicted(
        model,
        linear,
        np.exp(np.minimum(linear + model.baseline.log_ratio, LARGEST_LOG)),
        _strata(model, frame),
        len(model.baseline.strata),
        np.unique(model.baseline.time),
        float(model.baseline.last_time.min()),
    )


def _strata(model: CoxModel, frame: pd.DataFrame) -> npt.NDArray[np.intp]:
    if not model.strata:
        return np.zeros(len(frame), dtype=np.intp)
    parts = [as_text(frame[name]) for name in model.strata]
    labels = pd.Index([", ".join(values) for values in zip(*parts, strict=True)])
    codes = pd.Index(model.baseline.strata).get_indexer(labels)
    if (codes < 0).any():
        unknown = sorted(set(labels[codes < 0]))
        raise AnalysisError(
            Problem(
                "model performance",
                f"strata that the model did not see: {listed(unknown)}",
                f"Strata: {listed(model.baseline.strata)}",
            )
        )
    return np.asarray(codes, dtype=np.intp)
