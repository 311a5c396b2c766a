"""The figure of restricted means says what its result says, in words that do not overlap."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analyses import rmst
from analyses.formatting import estimate_with_limits
from analyses.number_style import DEFAULT
from analyses.plots.axis_words import AxisWords
from analyses.plots.rmst import plot_rmst
from analyses.plots.style import COLUMN, HER2_LOOKS, PAGE, WIDE

GROUPS = ["zero", "low", "positive"]
DAYS = AxisWords("Overall survival", "diagnosis", "days")


def means(levels=GROUPS, *, n=300, column="her2_status", **options):
    random = np.random.default_rng(3)
    group = random.integers(0, len(levels), n)
    died, left = random.exponential(2000, n), random.uniform(900, 3000, n)
    frame = pd.DataFrame(
        {
            column: pd.Categorical.from_codes(group, levels, ordered=True),
            "time": np.ceil(np.minimum(died, left)),
            "event": died <= left,
            "site": random.integers(0, 2, n),
        }
    )
    return rmst(frame, time="time", event="event", by=column, **{"tau": 800, **options})


def test_curves_are_the_results_own_up_to_tau_and_areas_lie_beneath():
    result = means()
    artists = plot_rmst(result, words=DAYS)
    assert [group for group, _ in artists.curves] == GROUPS
    for (name, line), (_, area), group in zip(
        artists.curves, artists.areas, result.groups, strict=True
    ):
        assert line.get_drawstyle() == "steps-post"
        assert line.get_xdata().tolist() == [0, *group.time, 800]
        assert line.get_ydata().tolist() == [1, *group.survival, group.survival[-1]]
        assert line.get_color() == HER2_LOOKS[name].colour
        (path,) = area.get_paths()
        corners = path.vertices
        x, y = corners[:, 0], corners[:, 1]
        enclosed = abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2
        assert enclosed == pytest.approx(group.estimate, rel=1e-12)


def test_the_mean_above_is_the_results_in_the_unit_of_the_axis():
    result = means()
    artists = plot_rmst(result, words=DAYS)
    for (_, text), group in zip(artists.means, result.groups, strict=True):
        numbers = [x / 30.4375 for x in (group.estimate, group.conf_low, group.conf_high)]
        words = estimate_with_limits(*numbers, 2, None, DEFAULT)
        assert text.get_text() == f"{words} months"
        assert words in artists.alt


def test_a_tau_from_the_data_and_strata_are_said_beneath():
    result = means(tau=None, strata="site")
    artists = plot_rmst(result, words=DAYS)
    said = " ".join(text.get_text() for text in artists.notes)
    assert "the smallest of the groups' last times" in said
    assert "means over strata" in said
    given = " ".join(text.get_text() for text in plot_rmst(means(), words=DAYS).notes)
    assert "smallest" not in given


@pytest.mark.parametrize("style", [PAGE, COLUMN, WIDE], ids=lambda style: style.name)
@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_no_words_overlap_or_leave_the_figure(style, k, layout_faults):
    names = [f"Group {i}" for i in range(k)] if k != 3 else GROUPS
    column = "kind" if k != 3 else "her2_status"
    artists = plot_rmst(means(names, column=column), style=style, words=DAYS)
    assert layout_faults(artists.figure) == []


def test_the_figure_takes_the_place_of_the_axes_given():
    figure = Figure(figsize=(7, 5))
    axes = figure.add_subplot()
    artists = means().plot(ax=axes)
    assert artists.figure is figure
    assert len(artists.axes) == 3


def test_the_users_settings_come_back():
    with mpl.rc_context({"axes.grid": True, "font.size": 30}):
        plot_rmst(means(), words=DAYS)
        assert mpl.rcParams["font.size"] == 30


def test_a_group_without_events_has_a_whole_area_and_its_mean_alone():
    frame = pd.DataFrame({"time": [5, 6, 2, 6], "event": [0, 0, 1, 0], "group": list("aabb")})
    result = rmst(frame, time="time", event="event", by={"name": "group", "levels": ["a", "b"]},
                  tau=5)  # fmt: skip
    artists = plot_rmst(result)
    assert artists.means[0][1].get_text() == "5.00"
    assert artists.curves[0][1].get_ydata().tolist() == [1, 1]
