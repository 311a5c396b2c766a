"""What subgroups say: each group against the reference within each, and whether they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.coefficient import TOO_LARGE
from analyses.results.failure import Failure
from analyses.results.left_out import left_out_records
from analyses.results.log_ratio import NUMBERS, numbers_of, ratio_of
from analyses.results.records import Record, Status, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "subgroups"
EVERYBODY = "all"
TestName = Literal["likelihood_ratio", "wald"]


@dataclass(frozen=True, slots=True)
class GroupEffect:
    """One group against the reference among the patients of one subgroup.

    Attributes
    ----------
    factor, level
        Column that makes the subgroups and the level of this one; None for all patients.
    n, n_event, n_reference, n_event_reference
        Patients and events of the group, and of the reference, in the subgroup.
    estimate, std_error, statistic, p_value, conf_low, conf_high
        Log hazard scale; None with a `reason` where not defined.
    is_small
        Whether the two groups have fewer events together than `Subgroups.least_events`: the
        estimate is drawn grey and supports no conclusion.
    """

    factor: str | None
    level: str | None
    group: str
    reference: str
    n: int
    n_event: int
    n_reference: int
    n_event_reference: int
    is_small: bool
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    status: Status = "ok"
    reason: str | None = None

    @property
    def hazard_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Hazard ratio and its limits; None where not defined or too large to write."""
        return ratio_of(self)


@dataclass(frozen=True, slots=True)
class InteractionTest:
    """Whether the hazard ratios of the groups are alike in all subgroups of one factor.

    Attributes
    ----------
    factor, group
        The column, and the one group whose ratio against the reference is tested; None for the
        test of all groups together.
    test
        ``likelihood_ratio``, of the models with and without the product on the same patients;
        ``wald`` where weights or clusters leave no likelihood.
    statistic, df, p_value, p_adjusted
        `p_adjusted` for the number of factors; all None with a `reason` where there is no test.
    n, n_event
        Patients of both models and their events.
    """

    factor: str
    group: str | None
    test: TestName
    n: int
    n_event: int
    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Subgroup:
    """The patients at one level of a factor, and each group against the reference among them.

    `by_group` holds (group, patients, events), the reference among them.
    """

    factor: str | None
    level: str | None
    n: int
    n_event: int
    by_group: tuple[tuple[str, int, int], ...]
    effects: tuple[GroupEffect, ...]


