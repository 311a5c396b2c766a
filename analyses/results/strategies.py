"""What a cloned comparison of two strategies says: weighted curves, risks, a hazard ratio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.contrast import Contrast
from analyses.results.frozen import Array, defined
from analyses.results.late_effect import LateEffect, effects_table
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "clone_censor_weight"
START, NEVER = "start", "never_start"


@dataclass(frozen=True, slots=True)
class WeightsSummary:
    """Weights that the clones of a strategy carry past the grace period.

    Attributes
    ----------
    n
        Clones followed past it under their strategy.
    effective
        Kish's effective number of them, (sum w)^2 / sum w^2.
    smallest, mean, median, largest
        After truncation.
    cap, n_capped, largest_before
        What larger weights were brought down to, how many of the `n` that were, and the largest
        there was; `cap` is None where nothing was truncated.
    """

    n: int
    effective: float
    smallest: float
    mean: float
    median: float
    largest: float
    cap: float | None
    n_capped: int
    largest_before: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the spread of its bootstrap samples; limits None with a reason without."""

    time: float
    estimate: float
    std_error: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StrategyArm:
    """The clones of one strategy.

    Attributes
    ----------
    strategy
        ``start`` (within the grace period) or ``never_start`` (within it).
    n, n_event, n_deviated, n_ended
        Clones, one a patient; events while following the strategy; clones censored as they
        deviated; those whose own follow-up ended before.
    weights
        What the clones carry past the grace period.
    time, survival, conf_low, conf_high
        The weighted curve at times for a figure; NaN where limits are not defined.
    risks
        1 - survival at the times asked for, with limits by the complementary log-log scale.
    mean
        Restricted mean time up to tau.
    """

    strategy: str
    n: int
    n_event: int
    n_deviated: int
    n_ended: int
    weights: WeightsSummary
    time: Array
    survival: Array
    conf_low: Array
    conf_high: Array
    risks: tuple[Estimate, ...]
    mean: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Strategies:
    """Starting a treatment within a grace period against not starting it within that period.

    Attributes
    ----------
    grace, tau
        End of the grace period, and of the restricted mean, in the unit of follow-up.
    treatment, start
        Columns of the treatment and of its start.
    terms, time_varying
        Covariates of the weights, and those that switch on during follow-up.
    model, intervals
        Of the hazard of starting: ``cox``, or ``pooled_logistic`` on so many intervals.
    truncate
        Share of the weights below the cap.
    arms
        The two strategies, ``start`` first.
    risk_differences, mean_difference
        ``start`` less ``never_start``: risks at the times asked for, and restricted means.
    effect, naive
        Marginal hazard ratio of the strategies; of ever against never treated from time zero,
        which is biased and stands for comparison only (None where not wanted).
    resamples, n_samples, seed
        Bootstrap samples of patients asked for and used, and the seed they were drawn by.
    n, n_event, n_input, n_missing
        Patients, events, rows given, and (column, rows without a value).
    """

    grace: float
    tau: float
    treatment: str
    start: str
    terms: tuple[str, ...]
    time_varying: tuple[str, ...]
    model: str
    intervals: int | None
    truncate: float
    arms: tuple[StrategyArm, StrategyArm]
    risk_differences: tuple[Contrast, ...]
    mean_difference: Contrast
    effect: LateEffect
    naive: LateEffect | None
    resamples: int
    n_samples: int
    seed: int
    conf_level: float
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def effects(self) -> tuple[LateEffect, ...]:
        """The valid effect, then the naive one."""
        return (self.effect,) if self.naive is None else (self.effect, self.naive)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a number: risks and means by strategy, their differences, hazard ratios."""
        import pandas as pd

        rows = [
            {"quantity": name, "group": arm.strategy, "n": arm.n, "n_event": arm.n_event}
            | asdict(number)
            for arm in self.arms
            for name, numbers in (("risk", arm.risks), ("rmst", (arm.mean,)))
            for number in numbers
        ]
        rows += [c.values() for c in (*self.risk_differences, self.mean_difference)]
        for effect, own in zip(self.effects, self._effect_rows(), strict=True):
            prefix = "" if effect.is_valid else "naive_"
            rows.append({"quantity": f"{prefix}log_hazard_ratio", **own})
        table = pd.DataFrame(rows)
        numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        return table.astype(dict.fromkeys(numbers, float))

    def _effect_rows(self) -> list[dict[str, Any]]:
        names = ["n", "n_event", "estimate", "std_error", "statistic", "p_value"]
        table = effects_table(self.effects)[[*names, "conf_low", "conf_high", "reason"]]
        return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "terms": list(self.terms),
            "time_varying": list(self.time_varying),
            "n_missing": dict(self.n_missing),
            "arms": [_plain_arm(arm) for arm in self.arms],
            "risk_differences": [c.values() for c in self.risk_differences],
            "mean_difference": self.mean_difference.values(),
            "effects": [effect.values() for effect in self.effects],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: clones, weights, risks, means, their differences, hazard ratios."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        yield Record(analysis, KIND, "strategy_patients", n=self.n, n_event=self.n_event)
        yield Record(analysis, KIND, "strategy_rows_given", n=self.n_input)
        for column, n in self.n_missing:
            yield Record(analysis, KIND, "strategy_rows_missing", term=column, n=n)
        yield Record(analysis, KIND, "bootstrap_samples", n=self.n_samples, unit="samples")
        yield Record(analysis, KIND, "grace_period", estimate=self.grace, unit=unit)
        yield Record(analysis, KIND, "rmst_tau", estimate=self.tau, unit=unit)
        for arm in self.arms:
            yield from _arm_records(arm, analysis, unit)
        for difference in self.risk_differences:
            yield difference.record(analysis, KIND)
        yield self.mean_difference.record(analysis, KIND, unit)
        for effect in self.effects:
            yield from effect.records(analysis, KIND)

    def plot(self, ax: Any = None) -> Any:
        """Weighted curves of the two strategies; returns the named artists."""
        from analyses.plots.strategies import plot_strategies

        return plot_strategies(self, ax=ax)

    def _repr_html_(self) -> str:
        """Risks, means, differences and ratios as a readable table in a notebook."""
        shown = ["quantity", "group", "reference", "time", "estimate", "conf_low", "conf_high"]
        head = (
            f"<p><b>Clone, censor, weight</b>: {escape(self.treatment)} started within "
            f"{self.grace:g} or not; {self.n:,} patients, {self.n_event:,} events, "
            f"{self.n_samples} bootstrap samples</p>"
        )
        return head + str(self.summary[shown].to_html(index=False, na_rep=""))


_PLAIN = (
    *("grace", "tau", "treatment", "start", "model", "intervals", "truncate", "resamples"),
    *("n_samples", "seed", "conf_level", "n", "n_event", "n_input"),
)


def _arm_records(arm: StrategyArm, analysis: str, unit: str | None) -> Iterator[Record]:
    for name in ("n", "n_event", "n_deviated", "n_ended"):
        quantity = f"clones_{name}"
        yield Record(
            analysis, KIND, quantity, group=arm.strategy, n=getattr(arm, name), unit="patients"
        )
    own = arm.weights
    for name in ("effective", "smallest", "mean", "median", "largest", "largest_before"):
        value = getattr(own, name)
        yield Record(analysis, KIND, f"weight_{name}", group=arm.strategy, n=own.n, estimate=value)
    yield Record(analysis, KIND, "weight_capped", group=arm.strategy, n=own.n_capped)
    if own.cap is not None:
        yield Record(analysis, KIND, "weight_cap", group=arm.strategy, estimate=own.cap)
    for risk in arm.risks:
        yield Record(analysis, KIND, "risk", group=arm.strategy, n=arm.n, **asdict(risk))
    yield Record(analysis, KIND, "rmst", group=arm.strategy, n=arm.n, unit=unit, **asdict(arm.mean))


def _plain_arm(arm: StrategyArm) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field in fields(arm):
        value = getattr(arm, field.name)
        if field.name in ("time", "survival", "conf_low", "conf_high"):
            plain[field.name] = [defined(number) for number in value]
        elif field.name == "risks":
            plain[field.name] = [asdict(number) for number in value]
        elif field.name in ("weights", "mean"):
            plain[field.name] = asdict(value)
        else:
            plain[field.name] = value
    return plain


@dataclass(frozen=True, slots=True, eq=False)
class StrategiesAnalysis:
    """Two strategies of a study, grace period, times and tau in the study file's words."""

    id: str
    title: str
    endpoint: str
    result: Strategies
    grace_said: str
    times_said: tuple[str, ...] = ()
    tau_said: str = ""
