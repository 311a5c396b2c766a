"""What a matched comparison says: who was matched, what it balanced, and how the groups differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.adjusted import AdjustedMean, AdjustedRatio, adjusted_records
from analyses.results.balance import Balance
from analyses.results.contrast import Contrast
from analyses.results.cox import CoxModel
from analyses.results.left_out import left_out_records
from analyses.results.propensity import Places, Propensity
from analyses.results.records import Record, checked
from analyses.results.survival import KaplanMeier
from analyses.results.weighted import summary_of
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "matched"
Spread = Literal["overall", "pooled"]


@dataclass(frozen=True, slots=True)
class GroupMatched:
    """One group's patients: before, matched, and Kish's effective number of those matched."""

    group: str
    n: int
    n_matched: int
    effective_n: float

    @property
    def n_unmatched(self) -> int:
        """Patients without a counterpart."""
        return self.n - self.n_matched


@dataclass(frozen=True, slots=True, eq=False)
class MatchedSurvival:
    """Each patient of a group beside those of the reference most like them, and their survival.

    Attributes
    ----------
    group, reference
        The group whose patients look for counterparts, and the one where they find them: the
        comparison is about the matched patients of `group`.
    ratio, caliper, spread, width
        Counterparts wanted for each; caliper in standard deviations of the logit, which deviation
        (``overall`` or the ``pooled`` of the two groups), and the distance that it comes to; None
        without a caliper.
    sizes
        Of both groups.
    sets
        (counterparts, patients of `group` with so many).
    ratios
        ``unadjusted`` and ``matched``, both marginal.
    means, differences, curves, model
        In the matched patients; variance clustered on the matched set.
    n_pair, n_pair_event, n, n_event
        Complete patients of both groups and their events, and those matched.
    places
        Place of each matched patient among the pair's complete rows, and the number of their set
        (two rows); None once let go.
    """

    by: str
    group: str
    reference: str
    ratio: int
    caliper: float | None
    spread: Spread
    width: float | None
    sizes: tuple[GroupMatched, ...]
    sets: tuple[tuple[int, int], ...]
    ratios: tuple[AdjustedRatio, ...]
    means: tuple[AdjustedMean, ...]
    differences: tuple[Contrast, ...]
    curves: KaplanMeier
    model: CoxModel
    propensity: Propensity
    balance: Balance
    conf_level: float
    n_pair: int
    n_pair_event: int
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    places: Places | None = field(default=None, repr=False)

    @property
    def population(self) -> str:
        """Whom the matched comparison is about."""
        return f"matched patients of {self.group}"

    @property
    def summary(self) -> pd.DataFrame:
        """One row a number: hazard ratios with their meaning, means, differences."""
        return summary_of(self.ratios, self.means, self.differences)

    def without_rows(self) -> MatchedSurvival:
        """The same without what is held of each patient."""
        return replace(self, propensity=self.propensity.without_rows(), places=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "n_missing": dict(self.n_missing),
            "sizes": [asdict(size) | {"n_unmatched": size.n_unmatched} for size in self.sizes],
            "sets": [list(pair) for pair in self.sets],
            "ratios": [ratio.values() for ratio in self.ratios],
            "means": [mean.values() for mean in self.means],
            "differences": [difference.values() for difference in self.differences],
            "curves": self.curves.to_dict(),
            "model": self.model.to_dict(),
            "propensity": self.propensity.to_dict(),
            "balance": self.balance.to_dict(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number; means and their differences are in `unit`."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n_pair, self.n_input, self.n_missing)
        for size in self.sizes:
            yield Record(analysis, KIND, "matched_patients", group=size.group, n=size.n_matched)
            yield Record(analysis, KIND, "unmatched_patients", group=size.group, n=size.n_unmatched)
            yield Record(
                analysis,
                KIND,
                "effective_n",
                group=size.group,
                n=size.n_matched,
                estimate=size.effective_n,
            )
        for counterparts, n in self.sets:
            yield Record(analysis, KIND, "matched_sets", level=str(counterparts), n=n)
        if self.width is not None:
            yield Record(analysis, KIND, "caliper", level=self.spread, estimate=self.width)
        for ratio in self.ratios:
            yield from ratio.records(analysis, KIND)
        yield from adjusted_records(analysis, KIND, unit, self.means, self.differences)
        yield from self.propensity.each_record(analysis, KIND)
        yield from self.balance.each_record(analysis, KIND)

    def plot(self, ax: Any = None) -> Any:
        """Curves of the matched patients; the named artists."""
        return self.curves.plot(ax=ax)

    def _repr_html_(self) -> str:
        """Ratios, means and differences as a readable table in a notebook."""
        own = self.sizes[-1]
        head = (
            f"<p><b>Matched comparison</b> of {escape(self.group)} with {escape(self.reference)}: "
            f"{own.n_matched:,} of {own.n:,} patients of {escape(self.group)} matched</p>"
        )
        return head + str(self.summary.to_html(index=False, na_rep=""))


_PLAIN = (
    *("by", "group", "reference", "population", "ratio", "caliper", "spread", "width"),
    *("conf_level", "n_pair", "n_pair_event", "n", "n_event", "n_input"),
)


@dataclass(frozen=True, slots=True, eq=False)
class MatchedAnalysis:
    """A matched comparison, as a study file asked for; times and tau also in its words."""

    id: str
    title: str
    endpoint: str
    result: MatchedSurvival
    times_said: tuple[str, ...] = ()
    tau_said: str = ""
