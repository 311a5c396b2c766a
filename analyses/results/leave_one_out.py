"""A contrast without each unit in turn, such as each hospital."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.records import Record, checked
from analyses.results.robust import Conclusion, Estimate, risen
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "leave_one_out"


@dataclass(frozen=True, slots=True)
class Without:
    """The contrast without one unit.

    Attributes
    ----------
    unit, n, n_event
        The unit by its place in size or by its name, and its own patients and events.
    approximate
        Change of the log hazard ratio by leaving it out, as the sum of its patients' residuals
        (dfbeta).
    after
        The estimate fitted without it; None where only the approximation was asked for, and, with
        a `reason`, where there is none.
    """

    unit: str
    n: int
    n_event: int
    approximate: float
    after: Estimate | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOut:
    """How much a contrast hangs on single units.

    Attributes
    ----------
    column
        Column of the units.
    estimate
        With all patients.
    units
        By the size of their approximate change, the largest first.
    named
        Whether units have their own names: else they are numbered, the largest first.
    n_units, n_fitted, n_unknown
        Units, those without which the model was fitted anew, and patients of no known unit, who
        always stay.
    """

    term: str
    level: str
    reference: str
    column: str
    estimate: Estimate
    units: tuple[Without, ...]
    n_units: int
    n_fitted: int
    n_unknown: int
    conf_level: float
    named: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def conclusion(self) -> Conclusion:
        """What is concluded from all patients."""
        return self.estimate.conclusion

    @property
    def fitted(self) -> tuple[Without, ...]:
        """Units without which the model was fitted anew and has an estimate."""
        return tuple(unit for unit in self.units if unit.after is not None)

    @property
    def largest(self) -> Without | None:
        """The unit whose leaving moves the estimate most; None where none could be left out."""

        def size(unit: Without) -> float:
            assert unit.after is not None
            return abs(unit.after.estimate - self.estimate.estimate)

        return max(self.fitted, key=size, default=None)

    @property
    def changing(self) -> tuple[Without, ...]:
        """Units without which another conclusion is drawn."""
        return tuple(
            unit
            for unit in self.fitted
            if unit.after is not None and unit.after.conclusion != self.conclusion
        )

    @property
    def summary(self) -> pd.DataFrame:
        """One row a unit left out: its patients and events, and the hazard ratio without it."""
        import pandas as pd

        rows = [row for row in self._rows() if row["quantity"] == "hazard_ratio_without"]
        return pd.DataFrame(rows, columns=[*_COLUMNS, "approximate_change"]).astype(
            dict.fromkeys(("estimate", "conf_low", "conf_high", "approximate_change"), float)
        )

    def _rows(self) -> Iterator[dict[str, Any]]:
        for unit in self.units:
            place: dict[str, Any] = {"group": unit.unit, "term": self.term, "level": self.level}
            place |= {"reference": self.reference, "n": unit.n, "n_event": unit.n_event}
            change = {"approximate_change": unit.approximate, "reason": unit.reason}
            ratio = (None,) * 3 if unit.after is None else unit.after.hazard_ratio
            yield (
                {"quantity": "hazard_ratio_without"}
                | place
                | dict(zip(("estimate", "conf_low", "conf_high"), ratio, strict=True))
                | change
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "estimate": asdict(self.estimate),
            "units": [asdict(unit) for unit in self.units],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """Counts, each unit left out by its place in influence, their range and the furthest.

        `unit` is that of follow-up, which no number here is in.
        """
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield Record(analysis, KIND, "units", term=self.column, n=self.n_units)
        yield Record(analysis, KIND, "units_left_out_in_turn", term=self.column, n=self.n_fitted)
        yield Record(analysis, KIND, "patients_of_no_unit", term=self.column, n=self.n_unknown)
        yield Record(analysis, KIND, "units_changing", term=self.column, n=len(self.changing))
        place: dict[str, Any] = {"term": self.term, "level": self.level}
        place["reference"] = self.reference
        for k, unit in enumerate(self.units[: self.n_fitted]):
            ratio, low, high = (None,) * 3 if unit.after is None else unit.after.hazard_ratio
            held = ratio is not None
            why = unit.reason or "the hazard ratio is too large to write"
            yield Record(
                analysis, KIND, "hazard_ratio_without", group=f"place {k + 1}", **place, n=unit.n,
                n_event=unit.n_event, estimate=ratio, conf_low=low if held else None,
                conf_high=high if held else None, status="ok" if held else "not_estimable",
                reason=None if held else why,
            )  # fmt: skip
        ratios = [one.after for one in self.fitted if one.after is not None]
        if not ratios:
            yield Record(
                analysis, KIND, "hazard_ratio_smallest", **place, status="not_estimable",
                reason="no unit could be left out",
            )  # fmt: skip
            return
        ordered = sorted(ratios, key=lambda one: one.estimate)
        largest = self.largest
        assert largest is not None
        assert largest.after is not None
        for name, one in (
            ("hazard_ratio_smallest", ordered[0]),
            ("hazard_ratio_largest", ordered[-1]),
            ("hazard_ratio_most_influential", largest.after),
        ):
            ratio, low, high = one.hazard_ratio
            reason = None if ratio is not None else "the hazard ratio is too large to write"
            yield Record(
                analysis, KIND, name, **place, n=one.n, n_event=one.n_event, estimate=ratio,
                conf_low=None if ratio is None else low, conf_high=None if ratio is None else high,
                status="ok" if reason is None else "not_estimable", reason=reason,
            )  # fmt: skip

    def plot(self, ax: Any = None) -> Any:
        """The hazard ratio without each unit; returns the named artists."""
        from analyses.plots.leave_one_out import plot_leave_one_out

        if not self.fitted:
            found = "no unit could be left out"
            raise AnalysisError(Problem("leave-one-out figure", found, advice="See the reasons."))
        return plot_leave_one_out(self, ax=ax)

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        ratio = risen(self.estimate.estimate)
        head = (
            f"<p><b>Without each {escape(self.column)}</b> in turn; with all of them "
            f"{'' if ratio is None else format(ratio, '.3f')}</p>"
        )
        return head + str(self.summary.head(20).to_html(index=False, na_rep=""))


_COLUMNS = (
    *("quantity", "group", "term", "level", "reference", "n", "n_event"),
    *("estimate", "conf_low", "conf_high", "reason"),
)
_PLAIN = (
    *("term", "level", "reference", "column", "conclusion", "n_units", "n_fitted", "n_unknown"),
    *("conf_level", "named"),
)
