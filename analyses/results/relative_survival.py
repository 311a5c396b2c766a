"""What relative survival says: survival if the disease were the only cause of death."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.frozen import Array, defined
from analyses.results.left_out import left_out_records
from analyses.results.life_table import LifeTable
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.excess_hazard import ExcessHazard

KIND = "relative_survival"
PAST = "past the last follow-up of the group"
NO_LIMITS = "the estimate is 0 or has no error: limits on the log scale are not defined"


@dataclass(frozen=True, slots=True, eq=False)
class NetCurve:
    """Net survival of one group, with Ederer II's estimate and the observed survival beside it.

    Attributes
    ----------
    time
        In the unit of follow-up: every time that somebody leaves, and those asked for.
    net, net_error, net_low, net_high
        Pohar Perme; the error is that of the cumulative excess hazard, limits on the log scale.
    ederer2, ederer2_error, observed
        Ederer II and Kaplan-Meier; NaN stands for "not defined" in all arrays.
    expected
        Deaths that the life table expects over the patients' own follow-up.
    """

    group: str
    n: int
    n_event: int
    expected: float
    time: Array
    n_risk: Array
    net: Array
    net_error: Array
    net_low: Array
    net_high: Array
    ederer2: Array
    ederer2_error: Array
    observed: Array

    def at(self, time: float) -> int | None:
        """The place of the last time not after this one; None past follow-up."""
        if not len(self.time) or time > self.time[-1]:
            return None
        place = int(np.searchsorted(self.time, time, side="right")) - 1
        return max(place, 0)


@dataclass(frozen=True, slots=True)
class NetTest:
    """The log-rank type test that groups share one net survival (Graffeo et al. 2016)."""

    statistic: float | None
    df: int
    p_value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RelativeSurvival:
    """Net survival by group, against the mortality of the population.

    Attributes
    ----------
    times
        Times asked for, in the unit of follow-up.
    life_table
        What patients are compared with.
    n_beyond
        Patients of whom part of the follow-up lies past the table's ages or years, where its
        last cell holds.
    excess
        The excess-hazard model, where terms were asked for.
    """

    groups: tuple[NetCurve, ...]
    test: NetTest | None
    times: tuple[float, ...]
    by: str | None
    columns: tuple[str, ...]
    unit: str
    life_table: LifeTable
    placed: str
    conf_level: float
    n: int
    n_event: int
    n_beyond: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    excess: ExcessHazard | None = None

    @property
    def summary(self) -> pd.DataFrame:
        """Net, Ederer II and observed survival at the times asked for, then the test."""
        import pandas as pd

        names = (
            *("quantity", "group", "time", "n", "n_event", "n_risk", "estimate", "std_error"),
            *("statistic", "df", "p_value", "conf_low", "conf_high", "reason"),
        )
        wanted = ("net_survival", "ederer2_survival", "observed_survival", "net_survival_test")
        rows = [
            {name: getattr(r, name) for name in names}
            for r in self._records("", None)
            if r.quantity in wanted
        ]
        return pd.DataFrame(rows, columns=list(names))

    @property
    def curves(self) -> pd.DataFrame:
        """One row a group and time: the whole curves."""
        import pandas as pd

        names = (
            *("time", "n_risk", "net", "net_error", "net_low", "net_high"),
            *("ederer2", "ederer2_error", "observed"),
        )
        return pd.concat(
            [
                pd.DataFrame({"group": g.group} | {name: getattr(g, name) for name in names})
                for g in self.groups
            ],
            ignore_index=True,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "times": list(self.times),
            "columns": list(self.columns),
            "life_table": self.life_table.to_dict(),
            "n_missing": dict(self.n_missing),
            "test": None if self.test is None else asdict(self.test),
            "records": [r.to_dict() for r in self.records("")],
            "findings": [asdict(finding) for finding in self.findings],
            "excess": None if self.excess is None else self.excess.to_dict(),
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: survival at the times, deaths expected, the test, the model."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        yield Record(analysis, KIND, "patients_beyond_life_table", n=self.n_beyond)
        for group in self.groups:
            yield Record(
                *(analysis, KIND, "expected_deaths", group.group),
                n=group.n,
                n_event=group.n_event,
                estimate=group.expected,
            )
            for time in self.times:
                yield from self._at(analysis, group, time, unit)
        if self.test is not None:
            known = self.test.statistic is not None
            yield Record(
                *(analysis, KIND, "net_survival_test"),
                term=self.by,
                n=self.n,
                n_event=self.n_event,
                statistic=self.test.statistic,
                df=self.test.df,
                p_value=self.test.p_value,
                status="ok" if known else "not_estimable",
                reason=self.test.reason,
            )
        if self.excess is not None:
            yield from self.excess.records_within(analysis, KIND)

    def _at(
        self, analysis: str, group: NetCurve, time: float, unit: str | None
    ) -> Iterator[Record]:
        place = group.at(time)
        for quantity, name, error in _CURVES:
            if place is None:
                yield Record(
                    *(analysis, KIND, quantity, group.group),
                    time=time,
                    unit=unit,
                    n=group.n,
                    status="not_reached",
                    reason=PAST,
                )
                continue
            low, high = (
                (defined(group.net_low[place]), defined(group.net_high[place]))
                if name == "net"
                else (None, None)
            )
            limited = name != "net" or low is not None
            yield Record(
                *(analysis, KIND, quantity, group.group),
                time=time,
                unit=unit,
                n=group.n,
                n_risk=float(group.n_risk[place]),
                estimate=defined(getattr(group, name)[place]),
                std_error=None
                if not error
                else defined(getattr(group, error)[place] * getattr(group, name)[place]),
                conf_low=low,
                conf_high=high,
                reason=None if limited else NO_LIMITS,
            )

    def plot(self, ax: Any = None) -> Any:
        """Net survival by group with Ederer II beside it; the named artists."""
        from analyses.plots.relative_survival import plot_relative_survival

        return plot_relative_survival(self, ax=ax)

    def _repr_html_(self) -> str:
        """Net survival at the times as a readable table in a notebook."""
        by = "" if self.by is None else f" by {escape(self.by)}"
        head = f"<p><b>Net survival</b>{by} (Pohar Perme), {self.n:,} patients</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))


def only(curves: Sequence[NetCurve], group: str) -> NetCurve:
    """The curve of a group."""
    return next(curve for curve in curves if curve.group == group)


_CURVES = (
    ("net_survival", "net", "net_error"),
    ("ederer2_survival", "ederer2", "ederer2_error"),
    ("observed_survival", "observed", ""),
)
_PLAIN = ("by", "unit", "placed", "conf_level", "n", "n_event", "n_beyond", "n_input")


@dataclass(frozen=True, slots=True, eq=False)
class RelativeSurvivalAnalysis:
    """Relative survival of an endpoint; `times_said` are the times in the study file's words."""

    id: str
    title: str
    endpoint: str
    result: RelativeSurvival
    times_said: tuple[str, ...] = ()
