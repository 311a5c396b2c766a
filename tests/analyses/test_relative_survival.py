from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses import life_table, relative_survival
from analyses.plots.relative_survival import plot_relative_survival
from analyses.results.life_table import LifeTable
from analyses.results.relative_survival import RelativeSurvival
from cohort.errors import AnalysisError, DataError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUPS = {"name": "group", "levels": ["zero", "low", "positive"]}
COLUMNS: dict[str, Any] = {
    **{"time": "time", "event": "event"},
    **{"age": "age", "sex": "sex", "year": "year"},
}
AT = (365, 1000, 1826.25, 2500)


def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "relative_patients.csv")


def cells() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "relative_life_table.csv")


@pytest.fixture(scope="module")
def table() -> LifeTable:
    return life_table(cells())


@pytest.fixture(scope="module")
def result(table: LifeTable) -> RelativeSurvival:
    return relative_survival(patients(), life_table=table, by=GROUPS, times=AT, **COLUMNS)


@pytest.mark.parametrize("method", ["pohar-perme", "ederer2"])
def test_curves_equal_those_of_relsurv(table: LifeTable, method: str) -> None:
    """Pohar Perme with a time a day; Ederer II at the times that somebody leaves, as it does."""
    times = AT if method == "pohar-perme" else ()
    by_group = relative_survival(patients(), life_table=table, by=GROUPS, times=times, **COLUMNS)
    together = relative_survival(patients(), life_table=table, times=times, **COLUMNS)
    name = "net" if method == "pohar-perme" else "ederer2"
    r = pd.read_csv(REFERENCE / "relative_curves.csv")
    r = r[r["quantity"] == method]
    assert len(r) == 16
    for row in r.itertuples():
        curves = together.groups if row.group == "all" else by_group.groups
        curve = next(c for c in curves if row.group in ("all", c.group))
        place = curve.at(row.time)
        if place is None:
            assert math.isnan(row.estimate)
            continue
        assert getattr(curve, name)[place] == pytest.approx(row.estimate, rel=1e-10)
        assert getattr(curve, f"{name}_error")[place] == pytest.approx(row.std_error, rel=1e-10)
        if method == "pohar-perme":
            assert curve.n_risk[place] == row.n_risk
            assert curve.net_low[place] == pytest.approx(row.conf_low, rel=1e-10)
            assert curve.net_high[place] == pytest.approx(row.conf_high, rel=1e-10)


def test_the_test_of_groups_equals_loops_in_r_and_nearly_that_of_relsurv(
    result: RelativeSurvival,
) -> None:
    """`rs.diff` splits a day at a birthday, where ours takes the day's hazard as it starts."""
    r = pd.read_csv(REFERENCE / "relative_test.csv").set_index("quantity")
    assert result.test is not None
    assert result.test.df == 2
    assert result.test.statistic == pytest.approx(r.loc["loops", "statistic"], rel=1e-10)
    assert result.test.statistic == pytest.approx(r.loc["rs_diff", "statistic"], rel=1e-4)


def flat(rate: float, other: float | None = None) -> LifeTable:
    """The same hazard a day at every age; another for men."""
    rows = [
        {"age": a, "sex": sex, "year": 2000, "rate": 365.25 * (rate if sex == "female" else other)}
        for sex in ("female", "male")[: 1 if other is None else 2]
        for a in range(20, 30)
    ]
    return life_table(pd.DataFrame(rows))


def test_three_patients_by_hand() -> None:
    """Women, hazard 0.002 a day, leave on day 2 (death), 3 (censored) and 4 (death).

    Alike, they have weight 1: a day without a death multiplies net survival by 1 + 0.002; on day
    2 one of three dies, 1 - 1/3 + 0.002; on day 4 the last, 1 - 1 + 0.002. Its variance on day 2
    is (1/3)^2. Expected deaths are 0.002 x (2 + 3 + 4). Ederer II has intervals to 2, 3 and 4.
    """
    frame = pd.DataFrame(
        {"time": [2, 3, 4], "event": [1, 0, 1], "age": 20.5, "sex": "female", "year": 2000.2}
    )
    found = relative_survival(frame, life_table=flat(0.002), times=[1, 2, 3], **COLUMNS)
    (curve,) = found.groups
    assert list(curve.time) == [1, 2, 3, 4]
    two = 1.002 * (2 / 3 + 0.002)
    expected = [1.002, two, two * 1.002, two * 1.002 * 0.002]
    assert curve.net == pytest.approx(expected, rel=1e-12)
    assert curve.net_error[1] == pytest.approx(1 / 3, rel=1e-12)
    assert curve.observed == pytest.approx([1, 2 / 3, 2 / 3, 0], abs=1e-12)
    assert curve.expected == pytest.approx(0.018, rel=1e-12)
    without = relative_survival(frame, life_table=flat(0.002), **COLUMNS)
    assert without.groups[0].ederer2[0] == pytest.approx(1 - 1 / 3 + 0.004, rel=1e-12)


