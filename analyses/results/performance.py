"""How well a model's predictions hold in patients: discrimination, error, calibration, optimism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.left_out import left_out_records
from analyses.results.records import Record, Status, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "performance"
MEASURES = {  # in the order of the tables
    "harrell_c": "Harrell's concordance",
    "uno_c": "Uno's concordance",
    "auc": "time-dependent AUC",
    "brier": "Brier score",
    "brier_null": "Brier score without covariates",
    "brier_scaled": "scaled Brier score",
    "integrated_brier": "integrated Brier score",
    "integrated_brier_null": "integrated Brier score without covariates",
    "integrated_brier_scaled": "scaled integrated Brier score",
    "calibration_slope": "calibration slope",
    "calibration_in_the_large": "log of observed over expected events",
    "expected_risk": "mean predicted risk",
    "observed_risk": "observed risk",
    "observed_over_expected": "observed over expected risk",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a model's performance.

    Attributes
    ----------
    quantity, time
        Which of `MEASURES`, and the horizon that it is for (None: the whole follow-up).
    estimate, std_error, conf_low, conf_high
        None with a `reason` where not defined. Limits are absent for what has none by theory;
        a bootstrap gives them for the corrected number.
    optimism, corrected, corrected_low, corrected_high
        By Harrell's bootstrap, where asked for: what the estimate owes to being measured in the
        patients that the model was fitted to, the estimate less that, and its limits (the
        bootstrap's standard error about the corrected number).
    """

    quantity: str
    time: float | None = None
    estimate: float | None = None
    std_error: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    reason: str | None = None
    optimism: float | None = None
    corrected: float | None = None
    corrected_low: float | None = None
    corrected_high: float | None = None

    def records(self, analysis: str, n: int, n_event: int) -> Iterator[Record]:
        """The apparent number, and where there is one the corrected."""
        status: Status = "not_estimable" if self.estimate is None else "ok"
        place: dict[str, Any] = {"time": self.time, "n": n, "n_event": n_event}
        yield Record(
            analysis,
            KIND,
            self.quantity,
            estimate=self.estimate,
            std_error=self.std_error,
            conf_low=self.conf_low,
            conf_high=self.conf_high,
            status=status,
            reason=self.reason,
            **place,
        )
        if self.optimism is not None:
            yield Record(
                analysis, KIND, f"{self.quantity}_optimism", estimate=self.optimism, **place
            )
            yield Record(
                analysis,
                KIND,
                f"{self.quantity}_corrected",
                estimate=self.corrected,
                conf_low=self.corrected_low,
                conf_high=self.corrected_high,
                **place,
            )


@dataclass(frozen=True, slots=True)
class CalibrationGroup:
    """Patients of like predicted risk at a horizon: predicted against Kaplan-Meier.

    `place` counts groups from 1, the lowest risk first; `expected` and `observed` are risks (of
    the event by `time`), the limits log-log; None with a reason past the group's follow-up.
    """

    time: float
    place: int
    n: int
    n_event: int
    expected: float
    observed: float | None
    conf_low: float | None
    conf_high: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ModelPerformance:
    """Every measure of one model in one set of patients.

    Attributes
    ----------
    measures
        In the order of `MEASURES`, horizons ascending.
    groups
        Calibration by groups of predicted risk, horizons ascending.
    times, tau
        Horizons, and the last time that Uno's concordance and the integrated scores look at.
    is_apparent
        Whether these are the patients that the model was fitted to, so that every number
        flatters the model.
    resamples, n_failed, seed
        Bootstrap samples asked for, those whose model could not be fitted or applied, the seed.
    n, n_event, n_input, n_missing
        Patients and events, rows given, and (column, rows without a value in it).
    """

    measures: tuple[Measure, ...]
    groups: tuple[CalibrationGroup, ...]
    times: tuple[float, ...]
    tau: float
    is_apparent: bool
    resamples: int
    n_failed: int
    seed: int | None
    conf_level: float
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    def of(self, quantity: str, time: float | None = None) -> Measure:
        """One measure; KeyError where there is none."""
        for measure in self.measures:
            if measure.quantity == quantity and measure.time == time:
                return measure
        raise KeyError(f"no {quantity} at {time}")

    @property
    def summary(self) -> pd.DataFrame:
        """One row a measure."""
        import pandas as pd

        frame = pd.DataFrame([asdict(measure) for measure in self.measures])
        numbers = [name for name in frame if name not in ("quantity", "reason")]
        return frame.astype(dict.fromkeys(numbers, float))

    @property
    def calibration(self) -> pd.DataFrame:
        """One row a group of predicted risk and horizon."""
        import pandas as pd

        frame = pd.DataFrame([asdict(group) for group in self.groups])
        numbers = ("expected", "observed", "conf_low", "conf_high")
        return frame.astype(dict.fromkeys(numbers, float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "times": list(self.times),
            "n_missing": dict(self.n_missing),
            "measures": [asdict(measure) for measure in self.measures],
            "groups": [asdict(group) for group in self.groups],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number; `unit` is that of the horizons and tau."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        yield Record(analysis, KIND, "performance_tau", estimate=self.tau, unit=unit)
        if self.resamples:
            yield Record(analysis, KIND, "bootstrap_samples", n=self.resamples - self.n_failed)
        for measure in self.measures:
            yield from measure.records(analysis, self.n, self.n_event)
        for group in self.groups:
            place: dict[str, Any] = {"group": f"risk group {group.place}", "time": group.time}
            place |= {"n": group.n, "n_event": group.n_event}
            yield Record(analysis, KIND, "group_expected_risk", estimate=group.expected, **place)
            yield Record(
                analysis,
                KIND,
                "group_observed_risk",
                estimate=group.observed,
                conf_low=group.conf_low,
                conf_high=group.conf_high,
                status="not_estimable" if group.observed is None else "ok",
                reason=group.reason,
                **place,
            )

    def plot(self, ax: Any = None) -> Any:
        """Predicted against observed risk at each horizon; returns its named artists."""
        from analyses.plots.calibration import plot_calibration

        return plot_calibration(self, ax=ax)

    def _repr_html_(self) -> str:
        """The measures as a readable table in a notebook."""
        where = "the patients it was fitted to" if self.is_apparent else "new patients"
        head = (
            f"<p><b>Performance</b> in {escape(where)}: {self.n:,} patients, "
            f"{self.n_event:,} events</p>"
        )
        return head + str(self.summary.to_html(index=False, na_rep=""))


_PLAIN = (
    *("tau", "is_apparent", "resamples", "n_failed", "seed", "conf_level", "n", "n_event"),
    "n_input",
)
