"""The forest plot says what its models say, each number on the row of its own level."""

from __future__ import annotations

import math
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analyses.estimators.cox import cox, univariable_cox
from analyses.estimators.fine_gray import fine_gray
from analyses.formatting import hazard_ratio, label, p_value
from analyses.plots.forest import plot_forest
from analyses.plots.forest_layout import axis_limits, axis_ticks
from analyses.plots.save import save_figure
from analyses.plots.style import COLUMN, PAGE, WIDE
from analyses.results.coefficient import Coefficient

LEVELS = {
    "her2_status": ["zero", "low", "positive"],
    "grade": ["1", "2", "3"],
    "odd": ["a=b", "c,d$x$", "e_f^2"],
}
TERMS = (
    {"name": "her2_status", "reference": "zero"},
    {"name": "age_years", "per": 10},
    {"name": "grade", "reference": "2"},
    {"name": "odd", "reference": "a=b"},
)
HOW = {"time": "time", "event": "event"}


def patients(n=500, seed=5):
    random = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            name: pd.Categorical.from_codes(random.integers(0, 3, n), levels, ordered=True)
            for name, levels in LEVELS.items()
        }
    )
    data["age_years"] = random.normal(60, 12, n).round()
    hazard = 0.1 * np.exp(0.3 * data["grade"].cat.codes + 0.02 * (data["age_years"] - 60))
    death, censored = random.exponential(1 / hazard), random.uniform(0, 12, n)
    return data.assign(time=np.minimum(death, censored), event=death <= censored)


@pytest.fixture(scope="module")
def data():
    return patients()


@pytest.fixture(scope="module")
def adjusted(data):
    return cox(data, **HOW, terms=TERMS)


@pytest.fixture(scope="module")
def alone(data):
    return univariable_cox(data, **HOW, terms=TERMS)


def cells(artists, quantity, column=""):
    return {
        (c.term, c.level): c.text.get_text()
        for c in artists.cells
        if (c.quantity, c.column) == (quantity, column)
    }


def with_coefficients(model, *coefficients):
    """The model with other coefficients, as if it had been estimated so."""
    return replace(model, coefficients=tuple(coefficients))


def coefficient(model, term, level, **values):
    (found,) = [c for c in model.coefficients if (c.term, c.level) == (term, level)]
    return replace(found, **values)


def test_squares_and_lines_stand_at_the_models_hazard_ratios(adjusted):
    artists = plot_forest(adjusted)
    shown = {(m.term, m.level): m for m in artists.marks}
    assert set(shown) == {(c.term, c.level) for c in adjusted.coefficients}
    for c in adjusted.coefficients:
        mark = shown[c.term, c.level]
        assert mark.square.get_xdata().tolist() == [math.exp(c.estimate)]
        if c.is_reference:
            assert mark.interval is None
            assert mark.square.get_xdata().tolist() == [1.0]
            assert mark.square.get_markerfacecolor() == "white"
        else:
            ends = mark.interval.get_xdata().tolist()
            assert ends == [math.exp(c.conf_low), math.exp(c.conf_high)]
    assert all(panel.get_xscale() == "log" for _, panel in artists.panels)
    (line,) = artists.unit_lines
    assert list(line.get_xdata()) == [1, 1]
    assert line.get_linestyle() == "-"


def test_words_and_numbers_stand_on_the_row_of_their_level(adjusted, data):
    artists = plot_forest(adjusted)
    heights = {(m.term, m.level): m.square.get_ydata()[0] for m in artists.marks}
    for c in artists.cells:
        if (c.term, c.level) in heights:
            assert c.text.get_position()[1] == heights[c.term, c.level]
    assert len(set(heights.values())) == len(heights)
    ratios, p, labels = (cells(artists, q) for q in ("hazard_ratio", "p", "label"))
    events = cells(artists, "events")
    for c in adjusted.coefficients:
        key = (c.term, c.level)
        own = data if c.level is None else data[data[c.term] == c.level]
        assert events[key] == f"{own['event'].sum()}/{len(own)}"
        if c.is_reference:
            assert ratios[key] == "1 (reference)"
            assert key not in p
        else:
            assert ratios[key] == hazard_ratio(*c.hazard_ratio)
            assert p[key] == p_value(c.p_value)
        if c.level is not None:
            assert labels[key] == label(c.term, c.level)
    assert labels["age_years", None] == "Age, per 10 years"
    assert labels["her2_status", None] == "HER2 status"


