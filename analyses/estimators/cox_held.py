"""The rows of a fitted Cox model, held so that later questions can be put to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox_fit import Fit
from analyses.estimators.cox_residuals import residuals
from analyses.estimators.proportionality import proportionality_of
from analyses.results.cox import CoxModel
from analyses.results.proportionality import Proportionality
from cohort.errors import AnalysisError, Problem

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class AskedBefore:
    """What rows answered before they were let go: the test with time by Kaplan-Meier."""

    tested: Proportionality | None

    def proportionality(self, model: CoxModel, transform: str) -> Proportionality:
        """See `CoxModel.proportionality`."""
        del model
        if self.tested is None or transform != self.tested.transform:
            raise AnalysisError(_let_go(f"proportionality: transform '{transform}'"))
        return self.tested

    def residuals(self, model: CoxModel, kind: str) -> pd.DataFrame:
        """See `CoxModel.residuals`."""
        del model
        raise AnalysisError(_let_go(f"residuals: '{kind}'"))


def _let_go(question: str) -> Problem:
    return Problem(
        question,
        "the rows stayed with Spark's executors, which have let them go",
        "Allowed: proportionality with transform 'km'",
        "Fit the model in memory by `cox`, on a sample if need be.",
    )


@dataclass(frozen=True, slots=True, eq=False)
class HeldRows:
    """A fit, with the index labels of its rows; `order` where the fit has them in another."""

    fitted: Fit
    labels: pd.Index[Any]
    order: Places | None

    def proportionality(self, model: CoxModel, transform: str) -> Proportionality:
        """See `CoxModel.proportionality`."""
        return proportionality_of(self.fitted, model, transform)

    def residuals(self, model: CoxModel, kind: str) -> pd.DataFrame:
        """See `CoxModel.residuals`."""
        del model
        rows, found = residuals(self.fitted, kind)
        given = rows if self.order is None else self.order[rows]
        found.index = self.labels[given]
        if "time" in found or self.order is None:
            return found
        return found.iloc[np.argsort(given)]
