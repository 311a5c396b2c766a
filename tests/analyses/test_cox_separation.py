"""Coefficients that never settle are named with their patients; the rest stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses import cox, fine_gray
from analyses.estimators.cox_fit import not_converged
from analyses.estimators.cox_rows import Design
from analyses.kernels.newton import Maximum

NAMES: dict[str, Any] = {"time": "time", "event": "event"}
GROUP = {"name": "g", "levels": ["0", "1"]}


def _separated(seed: int = 0, n: int = 40) -> pd.DataFrame:
    """Three strata; wherever both levels are at risk, only level 1 has events.

    Level 0 has its events after everybody at level 1 has left, so that it is not without events.
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"g": rng.integers(0, 2, n), "x": rng.normal(size=n)})
    frame["stratum"] = rng.integers(0, 3, n)
    early = np.ceil(rng.uniform(0, 10, n))
    late = early + 10
    is_early = (frame["g"] == 1) | (rng.random(n) < 0.3)
    frame["time"] = np.where(is_early, early, late)
    frame["event"] = np.where(is_early, frame["g"] == 1, rng.random(n) < 0.7).astype(int)
    return frame.assign(
        weight=rng.uniform(0.3, 3, n), g=frame["g"].astype(str), since=frame["time"] * 0.3
    )


@pytest.mark.parametrize("options", [{}, {"weights": "weight"}, {"entry": "since"}])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", range(4))
def test_separation_within_strata_names_the_level_and_leaves_the_rest(
    seed: int, ties: str, options: dict[str, Any]
) -> None:
    """In the limit an event at level 1 compares those at level 1 only: strata of the level."""
    frame = _separated(seed)
    names = NAMES | options | {"ties": ties}
    found = cox(frame, terms=[GROUP, "x"], strata="stratum", **names)
    (failure,) = found.failures
    own = frame[frame["g"] == "1"]
    assert (failure.term, failure.group) == ("g", "1")
    assert (failure.n, failure.n_event) == (len(own), own["event"].sum())
    assert "no finite estimate: it goes to plus infinity" in failure.reason
    assert "Firth's penalty" in failure.advice
    limit = cox(frame, terms=["x"], strata=["stratum", "g"], **names)
    x, expected = found.estimated[0], limit.estimated[0]
    assert x.estimate == pytest.approx(expected.estimate, rel=1e-6)
    assert x.std_error == pytest.approx(expected.std_error, rel=1e-6)


def test_six_patients_by_hand() -> None:
    """Level 1 dies first of all at risk, in both strata; the limit is by hand.

    Stratum a: level 1 with x = 0 and x = 1 (deaths at 1 and 2), level 0 alive at 3. Stratum b:
    level 1 with x = 1 dies at 1, level 1 with x = 0 at 2, level 0 dies at 3, alone. In the limit
    the first death of a compares x 0 against {0, 1}, that of b x 1 against {1, 0}; the others are
    alone. The likelihood is 1/(1 + e^b) times e^b/(1 + e^b), largest at b = 0, its information 2/4.
    """
    frame = pd.DataFrame(
        {
            "s": list("aaabbb"),
            "g": list("110110"),
            "x": [0.0, 1, 0, 1, 0, 1],
            "time": [1, 2, 3, 1, 2, 3],
            "event": [1, 1, 0, 1, 1, 1],
        }
    )
    found = cox(frame, terms=[GROUP, "x"], strata="s", **NAMES)
    assert found.estimated[0].estimate == pytest.approx(0.0, abs=1e-6)
    assert found.estimated[0].std_error == pytest.approx(2**0.5, rel=1e-6)
    assert [(f.term, f.group, f.n, f.n_event) for f in found.failures] == [("g", "1", 4, 4)]
    firth = cox(frame, terms=[GROUP, "x"], strata="s", penalty="firth", **NAMES)
    assert not firth.failures


def test_a_number_that_all_but_touches_what_it_separates_is_named() -> None:
    """Deaths in order of x, two x 1e-4 apart: the ratio leaves the numbers before it is flat."""
    x = np.array([5.0, 4, 3, 2, 1, 0.9999, 0])
    frame = pd.DataFrame({"x": x, "time": np.arange(1.0, 8), "event": 1})
    frame["z"] = [0, 1, 0, 1, 0, 1, 0]
    found = cox(frame, terms=["x", "z"], **NAMES)
    assert "x" in [f.term for f in found.failures]
    assert all("infinity" in f.reason or "nothing is left" in f.reason for f in found.failures)


def test_a_fine_and_gray_model_names_the_same_without_the_penalty_that_it_has_not() -> None:
    frame = _separated(1)
    state = {"name": "state", "levels": ["0", "1", "2"]}
    frame["state"] = frame["event"].astype(str)
    found = fine_gray(
        frame, time="time", state=state, cause="1", terms=[GROUP, "x"], strata="stratum"
    )
    (failure,) = found.failures
    assert (failure.term, failure.group) == ("g", "1")
    assert "Firth" not in failure.advice


def test_a_search_without_end_names_columns_patients_and_events() -> None:
    design = Design(
        ("g=1", "x"),
        np.zeros(2),
        np.ones(2),
        np.ones(2),
        np.array([True, False]),
        np.array([7, 20]),
        np.array([3, 9]),
        20,
        9,
        ((0,),),
    )

    class Rows:
        """Rows of which only the design is asked."""

    rows: Any = Rows()
    rows.design = design
    end: Any = Maximum(np.array([9.0, 0.1]), None, 60, "stopped", np.zeros(2, dtype=bool))
    (problem,) = not_converged(rows, end).problems
    assert "g=1 (7 patients, 3 events)" in problem.found
    assert "Firth's penalty" in problem.advice