def test_rows_keep_the_order_of_terms_and_levels(adjusted):
    artists = plot_forest(adjusted)
    rows = sorted(
        (
            (c.text.get_position()[1], c.term, c.level)
            for c in artists.cells
            if c.quantity == "label"
        ),
        key=lambda row: row[0],
    )
    assert [(term, level) for _, term, level in rows] == [
        *(("her2_status", x) for x in (None, *LEVELS["her2_status"])),
        ("age_years", None),
        *(("grade", x) for x in (None, *LEVELS["grade"])),
        *(("odd", x) for x in (None, *LEVELS["odd"])),
    ]


def test_unadjusted_and_adjusted_stand_side_by_side_matched_by_name(adjusted, alone):
    shuffled = tuple(reversed(alone))
    artists = plot_forest({"Unadjusted": shuffled, "Adjusted": adjusted})
    assert [title for title, _ in artists.panels] == ["Unadjusted", "Adjusted"]
    by_name = {(c.term, c.level): c for model in alone for c in model.coefficients}
    left, right = (cells(artists, "hazard_ratio", t) for t in ("Unadjusted", "Adjusted"))
    assert set(left) == set(right) == set(by_name)
    for key, c in by_name.items():
        assert left[key] == ("1 (reference)" if c.is_reference else hazard_ratio(*c.hazard_ratio))
    squares = {(m.column, m.term, m.level): m.square for m in artists.marks}
    for c in adjusted.coefficients:
        mine = squares["Adjusted", c.term, c.level]
        other = squares["Unadjusted", c.term, c.level]
        assert mine.get_ydata()[0] == other.get_ydata()[0]
        assert mine.get_xdata()[0] == math.exp(c.estimate)
    heads = [text.get_text() for text in artists.heads]
    assert heads.count("HR (95% CI)") == 2
    assert {"Unadjusted", "Adjusted"} <= set(heads)


def test_a_row_that_one_column_lacks_has_a_dash(data, adjusted):
    wider = cox(
        data,
        **HOW,
        terms=(*TERMS, {"interaction": ["her2_status", "grade"]}),
    )
    artists = plot_forest({"Without": adjusted, "With": wider})
    interactions = [c for c in wider.coefficients if c.term not in {t["name"] for t in TERMS}]
    assert len(interactions) == 4
    for c in interactions:
        key = (c.term, c.level)
        assert cells(artists, "hazard_ratio", "Without")[key] == "–"
        assert cells(artists, "hazard_ratio", "With")[key] == hazard_ratio(*c.hazard_ratio)
    texts = [c.text.get_text() for c in artists.cells if c.quantity == "label"]
    assert "HER2 status × Grade" in texts
    assert "HER2-low × Grade 1" in texts
    assert "HER2-low × Grade 1 against HER2-zero × Grade 2" in artists.alt


def test_squares_grow_with_events(adjusted):
    artists = plot_forest(adjusted)
    events = {(c.term, c.level): c.n_event for c in adjusted.coefficients}
    pairs = sorted((events[m.term, m.level], m.square.get_markersize()) for m in artists.marks)
    sizes = [size for _, size in pairs]
    assert sizes == sorted(sizes)
    assert len({n for n, _ in pairs}) == len(set(sizes)) > 3


def test_a_limit_beyond_the_axis_ends_in_an_arrow(adjusted):
    c = coefficient(adjusted, "her2_status", "low", estimate=0.7, conf_low=-4.0, conf_high=6.0)
    artists = plot_forest(with_coefficients(adjusted, c))
    (mark,) = artists.marks
    low, high = artists.panels[0][1].get_xlim()
    assert math.exp(-4) < low < 1 < high < math.exp(6)
    assert mark.interval.get_xdata().tolist() == [low, high]
    assert [(a.get_xdata()[0], a.get_marker()) for a in mark.arrows] == [(low, "<"), (high, ">")]
    assert mark.square.get_xdata().tolist() == [math.exp(0.7)]
    assert "Arrows: limits beyond the axis." in artists.notes[0].get_text()


