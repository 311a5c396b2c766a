"""What standardised curves say: survival of one population in each group, and the differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.adjusted import AdjustedMean, AdjustedRatio, adjusted_records
from analyses.results.contrast import Contrast
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array, defined
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from analyses.results.weighted import summary_of
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["g-formula", "weighting"]
KIND = "standardised_curves"


@dataclass(frozen=True, slots=True, eq=False)
class StandardisedCurve:
    """Survival of the population had all of it been of one group.

    `n` and `n_event` are the group's own patients. `time` rises, `survival` holds from each time
    on; `band_time` are the times at which the limits were computed (NaN where not defined).
    """

    group: str
    n: int
    n_event: int
    time: Array
    survival: Array
    band_time: Array
    conf_low: Array
    conf_high: Array


@dataclass(frozen=True, slots=True, eq=False)
class StandardisedCurves:
    """Curves that differ by the group alone, with differences at times and in mean time.

    Attributes
    ----------
    method
        ``g-formula``: each patient's prediction by a Cox model with the group set, averaged;
        ``weighting``: weighted Kaplan-Meier curves.
    target, population, n_population
        The group whose patients are averaged over (None: everybody), in words, and how many.
    variance
        ``delta method``, ``robust, weights as known`` or ``bootstrap``.
    curves, means, differences
        One curve a group; survival at times and mean time up to tau; each group against the
        reference.
    ratios
        Hazard ratios of the model that the curves come from, labelled with their meaning.
    model
        The Cox model of the g-formula; None for weighting.
    """

    by: str
    groups: tuple[str, ...]
    reference: str
    method: Method
    target: str | None
    population: str
    n_population: int
    variance: str
    curves: tuple[StandardisedCurve, ...]
    means: tuple[AdjustedMean, ...]
    differences: tuple[Contrast, ...]
    ratios: tuple[AdjustedRatio, ...]
    model: CoxModel | None
    terms: tuple[str, ...]
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
    def summary(self) -> pd.DataFrame:
        """One row a number: hazard ratios with their meaning, means, differences."""
        return summary_of(self.ratios, self.means, self.differences)

    def curve_table(self) -> pd.DataFrame:
        """One row a group and time of the curves."""
        import pandas as pd

        parts = [
            pd.DataFrame({"group": c.group, "time": c.time, "estimate": c.survival})
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "groups": list(self.groups),
            "terms": list(self.terms),
            "n_missing": dict(self.n_missing),
            "curves": [_plain_curve(curve) for curve in self.curves],
            "means": [mean.values() for mean in self.means],
            "differences": [difference.values() for difference in self.differences],
            "ratios": [ratio.values() for ratio in self.ratios],
            "model": None if self.model is None else self.model.to_dict(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number; means and their differences are in `unit`."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        yield Record(analysis, KIND, "population", level=self.population, n=self.n_population)
        yield from adjusted_records(analysis, KIND, unit, self.means, self.differences)
        for ratio in self.ratios:
            yield from ratio.records(analysis, KIND)
        if self.resamples:
            yield Record(analysis, KIND, "bootstrap_samples", n=self.n_samples)

    def plot(self, ax: Any = None) -> Any:
        """The curves with their bands; the named artists."""
        from analyses.plots.standardised_curves import plot_standardised

        return plot_standardised(self, ax=ax)

    def _repr_html_(self) -> str:
        """Means and differences as a readable table in a notebook."""
        head = (
            f"<p><b>Standardised survival</b> by {escape(self.by)} ({self.method}) for "
            f"{escape(self.population)}, {self.n_population:,} patients; variance: "
            f"{escape(self.variance)}</p>"
        )
        return head + str(self.summary.to_html(index=False, na_rep=""))


_PLAIN = (
    *("by", "reference", "method", "target", "population", "n_population", "variance", "cluster"),
    *("n_cluster", "resamples", "n_samples", "conf_level", "n", "n_event", "n_input"),
)


def _plain_curve(curve: StandardisedCurve) -> dict[str, Any]:
    arrays = ("time", "survival", "band_time", "conf_low", "conf_high")
    return {
        "group": curve.group,
        "n": curve.n,
        "n_event": curve.n_event,
        **{name: [defined(value) for value in getattr(curve, name)] for name in arrays},
    }


@dataclass(frozen=True, slots=True, eq=False)
class StandardisedAnalysis:
    """Standardised curves, as a study file asked for; times and tau also in its words."""

    id: str
    title: str
    endpoint: str
    result: StandardisedCurves
    times_said: tuple[str, ...] = ()
    tau_said: str = ""
