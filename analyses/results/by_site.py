"""Hazard ratios site by site, pooled in two stages, beside models of all sites together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from analyses.results.coefficient import Coefficient
from analyses.results.frozen import defined
from analyses.results.left_out import left_out_records
from analyses.results.meta_analysis import MetaAnalysis
from analyses.results.records import Record, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "by_site"


@dataclass(frozen=True, slots=True)
class SiteEstimate:
    """One site's own log hazard ratio of a level, or why there is none.

    Attributes
    ----------
    site
        ``site 1`` ... by number of patients, the largest first; its own name where asked for.
    n, n_event
        Its patients with every value, and their events.
    """

    site: str
    n: int
    n_event: int
    estimate: float | None = None
    std_error: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LevelBySite:
    """One level against the reference: every site, their pool, and the models of all sites.

    Attributes
    ----------
    level
        None for a number.
    sites
        All sites, the largest first.
    pool
        Of the sites with an estimate; None with `reason` where there are none.
    stratified
        Of one model with a baseline hazard for each site.
    robust
        Of one model with one baseline hazard, its variance robust to sites.
    """

    level: str | None
    reference: str | None
    sites: tuple[SiteEstimate, ...]
    pool: MetaAnalysis | None
    reason: str | None
    stratified: Coefficient
    robust: Coefficient

    @property
    def used(self) -> tuple[SiteEstimate, ...]:
        """Sites with an estimate."""
        return tuple(site for site in self.sites if site.estimate is not None)

    @property
    def left_out(self) -> tuple[tuple[str, int, int, int], ...]:
        """(reason, sites, patients, events) of the sites without an estimate."""
        found: dict[str, list[SiteEstimate]] = {}
        for site in self.sites:
            if site.reason is not None:
                found.setdefault(site.reason, []).append(site)
        return tuple(
            (reason, len(some), sum(s.n for s in some), sum(s.n_event for s in some))
            for reason, some in found.items()
        )


@dataclass(frozen=True, slots=True, eq=False)
class BySite:
    """Hazard ratios of a term site by site, and what all sites say together.

    Attributes
    ----------
    levels
        One for each level against the reference, in their order.
    named
        Whether sites are shown by their own names.
    least_events
        Sites with fewer events are left out of the first stage.
    n, n_event, n_input, n_missing
        Patients of the models of all sites, their events, rows given, rows without a value.
    """

    term: str
    site: str
    terms: tuple[str, ...]
    levels: tuple[LevelBySite, ...]
    n_sites: int
    named: bool
    least_events: int
    ties: str
    strata: tuple[str, ...]
    conf_level: float
    n: int
    n_event: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row a number: sites, pools and the models of all sites, by level."""
        import pandas as pd

        rows = [
            {name: getattr(r, name) for name in _SHOWN}
            for r in self._records("")
            if not r.quantity.startswith(f"{KIND}_")
        ]
        return pd.DataFrame(rows, columns=list(_SHOWN))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "terms": list(self.terms),
            "strata": list(self.strata),
            "n_missing": dict(self.n_missing),
            "levels": [
                {
                    "level": one.level,
                    "reference": one.reference,
                    "sites": [asdict(site) for site in one.sites],
                    "pool": None if one.pool is None else one.pool.to_dict(),
                    "reason": one.reason,
                    "stratified": asdict(one.stratified),
                    "robust": asdict(one.robust),
                }
                for one in self.levels
            ],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: sites, pools, models of all sites, and the sites left out."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        yield Record(analysis, KIND, "sites", n=self.n_sites)
        for one in self.levels:
            yield from self._of_level(analysis, one)

    def _of_level(self, analysis: str, one: LevelBySite) -> Iterator[Record]:
        group = one.level or self.term
        for k, (reason, n_sites, _, n_event) in enumerate(one.left_out):
            yield Record(
                *(analysis, KIND, f"sites_left_out_{k + 1}"),
                group=group,
                n=n_sites,
                n_event=n_event,
                reason=reason,
            )
        for name, found in (("stratified", one.stratified), ("robust", one.robust)):
            yield from _both(analysis, f"one_stage_{name}", group, found)
        if one.pool is None:
            yield Record(
                *(analysis, KIND, "pooled_random"),
                group=group,
                status="not_estimable",
                reason=one.reason,
            )
        else:
            counts = {site.site: site for site in one.sites}
            for record in one.pool.records(analysis):
                site = counts.get(record.level or "")
                own = {} if site is None else {"n": site.n, "n_event": site.n_event}
                yield replace(record, kind=KIND, group=group, **own)  # type: ignore[arg-type]

    def plot(self, ax: Any = None) -> Any:
        """Forest of the sites of the first level; `plot_by_site` draws the others."""
        from analyses.plots.by_site import plot_by_site

        return plot_by_site(self, ax=ax)

    def _repr_html_(self) -> str:
        """Pools and models of all sites as a readable table in a notebook."""
        head = f"<p><b>{self.n_sites} sites</b>, {self.n:,} patients, {self.n_event:,} events</p>"
        table = self.summary
        table = table[~table["quantity"].str.startswith(("study_", "weight_", "pooled_without"))]
        return head + str(table.to_html(index=False, na_rep=""))


def _both(analysis: str, name: str, group: str, found: Coefficient) -> Iterator[Record]:
    """A coefficient on both scales."""
    defined_here = found.estimate is not None
    yield Record(
        *(analysis, KIND, f"{name}_log_hazard_ratio"),
        group=group,
        n=found.n,
        n_event=found.n_event,
        estimate=found.estimate,
        std_error=found.std_error,
        statistic=found.statistic,
        p_value=found.p_value,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        status="ok" if defined_here else "not_estimable",
        reason=None if defined_here else found.reason,
    )
    estimate, low, high = (
        None if x is None else defined(math.exp(min(x, 700.0)))
        for x in (found.estimate, found.conf_low, found.conf_high)
    )
    yield Record(
        *(analysis, KIND, f"{name}_hazard_ratio"),
        group=group,
        n=found.n,
        n_event=found.n_event,
        estimate=estimate,
        p_value=found.p_value,
        conf_low=low,
        conf_high=high,
        status="ok" if defined_here else "not_estimable",
        reason=None if defined_here else found.reason,
    )


@dataclass(frozen=True, slots=True, eq=False)
class BySiteAnalysis:
    """Hazard ratios site by site, of an endpoint."""

    id: str
    title: str
    endpoint: str
    result: BySite


_PLAIN = (
    *("term", "site", "n_sites", "named", "least_events", "ties", "conf_level", "n", "n_event"),
    "n_input",
)
_SHOWN = (
    *("quantity", "group", "level", "n", "n_event", "estimate", "std_error", "statistic", "df"),
    *("p_value", "conf_low", "conf_high", "reason"),
)
