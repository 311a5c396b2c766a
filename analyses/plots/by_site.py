"""Forest of sites: each site's own hazard ratio, their pool, and the models of all sites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from matplotlib.axes import Axes

from analyses.formatting import capitalised, count, hazard_ratio, label
from analyses.plots.evidence import EvidenceArtists, draw_studies, pool_words
from analyses.plots.evidence_layout import study_plan
from analyses.plots.evidence_lines import Line, study_lines
from analyses.plots.layout import sheet
from analyses.plots.style import PAGE, FigureStyle, own_settings
from analyses.results.by_site import BySite, LevelBySite
from analyses.results.coefficient import Coefficient

MOST_SITES = 30  # drawn singly; the others are in the pool and in the tables


def plot_by_site(
    result: BySite,
    *,
    level: str | None = None,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
) -> EvidenceArtists:
    """The sites' hazard ratios of one level on a log axis, the largest first, all sites beneath.

    Parameters
    ----------
    level
        Of the term; the first that is compared where not given.

    Notes
    -----
    At most 30 sites are drawn singly; the pool and the models below rest on all of them.
    """
    found = next((one for one in result.levels if one.level == level), result.levels[0])
    lines = _lines(result, found, style)
    against = label(result.term) if found.level is None else _pair(result, found)
    with own_settings():
        place = sheet(ax, style)
        plan = study_plan(
            lines,
            f"Hazard ratio, {against} (log scale)",
            tuple(_notes(found, style)),
            place.style,
            logarithmic=True,
            level=result.conf_level,
            counted="Events/patients",
        )
        said = "; ".join(f"{line.label} {line.ratio_words}" for line in lines if line.estimate)
        return draw_studies(place, plan, f"Forest plot of sites, {against}. {said}.")


def _pair(result: BySite, found: LevelBySite) -> str:
    """The level against its reference in words."""
    one, other = (label(result.term, x) for x in (str(found.level), str(found.reference)))
    return f"{one} against {other}"


def _lines(result: BySite, found: LevelBySite, style: FigureStyle) -> tuple[Line, ...]:
    """Sites with their events, the pool, and the models of all sites."""
    events = {s.site: f"{s.n_event}/{count(s.n, style.numbers)}" for s in found.sites}
    lines: list[Line] = []
    if found.pool is not None:
        every = study_lines(found.pool, style.numbers)
        sites = [replace(one, n=events[one.key]) for one in every if one.key in events]
        lines += [Line("sites", "heading", f"Each {label(result.site).lower()} by itself")]
        lines += sites[:MOST_SITES]
        lines += [one for one in every if one.key not in events]
    lines.append(Line("together", "heading", "All together"))
    lines += [
        _model("Stratified by site", "stratified", found.stratified, style),
        _model("Robust to sites", "robust", found.robust, style),
    ]
    return tuple(lines)


def _model(title: str, key: str, c: Coefficient, style: FigureStyle) -> Line:
    """One model of all sites."""
    estimate, low, high = c.hazard_ratio
    return Line(
        key,
        "present" if estimate is not None else "words",
        title,
        ratio_words=hazard_ratio(estimate, low, high, style.numbers),
        estimate=estimate,
        low=low,
        high=high,
    )


def _notes(found: LevelBySite, style: FigureStyle) -> Iterator[str]:
    """What the pool is, the sites that are not drawn and those that are not in it."""
    if found.pool is not None:
        yield pool_words(found.pool, style)
        more = found.pool.k - MOST_SITES
        if more > 0:
            yield f"The {MOST_SITES} largest sites are drawn; {more} more are pooled."
    out = [f"{n} with {why}" if why.startswith(("no ", "fewer")) else f"{n}: {why}"
           for why, n, _, _ in found.left_out]  # fmt: skip
    if out:
        yield f"{capitalised('sites')} that are not pooled: {'; '.join(out)}."
