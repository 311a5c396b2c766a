"""Hazard ratios site by site, pooled by meta-analysis beside models of all sites together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyses.estimators.cox import cox
from analyses.estimators.strata import Strata, strata_names
from analyses.estimators.survival_data import as_pandas, require_columns
from analyses.estimators.terms import TermSpec, declared
from analyses.evidence.meta_analysis import pooled_studies
from analyses.results.by_site import BySite, LevelBySite, SiteEstimate
from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

SOURCE = "by_site"
NO_SITE = "no site has an estimate of its own"


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """One site: its patients, and its own model or why there is none."""

    label: str
    n: int
    n_event: int
    model: CoxModel | None
    reason: str | None


def by_site(
    data: Any,
    *,
    time: str,
    event: str,
    terms: Sequence[TermSpec],
    site: str,
    of: str,
    entry: str | None = None,
    strata: Strata | None = None,
    ties: str = "efron",
    least_events: int = 10,
    named: str = "numbers",
    conf_level: float = 0.95,
) -> BySite:
    """Whether a hazard ratio holds from site to site: each site's own, and all together.

    Parameters
    ----------
    data, time, event, terms, entry, strata, ties
        As in `cox`; each site has a model of its own with all terms.
    site
        Column of the sites (facilities, registries, countries).
    of
        The term whose hazard ratios are pooled: each level against the reference.
    least_events
        Sites with fewer events have no model of their own; they are counted by reason.
    named
        ``numbers`` shows sites by their place, the largest first; ``names`` by their names.

    Returns
    -------
    BySite
        For each level: every site's log hazard ratio or the reason that there is none; the sites
        pooled in two stages (as `meta_analysis`); and in one stage, by a model stratified by
        site and by one whose variance is robust to sites. Rows without a value are left out.

    Raises
    ------
    AnalysisError
        One site only; a term that is not among `terms`, a curve or an interaction; as `cox`.

    Notes
    -----
    Two stages give sites that differ their say and leave small sites out; the stratified model
    uses every site and supposes one ratio. Checked against ``coxph`` by site, ``rma``,
    ``strata()`` and ``cluster()`` in tests/analyses/test_by_site.py.
    """
    if named not in ("numbers", "names"):
        raise ValueError(f"named is 'numbers' or 'names', not {named!r}")
    _require_term(terms, of)
    options: dict[str, Any] = {
        **{"time": time, "event": event, "terms": terms, "entry": entry},
        **{"strata": strata_names(strata) or None, "ties": ties, "conf_level": conf_level},
    }
    return _answered(as_pandas(data), site, of, options, least_events, named)


def _answered(
    frame: pd.DataFrame,
    site: str,
    of: str,
    options: dict[str, Any],
    least_events: int,
    named: str,
) -> BySite:
    """The sites' own models and those of all sites."""
    strata = tuple(options["strata"] or ())
    conf_level = options["conf_level"]
    complete = _complete(frame, site, options)
    stratified = cox(frame, **options | {"strata": [*strata, site]}).without_rows()
    robust = cox(frame, cluster=site, **options).without_rows()
    sites = _sites(complete, site, options, least_events, named)
    levels = tuple(
        _level(c, robust, sites, conf_level)
        for c in stratified.coefficients
        if c.term == of and not c.is_reference
    )
    return BySite(
        term=of,
        site=site,
        terms=tuple(term.name for term in stratified.terms),
        levels=levels,
        n_sites=len(sites),
        named=named == "names",
        least_events=least_events,
        ties=options["ties"],
        strata=strata,
        conf_level=conf_level,
        n=stratified.n,
        n_event=stratified.n_event,
        n_input=stratified.n_input,
        n_missing=stratified.n_missing,
        findings=(*robust.findings, *_findings(site, levels, sites)),
    )


def _complete(frame: pd.DataFrame, site: str, options: dict[str, Any]) -> pd.DataFrame:
    """Rows with every value, the site's too; AnalysisError for one site alone."""
    names = [options["time"], options["event"], *(options["strata"] or ()), site]
    names += [options["entry"]] if options["entry"] else []
    names += [name for term in declared(options["terms"]) for name in term.columns]
    require_columns(frame, list(dict.fromkeys(names)))
    complete = frame[frame[names].notna().all(axis=1)]
    n_sites = complete[site].astype(str).nunique()
    if n_sites < 2:
        many = "no site" if n_sites == 0 else "1 site"
        advice = "Fit one model of all patients, or name another column."
        found = f"{many}: nothing can be compared from site to site"
        raise AnalysisError(Problem(f"{SOURCE}: column '{site}'", found, advice=advice))
    return complete


