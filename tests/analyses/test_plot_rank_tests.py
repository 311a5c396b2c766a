"""Figures of log-rank, pairwise, max-combo and Gray's tests hold their results' own numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analyses import gray_test, logrank, pairwise_logrank
from analyses.estimators.max_combo import max_combo
from analyses.kernels.max_combo import Joint, any_p_value
from analyses.plots.axis_words import AxisWords
from analyses.plots.excess import plot_excess
from analyses.plots.style import COLUMN, HER2_LOOKS, PAGE

GROUPS = ["zero", "low", "positive"]
NAMES: dict[str, Any] = {"time": "time", "event": "event", "by": "her2_status"}


def patients(levels: list[str] = GROUPS, n: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(5)
    group = random.integers(0, len(levels), n)
    died, left = random.exponential(60 / (1 + 0.3 * group)), random.uniform(10, 110, n)
    cause = np.where(random.random(n) < 0.6, "event", "competing")
    states = ["censored", "event", "competing"]
    return pd.DataFrame(
        {
            "her2_status": pd.Categorical.from_codes(group, levels, ordered=True),
            "time": np.ceil(np.minimum(died, left)),
            "event": died <= left,
            "state": pd.Categorical(np.where(died > left, states[0], cause), states, ordered=True),
            "site": random.integers(0, 2, n),
        }
    )


def test_excess_by_hand() -> None:
    """Group a dies at 1 and 3, b at 2 and is censored at 4.

    At 1 the expected deaths are 2/4 and 2/4, at 2 they are 1/3 and 2/3, at 3 they are 1/2 and 1/2:
    a has 1/2, then 1/2 - 1/3 = 1/6, then 1/6 + 1/2 = 2/3 more than expected, b as many fewer.
    """
    frame = pd.DataFrame({"t": [1, 3, 2, 4], "d": [1, 1, 1, 0], "g": list("aabb")})
    found = logrank(frame, time="t", event="d", by={"name": "g", "levels": ["a", "b"]})
    assert found.time.tolist() == [1, 2, 3]
    assert found.excess[0] == pytest.approx([1 / 2, 1 / 6, 2 / 3])
    assert found.excess[1] == pytest.approx([-1 / 2, -1 / 6, -2 / 3])
    assert found.signed == pytest.approx(-(found.statistic**0.5))


@pytest.mark.parametrize(
    "options", [{}, {"rho": 1.0}, {"strata": "site"}, {"test": "gehan", "strata": "site"}]
)
def test_excess_ends_at_the_difference_of_the_test(options: dict[str, Any]) -> None:
    found = logrank(patients(), **NAMES, **options)
    difference = np.array(found.observed) - np.array(found.expected)
    assert found.excess[:, -1] == pytest.approx(difference, abs=1e-9)
    assert found.excess.sum(axis=0) == pytest.approx(0.0, abs=1e-9)
    assert (np.diff(found.time) > 0).all()


@pytest.mark.parametrize("style", [PAGE, COLUMN])
def test_lines_are_the_results_own(
    style: Any, layout_faults: Callable[[Figure], list[str]]
) -> None:
    found = logrank(patients(), **NAMES, rho=1)
    months = AxisWords("Overall survival", "diagnosis", "months")
    artists = plot_excess(found, style=style, words=months)
    assert [group for group, _ in artists.lines] == GROUPS
    for k, (group, line) in enumerate(artists.lines):
        assert line.get_xdata().tolist() == [0, *found.time]
        assert line.get_ydata().tolist() == [0, *found.excess[k]]
        assert line.get_color() == HER2_LOOKS[group].colour
    assert layout_faults(artists.figure) == []
    assert "weighted as in the test" in " ".join(t.get_text() for t in artists.notes)
    assert all(f"{found.expected[k]:.1f} expected" in artists.alt for k in range(3))


def test_pairs_are_signed_differences_with_adjusted_p(
    layout_faults: Callable[[Figure], list[str]],
) -> None:
    found = pairwise_logrank(patients(), **NAMES)
    artists = found.plot()
    for mark, pair, one in zip(artists.marks, found.pairs, found.results, strict=True):
        z = (one.observed[1] - one.expected[1]) / one.variance[1, 1] ** 0.5
        assert mark.dot.get_xdata()[0] == pytest.approx(z)
        assert z**2 == pytest.approx(one.statistic)
        assert [line.get_xdata()[0] for line in mark.critical] == pytest.approx(
            [-1.959963984540054, 1.959963984540054]
        )
        assert all(name in mark.name.lower() for name in pair)
    assert layout_faults(artists.figure) == []


@pytest.mark.parametrize("levels", [GROUPS[:2], GROUPS])
def test_the_largest_passes_its_critical_value_in_one_of_twenty(
    levels: list[str], layout_faults: Callable[[Figure], list[str]]
) -> None:
    found = max_combo(patients(levels, n=120), **NAMES)
    artists = found.plot()
    for mark, part in zip(artists.marks, found.parts, strict=True):
        assert mark.dot.get_xdata()[0] == pytest.approx(part.statistic**0.5)
    critical = [mark.critical[0].get_xdata()[0] ** 2 for mark in artists.marks]
    df = np.array([part.df for part in found.parts])
    chance = any_p_value(Joint(np.array(critical), df, found.loadings))
    assert chance == pytest.approx(0.05, rel=5e-3)
    assert layout_faults(artists.figure) == []
    assert "(largest)" in artists.marks[found.best].name


def test_grays_scores_stand_in_their_errors(layout_faults: Callable[[Figure], list[str]]) -> None:
    found = gray_test(patients(), time="time", state="state", by="her2_status")
    artists = found.plot()
    values = [test.score[k] / test.variance[k, k] ** 0.5 for test in found.tests for k in range(3)]
    assert [mark.dot.get_xdata()[0] for mark in artists.marks] == pytest.approx(values)
    assert layout_faults(artists.figure) == []
    assert "(Z " not in artists.alt  # the score is told once


def test_grays_score_of_one_of_two_groups_is_the_root_of_its_statistic() -> None:
    found = gray_test(patients(GROUPS[:2]), time="time", state="state", by="her2_status")
    for (_, rows), test in zip(found.standardised, found.tests, strict=True):
        assert [row.value**2 for row in rows] == pytest.approx([test.statistic] * 2)


def test_without_a_test_a_row_says_so() -> None:
    frame = patients().assign(event=False)
    pairs = pairwise_logrank(frame, **NAMES)
    artists = pairs.plot()
    assert all(mark.dot is None for mark in artists.marks)
    assert [text.get_text() for _, text in artists.values] == ["no test"] * 3
    assert "no test" in max_combo(frame, **NAMES).plot().notes[0].get_text()
    empty = plot_excess(logrank(frame, **NAMES))
    assert "not defined" in " ".join(t.get_text() for t in empty.notes)
    assert replace(pairs, method="none").plot().figure is not None