def test_two_patients_of_different_hazard_by_hand() -> None:
    """A woman (hazard a) dies on day 1; a man (hazard b) is censored on day 2.

    Weights at the end of day 1 are e^a and e^b. Mean expected hazard over the day: half of
    (a + b) / 2, at its start, and half of (a e^a + b e^b) / (e^a + e^b), at its end.
    """
    a, b = 0.001, 0.003
    frame = pd.DataFrame(
        {"time": [1, 2], "event": [1, 0], "age": 20.5, "sex": ["female", "male"], "year": 2000.2}
    )
    (curve,) = relative_survival(frame, life_table=flat(a, b), **COLUMNS).groups
    wa, wb = math.exp(a), math.exp(b)
    mean = ((a + b) / 2 + (a * wa + b * wb) / (wa + wb)) / 2
    assert curve.net[0] == pytest.approx(1 - wa / (wa + wb) + mean, rel=1e-12)
    assert curve.net_error[0] == pytest.approx(wa / (wa + wb), rel=1e-12)


def test_without_expected_deaths_net_survival_is_kaplan_meier() -> None:
    frame = patients().assign(age=20.5, sex="female", year=2000.2)
    (curve,) = relative_survival(frame, life_table=flat(1e-16), **COLUMNS).groups
    assert curve.net == pytest.approx(curve.observed, rel=1e-9)


def test_follow_up_in_months_gives_the_same_curves(table: LifeTable) -> None:
    days = patients()
    months = days.assign(time=days["time"] / 30.4375)
    one = relative_survival(days, life_table=table, times=[1826.25], **COLUMNS)
    other = relative_survival(months, life_table=table, times=[60], unit="months", **COLUMNS)
    ours, theirs = one.groups[0], other.groups[0]
    assert ours.net[ours.at(1826.25)] == pytest.approx(theirs.net[theirs.at(60)], rel=1e-12)


def test_net_survival_recovers_the_truth_of_its_simulation(table: LifeTable) -> None:
    """Excess hazard 0.06 a year in everybody; net survival at 5 years is exp(-0.3) = 0.741."""
    random = np.random.default_rng(1)
    n = 6000
    age, year = random.uniform(45, 85, n), random.uniform(2005, 2010, n)
    sex = np.where(random.random(n) < 0.8, "female", "male")
    excess = random.exponential(365.25 / 0.06, n)
    starts = np.arange(0, 10, 0.02)
    ages = np.clip(np.floor(age[:, None] + starts), 40, 100).astype(int) - 40
    years = np.clip(np.floor(year[:, None] + starts), 2005, 2016).astype(int) - 2005
    stratum = np.array([table.strata.index((s,)) for s in sex])
    cumulated = np.cumsum(0.02 * table.hazard[stratum[:, None], years, ages], axis=1)
    place = (cumulated < random.exponential(1, n)[:, None]).sum(axis=1)
    other = 365.25 * 0.02 * (place + random.random(n))
    time = np.minimum(np.minimum(excess, other), 365.25 * 8)
    frame = pd.DataFrame({"time": np.ceil(time), "event": time < 365.25 * 8, "age": age,
                          "sex": sex, "year": year})  # fmt: skip
    (curve,) = relative_survival(frame, life_table=table, times=[1826.25], **COLUMNS).groups
    place = curve.at(1826.25)
    assert curve.net_low[place] < math.exp(-0.3) < curve.net_high[place]
    assert curve.observed[place] < 0.68


def test_patients_without_a_value_or_unknown_to_the_table_are_counted(table: LifeTable) -> None:
    frame = patients()
    frame.loc[:4, "age"] = None
    frame.loc[5:7, "sex"] = "other"
    found = relative_survival(frame, life_table=table, **COLUMNS)
    assert found.n == 392
    assert dict(found.n_missing) == {"age": 5, "sex in the life table": 3}
    assert next(f for f in found.findings if f.rule == "not_in_life_table").n == 3
    with pytest.raises(AnalysisError, match="none of the patients' values"):
        relative_survival(frame.assign(sex="F"), life_table=table, **COLUMNS)


def test_follow_up_past_the_table_is_named(table: LifeTable) -> None:
    frame = patients().assign(age=98.5)
    found = relative_survival(frame, life_table=table, **COLUMNS)
    past = next(f for f in found.findings if f.rule == "beyond_age")
    assert "after 100" in past.advice
    assert found.n_beyond >= past.n > 100


