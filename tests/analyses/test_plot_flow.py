"""The flow diagram says what the attrition steps say, and its boxes stand apart."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analyses.formatting import label
from analyses.plots.flow import plot_flow
from analyses.plots.style import COLUMN, HER2_LOOKS, PAGE, WIDE
from cohort.schema import HER2_STATUS
from cohort.table import AttritionStep

GROUPS = HER2_STATUS[:3]
KINDS = ("start", "removed", "remaining", "group")
TCGA = (61, 408, 145, 0, 25, 460)
LONG = (
    "Diagnosis between 2010 and 2017, when the immunohistochemistry score was collected by every "
    "registry that takes part in the programme"
)


def chain(start, *removals):
    """Steps that leave out (reason, counts by status, of them with a missing value)."""
    left, steps = dict(zip(HER2_STATUS, start, strict=True)), []
    for i, (reason, counts, unknown) in enumerate(removals):
        gone = dict(zip(HER2_STATUS, counts, strict=True))
        before = sum(left.values())
        left = {group: left[group] - gone[group] for group in HER2_STATUS}
        steps.append(
            AttritionStep(
                f"step{i}", reason, before, sum(counts), sum(left.values()),
                tuple(gone.items()), tuple(left.items()), unknown,
            )
        )  # fmt: skip
    return tuple(steps)


STUDY = chain(
    TCGA,
    ("Women", (1, 2, 0, 0, 0, 4), 2),
    ("No HER2 evidence", (0, 0, 0, 0, 0, 456), 0),
    ("HER2 evidence conflicts or is incomplete", (0, 0, 0, 0, 25, 0), 0),
    ("HER2-negative without a score: neither zero nor low", (0,) * 6, 0),
    ("Vital status or follow-up not known", (0, 1, 0, 0, 0, 0), 1),
)


def words(artists, kind):
    return {
        box.id: " ".join(text.get_text() for text in box.texts).replace("\u00a0", " ")
        for box in artists.boxes
        if box.kind == kind
    }


def test_boxes_hold_reasons_counts_and_groups():
    artists = plot_flow(STUDY, groups=GROUPS, start="Patients in TCGA-BRCA")
    assert words(artists, "start") == {"": "Patients in TCGA-BRCA n = 1,099"}
    assert words(artists, "removed") == {
        "step0": "Left out by “Women” n = 7 of them 2 because the value is missing "
        "HER2-zero 1, HER2-low 2, HER2 unknown 4",
        "step1": "Left out by “No HER2 evidence” n = 456",
        "step2": "Left out by “HER2 evidence conflicts or is incomplete” n = 25",
        "step4": "Left out by “Vital status or follow-up not known” n = 1 "
        "all because the value is missing HER2-low 1",
    }
    assert words(artists, "remaining") == {
        "step0": "Remaining n = 1,092",
        "step1": "Remaining n = 636",
        "step2": "Remaining n = 611",
        "step4": "Analysed n = 610",
    }
    assert words(artists, "group") == {
        "zero": "HER2-zero n = 60",
        "low": "HER2-low n = 405",
        "positive": "HER2-positive n = 145",
    }
    (note,) = artists.notes
    assert note.get_text() == (
        "No patient was left out by “HER2-negative without a score: neither zero nor low”."
    )


def test_groups_that_remain_are_never_dropped():
    artists = plot_flow(STUDY[:1], groups=GROUPS)
    assert list(words(artists, "group")) == ["zero", "low", "positive", "unresolved", "unknown"]
    counts = [int(re.search(r"n = ([0-9,]+)", t)[1]) for t in words(artists, "group").values()]
    assert sum(counts) == STUDY[0].n_after
    shuffled = plot_flow(STUDY, groups=("low", "zero"))
    assert words(shuffled, "group") == {
        "low": "HER2-low n = 405",
        "zero": "HER2-zero n = 60",
        "positive": "HER2-positive n = 145",
    }


def test_a_group_has_the_colour_of_its_curve():
    artists = plot_flow(STUDY, groups=GROUPS)
    stripes = [
        p.get_facecolor() for p in artists.axes.patches if p.get_facecolor()[:3] != (1, 1, 1)
    ]
    from matplotlib.colors import to_rgba

    assert [to_rgba(HER2_LOOKS[group].colour) for group in GROUPS] == [
        colour for colour in stripes if colour[:3] != (0, 0, 0)
    ]


def test_steps_that_do_not_form_a_chain_are_refused():
    broken = (STUDY[0], replace(STUDY[1], n_before=1000))
    with pytest.raises(ValueError, match="1092 patients remain after 'step0', but 'step1' begins"):
        plot_flow(broken, groups=GROUPS)


def test_a_selection_without_criteria_says_so(layout_faults):
    artists = plot_flow((), groups=GROUPS)
    assert [box.kind for box in artists.boxes] == ["start"]
    assert artists.notes[0].get_text() == "No criterion was applied."
    assert "no criterion" in artists.alt
    assert layout_faults(artists.figure) == []


def test_a_cohort_without_groups_ends_with_those_analysed():
    step = AttritionStep("age", "Adults", 10, 4, 6, (("all", 4),), (("all", 6),))
    artists = plot_flow((step,), groups=GROUPS)
    assert words(artists, "group") == {}
    assert words(artists, "removed") == {"age": "Left out by “Adults” n = 4"}


def test_alternative_text_tells_every_number():
    alt = plot_flow(STUDY, groups=GROUPS).alt
    assert alt.startswith(
        "Flow of patients. Patients in the source: 1,099. Left out by “Women”: 7 patients, "
    )
    assert "Left out by “Vital status or follow-up not known”: 1 patient, 610 remaining." in alt
    assert alt.endswith("Groups: HER2-zero 60, HER2-low 405, HER2-positive 145.")


def apart(artists):
    """Whether no two boxes touch, all lie in the figure, and every line lies in its box."""
    figure = artists.figure
    figure.set_dpi(300)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    boxes = [(box, box.box.get_window_extent(renderer)) for box in artists.boxes]
    for box, outline in boxes:
        assert outline.x0 >= 0
        assert outline.y0 >= 0
        assert outline.x1 <= figure.bbox.width
        assert outline.y1 <= figure.bbox.height
        for text in box.texts:
            line = text.get_window_extent(renderer)
            assert outline.x0 < line.x0
            assert line.x1 < outline.x1
            assert outline.y0 - 1 < line.y0
            assert line.y1 < outline.y1 + 1
    for (_, a), (_, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 0 or up < 0
    return boxes


def test_arrows_reach_from_box_to_box():
    artists = plot_flow(STUDY, groups=GROUPS)
    lines = [np.round(arrow._posA_posB, 6).tolist() for arrow in artists.arrows]
    assert len(lines) == 4 + 4 + 2 + 3
    boxes = {kind: [b.box for b in artists.boxes if b.kind == kind] for kind in KINDS}
    trunk = boxes["start"] + boxes["remaining"]
    for upper, lower in pairwise(trunk):
        middle = upper.get_x() + upper.get_width() / 2
        bottom = upper.get_y() + upper.get_height()
        assert np.round([(middle, bottom), (middle, lower.get_y())], 6).tolist() in lines
    for box in boxes["removed"]:
        beside = box.get_y() + box.get_height() / 2
        assert np.round([(middle, beside), (box.get_x(), beside)], 6).tolist() in lines
    for box in boxes["group"]:
        centre = round(box.get_x() + box.get_width() / 2, 6)
        ends = [end for _, end in lines if end[0] == centre]
        assert min(abs(box.get_y() - y) for _, y in ends) < 1.5  # the stripe lies between


@pytest.mark.parametrize("style", [PAGE, COLUMN, WIDE], ids=lambda s: s.name)
def test_boxes_and_words_stand_apart_in_a_long_registry_flow(style, layout_faults):
    many = chain(
        (61000, 408000, 145000, 120, 2500, 460000),
        (LONG, (1000, 20000, 3000, 0, 100, 20000), 1200),
        *[(f"Criterion number {i}", (i, 10 * i, i, 0, 0, 1000), i) for i in range(12)],
        ("Pneumonoultramicroscopicsilicovolcanoconiosis" * 3, (1, 0, 0, 0, 0, 0), 0),
    )
    artists = plot_flow(many, groups=GROUPS, style=style)
    apart(artists)
    assert layout_faults(artists.figure) == []
    few = plot_flow(many[:2], groups=GROUPS, style=style)
    assert few.figure.get_size_inches()[1] < artists.figure.get_size_inches()[1]
    assert artists.figure.get_size_inches()[0] * 25.4 == pytest.approx(style.width_mm)


reasons = st.text(st.sampled_from("abc ABC=,$_^\\{}%&#\u00e9"), min_size=1, max_size=150) | st.just(
    LONG
)


@settings(max_examples=15)
@given(st.lists(st.tuples(reasons, st.integers(0, 9), st.integers(0, 9)), max_size=8))
def test_any_reasons_keep_their_boxes_apart_and_their_letters(removals):
    steps = chain((100,) * 6, *[(r, (a, b, 0, 0, 0, 0), min(a, 1)) for r, a, b in removals])
    artists = plot_flow(steps, groups=GROUPS, style=COLUMN)
    apart(artists)
    told = [step for step in steps if step.n_removed]
    side = words(artists, "removed")
    assert list(side) == [step.id for step in told]
    for step in told:
        assert (
            side[step.id]
            .replace(" ", "")
            .startswith(f"Leftoutby“{step.reason.replace(' ', '')}”n={step.n_removed}")
        )


def test_a_panel_of_a_page_can_hold_the_diagram(layout_faults):
    figure = Figure(figsize=(12, 6))
    left, right = figure.subplots(1, 2)
    artists = plot_flow(STUDY, groups=GROUPS, ax=left)
    right.set_axis_off()
    assert artists.axes is left
    apart(artists)
    assert layout_faults(figure) == []


def test_levels_of_other_columns_have_their_own_words():
    step = AttritionStep("x", "Adults", 10, 4, 6, (("1", 4),), (("1", 5), ("2", 1)))
    artists = plot_flow((step,), groups=("1", "2"), by="grade")
    assert words(artists, "group") == {"1": "Grade 1 n = 5", "2": "Grade 2 n = 1"}
    assert label("grade", "1") == "Grade 1"
