"""The Cox model against R's survival (tests/reference/cox.R writes the expected numbers)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cox_cases import CASES, ER, GROUP, LEVELS, PLAIN, TIED

from analyses.estimators.cox import cox, univariable_cox
from analyses.results.cox import CoxModel
from analyses.results.records import checked
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NEW = pd.DataFrame({"group": ["low"], "age": [55.0], "grade": [3], "site": ["b"], "shift": [0.2]})
TIMES = [2.0, 5.0, 9.0, 14.0]


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


@pytest.fixture(scope="module")
def expected() -> Any:
    table = pd.read_csv(REFERENCE / "cox_expected.csv")

    def values(case: str, quantity: str) -> np.ndarray[Any, Any]:
        rows = table[(table["case"] == case) & (table["quantity"] == quantity)]
        return rows.sort_values("index")["value"].to_numpy(dtype=float)

    return values


def close(found: Any, wanted: Any, tolerance: float = 1e-8) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float), wanted, rtol=tolerance, atol=1e-12)


def estimates(model: CoxModel) -> list[float | None]:
    return [c.estimate for c in model.estimated]


def errors(model: CoxModel) -> list[float | None]:
    return [c.std_error for c in model.estimated]


def concordance(model: CoxModel) -> list[float | None]:
    c = model.concordance
    counts = [c.concordant, c.discordant, c.tied_x, c.tied_y, c.tied_xy]
    return [*counts, c.estimate, c.std_error]


def statistics(model: CoxModel) -> dict[str, float]:
    return {test.name: test.statistic for test in model.tests}


def agrees(model: CoxModel, case: str, expected: Any) -> None:
    """Everything that R says of the fit, except predictions."""
    close(estimates(model), expected(case, "coefficient"))
    close(errors(model), expected(case, "std_error"))
    fit = [model.log_likelihood, model.log_likelihood_null]
    close(fit, expected(case, "log_likelihood"), 1e-11)
    kept = 6 if "counts" in case else 7  # R takes a row of counts as one unit in the error
    close(concordance(model)[:kept], expected(case, "concordance")[:kept])
    found = statistics(model)
    close(found["wald"], expected(case, "wald")[0])
    if model.has_likelihood:
        close(found["likelihood_ratio"], expected(case, "likelihood_ratio")[0])
        close(found["score"], expected(case, "score")[0])
        assert model.aic is not None
        close(model.aic, expected(case, "aic")[0])
    else:
        assert set(found) == {"wald"}
        assert model.aic is None
        assert model.bic is None
    if model.robust:
        close(np.sqrt(np.diag(model.covariance_model)), expected(case, "std_error_model"))


@pytest.mark.parametrize("case", CASES)
def test_fit_agrees_with_coxph(case: str, patients: pd.DataFrame, expected: Any) -> None:
    agrees(cox(patients, **CASES[case]), case, expected)


PREDICTED = [case for case, asked in CASES.items() if asked["terms"] is PLAIN]


@pytest.mark.parametrize("case", PREDICTED)
def test_predicted_survival_agrees_with_survfit(
    case: str, patients: pd.DataFrame, expected: Any
) -> None:
    times = [3 * t for t in TIMES] if case == "no_ties" else TIMES
    found = cox(patients, **CASES[case]).predict_survival(NEW, times)
    close(found["estimate"], expected(case, "survival"))
    close(found["std_error"], expected(case, "survival_error"))
    close(found["conf_low"], expected(case, "survival_low"))
    close(found["conf_high"], expected(case, "survival_high"))


def test_bic_counts_events_and_agrees_with_r(patients: pd.DataFrame, expected: Any) -> None:
    model = cox(patients, **CASES["entry"])
    close(model.bic, expected("entry", "bic")[0])


def test_baseline_is_at_the_reference_values_by_stratum(
    patients: pd.DataFrame, expected: Any
) -> None:
    base = cox(patients, **CASES["strata"]).baseline
    assert base.strata == ("a", "b", "c", "d")
    close(base.time, expected("strata", "baseline_time"))
    close(base.cumulative_hazard, expected("strata", "baseline_hazard"))


def test_spline_has_harrells_knots(patients: pd.DataFrame, expected: Any) -> None:
    close(cox(patients, **CASES["spline"]).terms[0].knots, expected("spline", "knots"))


@pytest.mark.parametrize(
    ("case", "arguments"),
    [
        ("level_without_events", {"time": "time", "event": "event_no_positive"}),
        (
            "level_without_events_entry",
            {"time": "time", "event": "event_no_positive", "entry": "entry", "strata": "site"}
            | {"ties": "breslow"},
        ),
    ],
)
def test_level_without_events_is_named_and_the_others_are_rs_limit(
    case: str, arguments: dict[str, Any], patients: pd.DataFrame, expected: Any
) -> None:
    model = cox(patients, terms=PLAIN, **arguments)
    others = [0, 2, 3]
    close(estimates(model), expected(case, "coefficient")[others])
    close(errors(model), expected(case, "std_error")[others])
    fit = [model.log_likelihood, model.log_likelihood_null]
    close(fit, expected(case, "log_likelihood"), 1e-10)
    close(concordance(model), expected(case, "concordance"))
    close(statistics(model)["likelihood_ratio"], expected(case, "likelihood_ratio")[0])
    close(statistics(model)["score"], expected(case, "score")[0])
    (failure,) = model.failures
    n = int((patients["group"] == "positive").sum())
    assert (failure.term, failure.group, failure.n, failure.n_event) == ("group", "positive", n, 0)
    assert "Merge the level" in failure.advice
    (lost,) = [c for c in model.coefficients if c.status == "not_estimable"]
    assert (lost.level, lost.estimate, lost.std_error) == ("positive", None, None)
    assert lost.reason == f"no finite estimate: {n} patients and no events at this level"


def test_reference_without_events_leaves_the_other_terms_as_rs_limit(
    patients: pd.DataFrame, expected: Any
) -> None:
    case = "reference_without_events"
    model = cox(patients, time="time", event="event_no_zero", terms=PLAIN)
    assert [c.term for c in model.estimated] == ["age", "grade"]
    close(estimates(model), expected(case, "coefficient")[2:])
    close(errors(model), expected(case, "std_error")[2:])
    close(model.log_likelihood, expected(case, "log_likelihood")[0], 1e-10)
    close(concordance(model), expected(case, "concordance"))
    close(statistics(model)["score"], expected(case, "score")[0])
    assert [(f.term, f.group) for f in model.failures] == [("group", "low"), ("group", "positive")]
    assert "Choose another reference" in model.failures[0].advice
    assert (model.baseline.cumulative_hazard == 0).all()
    predicted = model.predict_survival(NEW, [5.0])
    assert predicted["estimate"].isna().all()


def test_level_in_which_everyone_dies_first_is_found_by_the_search() -> None:
    frame = pd.DataFrame(
        {
            "t": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
            "e": [1, 1, 1, 1, 1, 0, 1, 1],
            "early": [True, True, True, False, False, False, False, False],
            "x": [0.3, -1.0, 0.4, 1.0, -0.2, 0.5, 0.1, -0.7],
        }
    )
    model = cox(frame, time="t", event="e", terms=["early", "x"])
    (lost,) = [c for c in model.coefficients if c.status == "not_estimable"]
    assert (lost.term, lost.level) == ("early", "True")
    assert lost.reason == "no finite estimate: it goes to plus infinity"
    # in the limit the early rows are compared among themselves, the late ones among themselves
    start_late = frame.assign(entry=[0.0, 0, 0, 3, 3, 3, 3, 3])
    apart = cox(start_late, time="t", event="e", entry="entry", terms=["x"])
    assert [c.term for c in model.estimated] == ["x"]
    close(estimates(model), estimates(apart))
    close(errors(model), errors(apart))


def test_summary_has_reference_rows_and_both_scales(patients: pd.DataFrame) -> None:
    table = cox(patients, **CASES["efron"]).summary
    assert list(table["level"][:3]) == LEVELS
    reference = table.iloc[0]
    assert (reference["estimate"], reference["hazard_ratio"]) == (0.0, 1.0)
    assert reference["reason"] == "reference"
    assert np.isnan(reference["hazard_ratio_low"])
    low = table.iloc[1]
    close(low["hazard_ratio"], np.exp(low["estimate"]))
    close(low["hazard_ratio_high"], np.exp(low["conf_high"]))
    assert list(table["n"][:3]) == [int((patients["group"] == g).sum()) for g in LEVELS]
    deaths = patients.groupby("group")["event"].sum()
    assert list(table["n_event"][:3]) == [int(deaths[g]) for g in LEVELS]


def test_limits_are_normal_theory_at_the_level_asked_for(patients: pd.DataFrame) -> None:
    low = cox(patients, **CASES["efron"], conf_level=0.9).estimated[0]
    assert low.estimate is not None
    assert low.std_error is not None
    close(low.conf_high, low.estimate + 1.6448536269514722 * low.std_error)


def test_term_test_takes_all_levels_together(patients: pd.DataFrame) -> None:
    model = cox(patients, **CASES["efron"])
    beta = np.array(estimates(model)[:2], dtype=float)
    own = model.covariance[:2, :2]
    row = model.term_tests.iloc[0]
    assert (row["term"], row["df"]) == ("group", 2)
    close(row["statistic"], beta @ np.linalg.inv(own) @ beta)


def test_incomplete_rows_are_counted_by_column(patients: pd.DataFrame) -> None:
    gaps = patients.copy()
    gaps.loc[[0, 1, 2], "age"] = np.nan
    gaps.loc[[2, 3], "group"] = None
    model = cox(gaps, **CASES["efron"])
    assert (model.n, model.n_input) == (296, 300)
    assert dict(model.n_missing) == {"age": 3, "group": 2}
    close(estimates(model), estimates(cox(patients.drop(index=[0, 1, 2, 3]), **CASES["efron"])))


def test_univariable_models_use_their_own_complete_rows(patients: pd.DataFrame) -> None:
    gaps = patients.copy()
    gaps.loc[[0, 1, 2], "age"] = np.nan
    terms = [*PLAIN, ER, {"interaction": ["group", "er"]}]
    models = univariable_cox(gaps, **TIED, terms=terms)
    assert [model.terms[0].name for model in models] == ["group", "age", "grade", "er"]
    assert [model.n for model in models] == [300, 297, 300, 300]
    close(estimates(models[0]), estimates(cox(patients, **TIED, terms=[GROUP])))


def test_few_events_for_the_parameters_is_a_finding(patients: pd.DataFrame) -> None:
    few = patients.assign(event=patients["event"] * (np.arange(300) < 45))
    (finding,) = cox(few, **CASES["efron"]).findings
    assert finding.rule == "few_events_per_parameter"
    assert finding.n == few["event"].sum() < 40
    assert cox(patients, **CASES["efron"]).findings == ()


def test_constant_column_is_named_and_the_rest_reported(patients: pd.DataFrame) -> None:
    model = cox(patients.assign(same=0.1), **TIED, terms=[*PLAIN, "same"])
    (failure,) = model.failures
    assert failure.term == "same"
    assert "same in every row" in failure.reason
    close(estimates(model), estimates(cox(patients, **CASES["efron"])))
    assert model.n_parameters == 4


def test_combination_without_rows_is_named_and_the_rest_is_the_smaller_model(
    patients: pd.DataFrame,
) -> None:
    rest = patients[(patients["group"] != "positive") | (patients["er"] == "no")]
    arguments = CASES["interaction"]
    model = cox(rest, **arguments)
    (failure,) = model.failures
    assert (failure.term, failure.group, failure.n) == ("group × er", "positive × yes", 0)
    assert failure.reason == "no row holds this combination of levels"
    both = ((rest["group"] == "low") & (rest["er"] == "yes")).astype(float)
    smaller = cox(rest.assign(both=both), **TIED, terms=[GROUP, ER, "age", "both"])
    close(estimates(model), estimates(smaller))


def test_column_constant_within_every_stratum_is_named(patients: pd.DataFrame) -> None:
    site = {"name": "site", "levels": ["a", "b", "c", "d"]}
    model = cox(patients, **TIED, terms=[*PLAIN, site], strata="site")
    assert {failure.group for failure in model.failures} == {"b", "c", "d"}
    close(estimates(model), estimates(cox(patients, **CASES["strata"])))


def test_category_with_one_level_left_is_a_failure(patients: pd.DataFrame) -> None:
    low = patients[patients["group"] == "low"]
    model = cox(low, **TIED, terms=PLAIN)
    (failure,) = model.failures
    assert (failure.term, failure.group, failure.n) == ("group", "low", len(low))
    close(estimates(model), estimates(cox(low, **TIED, terms=["age", "grade"])))
    alone = cox(low, **TIED, terms=[GROUP])
    assert alone.tests == ()
    assert alone.log_likelihood == alone.log_likelihood_null
    assert alone.concordance.estimate == 0.5


def test_collinear_columns_are_refused_by_name(patients: pd.DataFrame) -> None:
    twice = patients.assign(months=patients["age"] * 12 + 5)
    with pytest.raises(AnalysisError, match="months: is fully determined by age"):
        cox(twice, **TIED, terms=[*PLAIN, "months"])


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({"event": 0}, {}, "none of the 300 complete rows has an event"),
        ({}, {"ties": "exact"}, "Allowed: efron, breslow"),
        ({}, {"conf_level": 95}, "between 0 and 1"),
        ({}, {"cluster": "facility", "robust": False}, "Clusters act through the robust"),
        ({}, {"weights": "weight", "robust": False}, "not counts"),
        ({"weight": 0.0}, {"weights": "weight"}, "300 weights are 0"),
        ({"shift": "a"}, {"offset": "shift"}, "offset must be finite numbers"),
        ({}, {"time": "tmie"}, "Did you mean 'time'"),
    ],
)
def test_impossible_requests_are_refused_with_what_to_do(
    change: dict[str, Any], arguments: dict[str, Any], message: str, patients: pd.DataFrame
) -> None:
    with pytest.raises(AnalysisError, match=message):
        cox(patients.assign(**change), **{**TIED, "terms": PLAIN, **arguments})


def test_prediction_is_null_past_follow_up_and_refuses_what_it_does_not_know(
    patients: pd.DataFrame,
) -> None:
    model = cox(patients, **CASES["strata"])
    late = model.predict_survival(NEW, [0.0, 1e6])
    assert late["estimate"].iloc[0] == 1.0
    assert late.drop(columns=["row", "time"]).iloc[1].isna().all()
    with pytest.raises(AnalysisError, match="absent or incomplete: age"):
        model.predict_survival(NEW.drop(columns="age"), [1.0])
    with pytest.raises(AnalysisError, match="did not see: elsewhere"):
        model.predict_survival(NEW.assign(site="elsewhere"), [1.0])
    with pytest.raises(AnalysisError, match="did not see: ultralow"):
        model.predict_survival(NEW.assign(group="ultralow"), [1.0])


def test_records_are_distinct_finite_and_say_both_scales(patients: pd.DataFrame) -> None:
    model = cox(patients, time="time", event="event_no_positive", terms=PLAIN)
    records = checked(model.records("adjusted", "months"))
    named = {record.id: record for record in records}
    ratio = named["adjusted/hazard_ratio/group/low/zero"]
    log = named["adjusted/log_hazard_ratio/group/low/zero"]
    assert ratio.estimate is not None
    assert log.estimate is not None
    close(np.log(ratio.estimate), log.estimate)
    lost = named["adjusted/hazard_ratio/group/positive/zero"]
    assert (lost.estimate, lost.status) == (None, "not_estimable")
    assert named["adjusted/hazard_ratio/group/zero/zero"].estimate == 1.0
    assert named["adjusted/log_hazard_ratio/age"].unit == "per 1"
    assert named["adjusted/likelihood_ratio_test"].df == 4


def test_to_dict_is_plain_json(patients: pd.DataFrame) -> None:
    import json

    model = cox(patients, time="time", event="event_no_positive", terms=PLAIN)
    again = json.loads(json.dumps(model.to_dict(), allow_nan=False))
    assert again["coefficients"][2]["estimate"] is None
    assert again["n_event"] == int(patients["event_no_positive"].sum())


def test_the_frame_given_is_left_as_it_was(patients: pd.DataFrame) -> None:
    before = patients.copy(deep=True)
    cox(patients, **CASES["everything"])
    pd.testing.assert_frame_equal(patients, before)


def test_polars_frame_gives_the_same_model(patients: pd.DataFrame) -> None:
    import polars as pl

    found = cox(pl.from_pandas(patients), **CASES["efron"])
    assert estimates(found) == estimates(cox(patients, **CASES["efron"]))
