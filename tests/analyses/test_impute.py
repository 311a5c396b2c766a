"""Chained equations as a whole: what they keep, what they draw, what they refuse and say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyses.imputation.diagnostics import chain_findings, r_hat
from analyses.imputation.impute import impute
from analyses.results.frozen import frozen
from analyses.results.imputations import Trace
from cohort.errors import AnalysisError

COLUMNS = ["grade", "age", "receptor"]
WHAT = {"time": "time", "event": "event", "seed": 1}


def patients(n=400, seed=7):
    """Synthetic patients whose covariates hang together and with survival."""
    draw = np.random.default_rng(seed)
    grade = draw.integers(0, 3, n)
    age = np.round(draw.normal(58, 10, n) + 4 * grade, 1)
    receptor = draw.random(n) < np.array([0.9, 0.7, 0.3])[grade]
    died = draw.exponential(50 / np.exp(0.5 * grade + 0.03 * (age - 60)))
    left = draw.uniform(5, 80, n)
    frame = pd.DataFrame(
        {
            "time": np.round(np.minimum(died, left), 1),
            "event": died <= left,
            "grade": pd.Categorical.from_codes(grade, ["1", "2", "3"], ordered=True),
            "age": age,
            "receptor": receptor,
            "site": pd.Categorical.from_codes(draw.integers(0, 2, n), ["a", "b"]),
        }
    )
    truth = frame.copy()
    frame.loc[draw.random(n) < 0.2, "grade"] = None
    frame.loc[draw.random(n) < 0.15, "age"] = np.nan
    frame["receptor"] = frame["receptor"].astype(object)
    frame.loc[draw.random(n) < 0.1, "receptor"] = None
    return frame, truth


@pytest.fixture(scope="module")
def data():
    return patients()[0]


@pytest.fixture(scope="module")
def found(data):
    return impute(data, columns=COLUMNS, **WHAT)


def test_observed_values_stay_and_every_gap_is_filled(data, found):
    for number in (0, found.m - 1):
        completed = found.completed(data, number)
        assert not completed[COLUMNS].isna().any().any()
        for name in COLUMNS:
            there = data[name].notna()
            assert (completed.loc[there, name] == data.loc[there, name]).all()
        assert completed["grade"].dtype == data["grade"].dtype
        assert completed["receptor"].dtype == bool
    assert data["grade"].isna().any()  # the data given are as they were


def test_numbers_are_values_of_other_patients(data, found):
    drawn = found.columns[1].values
    assert set(np.unique(drawn)) <= set(data["age"].dropna())


def test_m_is_the_percentage_of_incomplete_patients_and_at_least_twenty(data, found):
    share = 100 * data[COLUMNS].isna().any(axis=1).mean()
    assert found.m == int(np.ceil(share)) == 39
    assert found.m_from == "data"
    few = data.copy()
    few[COLUMNS] = patients()[1][COLUMNS]
    few.loc[0, "age"] = np.nan
    assert impute(few, columns=COLUMNS, iterations=1, **WHAT).m == 20


def test_the_same_seed_gives_the_same_values_on_any_number_of_processes(data):
    one = impute(data, columns=COLUMNS, m=4, **WHAT)
    two = impute(data, columns=COLUMNS, m=4, processes=2, **WHAT)
    other = impute(data, columns=COLUMNS, m=4, time="time", event="event", seed=2)
    for a, b, c in zip(one.columns, two.columns, other.columns, strict=True):
        assert a.values.tobytes() == b.values.tobytes()
        assert a.values.tobytes() != c.values.tobytes()


def test_imputations_that_stand_first_do_not_depend_on_m(data):
    two, three = (impute(data, columns=COLUMNS, m=m, **WHAT) for m in (2, 3))
    assert (two.columns[0].values == three.columns[0].values[:2]).all()


def test_progress_counts_imputations(data):
    seen = []
    impute(data, columns=COLUMNS, m=3, progress=lambda done, n: seen.append((done, n)), **WHAT)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_is_drawn_depends_on_the_others(data, found):
    """Where the receptor is absent, grade 3 is drawn far more often than where it is present."""
    drawn = found.columns[0]
    receptor = data["receptor"].iloc[drawn.rows]
    absent, present = (receptor == False).to_numpy(), (receptor == True).to_numpy()  # noqa: E712
    assert (drawn.values[:, absent] == 2).mean() > (drawn.values[:, present] == 2).mean() + 0.3


def test_ordered_levels_are_drawn_from_a_proportional_odds_model(data, found):
    made = impute(data, columns=COLUMNS, methods={"grade": "ordered"}, **WHAT)
    assert [c.method for c in made.columns] == ["ordered", "pmm", "logistic"]
    shares = [np.bincount(x.columns[0].values.astype(int).ravel()) for x in (made, found)]
    np.testing.assert_allclose(shares[0] / shares[0].sum(), shares[1] / shares[1].sum(), atol=0.06)


def test_within_groups_everything_is_done_apart(data):
    """Among site a the age is 1000 higher: imputed within sites it is never mixed."""
    moved = data.assign(age=data["age"] + 1000 * (data["site"] == "a"))
    made = impute(moved, columns=COLUMNS, within=["site"], m=3, **WHAT)
    age = made.columns[1]
    of_a = (moved["site"].iloc[age.rows] == "a").to_numpy()
    assert (age.values[:, of_a] > 900).all()
    assert (age.values[:, ~of_a] < 900).all()
    assert made.within == ("site",)


def test_rows_without_outcome_are_left_out_and_counted(data):
    gone = data.copy()
    gone.loc[[0, 5], "time"] = np.nan
    made = impute(gone, columns=COLUMNS, m=2, iterations=2, **WHAT)
    assert (made.n_without_outcome, made.n, made.n_input) == (2, 398, 400)
    completed = made.completed(gone, 1)
    assert len(completed) == 398
    assert not {0, 5} & set(completed.index)
    assert not completed[COLUMNS].isna().any().any()


def test_her2_is_not_imputed_unless_that_is_said(data):
    her2 = data.rename(columns={"grade": "her2_status"})
    with pytest.raises(AnalysisError, match="not drawn into zero or low"):
        impute(her2, columns=["her2_status", "age"], **WHAT)
    made = impute(her2, columns=["her2_status", "age"], m=2, allow=["her2_status"], **WHAT)
    rules = [(f.rule, f.column, f.n) for f in made.findings]
    assert ("her2_imputed", "her2_status", int(her2["her2_status"].isna().sum())) in rules


def test_a_model_among_some_patients_draws_their_levels_only(data):
    """Site b lacks no grade and holds no grade 1 here: among b only 2 and 3 are drawn."""
    frame = data.copy()
    of_a = frame["site"] == "a"
    frame.loc[of_a & frame["grade"].isna(), "grade"] = "1"
    frame.loc[~of_a & (frame["grade"] == "1"), "grade"] = "2"
    made = impute(frame, columns=COLUMNS, among={"grade": ("site", "b")}, m=3, **WHAT)
    assert set(np.unique(made.columns[0].values)) == {1, 2}
    assert made.columns[0].among == "site b"
    with pytest.raises(AnalysisError, match="do not have site a"):
        impute(frame, columns=COLUMNS, among={"grade": ("site", "a")}, m=2, **WHAT)


def test_a_column_wholly_missing_is_named(data):
    with pytest.raises(AnalysisError, match=r"'age'.*nothing to impute from"):
        impute(data.assign(age=np.nan), columns=COLUMNS, **WHAT)


def test_a_group_without_any_value_is_named(data):
    frame = data.copy()
    frame.loc[frame["site"] == "b", "age"] = np.nan
    with pytest.raises(AnalysisError, match="site b has a value"):
        impute(frame, columns=COLUMNS, within=["site"], **WHAT)


def test_nothing_missing_is_named(data):
    whole = data.assign(**patients()[1][COLUMNS])
    with pytest.raises(AnalysisError, match="nothing is missing"):
        impute(whole, columns=COLUMNS, **WHAT)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": [*COLUMNS, "aeg"]}, "aeg"),
        ({"methods": {"grade": "pmm"}}, "method 'pmm' for a category of 3 levels"),
        ({"methods": {"aeg": "pmm"}}, "not a column of the imputation"),
        ({"m": 1}, "from 2"),
        ({"iterations": 0}, "from 1"),
        ({"within": ["grade"]}, "no group to be imputed within"),
    ],
)
def test_mistakes_are_named(data, options, words):
    given = {"columns": COLUMNS, **WHAT} | options
    with pytest.raises(AnalysisError, match=words):
        impute(data, **given)


def test_text_without_levels_is_refused_and_with_levels_is_imputed(data):
    text = data.assign(grade=data["grade"].astype(object))
    with pytest.raises(AnalysisError, match="without declared levels"):
        impute(text, columns=COLUMNS, **WHAT)
    levels = {"name": "grade", "levels": ["1", "2", "3"]}
    made = impute(text, columns=[levels, "age", "receptor"], m=2, **WHAT)
    completed = made.completed(text, 0)["grade"]
    assert list(completed.cat.categories) == ["1", "2", "3"]
    there = text["grade"].notna()
    assert (completed[there].astype(str) == text["grade"][there]).all()


def test_a_level_seen_once_is_said(data):
    frame = data.copy()
    frame["grade"] = frame["grade"].cat.add_categories("4")
    frame.loc[frame["grade"].first_valid_index(), "grade"] = "4"
    made = impute(frame, columns=COLUMNS, m=2, **WHAT)
    assert ("rare_level", "4", 1) in [(f.rule, f.value, f.n) for f in made.findings]


def test_perfect_prediction_is_imputed_with_augmented_rows(data):
    """Everybody with receptor has grade 1: logistic regression alone has no maximum."""
    frame = data.copy()
    known = frame["grade"].notna() & frame["receptor"].notna()
    frame.loc[known & (frame["receptor"] == True), "grade"] = "1"  # noqa: E712
    made = impute(frame, columns=COLUMNS, m=3, **WHAT)
    drawn = made.columns[0]
    has = (frame["receptor"].iloc[drawn.rows] == True).to_numpy()  # noqa: E712
    assert (drawn.values[:, has] == 0).mean() > 0.9
    assert not [f for f in made.findings if f.rule == "model_not_converged"]


def test_columns_that_say_the_same_are_imputed_and_said(data):
    frame = data.assign(one=data["time"] * 2, two=data["time"] * 3 + 1)
    made = impute(frame, columns=["age", "one", "two"], m=2, **WHAT)
    assert [f.rule for f in made.findings] == ["collinear"]
    assert np.isfinite(made.columns[0].values).all()
    same = frame.assign(also=frame["grade"])
    made = impute(same, columns=["age", "grade", "also"], m=2, **WHAT)
    assert np.isfinite(made.columns[0].values).all()


def test_too_few_values_for_a_model_are_named(data):
    frame = data.copy()
    frame.loc[frame.index[3:], "age"] = np.nan
    with pytest.raises(AnalysisError, match="3 patients have a value"):
        impute(frame, columns=COLUMNS, **WHAT)


def test_chains_that_do_not_settle_are_named():
    """Two columns nearly one another's copy, each missing where the other is: it drags."""
    draw = np.random.default_rng(3)
    n = 400
    one = draw.normal(size=n)
    frame = pd.DataFrame({"time": draw.exponential(10, n), "event": True, "one": one}).assign(
        two=one + 0.001 * draw.normal(size=n)
    )
    both = np.arange(n) < 300
    frame.loc[both, ["one", "two"]] = np.nan
    made = impute(frame, columns=["one", "two"], m=20, iterations=10, **WHAT)
    assert set(made.not_converged) == {"one", "two"}
    assert {f.column for f in made.findings if f.rule == "not_converged"} == {"one", "two"}


