"""What shares by facility say: a funnel, and how far facilities differ beyond chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.failure import Failure
from analyses.results.frozen import Array
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "facility_shares"
Place = Literal["within", "beyond_95", "beyond_99_8"]


@dataclass(frozen=True, slots=True)
class FacilityShare:
    """One facility: its patients, those of the category, and where the share lies in the funnel.

    Attributes
    ----------
    name
        The facility's id where that was asked for, else its place by patients: ``1`` has the most.
    place
        ``within`` both limits, ``beyond_95`` or ``beyond_99_8`` per cent.
    is_small
        Fewer patients than `FacilityShares.least_patients`: drawn grey.
    """

    name: str
    n: int
    n_category: int
    estimate: float
    place: Place
    is_small: bool


@dataclass(frozen=True, slots=True)
class Between:
    """How far the facilities' shares differ beyond chance, in all years or one.

    Attributes
    ----------
    year
        None for all years together.
    estimate
        The share of all patients together.
    mean, std_error
        Mean log odds of the facilities, and its standard error.
    deviation, conf_low, conf_high
        Standard deviation of the facilities' log odds, with profile-likelihood limits (all years
        only); `conf_high` None where the likelihood does not fall.
    median_odds_ratio
        Of two facilities drawn at random, the higher against the lower.
    statistic, p_value
        Likelihood ratio against no difference; p from half a chi-square on 1 df.
    reason
        Why there is no estimate, where there is none.
    """

    year: int | None
    n_facility: int
    n: int
    n_category: int
    estimate: float
    mean: float | None = None
    std_error: float | None = None
    deviation: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    median_odds_ratio: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    reason: str | None = None

    @property
    def variance(self) -> float | None:
        """Between facilities, on the logit scale."""
        return None if self.deviation is None else self.deviation**2


@dataclass(frozen=True, slots=True, eq=False)
class FacilityShares:
    """The share of one category by facility.

    Attributes
    ----------
    facilities
        By patients, the most first.
    between, by_year
        Of all years together, and of each year; the latter empty without years.
    curve_n, low_95, high_95, low_99_8, high_99_8
        The funnel: exact binomial limits of the share of all by number of patients.
    n_beyond_95, n_beyond_99_8
        Facilities beyond the limits, small ones among them; 5 and 0.2 per cent by chance.
    """

    facilities: tuple[FacilityShare, ...]
    between: Between
    by_year: tuple[Between, ...]
    curve_n: Array
    low_95: Array
    high_95: Array
    low_99_8: Array
    high_99_8: Array
    of: str
    category: str
    facility: str
    year: str | None
    identified: bool
    least_patients: int
    conf_level: float
    n: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def n_beyond_95(self) -> int:
        """Facilities beyond the 95 % limits."""
        return sum(one.place != "within" for one in self.facilities)

    @property
    def n_beyond_99_8(self) -> int:
        """Facilities beyond the 99.8 % limits."""
        return sum(one.place == "beyond_99_8" for one in self.facilities)

    @property
    def n_small(self) -> int:
        """Facilities with fewer patients than `least_patients`."""
        return sum(one.is_small for one in self.facilities)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a facility."""
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in self.facilities])

    @property
    def between_table(self) -> pd.DataFrame:
        """How far facilities differ: all years (`year` missing), then each year."""
        import pandas as pd

        rows = [asdict(b) | {"variance": b.variance} for b in (self.between, *self.by_year)]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        curves = ("curve_n", "low_95", "high_95", "low_99_8", "high_99_8")
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: getattr(self, name).tolist() for name in curves},
            "n_missing": dict(self.n_missing),
            "facilities": [asdict(one) for one in self.facilities],
            "between": asdict(self.between),
            "by_year": [asdict(one) for one in self.by_year],
            "findings": [asdict(finding) for finding in self.findings],
            "failures": [asdict(failure) for failure in self.failures],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number; single facilities stand in the tables only."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        counts = {
            "facilities": len(self.facilities),
            "facilities_beyond_95": self.n_beyond_95,
            "facilities_beyond_99_8": self.n_beyond_99_8,
            "facilities_small": self.n_small,
        }
        for name, n in counts.items():
            yield Record(analysis, KIND, name, n=n, unit="facilities")
        for between in (self.between, *self.by_year):
            yield from _between_records(analysis, self.category, between)

    def plot(self, ax: Any = None) -> Any:
        """Funnel plot of the facilities; returns its named artists."""
        from analyses.plots.funnel import plot_funnel

        return plot_funnel(self, ax=ax)

    def _repr_html_(self) -> str:
        """How far facilities differ, as a readable table in a notebook."""
        from html import escape

        head = (
            f"<p><b>{escape(self.of)}: {escape(self.category)}</b> by {escape(self.facility)}, "
            f"{len(self.facilities):,} facilities, {self.n:,} patients</p>"
        )
        return head + str(self.between_table.to_html(index=False, na_rep=""))


_PLAIN = (
    *("of", "category", "facility", "year", "identified", "least_patients", "conf_level"),
    *("n", "n_input", "n_beyond_95", "n_beyond_99_8", "n_small"),
)


def _between_records(analysis: str, category: str, between: Between) -> Iterator[Record]:
    """The share, and the spread of the facilities."""
    place: dict[str, Any] = {"group": category, "n": between.n, "n_event": between.n_category}
    place["level"] = None if between.year is None else f"{between.year}"
    yield Record(analysis, KIND, "share", estimate=between.estimate, **place)
    place |= {"status": "ok" if between.reason is None else "not_estimable"}
    place |= {"reason": between.reason}
    yield Record(
        analysis,
        KIND,
        "between_facility_deviation",
        estimate=between.deviation,
        conf_low=between.conf_low,
        conf_high=between.conf_high,
        **place,
    )
    ratio = between.median_odds_ratio
    yield Record(analysis, KIND, "between_facility_variance", estimate=between.variance, **place)
    yield Record(analysis, KIND, "median_odds_ratio", estimate=ratio, **place)
    yield Record(
        analysis,
        KIND,
        "mean_log_odds",
        estimate=between.mean,
        std_error=between.std_error,
        **place,
    )
    yield Record(
        analysis,
        KIND,
        "between_facility_test",
        statistic=between.statistic,
        df=None if between.statistic is None else 1,
        p_value=between.p_value,
        **place,
    )


@dataclass(frozen=True, slots=True, eq=False)
class FacilityAnalysis:
    """Shares by facility, as a study file asked for them."""

    id: str
    title: str
    result: FacilityShares
