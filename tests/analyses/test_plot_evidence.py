"""The forest of studies says what the results say, each number on the line of its own study."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from analyses import meta_analysis, pool
from analyses.plots.evidence import EvidenceArtists, plot_evidence, plot_meta_analysis
from analyses.results.evidence import Evidence, PresentStudy

PRESENT = PresentStudy(
    *("Present study", "hazard_ratio", -0.05, 0.04, -0.1284, 0.0284, 1000, 200, "this study"),
    *("age_years", None, "pooled"),
)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return pool(endpoint="OS", population="HR-", unverified="marked", present=PRESENT)


@pytest.fixture(scope="module")
def drawn(evidence: Evidence) -> EvidenceArtists:
    return plot_evidence(evidence)


def words(drawn: EvidenceArtists, key: str, column: str) -> str:
    return " ".join(text.get_text() for k, c, text in drawn.cells if (k, c) == (key, column))


def test_squares_stand_at_the_published_ratios_sized_by_weight(
    evidence: Evidence, drawn: EvidenceArtists
) -> None:
    marks = {mark.key: mark for mark in drawn.marks}
    sizes = {}
    for row in evidence.used("pooled"):
        mark = marks[row.published.id]
        assert isinstance(mark.centre, Line2D)
        assert list(mark.centre.get_xdata()) == [row.published.estimate]
        assert mark.interval is not None
        ends = [row.published.conf_low, row.published.conf_high]
        assert list(mark.interval.get_xdata()) == ends
        sizes[row.published.id] = mark.centre.get_markersize()
    assert sizes["jiang_os_hrneg"] > sizes["zhang_os_hrneg"]


def test_diamonds_span_the_limits_of_the_pools(evidence: Evidence, drawn: EvidenceArtists) -> None:
    marks = {mark.key: mark for mark in drawn.marks}
    for key, found in (("published", evidence.pool), ("with_present", evidence.pool_with_present)):
        assert found is not None
        diamond = marks[f"{key}_random"].centre
        assert isinstance(diamond, Polygon)
        x = diamond.get_xy()[:, 0]
        assert found.random.conf_low is not None
        assert found.random.conf_high is not None
        assert min(x) == pytest.approx(math.exp(found.random.conf_low))
        assert max(x) == pytest.approx(math.exp(found.random.conf_high))


def test_results_without_a_ratio_stand_in_words_and_unverified_ones_are_marked(
    drawn: EvidenceArtists,
) -> None:
    assert words(drawn, "tarantino_os_hrneg", "panel") == "n.s., p = 0.65"
    assert words(drawn, "denkert_os_hrneg_rate", "label") == "Denkert 2021†"
    assert next(m for m in drawn.marks if m.key == "tarantino_os_hrneg").centre is None
    assert any("† not verified" in note.get_text() for note in drawn.notes)


def test_every_line_has_its_source(evidence: Evidence, drawn: EvidenceArtists) -> None:
    for row in evidence.rows:
        if row.use != "left_out":
            assert words(drawn, row.published.id, "source"), row.published.id


def test_this_study_stands_beneath_the_others(drawn: EvidenceArtists) -> None:
    heights = {k: text.get_position()[1] for k, column, text in drawn.cells if column == "label"}
    below = [
        heights["present_study"],
        heights["with_present_fixed"],
        heights["with_present_random"],
    ]
    assert min(below) > max(heights[k] for k in heights if k not in (
        "present_study", "with_present_fixed", "with_present_random", "present"
    ))  # fmt: skip
    assert "Present study 0.95" in drawn.alt


def test_a_prediction_past_the_axis_ends_in_arrows() -> None:
    drawn = plot_evidence(pool(endpoint="OS"))
    mark = next(m for m in drawn.marks if m.key == "published_random")
    assert len(mark.arrows) == 2


def test_estimates_that_are_no_ratios_stand_on_a_plain_axis() -> None:
    frame = pd.DataFrame({"s": ["a", "b", "c"], "y": [-1.0, 2.0, 0.5], "e": [0.5, 0.4, 0.6]})
    drawn = plot_meta_analysis(meta_analysis(frame, estimate="y", std_error="e", study="s"))
    assert drawn.panel.get_xscale() == "linear"
    assert words(drawn, "a", "ratio_words") == "−1.00 (−1.98 to −0.02)"
