"""What a treatment does within each group: hazard ratios, whether they differ, absolute benefit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.contrast import Contrast
from analyses.results.failure import Failure
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, Status, checked
from analyses.results.subgroups import (
    GroupEffect,
    InteractionTest,
    Subgroups,
    effect_records,
    interaction_records,
)
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "treatment_effect"
Estimand = Literal["unadjusted", "conditional", "marginal"]


@dataclass(frozen=True, slots=True)
class EffectRatio:
    """By how much the treatment's hazard ratio in one group differs from that in the reference.

    `estimate` and limits are the logarithm of the ratio of the two hazard ratios, from the model
    with the product; None with a `reason` where not defined.
    """

    group: str
    reference: str
    n: int
    n_event: int
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    reason: str | None = None

    @property
    def ratio(self) -> tuple[float | None, float | None, float | None]:
        """The ratio of the hazard ratios with its limits."""
        values = (self.estimate, self.conf_low, self.conf_high)
        ratio, low, high = (None if v is None else math.exp(v) for v in values)
        return ratio, low, high

    @property
    def status(self) -> Status:
        """``ok`` where there is an estimate."""
        return "ok" if self.estimate is not None else "not_estimable"


@dataclass(frozen=True, slots=True)
class AbsoluteEffect:
    """Survival of the treated less that of the untreated in one group at a time.

    `treated` and `untreated` are the Kaplan-Meier estimates, None past the follow-up of one.
    """

    group: str
    treated: float | None
    untreated: float | None
    difference: Contrast


@dataclass(frozen=True, slots=True)
class AbsoluteTest:
    """That the absolute differences are the same in all groups at a time.

    Sum of squares about the weighted mean of independent differences, with the covariance of the
    groups under clusters; None with a `reason`.
    """

    time: float
    statistic: float | None
    df: int
    p_value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TreatmentByGroup:
    """The effect of a treatment in all patients and within each group.

    Attributes
    ----------
    within
        The hazard ratios, in everybody and by group, and the tests of interaction.
    treatment, treated, untreated
        Column of the treatment, the level compared and the level that it is compared with.
    by, groups, reference
        Column of the groups, in order, and the group that the ratios are compared with.
    ratios
        Every other group's hazard ratio over the reference's.
    absolute, absolute_tests
        Differences of survival by time and group, and whether they are alike at each time; empty
        where no time was asked for.
    estimand
        ``conditional`` on the terms or strata; ``marginal`` under weights that are not counts;
        ``unadjusted``. Differences of survival are marginal or unadjusted.
    variance
        Of the survival curves: ``Greenwood``, ``infinitesimal jackknife`` under weights,
        ``clustered infinitesimal jackknife`` under clusters.
    is_weighted
        Whether the curves are weighted, by weights that are not counts.
    findings, failures
        Of the hazard ratios, and of differences that do not exist.
    """

    within: Subgroups
    treatment: str
    treated: str
    untreated: str
    by: str
    groups: tuple[str, ...]
    reference: str
    ratios: tuple[EffectRatio, ...]
    absolute: tuple[AbsoluteEffect, ...]
    absolute_tests: tuple[AbsoluteTest, ...]
    estimand: Estimand
    variance: str
    is_weighted: bool = False
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def overall(self) -> GroupEffect:
        """Treated against untreated in all patients together."""
        return self.within.overall.effects[0]

    @property
    def effects(self) -> tuple[GroupEffect, ...]:
        """Treated against untreated in each group, in order."""
        return tuple(sub.effects[0] for sub in self.within.factors[0].subgroups)

    @property
    def interaction(self) -> InteractionTest:
        """The test that the hazard ratios are alike in all groups."""
        return self.within.factors[0].interaction

    @property
    def times(self) -> tuple[float, ...]:
        """Times of the absolute differences."""
        return tuple(test.time for test in self.absolute_tests)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a group, with everybody first: sizes and hazard ratio on both scales."""
        table = self.within.summary
        return table.drop(columns=["term"]).rename(columns={"level": "by", "group": "level"})

    @property
    def differences(self) -> pd.DataFrame:
        """One row a time and group: survival of both arms and their difference."""
        import pandas as pd

        rows = [
            {"by": e.group, "treated": e.treated, "untreated": e.untreated} | e.difference.values()
            for e in self.absolute
        ]
        numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        names = ["by", "treated", "untreated", "group", "reference", "time", "n", "n_event"]
        table = pd.DataFrame(rows, columns=[*names, *numbers, "reason"])
        return table.astype(dict.fromkeys(("treated", "untreated", *numbers), float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "groups": list(self.groups),
            "within": self.within.to_dict(),
            "ratios": [asdict(ratio) for ratio in self.ratios],
            "absolute": [asdict(effect) for effect in self.absolute],
            "absolute_tests": [asdict(test) for test in self.absolute_tests],
            "findings": [asdict(finding) for finding in self.findings],
            "failures": [asdict(failure) for failure in self.failures],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: sizes, hazard ratios, their ratios, differences in survival."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        within = self.within
        yield from left_out_records(analysis, KIND, within.n, within.n_input, within.n_missing)
        for sub in (within.overall, *within.factors[0].subgroups):
            place: dict[str, Any] = {"term": sub.factor or "all", "level": sub.level}
            for arm, n, n_event in sub.by_group:
                yield Record(analysis, KIND, "patients", arm, n=n, n_event=n_event, **place)
            yield from effect_records(analysis, KIND, sub.effects[0])
        factor = within.factors[0]
        yield Record(
            analysis, KIND, "group_not_known", n=factor.n_missing, n_event=factor.n_event_missing
        )
        yield from interaction_records(analysis, KIND, factor.interaction)
        for ratio in self.ratios:
            yield from _ratio_records(analysis, ratio)
        for effect in self.absolute:
            yield from _absolute_records(analysis, self.by, effect, unit)
        for test in self.absolute_tests:
            yield Record(
                analysis,
                KIND,
                "difference_interaction_test",
                term=self.by,
                time=test.time,
                unit=unit,
                statistic=test.statistic,
                df=test.df,
                p_value=test.p_value,
                status="ok" if test.p_value is not None else "not_estimable",
                reason=test.reason,
            )

    def plot(self, ax: Any = None) -> Any:
        """Forest of the treatment in everybody and in each group; returns its named artists."""
        from analyses.plots.treatment_by_group import plot_treatment

        return plot_treatment(self, ax=ax)

    def _repr_html_(self) -> str:
        """Hazard ratios and differences as readable tables in a notebook."""
        from html import escape

        head = (
            f"<p><b>{escape(self.treatment)}</b> by {escape(self.by)}: {self.estimand} hazard "
            f"ratios, {self.within.n:,} patients, {self.within.n_event:,} events</p>"
        )
        shown = ["by", "n", "n_event", "n_reference", "n_event_reference", "hazard_ratio"]
        shown += ["hazard_ratio_low", "hazard_ratio_high", "reason"]
        tables = (self.summary[shown], self.differences)
        return head + "".join(str(t.to_html(index=False, na_rep="")) for t in tables if len(t))


_PLAIN = (
    "treatment",
    "treated",
    "untreated",
    "by",
    "reference",
    "estimand",
    "variance",
    "is_weighted",
)


@dataclass(frozen=True, slots=True, eq=False)
class TreatmentAnalysis:
    """The effect of a treatment by group, as a study file asked for it.

    `times_said` are the times in the study file's words; `known_said` says how it is known that
    the treatment was settled at time zero.
    """

    id: str
    title: str
    endpoint: str
    result: TreatmentByGroup
    times_said: tuple[str, ...] = ()
    known_said: str = ""


def _ratio_records(analysis: str, ratio: EffectRatio) -> Iterator[Record]:
    """The ratio of two hazard ratios on both scales."""
    rest: dict[str, Any] = {"group": ratio.group, "reference": ratio.reference}
    rest |= {"n": ratio.n, "n_event": ratio.n_event}
    rest |= {"status": ratio.status, "reason": ratio.reason}
    yield Record(
        analysis,
        KIND,
        "log_ratio_of_hazard_ratios",
        estimate=ratio.estimate,
        std_error=ratio.std_error,
        statistic=ratio.statistic,
        p_value=ratio.p_value,
        conf_low=ratio.conf_low,
        conf_high=ratio.conf_high,
        **rest,
    )
    value, low, high = ratio.ratio
    yield Record(
        analysis,
        KIND,
        "ratio_of_hazard_ratios",
        estimate=value,
        conf_low=low,
        conf_high=high,
        **rest,
    )


def _absolute_records(
    analysis: str, by: str, effect: AbsoluteEffect, unit: str | None
) -> Iterator[Record]:
    """Survival of both arms and their difference."""
    change = effect.difference
    place: dict[str, Any] = {"term": by, "level": effect.group, "time": change.time, "unit": unit}
    for arm, value in ((change.group, effect.treated), (change.reference, effect.untreated)):
        yield Record(
            analysis,
            KIND,
            "survival",
            group=arm,
            estimate=value,
            status="ok" if value is not None else "not_estimable",
            reason=None if value is not None else change.reason,
            **place,
        )
    yield Record(
        analysis,
        KIND,
        status=change.status,
        term=by,
        level=effect.group,
        unit=unit,
        **change.values(),
    )
