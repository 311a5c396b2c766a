"""What a weighted comparison says: hazard ratios of several meanings, curves, balance, overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.adjusted import AdjustedMean, AdjustedRatio, adjusted_records
from analyses.results.balance import Balance
from analyses.results.balancing import BalancingWeights
from analyses.results.contrast import Contrast
from analyses.results.cox import CoxModel
from analyses.results.left_out import left_out_records
from analyses.results.propensity import Propensity
from analyses.results.records import Record, checked
from analyses.results.survival import KaplanMeier
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "weighted"
Variance = Literal["robust, weights as known", "bootstrap, propensity refitted"]


@dataclass(frozen=True, slots=True, eq=False)
class WeightedSurvival:
    """Groups made alike by weights, and compared.

    Attributes
    ----------
    ratios
        ``unadjusted`` and ``weighted`` (both marginal), and where terms were given ``weights and
        terms`` (conditional). A marginal and a conditional ratio differ without confounding.
    means, differences
        Survival at times and mean time up to tau in the weighted population, each group and each
        against the reference.
    curves
        Weighted Kaplan-Meier; numbers at risk unweighted.
    model, doubly_robust
        The weighted Cox models of the group alone, and with terms; without their rows.
    propensity, weighting, balance
        What the weights came from, how large they are, and what they did.
    variance
        Of ratios (the unadjusted aside), means and differences.
    cluster, n_cluster, resamples, n_samples
        Column of clusters and their number; samples asked for and those that had an estimate.
    """

    by: str
    groups: tuple[str, ...]
    reference: str
    ratios: tuple[AdjustedRatio, ...]
    means: tuple[AdjustedMean, ...]
    differences: tuple[Contrast, ...]
    curves: KaplanMeier
    model: CoxModel
    doubly_robust: CoxModel | None
    propensity: Propensity
    weighting: BalancingWeights
    balance: Balance
    variance: Variance
    cluster: str | None
    n_cluster: int | None
    resamples: int
    n_samples: int
    conf_level: float
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def population(self) -> str:
        """The population that the weighted groups stand for."""
        return self.weighting.population

    @property
    def summary(self) -> pd.DataFrame:
        """One row a number: hazard ratios with their meaning, means, differences."""
        return summary_of(self.ratios, self.means, self.differences)

    def without_rows(self) -> WeightedSurvival:
        """The same without what is held of each patient."""
        return replace(
            self,
            propensity=self.propensity.without_rows(),
            weighting=self.weighting.without_rows(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "groups": list(self.groups),
            "n_missing": dict(self.n_missing),
            "ratios": [ratio.values() for ratio in self.ratios],
            "means": [mean.values() for mean in self.means],
            "differences": [difference.values() for difference in self.differences],
            "curves": self.curves.to_dict(),
            "model": self.model.to_dict(),
            "doubly_robust": None if self.doubly_robust is None else self.doubly_robust.to_dict(),
            "propensity": self.propensity.to_dict(),
            "weighting": self.weighting.to_dict(),
            "balance": self.balance.to_dict(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number; means and their differences are in `unit`."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        for ratio in self.ratios:
            yield from ratio.records(analysis, KIND)
        yield from adjusted_records(analysis, KIND, unit, self.means, self.differences)
        yield from self.propensity.each_record(analysis, KIND)
        yield from self.weighting.each_record(analysis, KIND)
        yield from self.balance.each_record(analysis, KIND)
        if self.resamples:
            yield Record(analysis, KIND, "bootstrap_samples", n=self.n_samples)

    def plot(self, ax: Any = None) -> Any:
        """Weighted curves with the unweighted numbers at risk; the named artists."""
        return self.curves.plot(ax=ax)

    def _repr_html_(self) -> str:
        """Ratios, means and differences as a readable table in a notebook."""
        head = (
            f"<p><b>Weighted comparison</b> by {escape(self.by)} for {escape(self.population)}, "
            f"{self.n:,} patients, {self.n_event:,} events; variance: {escape(self.variance)}</p>"
        )
        return head + str(self.summary.to_html(index=False, na_rep=""))


_PLAIN = (
    *("by", "reference", "population", "variance", "cluster", "n_cluster", "resamples"),
    *("n_samples", "conf_level", "n", "n_event", "n_input"),
)


def summary_of(
    ratios: tuple[AdjustedRatio, ...],
    means: tuple[AdjustedMean, ...],
    differences: tuple[Contrast, ...],
) -> pd.DataFrame:
    """A tidy table of the parts of an adjusted comparison."""
    import pandas as pd

    rows = [
        *({"quantity": "log_hazard_ratio"} | ratio.values() for ratio in ratios),
        *(mean.values() for mean in means),
        *(difference.values() for difference in differences),
    ]
    table = pd.DataFrame(rows)
    numbers = ("time", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    known = [name for name in numbers if name in table]
    return table.astype(dict.fromkeys(known, float))


@dataclass(frozen=True, slots=True, eq=False)
class WeightedAnalysis:
    """A weighted comparison, as a study file asked for; times and tau also in its words."""

    id: str
    title: str
    endpoint: str
    result: WeightedSurvival
    times_said: tuple[str, ...] = ()
    tau_said: str = ""
