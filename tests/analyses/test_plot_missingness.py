"""The map of missing values and the traces of imputation draw what the results say."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analyses.imputation.missingness import missingness
from analyses.number_style import LANCET
from analyses.plots.imputation_traces import MOST_PANELS, plot_imputation_traces
from analyses.plots.missingness import MOST_PATTERNS, plot_missingness
from analyses.plots.style import FigureStyle
from analyses.results.frozen import frozen
from analyses.results.imputations import ImputedColumn, Trace
from tests.analyses.imputed_rows import made


@pytest.fixture(scope="module")
def counted():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame(draw.random((300, 6)), columns=list("abcdef"))
    for k, name in enumerate("abcde"):
        frame.loc[draw.random(300) < 0.1 * (k + 1), name] = np.nan
    return missingness(frame, columns=list("abcdef"))


def test_filled_cells_are_the_missing_columns_of_each_pattern(counted):
    drawn = plot_missingness(counted)
    shown = counted.patterns[: MOST_PATTERNS - 1]
    filled = {(name, i) for name, i, missing, _ in drawn.cells if missing}
    assert filled == {(name, i) for i, p in enumerate(shown) for name in p.missing}
    colours = {(missing, cell.get_facecolor()) for _, _, missing, cell in drawn.cells}
    assert len(colours) == 2


def test_bars_are_as_long_as_the_patterns_have_patients(counted):
    drawn = plot_missingness(counted)
    sizes = [p.n for p in counted.patterns[: MOST_PATTERNS - 1]]
    sizes.append(counted.n - sum(sizes))
    lengths = np.array([bar.get_width() for bar in drawn.bars])
    np.testing.assert_allclose(lengths / lengths.max(), np.array(sizes) / max(sizes))
    assert [head.get_text() for head in drawn.heads] == ["E", "D", "C", "B", "A"]
    assert "Nothing missing in: F" in drawn.alt
    assert f"{counted.n_incomplete} of 300 patients" in drawn.alt


def test_the_map_has_the_point_of_the_journal(counted):
    drawn = plot_missingness(counted, style=FigureStyle(numbers=LANCET))
    said = [text.get_text() for text in (*drawn.axes.texts, *drawn.notes)]
    assert sum("%" in text for text in said) > 5
    assert not [text for text in (*said, drawn.alt) if re.search(r"\d\.\d", text)]


def test_no_words_leave_the_map(counted):
    drawn = plot_missingness(counted)
    drawn.figure.canvas.draw()
    width, height = drawn.figure.canvas.get_width_height()
    for text in (*drawn.heads, *drawn.notes, *drawn.axes.texts):
        box = text.get_window_extent()
        assert -1 <= box.x0 <= box.x1 <= width + 1
        assert -1 <= box.y0 <= box.y1 <= height + 1


def traced(n_traces, unsettled=()):
    draw = np.random.default_rng(2)
    traces = tuple(
        Trace(f"c{i}", "mean", None, frozen(draw.normal(size=(5, 8))), 1.5 if i in unsettled else 1)
        for i in range(n_traces)
    )
    column = ImputedColumn("c0", "pmm", (), 1, 9, np.array([0]), frozen(np.zeros((5, 1))))
    result = made((column,), 10, 5)
    return type(result)(
        **{name: getattr(result, name) for name in result.__slots__} | {"traces": traces}
    )


def test_lines_are_the_traces_and_their_mean():
    result = traced(2)
    drawn = plot_imputation_traces(result)
    for lines, mean, trace in zip(drawn.chains, drawn.means, result.traces, strict=True):
        np.testing.assert_array_equal([line.get_ydata() for line in lines], trace.values)
        np.testing.assert_allclose(mean.get_ydata(), trace.values.mean(axis=0))


def test_of_many_traces_the_least_settled_are_shown_and_named():
    result = traced(20, unsettled=(3, 19))
    drawn = plot_imputation_traces(result)
    assert len(drawn.axes) == MOST_PANELS
    titles = [title.get_text() for title in drawn.titles]
    assert "C3, mean" in titles
    assert "C19, mean" in titles
    assert "Not settled (R-hat above 1.1): C3, C19" in drawn.alt


def test_both_take_the_place_of_an_axes(counted):
    figure = Figure(figsize=(8, 6))
    one, two = figure.subplots(1, 2)
    assert plot_missingness(counted, ax=one).figure is figure
    assert plot_imputation_traces(traced(3), ax=two).figure is figure


def test_axis_marks_of_traces_have_the_point_of_the_journal():
    drawn = plot_imputation_traces(traced(2), style=FigureStyle(numbers=LANCET))
    marks = [mark.get_text() for axes in drawn.axes for mark in axes.get_yticklabels()]
    assert any("·" in mark for mark in marks)
    assert not [mark for mark in marks if "." in mark]
