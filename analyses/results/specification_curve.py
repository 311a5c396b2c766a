"""One estimate under every combination of choices: how much of a conclusion hangs on them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.detectable import Detectable
from analyses.results.records import Record, checked
from analyses.results.robust import Conclusion, Estimate, risen

if TYPE_CHECKING:
    import pandas as pd

KIND = "sensitivity"
CONCLUSIONS: tuple[Conclusion, ...] = ("lower", "inconclusive", "higher")


@dataclass(frozen=True, slots=True)
class Axis:
    """One kind of choice: its name, its words, and the choices in words, the study's own first."""

    name: str
    title: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Specification:
    """One combination of choices and what it gives.

    Attributes
    ----------
    choices
        Place of the choice on each axis; 0 is the study's own.
    estimate
        Log hazard ratio of the contrast; None, with a `reason`, where there is none.
    n, n_event
        Patients and events of the model; those of the two groups are in the estimate.
    same_patients
        Whether its model rests on the same patients in the same groups as the main specification,
        each having what the model needs; their follow-up may be of another endpoint.
    """

    choices: tuple[int, ...]
    estimate: Estimate | None
    n: int
    n_event: int
    same_patients: bool
    reason: str | None = None

    @property
    def is_main(self) -> bool:
        """Whether every choice is the study's own."""
        return not any(self.choices)

    @property
    def conclusion(self) -> Conclusion | None:
        """What is concluded; None where there is no estimate."""
        return None if self.estimate is None else self.estimate.conclusion


