"""Phrases that several pages share: groups, endpoints, events, in a reader's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyses.formatting import NumberStyle, count, label, number
from analyses.results.coefficient import Coefficient
from analyses.results.study import (
    Analysis,
    Endpoint,
    StudyResult,
)
from analyses.results.weighting import Weighting
from cohort.schema import HER2_GROUPS

_EVENTS = {
    "OS": ("death", "deaths"),
    "DSS": ("disease-specific death", "disease-specific deaths"),
    "BCSS": ("death from breast cancer", "deaths from breast cancer"),
}
_BY_CAUSE = ("DSS", "BCSS")  # what competes with a death from the disease is every other death
_OTHERS = ("death from another cause", "deaths from other causes")
_OTHERS_OR_UNKNOWN = (
    "death from another or an unknown cause",
    "deaths from other or unknown causes",
)
ADJUSTMENTS = {"holm": "Holm", "bh": "Benjamini-Hochberg", "bonferroni": "Bonferroni"}
_NAMES = ("Charlson", "Ki-67", "T category", "N category", "M category")


def endpoint_of(result: StudyResult, id: str) -> Endpoint:
    """The endpoint of an analysis."""
    return next(endpoint for endpoint in result.endpoints if endpoint.id == id)


def event_nouns(endpoint: Endpoint, cause: str | None = "event") -> tuple[str, str]:
    """One and many of an endpoint's event, or of the events that compete with it.

    Deaths of unknown cause are named with those that the study counts them among.
    """
    by_cause = endpoint.kind in _BY_CAUSE
    if cause == "competing":
        if not by_cause:
            return ("competing event", "competing events")
        return _OTHERS_OR_UNKNOWN if endpoint.unknown_cause == "competing" else _OTHERS
    one, many = _EVENTS.get(endpoint.kind, ("event", "events"))
    if by_cause and endpoint.unknown_cause == "event":
        return (f"{one} or of unknown cause", f"{many} or of unknown cause")
    return one, many


def events(endpoint: Endpoint, n: int, style: NumberStyle, cause: str | None = "event") -> str:
    """``6 deaths``, ``1 event``: the count with the noun that fits endpoint and cause."""
    one, many = event_nouns(endpoint, cause)
    return f"{count(n, style)} {one if n == 1 else many}"


def used_rows(
    result: StudyResult,
    analysis: Analysis,
    counts: tuple[int, int | None, int, tuple[tuple[str, int], ...]],
    style: NumberStyle,
    cause: str | None = None,
    weighting: Weighting | None = None,
) -> str:
    """Who an analysis rests on and who it leaves out, with each reason.

    `counts` are patients, events (None where there is no endpoint), rows given, and rows without
    a value by column, as the analysis's own result has them. `cause` is what it counts as its
    event where that is not the endpoint's own. `weighting` is what its patients count for.
    """
    n, n_event, n_input, n_missing = counts
    said = f"{count(n, style)} {'patient' if n == 1 else 'patients'}"
    left = []
    if n_event is not None:
        endpoint = endpoint_of(result, getattr(analysis, "endpoint", ""))
        happened = events(endpoint, n_event, style, cause)
        said = f"{endpoint.label}: {said}, {happened}"
        if endpoint.late is not None and endpoint.late.n_removed:
            late = f"{count(endpoint.late.n_removed, style)} with HER2 known only after neoadjuvant"
            left.append(f"{late} therapy")
        if endpoint.step.n_removed:
            left.append(f"{count(endpoint.step.n_removed, style)} without a known endpoint")
    left += [
        f"{count(limit.n_outside, style)} outside the restriction to {limit.reason}"
        for limit in result.restrictions
        if limit.analysis == analysis.id
    ]
    # Of weights that are counts, `n` is their sum: the rows are counted apart.
    rows = n if weighting is None else weighting.n_rows + weighting.n_zero
    if n_input > rows:
        columns = joined([f"{in_sentence(c)} {count(k, style)}" for c, k in n_missing])
        left.append(f"{count(n_input - rows, style)} without a value ({columns})")
    if weighting is not None and weighting.n_zero:
        left.append(f"{count(weighting.n_zero, style)} of weight 0")
    weights = _weights(weighting, style)
    return f"{said}. Left out: {joined(left)}.{weights}" if left else f"{said}.{weights}"


def _weights(weighting: Weighting | None, style: NumberStyle) -> str:
    """What the counts are where patients have weights."""
    if weighting is None:
        return ""
    column, rows = in_sentence(weighting.column), count(weighting.n_rows, style)
    if weighting.are_counts:
        return (
            f" Weighted by {column}: {rows} rows, each of which counts as so many patients as its "
            "weight says."
        )
    total = number(weighting.total, 1, style)
    return (
        f" Estimates are weighted by {column} (weights of {rows} patients add up to {total}); "
        "counts of patients and events are not."
    )


def weighted_by(weighting: Weighting | None) -> str:
    """A sentence for a caption: by which column its estimates are weighted."""
    return "" if weighting is None else f" Weighted by {in_sentence(weighting.column)}."


def weighted_method(weighting: Weighting | None) -> str:
    """How weights enter, for the methods: a sentence, or nothing."""
    if weighting is None:
        return ""
    column = in_sentence(weighting.column)
    if weighting.are_counts:
        return f" Weighted by {column}: whole numbers, each row counting as so many patients."
    return (
        f" Weighted by {column}, the weights taken as known; they are not whole numbers, so that "
        "the variance is robust."
    )


def group_words(by: str | None, group: str) -> str:
    """A group as a reader names it; everybody where there are no groups."""
    return "All patients" if by is None else label(by, group)


def selected(result: StudyResult, style: NumberStyle) -> str:
    """The patients after selection, by HER2 group where the groups are compared."""
    n = count(result.n_analysed, style)
    if not result.compares_her2:
        return f"{n} patients"
    sizes = [
        f"{count(size, style)} {label('her2_status', group)}"
        for group, size in result.attrition[-1].after_by_group
        if size
    ]
    return f"{n} patients ({joined(sizes)})"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    every = [part for part in parts if part]
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"


def in_sentence(column: str) -> str:
    """A column's label inside a sentence: no unit, small first letter unless it is a name."""
    text = label(column).partition(",")[0]
    named = text[:1].isupper() and (text.startswith(_NAMES) or text[1:2].isupper())
    return text if named else text[:1].lower() + text[1:]


def her2_levels(coefficients: Iterable[Coefficient]) -> tuple[tuple[str, int, int], ...]:
    """The HER2 groups among a model's levels, with their patients and events."""
    return tuple(
        (c.level, c.n, c.n_event)
        for c in coefficients
        if c.term == "her2_status" and c.level is not None and c.level in HER2_GROUPS
    )
