from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses import cause_specific_cox, cox, cumulative_incidence, fine_gray
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
STATES = {"name": "cause", "levels": ["0", "1", "2"]}
GROUP = {"name": "group", "levels": ["1", "2", "3"]}
ASKED: dict[str, Any] = {"time": "time", "state": STATES, "cause": "1", "terms": [GROUP, "age"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "other_cause": {"cause": "2"},
    "ties": {"terms": [GROUP, "x"]},
    "whole": {"weights": "whole"},
    "share": {"weights": "share"},
    "strata": {"strata": "half"},
    "strata_share": {"strata": "half", "weights": "share"},
    "cluster": {"cluster": "site"},
    "entry": {"entry": "entry"},
    "entry_strata": {"entry": "entry", "strata": ["half"]},
}


def rows(case: str = "plain") -> pd.DataFrame:
    if case == "ties":
        frame = pd.read_csv(REFERENCE / "competing_ties.csv")
        return frame.astype({"cause": str, "group": str})
    frame = pd.read_csv(REFERENCE / "competing_rows.csv")
    half = np.where(frame["stratum"] == 1, "first", "others")
    return frame.assign(half=half).astype({"cause": str, "group": str})


@pytest.mark.parametrize("case", CASES)
def test_coefficients_and_errors_equal_those_of_r(case: str) -> None:
    r = pd.read_csv(REFERENCE / "fine_gray.csv")
    r = r[r["case"] == case].set_index(["quantity", "term"])
    result = fine_gray(rows(case), **ASKED | CASES[case])
    assert len(result.estimated) == 3
    for c in result.estimated:
        name = c.term if c.level is None else f"{c.term}={c.level}"
        theirs = r.loc[("coefficient", name)]
        assert c.estimate == pytest.approx(theirs["estimate"], rel=1e-8)
        assert c.std_error == pytest.approx(theirs["std_error"], rel=1e-8)
        assert c.statistic == pytest.approx(theirs["estimate"] / theirs["std_error"], rel=1e-8)
    ends = r.loc[["loglik", "loglik_null"], "estimate"].tolist()
    assert [result.log_likelihood, result.log_likelihood_null] == pytest.approx(ends, rel=1e-10)


def test_predicted_incidence_equals_that_of_crr() -> None:
    r = pd.read_csv(REFERENCE / "fine_gray_predicted.csv")
    result = fine_gray(rows(), **ASKED)
    for (group, age), own in r.groupby(["group", "age"]):
        new = pd.DataFrame({"group": [str(group)], "age": [float(age)]})
        found = result.predict_incidence(new, own["time"].tolist())
        np.testing.assert_allclose(found["estimate"], own["estimate"], rtol=1e-6)


@pytest.mark.real
def test_progression_of_mgus2(real_data: Path) -> None:
    frame = pd.read_csv(real_data / "reference_survival" / "mgus2.csv")
    frame["etime"] = frame["ptime"].where(frame["pstat"] == 1, frame["futime"])
    frame["how"] = np.where(frame["pstat"] == 1, "pcm", np.where(frame["death"] == 1, "dead", "-"))
    states = {"name": "how", "levels": ["-", "pcm", "dead"]}
    terms = ["age", {"name": "sex", "levels": ["F", "M"]}, "hgb", "creat"]
    result = fine_gray(frame, time="etime", state=states, cause="pcm", terms=terms)
    r = pd.read_csv(REFERENCE / "fine_gray_real.csv")
    theirs = r[(r["case"] == "mgus2") & (r["quantity"] == "coefficient")]
    found = [c.estimate for c in result.estimated]
    assert found == pytest.approx(theirs["estimate"].tolist(), rel=1e-6)
    errors = [c.std_error for c in result.estimated]
    assert errors == pytest.approx(theirs["std_error"].tolist(), rel=1e-7)


@pytest.mark.real
def test_cause_specific_ratios_of_mgus2(real_data: Path) -> None:
    frame = pd.read_csv(real_data / "reference_survival" / "mgus2.csv")
    frame["etime"] = frame["ptime"].where(frame["pstat"] == 1, frame["futime"])
    frame["how"] = np.where(frame["pstat"] == 1, "pcm", np.where(frame["death"] == 1, "dead", "-"))
    states = {"name": "how", "levels": ["-", "pcm", "dead"]}
    terms = ["age", {"name": "sex", "levels": ["F", "M"]}, "hgb", "creat"]
    result = cause_specific_cox(frame, time="etime", state=states, cause="pcm", terms=terms)
    r = pd.read_csv(REFERENCE / "fine_gray_real.csv")
    theirs = r[(r["case"] == "cause_specific") & (r["quantity"] == "coefficient")]
    found = [c.estimate for c in result.estimated]
    assert found == pytest.approx(theirs["estimate"].tolist(), rel=1e-8)
    errors = [c.std_error for c in result.estimated]
    assert errors == pytest.approx(theirs["std_error"].tolist(), rel=1e-8)


def test_cause_specific_is_cox_with_the_others_censored() -> None:
    frame = rows()
    frame["cause"] = frame["cause"].where(frame.index > 2)
    result = cause_specific_cox(frame, **ASKED)
    event = frame["cause"].map({"0": False, "1": True, "2": False})
    theirs: Any = cox(frame.assign(e=event), time="time", event="e", terms=ASKED["terms"])
    assert result.summary.equals(theirs.summary)
    assert dict(result.n_missing) == {"cause 1": 3, "age": 12}
    with pytest.raises(AnalysisError, match="'0' is not an event"):
        cause_specific_cox(frame, **ASKED | {"cause": "0"})


@pytest.mark.real
def test_relapse_after_transplantation_as_the_datas_readme_says(real_data: Path) -> None:
    frame = pd.read_csv(real_data / "reference_survival" / "bmtcrr.csv")
    terms = [
        "Age",
        {"name": "Sex", "levels": ["F", "M"]},
        {"name": "D", "levels": ["ALL", "AML"]},
        {"name": "Phase", "levels": ["Relapse", "CR1", "CR2", "CR3"]},
        {"name": "Source", "levels": ["BM+PB", "PB"]},
    ]
    states = {"name": "Status", "levels": ["0", "1", "2"]}
    result = fine_gray(frame, time="ftime", state=states, cause="1", terms=terms)
    wanted = [-0.01846639, 0.03518198, -0.47239589, -1.10170496, -1.01990023, -0.73136403]
    found = [c.estimate for c in result.estimated]
    assert found == pytest.approx([*wanted, 0.92111897], abs=2e-8)
    assert result.estimated[0].std_error == pytest.approx(0.01188078, abs=1e-8)
    assert (result.n_event, result.n_competing, result.n) == (56, 75, 177)


@pytest.mark.real
def test_death_of_cancer_by_her2_in_metabric_as_the_datas_readme_says(real_data: Path) -> None:
    """Fine-Gray 2.02863 (1.65398-2.48815), cause-specific 2.01988 (1.65592-2.46384), incidence."""
    path = real_data / "metabric" / "brca_metabric_clinical_data.tsv"
    frame = pd.read_csv(path, sep="\t").rename(columns={"HER2 Status": "her2"})
    words = {"Living": "-", "Died of Disease": "cancer", "Died of Other Causes": "other"}
    frame["how"] = frame["Patient's Vital Status"].map(words)
    frame["months"] = frame["Overall Survival (Months)"]
    by = {"name": "her2", "levels": ["Negative", "Positive"]}
    asked: dict[str, Any] = {
        "time": "months",
        "state": {"name": "how", "levels": ["-", "cancer", "other"]},
    }
    columns = ["ratio", "ratio_low", "ratio_high"]
    model = fine_gray(frame, **asked, cause="cancer", terms=[by]).summary.iloc[1]
    found = [model[f"subdistribution_hazard_{name}"] for name in columns]
    assert found == pytest.approx([2.02863, 1.65398, 2.48815], abs=1e-5)
    rates = cause_specific_cox(frame, **asked, cause="cancer", terms=[by]).summary.iloc[1]
    found = [rates[f"hazard_{name}"] for name in columns]
    assert found == pytest.approx([2.01988, 1.65592, 2.46384], abs=1e-5)
    at = cumulative_incidence(frame, **asked, by=by).at([60, 120])
    shares = at.loc[at["level"] == "cancer", "estimate"].tolist()
    assert shares == pytest.approx([0.15287, 0.24646, 0.32103, 0.46532], abs=1e-5)


FOUR = pd.DataFrame(
    {"time": [1, 2, 3, 4], "how": ["died", "relapse", "-", "relapse"], "x": [1, 0, 1, 1]}
)
HOW = {"name": "how", "levels": ["-", "relapse", "died"]}


def test_four_patients_by_hand() -> None:
    """Death at 1 (x 1), relapse at 2 (x 0), censored at 3 (x 1), relapse at 4 (x 1).

    Nobody is censored before 3: who died stays in the risk set of 2 with weight 1. At 3 one of
    two is censored, G(4-) = 1/2, so in the risk set of 4 who died has weight 1/2.
    With h = exp(beta): at 2 S0 = 3h + 1, mean z = 3h/(3h + 1); at 4 S0 = h + h/2, z = 1.
    Score: 0 - 3h/(3h + 1) + 1 - 1 < 0 for every h: no maximum, beta goes to minus infinity.

    So let the relapse at 2 have x = 1 and the one at 4 x = 0 (x: 1 1 1 0): at 2 S0 = 3h + 1,
    z = 3h/(3h + 1); at 4 S0 = 1 + h/2, z = h/(2 + h). Score 1 - 3h/(3h + 1) - h/(2 + h) = 0:
    1/(3h + 1) = h/(2 + h), 3h^2 = 2, h = sqrt(2/3).
    Information: z(1 - z) at both times.
    """
    frame = FOUR.assign(x=[1, 1, 1, 0])
    asked: dict[str, Any] = {"time": "time", "state": HOW, "cause": "relapse", "terms": ["x"]}
    result = fine_gray(frame, **asked)
    (c,) = result.estimated
    h = math.sqrt(2 / 3)
    assert c.estimate == pytest.approx(math.log(h), rel=1e-10)
    z2, z4 = 3 * h / (3 * h + 1), h / (2 + h)
    information = z2 * (1 - z2) + z4 * (1 - z4)
    assert result.covariance_model[0, 0] == pytest.approx(1 / information, rel=1e-9)
    # Scores of the four: own event less the hazard that each has gathered. Steps 1/S0.
    s2, s4 = 1 / (3 * h + 1), 1 / (1 + h / 2)
    died = -h * (1 - z2) * s2 - h / 2 * (1 - z4) * s4
    soon = (1 - z2) - h * (1 - z2) * s2
    gone = -h * (1 - z2) * s2
    late = (0 - z4) + z2 * s2 + z4 * s4
    assert died + soon + gone + late == pytest.approx(0, abs=1e-14)
    # The censoring at 3, of two at risk: q = step x 1/2 x h (1 - z4), the one who died.
    q = s4 * h / 2 * (1 - z4)
    gone += q / 2 - q / 4
    late -= q / 4
    middle = died**2 + soon**2 + gone**2 + late**2
    assert c.std_error == pytest.approx(math.sqrt(middle) / information, rel=1e-9)
    at = result.predict_incidence(pd.DataFrame({"x": [0, 1]}), [1.5, 2, 4])["estimate"]
    both = 1 - math.exp(-s2 - s4)
    ever = 1 - math.exp(-(s2 + s4) * h)
    assert at.tolist() == pytest.approx(
        [0, 1 - math.exp(-s2), both, 0, 1 - math.exp(-s2 * h), ever]
    )
    never = fine_gray(FOUR, **asked)
    assert [f.term for f in never.failures] == ["x"]
    assert (never.estimated, never.tests) == ((), ())


def test_without_competing_events_it_is_breslow_cox_with_robust_variance() -> None:
    frame = rows().assign(event=lambda f: f["cause"] == "1")
    frame["cause"] = frame["cause"].where(frame["event"], "0")
    for options in ({}, {"strata": "half"}, {"weights": "share"}, {"cluster": "site"}):
        other: Any = cox(
            frame, time="time", event="event", terms=ASKED["terms"], ties="breslow",
            **{"robust": True} | options,
        )  # fmt: skip
        result = fine_gray(frame, **ASKED | options)
        for mine, theirs in zip(result.estimated, other.estimated, strict=True):
            assert mine.estimate == pytest.approx(theirs.estimate, rel=1e-9)
            assert mine.std_error == pytest.approx(theirs.std_error, rel=1e-9)
        assert "no_competing_event" in [f.rule for f in result.findings]


def test_delayed_entry_at_zero_alone_differs_only_where_events_tie_with_censorings() -> None:
    frame = rows().assign(start=-0.0)
    frame = frame[frame["time"] > 0].assign(time=lambda f: f["fine"])
    one = fine_gray(frame, **ASKED)
    other = fine_gray(frame, **ASKED, entry="start")
    for a, b in zip(one.estimated, other.estimated, strict=True):
        assert a.estimate == pytest.approx(b.estimate, rel=1e-9)
    assert (one.variance, other.variance) == (
        "Fine and Gray",
        "by patient, observation weights known",
    )


def test_a_level_without_events_of_the_cause_is_named_and_the_rest_stands() -> None:
    frame = rows()
    frame["cause"] = frame["cause"].where((frame["group"] != "3") | (frame["cause"] == "0"), "2")
    result = fine_gray(frame, **ASKED)
    (failure,) = result.failures
    assert (failure.kind, failure.term, failure.group) == ("fine_gray", "group", "3")
    assert "no events at this level" in failure.reason
    assert [c.level for c in result.estimated] == ["2", None]
    assert all(np.isfinite([c.estimate, c.std_error]).all() for c in result.estimated)
    new = pd.DataFrame({"group": ["3", "2"], "age": [60, 60]})
    at = result.predict_incidence(new, [20])["estimate"]
    assert np.isnan(at[0])
    assert at[1] > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cause": "3"}, "'3' is not an event of 'cause'"),
        ({"cause": "0"}, "'0' is not an event"),
        ({"terms": []}, "no term was given"),
        ({"terms": ["ege"]}, "column 'ege': not in the table"),
        ({"terms": ["age", {"name": "half"}]}, "half"),
        ({"terms": [{"name": "age", "time_varying": {"cut": [5]}}]}, "this model does not have"),
        ({"cluster": "sight"}, "column 'sight': not in the table"),
        ({"terms": ["age", "years"]}, "fine_gray: years: is fully determined by age"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(options: dict[str, Any], said: str) -> None:
    frame = rows().assign(years=lambda f: 2 * f["age"])
    with pytest.raises(AnalysisError, match=said):
        fine_gray(frame, **ASKED | options)


def test_a_cause_that_never_came_is_refused() -> None:
    states = {"name": "cause", "levels": ["0", "1", "2", "3"]}
    with pytest.raises(AnalysisError, match="none of the 84 complete rows of 'cause' has this"):
        fine_gray(rows(), **ASKED | {"state": states, "cause": "3"})


def test_a_constant_column_is_a_failure_with_a_reason() -> None:
    result = fine_gray(rows().assign(one=1.0), **ASKED | {"terms": ["age", "one"]})
    assert [(f.term, f.kind) for f in result.failures] == [("one", "fine_gray")]


def test_entry_that_leaves_nobody_to_tell_observation_is_refused() -> None:
    """Two are followed and leave by 3, the next enter at 4: all at risk then have just come."""
    frame = pd.DataFrame(
        {
            "time": [2, 3, 6, 7, 8, 9],
            "entry": [0, 0, 4, 4, 5, 5],
            "cause": ["2", "0", "1", "2", "1", "0"],
            "age": [50, 60, 40, 70, 65, 55],
        }
    )
    with pytest.raises(AnalysisError, match="2 competing events, the first at 2"):
        fine_gray(frame, **ASKED | {"terms": ["age"], "entry": "entry"})


def test_columns_of_the_summary_and_records() -> None:
    result = fine_gray(rows(), **ASKED)
    table = result.summary.set_index(["term", "level"])
    ratio = table.loc[("group", "2"), "subdistribution_hazard_ratio"]
    assert ratio == pytest.approx(math.exp(0.73267990949651607), rel=1e-8)
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert (plain["cause"], plain["competing"]) == ("1", ["2"])
    records = {r.id: r for r in result.records("f")}
    record = records["f/subdistribution_hazard_ratio/group/3/1"]
    assert record.conf_low is not None
    assert record.conf_low < record.estimate < record.conf_high
    assert records["f/wald_test/1"].df == 3
    assert records["f/term_test/group"].df == 2
    assert records["f/competing_events"].n_event == result.n_competing
    assert records["f/fine_gray_rows_missing/age"].n == 12


@pytest.mark.parametrize("new", [{"group": ["1"]}, {"group": ["4"], "age": [5]}, {"group": []}])
def test_prediction_for_patients_that_the_model_does_not_know_is_refused(new: Any) -> None:
    with pytest.raises(AnalysisError):
        fine_gray(rows(), **ASKED).predict_incidence(pd.DataFrame(new), [10])


# --- laws ---------------------------------------------------------------------------------------

PATIENT = st.tuples(
    st.integers(0, 9), st.sampled_from("012"), st.integers(1, 3), st.integers(-2, 2)
)
PATIENTS = st.lists(PATIENT, min_size=12, max_size=40)


def estimates(frame: pd.DataFrame, **options: Any) -> np.ndarray | None:
    """Coefficient and standard error, or None where there is no estimate."""
    if not (frame["cause"] == "1").any() or frame["x"].nunique() < 2:
        return None
    try:
        result = fine_gray(frame, time="time", state=STATES, cause="1", terms=["x"], **options)
    except AnalysisError:
        return None
    if not result.estimated:
        return None
    (c,) = result.estimated
    return np.array([c.estimate, c.std_error])


def table(patients: Any) -> pd.DataFrame:
    return pd.DataFrame(patients, columns=["time", "cause", "w", "x"])


@settings(max_examples=40)
@given(PATIENTS)
def test_neither_order_nor_scale_nor_a_constant_matter(patients: Any) -> None:
    frame = table(patients)
    one = estimates(frame)
    if one is None:
        return
    for other in (frame[::-1], frame.assign(time=2 * frame["time"]), frame.assign(x=frame["x"] + 7),
                  frame.assign(time=frame["time"] + 1)):  # fmt: skip
        found = estimates(other)
        assert found is not None
        np.testing.assert_allclose(found, one, rtol=1e-6, atol=1e-7)


@settings(max_examples=40)
@given(PATIENTS)
def test_a_whole_weight_equals_repeated_patients(patients: Any) -> None:
    frame = table(patients)
    one = estimates(frame, weights="w")
    other = estimates(frame.loc[frame.index.repeat(frame["w"])])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_without_terms_that_matter_prediction_is_near_the_incidence_itself() -> None:
    rng = np.random.default_rng(20250131)
    n = 4000
    frame = pd.DataFrame({"time": rng.integers(1, 60, n), "cause": rng.choice(list("012"), n)})
    frame["x"] = rng.normal(size=n)
    result = fine_gray(frame, time="time", state=STATES, cause="1", terms=["x"])
    curve = cumulative_incidence(frame, time="time", state=STATES)
    wanted = curve.at([10, 30, 50])
    wanted = wanted[wanted["level"] == "1"]["estimate"]
    found = result.predict_incidence(pd.DataFrame({"x": [0.0]}), [10, 30, 50])["estimate"]
    np.testing.assert_allclose(found, wanted, atol=0.01)