@dataclass(frozen=True, slots=True)
class ChoiceSummary:
    """All specifications that make one choice: how many, their hazard ratios, their conclusions.

    `median`, `smallest` and `largest` are hazard ratios; None where none has an estimate.
    """

    axis: str
    choice: str
    n: int
    n_failed: int
    median: float | None
    smallest: float | None
    largest: float | None
    concluding: tuple[tuple[Conclusion, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class SpecificationCurve:
    """Every specification in the order of the crossing, the main one first.

    Attributes
    ----------
    of
        Id of the model that is the main specification.
    axes
        Kinds of choice, in the order of `Specification.choices`.
    computed
        (stage, how often it was computed): what specifications share is computed once.
    detectable
        What the events of the main specification could have shown; None where it failed.
    """

    of: str
    term: str
    level: str
    reference: str
    axes: tuple[Axis, ...]
    specifications: tuple[Specification, ...]
    computed: tuple[tuple[str, int], ...]
    detectable: Detectable | None
    conf_level: float

    @property
    def main(self) -> Specification:
        """The study's own choices."""
        return self.specifications[0]

    @property
    def estimated(self) -> tuple[Specification, ...]:
        """Those with an estimate, from the smallest hazard ratio to the largest."""
        found = [
            (one.estimate.estimate, place, one)
            for place, one in enumerate(self.specifications)
            if one.estimate is not None
        ]
        return tuple(one for *_, one in sorted(found, key=lambda each: each[:2]))

    @property
    def failed(self) -> tuple[Specification, ...]:
        """Those without an estimate, in the order of the crossing."""
        return tuple(one for one in self.specifications if one.estimate is None)

    @property
    def failed_by_reason(self) -> tuple[tuple[str, int], ...]:
        """(reason, specifications), the commonest first."""
        sizes: dict[str, int] = {}
        for one in self.failed:
            sizes[str(one.reason)] = sizes.get(str(one.reason), 0) + 1
        return tuple(sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def n_same_side(self) -> int | None:
        """Those on the same side of 1 as the main one; None where that has no estimate."""
        own = self.main.estimate
        if own is None:
            return None
        return sum(
            (one.estimate.estimate < 0) == (own.estimate < 0)
            for one in self.estimated
            if one.estimate is not None
        )

    @property
    def n_same_conclusion(self) -> int | None:
        """Those with the same conclusion as the main one; None where that has no estimate."""
        own = self.main.conclusion
        if own is None:
            return None
        return sum(one.conclusion == own for one in self.estimated)

    @property
    def by_conclusion(self) -> tuple[tuple[Conclusion, int], ...]:
        """How many reach each conclusion."""
        reached = [one.conclusion for one in self.estimated]
        return tuple((conclusion, reached.count(conclusion)) for conclusion in CONCLUSIONS)

    @property
    def by_choice(self) -> tuple[ChoiceSummary, ...]:
        """The specifications of each choice, of axes that have more than one."""
        return tuple(
            self._of_choice(place, choice)
            for place, axis in enumerate(self.axes)
            if len(axis.choices) > 1
            for choice in range(len(axis.choices))
        )

    def _of_choice(self, place: int, choice: int) -> ChoiceSummary:
        own = [one for one in self.specifications if one.choices[place] == choice]
        ratios = sorted(one.estimate.estimate for one in own if one.estimate is not None)
        reached = [one.conclusion for one in own]
        middle, low, high = (
            (risen(statistics.median(ratios)), risen(ratios[0]), risen(ratios[-1]))
            if ratios
            else (None, None, None)
        )
        axis = self.axes[place]
        return ChoiceSummary(
            axis.name,
            axis.choices[choice],
            len(own),
            len(own) - len(ratios),
            middle,
            low,
            high,
            tuple((conclusion, reached.count(conclusion)) for conclusion in CONCLUSIONS),
        )

    def said(self, one: Specification) -> tuple[str, ...]:
        """The choices of a specification in words, axis by axis."""
        return tuple(
            axis.choices[place] for axis, place in zip(self.axes, one.choices, strict=True)
        )

    @property
    def summary(self) -> pd.DataFrame:
        """One row a specification, in the order of the crossing: choices, counts, hazard ratio."""
        import pandas as pd

        rows = []
        for place, one in enumerate(self.specifications):
            ratio, low, high = (None,) * 3 if one.estimate is None else one.estimate.hazard_ratio
            rows.append(
                {"specification": place + 1}
                | {axis.name: said for axis, said in zip(self.axes, self.said(one), strict=True)}
                | {"n": one.n, "n_event": one.n_event}
                | {"n_pair": None if one.estimate is None else one.estimate.n}
                | {"n_event_pair": None if one.estimate is None else one.estimate.n_event}
                | {"estimate": ratio, "conf_low": low, "conf_high": high}
                | {"conclusion": one.conclusion, "same_patients": one.same_patients}
                | {"reason": one.reason}
            )
        table = pd.DataFrame(rows)
        numbers = ("estimate", "conf_low", "conf_high", "n_pair", "n_event_pair")
        return table.astype(dict.fromkeys(numbers, float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "axes": [asdict(axis) for axis in self.axes],
            "specifications": [
                asdict(one) | {"said": list(self.said(one)), "conclusion": one.conclusion}
                for one in self.specifications
            ],
            "computed": dict(self.computed),
            "by_conclusion": dict(self.by_conclusion),
            "detectable": None if self.detectable is None else self.detectable.to_dict(),
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """The counts, and the hazard ratio of each specification by its number.

        `unit` is that of follow-up, which no number here is in.
        """
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        counts: dict[str, int | None] = {
            "specifications": len(self.specifications),
            "specifications_estimated": len(self.estimated),
            "specifications_failed": len(self.failed),
            "specifications_same_side": self.n_same_side,
            "specifications_same_conclusion": self.n_same_conclusion,
        }
        for name, n in counts.items():
            if n is not None:
                yield Record(analysis, KIND, name, n=n)
        for conclusion, n in self.by_conclusion:
            yield Record(analysis, KIND, "specifications_concluding", level=conclusion, n=n)
        for reason, n in self.failed_by_reason:
            yield Record(analysis, KIND, "specifications_failed_by_reason", group=reason, n=n)
        for stage, n in self.computed:
            yield Record(analysis, KIND, "times_computed", group=stage, n=n)
        if self.detectable is not None:
            yield from self.detectable.records(analysis)
        for summary in self.by_choice:
            yield from _choice_records(analysis, summary)
        for place, one in enumerate(self.specifications):
            yield self._record(analysis, place, one)

    def _record(self, analysis: str, place: int, one: Specification) -> Record:
        ratio, low, high = (None,) * 3 if one.estimate is None else one.estimate.hazard_ratio
        reason = one.reason
        if one.estimate is not None and ratio is None:
            reason = "the hazard ratio is too large to write"
        return Record(
            analysis,
            KIND,
            "hazard_ratio",
            group=f"specification {place + 1}",
            term=self.term,
            level=self.level,
            reference=self.reference,
            n=one.n,
            n_event=one.n_event,
            estimate=ratio,
            conf_low=None if ratio is None else low,
            conf_high=None if ratio is None else high,
            status="ok" if ratio is not None else "not_estimable",
            reason=reason,
        )

    def plot(self, ax: Any = None) -> Any:
        """The specification curve; returns the named artists."""
        from analyses.plots.specification_curve import plot_specification_curve

        return plot_specification_curve(self, ax=ax)

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        head = (
            f"<p><b>{len(self.specifications):,} specifications</b> of {escape(self.level)} "
            f"against {escape(self.reference)}: {len(self.failed):,} without an estimate, "
            f"{self.n_same_conclusion} with the main one's conclusion</p>"
        )
        return head + str(self.summary.head(50).to_html(index=False, na_rep=""))


def _choice_records(analysis: str, summary: ChoiceSummary) -> Iterator[Record]:
    """The hazard ratios and conclusions of one choice."""
    place: dict[str, Any] = {"group": summary.axis, "level": summary.choice}
    for name, value in (
        ("hazard_ratio_median", summary.median),
        ("hazard_ratio_smallest", summary.smallest),
        ("hazard_ratio_largest", summary.largest),
    ):
        yield Record(
            analysis,
            KIND,
            name,
            **place,
            n=summary.n - summary.n_failed,
            estimate=value,
            status="ok" if value is not None else "not_estimable",
            reason=None if value is not None else "no specification has an estimate",
        )
    for conclusion, n in summary.concluding:
        yield Record(analysis, KIND, f"specifications_{conclusion}", **place, n=n)


@dataclass(frozen=True, slots=True, eq=False)
class SensitivityAnalysis:
    """The sensitivity grid of a study."""

    id: str
    title: str
    result: SpecificationCurve


_PLAIN = (
    *("of", "term", "level", "reference", "conf_level", "n_same_side", "n_same_conclusion"),
    "failed_by_reason",
)
