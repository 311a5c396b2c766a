"""A treatment by group against R's coxph, anova and survfit, by hand, and where it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.treatment_by_group import treatment_effect
from analyses.results.treatment_by_group import TreatmentByGroup
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUP = {"name": "group", "levels": ["zero", "low", "positive"]}
TREATED = {"name": "er", "levels": ["no", "yes"]}
CASES: dict[str, dict[str, Any]] = {
    "adjusted": {"terms": ["age", "grade"]},
    "weighted": {"weights": "weight"},
}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


def asked(data: pd.DataFrame, **options: Any) -> TreatmentByGroup:
    given = {"treatment": TREATED, "by": GROUP, "at": [4, 8]} | options
    return treatment_effect(data, time="time", event="event", **given)


@pytest.mark.parametrize("case", CASES)
def test_everything_equals_r(case: str, patients: pd.DataFrame) -> None:
    result = asked(patients, **CASES[case])
    table = pd.read_csv(REFERENCE / "treatment_by_group.csv")
    table = table[table["case"] == case]

    def expected(quantity: str) -> pd.DataFrame:
        own = table[table["quantity"] == quantity]
        return own if own["time"].isna().all() else own.sort_values("time", kind="stable")

    hazard = [result.overall, *result.effects]
    absolute = [e.difference for e in result.absolute]
    for quantity, found in (
        ("log_hr", hazard), ("log_ratio", result.ratios), ("difference", absolute),
    ):  # fmt: skip
        wanted = expected(quantity)
        for name in ("estimate", "std_error"):
            values = [getattr(one, name) for one in found]
            np.testing.assert_allclose(values, wanted[name], rtol=1e-8, atol=1e-12)
    for arm in ("treated", "untreated"):
        values = [getattr(e, arm) for e in result.absolute]
        np.testing.assert_allclose(values, expected(arm)["estimate"], rtol=1e-10)
    statistic = float(expected("interaction")["estimate"].iloc[0])
    assert result.interaction.statistic == pytest.approx(statistic, rel=1e-8)
    assert result.interaction.df == 2
    assert result.estimand == ("marginal" if case == "weighted" else "conditional")


def test_a_ratio_against_another_group_is_the_difference_of_two(patients: pd.DataFrame) -> None:
    first = {r.group: r for r in asked(patients).ratios}
    other = {r.group: r for r in asked(patients, reference="low").ratios}
    assert list(other) == ["zero", "positive"]
    low, positive = first["low"].estimate, first["positive"].estimate
    assert low is not None
    assert positive is not None
    assert other["zero"].estimate == pytest.approx(-low, rel=1e-10)
    assert other["zero"].std_error == pytest.approx(first["low"].std_error, rel=1e-10)
    assert other["positive"].estimate == pytest.approx(positive - low, rel=1e-10)


def eight() -> pd.DataFrame:
    """In zero the treated live longer, in low they do not; nobody of the two meets the other."""
    return pd.DataFrame(
        {
            "her2": ["zero"] * 4 + ["low"] * 4,
            "given": [False, True, False, True, True, False, True, False],
            "entry": [0.0] * 4 + [10.0] * 4,
            "time": [1.0, 2.0, 3.0, 4.0, 11.0, 12.0, 13.0, 14.0],
            "event": True,
        }
    )


def test_mirrored_groups_by_hand() -> None:
    """Hazard ratios, their ratio and the interaction of two mirrored groups, on paper.

    In zero untreated, treated, untreated, treated die in turn: the partial likelihood of the
    treated's ratio h is 1/(2 + 2h) * h/(2h + 1) * 1/(1 + h) * 1, largest where
    1/h - 2/(1 + h) - 2/(2h + 1) = 0, that is 4h^2 + h - 1 = 0: h = (sqrt 17 - 1)/8. In low the
    arms have changed places: 1/h. So the ratio of the two is 1/h^2, and since 1/h = (1 + sqrt 17)/2
    is the case of the subgroups by hand, the likelihood ratio is 4 log(24 L(1/h)).
    """
    result = treatment_effect(
        eight(),
        time="time",
        event="event",
        entry="entry",
        treatment="given",
        by={"name": "her2", "levels": ["zero", "low"]},
    )
    h = (np.sqrt(17) - 1) / 8
    zero, low = result.effects
    assert zero.estimate == pytest.approx(np.log(h), rel=1e-12)
    assert low.estimate == pytest.approx(-np.log(h), rel=1e-12)
    (ratio,) = result.ratios
    assert ratio.estimate == pytest.approx(-2 * np.log(h), rel=1e-10)
    height = 1 / ((2 + 2 * h) * (1 + h)) * h / (2 * h + 1)
    assert result.interaction.statistic == pytest.approx(4 * np.log(24 * height), rel=1e-10)
    assert result.estimand == "unadjusted"


def test_absolute_differences_and_their_test_by_hand() -> None:
    """Of 4 treated 1 dies and of 4 untreated 2 by time 5; in the other group 2 and 2.

    Survival 3/4 and 1/2 with Greenwood 3/64 and 1/16: the difference 1/4 has the variance 7/64.
    The other difference is 0 with 1/8. Their weighted mean is (16/7)/(64/7 + 8), and the squares
    about it come to (1/4)^2/(7/64 + 8/64) = 4/15.
    """
    died = {("a", True): 1, ("a", False): 2, ("b", True): 2, ("b", False): 2}
    rows = [
        (group, given, 1.0 + i if i < n else 9.0, i < n)
        for (group, given), n in died.items()
        for i in range(4)
    ]
    data = pd.DataFrame(rows, columns=["half", "given", "time", "event"])
    result = treatment_effect(
        data,
        time="time",
        event="event",
        treatment="given",
        by={"name": "half", "levels": ["a", "b"]},
        at=[5],
    )
    first, second = result.absolute
    assert (first.treated, first.untreated) == (0.75, 0.5)
    assert first.difference.std_error == pytest.approx(np.sqrt(7 / 64))
    assert second.difference.estimate == 0
    (test,) = result.absolute_tests
    assert test.statistic == pytest.approx(4 / 15)


def test_every_patient_twice_in_one_cluster_adds_nothing(patients: pd.DataFrame) -> None:
    """Of clusters of one the jackknife is that of weights that are alike, whatever they are."""
    single = asked(patients.assign(id=range(300)), cluster="id")
    twice = asked(pd.concat([patients.assign(id=range(300))] * 2), cluster="id")
    weighted = asked(patients.assign(half=0.5), weights="half")
    for other in (twice, weighted):
        for one, two in zip(single.absolute, other.absolute, strict=True):
            assert two.difference.estimate == pytest.approx(one.difference.estimate)
            assert two.difference.std_error == pytest.approx(one.difference.std_error)
        for first, second in zip(single.absolute_tests, other.absolute_tests, strict=True):
            assert second.statistic == pytest.approx(first.statistic)


def test_clusters_with_patients_of_both_groups_by_hand() -> None:
    """Pairs of one patient of each group and a like fate: the groups' differences are the same.

    In each group 1 of 4 treated and 2 of 4 untreated die by time 5. Without censoring a row's
    influence is (alive - S)/4, so the variance of an arm is S(1 - S)/4: 3/64 + 1/16 = 7/64. The
    difference of the two differences has no variance at all, so there is no test.
    """
    fates = [(True, 1.0)] + [(True, 9.0)] * 3 + [(False, 1.0)] * 2 + [(False, 9.0)] * 2
    data = pd.DataFrame(
        [(half, pair, *fate, fate[1] < 5) for half in "ab" for pair, fate in enumerate(fates)],
        columns=["half", "pair", "given", "time", "event"],
    )
    by = {"name": "half", "levels": ["a", "b"]}
    result = treatment_effect(
        data, time="time", event="event", treatment="given", by=by, at=[5], cluster="pair"
    )
    assert result.variance == "clustered infinitesimal jackknife"
    for effect in result.absolute:
        assert effect.difference.std_error == pytest.approx(np.sqrt(7 / 64))
    assert "too few clusters" in str(result.absolute_tests[0].reason)


def test_weights_within_strata_are_conditional(patients: pd.DataFrame) -> None:
    assert asked(patients, weights="weight", strata="grade").estimand == "conditional"


def test_a_treatment_that_starts_later_is_refused_with_three_ways_out(
    patients: pd.DataFrame,
) -> None:
    begun = np.where(patients["er"] == "yes", 0.0, np.nan)
    data = patients.assign(began=begun)
    assert asked(data, start="began").overall.estimate is not None
    data.loc[data["er"] == "yes", "began"] = 2.0
    with pytest.raises(AnalysisError, match="began after time zero") as refused:
        asked(data, start="began")
    advice = refused.value.problems[0].advice
    for way in ("landmark", "start-stop", "cloning, censoring and weighting"):
        assert way in advice
    data.loc[data["er"] == "yes", "began"] = np.nan
    with pytest.raises(AnalysisError, match="on a day that is not known"):
        asked(data, start="began")


def test_a_group_with_one_arm_has_its_reasons_and_the_others_stand(patients: pd.DataFrame) -> None:
    data = patients[~((patients["group"] == "positive") & (patients["er"] == "yes"))]
    result = asked(data)
    gone = result.effects[2]
    assert gone.estimate is None
    assert result.effects[1].estimate is not None
    assert result.interaction.df == 1
    ratio = result.ratios[1]
    assert ratio.estimate is None
    assert ratio.reason == "one arm of a group has no patients"
    assert {f.group for f in result.failures} >= {"yes", "positive"}
    assert result.absolute_tests[0].reason == "a group has no difference with an error"
    result.records("t")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"treatment": {"name": "site", "levels": ["a", "b", "c", "d"]}}, "4 levels"),
        ({"reference": "lo"}, "Did you mean 'low'"),
        ({"at": [0]}, "Finite times above 0"),
        ({"by": TREATED}, "'er' is the column that is compared"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    options: dict[str, Any], said: str, patients: pd.DataFrame
) -> None:
    with pytest.raises(AnalysisError, match=said):
        asked(patients, **options)


def test_the_forest_stands_at_the_ratios(patients: pd.DataFrame) -> None:
    result = asked(patients)
    artists = result.plot()
    squares = {mark.key: mark.square for mark in artists.marks}
    for effect in result.effects:
        square = squares[str(effect.level),]
        assert square is not None
        assert square.get_xdata()[0] == pytest.approx(effect.hazard_ratio[0])
    shown = [text.get_text() for _, _, text in artists.cells]
    assert "10.8 (−8.8 to 30.4)" in shown or "10.8 (-8.8 to 30.4)" in shown
    assert "unadjusted Kaplan-Meier" in " ".join(text.get_text() for text in artists.notes)
    assert "Forest plot" in artists.alt


def test_summary_and_html_hold_the_numbers(patients: pd.DataFrame) -> None:
    result = asked(patients)
    assert list(result.summary["by"].iloc[1:]) == ["zero", "low", "positive"]
    assert len(result.differences) == 6
    assert result.to_dict()["estimand"] == "unadjusted"
    assert "unadjusted hazard" in result._repr_html_()
