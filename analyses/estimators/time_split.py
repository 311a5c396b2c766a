"""Follow-up cut at times, so that a covariate may act differently before and after them.

A row from entry to exit becomes pieces (entry, cut], (cut, next cut], ..., the event in the last:
as R's survSplit. A function of time is cut at every event time, where alone its value matters, as
`coxph` does for its tt() terms. A row at risk at a time is at risk there in exactly one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analyses.estimators.survival_data import SurvivalData
from analyses.estimators.terms import Declared
from analyses.results.frozen import Array
from analyses.results.terms import PIECE_END, Term
from cohort.errors import AnalysisError, Problem

Places = npt.NDArray[np.intp]
MOST_PIECES = 30_000_000


def over_time(terms: Sequence[Term], wanted: Sequence[Declared]) -> tuple[Term, ...]:
    """The terms, those declared time-varying as such."""
    return tuple(
        Term(term.name, "over_time", per=term.per, parts=(term,), cuts=asked.cuts)
        if asked.is_over_time
        else term
        for term, asked in zip(terms, wanted, strict=True)
    )


def cut_rows(rows: SurvivalData, wanted: Sequence[Declared]) -> tuple[SurvivalData, Places] | None:
    """The pieces, and the row of each; None where no term varies over time.

    Raises
    ------
    AnalysisError
        Where a function of time meets an event at time 0, and for more than thirty million pieces.
    """
    if not any(term.is_over_time for term in wanted):
        return None
    cuts: Array = np.array(sorted({cut for term in wanted for cut in term.cuts}), dtype=float)
    if any(term.is_over_time and not term.cuts for term in wanted):
        events = np.unique(rows.time[rows.event])
        if events[0] <= 0:
            found = f"{int((rows.event & (rows.time <= 0)).sum())} events at time 0: no logarithm"
            advice = "Cut follow-up instead: time_varying: {cut: [...]}."
            raise AnalysisError(Problem("cox: time_varying", found, advice=advice))
        cuts = np.union1d(cuts, events)
    return _pieces(rows, cuts)


def require_reference_events(terms: Sequence[Term], pieces: SurvivalData) -> None:
    """An event at each term's reference in every period that has events at all.

    Without one every other level's ratio is infinite in that period; in the search for it the
    sums over pieces, from which those that begin later are taken off, lose their digits.
    """
    problems = []
    for term in terms:
        base = term.parts[0] if term.kind == "over_time" and term.cuts else None
        if base is None or base.kind != "category":
            continue
        period = np.searchsorted(term.cuts, pieces.time[pieces.event], side="left")
        levels = np.array(base.levels)[base.codes(pieces.frame)][pieces.event]
        n = len(term.periods)
        all_events = np.bincount(period, minlength=n)
        own = np.bincount(period[levels == base.reference], minlength=n)
        problems += [
            Problem(
                f"term '{term.name}', period '{term.periods[k]}'",
                f"no events at the reference '{base.reference}', {all_events[k]} at other levels: "
                "their hazard ratios have no finite value",
                advice="Cut elsewhere, choose another reference, or ask for Firth's penalty.",
            )
            for k in np.flatnonzero((own == 0) & (all_events > 0))
        ]
    if problems:
        raise AnalysisError(problems)


def _pieces(rows: SurvivalData, cuts: Array) -> tuple[SurvivalData, Places]:
    entry = np.full(rows.n, -np.inf) if rows.entry is None else rows.entry
    first = np.searchsorted(cuts, entry, side="right")
    number = np.searchsorted(cuts, rows.time, side="left") - first + 1
    number = np.maximum(number, 1)
    total = int(number.sum())
    if total > MOST_PIECES:
        raise AnalysisError(
            Problem(
                "cox: time_varying",
                f"{rows.n:,} rows cut at {len(cuts):,} times are {total:,} pieces",
                f"At most {MOST_PIECES:,}",
                "Cut at a few times, time_varying: {cut: [...]}, or fit a sample.",
            )
        )
    row = np.repeat(np.arange(rows.n), number)
    place = np.arange(total) - np.repeat(np.cumsum(number) - number, number)
    is_last = place == number[row] - 1
    edges = np.append(cuts, np.inf)
    after = first[row] + place
    start = np.where(place == 0, entry[row], edges[after - 1])
    end = np.where(is_last, rows.time[row], edges[after])
    frame = rows.frame.iloc[row].reset_index(drop=True)
    frame[PIECE_END] = end
    pieces = replace(
        rows,
        frame=frame,
        time=end,
        event=rows.event[row] & is_last,
        entry=start,
        weights=None if rows.weights is None else rows.weights[row],
        labels=rows.labels[row],
    )
    return pieces, row
