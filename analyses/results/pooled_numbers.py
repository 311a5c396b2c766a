"""Numbers by group over imputations: survival at times, restricted means, their differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.frozen import Array, defined
from analyses.results.imputations import Imputations
from analyses.results.log_ratio import LARGEST_LOG, off_log
from analyses.results.pooled import Pooled
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class PooledNumber:
    """One number of a group, or of two, over imputations.

    Attributes
    ----------
    n, n_event
        Patients and events of the group (of both groups), means over the imputations, rounded.
    estimate, conf_low, conf_high
        On the number's own scale; None with the reason where not defined.
    pooled
        As pooled, on `scale`: ``cloglog`` (log(-log S)), ``log`` or ``identity``.
    """

    quantity: str
    group: str
    reference: str | None
    time: float
    n: int
    n_event: int
    scale: str
    estimate: float | None
    conf_low: float | None
    conf_high: float | None
    pooled: Pooled | None
    reason: str | None = None

    def record(self, analysis: str, kind: str, unit: str | None = None) -> Record:
        """The number as a record."""
        made = self.pooled
        plain = made is not None and self.scale == "identity"
        df = None if made is None or not np.isfinite(made.df) else made.df
        tested = made is not None and self.reference is not None
        return Record(
            analysis,
            kind,
            self.quantity,
            group=self.group,
            reference=self.reference,
            time=self.time,
            n=self.n,
            n_event=self.n_event,
            estimate=self.estimate,
            std_error=made.std_error if plain and made else None,
            statistic=made.statistic if tested and made else None,
            df=df,
            p_value=made.p_value if tested and made else None,
            conf_low=self.conf_low,
            conf_high=self.conf_high,
            unit=unit,
            status="ok" if self.estimate is not None else "not_estimable",
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True, eq=False)
class PooledCurve:
    """The survival curve of one group over imputations, on the exit times of all.

    `survival` is pooled on the complementary log-log scale where every imputation's curve lies
    between 0 and 1, else their mean without limits (NaN).
    """

    group: str
    n: int
    n_event: int
    time: Array
    survival: Array
    conf_low: Array
    conf_high: Array


@dataclass(frozen=True, slots=True, eq=False)
class PooledNumbers:
    """Numbers by group over imputations.

    Attributes
    ----------
    kind
        ``kaplan_meier_imputed`` or ``rmst_imputed``.
    numbers
        Survival at times, restricted means, differences, ratios; in order of quantity and group.
    curves
        Of survival; empty for restricted means.
    tau
        The end of the area; None for curves.
    """

    kind: str
    numbers: tuple[PooledNumber, ...]
    by: str
    conf_level: float
    m: int
    n: int
    n_event: int
    imputations: Imputations
    curves: tuple[PooledCurve, ...] = ()
    tau: float | None = None
    findings: tuple[Finding, ...] = ()

    def of(self, quantity: str) -> tuple[PooledNumber, ...]:
        """The numbers of one quantity."""
        return tuple(number for number in self.numbers if number.quantity == quantity)

    @property
    def largest_fmi(self) -> float | None:
        """The largest fraction of missing information; None without any."""
        return max((n.pooled.fmi for n in self.numbers if n.pooled is not None), default=None)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a number, with its fraction of missing information."""
        import pandas as pd

        rows = []
        for number in self.numbers:
            row = {k: v for k, v in asdict(number).items() if k != "pooled"}
            row |= {"fmi": None if number.pooled is None else number.pooled.fmi}
            tested = number.pooled is not None and number.reference is not None
            row |= {"p_value": number.pooled.p_value if tested and number.pooled else None}
            rows.append(row)
        numbers = ("estimate", "conf_low", "conf_high", "fmi", "p_value")
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))

    @property
    def curve_table(self) -> pd.DataFrame:
        """One row a group and time: survival with limits."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {
                    "group": c.group,
                    "time": c.time,
                    "estimate": c.survival,
                    "conf_low": c.conf_low,
                    "conf_high": c.conf_high,
                }
            )
            for c in self.curves
        ]
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        names = ("kind", "by", "conf_level", "m", "n", "n_event", "tau")
        return {
            **{name: getattr(self, name) for name in names},
            "numbers": [
                asdict(number) | {"pooled": number.pooled and _plain(asdict(number.pooled))}
                for number in self.numbers
            ],
            "curves": [
                {"group": c.group, "n": c.n, "n_event": c.n_event}
                | {
                    name: [defined(v) for v in getattr(c, name)]
                    for name in ("time", "survival", "conf_low", "conf_high")
                }
                for c in self.curves
            ],
            "imputations": self.imputations.to_dict(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number, its fraction of missing information, and the imputation's own."""
        own = self._records(analysis, unit)
        return checked((*own, *self.imputations.records(analysis, unit)))

    def _records(self, analysis: str, unit: str | None) -> Iterator[Record]:
        for number in self.numbers:
            in_time = number.quantity in ("rmst", "rmst_difference")
            yield number.record(analysis, self.kind, unit if in_time else None)
            if number.pooled is not None:
                yield Record(
                    analysis,
                    self.kind,
                    "fraction_missing_information",
                    group=number.group,
                    term=number.quantity,
                    reference=number.reference,
                    time=number.time,
                    estimate=number.pooled.fmi,
                )

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        head = f"<p><b>Over {self.m} imputations</b>, {self.n:,} patients</p>"
        shown = ["quantity", "group", "reference", "time", "estimate", "conf_low", "conf_high"]
        return head + str(self.summary[[*shown, "fmi"]].to_html(index=False, na_rep=""))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers that are not finite as None."""
    return {
        k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()
    }


def on_own_scale(
    made: Pooled | None, scale: str
) -> tuple[float | None, float | None, float | None]:
    """Estimate and limits of a pooled number off the scale that it was pooled on."""
    if made is None:
        return None, None, None
    values: Sequence[float | None] = (made.estimate, made.conf_low, made.conf_high)
    if scale == "identity":
        return values[0], values[1], values[2]
    if scale == "log":
        return off_log(values[0]), off_log(values[1]), off_log(values[2])
    # The larger log(-log S), the smaller S.
    return _off_cloglog(values[0]), _off_cloglog(values[2]), _off_cloglog(values[1])


def too_large(made: Pooled, scale: str) -> str | None:
    """Why an estimate or a limit is not given off its scale; None where all are."""
    values = (made.estimate, made.conf_high)
    if scale == "log" and any(value is not None and value > LARGEST_LOG for value in values):
        return "an estimate or limit is too large to write; its logarithm is given"
    return None


def _off_cloglog(value: float | None) -> float | None:
    if value is None:
        return None
    with np.errstate(over="ignore", under="ignore"):
        return float(np.exp(-np.exp(value)))