@dataclass(frozen=True, slots=True)
class Factor:
    """The subgroups of one column in their order, and the tests that they are alike.

    Attributes
    ----------
    n_missing, n_event_missing
        Patients without a value of the column, who are in no subgroup, and their events.
    interaction
        All groups together.
    by_group
        Each group against the reference by itself, in the order of the groups.
    """

    name: str
    subgroups: tuple[Subgroup, ...]
    n_missing: int
    n_event_missing: int
    interaction: InteractionTest
    by_group: tuple[InteractionTest, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Subgroups:
    """Every group against the reference in all patients and in each subgroup.

    Attributes
    ----------
    overall
        All complete patients.
    factors
        In the order asked for, their subgroups in the order of the levels; never by result.
    by, groups, reference
        The column compared, its groups in order, the one that others are compared with.
    terms
        Columns of the models besides `by`; within its own subgroups a factor is left out.
    adjust
        Of the tests of interaction for the number of factors: ``holm``, ``bh``, ``bonferroni``
        or ``none``.
    least_events
        Of the two groups compared; a subgroup with fewer is small.
    n, n_event, n_input, n_missing
        Complete rows (patients where weights are counts), events, rows given, and (column, rows
        without a value); a missing factor leaves nobody out of the other factors.
    """

    overall: Subgroup
    factors: tuple[Factor, ...]
    by: str
    groups: tuple[str, ...]
    reference: str
    terms: tuple[str, ...]
    strata: tuple[str, ...]
    entry: str | None
    weights: str | None
    cluster: str | None
    robust: bool
    ties: str
    adjust: str
    least_events: int
    conf_level: float
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def effects(self) -> tuple[GroupEffect, ...]:
        """Of all patients, then of every subgroup in order."""
        found = list(self.overall.effects)
        for factor in self.factors:
            found += [effect for sub in factor.subgroups for effect in sub.effects]
        return tuple(found)

    @property
    def tests(self) -> tuple[InteractionTest, ...]:
        """The tests of interaction: of each factor as a whole, then by group."""
        return tuple(test for f in self.factors for test in (f.interaction, *f.by_group))

    @property
    def n_tests(self) -> int:
        """Factors with a test of interaction, for which p-values are adjusted."""
        return sum(f.interaction.p_value is not None for f in self.factors)

    @property
    def chance_of_a_false_one(self) -> float:
        """That at least one of as many independent tests of what is alike has p below 0.05."""
        return 1 - 0.95**self.n_tests

    @property
    def summary(self) -> pd.DataFrame:
        """One row a group and subgroup, on both scales."""
        import pandas as pd

        rows = []
        for effect in self.effects:
            names = ("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high")
            values = dict(zip(names, effect.hazard_ratio, strict=True))
            plain = asdict(effect)
            rows.append({"term": plain.pop("factor")} | plain | values)
        table = pd.DataFrame(rows)
        names = ("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high")
        return table.astype(dict.fromkeys((*NUMBERS, *names), float))

    @property
    def interactions(self) -> pd.DataFrame:
        """One row a test of interaction."""
        import pandas as pd

        rows = [{"term": t.factor} | asdict(t) for t in self.tests]
        columns = ["term", "group", "test", "n", "n_event", "statistic", "df", "p_value"]
        table = pd.DataFrame(rows, columns=[*columns, "p_adjusted", "reason"])
        return table.astype(dict.fromkeys(("statistic", "p_value", "p_adjusted"), float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _SCALARS}
        return plain | {
            "groups": list(self.groups),
            "terms": list(self.terms),
            "strata": list(self.strata),
            "n_missing": dict(self.n_missing),
            "overall": asdict(self.overall),
            "factors": [asdict(factor) for factor in self.factors],
            "findings": [asdict(finding) for finding in self.findings],
            "failures": [asdict(failure) for failure in self.failures],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: sizes, both scales of each ratio, tests of interaction."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        subs = [self.overall, *(sub for f in self.factors for sub in f.subgroups)]
        for sub in subs:
            term = EVERYBODY if sub.factor is None else sub.factor
            place: dict[str, Any] = {"term": term, "level": sub.level}
            for group, n, n_event in sub.by_group:
                yield Record(analysis, KIND, "patients", group, n=n, n_event=n_event, **place)
            for effect in sub.effects:
                yield from effect_records(analysis, KIND, effect)
        for factor in self.factors:
            yield Record(
                analysis,
                KIND,
                "subgroup_not_known",
                term=factor.name,
                n=factor.n_missing,
                n_event=factor.n_event_missing,
            )
        for test in self.tests:
            yield from interaction_records(analysis, KIND, test, self.adjust)

    def plot(self, ax: Any = None) -> Any:
        """Forest plot of the subgroups, a panel a group; returns its named artists."""
        from analyses.plots.subgroups import plot_subgroups

        return plot_subgroups(self, ax=ax)

    def _repr_html_(self) -> str:
        """Hazard ratios and tests of interaction as readable tables in a notebook."""
        head = (
            f"<p><b>Subgroups</b>: {escape(self.by)} against {escape(self.reference)}, "
            f"{self.n:,} patients, {self.n_event:,} events</p>"
        )
        shown = ["term", "level", "group", "n", "n_event", "n_reference", "n_event_reference"]
        shown += ["hazard_ratio", "hazard_ratio_low", "hazard_ratio_high", "is_small", "reason"]
        tables = (self.summary[shown], self.interactions)
        return head + "".join(str(t.to_html(index=False, na_rep="")) for t in tables)


_SCALARS = (
    *("by", "reference", "entry", "weights", "cluster", "robust", "ties", "adjust"),
    *("least_events", "conf_level", "n", "n_event", "n_input"),
)


def effect_records(analysis: str, kind: str, effect: GroupEffect) -> Iterator[Record]:
    """Both scales of one hazard ratio; patients and events are those of both groups."""
    rest: dict[str, Any] = {
        "group": effect.group,
        "reference": effect.reference,
        "term": EVERYBODY if effect.factor is None else effect.factor,
        "level": effect.level,
        "n": effect.n + effect.n_reference,
        "n_event": effect.n_event + effect.n_event_reference,
        "status": effect.status,
        "reason": effect.reason,
    }
    yield Record(analysis, kind, "log_hazard_ratio", **numbers_of(effect), **rest)
    ratio, low, high = effect.hazard_ratio
    if ratio is None and effect.estimate is not None:
        rest |= {"status": "not_estimable", "reason": TOO_LARGE}
    yield Record(
        analysis, kind, "hazard_ratio", estimate=ratio, conf_low=low, conf_high=high, **rest
    )


def interaction_records(
    analysis: str, kind: str, test: InteractionTest, adjust: str = "none"
) -> Iterator[Record]:
    """A test of interaction, and its p-value adjusted where that was asked for."""
    place: dict[str, Any] = {"term": test.factor, "group": test.group}
    place |= {"n": test.n, "n_event": test.n_event}
    missing = test.p_value is None
    place |= {"status": "not_estimable" if missing else "ok", "reason": test.reason}
    yield Record(
        analysis,
        kind,
        f"interaction_{test.test}_test",
        statistic=test.statistic,
        df=test.df,
        p_value=test.p_value,
        **place,
    )
    if adjust != "none":
        yield Record(
            analysis,
            kind,
            "interaction_adjusted_p",
            level=adjust,
            p_value=test.p_adjusted,
            **place,
        )


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupsAnalysis:
    """A comparison within subgroups, as a study file asked for it."""

    id: str
    title: str
    endpoint: str
    result: Subgroups
