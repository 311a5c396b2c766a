"""Subgroups and interaction against R's coxph and anova, by hand, and where nothing exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.subgroups import subgroups
from analyses.results.subgroups import GroupEffect, InteractionTest, Subgroups
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUP = {"name": "group", "levels": ["zero", "low", "positive"]}
ER = {"name": "er", "levels": ["no", "yes"]}
NUMBERED = ("age", "grade")
CASES: dict[str, dict[str, Any]] = {
    "plain": {
        "terms": NUMBERED,
        "factors": [
            {"name": "site_level", "levels": ["a", "b", "c", "d"]},
            {"name": "er_known", "levels": ["no", "yes"]},
            {"name": "age", "cut": [50, 60]},
            {"name": "grade", "levels": ["1", "2", "3"]},
        ],
    },
    "late": {"terms": ["age"], "factors": [ER], "entry": "entry", "strata": "site"},
    "breslow": {"terms": ["age"], "factors": [ER], "ties": "breslow"},
    "counts": {"terms": ["age"], "factors": [ER], "weights": "count"},
    "robust": {"terms": ["age"], "factors": [ER], "weights": "weight", "cluster": "facility"},
}
IN_R = {"age": "age_cut", "grade": "grade_level", "er": "er_level"}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    data = pd.read_csv(REFERENCE / "cox_data.csv")
    data["site_level"] = data["site"]
    data["er_known"] = data["er"].where(np.arange(1, len(data) + 1) % 7 != 0)
    return data


def asked(data: pd.DataFrame, **options: Any) -> Subgroups:
    return subgroups(data, time="time", event="event", by=GROUP, **options)


def interaction_of(result: Subgroups, factor: str, group: str | None = None) -> InteractionTest:
    return next(t for t in result.tests if (t.factor, t.group) == (factor, group))


def effect_at(result: Subgroups, level: str | None, group: str) -> GroupEffect:
    return next(e for e in result.effects if (e.level, e.group) == (level, group))


@pytest.mark.parametrize("case", CASES)
def test_every_ratio_equals_the_model_of_its_subgroup_in_r(
    case: str, patients: pd.DataFrame
) -> None:
    result = asked(patients, **CASES[case])
    table = pd.read_csv(REFERENCE / "subgroups.csv")
    expected = table[table["case"] == case]
    found = [
        ("all" if e.factor is None else IN_R.get(e.factor, e.factor), e.level or "", e.group)
        for e in result.effects
    ]
    keys = expected[["factor", "level", "group"]].fillna("").astype(str)
    assert found == list(keys.itertuples(index=False, name=None))
    for name in ("estimate", "std_error"):
        values = [getattr(e, name) for e in result.effects]
        np.testing.assert_allclose(values, expected[name], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_every_test_of_interaction_equals_that_of_r(case: str, patients: pd.DataFrame) -> None:
    result = asked(patients, **CASES[case])
    table = pd.read_csv(REFERENCE / "subgroup_tests.csv")
    expected = table[table["case"] == case]
    assert len(expected) == len(result.tests)
    for test, (_, row) in zip(result.tests, expected.iterrows(), strict=True):
        assert IN_R.get(test.factor, test.factor) == row["factor"]
        assert (test.group or "all") == row["group"]
        assert test.df == row["df"]
        assert test.test == ("wald" if case == "robust" else "likelihood_ratio")
        assert test.statistic == pytest.approx(row["statistic"], rel=1e-8)
        assert test.p_value == pytest.approx(row["p_value"], rel=1e-8)


def two_mirrored() -> pd.DataFrame:
    """Subgroup A: low, zero, low, zero die in turn. B, seen only later: zero, low, zero, low."""
    return pd.DataFrame(
        {
            "group": ["low", "zero", "low", "zero", "zero", "low", "zero", "low"],
            "half": list("AAAABBBB"),
            "entry": [0.0] * 4 + [10.0] * 4,
            "time": [1.0, 2.0, 3.0, 4.0, 11.0, 12.0, 13.0, 14.0],
            "event": True,
        }
    )


def test_two_mirrored_subgroups_by_hand() -> None:
    """Two subgroups whose partial likelihoods are solved on paper.

    In A that of the hazard ratio h is

        h/(2h + 2) * 1/(h + 2) * h/(h + 1) * 1,

    whose logarithm has the slope 2/h - 2/(h + 1) - 1/(h + 2) = 0 where h^2 - h - 4 = 0:
    h = (1 + sqrt 17)/2. In B the groups have changed places: 1/h. As nobody of A is at risk with
    anybody of B, a common ratio maximises L(h) L(1/h), symmetric about h = 1, where both are 1/24;
    so the likelihood ratio of the product is 4 log(24 L(h)) on one degree of freedom. The main
    effect of the half is never compared and counts in neither model.
    """
    data = two_mirrored()
    result = subgroups(
        data,
        time="time",
        event="event",
        entry="entry",
        by={"name": "group", "levels": ["zero", "low"]},
        factors={"name": "half", "levels": ["A", "B"]},
    )
    h = (1 + np.sqrt(17)) / 2
    everybody, first, second = result.effects
    assert everybody.estimate == pytest.approx(0, abs=1e-12)
    assert first.estimate == pytest.approx(np.log(h), rel=1e-12)
    assert second.estimate == pytest.approx(-np.log(h), rel=1e-12)
    height = h**2 / ((2 * h + 2) * (h + 2) * (h + 1))
    test = interaction_of(result, "half")
    assert test.df == 1
    assert test.statistic == pytest.approx(4 * np.log(24 * height), rel=1e-10)
    assert (first.n, first.n_event, first.n_reference) == (2, 2, 2)
    assert all(e.is_small for e in (first, second))
    assert [f.rule for f in result.findings if f.value == "low"] == ["small_subgroups"]


def test_adjusted_p_are_those_of_holm_over_the_factors(patients: pd.DataFrame) -> None:
    result = asked(patients, **CASES["plain"], adjust="holm")
    tests = [factor.interaction for factor in result.factors]
    raw = sorted(t.p_value for t in tests if t.p_value is not None)
    steps = np.maximum.accumulate([min(1.0, (4 - i) * p) for i, p in enumerate(raw)])
    found = sorted(t.p_adjusted for t in tests if t.p_adjusted is not None)
    np.testing.assert_allclose(found, steps)
    assert result.n_tests == 4
    assert all(t.p_adjusted is None for t in asked(patients, **CASES["late"]).tests)


def test_subgroups_stand_in_the_order_given_and_the_missing_are_counted(
    patients: pd.DataFrame,
) -> None:
    backwards = {"name": "site", "levels": ["d", "c", "b", "a"]}
    known = {"name": "er_known", "levels": ["no", "yes"]}
    result = asked(patients, factors=[known, backwards])
    assert [f.name for f in result.factors] == ["er_known", "site"]
    assert [sub.level for sub in result.factors[1].subgroups] == ["d", "c", "b", "a"]
    factor = result.factors[0]
    missing = patients["er_known"].isna()
    assert factor.n_missing == missing.sum() == 42
    assert factor.n_event_missing == patients.loc[missing, "event"].sum()
    assert sum(sub.n for sub in factor.subgroups) + factor.n_missing == result.n == 300
    assert interaction_of(result, "er_known").n == 258


def test_a_subgroup_without_events_in_a_group_is_a_failure_and_the_others_stand(
    patients: pd.DataFrame,
) -> None:
    data = patients.copy()
    data.loc[(data["site"] == "d") & (data["group"] == "positive"), "event"] = 0
    sites = {"name": "site", "levels": ["a", "b", "c", "d"]}
    result = asked(data, factors=[sites], terms=["age"])
    gone = effect_at(result, "d", "positive")
    assert gone.estimate is None
    assert "no events" in str(gone.reason)
    assert [(f.term, f.group) for f in result.failures] == [("site=d", "positive")]
    assert effect_at(result, "d", "low").estimate is not None
    assert interaction_of(result, "site").df == 6  # at its limit the product still counts
    values = [r for r in result.records("forest") if r.level == "d" and r.group == "positive"]
    ratio = next(r for r in values if r.quantity == "hazard_ratio")
    assert ratio.status == "not_estimable"


def test_cells_without_patients_lower_the_degrees_of_freedom(patients: pd.DataFrame) -> None:
    sites = {"name": "site", "levels": ["a", "b", "c", "d"]}
    data = patients[~((patients["site"] == "d") & (patients["group"] != "low"))]
    result = asked(data, factors=[sites], terms=["age"])
    assert interaction_of(result, "site").df == 4
    reasons = {e.group: e.reason for e in result.effects if e.level == "d"}
    assert reasons["low"] == "nobody of the reference group is in this subgroup"
    assert reasons["positive"] == "nobody of the group"


def test_one_subgroup_has_no_test_and_says_so(patients: pd.DataFrame) -> None:
    data = patients[patients["er"] == "no"]
    result = asked(data, factors=[ER])
    test = interaction_of(result, "er")
    assert test.p_value is None
    assert "no two subgroups" in str(test.reason)
    assert "one_subgroup" in [finding.rule for finding in result.findings]


def test_a_subgroup_that_lacks_the_reference_of_another_term_takes_the_next(
    patients: pd.DataFrame,
) -> None:
    data = patients[~((patients["er"] == "no") & (patients["site"] == "a"))]
    sites = {"name": "site", "levels": ["a", "b", "c", "d"], "reference": "a"}
    result = asked(data, factors=[ER], terms=[sites])
    rows = data[data["er"] == "no"]
    alone = asked(
        rows,
        factors=[{"name": "grade", "levels": [1, 2, 3]}],
        terms=[{"name": "site", "levels": ["b", "c", "d"]}],
    )
    found, wanted = effect_at(result, "no", "low"), effect_at(alone, None, "low")
    assert found.estimate == pytest.approx(wanted.estimate, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"factors": ["age"]}, "a number makes no subgroups"),
        ({"factors": ["group"]}, "'group' is the column that is compared"),
        ({"factors": [ER], "terms": [GROUP]}, "'group' is the column that is compared"),
        ({"factors": [ER], "strata": "er"}, "is a stratum as well"),
        ({"factors": [ER], "reference": "lo"}, "Did you mean 'low'"),
        ({"factors": [{"name": "age", "cut": [60, 50]}]}, "finite numbers that rise"),
        ({"factors": [{"name": "er", "cut": [1]}]}, "not numbers"),
        ({"factors": [ER, ER]}, "stands twice"),
        ({"factors": []}, "none was given"),
        ({"factors": ["ar"]}, "not in the table"),
        ({"factors": [{"name": "er", "levles": ["no"]}]}, "unknown key 'levles'"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    options: dict[str, Any], said: str, patients: pd.DataFrame
) -> None:
    with pytest.raises(AnalysisError, match=said):
        asked(patients, **options)


def test_the_tidy_tables_and_records_agree(patients: pd.DataFrame) -> None:
    result = asked(patients, **CASES["plain"], adjust="bh")
    records = {r.id: r for r in result.records("forest")}
    row = result.summary.iloc[2]
    ratio = records["forest/hazard_ratio/low/site_level/a/zero"]
    assert ratio.estimate == row["hazard_ratio"]
    assert ratio.n == row["n"] + row["n_reference"]
    assert records["forest/subgroup_not_known/er_known"].n == 42
    assert len(result.interactions) == 12
    assert result.to_dict()["factors"][0]["interaction"]["df"] == 6
    assert "Subgroups" in result._repr_html_()
