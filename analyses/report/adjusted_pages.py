"""Pages about adjusted comparisons: what made the groups alike, and how they then differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.kaplan_meier import plot_kaplan_meier
from analyses.plots.love import plot_love
from analyses.plots.overlap import plot_overlap
from analyses.plots.standardised_curves import plot_standardised
from analyses.plots.style import FigureStyle
from analyses.report.adjusted_tables import (
    balance_table,
    differences_table,
    matched_table,
    population_words,
    ratios_table,
    weights_table,
)
from analyses.report.blocks import Block, FigureBlock, Paragraph
from analyses.report.section import Alts, Section, Sizes, axis_words
from analyses.report.words import group_words, in_sentence, joined, used_rows
from analyses.results.matched import MatchedAnalysis
from analyses.results.standardised_curves import StandardisedAnalysis
from analyses.results.study import StudyResult
from analyses.results.survival import KaplanMeier
from analyses.results.weighted import WeightedAnalysis

MEANINGS = (
    "A marginal hazard ratio compares groups as wholes, a conditional one patients who are alike "
    "in the terms. The two differ without any confounding, so their difference measures none."
)
WEIGHTED_BAND = ("by robust variance, weights as known", "")
MODELLED_BAND = ("by the delta method", "and clusters")
SCOPE = "Only what is among the terms is taken into account."


def weighted_pages(
    result: StudyResult, analysis: WeightedAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Overlap, balance, weights, curves, and the comparison."""
    made = analysis.result
    yield Paragraph(used_rows(result, analysis, _counts(made), style))
    yield _figure(f"{analysis.id}_overlap", f"{analysis.title}: {_overlap_words(made.by)}", alts)
    yield _figure(f"{analysis.id}_balance", f"{analysis.title}: {_love_words('weighting')}", alts)
    yield balance_table(analysis, style)
    yield weights_table(analysis, style)
    level = words.tick(100 * made.conf_level, style)
    caption = (
        f"{analysis.title}. Weighted Kaplan-Meier estimates for {population_words(made)}, with "
        f"pointwise {level}% limits{_band_words(made, WEIGHTED_BAND)}; numbers at risk are not "
        "weighted."
    )
    yield _figure(analysis.id, caption, alts)
    yield from _comparison(analysis, style, result.time_unit)


