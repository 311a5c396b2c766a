"""The parts of a Cox model's answer: coefficients, tests of the whole model, concordance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analyses.results.log_ratio import ratio_of
from analyses.results.records import Status

TestName = Literal["likelihood_ratio", "penalised_likelihood_ratio", "wald", "score"]
REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One level, number or combination of a model, with its log hazard ratio.

    Attributes
    ----------
    term, level, reference
        Column as declared, the level and the level it is compared with (None for a number).
    per
        Units of the column that one step of the estimate means (None for a category).
    n, n_event
        Rows and events at that level, all rows for a number; patients with counts as weights.
    estimate, std_error, statistic, p_value, conf_low, conf_high
        Log hazard scale; z statistic and two-sided normal p. None where not defined.
    status, reason
        ``ok``, or ``not_estimable`` with the reason. A reference level is ``ok`` with the
        reason ``reference``: estimate 0 without error or limits.
    """

    term: str
    level: str | None
    reference: str | None
    per: float | None
    n: int
    n_event: int
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    status: Status = "ok"
    reason: str | None = None

    @property
    def is_reference(self) -> bool:
        """Whether this row is the level that others are compared with."""
        return self.reason == REFERENCE

    @property
    def hazard_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Hazard ratio and its limits."""
        return ratio_of(self)


@dataclass(frozen=True, slots=True)
class ModelTest:
    """A test that all coefficients are zero: chi-square statistic, degrees of freedom, p."""

    name: TestName
    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Concordance:
    """Of the pairs whose order in time is known, the share in which the higher hazard died first.

    Pairs tied in the predictor count one half. `estimate` and `std_error` (infinitesimal
    jackknife) are None where no pair can be compared; the counts are weighted pairs.
    """

    estimate: float | None
    std_error: float | None
    concordant: float
    discordant: float
    tied_x: float
    tied_y: float
    tied_xy: float


TOO_LARGE = "the hazard ratio is too large to write; its logarithm is given"
