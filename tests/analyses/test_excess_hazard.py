from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses import excess_hazard, life_table
from analyses.kernels.excess_hazard import Rows, evaluate
from analyses.results.life_table import LifeTable
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
COLUMNS: dict[str, Any] = {
    **{"time": "time", "event": "event"},
    **{"age": "age", "sex": "sex", "year": "year"},
}
GROUP = {"name": "group", "levels": ["zero", "low", "positive"]}


def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "relative_patients.csv")


@pytest.fixture(scope="module")
def table() -> LifeTable:
    return life_table(pd.read_csv(REFERENCE / "relative_life_table.csv"))


def test_the_model_equals_the_likelihood_maximised_in_r_and_nearly_rsadd(
    table: LifeTable,
) -> None:
    """`rsadd` takes the mean hazard of the day after a death, where ours is that of the day."""
    model = excess_hazard(
        patients(),
        terms=[GROUP, {"name": "age", "per": 10}],
        life_table=table,
        cuts=[365.25, 3 * 365.25],
        **COLUMNS,
    )
    r = pd.read_csv(REFERENCE / "relative_excess.csv").set_index("quantity")
    ours = {c.level or c.term: (c.estimate, c.std_error) for c in model.coefficients}
    ours |= {f"interval{i}": (b.estimate, b.std_error) for i, b in enumerate(model.baseline, 1)}
    for name in ("low", "positive", "age", "interval1", "interval2", "interval3"):
        for value, column in zip(ours[name], ("estimate", "std_error"), strict=True):
            assert value == pytest.approx(r.loc[name, column], rel=1e-8), name
            assert value == pytest.approx(r.loc[f"rsadd_{name}", column], rel=1e-4), name
    assert [(b.start, b.end) for b in model.baseline][:2] == [(0, 365.25), (365.25, 1095.75)]


def test_two_groups_by_hand() -> None:
    """One interval, hazard 0.01 a year in everybody; the model has one rate for each group.

    With D deaths in T years the rate is D / T, its excess e = D / T - 0.01, and the information
    of its logarithm e^2 T^2 / D. Group a: 4 deaths in 40 years, e = 0.09; b: 6 in 20, e = 0.29.
    """
    cells = [{"age": a, "sex": "female", "year": 2000, "rate": 0.01} for a in range(20, 30)]
    rows = [("a", 365.25 * 8, k < 4) for k in range(5)] + [
        ("b", 365.25 * 2, k < 6) for k in range(10)
    ]
    frame = pd.DataFrame(rows, columns=["group", "time", "event"])
    frame = frame.assign(age=20.5, sex="female", year=2000.2)
    term = {"name": "group", "levels": ["a", "b"]}
    model = excess_hazard(
        frame, terms=[term], life_table=life_table(pd.DataFrame(cells)), cuts=[], **COLUMNS
    )
    ratio = next(c for c in model.coefficients if c.level == "b")
    assert ratio.estimate == pytest.approx(math.log(0.29 / 0.09), rel=1e-9)
    variance = 4 / (0.09 * 40) ** 2 + 6 / (0.29 * 20) ** 2
    assert ratio.std_error == pytest.approx(math.sqrt(variance), rel=1e-9)
    assert model.baseline[0].estimate == pytest.approx(math.log(0.09), rel=1e-9)


def test_the_score_and_information_are_derivatives_of_the_likelihood() -> None:
    random = np.random.default_rng(3)
    n = 40
    rows = Rows(
        random.normal(size=(n, 2)),
        random.uniform(0.1, 1, (n, 3)),
        random.integers(0, 3, n),
        random.random(n) < 0.6,
        random.uniform(0.01, 0.2, n),
    )
    theta = random.normal(0, 0.3, 5)
    at, step = evaluate(rows, theta), 1e-5
    for k in range(5):
        up, down = theta.copy(), theta.copy()
        up[k] += step
        down[k] -= step
        high, low = evaluate(rows, up), evaluate(rows, down)
        slope = (high.log_likelihood - low.log_likelihood) / (2 * step)
        assert at.score[k] == pytest.approx(slope, rel=1e-6)
        bend = -(high.score - low.score) / (2 * step)
        assert at.information[k] == pytest.approx(bend, rel=1e-5, abs=1e-6)