def _require_term(terms: Sequence[TermSpec], of: str) -> None:
    """AnalysisError unless `of` is a term that has a hazard ratio of its own for each level."""
    known = {term.name: term for term in declared(terms)}
    problem = None
    if of not in known:
        allowed = f"Terms: {listed(known)}"
        problem = Problem(f"{SOURCE}: of", f"'{of}' is no term", allowed, suggest(of, known))
    elif known[of].spline_df or known[of].parts or known[of].is_over_time:
        said = f"'{of}' is a curve, an interaction or changes over time"
        problem = Problem(f"{SOURCE}: of", said, advice="Pool a category or a plain number.")
    if problem is not None:
        raise AnalysisError(problem)


def _sites(
    frame: pd.DataFrame, site: str, options: dict[str, Any], least_events: int, named: str
) -> list[_Site]:
    """Every site with its own model, the largest first, equals by their names."""
    sizes = frame[site].astype(str).value_counts()
    order = sorted(sizes.index, key=lambda name: (-int(sizes[name]), name))
    rows = frame.groupby(frame[site].astype(str), sort=False).indices
    result = []
    for place, name in enumerate(order, start=1):
        own = frame.iloc[rows[name]]
        label = str(name) if named == "names" else f"site {place}"
        result.append(_one(label, own, options, least_events))
    return result


def _one(label: str, own: pd.DataFrame, options: dict[str, Any], least_events: int) -> _Site:
    """A site's model, or why it has none."""
    n, n_event = len(own), int(own[options["event"]].astype(bool).sum())
    if n_event == 0:
        return _Site(label, n, n_event, None, "no event")
    if n_event < least_events:
        return _Site(label, n, n_event, None, f"fewer than {least_events} events")
    try:
        return _Site(label, n, n_event, cox(own, **options).without_rows(), None)
    except AnalysisError as error:
        # What is wrong differs from site to site in its counts, which would name each apart.
        found = error.problems[0].found.partition(":")[0]
        return _Site(label, n, n_event, None, f"no model of its own: {found}")


def _level(
    c: Coefficient, robust: CoxModel, sites: Sequence[_Site], conf_level: float
) -> LevelBySite:
    """One level from site to site and over all of them."""
    own = tuple(_estimate(site, c.term, c.level, c.reference) for site in sites)
    used = [site for site in own if site.estimate is not None and site.std_error is not None]
    pool = None
    if used:
        pool = pooled_studies(
            [site.site for site in used],
            np.array([site.estimate for site in used], dtype=float),
            np.array([site.std_error for site in used], dtype=float),
            measure="hazard_ratio",
            conf_level=conf_level,
            n_input=len(own),
        )
    together = next(r for r in robust.coefficients if (r.term, r.level) == (c.term, c.level))
    reason = None if used else NO_SITE
    return LevelBySite(c.level, c.reference, own, pool, reason, c, together)


def _estimate(site: _Site, term: str, level: str | None, reference: str | None) -> SiteEstimate:
    """A site's own estimate of a level against the same reference."""
    if site.model is None:
        return SiteEstimate(site.label, site.n, site.n_event, reason=site.reason)
    c = next((x for x in site.model.coefficients if (x.term, x.level) == (term, level)), None)
    why = None
    if c is None:
        why = "no patient at the level"
    elif c.reference != reference:
        why = "no patient at the reference"
    elif c.estimate is None or c.std_error is None:
        why = "no finite estimate (no event at the level or at the reference)"
    if why is not None or c is None:
        return SiteEstimate(site.label, site.n, site.n_event, reason=why)
    return SiteEstimate(site.label, site.n, site.n_event, c.estimate, c.std_error)


def _findings(
    site: str, levels: Sequence[LevelBySite], sites: Sequence[_Site]
) -> Iterator[Finding]:
    """Sites left out of the first stage, by level and reason, with their events; heterogeneity."""
    total = sum(s.n_event for s in sites)
    for one in levels:
        name = one.level or ""
        for reason, n_sites, n_patients, n_event in one.left_out:
            advice = (
                f"{n_patients:,} patients with {n_event:,} of {total:,} events are not in the pool "
                f"of {name or 'the term'}: {reason}. Small sites are not left out at random: read "
                "the stratified model beside it."
            )
            yield Finding("warning", SOURCE, site, name, "sites_left_out", n_sites, advice, "site")
        yield from () if one.pool is None else one.pool.findings
