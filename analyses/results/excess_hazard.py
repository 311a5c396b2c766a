"""A model of the excess hazard: how terms multiply the deaths beyond those of the population."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from analyses.results.coefficient import Coefficient
from analyses.results.frozen import Array, defined
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from analyses.results.terms import Term
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "excess_hazard"


@dataclass(frozen=True, slots=True)
class Interval:
    """The baseline excess hazard of one interval of follow-up.

    Attributes
    ----------
    start, end
        In the unit of follow-up; the last one ends with follow-up.
    estimate, std_error, conf_low, conf_high
        Logarithm of the excess hazard a year at the reference values.
    """

    start: float
    end: float
    n_event: int
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, eq=False)
class ExcessHazard:
    """An additive model: hazard = the population's + exp(baseline + terms).

    Attributes
    ----------
    coefficients
        Log excess hazard ratios; reference levels among them.
    baseline
        By interval of follow-up.
    covariance
        Of the coefficients and then the log baselines.
    """

    coefficients: tuple[Coefficient, ...]
    baseline: tuple[Interval, ...]
    covariance: Array
    log_likelihood: float
    terms: tuple[Term, ...]
    unit: str
    conf_level: float
    iterations: int
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row a level or number, reference levels included, on both scales."""
        import pandas as pd

        rows = []
        for c in self.coefficients:
            names = ("excess_hazard_ratio", "excess_hazard_ratio_low", "excess_hazard_ratio_high")
            rows.append(asdict(c) | dict(zip(names, c.hazard_ratio, strict=True)))
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "coefficients": [asdict(c) for c in self.coefficients],
            "baseline": [asdict(b) for b in self.baseline],
            "covariance": self.covariance.tolist(),
            "log_likelihood": self.log_likelihood,
            "unit": self.unit,
            "conf_level": self.conf_level,
            "n": self.n,
            "n_event": self.n_event,
            "n_input": self.n_input,
            "n_missing": dict(self.n_missing),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: both scales of each coefficient, and the baselines."""
        del unit
        return checked(self.records_within(analysis, KIND))

    def records_within(self, analysis: str, kind: str) -> Iterator[Record]:
        """The same, as part of the records of another kind."""
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        for c in self.coefficients:
            yield Record(
                *(analysis, kind, "log_excess_hazard_ratio"),
                term=c.term,
                level=c.level,
                reference=c.reference,
                n=c.n,
                n_event=c.n_event,
                estimate=c.estimate,
                std_error=c.std_error,
                statistic=c.statistic,
                p_value=c.p_value,
                conf_low=c.conf_low,
                conf_high=c.conf_high,
                reason=c.reason,
            )
            estimate, low, high = c.hazard_ratio
            yield Record(
                *(analysis, kind, "excess_hazard_ratio"),
                term=c.term,
                level=c.level,
                reference=c.reference,
                n=c.n,
                n_event=c.n_event,
                estimate=estimate,
                p_value=c.p_value,
                conf_low=low,
                conf_high=high,
                reason=c.reason,
            )
        for one in self.baseline:
            yield Record(
                *(analysis, kind, "excess_hazard"),
                time=one.start,
                n_event=one.n_event,
                estimate=defined(math.exp(one.estimate)),
                conf_low=defined(math.exp(one.conf_low)),
                conf_high=defined(math.exp(min(one.conf_high, 700.0))),
                unit="per year",
            )

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        shown = ["term", "level", "n", "n_event", "excess_hazard_ratio"]
        shown += ["excess_hazard_ratio_low", "excess_hazard_ratio_high", "p_value", "reason"]
        head = f"<p><b>Excess hazard</b>, {self.n:,} patients, {self.n_event:,} deaths</p>"
        return head + str(self.summary[shown].to_html(index=False, na_rep=""))
