"""A Cox model over imputations: as mice pools coxph of the same completed data, and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyses.imputation.imputed_cox import imputed_cox
from analyses.results.frozen import frozen
from analyses.results.imputations import ImputedColumn
from cohort.errors import AnalysisError
from tests.analyses.imputed_rows import REFERENCE, imputations, incomplete, made

TERMS = [{"name": "age", "per": 10}, "grade", "receptor"]


@pytest.fixture(scope="module")
def pooled():
    return imputed_cox(incomplete(), imputations(), time="time", event="event", terms=TERMS)


def test_coefficients_as_mice_pools_them(pooled):
    expected = pd.read_csv(REFERENCE / "imputed_cox.csv")
    found = pooled.summary[pooled.summary["reason"].isna()].reset_index(drop=True)
    assert list(expected["term"]) == ["age", "grade2", "grade3", "receptor"]
    for name in ("estimate", "std_error", "df", "riv", "fmi"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-8, err_msg=name)


def test_tests_of_several_coefficients_as_mitml(pooled):
    expected = pd.read_csv(REFERENCE / "imputed_tests.csv").set_index("name")
    tests = dict(zip(("all_d1", "all_d2"), pooled.tests, strict=True))
    _, one, two = next(t for t in pooled.term_tests if t[0] == "grade")
    tests |= {"grade_d1": one, "grade_d2": two}
    for name, test in tests.items():
        for part in ("statistic", "df_residual", "riv", "p_value"):
            value = getattr(test, part)
            assert value == pytest.approx(expected.loc[name, part], rel=1e-7), (name, part)


def test_the_covariance_has_the_standard_errors_on_its_diagonal(pooled):
    errors = [c.std_error for c in pooled.estimated]
    np.testing.assert_allclose(np.sqrt(np.diag(pooled.covariance)), errors, rtol=1e-12)


def test_six_patients_by_hand():
    """Times 1..6, events at 1, 2, 3, 4; patient 6 lacks x, drawn as 0 and as 1.

    x = 1, 0, 1, 0, 0 and then 0 or 1. Newton's equation of each: with r = exp(b),
    0 drawn: 2 = r/(2r+4)*2 ... solved here by bisection on the score, which is written out.
    """
    frame = pd.DataFrame(
        {"time": [1.0, 2, 3, 4, 5, 6], "event": [1, 1, 1, 1, 0, 0], "x": [1.0, 0, 1, 0, 0, np.nan]}
    )

    def score_and_information(b, last):
        x = np.array([1, 0, 1, 0, 0, last], dtype=float)
        score = information = 0.0
        for t in range(4):
            weight = np.exp(b * x[t:])
            mean = (weight * x[t:]).sum() / weight.sum()
            score += x[t] - mean
            information += mean * (1 - mean)
        return score, information

    expected = []
    for last in (0.0, 1.0):
        low, high = -10.0, 10.0
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if score_and_information(middle, last)[0] > 0 else (low, middle)
            )
        expected.append((low, 1 / score_and_information(low, last)[1]))
    column = ImputedColumn("x", "pmm", (), 1, 5, np.array([5]), frozen([[0.0], [1.0]]))
    found = imputed_cox(frame, made((column,), 6, 2), time="time", event="event", terms=["x"])
    (b0, v0), (b1, v1) = expected
    total = (v0 + v1) / 2 + 1.5 * (b0 - b1) ** 2 / 2
    assert found.coefficients[0].estimate == pytest.approx((b0 + b1) / 2, rel=1e-8)
    assert found.coefficients[0].std_error == pytest.approx(np.sqrt(total), rel=1e-8)
    assert found.df_complete == 3


def test_knots_of_a_spline_are_learnt_once_of_the_observed_values():
    found = imputed_cox(
        incomplete(),
        imputations(),
        time="time",
        event="event",
        terms=[{"name": "age", "spline": {"df": 3}}],
    )
    shares = (0.05, 0.35, 0.65, 0.95)
    knots = np.quantile(incomplete()["age"].dropna(), shares)
    np.testing.assert_allclose(found.terms[0].knots, knots)


def test_a_column_that_lacks_values_and_was_not_imputed_is_named():
    frame = incomplete()
    frame.loc[3, "receptor"] = np.nan
    with pytest.raises(AnalysisError, match="receptor"):
        imputed_cox(frame, imputations(), time="time", event="event", terms=TERMS)


def test_other_data_than_were_imputed_are_refused():
    given = imputations()
    with pytest.raises(AnalysisError, match="were imputed"):
        given.completed(incomplete().iloc[1:], 0)
    with pytest.raises(AnalysisError, match="has values"):
        given.completed(incomplete().assign(age=50.0), 0)
    with pytest.raises(ValueError, match="from 0 to 4"):
        given.completed(incomplete(), 5)


def test_a_level_without_events_in_some_imputations_has_no_estimate_and_a_reason():
    frame = pd.DataFrame(
        {
            "time": np.arange(1.0, 25),
            "event": [1, 0] * 12,
            "x": pd.Categorical(
                ["a", "b"] * 10 + ["c"] * 3 + [None], ["a", "b", "c"], ordered=True
            ),
        }
    )
    frame.loc[frame["x"] == "c", "event"] = 0
    frame.loc[23, ["time", "event"]] = [0.5, 1]
    frame.loc[1:12:4, "event"] = 1
    column = ImputedColumn("x", "multinomial", ("a", "b", "c"), 1, 23, np.array([23]),
                           frozen([[0.0], [2.0], [2.0]]))  # fmt: skip
    found = imputed_cox(frame, made((column,), 24, 3), time="time", event="event", terms=["x"])
    c = next(c for c in found.coefficients if c.level == "c")
    assert c.status == "not_estimable"
    assert "1 of 3 imputations" in str(c.reason)
    assert [failure.group for failure in found.failures] == ["c"]
    assert next(c for c in found.coefficients if c.level == "b").estimate is not None
    found.records("model")
    found.to_dict()


@pytest.mark.parametrize("way", ["cluster", "strata"])
def test_patients_without_a_cluster_or_stratum_are_left_out_and_counted(way):
    rows = incomplete()
    rows["site"] = [f"site {i % 9}" for i in range(len(rows))]
    rows.loc[[3, 8], "site"] = None
    found = imputed_cox(
        rows, imputations(), time="time", event="event", terms=TERMS, **{way: "site"}
    )
    assert found.n == len(rows) - 2
    told = next(f for f in found.findings if f.rule == "no_cluster_or_stratum")
    assert (told.column, told.n) == ("site", 2)


def test_two_clusters_have_no_tests_of_several_coefficients_and_a_reason():
    """The robust covariance of two clusters has rank 1 or 2, and there are four coefficients."""
    rows = incomplete().assign(site=lambda d: np.arange(len(d)) % 2)
    found = imputed_cox(
        rows, imputations(), time="time", event="event", terms=TERMS, cluster="site"
    )
    for test in found.tests:
        assert (test.statistic, test.p_value) == (None, None)
        assert "singular" in test.reason
    assert all(c.estimate is not None for c in found.coefficients)
    found.records("model")


def test_both_degrees_of_freedom_of_a_printed_test_are_records(pooled):
    records = {record.id: record for record in pooled.records("model")}
    assert records["model/df_complete"].estimate == pooled.df_complete
    for place, name in enumerate(("d1", "d2")):
        rest = records[f"model/pooled_test_{name}_df_residual"].estimate
        assert rest == pooled.tests[place].df_residual
        rest = records[f"model/pooled_test_{name}_df_residual/grade"].estimate
        assert rest == next(t for t in pooled.term_tests if t[0] == "grade")[1 + place].df_residual
