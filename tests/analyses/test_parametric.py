"""Parametric survival: R's survreg, maximisation in R, lifelines' likelihoods, paper, bad input."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.special import digamma, polygamma

from analyses import cox, parametric_survival
from analyses.kernels.lifetime_likelihood import Likelihood, Lives
from analyses.results.lifetimes import FAMILIES
from analyses.results.parametric import ParametricSurvival
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUP = {"name": "group", "levels": ["1", "2", "3"]}
NAMES: dict[str, Any] = {"time": "fine", "event": "event", "terms": [GROUP, "receptor"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "whole": {"weights": "whole"},
    "entry": {"entry": "entry"},
}


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "rows.csv")
    return frame.assign(group=frame["group"].astype(str))


def numbers(result: ParametricSurvival, family: str, names: dict[str, str]) -> dict[str, Any]:
    """Estimate and standard error by R's names."""
    fit = result.of(family)
    made = {
        names[c.level or c.term]: (c.estimate, c.std_error)
        for c in fit.coefficients
        if not c.is_reference
    }
    made |= {p.name: (p.estimate, p.std_error) for p in fit.parameters}
    made["log_likelihood"] = (fit.log_likelihood, None)
    made["log_likelihood_null"] = (fit.log_likelihood_null, None)
    return made


def same_as_reference(ours: dict[str, Any], r: pd.DataFrame) -> None:
    for row in r.itertuples():
        estimate, error = ours[str(row.quantity)]
        assert estimate == pytest.approx(row.estimate, rel=1e-6, abs=2e-9), row
        if error is not None:
            assert error == pytest.approx(row.std_error, rel=1e-6), row


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", CASES)
def test_models_equal_those_of_r(case: str, family: str) -> None:
    r = pd.read_csv(REFERENCE / "parametric.csv")
    frame = rows()
    if case == "whole":
        frame = frame[frame["whole"] > 0]
    result = parametric_survival(frame, distributions=family, **NAMES | CASES[case])
    names = {"2": "group2", "3": "group3", "receptor": "receptor"}
    same_as_reference(
        numbers(result, family, names), r[(r["case"] == case) & (r["family"] == family)]
    )


@pytest.mark.real
@pytest.mark.parametrize("family", FAMILIES)
def test_survivals_own_veteran(real_data: Path, family: str) -> None:
    frame = pd.read_csv(real_data / "reference_survival" / "veteran.csv")
    cells = {"name": "celltype", "levels": ["squamous", "smallcell", "adeno", "large"]}
    result = parametric_survival(
        frame,
        time="time",
        event="status",
        terms=["trt", "karno", "age", cells],
        distributions=family,
    )
    r = pd.read_csv(REFERENCE / "parametric_real.csv")
    names = {n: n for n in ("trt", "karno", "age", "smallcell", "adeno", "large")}
    same_as_reference(numbers(result, family, names), r[r["family"] == family])