@pytest.mark.parametrize(("estimate", "side"), [(13.8, ">"), (-13.8, "<"), (720.0, ">")])
def test_an_estimate_out_of_reach_is_an_arrow_without_a_square(adjusted, estimate, side):
    c = coefficient(adjusted, "her2_status", "low", estimate=estimate)
    c = replace(c, conf_low=estimate - 1, conf_high=estimate + 1)
    artists = plot_forest(with_coefficients(adjusted, c))
    (mark,) = artists.marks
    assert mark.square is None
    assert [arrow.get_marker() for arrow in mark.arrows] == [side]


def test_limits_within_the_axis_have_no_arrows(adjusted):
    artists = plot_forest(adjusted)
    assert all(mark.arrows == () for mark in artists.marks)
    assert "Arrows" not in " ".join(text.get_text() for text in artists.notes)


def test_what_is_not_estimable_says_so_with_its_reason(data, layout_faults):
    none = data.assign(event=data["event"] & (data["her2_status"] != "low"))
    model = cox(none, **HOW, terms=TERMS[:2])
    artists = plot_forest(model, style=COLUMN)
    assert cells(artists, "hazard_ratio")["her2_status", "low"] == "Not estimable"
    assert (
        cells(artists, "events")["her2_status", "low"]
        == f"0/{(data['her2_status'] == 'low').sum()}"
    )
    assert not [m for m in artists.marks if m.level == "low"]
    (missing,) = [c for c in model.coefficients if c.status != "ok"]
    said = " ".join(text.get_text() for text in artists.notes)
    assert f"Not estimable: HER2-low: {missing.reason}." in said
    assert "HER2-low against HER2-zero not estimable" in artists.alt
    assert layout_faults(artists.figure) == []


def test_alternative_text_tells_every_hazard_ratio(adjusted):
    alt = plot_forest({"Adjusted": adjusted}).alt
    for c in adjusted.coefficients:
        if not c.is_reference:
            assert hazard_ratio(*c.hazard_ratio) in alt
    assert alt.startswith("Forest plot of hazard ratios. Adjusted: HER2-low against HER2-zero ")


@pytest.mark.parametrize("style", [PAGE, COLUMN, WIDE], ids=lambda s: s.name)
@pytest.mark.parametrize("columns", [1, 2])
def test_no_words_overlap_or_leave_the_figure(style, columns, adjusted, alone, layout_faults):
    models = adjusted if columns == 1 else {"Unadjusted": alone, "Adjusted": adjusted}
    artists = plot_forest(models, style=style)
    assert layout_faults(artists.figure) == []
    width = artists.figure.get_size_inches()[0] * 25.4
    if (columns, style.name) == (2, "column"):
        assert width >= style.width_mm
    else:
        assert width == pytest.approx(style.width_mm)


def test_long_labels_and_wide_numbers_are_given_room(adjusted, layout_faults):
    renamed = [
        replace(c, term="age_years", level=None, reference=None, conf_low=-9.0, conf_high=30.0)
        for c in adjusted.coefficients
        if c.level == "low"
    ]
    odd = coefficient(adjusted, "odd", "e_f^2")
    long = replace(odd, level="a very long level with $_^ that goes on, and on = and on")
    artists = plot_forest(with_coefficients(adjusted, *renamed, long), style=COLUMN)
    assert layout_faults(artists.figure) == []
    labels = [c.text for c in artists.cells if c.quantity == "label" and c.level == long.level]
    assert len(labels) > 1
    assert " ".join(text.get_text() for text in labels) == long.level
    assert not any(text.get_parse_math() for text in labels)


def test_a_panel_of_a_page_can_hold_the_plot(adjusted, layout_faults):
    figure = Figure(figsize=(14, 6))
    left, right = figure.subplots(1, 2)
    for place in (left, right):
        artists = plot_forest(adjusted, ax=place)
        assert artists.figure is figure
    assert layout_faults(figure) == []