def test_no_more_deaths_than_the_population_has_is_refused_by_name(table: LifeTable) -> None:
    frame = patients()
    frame["event"] = np.where(frame["group"] == "low", 0, frame["event"])
    with pytest.raises(AnalysisError, match="no finite estimate: group=low"):
        excess_hazard(frame, terms=[GROUP], life_table=table, cuts=[365.25], **COLUMNS)


def test_an_interval_without_a_death_is_named(table: LifeTable) -> None:
    frame = patients().assign(event=lambda d: d["event"] * (d["time"] > 300))
    with pytest.raises(AnalysisError, match="no death in 0 to"):
        excess_hazard(frame, terms=[GROUP], life_table=table, cuts=[250], **COLUMNS)


def test_columns_that_are_constant_or_determined_by_others_are_named(table: LifeTable) -> None:
    frame = patients().assign(one=1.0, twice=lambda d: 2 * d["age"])
    with pytest.raises(AnalysisError, match="the same in every row"):
        excess_hazard(frame, terms=["one"], life_table=table, **COLUMNS)
    with pytest.raises(AnalysisError, match="determined by"):
        excess_hazard(frame, terms=["age", "twice"], life_table=table, **COLUMNS)


def test_years_are_joined_until_each_has_a_death(table: LifeTable) -> None:
    model = excess_hazard(patients(), terms=[GROUP], life_table=table, **COLUMNS)
    assert all(one.n_event > 0 for one in model.baseline)
    assert sum(one.n_event for one in model.baseline) == model.n_event


def test_fewer_than_ten_deaths_a_parameter_are_warned_of(table: LifeTable) -> None:
    few = excess_hazard(patients().head(60), terms=[GROUP], life_table=table, cuts=[], **COLUMNS)
    assert "few_events" in {f.rule for f in few.findings}
    many = excess_hazard(patients(), terms=[GROUP], life_table=table, cuts=[], **COLUMNS)
    assert "few_events" not in {f.rule for f in many.findings}


def test_the_search_ends_where_the_likelihood_is_flat_to_rounding(table: LifeTable) -> None:
    """Samples of the patients, whose likelihoods differ in their last digits near the maximum."""
    for seed in range(40):
        drawn = patients().sample(300, random_state=seed)
        terms = [GROUP, {"name": "age", "per": 10}]
        model = excess_hazard(drawn, terms=terms, life_table=table, cuts=[730], **COLUMNS)
        assert model.iterations < 30


def test_a_death_at_the_end_of_a_year_belongs_to_the_year_that_ends(table: LifeTable) -> None:
    """Deaths at 200 and 365.25 days are of the first year, and the second has none: it is joined.

    Forty patients each, so that deaths are more than the population's.
    """
    times = np.repeat([200.0, 365.25, 800.0, 900.0], 40)
    frame = patients().head(160).assign(time=times, event=times < 900)
    frame = frame.assign(x=np.tile([0.0, 1.0], 80))
    model = excess_hazard(frame, terms=["x"], life_table=table, **COLUMNS)
    assert [(one.start, one.n_event) for one in model.baseline] == [(0, 80), (365.25, 40)]


def test_cuts_outside_follow_up_are_told(table: LifeTable) -> None:
    cuts = [0, 365.25, 99_999]
    model = excess_hazard(patients(), terms=[GROUP], life_table=table, cuts=cuts, **COLUMNS)
    assert len(model.baseline) == 2
    found = next(f for f in model.findings if f.rule == "cuts_outside")
    assert (found.n, found.unit) == (2, "cut")
    assert "both sides of 0, 99999" in found.advice
