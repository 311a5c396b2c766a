"""The forest of subgroups shows the result's own numbers, in its order, small ones grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.subgroups import subgroups
from analyses.plots.ratio_forest import RatioArtists
from analyses.plots.style import GREY, INK
from analyses.plots.subgroups import plot_subgroups
from analyses.results.subgroups import Subgroups

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@pytest.fixture(scope="module")
def result() -> Subgroups:
    data = pd.read_csv(REFERENCE / "cox_data.csv")
    data["er"] = data["er"].where(np.arange(len(data)) % 7 != 0)
    data.loc[(data["site"] == "d") & (data["group"] == "positive"), "event"] = 0
    return subgroups(
        data,
        time="time",
        event="event",
        by={"name": "group", "levels": ["zero", "low", "positive"]},
        factors=[
            {"name": "site", "levels": ["d", "a", "b", "c"]},
            {"name": "er", "levels": ["no", "yes"]},
        ],
        terms=["age"],
        least_events=14,
    )


def words(artists: RatioArtists, column: int) -> list[str]:
    return [text.get_text() for _, place, text in artists.cells if place == column]


def test_squares_stand_at_the_ratios_and_nothing_is_hidden(result: Subgroups) -> None:
    artists = plot_subgroups(result, group="positive")
    shown = {mark.key: mark for mark in artists.marks}
    for effect in result.effects:
        if effect.group != "positive":
            continue
        key = ("all",) if effect.factor is None else (effect.factor, str(effect.level))
        if effect.estimate is None:
            assert key == ("site", "d")
            assert key not in shown
            continue
        square = shown[key].square
        assert square is not None
        assert square.get_xdata()[0] == pytest.approx(effect.hazard_ratio[0])
        assert square.get_color() == (GREY if effect.is_small else INK)
    assert "Not estimable" in words(artists, 2)
    unknown = result.factors[1]
    said = f"Not known: {unknown.n_event_missing}/{unknown.n_missing}, in no subgroup"
    assert unknown.n_missing == 43
    assert said in words(artists, -1)


def test_rows_stand_in_the_order_asked_for(result: Subgroups) -> None:
    artists = plot_subgroups(result, group="low")
    assert words(artists, -1)[:6] == ["All patients", "Site", "d", "a", "b", "c"]
    note = " ".join(text.get_text() for text in artists.notes)
    assert "2 factors tested, p not adjusted" in note
    assert "chance of about 10%" in note
    assert "fewer than 14 events" in note


def test_the_group_must_be_one_that_is_compared(result: Subgroups) -> None:
    with pytest.raises(ValueError, match="group is one of"):
        plot_subgroups(result, group="zero")


def test_every_text_lies_within_the_figure(result: Subgroups) -> None:
    artists = result.plot()
    artists.figure.canvas.draw()
    width = artists.figure.bbox.width
    for text in artists.figure.findobj(lambda a: hasattr(a, "get_window_extent")):
        if hasattr(text, "get_text") and text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= -2
            assert box.x1 <= width + 0.03 * width, text.get_text()
