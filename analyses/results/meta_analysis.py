"""What several studies say together: pooled estimates, heterogeneity, each study left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.frozen import defined
from analyses.results.records import Record, Status, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "meta_analysis"
ONE_STUDY = "one study: how studies vary cannot be estimated"


@dataclass(frozen=True, slots=True)
class PooledStudy:
    """One study of a pool.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high
        On the scale that is pooled (log hazard ratios, ...).
    share_fixed, share_random
        Its share of all weight, from 0 to 1; None where there is no random-effects pool.
    """

    study: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    share_fixed: float
    share_random: float | None


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled estimate with its test, on the scale that is pooled.

    Attributes
    ----------
    df
        Of the t distribution; None for the normal.
    prediction_low, prediction_high
        Where the true value of a new study lies; None with fixed effects.
    reason
        Why there is no estimate.
    """

    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    prediction_low: float | None = None
    prediction_high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How much studies differ beyond chance.

    Attributes
    ----------
    q, df, p_value
        Cochran's test.
    tau2, tau2_low, tau2_high
        Variance between studies (Paule and Mandel) with Q-profile limits.
    i2, i2_low, i2_high
        Share of the variance that lies between studies, from 0 to 1.
    reason
        Why something of it is None.
    """

    q: float | None = None
    df: int = 0
    p_value: float | None = None
    tau2: float | None = None
    tau2_low: float | None = None
    tau2_high: float | None = None
    i2: float | None = None
    i2_low: float | None = None
    i2_high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The random-effects pool without one study."""

    study: str
    pooled: Pooled
    heterogeneity: Heterogeneity


@dataclass(frozen=True, slots=True, eq=False)
class MetaAnalysis:
    """Studies pooled with fixed and with random effects.

    Attributes
    ----------
    measure
        What the exponential of an estimate is (``hazard_ratio``, ``odds_ratio``); None where
        estimates are not logarithms.
    without
        The random-effects pool with each study left out, in the order of the studies.
    """

    studies: tuple[PooledStudy, ...]
    fixed: Pooled
    random: Pooled
    heterogeneity: Heterogeneity
    without: tuple[LeftOut, ...]
    measure: str | None
    conf_level: float
    n_input: int
    n_missing: tuple[tuple[str, int], ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def k(self) -> int:
        """Studies pooled."""
        return len(self.studies)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a study, then the pools, the prediction, heterogeneity, and each one left out."""
        import pandas as pd

        rows = [{"quantity": r.quantity, "level": r.level} | _numbers(r) for r in self._records("")]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            "studies": [asdict(study) for study in self.studies],
            "fixed": asdict(self.fixed),
            "random": asdict(self.random),
            "heterogeneity": asdict(self.heterogeneity),
            "without": [asdict(one) for one in self.without],
            "measure": self.measure,
            "conf_level": self.conf_level,
            "n_input": self.n_input,
            "n_missing": dict(self.n_missing),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number, ratios on both scales; `unit` is none of theirs."""
        del unit
        return checked(self._records(analysis))

    def _records(
        self, analysis: str, kind: str = KIND, group: str | None = None
    ) -> Iterator[Record]:
        yield Record(analysis, kind, "studies_pooled", group=group, n=self.k)
        for study in self.studies:
            yield from self._both(analysis, kind, "study", group, study.study, asdict(study))
            for model in ("fixed", "random"):
                share = getattr(study, f"share_{model}")
                if share is not None:
                    yield Record(
                        *(analysis, kind, f"weight_{model}"),
                        group=group,
                        level=study.study,
                        estimate=share,
                    )
        for model in ("fixed", "random"):
            pooled: Pooled = getattr(self, model)
            yield from self._both(analysis, kind, f"pooled_{model}", group, None, asdict(pooled))
        if self.random.prediction_low is not None:
            spread = {
                "estimate": self.random.estimate,
                "conf_low": self.random.prediction_low,
                "conf_high": self.random.prediction_high,
                "df": self.random.df,
            }
            yield from self._both(analysis, kind, "prediction", group, None, spread)
        yield from heterogeneity_records(self.heterogeneity, analysis, kind, group)
        for one in self.without:
            values = asdict(one.pooled)
            yield from self._both(analysis, kind, "pooled_without", group, one.study, values)

    def _both(
        self,
        analysis: str,
        kind: str,
        name: str,
        group: str | None,
        level: str | None,
        values: dict[str, Any],
    ) -> Iterator[Record]:
        """A number on the scale that is pooled and, for ratios, on its own."""
        known: dict[str, Any] = {key: values.get(key) for key in _ON_SCALE}
        status: Status = "ok" if known["estimate"] is not None else "not_estimable"
        reason = values.get("reason")
        log = f"{name}_log_{self.measure}" if self.measure else f"{name}_estimate"
        yield Record(
            analysis, kind, log, group=group, level=level, status=status, reason=reason, **known
        )
        if self.measure:
            risen: dict[str, Any] = {
                key: None if known[key] is None else defined(math.exp(known[key]))
                for key in ("estimate", "conf_low", "conf_high")
            }
            yield Record(
                *(analysis, kind, f"{name}_{self.measure}"),
                group=group,
                level=level,
                p_value=known["p_value"],
                status=status,
                reason=reason,
                **risen,
            )

    def plot(self, ax: Any = None) -> Any:
        """Forest plot of the studies with the pools beneath; returns the named artists."""
        from analyses.plots.evidence import plot_meta_analysis

        return plot_meta_analysis(self, ax=ax)

    def _repr_html_(self) -> str:
        """Studies and pools as a readable table in a notebook."""
        what = escape((self.measure or "estimate").replace("_", " "))
        head = (
            f"<p><b>{self.k} studies pooled</b> ({what}): fixed effects, and random effects "
            "(Paule-Mandel, Hartung-Knapp)</p>"
        )
        wanted = ("study_", "pooled_fixed", "pooled_random", "prediction", "q", "tau2", "i2")
        table = self.summary
        table = table[table["quantity"].str.startswith(wanted)]
        return head + str(table.to_html(index=False, na_rep=""))


def heterogeneity_records(
    found: Heterogeneity, analysis: str, kind: str, group: str | None = None
) -> Iterator[Record]:
    """Cochran's test, tau^2 and I^2."""
    yield Record(
        *(analysis, kind, "q"),
        group=group,
        statistic=found.q,
        df=found.df,
        p_value=found.p_value,
        status="ok" if found.q is not None else "not_estimable",
        reason=found.reason if found.q is None else None,
    )
    for name in ("tau2", "i2"):
        value = getattr(found, name)
        yield Record(
            *(analysis, kind, name),
            group=group,
            estimate=value,
            conf_low=getattr(found, f"{name}_low"),
            conf_high=getattr(found, f"{name}_high"),
            status="ok" if value is not None else "not_estimable",
            reason=found.reason,
        )


_ON_SCALE = (*("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"),)


def _numbers(record: Record) -> dict[str, Any]:
    names = ("n", "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")
    return {name: getattr(record, name) for name in names} | {"reason": record.reason}