LIFELINES = {
    "weibull": ("WeibullAFTFitter", "lambda_", ("rho_",), -1),
    "lognormal": ("LogNormalAFTFitter", "mu_", ("sigma_",), 1),
    "loglogistic": ("LogLogisticAFTFitter", "alpha_", ("beta_",), -1),
    "generalised_gamma": ("GeneralizedGammaRegressionFitter", "mu_", ("sigma_", "lambda_"), 1),
    "spline": ("CRCSplineFitter", "beta_", ("gamma0_", "gamma1_", "gamma2_", "gamma3_"), 1),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_likelihood_is_that_of_lifelines(family: str) -> None:
    """At any parameters, not only at the maximum, with entry and weights."""
    import lifelines

    frame = rows().dropna(subset=["entry"])
    frame = frame[frame["whole"] > 0]
    knots = (0.5, 1.5, 2.5, 3.8)
    name, location, shapes, sign = LIFELINES[family]
    made = getattr(lifelines, name)
    fitter = made(knots=list(knots)) if family == "spline" else made()
    x = np.column_stack([np.ones(len(frame)), frame["receptor"], frame["stratum"]]).astype(float)
    values = {"spline": [-2.0, 0.9, 0.05, -0.03], "generalised_gamma": [0.1, 0.6]}.get(
        family, [0.2]
    )
    beta = np.array([0.3 if family == "spline" else 3.0, 0.2, -0.1])

    class Columns(dict[str, Any]):
        def filter(self, chosen: Any) -> Columns:
            return Columns({key: array[chosen] for key, array in self.items()})

    ones = np.ones((len(frame), 1))
    given = {location: beta}
    for k, shape in enumerate(shapes):
        given[shape] = np.array([sign * values[k]])
    time, event = frame["fine"].to_numpy(), frame["event"].to_numpy(dtype=bool)
    entry, weight = frame["entry"].to_numpy(dtype=float), frame["whole"].to_numpy(dtype=float)
    columns = Columns({location: x} | dict.fromkeys(shapes, ones))
    mean = fitter._log_likelihood_right_censoring(
        given, (time, None), event, weight, entry, columns
    )
    theirs = mean * weight.sum()
    lives = Lives(time, event, entry, weight, x)
    ours = Likelihood(family, lives, knots if family == "spline" else ())
    parameters = np.concatenate([beta, values])
    assert ours.height(parameters) == pytest.approx(float(theirs), rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_derivatives_are_those_of_the_height(family: str) -> None:
    frame = rows().dropna(subset=["entry"])
    x = np.column_stack([np.ones(len(frame)), frame["receptor"]]).astype(float)
    lives = Lives(
        frame["fine"].to_numpy() / 20,
        frame["event"].to_numpy(dtype=bool),
        frame["entry"].to_numpy(dtype=float) / 20,
        frame["share"].to_numpy(),
        x,
    )
    shapes = {"spline": [-0.4, 1.1, 0.02, -0.01], "generalised_gamma": [0.2, -0.7]}
    at = np.array([0.1, 0.3, *shapes.get(family, [0.2])])
    likelihood = Likelihood(family, lives, (-2.0, -0.5, 0.3, 0.9) if family == "spline" else ())
    surface = likelihood.surface(at)
    assert surface.value == likelihood.height(at)
    for i, step in enumerate(np.eye(len(at)) * 1e-5):
        slope = (likelihood.height(at + step) - likelihood.height(at - step)) / 2e-5
        assert surface.score[i] == pytest.approx(slope, rel=1e-6, abs=1e-6)
        bend = (likelihood.surface(at + step).score - likelihood.surface(at - step).score) / 2e-5
        np.testing.assert_allclose(-surface.information[i], bend, rtol=1e-5, atol=1e-4)


def test_two_deaths_by_hand() -> None:
    """Deaths at 1 and e, nobody censored: the Weibull and the log-normal maximum on paper.

    Weibull, shape k, S = exp(-(t/b)^k). b^k is the mean of t^k; the score by k is zero where
    1/k + mean(log t) = sum(t^k log t) / sum(t^k): 1/k + 1/2 = e^k / (1 + e^k), that is
    1/k = tanh(k/2)/2. With y = k/2: y tanh y = 1, whose root is y = 1.199678640257734 (twice the
    Laplace limit's exponent). So k = 2.399357280515468 and log b = log((1 + e^k)/2)/k.
    Log-normal: mean 1/2 and variance (1/4 + 1/4)/2 = 1/4 of the logs, so log scale = log(1/2);
    standard errors s/sqrt(2) of the mean and 1/sqrt(2n) = 1/2 of the log scale.
    """
    two = pd.DataFrame({"time": [1.0, math.e], "event": [1, 1]})
    result = parametric_survival(
        two, time="time", event="event", distributions=["weibull", "lognormal"]
    )
    k = 2 * 1.199678640257734
    weibull = {p.name: p.estimate for p in result.of("weibull").parameters}
    assert weibull["log_scale"] == pytest.approx(-math.log(k), rel=1e-9)
    assert weibull["intercept"] == pytest.approx(math.log((1 + math.exp(k)) / 2) / k, rel=1e-9)
    normal = result.of("lognormal").parameters
    assert [p.estimate for p in normal] == pytest.approx([0.5, math.log(0.5)], rel=1e-9)
    assert [p.std_error for p in normal] == pytest.approx([0.5 / math.sqrt(2), 0.5], rel=1e-9)
    assert result.of("lognormal").log_likelihood == pytest.approx(
        -2 * math.log(0.5) - math.log(2 * math.pi) - 1 - 1, rel=1e-9
    )


def test_generalised_gamma_meets_its_members() -> None:
    """Near q = 1 the Weibull's likelihood, at 0 the log-normal's, and smooth through 0."""
    time, event = np.array([0.3, 0.8, 1.5, 2.6]), np.array([True, False, True, True])
    lives = Lives(time, event, np.array([0.0, 0.1, 0, 0]), np.ones(4), np.ones((4, 1)))
    gamma = Likelihood("generalised_gamma", lives)
    for q, family in ((1.0, "weibull"), (0.0, "lognormal")):
        alone = Likelihood(family, lives).height(np.array([0.2, -0.1]))
        assert gamma.height(np.array([0.2, -0.1, q])) == pytest.approx(alone, rel=1e-13)
    at = [gamma.height(np.array([0.2, -0.1, q])) for q in (-2e-3, -1e-3, 0.0, 1e-3, 2e-3)]
    assert np.diff(at, 4) == pytest.approx(0, abs=1e-11)


def test_the_gamma_is_no_worse_than_what_it_holds() -> None:
    table = parametric_survival(rows(), **NAMES).comparison.set_index("family")
    gamma = table.loc["generalised_gamma", "log_likelihood"]
    assert gamma >= table.loc["weibull", "log_likelihood"]
    assert gamma >= table.loc["lognormal", "log_likelihood"]


@pytest.mark.parametrize("family", FAMILIES)
def test_twice_the_time_is_the_same_ratio(family: str) -> None:
    one = parametric_survival(rows(), distributions=family, **NAMES)
    two = parametric_survival(
        rows().assign(fine=lambda d: 1e4 * d["fine"]), distributions=family, **NAMES
    )
    for a, b in zip(one.chosen.coefficients, two.chosen.coefficients, strict=True):
        assert b.estimate == pytest.approx(a.estimate, rel=1e-7, abs=1e-9)
        if not a.is_reference:
            assert b.std_error == pytest.approx(a.std_error, rel=1e-6)
    if family != "spline":
        shift = two.chosen.parameters[0].estimate - one.chosen.parameters[0].estimate
        assert shift == pytest.approx(math.log(1e4), rel=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_weight_of_two_is_a_repeated_patient(family: str) -> None:
    frame = rows().assign(twice=lambda d: 1 + (d["patient"] % 3 == 0))
    weighted = parametric_survival(frame, distributions=family, weights="twice", **NAMES)
    repeated = parametric_survival(
        frame.loc[frame.index.repeat(frame["twice"])], distributions=family, **NAMES
    )
    np.testing.assert_allclose(
        weighted.chosen.covariance, repeated.chosen.covariance, rtol=1e-7, atol=1e-12
    )
    assert (weighted.n, weighted.n_event) == (repeated.n, repeated.n_event)
    assert weighted.chosen.bic == pytest.approx(repeated.chosen.bic, rel=1e-10)
    curves = zip(weighted.chosen.curves, repeated.chosen.curves, strict=True)
    for a, b in curves:
        np.testing.assert_allclose(a.survival, b.survival, rtol=1e-7)
        np.testing.assert_allclose(a.observed, b.observed, rtol=1e-12)


def test_another_reference_turns_the_sign() -> None:
    there = {"name": "group", "levels": ["1", "2", "3"], "reference": "2"}
    one = parametric_survival(rows(), distributions="weibull", **NAMES)
    two = parametric_survival(
        rows(), distributions="weibull", **NAMES | {"terms": [there, "receptor"]}
    )
    first = {c.level: c for c in one.chosen.coefficients}
    second = {c.level: c for c in two.chosen.coefficients}
    assert second["1"].estimate == pytest.approx(-first["2"].estimate, rel=1e-8)
    assert second["1"].std_error == pytest.approx(first["2"].std_error, rel=1e-8)
    assert [c.n for c in two.chosen.coefficients[:3]] == [32, 32, 32]


def test_the_curve_of_a_group_is_the_mean_of_its_patients() -> None:
    frame = rows()
    result = parametric_survival(frame, distributions="lognormal", **NAMES)
    curve = result.chosen.curves[1]
    at = float(curve.time[40])
    group = frame[frame["group"] == "2"]
    each = result.predict_survival(group, [at])["estimate"]
    assert curve.survival[40] == pytest.approx(each.mean(), rel=1e-12)
    seen = result.observed.curves[1].step("survival", np.array([at]), 1.0)[0]
    assert curve.observed[40] == seen


def test_a_result_says_it_all_in_plain_types() -> None:
    result = parametric_survival(rows(), **NAMES)
    json.dumps(result.to_dict(), allow_nan=False)
    records = {r.id: r for r in result.records("aft")}
    best = result.comparison.sort_values("aic")["family"].iloc[0]
    assert result.chosen_family == best
    ratio = records[f"aft/time_ratio/{best}/group/3/1"]
    assert ratio.estimate == pytest.approx(math.exp(result.summary["estimate"][2]))
    assert set(records) >= {f"aft/aic/{family}" for family in FAMILIES}
    assert "time_ratio" in result._repr_html_()


def test_no_library_speaks(recwarn: pytest.WarningsRecorder) -> None:
    frame = rows().assign(fine=lambda d: d["fine"] * 1e9)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        parametric_survival(frame, **NAMES)
    assert not recwarn.list


def test_an_event_at_zero_is_refused_unless_a_time_stands_for_it() -> None:
    frame = rows().assign(fine=lambda d: d["fine"].where(d["patient"] > 2, 0.0))
    with pytest.raises(AnalysisError, match=r"2 events at time 0[\s\S]*zero_as"):
        parametric_survival(frame, **NAMES)
    result = parametric_survival(frame, zero_as=0.02, **NAMES)
    direct = parametric_survival(frame.assign(fine=frame["fine"].replace(0.0, 0.02)), **NAMES)
    assert result.chosen.log_likelihood == direct.chosen.log_likelihood
    assert [f.rule for f in result.findings][:1] == ["time_zero_replaced"]
    assert (result.n_at_zero, result.n) == (2, 96)
    with pytest.raises(AnalysisError, match="shortest time of others"):
        parametric_survival(frame, zero_as=30.0, **NAMES)


def test_those_censored_at_zero_are_left_out_and_counted() -> None:
    frame = rows()
    zero = (frame["event"] == 0) & (frame["patient"] < 20)
    with_zero = parametric_survival(frame.assign(fine=frame["fine"].where(~zero, 0.0)), **NAMES)
    without = parametric_survival(frame[~zero], **NAMES)
    assert with_zero.chosen.log_likelihood == without.chosen.log_likelihood
    assert with_zero.n_at_zero == zero.sum()
    (finding,) = [f for f in with_zero.findings if f.rule == "censored_at_zero"]
    assert finding.n == zero.sum()


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "constant column": ({"receptor": 1}, {}, "term 'receptor': the same in every row"),
    "collinear": ({"grade": lambda d: 2.0 * d["receptor"]}, {"terms": ["receptor", "grade"]},
                  "term 'grade': determined by receptor"),
    "no events": ({"event": 0}, {}, "none of the 96 complete rows has an event"),
    "reference without events": ({"event": lambda d: d["event"] * (d["group"] != "1")}, {},
                                 "no 'event' among 32 patients at its reference level"),
    "weights of shares": ({}, {"weights": "share"}, "not whole numbers"),
    "zero weights": ({}, {"weights": "whole"}, "not whole numbers above 0"),
    "negative time": ({"fine": -1.0}, {}, "negative or not finite"),
    "text": ({"fine": "a"}, {}, "not numbers"),
    "no such distribution": ({}, {"distributions": "weibul"}, "Did you mean 'weibull'"),
    "no distribution": ({}, {"distributions": []}, "distributions: none"),
    "level": ({}, {"conf_level": 2.0}, "between 0 and 1"),
    "one time": ({"fine": 7.0, "event": 1}, {"terms": []}, "no maximum of the likelihood"),
    "tiny times": ({"fine": 1e-300}, {}, "all would be ties"),
    "huge times": ({"fine": 1e300}, {}, "above 1e"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    changes, options, message = BAD[case]
    with pytest.raises(AnalysisError) as caught:
        parametric_survival(rows().assign(**changes), **NAMES | options)
    assert message in " ".join(str(caught.value).split())


def test_a_level_without_events_is_named_and_the_rest_stands() -> None:
    """In the limit of an infinite time ratio its patients contribute 1 to the likelihood."""
    frame = rows().assign(event=lambda d: d["event"] * (d["group"] != "2"))
    found = parametric_survival(frame, **NAMES)
    (failure,) = found.failures
    assert (failure.term, failure.group, failure.n, failure.n_event) == ("group", "2", 32, 0)
    assert "infinite under every distribution" in failure.reason
    others = parametric_survival(frame[frame["group"] != "2"], **NAMES)
    assert [fit.family for fit in found.fits] == [fit.family for fit in others.fits]
    assert [(c.level, c.estimate, c.std_error) for c in found.chosen.coefficients] == [
        (c.level, c.estimate, c.std_error) for c in others.chosen.coefficients
    ]
    assert (found.n, found.n_eventless, found.n_input) == (others.n, 32, 96)
    assert any(r.quantity == "patients_at_levels_without_events" for r in found.records("a"))


def test_a_term_whose_only_other_level_has_no_event_leaves_the_model() -> None:
    frame = rows().assign(two=lambda d: np.where(d["group"] == "2", "b", "a"))
    frame["event"] *= frame["two"] == "a"
    two = {"name": "two", "levels": ["a", "b"]}
    found = parametric_survival(frame, **NAMES | {"terms": [two, "receptor"]})
    assert [c.term for c in found.chosen.coefficients] == ["receptor"]
    assert [(f.term, f.group) for f in found.failures if f.term] == [("two", "b")]
    alone = parametric_survival(frame, **NAMES | {"terms": [two]})
    assert alone.chosen.coefficients == ()
    assert alone.n_eventless == 32


def test_one_distribution_without_a_maximum_leaves_the_others() -> None:
    """Three different event times are too few for the splines' four knots."""
    frame = pd.DataFrame({"time": [1, 1, 2, 2, 3, 3, 3, 1], "event": [1] * 6 + [0, 0]})
    result = parametric_survival(
        frame, time="time", event="event", distributions=["weibull", "spline"]
    )
    assert [fit.family for fit in result.fits] == ["weibull"]
    (failure,) = result.failures
    assert failure.group == "spline"
    assert "too few different event times" in failure.reason
    with pytest.raises(AnalysisError, match="no model 'spline'"):
        result.of("spline")


def test_fewer_events_than_parameters_are_named() -> None:
    frame = rows().assign(event=lambda d: d["event"] * (d["patient"] < 5))
    with pytest.raises(AnalysisError, match=r"\d events? for 4 parameters: the data cannot tell"):
        parametric_survival(
            frame, time="fine", event="event", terms=["age", "receptor"], distributions="weibull"
        )


def test_weibull_and_cox_tell_the_same_story() -> None:
    """A Weibull time ratio is a hazard ratio to the power of minus the scale."""
    r = np.random.default_rng(5)
    x = r.normal(size=4000)
    frame = pd.DataFrame({"x": x, "t": r.weibull(1.5, 4000) * np.exp(0.3 * x), "e": True})
    fit = parametric_survival(frame, time="t", event="e", terms=["x"], distributions="weibull")
    scale = math.exp(fit.chosen.parameters[1].estimate)
    hazard = cox(frame, time="t", event="e", terms=["x"]).coefficients[0].estimate
    assert hazard is not None
    assert -fit.chosen.coefficients[0].estimate / scale == pytest.approx(hazard, abs=0.02)


def test_wrong_asks_of_predictions_are_named() -> None:
    result = parametric_survival(rows(), distributions="weibull", **NAMES)
    with pytest.raises(AnalysisError, match="absent or incomplete"):
        result.predict_survival(rows().drop(columns="receptor"), [1.0])
    with pytest.raises(AnalysisError, match="negative"):
        result.predict_survival(rows(), [-1.0])


def test_the_figure_holds_the_results_numbers(layout_faults: Callable[[Figure], list[str]]) -> None:
    result = parametric_survival(rows(), **NAMES)
    drawn = result.plot()
    assert [group for group, _ in drawn.fitted] == ["1", "2", "3"]
    for curve, (_, line), seen, (_, steps) in zip(
        result.chosen.curves, drawn.fitted, result.observed.curves, drawn.observed, strict=True
    ):
        shown = curve.time <= seen.last_time
        np.testing.assert_array_equal(line.get_ydata(), curve.survival[shown])
        np.testing.assert_array_equal(steps.get_ydata()[1:], seen.survival)
    assert not layout_faults(drawn.figure)
    assert "by Kaplan-Meier" in drawn.alt


def test_log_gamma_moments() -> None:
    """Uncensored generalised gamma draws: the mean of log time is that of Prentice's density."""
    q, k = 0.7, 0.7**-2
    r = np.random.default_rng(11)
    y = 1.0 + 0.5 * (np.log(r.gamma(k, 1 / k, 20000)) / q)
    frame = pd.DataFrame({"t": np.exp(y), "e": True})
    fit = parametric_survival(frame, time="t", event="e", distributions="generalised_gamma")
    intercept, log_scale, shape = (p.estimate for p in fit.chosen.parameters)
    scale = math.exp(log_scale)
    mean = intercept + scale / shape * (digamma(shape**-2) - math.log(shape**-2))
    assert mean == pytest.approx(y.mean(), abs=3e-3)
    assert scale**2 / shape**2 * polygamma(1, shape**-2) == pytest.approx(y.var(), rel=0.02)
