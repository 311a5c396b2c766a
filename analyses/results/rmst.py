"""What restricted mean survival says: time free of the event by group, differences, ratios."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.contrast import Contrast
from analyses.results.frozen import Array, defined
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from analyses.results.weighting import Weighting, plain_weighting, weighting_records
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

TauFrom = Literal["given", "data"]
KIND = "rmst"
NO_LIMITS = "its standard error is 0: no event up to tau, or all at one time"


@dataclass(frozen=True, slots=True, eq=False)
class RestrictedMean:
    """Mean time free of the event up to tau in one group: the area under its curve.

    Attributes
    ----------
    n, n_event, n_event_total
        Patients, their events up to tau, and at any time; unweighted unless weights are whole
        numbers.
    estimate, std_error, conf_low, conf_high
        In the unit of the times; limits None where the error is 0.
    time, survival
        The step curve whose area it is, up to tau; with strata the weighted mean of theirs.
    """

    group: str
    n: int
    n_event: int
    n_event_total: int
    estimate: float
    std_error: float
    conf_low: float | None
    conf_high: float | None
    time: Array
    survival: Array

    @property
    def reason(self) -> str | None:
        """Why there are no limits."""
        return NO_LIMITS if self.conf_low is None else None


@dataclass(frozen=True, slots=True, eq=False)
class RMST:
    """Restricted mean survival time by group, with differences and ratios against a reference.

    Attributes
    ----------
    groups
        One a group, in their order.
    differences, log_ratios
        Every other group against the reference, in their order.
    tau, tau_from, tau_largest
        The end of the area, whether it was given or taken from the data, and the largest that
        these patients allow (None where every curve comes down to 0).
    statistic, df, p_value, reason
        The test that all groups share one mean; None with the reason where it is not defined.
    by, reference, conf_level, variance
        Column of the groups, the reference, level of the limits; ``Greenwood``, or ``infinitesimal
        jackknife`` where weights are not whole numbers.
    strata, shares
        Columns of strata, and (stratum, its share of all patients): groups are compared as if
        each were made of the strata in these shares.
    n, n_event, n_input, n_missing
        Patients used, their events at any time, rows given, and (column, rows without a value).
    weighting
        The column of the weights and what they are; None where every patient counts 1.
    findings
        Tau taken from the data, groups with few or no events, patients of weight 0.
    """

    groups: tuple[RestrictedMean, ...]
    differences: tuple[Contrast, ...]
    log_ratios: tuple[Contrast, ...]
    tau: float
    tau_from: TauFrom
    tau_largest: float | None
    statistic: float | None
    df: int
    p_value: float | None
    reason: str | None
    by: str
    reference: str
    conf_level: float
    variance: str
    strata: tuple[str, ...]
    shares: tuple[tuple[str, float], ...]
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    weighting: Weighting | None = None

    @property
    def summary(self) -> pd.DataFrame:
        """One row a number: `rmst` by group, `rmst_difference`, `log_rmst_ratio`, `rmst_ratio`."""
        import pandas as pd

        rows = [
            *({"quantity": KIND, "time": self.tau} | _group_values(g) for g in self.groups),
            *(c.values() for c in (*self.differences, *self.log_ratios)),
            *(ratio(c).values() for c in self.log_ratios),
        ]
        table = pd.DataFrame(rows)
        numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        return table.astype(dict.fromkeys(numbers, float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "strata": list(self.strata),
            "shares": dict(self.shares),
            "n_missing": dict(self.n_missing),
            "weighting": plain_weighting(self.weighting),
            "groups": [
                _group_values(g) | {"curve_time": g.time.tolist(), "survival": g.survival.tolist()}
                for g in self.groups
            ],
            "differences": [c.values() for c in self.differences],
            "log_ratios": [c.values() for c in self.log_ratios],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: tau, means and differences in `unit`, ratios on both scales."""
        return checked(self._records(analysis, unit))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        yield from weighting_records(self.weighting, analysis, KIND)
        yield Record(analysis, KIND, "rmst_tau", level=self.tau_from, estimate=self.tau, unit=unit)
        for group in self.groups:
            yield Record(analysis, KIND, "rmst", time=self.tau, unit=unit, **_group_values(group))
        for difference in self.differences:
            yield difference.record(analysis, KIND, unit)
        for log_ratio in self.log_ratios:
            yield log_ratio.record(analysis, KIND)
            yield ratio(log_ratio).record(analysis, KIND)
        yield Record(
            analysis,
            KIND,
            "rmst_test",
            term=self.by,
            time=self.tau,
            n=self.n,
            n_event=sum(group.n_event for group in self.groups),
            statistic=self.statistic,
            df=self.df,
            p_value=self.p_value,
            status="ok" if self.statistic is not None else "not_estimable",
            reason=self.reason,
        )
        for stratum, share in self.shares:
            yield Record(analysis, KIND, "stratum_share", level=stratum, estimate=share)

    def plot(self, ax: Any = None) -> Any:
        """Curves up to tau with the areas that are compared; returns the named artists."""
        from analyses.plots.rmst import plot_rmst

        return plot_rmst(self, ax=ax)

    def _repr_html_(self) -> str:
        """Means, differences and ratios as a readable table in a notebook."""
        shown = ["quantity", "group", "reference", "n", "n_event", "estimate", "conf_low"]
        table = self.summary[[*shown, "conf_high", "p_value"]]
        table = table[table["quantity"] != "log_rmst_ratio"]
        source = "chosen from the data" if self.tau_from == "data" else "as given"
        head = (
            f"<p><b>Restricted mean survival</b> by {escape(self.by)} up to tau = {self.tau:g} "
            f"({source}); {100 * self.conf_level:g}&nbsp;% limits"
            f"{'' if self.weighting is None else f', {escape(self.weighting.words)}'}</p>"
        )
        return head + str(table.to_html(index=False, na_rep=""))


_PLAIN = (
    *("tau", "tau_from", "tau_largest", "statistic", "df", "p_value", "reason", "by", "reference"),
    *("conf_level", "variance", "n", "n_event", "n_input"),
)


def ratio(log_ratio: Contrast) -> Contrast:
    """The ratio itself with its limits; its standard error and test belong to the logarithm."""

    def risen(value: float | None) -> float | None:
        return None if value is None else defined(math.exp(value))

    return Contrast(
        "rmst_ratio",
        log_ratio.group,
        log_ratio.reference,
        log_ratio.time,
        log_ratio.n,
        log_ratio.n_event,
        estimate=risen(log_ratio.estimate),
        p_value=log_ratio.p_value,
        conf_low=risen(log_ratio.conf_low),
        conf_high=risen(log_ratio.conf_high),
        reason=log_ratio.reason,
    )


def _group_values(group: RestrictedMean) -> dict[str, Any]:
    names = ("group", "n", "n_event", "estimate", "std_error", "conf_low", "conf_high", "reason")
    return {name: getattr(group, name) for name in names}