def test_whole_years_are_taken_as_their_middle(table: LifeTable) -> None:
    frame = patients().assign(age=lambda d: d["age"].round(), year=lambda d: d["year"].round())
    whole = relative_survival(frame, life_table=table, **COLUMNS)
    middle = frame.assign(age=frame["age"] + 0.5, year=frame["year"] + 0.5)
    given = relative_survival(middle, life_table=table, **COLUMNS)
    assert whole.groups[0].net == pytest.approx(given.groups[0].net, rel=1e-12)
    assert whole.placed == "the middle of whole years"
    assert any(f.rule == "whole_years" for f in whole.findings)


def test_a_time_past_follow_up_is_not_reached(result: RelativeSurvival, table: LifeTable) -> None:
    later = relative_survival(patients(), life_table=table, times=[5000], **COLUMNS)
    record = next(r for r in later.records("r") if r.quantity == "net_survival")
    assert (record.status, record.estimate) == ("not_reached", None)
    json.dumps(result.to_dict(), allow_nan=False)


def test_times_at_which_few_remain_are_warned_of(result: RelativeSurvival) -> None:
    warned = {f.value for f in result.findings if f.rule == "few_at_risk"}
    expected = {
        f"{curve.group}, {time:g}"
        for curve in result.groups
        for time in result.times
        if (place := curve.at(time)) is not None and curve.n_risk[place] < 10
    }
    assert warned == expected
    assert len(warned) == 2


def test_deaths_on_the_day_of_diagnosis_count(table: LifeTable) -> None:
    frame = patients().assign(time=lambda d: d["time"].where(d.index > 3, 0), event=1)
    (curve,) = relative_survival(frame, life_table=table, **COLUMNS).groups
    assert curve.time[0] == 0
    assert curve.net[0] == pytest.approx(1 - 4 / 400, rel=1e-12)


def test_the_figure_draws_the_curves_to_where_ten_remain(result: RelativeSurvival) -> None:
    drawn = plot_relative_survival(result)
    for (group, line), curve in zip(drawn.net, result.groups, strict=True):
        k = int((curve.n_risk >= 10).sum())
        assert group == curve.group
        assert list(line.get_ydata()) == [1.0, *curve.net[:k]]
    assert "zero: " in drawn.alt


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.drop(index=[7]), "1 cells missing: female aged 47 in 2005"),
        (lambda d: pd.concat([d, d.head(2)]), "2 cells given more than once"),
        (lambda d: d.assign(rate=d["rate"] * 1e5), "which nobody has"),
        (lambda d: d.assign(rate=d["rate"] / 365.25), "daily or monthly rates"),
        (lambda d: d.assign(rate=-d["rate"]), "negative"),
        (lambda d: d.rename(columns={"rate": "hazard"}), "neither a rate nor a probability"),
        (lambda d: d.assign(probability=d["rate"]), "both a rate and a probability"),
        (lambda d: d.rename(columns={"sex": "gender"}), "column 'sex'"),
        (lambda d: d.assign(age=d["age"] + 0.5), "not whole years"),
        (lambda d: d.assign(rate=d["rate"].where(d.index != 3)), "1 cells are empty"),
        (lambda d: d.assign(age=d["age"].astype(str).replace("100", "100+")), "'100+'"),
        (lambda d: d.head(0), "no rows"),
    ],
)
def test_a_wrong_life_table_is_refused_by_name(change: Any, said: str) -> None:
    with pytest.raises(DataError) as error:
        life_table(change(cells()))
    assert said in str(error.value)


def test_probabilities_become_hazards() -> None:
    rates = life_table(cells())
    frame = cells().assign(probability=lambda d: -np.expm1(-d["rate"])).drop(columns="rate")
    assert life_table(frame).hazard == pytest.approx(rates.hazard, rel=1e-12)


def test_races_need_a_column_where_the_table_tells_them_apart(table: LifeTable) -> None:
    both = pd.concat([cells().assign(race=race) for race in ("white", "black")])
    by_race = life_table(both)
    with pytest.raises(AnalysisError, match="no column of race is named"):
        relative_survival(patients(), life_table=by_race, **COLUMNS)
    frame = patients().assign(race="white")
    with pytest.raises(AnalysisError, match="Leave `race` out"):
        relative_survival(frame, life_table=table, race="race", **COLUMNS)
    found = relative_survival(frame, life_table=by_race, race="race", **COLUMNS)
    same = relative_survival(frame, life_table=table, **COLUMNS)
    assert found.groups[0].net == pytest.approx(same.groups[0].net, rel=1e-12)


def test_numbers_of_a_life_table_that_are_text_are_ordered_as_numbers() -> None:
    """As text "99" is above "100"."""
    text = life_table(cells().astype(str))
    plain = life_table(cells())
    assert (text.ages, text.years) == (plain.ages, plain.years)
    assert text.hazard == pytest.approx(plain.hazard, rel=1e-12)
