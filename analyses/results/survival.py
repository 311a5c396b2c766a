"""What Kaplan-Meier says: curves by group, medians, survival at times, numbers at risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from analyses.results.contrast import Contrast
from analyses.results.curve import Counting, Curve
from analyses.results.curve_records import curve_records
from analyses.results.frozen import Array, defined
from analyses.results.milestones import survival_contrasts
from analyses.results.records import Record, checked
from analyses.results.weighting import Weighting, plain_weighting
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

ConfType = Literal["log-log", "log", "plain", "logit", "arcsine"]
LIMITS_AT_ONE = ("log", "plain")  # the other transforms are not defined where the curve is 1
EMPTY = ("group", "reference", "time", "n", "n_event")  # of a table of no differences
EVERYONE = "all"  # the group's name where no `by` is given


@dataclass(frozen=True, slots=True, eq=False)
class KaplanMeier:
    """Kaplan-Meier curves, one a group, with all that is read off them.

    Attributes
    ----------
    curves, reverse
        Curves of the event, and with event and censoring swapped (follow-up), in group order.
    by
        The column of the groups, or None.
    conf_level, conf_type
        Of the pointwise intervals.
    variance
        ``Greenwood``, or ``infinitesimal jackknife`` where weights are not integers.
    n, n_event, n_input, n_missing
        Patients used, events, rows given, and (column, rows without a value in it).
    given, n_gone
        Where not None, the curves are of those still followed after this time, given that they
        have lived to it; so many patients had left by then.
    weighting
        The column of the weights and what they are; None where every patient counts 1.
    findings
        What a reader must be warned of: groups with few or no events, unequal follow-up,
        curves flat at the median to their end, patients of weight 0.
    """

    curves: tuple[Curve, ...]
    reverse: tuple[Curve, ...]
    by: str | None
    conf_level: float
    conf_type: ConfType
    variance: str
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    given: float | None = None
    n_gone: int = 0
    weighting: Weighting | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups' levels in order."""
        return tuple(curve.group for curve in self.curves)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a group and distinct exit time, with counts, survival and limits."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {
                    "group": c.group,
                    "time": c.time,
                    "n_risk": c.n_risk,
                    "n_event": c.events,
                    "n_censor": c.censored,
                    "estimate": c.survival,
                    "std_error": c.std_error,
                    "conf_low": c.conf_low,
                    "conf_high": c.conf_high,
                }
            )
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True)

    @property
    def medians(self) -> pd.DataFrame:
        """Median time to the event by group, with limits; null where it is not reached."""
        return self.quantiles(0.5).drop(columns="probability")

    @property
    def follow_up(self) -> pd.DataFrame:
        """Median follow-up by group with limits, by reverse Kaplan-Meier; null where not reached.

        Event and censoring swapped (Schemper and Smith, 1996); `n_event` counts the events of
        the analysis itself.
        """
        table = _quantile_rows(self.reverse, (0.5,)).drop(columns="probability")
        table["n_event"] = [curve.n_event for curve in self.curves]
        return table

    def quantiles(self, q: float | Sequence[float]) -> pd.DataFrame:
        """Times by which a share `probability` of each group has had the event, with limits.

        Null where the curve, or the limit, does not come down so far. Where a curve is flat at
        the level, the middle of the flat stretch, as ``quantile.survfit``.
        """
        shares = (q,) if isinstance(q, int | float) else tuple(q)
        if not all(0 < share < 1 for share in shares):
            raise ValueError(f"a quantile lies between 0 and 1, not {shares}")
        return _quantile_rows(self.curves, shares)

    def at(self, times: Sequence[float]) -> pd.DataFrame:
        """Survival at each time by group, with numbers at risk and events up to and including it.

        Null past the group's last time, unless its curve has come down to zero, and before the
        origin.
        """
        import pandas as pd

        t = np.asarray(times, dtype=float)
        start = 1.0 if self.conf_type in LIMITS_AT_ONE else np.nan
        parts = [
            pd.DataFrame(
                {
                    "group": c.group,
                    "time": t,
                    "n_risk": _counts(c.at_risk(t), t < c.origin),
                    "n_event": _counts(c.up_to("events", t), t < c.origin),
                    "estimate": c.step("survival", t, 1.0),
                    "std_error": c.step("std_error", t, 0.0),
                    "conf_low": c.step("conf_low", t, start),
                    "conf_high": c.step("conf_high", t, start),
                }
            )
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True)

    def differences(self, times: Sequence[float], reference: str | None = None) -> pd.DataFrame:
        """Survival of each group less the reference's (the first group) at each time, with limits.

        The standard error is that of two independent curves, limits and p-value are normal on
        this scale. Null past the last time of a group, and where a curve has come down to 0; the
        estimate only where a group's own standard error is 0.
        """
        import pandas as pd

        found = self.contrasts(times, reference)
        numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        rows = [contrast.values() for contrast in found]
        table = pd.DataFrame(rows, columns=None if rows else ["quantity", *EMPTY, *numbers])
        return table.drop(columns="quantity").astype(dict.fromkeys(numbers, float))

    def contrasts(
        self, times: Sequence[float], reference: str | None = None
    ) -> tuple[Contrast, ...]:
        """The differences of `differences`, one object each, by time and group."""
        return survival_contrasts(self.curves, times, reference, self.conf_level)

    def risk_table(self, times: Sequence[float], counting: Counting = "patients") -> pd.DataFrame:
        """Numbers under a figure: at risk at each time, events and censorings before it.

        Events and censorings are counted strictly before the time, so that without delayed entry
        the three sum to the group's patients; at time 0 everyone is at risk (with delayed entry:
        everyone who enters at the origin). Null before the origin. Patients are counted, or with
        `counting` ``weights`` what they weigh.
        """
        import pandas as pd

        t = np.asarray(times, dtype=float)
        prefix, shown = ("", _counts) if counting == "patients" else ("weighted_", _sums)
        parts = [
            pd.DataFrame(
                {
                    "group": c.group,
                    "time": t,
                    "n_risk": shown(c.at_risk(t, counting), t < c.origin),
                    "n_event": shown(c.before(f"{prefix}events", t), t < c.origin),
                    "n_censor": shown(c.before(f"{prefix}censored", t), t < c.origin),
                }
            )
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        names = (
            "by",
            "conf_level",
            "conf_type",
            "variance",
            "n",
            "n_event",
            "n_input",
            "given",
            "n_gone",
        )
        return {
            **{name: getattr(self, name) for name in names},
            "n_missing": dict(self.n_missing),
            "weighting": plain_weighting(self.weighting),
            "curves": [_plain_curve(curve) for curve in self.curves],
            "reverse": [_plain_curve(curve) for curve in self.reverse],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(
        self,
        analysis: str,
        unit: str | None = None,
        times: Sequence[float] = (),
        *,
        quantiles: Sequence[float] = (),
        counting: Counting = "patients",
    ) -> tuple[Record, ...]:
        """One record a number: medians and follow-up (in `unit`), survival and risk at `times`.

        `quantiles` are shares beside one half whose times are given; with `counting` ``weights``
        there is what those at risk weigh, beside their number.
        """
        return checked(curve_records(self, analysis, unit, times, quantiles, counting))

    def plot(self, ax: Any = None) -> Any:
        """Curves with bands, medians and numbers at risk; returns the named artists."""
        from analyses.plots.kaplan_meier import plot_kaplan_meier

        return plot_kaplan_meier(self, ax=ax)

    def _repr_html_(self) -> str:
        """Medians and follow-up as a readable table in a notebook."""
        table = self.medians.rename(columns={"estimate": "median"})
        table["median_follow_up"] = self.follow_up["estimate"]
        for limit in ("conf_low", "conf_high"):
            undefined = table["median"].notna() & table[["conf_low", "conf_high"]].isna().all(
                axis=1
            )
            table[limit] = table[limit].astype(object).mask(undefined, "not defined")
        given = "" if self.given is None else f" given event-free at {self.given:.12g}"
        given += "" if self.weighting is None else f", {escape(self.weighting.words)}"
        head = (
            f"<p><b>Kaplan-Meier</b>{given}, {self.n:,} patients, {self.n_event:,} events; "
            f"{100 * self.conf_level:g}&nbsp;% {self.conf_type} limits</p>"
        )
        return head + str(table.to_html(index=False, na_rep="not reached"))


def _quantile_rows(curves: tuple[Curve, ...], shares: tuple[float, ...]) -> pd.DataFrame:
    """One row a group and share: group, probability, n, n_event, estimate and limits."""
    import pandas as pd

    rows = []
    for curve in curves:
        found = curve.quantiles(np.asarray(shares, dtype=float))
        for share, estimate, low, high in zip(shares, *found, strict=True):
            rows.append(
                {
                    "group": curve.group,
                    "probability": share,
                    "n": curve.n,
                    "n_event": curve.n_event,
                    "estimate": float(estimate),
                    "conf_low": float(low),
                    "conf_high": float(high),
                }
            )
    return pd.DataFrame(rows)


def _counts(values: Array, undefined: npt.NDArray[np.bool_]) -> Any:
    """Counts of patients as integers; null where they are not defined."""
    import pandas as pd

    counts = np.rint(values).astype(np.int64)
    return pd.arrays.IntegerArray(counts, undefined) if undefined.any() else counts


def _sums(values: Array, undefined: npt.NDArray[np.bool_]) -> Any:
    """Sums of weights; NaN where they are not defined."""
    return np.where(undefined, np.nan, values)


def _plain_curve(curve: Curve) -> dict[str, Any]:
    """A curve as plain JSON types."""
    plain: dict[str, Any] = {}
    for field in fields(curve):
        value = getattr(curve, field.name)
        array = isinstance(value, np.ndarray)
        plain[field.name] = [defined(number) for number in value] if array else value
    return plain
