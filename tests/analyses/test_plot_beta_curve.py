"""The figure of hazard ratios over time shows the result's own numbers, and its words have room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cox_cases import CASES

from analyses.estimators.cox import cox
from analyses.plots.beta_curve import plot_beta_curve
from analyses.plots.style import COLUMN, PAGE, WIDE
from analyses.results.proportionality import Proportionality

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@pytest.fixture(scope="module")
def tested() -> Proportionality:
    data = pd.read_csv(REFERENCE / "cox_data.csv")
    return cox(data, **CASES["everything"]).proportionality()


def test_lines_bands_and_constants_are_the_results_own(tested: Proportionality) -> None:
    drawn = plot_beta_curve(tested, term="group")
    own = [curve for curve in tested.curves if curve.term == "group"]
    assert len(drawn.curves) == len(own) == 2
    for k, curve in enumerate(own):
        np.testing.assert_array_equal(drawn.curves[k].get_xdata(), curve.time)
        np.testing.assert_array_equal(drawn.curves[k].get_ydata(), curve.estimate)
        assert set(drawn.constants[k].get_ydata()) == {curve.constant}
        corners = drawn.bands[k].get_paths()[0].vertices
        assert corners[:, 1].max() == curve.conf_high.max()
        assert corners[:, 1].min() == curve.conf_low.min()
        points = drawn.points[k]
        assert points is not None
        np.testing.assert_array_equal(points.get_ydata(), curve.point)
        assert drawn.axes[k].get_ylim() == drawn.axes[0].get_ylim()


def test_the_term_with_the_smallest_p_is_drawn_and_told_in_words(tested: Proportionality) -> None:
    drawn = plot_beta_curve(tested)
    assert [text.get_text() for text in drawn.titles] == ["low vs zero", "positive vs zero"]
    assert "p = 0.01" in drawn.notes[0].get_text() + drawn.notes[-1].get_text()
    assert drawn.alt.startswith("Hazard ratios over time. low: ")


@pytest.mark.parametrize("style", [PAGE, COLUMN, WIDE], ids=lambda style: style.name)
@pytest.mark.parametrize("term", ["group", "age"])
def test_words_have_room(
    tested: Proportionality, style: Any, term: str, layout_faults: Any
) -> None:
    drawn = plot_beta_curve(tested, term=term, style=style, time_unit="months", origin="diagnosis")
    assert layout_faults(drawn.figure) == []


def test_a_term_without_a_curve_is_refused(tested: Proportionality) -> None:
    with pytest.raises(ValueError, match="has no curve over time"):
        plot_beta_curve(tested, term="nothing")
