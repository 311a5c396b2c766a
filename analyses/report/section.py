"""What the report knows of one kind of analysis: its pages, methods, figures, tables, cautions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyses.formatting import NumberStyle
from analyses.plots.axis_words import AxisWords
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block
from analyses.report.words import endpoint_of
from analyses.results.frozen import Array
from analyses.results.study import StudyResult

if TYPE_CHECKING:
    import pandas as pd

Alts = dict[str, tuple[str, float]]  # figure name -> (alternative text, width in mm)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Groups of an analysis as (group, patients, events); those with few events are cautioned.

    `by` is the column of the groups, `cause` the event that is counted.
    """

    by: str | None
    groups: tuple[tuple[str, int, int], ...]
    cause: str = "event"


def nothing(*_: Any) -> Any:
    """Nothing of this sort belongs to the kind."""
    return ()


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of analysis in the report; `Any` stands for its class in the results.

    Attributes
    ----------
    pages
        (study, analysis, number style, alternative texts) -> blocks.
    methods
        (study, analysis) -> the method in a sentence or two, its choices named.
    figures
        (study, analysis, figure style) -> drawn figures by name.
    tables
        analysis -> its tidy tables by the ends of their files' names.
    choices
        analysis -> what the manifest says: intervals, level and what else was chosen.
    sizes
        analysis -> its groups.
    cautions
        (study, analysis, number style) -> sentences on what these data cannot tell.
    readout
        (analysis, times, number style) -> (group, what its curve says at each time).
    """

    pages: Callable[[StudyResult, Any, NumberStyle, Alts], Iterator[Block]]
    methods: Callable[[StudyResult, Any], str]
    figures: Callable[[StudyResult, Any, FigureStyle], Iterable[tuple[str, Any]]] = nothing
    tables: Callable[[Any], Iterable[tuple[str, pd.DataFrame]]] = nothing
    choices: Callable[[Any], Iterable[tuple[str, str]]] = nothing
    sizes: Callable[[Any], Iterable[Sizes]] = nothing
    cautions: Callable[[StudyResult, Any, NumberStyle], Iterable[str]] = nothing
    readout: Callable[[Any, Array, NumberStyle], Iterable[tuple[str, Sequence[str]]]] = nothing


def axis_words(result: StudyResult, analysis: Any) -> AxisWords:
    """The words of a figure's axes for the endpoint of an analysis."""
    endpoint = endpoint_of(result, analysis.endpoint)
    return AxisWords(endpoint.label, endpoint.origin, result.time_unit)