def matched_pages(
    result: StudyResult, analysis: MatchedAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Overlap, who was matched, balance, curves, and the comparison."""
    made = analysis.result
    counts = (made.n_pair, made.n_pair_event, made.n_input, made.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    yield _figure(f"{analysis.id}_overlap", f"{analysis.title}: {_overlap_words(made.by)}", alts)
    yield matched_table(analysis, style)
    yield _figure(f"{analysis.id}_balance", f"{analysis.title}: {_love_words('matching')}", alts)
    yield balance_table(analysis, style)
    level = words.tick(100 * made.conf_level, style)
    caption = (
        f"{analysis.title}. Kaplan-Meier estimates in {_matched_words(made)}, with pointwise "
        f"{level}% limits by robust variance, matched sets not counted."
    )
    yield _figure(analysis.id, caption, alts)
    yield from _comparison(analysis, style, result.time_unit)


def _comparison(
    analysis: WeightedAnalysis | MatchedAnalysis, style: NumberStyle, time_unit: str
) -> Iterator[Block]:
    """Hazard ratios and differences of groups made alike, and what they mean."""
    yield ratios_table(analysis, style)
    if analysis.result.means:
        yield differences_table(analysis, style, time_unit)
    yield Paragraph(f"{MEANINGS} {SCOPE}", "note")


def standardised_pages(
    result: StudyResult, analysis: StandardisedAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Curves, and their differences."""
    made = analysis.result
    yield Paragraph(used_rows(result, analysis, _counts(made), style))
    caption = (
        f"{analysis.title}: survival that {population_words(made)} "
        f"({count(made.n_population, style)}) would have had, had all of them been of one group. "
        f"Pointwise {words.tick(100 * made.conf_level)}% limits"
        f"{_band_words(made, WEIGHTED_BAND if made.method == 'weighting' else MODELLED_BAND)}."
    )
    yield _figure(analysis.id, caption, alts)
    if made.means:
        yield differences_table(analysis, style, result.time_unit)
    if made.ratios:
        yield ratios_table(analysis, style)
    yield Paragraph(f"{MEANINGS} {SCOPE}", "note")


def weighted_methods(result: StudyResult, analysis: WeightedAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    weights = made.weighting
    kind = {
        "ate": "stabilised inverse-probability weights (all patients)",
        "att": f"weights to the patients of {group_words(made.by, str(weights.target))}",
        "ato": "generalised overlap weights (patients who could be of any group)",
    }[weights.estimand]
    if weights.truncate is not None:
        low, high = (words.tick(100 * share) for share in weights.truncate)
        kind += f", truncated at the percentiles {low} and {high} of all weights together"
    spread = (
        f"{_samples(made)} bootstrap samples with the propensity refitted"
        if made.resamples
        else "robust variance, the weights taken as known"
    )
    return (
        f"{analysis.title}: the chance of each group by multinomial logistic regression on "
        f"{_terms([term.name for term in made.propensity.terms])}; {kind}; weighted Kaplan-Meier "
        f"curves and Cox models, {spread}{_clusters(made)}; "
        f"{words.tick(100 * made.conf_level)}% limits{_asked(analysis, result)}."
        + (" A weighted Cox model with terms besides is doubly robust." * bool(made.doubly_robust))
    )


def matched_methods(result: StudyResult, analysis: MatchedAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    caliper = "without a caliper"
    if made.caliper is not None:
        caliper = (
            f"within {words.tick(made.caliper)} standard deviations ({made.spread}) of the logit"
        )
    return (
        f"{analysis.title}: each patient of {group_words(made.by, made.group)} with up to "
        f"{words.counted(made.ratio, 'counterpart')} of {group_words(made.by, made.reference)}, "
        "greedy nearest neighbour on the logit of the propensity (logistic regression on "
        f"{_terms([term.name for term in made.propensity.terms])}), largest first, without "
        f"replacement, {caliper}; variance clustered on the matched set; "
        f"{words.tick(100 * made.conf_level)}% limits{_asked(analysis, result)}."
    )


def standardised_methods(result: StudyResult, analysis: StandardisedAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    how = "the g-formula: each patient's prediction by a Cox model with the group set, averaged"
    if made.method == "weighting":
        how = "Kaplan-Meier curves weighted by the inverse of the chance of the group"
    spread = f"{_samples(made)} bootstrap samples" if made.resamples else made.variance
    return (
        f"{analysis.title}: survival standardised to {population_words(made)} by {how}; adjusted "
        f"for {_terms(made.terms)}; variance by {spread}{_clusters(made)}; limits of survival on "
        "the complementary log-log scale, of differences on their own "
        f"({words.tick(100 * made.conf_level)}%){_asked(analysis, result)}."
    )


def _samples(made: Any) -> str:
    """How many bootstrap samples the limits are of, and of how many where some were left out."""
    if made.n_samples == made.resamples:
        return f"{made.resamples}"
    return f"{made.n_samples} of {made.resamples}"


def _band_words(made: Any, variance: tuple[str, str]) -> str:
    """Which variance a figure's band has, and whether that of the table is another."""
    own, clusters = variance
    other = bool(made.resamples) or (made.cluster is not None and not clusters)
    said = f" {own}{_clusters(made) if clusters else ''}"
    return f"{said} (those of the table are {_table_words(made)})" if other else said


def _table_words(made: Any) -> str:
    if made.resamples:
        return "by the bootstrap"
    return f"by {count(made.n_cluster)} clusters"


def _asked(analysis: Any, result: StudyResult) -> str:
    del result
    said = []
    if analysis.times_said:
        said.append(f"survival compared at {joined(list(analysis.times_said))}")
    if analysis.tau_said:
        said.append(f"mean time up to {analysis.tau_said}")
    return f"; {' and '.join(said)}" if said else ""


def _clusters(made: Any) -> str:
    if made.cluster is None:
        return ""
    return f", by {count(made.n_cluster)} clusters of {in_sentence(made.cluster)}"


def _terms(names: Sequence[str]) -> str:
    return joined([in_sentence(name) for name in dict.fromkeys(names)])


def _counts(made: Any) -> tuple[int, int | None, int, tuple[tuple[str, int], ...]]:
    return made.n, made.n_event, made.n_input, made.n_missing


def _matched_words(made: Any) -> str:
    return f"the matched patients of {label(made.by, made.group)} and their counterparts"


def _overlap_words(by: str) -> str:
    return (
        f"how the chance of each {in_sentence(by)} group given the terms is spread among the "
        "patients of every group. Where outlines do not overlap, patients have nobody to be "
        "compared with."
    )


def _love_words(how: str) -> str:
    return (
        f"absolute standardised differences before and after {how}, over the spread of all "
        "patients before."
    )


def _figure(name: str, caption: str, alts: Alts) -> FigureBlock:
    alt, width = alts[name]
    return FigureBlock(name, caption, alt, width)


def _curve_figure(
    result: StudyResult, analysis: Any, curves: KaplanMeier, style: FigureStyle
) -> tuple[str, Any]:
    drawn = plot_kaplan_meier(curves, words=axis_words(result, analysis), style=style)
    return analysis.id, drawn


def _figures(
    result: StudyResult, analysis: WeightedAnalysis | MatchedAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    made = analysis.result
    yield f"{analysis.id}_overlap", plot_overlap(made.propensity, style=style)
    yield f"{analysis.id}_balance", plot_love(made.balance, style=style)
    yield _curve_figure(result, analysis, made.curves, style)


def _standardised_figures(
    result: StudyResult, analysis: StandardisedAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    drawn = plot_standardised(analysis.result, words=axis_words(result, analysis), style=style)
    yield analysis.id, drawn


def _tables(analysis: WeightedAnalysis | MatchedAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "balance", analysis.result.balance.summary
    yield "propensity", analysis.result.propensity.summary
    yield "curves", analysis.result.curves.summary


def _standardised_tables(analysis: StandardisedAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "curves", analysis.result.curve_table()


def _choices(analysis: Any) -> Iterator[tuple[str, str]]:
    made = analysis.result
    yield "level", f"{made.conf_level:g}"
    yield "population", made.population
    yield "intervals", "log hazard scale; survival complementary log-log; differences normal"
    for name in ("variance", "method", "resamples", "caliper", "spread", "ratio"):
        if hasattr(made, name):
            value = _samples(made) if name == "resamples" else getattr(made, name)
            yield name, f"{value}"


def _sizes(analysis: Any) -> Iterator[Sizes]:
    made = analysis.result
    curves = made.curves.curves if isinstance(made.curves, KaplanMeier) else made.curves
    yield Sizes(made.by, tuple((c.group, c.n, c.n_event) for c in curves))


WEIGHTED = Section(
    pages=weighted_pages,
    methods=weighted_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
    sizes=_sizes,
)
MATCHED = Section(
    pages=matched_pages,
    methods=matched_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
    sizes=_sizes,
)
STANDARDISED = Section(
    pages=standardised_pages,
    methods=standardised_methods,
    figures=_standardised_figures,
    tables=_standardised_tables,
    choices=_choices,
    sizes=_sizes,
)
