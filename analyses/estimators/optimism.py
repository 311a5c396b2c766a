"""Optimism of a model's performance by Harrell's bootstrap, on any number of processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from analyses.estimators.cox import cox
from analyses.estimators.performance_measures import Seen, measures
from analyses.estimators.predicted_risk import predicted
from analyses.estimators.processes import Progress
from analyses.estimators.resampling import Places, Resampling, cluster_codes
from analyses.estimators.survival_data import SurvivalData
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from analyses.results.performance import Measure
from analyses.results.terms import Term
from cohort.errors import AnalysisError, Problem

Scope = tuple[tuple[float, ...], float, float]  # horizons, tau, level of the limits
# Measures that a model's own patients flatter.
FLATTERED = (
    *("harrell_c", "uno_c", "auc", "brier", "brier_scaled", "integrated_brier"),
    *("integrated_brier_scaled", "calibration_slope"),
)
# In a sample's own patients its slope is always 1, which tells nothing of the spread.
WITHOUT_LIMITS = ("calibration_slope",)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Measures of one sample's model in its own sample, and in all patients."""

    own: Array
    all: Array


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """All that a sample needs: the patients, and how the model is fitted."""

    frame: pd.DataFrame
    names: tuple[str, str]
    terms: tuple[dict[str, Any], ...]
    options: dict[str, Any]
    cluster: str | None
    weights: str | None
    scope: Scope
    resamples: int

    @classmethod
    def of(
        cls,
        model: CoxModel,
        rows: SurvivalData,
        names: tuple[str, str],
        scope: Scope,
        resamples: int,
    ) -> Bootstrap:
        """The model's own way of being fitted."""
        options = {
            "strata": list(model.strata) or None,
            "offset": model.offset,
            "ties": model.ties,
        }
        time, event = names
        frame = rows.frame.assign(**{time: rows.time, event: rows.event})
        terms = tuple(asked_again(term) for term in model.terms)
        return cls(frame, names, terms, options, model.cluster, model.weights, scope, resamples)

    def require(self, seed: int | None, *, is_fitted: bool) -> None:
        """AnalysisError unless a bootstrap means something here and can be repeated."""
        problems = []
        if seed is None:
            advice = "Give a whole number, so that the numbers can be had again."
            problems.append(Problem("performance: seed", "none", advice=advice))
        if not is_fitted:
            found = "other patients or events than the model was fitted to"
            advice = "Optimism is about the patients of the fit: leave `resamples` out for others."
            problems.append(Problem("performance: resamples", found, advice=advice))
        if self.weights is not None:
            found = f"a model with weights ('{self.weights}')"
            advice = "Weighted samples are not drawn: leave `resamples` out."
            problems.append(Problem("performance: resamples", found, advice=advice))
        if problems:
            raise AnalysisError(problems)

    def drawn(self, seed: int, processes: int, progress: Progress | None) -> list[Drawn]:
        """The samples that could be fitted, in their order; each has a seed of its own."""
        codes = cluster_codes(self.frame, self.cluster)
        plan = Resampling(len(self.frame), codes, self.resamples, seed, "performance")
        return plan.results(self.sample, processes, progress)

    def sample(self, rows: Places) -> Drawn:
        """One sample; AnalysisError where its model cannot be fitted or applied to all patients."""
        time, event = self.names
        own = self.frame.iloc[rows].reset_index(drop=True)
        model = cox(own, time=time, event=event, terms=self.terms, **self.options)
        return Drawn(self._measured(model, own), self._measured(model, self.frame))

    def _measured(self, model: CoxModel, frame: pd.DataFrame) -> Array:
        time, event = self.names
        times, tau, conf_level = self.scope
        seen = Seen.of(frame[time].to_numpy(float), frame[event].to_numpy(bool), conf_level)
        found = measures(predicted(model, frame), seen, times, tau)
        return np.array([np.nan if m.estimate is None else m.estimate for m in found])


def asked_again(term: Term) -> dict[str, Any]:
    """The declaration that a learnt term came from: levels as they were, knots to be learnt."""
    if term.kind == "interaction":
        return {"interaction": [part.name for part in term.parts]}
    if term.kind == "category":
        levels = [*term.levels, *term.unobserved]
        return {"name": term.name, "levels": levels, "reference": term.reference}
    if term.kind == "spline":
        return {"name": term.name, "spline": {"df": len(term.knots) - 1}, "per": term.per}
    return {"name": term.name, "per": term.per}


def corrected(
    found: tuple[Measure, ...], drawn: Sequence[Drawn], conf_level: float
) -> tuple[Measure, ...]:
    """The measures with their optimism: the mean of a sample's own number less that in all."""
    own = np.array([sample.own for sample in drawn])
    gained = own - np.array([sample.all for sample in drawn])
    result = []
    for place, measure in enumerate(found):
        defined = np.isfinite(gained[:, place])
        if measure.quantity not in FLATTERED or measure.estimate is None or defined.sum() < 2:
            result.append(measure)
            continue
        optimism = float(gained[defined, place].mean())
        middle = measure.estimate - optimism
        reach = float(ndtri((1 + conf_level) / 2) * own[defined, place].std(ddof=1))
        open_ended = measure.quantity in WITHOUT_LIMITS
        result.append(
            replace(
                measure,
                optimism=optimism,
                corrected=middle,
                corrected_low=None if open_ended else middle - reach,
                corrected_high=None if open_ended else middle + reach,
            )
        )
    return tuple(result)