def test_no_models_give_an_empty_figure_that_says_so(layout_faults):
    artists = plot_forest({"Adjusted": ()})
    assert artists.marks == ()
    assert artists.notes[0].get_text() == "No model."
    assert layout_faults(artists.figure) == []


def log_ratios():
    return st.floats(-8, 8)


@settings(max_examples=60)
@given(st.lists(st.tuples(log_ratios(), st.floats(0.01, 6)), max_size=6))
def test_the_axis_holds_one_and_every_estimate_within_reach(values):
    rows = [
        Coefficient("x", None, None, 1.0, 10, 5, estimate=b, conf_low=b - w, conf_high=b + w)
        for b, w in values
    ]
    low, high = axis_limits(rows)
    assert low < 1 < high
    for b, w in values:
        if math.log(0.01) <= b <= math.log(100):
            assert low < math.exp(b) < high
        if math.log(0.1) <= b - w:
            assert low < math.exp(b - w)
        if b + w <= math.log(10):
            assert math.exp(b + w) < high
    ticks = axis_ticks((low, high), 45, PAGE)
    assert 1.0 in ticks
    assert all(low <= tick <= high for tick in ticks)


def test_the_users_settings_do_not_change_the_figure(adjusted, tmp_path):
    odd = {"font.size": 20, "lines.linewidth": 7.0, "axes.grid": True, "axes.linewidth": 5.0,
           "lines.marker": "o", "xtick.minor.visible": True, "axes.labelcolor": "red",
           "figure.constrained_layout.use": True, "axes.xmargin": 0.3}  # fmt: skip
    (first,) = save_figure(plot_forest(adjusted).figure, tmp_path, "first", ("svg",))
    with mpl.rc_context(odd):
        (second,) = save_figure(plot_forest(adjusted).figure, tmp_path, "second", ("svg",))
    assert first.read_bytes() == second.read_bytes()


def test_model_draws_itself(adjusted):
    artists = adjusted.plot()
    assert len(artists.marks) == len(adjusted.coefficients)


@pytest.fixture(scope="module")
def subdistribution(data):
    """Deaths of patients over 70 are of another cause; the rest are the event."""
    state = np.where(data["event"], np.where(data["age_years"] > 70, "other", "death"), "alive")
    ended = {"name": "state", "levels": ["alive", "death", "other"]}
    terms = [*TERMS[:1], TERMS[2]]
    return fine_gray(data.assign(state=state), time="time", state=ended, cause="death", terms=terms)


def test_a_fine_and_gray_model_draws_its_subdistribution_hazard_ratios(subdistribution):
    artists = subdistribution.plot()
    of_level = {(c.term, c.level): c for c in subdistribution.coefficients}
    assert len(artists.marks) == len(of_level) == 6
    for mark in artists.marks:
        c = of_level[mark.term, mark.level]
        assert mark.square.get_xdata()[0] == pytest.approx(c.hazard_ratio[0], rel=1e-12)
        if not c.is_reference:
            ends = mark.interval.get_xdata()
            assert tuple(ends) == pytest.approx(c.hazard_ratio[1:], rel=1e-12)
    said = [text.get_text() for text in artists.axis_words]
    assert any(words.startswith("Subdistribution hazard ratio") for words in said)
    assert {"← lower incidence", "higher incidence →"} < set(said)
    assert "sHR (95% CI)" in [head.get_text() for head in artists.heads]
    assert artists.notes[0].get_text().startswith("Fine and Gray models")
    assert artists.alt.startswith("Forest plot of subdistribution hazard ratios")


def test_a_cox_model_beside_a_fine_and_gray_model_keeps_its_own_words(adjusted, subdistribution):
    artists = plot_forest({"Rate": adjusted, "Incidence": subdistribution}, style=WIDE)
    heads = [head.get_text() for head in artists.heads]
    assert {"HR (95% CI)", "sHR (95% CI)"} < set(heads)
    titles = [t.get_text() for t in artists.axis_words if "hazard ratio" in t.get_text().lower()]
    assert [title.startswith("Sub") for title in titles] == [False, True]
    assert "hazard ratios and subdistribution hazard ratios" in artists.alt