def test_chains_that_settle_are_not_named(found):
    assert found.not_converged == ()
    assert all(t.r_hat is None or t.r_hat < 1.1 for t in found.traces)


def test_r_hat_by_hand():
    """Four iterations of two chains, 1 3 | 1 3 and 2 4 | 2 4: halves of two.

    Variances within 2; means of the halves 2, 2, 3, 3 with variance 1/3. R-hat is the root of
    1/2 + (1/3) / 2 = 2/3.
    """
    value, _ = r_hat(np.array([[1.0, 3, 1, 3], [2.0, 4, 2, 4]]))
    assert value == pytest.approx(np.sqrt(2 / 3))
    assert r_hat(np.ones((3, 10)))[0] is None
    assert r_hat(np.zeros((3, 2)))[0] is None


def test_traces_hold_what_was_drawn_last(found):
    last = {(t.column, t.quantity, t.level): t.values[:, -1] for t in found.traces}
    age = found.columns[1].values
    np.testing.assert_allclose(last["age", "mean", None], age.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(last["age", "sd", None], age.std(axis=1), rtol=1e-8)
    grade = found.columns[0].values
    np.testing.assert_allclose(last["grade", "share", "3"], (grade == 2).mean(axis=1))


def test_the_result_writes_itself_out(found):
    assert {r.quantity for r in found.records("x")} >= {"imputations", "imputed_values"}
    assert found.to_dict()["m"] == found.m
    assert "39 imputations" in found._repr_html_()


def test_several_causes_are_all_in_the_models(data):
    """A second cause whose hazard hangs on age: it must help to predict age."""
    other = (~data["event"]) & (data["age"].fillna(0) > 62)
    made = impute(
        data.assign(other=other),
        columns=COLUMNS,
        m=2,
        time="time",
        event=["event", "other"],
        seed=1,
    )
    assert made.outcome == ("time", "event", "other")
    age = made.columns[1]
    of_other = other.iloc[age.rows].to_numpy()
    assert not of_other.any()  # missing ages are at 0 above: none of them has the other cause
    assert age.values.mean() < data["age"].mean()


@pytest.mark.parametrize(
    ("name", "method", "levels"),
    [("two", "logistic", "ab"), ("three", "multinomial", "abc"), ("three", "ordered", "abc")],
)
def test_parameters_are_drawn_anew_for_each_imputation(name, method, levels):
    """Of 2,000 patients 60 have a value, half of them the first level.

    Over imputations the share of the first level varies by sampling of the 60, 0.5 / root(60) =
    0.065, and hardly by the draws themselves, 0.5 / root(1940) = 0.011.
    """
    draw = np.random.default_rng(9)
    n, seen = 2000, 60
    codes = np.full(n, -1)
    codes[:seen] = np.where(np.arange(seen) < seen // 2, 0, 1 + np.arange(seen) % (len(levels) - 1))
    frame = pd.DataFrame({"time": draw.exponential(10, n), "event": draw.random(n) < 0.5})
    draw.shuffle(codes)
    frame[name] = pd.Categorical.from_codes(codes, list(levels), ordered=True)
    made = impute(frame, columns=[name], methods={name: method}, m=150, iterations=1, **WHAT)
    shares = (made.columns[0].values == 0).mean(axis=1)
    assert shares.mean() == pytest.approx(0.5, abs=0.06)
    assert 0.055 < shares.std() < 0.095


def test_the_mean_of_matched_numbers_varies_by_the_sampling_of_the_observed():
    """Of 80 observed values of SD 1 about a line: it varies by about 1 / root(80) = 0.11."""
    draw = np.random.default_rng(10)
    n = 2000
    frame = pd.DataFrame({"time": draw.exponential(10, n), "event": draw.random(n) < 0.5})
    frame["x"] = np.where(np.arange(n) % 25 == 0, draw.normal(size=n), np.nan)
    frame["z"] = draw.normal(size=n)
    frame.loc[frame["x"].notna(), "x"] += 2 * frame["z"]
    made = impute(frame, columns=["x", "z"], m=100, iterations=1, **WHAT)
    means = made.columns[0].values.mean(axis=1)
    assert 0.08 < means.std() < 0.17


def test_what_is_drawn_depends_on_survival():
    """Grade 3 is drawn oftener for those who died early than for those alive long after."""
    frame = patients(2000, seed=5)[0]
    made = impute(frame, columns=["grade", "age"], m=20, iterations=3, **WHAT)
    drawn = made.columns[0]
    rows = frame.iloc[drawn.rows]
    early = (rows["event"] & (rows["time"] < 8)).to_numpy()
    late = (~rows["event"] & (rows["time"] > 40)).to_numpy()
    worst = drawn.values == 2
    assert worst[:, early].mean() > worst[:, late].mean() + 0.15


def test_groups_have_random_streams_of_their_own(data):
    """Two groups of the very same patients do not draw the very same values."""
    twice = pd.concat([data.assign(half="a"), data.assign(half="b")], ignore_index=True)
    twice["half"] = pd.Categorical(twice["half"], ["a", "b"])
    made = impute(twice, columns=COLUMNS, within=["half"], m=2, iterations=1, **WHAT)
    for column in made.columns:
        one, other = np.split(column.values, 2, axis=1)
        assert (one != other).mean() > 0.1


def test_a_group_whose_chosen_patients_have_no_value_is_named_with_the_condition(data):
    """In half y nobody of site b has a grade: there is no model of theirs."""
    frame = data.assign(half=np.where(np.arange(len(data)) % 2 == 0, "x", "y"))
    frame.loc[frame["site"] == "a", "grade"] = "1"
    frame.loc[(frame["site"] == "b") & (frame["half"] == "y"), "grade"] = None
    with pytest.raises(AnalysisError, match="with half y and site b has a value"):
        impute(frame, columns=COLUMNS, within=["half"], among={"grade": ("site", "b")}, m=2, **WHAT)


def test_chains_that_keep_to_values_of_their_own_have_not_settled():
    apart = np.repeat([[0.0], [1.0], [1.0]], 10, axis=1)
    value, reason = r_hat(apart)
    assert value is None
    stuck = Trace("grade", "share", "2", frozen(apart), value, reason)
    assert not stuck.converged
    still = Trace("grade", "share", "2", frozen(np.ones((3, 10))), *r_hat(np.ones((3, 10))))
    assert still.converged
    assert [f.rule for f in chain_findings([stuck, still], [])] == ["not_converged"]
