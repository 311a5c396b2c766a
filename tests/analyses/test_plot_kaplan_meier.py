"""The Kaplan-Meier figure says what its result says, and its table what the raw data say."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analyses.estimators.kaplan_meier import kaplan_meier
from analyses.estimators.logrank import logrank
from analyses.formatting import count, label
from analyses.number_style import DEFAULT, JAMA
from analyses.plots.axis_words import AxisWords
from analyses.plots.kaplan_meier import plot_kaplan_meier
from analyses.plots.save import save_figure
from analyses.plots.style import COLUMN, HER2_LOOKS, PAGE, WIDE
from analyses.plots.time_axis import time_axis

GROUPS = ["zero", "low", "positive"]
DAYS = AxisWords("Overall survival", "diagnosis", "days")
ODD = ["a=b", "c,d$x$", "e_f^2", "$\\frac{1}{2}$", "her2_status=low", ""]


def patients(n=300, *, levels=GROUPS, years=8.0, seed=7, column="her2_status"):
    random = np.random.default_rng(seed)
    group = random.integers(0, len(levels), n)
    death = random.exponential(1 / (0.05 + 0.03 * group))
    censored = random.uniform(0.2, years, n)
    return pd.DataFrame(
        {
            column: pd.Categorical.from_codes(group, levels, ordered=True),
            "time": np.ceil(np.minimum(death, censored) * 365.25),
            "event": death <= censored,
        }
    )


def curves(data, by="her2_status"):
    return kaplan_meier(data, time="time", event="event", by=by)


def whole(style):
    return replace(style, curtail_below=0)


def test_steps_are_the_results_own_arrays_from_one_at_time_zero():
    result = curves(patients())
    artists = plot_kaplan_meier(result, style=whole(PAGE), words=DAYS)
    assert [group for group, _ in artists.curves] == GROUPS
    for (_, line), curve in zip(artists.curves, result.curves, strict=True):
        assert line.get_drawstyle() == "steps-post"
        assert line.get_xdata().tolist() == [0.0, *curve.time]
        assert line.get_ydata().tolist() == [1.0, *curve.survival]
    assert artists.axes.get_ylim() == (0, 1)
    assert artists.axes.get_xlim()[0] == 0


def test_curves_end_where_fewer_than_ten_are_at_risk_and_the_result_stays_whole():
    result = curves(patients())
    before = [curve.survival.copy() for curve in result.curves]
    artists = plot_kaplan_meier(result, words=DAYS)
    for (_, line), curve, old in zip(artists.curves, result.curves, before, strict=True):
        last = line.get_xdata()[-1]
        assert curve.n_risk[curve.time == last][0] >= 10
        assert (curve.n_risk[curve.time > last] < 10).all()
        assert (curve.time > last).any()
        assert line.get_ydata()[1:].tolist() == curve.survival[curve.time <= last].tolist()
        assert curve.survival.tolist() == old.tolist()
    said = " ".join(text.get_text() for text in artists.notes)
    assert "Curves end where fewer than 10 patients remain at risk." in said
    uncut = plot_kaplan_meier(result, style=whole(PAGE), words=DAYS)
    assert "Curves end" not in " ".join(text.get_text() for text in uncut.notes)


def test_bands_are_the_limits_as_steps_where_they_are_defined():
    result = curves(patients(60))
    artists = plot_kaplan_meier(result, style=whole(PAGE), words=DAYS)
    for (group, band), curve in zip(artists.bands, result.curves, strict=True):
        assert group == curve.group
        corners = np.vstack([path.vertices for path in band.get_paths()])
        defined = np.isfinite(curve.conf_low)
        assert defined.any()
        for t, low, high in zip(
            curve.time[defined], curve.conf_low[defined], curve.conf_high[defined], strict=True
        ):
            heights = corners[corners[:, 0] == t][:, 1]
            assert {low, high} <= set(heights)
        after = [*curve.time[1:], curve.time[-1]]
        for i in np.flatnonzero(defined):
            # The limit in force holds until the next time, also where the next is undefined.
            assert curve.conf_low[i] in corners[corners[:, 0] == after[i]][:, 1]
        assert corners[:, 0].min() == curve.time[defined][0]


def test_marks_stand_on_the_curve_at_the_censoring_times():
    result = curves(patients(80))
    artists = plot_kaplan_meier(result, style=whole(PAGE), words=DAYS)
    for (_, marks), curve in zip(artists.censor_marks, result.curves, strict=True):
        at = curve.censored > 0
        assert marks.get_xdata().tolist() == curve.time[at].tolist()
        assert marks.get_ydata().tolist() == curve.survival[at].tolist()
        assert marks.get_linestyle() == "None"


def test_too_many_marks_are_left_out_and_the_figure_says_so():
    artists = plot_kaplan_meier(curves(patients(80)), style=replace(PAGE, most_marks=5), words=DAYS)
    assert artists.censor_marks == ()
    assert "too many to mark" in artists.notes[0].get_text()


@settings(max_examples=12)
@given(
    st.permutations(ODD),
    st.integers(0, 10_000),
    st.integers(1, 60),
)
def test_table_rows_are_direct_counts_of_the_raw_data_whatever_order_and_labels(order, seed, n):
    data = patients(n, levels=list(order), seed=seed, column="odd").sample(
        frac=1, random_state=seed
    )
    result = curves(data, "odd")
    artists = plot_kaplan_meier(result, style=whole(PAGE), words=DAYS)
    assert artists.table.cells
    for cell in artists.table.cells:
        own = data[data["odd"] == cell.group]
        before = own[own["time"] < cell.time]
        expected = {
            "n_risk": (own["time"] >= cell.time).sum(),
            "n_event": before["event"].sum(),
            "n_censor": (~before["event"]).sum(),
        }[cell.quantity]
        assert cell.text.get_text() == count(int(expected))
        assert cell.text.get_position()[0] == cell.time
    names = dict(artists.table.group_labels)
    heights = {group: text.get_position()[1] for group, text in names.items()}
    groups = [group for group in order if (data["odd"] == group).any()]
    assert list(names) == groups == sorted(groups, key=heights.__getitem__)
    assert [names[g].get_text() for g in groups] == [label("odd", g) for g in groups]


def test_the_key_beside_a_name_is_the_groups_own_curve():
    data = patients(200, levels=ODD, column="odd")
    artists = plot_kaplan_meier(curves(data, "odd"), words=DAYS)
    lines = dict(artists.curves)
    for group, key in artists.table.keys:
        assert key.get_color() == lines[group].get_color()
        name = dict(artists.table.group_labels)[group]
        assert key.get_ydata()[0] == name.get_position()[1]
    drawn = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines.values()}
    assert len(drawn) == len(lines)


def test_her2_groups_have_the_same_colour_whoever_else_is_shown():
    data = patients(200, levels=["positive", "zero"])
    artists = plot_kaplan_meier(curves(data), words=DAYS)
    assert [group for group, _ in artists.curves] == ["positive", "zero"]
    for group, line in artists.curves:
        assert line.get_color() == HER2_LOOKS[group].colour


def test_numbers_stand_under_the_ticks_of_the_curves():
    artists = plot_kaplan_meier(curves(patients()), words=DAYS)
    ticks = artists.axes.get_xticks().tolist()
    assert artists.table_axes.get_xlim() == artists.axes.get_xlim()
    assert artists.table_axes.get_position().x0 == artists.axes.get_position().x0
    assert artists.table_axes.get_position().x1 == artists.axes.get_position().x1
    for group in GROUPS:
        for quantity in ("n_risk", "n_censor", "n_event"):
            row = [c for c in artists.table.cells if (c.group, c.quantity) == (group, quantity)]
            assert [cell.time for cell in row] == ticks
            assert len({cell.text.get_position()[1] for cell in row}) == 1


def test_at_each_time_the_three_numbers_sum_to_the_group():
    result = curves(patients())
    artists = plot_kaplan_meier(result, words=DAYS)
    sizes = {curve.group: curve.n for curve in result.curves}
    sums: dict[tuple[str, float], int] = {}
    for cell in artists.table.cells:
        key = (cell.group, cell.time)
        sums[key] = sums.get(key, 0) + int(cell.text.get_text().replace(",", ""))
    assert sums
    assert all(total == sizes[group] for (group, _), total in sums.items())


def test_medians_and_counts_of_each_group_and_the_log_rank_p():
    data = patients(2000, years=40)
    result = curves(data)
    test = logrank(data, time="time", event="event", by="her2_status")
    test = replace(test, p_value=0.0321)
    artists = plot_kaplan_meier(result, test=test, style=WIDE, words=DAYS)
    for (group, texts), curve in zip(artists.header, result.curves, strict=True):
        own = data[data["her2_status"] == group]
        median = result.medians.set_index("group").loc[group]
        years = [f"{median[x] / 365.25:.1f}" for x in ("estimate", "conf_low", "conf_high")]
        assert [text.get_text() for text in texts] == [
            label("her2_status", group),
            f"{own['event'].sum()}/{len(own)}",
            f"{years[0]} ({years[1]} to {years[2]})",
        ]
        assert curve.group == group
    assert artists.test.get_text() == "Log-rank test: P = .03 (2 df)"
    assert "Log-rank test: P = .03 (2 df)." in artists.alt


def test_a_median_that_is_not_reached_is_said_in_words():
    data = pd.DataFrame({"time": [1.0, 2, 3, 4] * 5, "event": [False] * 20})
    artists = plot_kaplan_meier(curves(data, None), words=DAYS)
    ((_, texts),) = artists.header
    assert [text.get_text() for text in texts] == ["All patients", "0/20", "Not reached"]
    assert artists.bands == ()
    assert "20 patients, 0 events, median not reached" in artists.alt


def test_a_test_that_does_not_exist_says_so():
    data = patients(40).assign(event=False)
    result = curves(data)
    test = logrank(patients(40), time="time", event="event", by="her2_status")
    none = replace(test, statistic=None, p_value=None, df=0, reason="no events")
    artists = plot_kaplan_meier(result, test=none, words=DAYS)
    assert artists.test.get_text() == "Log-rank test: not defined (no events)"


def test_group_without_enough_patients_has_no_curve_and_the_figure_says_so():
    data = pd.concat([patients(200, levels=["zero", "low"]), patients(6, levels=["positive"])])
    data["her2_status"] = pd.Categorical(data["her2_status"], GROUPS, ordered=True)
    artists = plot_kaplan_meier(curves(data), words=DAYS)
    assert dict(artists.curves)["positive"].get_xdata().tolist() == [0.0]
    said = " ".join(text.get_text() for text in artists.notes)
    assert "No curve for HER2-positive: fewer than 10 patients are at risk at any time." in said
    assert next(c.text.get_text() for c in artists.table.cells if c.group == "positive") == "6"


def test_result_without_groups_draws_an_empty_figure_that_says_so(layout_faults):
    result = replace(curves(patients(20)), curves=(), reverse=(), n=0, n_event=0)
    artists = plot_kaplan_meier(result, words=DAYS)
    assert artists.curves == ()
    assert artists.table.cells == ()
    assert artists.notes[0].get_text() == "No patients."
    assert layout_faults(artists.figure) == []


@pytest.mark.parametrize("style", [PAGE, COLUMN, WIDE], ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("data", "by"),
    [
        (patients(), "her2_status"),
        (patients(30, levels=ODD, column="odd"), "odd"),
        (pd.concat([patients(400, years=25)] * 300), "her2_status"),
        (patients(15, levels=["only"], column="one"), "one"),
        (patients(90, levels=["a long name of a group that goes on", "b"], column="x"), "x"),
    ],
    ids=["three", "odd", "registry", "one", "long"],
)
def test_no_words_overlap_or_leave_the_figure(style, data, by, layout_faults):
    test = logrank(data, time="time", event="event", by=by) if data[by].nunique() > 1 else None
    artists = plot_kaplan_meier(curves(data, by), style=style, test=test, words=DAYS)
    assert layout_faults(artists.figure) == []
    width, _ = artists.figure.get_size_inches()
    assert width * 25.4 == pytest.approx(style.width_mm)


def test_a_crowded_layout_would_be_noticed(layout_faults):
    artists = plot_kaplan_meier(curves(patients()), words=DAYS)
    cell, other = artists.table.cells[:2]
    other.text.set_position(cell.text.get_position())
    artists.notes[0].set_position((-40, 0))
    faults = layout_faults(artists.figure)
    assert any(fault.startswith("overlap") for fault in faults)
    assert any(fault.startswith("outside") for fault in faults)


def test_several_panels_share_a_page(layout_faults):
    figure = Figure(figsize=(13, 12))
    result = curves(patients())
    places = figure.subplots(2, 2)
    before = [ax.get_position().extents for ax in places.flat]
    drawn = [plot_kaplan_meier(result, ax=ax, words=DAYS) for ax in places.flat]
    assert layout_faults(figure) == []
    for artists, old, ax in zip(drawn, before, places.flat, strict=True):
        assert artists.axes is ax
        assert artists.figure is figure
        new = ax.get_position()
        assert old[0] < new.x0 < new.x1 <= old[2]
        table = artists.table_axes.get_position()
        assert old[1] <= table.y0 < table.y1 < new.y0
        assert new.y1 <= old[3]


def test_words_of_labels_are_never_mathematics():
    artists = plot_kaplan_meier(curves(patients(120, levels=ODD, column="odd"), "odd"), words=DAYS)
    texts = [text for _, text in artists.table.group_labels] + [
        t for _, r in artists.header for t in r
    ]
    assert not any(text.get_parse_math() for text in texts)
    assert any("$" in text.get_text() for text in texts)


def test_a_character_that_the_font_lacks_is_a_visible_escape():
    data = patients(60, levels=["中", "b"], column="odd")
    artists = plot_kaplan_meier(curves(data, "odd"), words=DAYS)
    names = {group: text.get_text() for group, text in artists.table.group_labels}
    assert names == {"中": "\\u{4e2d}", "b": "b"}


def test_the_time_axis_tells_time_zero_unit_and_conversion():
    result = curves(patients())
    years = plot_kaplan_meier(result, words=DAYS)
    assert years.axes.get_xlabel() == "Years since diagnosis (1 year = 365.25 days)"
    labels = [text.get_text() for text in years.axes.get_xticklabels()]
    assert labels == [f"{x / 365.25:g}" for x in years.axes.get_xticks()]
    assert years.axes.get_ylabel() == "Overall survival, %"
    assert [t.get_text() for t in years.axes.get_yticklabels()] == [
        "0",
        "20",
        "40",
        "60",
        "80",
        "100",
    ]
    unknown = plot_kaplan_meier(result)
    assert unknown.axes.get_xlabel() == "Time"


def test_asked_times_are_the_ticks_and_crowded_ones_are_told():
    result = curves(patients())
    artists = plot_kaplan_meier(result, times=[730.5, 1461, 1470], words=DAYS)
    assert artists.axes.get_xticks().tolist() == [0, 730.5, 1461]
    assert [t.get_text() for t in artists.axes.get_xticklabels()] == ["0", "2", "4"]
    assert "No room for numbers at 4.025 years." in artists.notes[-1].get_text()


@pytest.mark.parametrize(
    ("end", "unit", "labels", "title"),
    [
        (1500, "days", ["0", "6", "12", "18", "24", "30", "36", "42", "48"], "Months"),
        (9.5 * 365.25, "days", [str(i) for i in range(10)], "Years"),
        (50, "days", ["0", "7", "14", "21", "28", "35", "42", "49"], "Days"),
        (60, "months", ["0", "6", "12", "18", "24", "30", "36", "42", "48", "54", "60"], "Months"),
        (130, "months", [str(12 * i) for i in range(11)], "Months"),
        (200, "months", [str(24 * i) for i in range(9)], "Months"),
        (7.2, None, [str(i) for i in range(8)], "Time"),
        (0.35, "months", ["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3", "0.35"], "Months"),
    ],
)
def test_round_ticks_in_a_readable_unit(end, unit, labels, title):
    axis = time_axis(end, time_unit=unit, origin="", times=None, pitch=0.05)
    assert list(axis.labels) == labels
    assert axis.title.split(" ")[0] == title
    assert all(0 <= t <= end for t in axis.ticks)


@given(st.floats(1e-3, 1e6), st.sampled_from(["days", "months", None]), st.floats(0.02, 0.9))
def test_ticks_keep_their_distance_and_stay_on_the_axis(end, unit, pitch):
    axis = time_axis(end, time_unit=unit, origin="x", times=None, pitch=pitch)
    assert axis.ticks[0] == 0
    assert len(axis.ticks) <= 12
    gaps = np.diff(axis.ticks)
    assert (gaps >= pitch * end * (1 - 1e-9)).all()
    assert axis.ticks[-1] <= end * (1 + 1e-9)
    assert len(set(axis.labels)) == len(axis.labels)


def test_the_figure_in_words_tells_who_how_many_and_how_long():
    data = pd.DataFrame({"time": np.arange(1.0, 25.0), "event": [True] * 24})
    words = AxisWords("Overall survival", "diagnosis", "months")
    artists = plot_kaplan_meier(curves(data, None), style=whole(PAGE), words=words)
    # 24 deaths at 1, 2, ..., 24 months: half are dead between 12 and 13, all at 24.
    assert artists.alt.startswith(
        "Kaplan-Meier curves: overall survival. All patients: 24 patients, 24 events, median 12.5 ("
    )
    assert artists.alt.endswith("months, 0.0% at 24 months.")


def test_numbers_follow_the_journals_style():
    data = pd.concat([patients(400)] * 30)
    first = {
        style.name: plot_kaplan_meier(curves(data), style=replace(PAGE, numbers=style), words=DAYS)
        .table.cells[0]
        .text.get_text()
        for style in (DEFAULT, JAMA)
    }
    n = int((data["her2_status"] == "zero").sum())
    assert first == {
        "default": f"{n:,}",
        "jama": f"{n:,}".replace(",", " ") if n > 9999 else f"{n}",
    }


def test_the_users_settings_neither_change_the_figure_nor_are_changed(tmp_path):
    odd = {"font.family": "monospace", "font.size": 20, "lines.linewidth": 7.0, "axes.grid": True,
           "axes.linewidth": 5.0, "xtick.major.size": 20, "ytick.direction": "in",
           "axes.facecolor": "red", "text.color": "red", "lines.marker": "o",
           "xtick.minor.visible": True, "axes.labelcolor": "red", "axes.spines.top": True,
           "xtick.labelcolor": "red", "axes.xmargin": 0.3, "figure.autolayout": True,
           "patch.linewidth": 9.0, "lines.solid_capstyle": "round"}  # fmt: skip
    result = curves(patients(50))
    plain = plot_kaplan_meier(result, words=DAYS)
    (first,) = save_figure(plain.figure, tmp_path, "first", ("svg",))
    with mpl.rc_context(odd):
        before = dict(mpl.rcParams)
        other = plot_kaplan_meier(result, words=DAYS)
        (second,) = save_figure(other.figure, tmp_path, "second", ("svg",))
        assert dict(mpl.rcParams) == before
    assert first.read_bytes() == second.read_bytes()


def test_result_draws_itself():
    artists = curves(patients(50)).plot()
    assert [group for group, _ in artists.curves] == GROUPS
