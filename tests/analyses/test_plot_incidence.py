from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analyses import cumulative_incidence
from analyses.plots import AxisWords, plot_cumulative_incidence, plot_stacked_incidence
from analyses.plots.style import FigureStyle
from analyses.results.cumulative_incidence import CumulativeIncidence

STATES = {"name": "how", "levels": ["-", "event", "competing", "moved away"]}
WHOLE = FigureStyle(curtail_below=0)


def curves(groups: tuple[str, ...] = ("zero", "low"), n: int = 90) -> CumulativeIncidence:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"time": rng.integers(1, 60, n)})
    frame["how"] = rng.choice(STATES["levels"], n, p=[0.3, 0.3, 0.3, 0.1])
    frame["group"] = rng.choice(groups, n)
    by = {"name": "group", "levels": list(groups)}
    return cumulative_incidence(frame, time="time", state=STATES, by=by)


def test_each_event_has_a_panel_and_each_group_its_own_curve() -> None:
    result = curves()
    made = plot_cumulative_incidence(result, style=WHOLE)
    assert [name for name, _ in made.axes] == ["event", "competing", "moved away"]
    pairs = list(itertools.product(result.causes, result.groups))
    assert [(cause, group) for cause, group, _ in made.curves] == pairs
    for cause, group, line in made.curves:
        curve = result.curves[result.groups.index(group)]
        values = curve.incidence[result.causes.index(cause)]
        np.testing.assert_array_equal(line.get_xdata()[1:], curve.time)
        np.testing.assert_array_equal(line.get_ydata()[1:], values)
        assert (line.get_xdata()[0], line.get_ydata()[0]) == (0, 0)
        assert line.get_drawstyle() == "steps-post"
    tops = {axes.get_ylim() for _, axes in made.axes}
    assert len(tops) == 1
    assert max(c.incidence.max() for c in result.curves) < tops.pop()[1] <= 1


def test_bands_lie_between_the_limits() -> None:
    result = curves()
    made = plot_cumulative_incidence(result, style=WHOLE)
    for cause, group, band in made.bands:
        curve = result.curves[result.groups.index(group)]
        place = result.causes.index(cause)
        heights = np.concatenate([path.vertices[:, 1] for path in band.get_paths()])
        assert heights.min() == pytest.approx(np.nanmin(curve.conf_low[place]))
        assert heights.max() == pytest.approx(np.nanmax(curve.conf_high[place]))


def test_stacked_areas_add_up_to_everybody() -> None:
    result = curves()
    made = plot_stacked_incidence(result, style=WHOLE)
    assert [name for name, _ in made.axes] == ["zero", "low"]
    for group, state, area in made.bands:
        curve = result.curves[result.groups.index(group)]
        vertices = area.get_paths()[0].vertices
        last = vertices[np.isclose(vertices[:, 0], curve.time[-1]), 1]
        if state == "event_free":
            assert last.max() == pytest.approx(1)
            assert np.isclose(last, 1 - curve.event_free[-1]).any()
        else:
            place = result.causes.index(state)
            assert last.max() == pytest.approx(curve.incidence[: place + 1, -1].sum())
    assert [words for words, _ in made.keys] == [
        "Free of every event", "Event", "Competing event", "Moved away",
    ]  # fmt: skip


def test_curves_end_where_few_are_at_risk_and_the_figure_says_so() -> None:
    result = curves()
    made = plot_cumulative_incidence(result, style=FigureStyle(curtail_below=15))
    for _, group, line in made.curves:
        curve = result.curves[result.groups.index(group)]
        drawn = line.get_xdata()[-1]
        assert curve.n_risk[curve.time == drawn] >= 15
        assert (curve.n_risk[curve.time > drawn] < 15).all()
    said = " ".join(text.get_text() for text in made.notes)
    assert "at least 15 patients of a group are at risk" in said
    whole = plot_cumulative_incidence(result, style=WHOLE)
    assert "at risk" not in " ".join(text.get_text() for text in whole.notes)


def test_few_patients_leave_empty_panels_rather_than_an_error() -> None:
    result = curves(n=8)
    made = plot_cumulative_incidence(result)
    assert all(len(line.get_xdata()) == 1 for _, _, line in made.curves)
    assert plot_stacked_incidence(result).axes


@pytest.mark.parametrize("plot", [plot_cumulative_incidence, plot_stacked_incidence])
def test_words_stay_inside_the_figure_however_many_and_long(plot) -> None:  # type: ignore[no-untyped-def]
    groups = tuple(f"a group whose name is rather long, number {i}" for i in range(7))
    made = plot(curves(groups, 400), words=AxisWords("x", "diagnosis", "months"))
    made.figure.canvas.draw()
    box = made.figure.bbox
    texts = [text for _, text in made.keys] + list(made.notes)
    for text in texts:
        extent = text.get_window_extent()
        assert box.x0 <= extent.x0
        assert extent.x1 <= box.x1, text.get_text()
        assert box.y0 <= extent.y0
    for one, other in itertools.combinations(texts, 2):
        assert not one.get_window_extent().overlaps(other.get_window_extent())
    assert "Months since diagnosis" in "".join(
        text.get_text() for axes in made.figure.axes for text in axes.texts
    )


def test_the_figure_takes_the_place_of_an_axes() -> None:
    figure = Figure(figsize=(8, 5))
    ax = figure.add_subplot(1, 2, 2)
    made = curves().plot(ax=ax)
    assert made.figure is figure
    assert all(axes.get_position().x0 > 0.45 for _, axes in made.axes)


def test_the_alternative_text_gives_the_last_incidences() -> None:
    result = curves()
    made = plot_cumulative_incidence(result)
    share = f"{100 * result.curves[0].incidence[0, -1]:.1f}%"
    assert f"zero, at the end: Event {share}" in made.alt
