"""Performance of Cox models: formulas written out in R, paper, laws, the bootstrap, bad input."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analyses import cox, model_performance
from analyses.estimators.optimism import asked_again
from analyses.kernels.followed import censoring
from analyses.kernels.prediction_error import area_under_curve, brier, integrated_brier
from analyses.kernels.uno import time_weighted_concordance
from analyses.results.cox import CoxModel
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NAMES: dict[str, Any] = {"time": "time", "event": "event"}
TERMS: list[Any] = [{"name": "group", "levels": ["1", "2", "3"]}, "receptor", "stratum"]


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "rows.csv")
    return frame.assign(group=frame["group"].astype(str))


def model(frame: pd.DataFrame | None = None, **options: Any) -> CoxModel:
    return cox(rows() if frame is None else frame, terms=options.pop("terms", TERMS),
               **NAMES | options)  # fmt: skip


@pytest.mark.parametrize(("case", "tau"), [("same", 30), ("others", 25)])
def test_every_measure_equals_that_of_r(case: str, tau: float) -> None:
    frame = rows()
    odd = frame["patient"] % 2 == 1
    fitted, patients = (frame, frame) if case == "same" else (frame[odd], frame[~odd])
    result = model_performance(model(fitted), patients, times=[6, 20], tau=tau, **NAMES)
    r = pd.read_csv(REFERENCE / "performance.csv")
    for row in r[r["case"] == case].itertuples():
        ours = result.of(str(row.quantity), None if math.isnan(row.time) else row.time)
        tolerance = 1e-8 if "calibration" in str(row.quantity) else 1e-10
        assert ours.estimate == pytest.approx(row.estimate, rel=tolerance), row
        if not math.isnan(row.std_error):
            assert ours.std_error == pytest.approx(row.std_error, rel=2e-8), row


def test_six_patients_by_hand() -> None:
    """Times 1 2 2+ 3 4+ 5 (+ lost), predicted survival at 3: .2 .5 .6 .4 .8 .9; horizon 3.

    Lost: one of the 4 left at 2 once the death of that day is gone, so G = 3/4 from 2, and before
    2 it is 1. At 3 G is still 3/4. Weights: deaths at 1 and 2 count 1, that at 3 counts 4/3; those
    followed past 3 (at 4+ and 5) count 4/3; the one lost at 2 nothing.
    Brier: (.2^2 + .5^2 + 4/3 x .4^2 + 4/3 (.2^2 + .1^2)) / 6 = (.29 + .64/3 + .2/3) / 6 = .57/6.
    AUC with risks .8 .5 .4 .6 .2 .1: both controls (.2, .1) are below every death: 1. With the
    controls' risks .5 and .1: the first death is above both, the second ties with one, the third
    (.6) is above both: (2 x 1 + 1.5 x 1 + 2 x 4/3) / (2 (1 + 1 + 4/3)) = (37/6) / (20/3) = 37/40.
    """
    time = np.array([1.0, 2, 2, 3, 4, 5])
    event = np.array([True, True, False, True, False, True])
    followed = censoring(time, event)
    assert followed.before(time).tolist() == [1, 1, 1, 0.75, 0.75, 0.75 / 2]
    assert followed.at(np.array([3.0])).tolist() == [0.75]
    survival = np.array([0.2, 0.5, 0.6, 0.4, 0.8, 0.9])
    assert brier(survival, 3.0, time, event, followed) == pytest.approx(0.57 / 6, rel=1e-14)
    assert area_under_curve(1 - survival, 3.0, time, event, followed) == 1.0
    risk = np.array([0.8, 0.5, 0.4, 0.6, 0.5, 0.1])
    area = area_under_curve(risk, 3.0, time, event, followed)
    assert area == pytest.approx(37 / 40, rel=1e-14)


def test_unos_concordance_by_hand() -> None:
    """The six patients again with predictors 5 1 4 3 2 0; pairs count by 1/G(T-)^2.

    Death at 1 (weight 1): above all 5. Death at 2 (weight 1): outlived by the one lost that day
    and by 3, 4+, 5, with predictors 4 3 2 0: above one of 4. Death at 3 (weight 16/9): outlived by
    4+ and 5 (2, 0): above both. Death at 5: nobody outlives it. Up to 4:
    (5 + 1 + 2 x 16/9) / (5 + 4 + 2 x 16/9) = (86/9) / (113/9) = 86/113. Harrell's: 8/11.
    """
    time = np.array([1.0, 2, 2, 3, 4, 5])
    event = np.array([True, True, False, True, False, True])
    grid = np.unique(time[event])
    last = np.searchsorted(grid, time, side="right") - 1
    start, stratum = np.array([0, len(grid)]), np.zeros(6, dtype=np.intp)
    predictor = np.array([5.0, 1, 4, 3, 2, 0])
    weight = np.where(event & (time <= 4), censoring(time, event).before(time) ** -2.0, 0.0)
    uno = time_weighted_concordance(predictor, event, last, start, stratum, weight)
    assert uno is not None
    assert uno.estimate == pytest.approx(86 / 113, rel=1e-14)
    plain = time_weighted_concordance(predictor, event, last, start, stratum, 1.0 * event)
    assert plain is not None
    assert plain.estimate == pytest.approx(8 / 11, rel=1e-14)


def test_the_integrated_score_is_the_area_under_a_constant() -> None:
    """Nobody dies before 2 of 4 and survival 1 is predicted: 0 up to 2, then a step."""
    time, event = np.array([2.0, 4.0]), np.array([True, False])
    followed = censoring(time, event)
    area = integrated_brier(lambda _: np.ones(2), np.array([2.0]), 4.0, time, event, followed)
    assert area == pytest.approx((0 * 2 + 0.5 * 2) / 4, rel=1e-14)


def test_without_covariates_nothing_is_told_apart() -> None:
    """Under one prediction for all every discrimination is one half, the scaled scores near 0."""
    frame = rows().assign(noise=0.0)
    frame.loc[:1, "noise"] = 1e-9
    result = model_performance(
        model(frame, terms=["noise"]), frame.assign(noise=0.0), times=[20], **NAMES
    )
    assert result.of("harrell_c").estimate == 0.5
    assert result.of("uno_c", 20).estimate == 0.5
    assert result.of("auc", 20).estimate == 0.5
    assert abs(result.of("brier_scaled", 20).estimate or 0) < 0.02


def test_concordance_is_that_of_the_model() -> None:
    for options in ({}, {"strata": "rare"}):
        fitted = model(**options)
        ours = model_performance(fitted, rows(), times=[20], **NAMES).of("harrell_c")
        assert ours.estimate == pytest.approx(fitted.concordance.estimate, rel=1e-12)
        assert ours.std_error == pytest.approx(fitted.concordance.std_error, rel=1e-12)


def test_predictions_are_those_of_the_model() -> None:
    frame = rows()
    fitted = model()
    expected = 1 - fitted.predict_survival(frame, [20.0])["estimate"].mean()
    result = model_performance(fitted, frame, times=[20], **NAMES)
    assert result.of("expected_risk", 20).estimate == pytest.approx(expected, rel=1e-12)


def test_in_its_own_patients_the_slope_is_one() -> None:
    result = model_performance(model(), rows(), times=[20], **NAMES)
    assert result.of("calibration_slope").estimate == pytest.approx(1, abs=1e-8)
    assert result.is_apparent
    assert [f.rule for f in result.findings] == ["few_events", "apparent_performance"]


def test_order_of_rows_and_unit_of_time_do_not_matter() -> None:
    frame = rows()
    one = model_performance(model(), frame, times=[6, 20], **NAMES)
    turned = frame.sample(frac=1, random_state=1)
    two = model_performance(model(turned), turned, times=[6, 20], **NAMES)
    ten = frame.assign(time=lambda d: 10 * d["time"])
    three = model_performance(model(ten), ten, times=[60, 200], **NAMES)
    for a, b, c in zip(one.measures, two.measures, three.measures, strict=True):
        assert b.estimate == pytest.approx(a.estimate, rel=1e-9), a
        assert c.estimate == pytest.approx(a.estimate, rel=1e-9), a


def test_groups_hold_everybody_once_and_rise_in_risk() -> None:
    result = model_performance(model(), rows(), times=[6, 20], n_groups=4, **NAMES)
    for t in (6, 20):
        groups = [g for g in result.groups if g.time == t]
        assert sum(g.n for g in groups) == 96
        expected = [g.expected for g in groups]
        assert expected == sorted(expected)
        mean = sum(g.n * g.expected for g in groups) / 96
        assert mean == pytest.approx(result.of("expected_risk", t).estimate, rel=1e-12)


def test_the_bootstrap_is_the_same_on_any_number_of_processes() -> None:
    seen: list[tuple[int, int]] = []
    options: dict[str, Any] = NAMES | {"times": [20], "resamples": 8, "seed": 7}
    fitted = model()
    one = model_performance(fitted, rows(), progress=lambda k, n: seen.append((k, n)), **options)
    two = model_performance(fitted, rows(), processes=2, **options)
    assert one.to_dict() == two.to_dict()
    assert seen == [(k, 8) for k in range(1, 9)]
    other = model_performance(fitted, rows(), **options | {"seed": 8})
    assert other.of("auc", 20).optimism != one.of("auc", 20).optimism


def test_optimism_is_what_a_loop_over_samples_gives() -> None:
    frame = rows()
    fitted = model()
    result = model_performance(fitted, frame, times=[20], resamples=5, seed=3, **NAMES)
    gains = []
    for seed in np.random.SeedSequence(3).spawn(5):
        chosen = np.random.default_rng(seed).integers(0, 96, 96)
        own = frame.iloc[chosen].reset_index(drop=True)
        again = model(own)
        gains.append(
            [
                (model_performance(again, data, times=[20], **NAMES).of(name, at).estimate or 0)
                for data in (own, frame)
                for name, at in (("harrell_c", None), ("brier", 20), ("calibration_slope", None))
            ]
        )
    table = np.array(gains)
    for k, (name, at) in enumerate(
        (("harrell_c", None), ("brier", 20), ("calibration_slope", None))
    ):
        measure = result.of(name, at)
        optimism = (table[:, k] - table[:, k + 3]).mean()
        assert measure.optimism == pytest.approx(optimism, rel=1e-9)
        assert measure.corrected == pytest.approx((measure.estimate or 0) - optimism, rel=1e-12)
    harrell = result.of("harrell_c")
    assert harrell.corrected_high is not None
    assert harrell.corrected is not None
    reach = 1.959963984540054 * table[:, 0].std(ddof=1)
    assert harrell.corrected_high - harrell.corrected == pytest.approx(reach, rel=1e-9)
    assert result.of("calibration_slope").corrected_low is None


def test_clusters_are_drawn_whole() -> None:
    frame = rows()
    fitted = model(cluster="stratum", terms=["receptor"])
    result = model_performance(fitted, frame, times=[20], resamples=4, seed=1, **NAMES)
    assert result.of("auc", 20).optimism is not None


@pytest.mark.parametrize(
    "term",
    [
        {"name": "age", "per": 10.0},
        {"name": "age", "spline": {"df": 4}, "per": 1.0},
        {"name": "group", "levels": ["1", "2", "3"], "reference": "2"},
    ],
)
def test_a_learnt_term_is_asked_for_as_it_was(term: dict[str, Any]) -> None:
    (learnt,) = model(terms=[term]).terms
    assert asked_again(learnt) == term


def test_a_level_that_a_sample_misses_is_counted() -> None:
    frame = rows()
    levels = {"name": "rare", "levels": ["1", "2", "3"]}
    frame["rare"] = np.where(frame["patient"] == 1, "3", np.where(frame["patient"] < 20, "2", "1"))
    fitted = model(frame, terms=[levels])
    result = model_performance(fitted, frame, times=[20], resamples=12, seed=2, **NAMES)
    assert 0 < result.n_failed < 12
    assert "failed_resamples" in [f.rule for f in result.findings]


def test_a_result_says_it_all_in_plain_types() -> None:
    result = model_performance(
        model(), rows(), times=[6, 20], resamples=3, seed=1, n_groups=3, **NAMES
    )
    json.dumps(result.to_dict(), allow_nan=False)
    records = {r.id: r for r in result.records("p", "months")}
    assert records["p/uno_c/t=20"].estimate == result.of("uno_c", 20).estimate
    assert records["p/auc_corrected/t=6"].estimate == result.of("auc", 6).corrected
    assert records["p/group_observed_risk/risk group 3/t=20"].n == result.groups[-1].n
    assert "harrell_c" in result._repr_html_()


def test_the_figure_holds_the_results_numbers(layout_faults: Callable[[Figure], list[str]]) -> None:
    result = model_performance(model(), rows(), times=[6, 20], n_groups=4, **NAMES)
    drawn = result.plot()
    for t, dots in drawn.points:
        observed = [g.observed for g in result.groups if g.time == t]
        assert dots.get_ydata().tolist() == observed
    assert not layout_faults(drawn.figure)
    assert "highest group predicted" in drawn.alt


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no horizon": ({}, {"times": []}, "no horizon"),
    "horizon at 0": ({}, {"times": [0]}, "Numbers above 0"),
    "descending": ({}, {"times": [20, 6]}, "Ascending numbers"),
    "past follow-up": ({}, {"times": [600]}, "600 is past the follow-up"),
    "tau past follow-up": ({}, {"tau": 1e9}, "past the follow-up"),
    "one group": ({}, {"n_groups": 1}, "At least 2"),
    "no seed": ({}, {"resamples": 20}, "performance: seed: none"),
    "one resample": ({}, {"resamples": 1, "seed": 1}, "0, or above 1"),
    "other patients": ({"event": lambda d: d["event"].where(d["patient"] > 50, 0)},
                       {"resamples": 20, "seed": 1}, "other patients or events"),
    "no events": ({"event": 0}, {}, "none of the 96 complete rows has an event"),
    "unknown level": ({"group": "4"}, {}, "values that the model did not see: 4"),
    "absent column": ({}, {"time": "tiem"}, "Did you mean 'time'"),
    "negative time": ({"time": -1}, {}, "negative or not finite"),
    "level": ({}, {"conf_level": 1.0}, "Between 0 and 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    changes, options, message = BAD[case]
    fitted = model()
    with pytest.raises(AnalysisError) as caught:
        model_performance(fitted, rows().assign(**changes), **NAMES | {"times": [20]} | options)
    assert message in " ".join(str(caught.value).split())


def test_patients_at_a_level_without_an_estimate_are_named() -> None:
    frame = rows().assign(event=lambda d: d["event"] * (d["group"] != "3"))
    with pytest.raises(AnalysisError, match=r"32 patients at levels without an estimate"):
        model_performance(model(frame), frame, times=[20], **NAMES)


def test_an_unknown_stratum_is_named() -> None:
    fitted = model(strata="rare", terms=["receptor"])
    with pytest.raises(AnalysisError, match="strata that the model did not see: 9"):
        model_performance(fitted, rows().assign(rare=9), times=[20], **NAMES)


def test_patients_observed_late_are_refused_by_name() -> None:
    frame = rows()
    asked: dict[str, Any] = NAMES | {"times": [6]}
    fitted = model(frame)
    late = frame.assign(since=np.where(frame.index < 3, 0.5, 0.0)).query("time > 0.5")
    n = int((late["since"] > 0).sum())
    with pytest.raises(AnalysisError, match=f"{n} of {len(late)} patients come under observation"):
        model_performance(fitted, late, entry="since", **asked)
    with pytest.raises(AnalysisError, match="not in the table"):
        model_performance(fitted, frame, entry="since", **asked)
    same = model_performance(fitted, frame.assign(since=0.0), entry="since", **asked)
    assert same.to_dict() == model_performance(fitted, frame, **asked).to_dict()


def test_a_model_with_delayed_entry_is_not_measured_as_if_all_were_seen_from_the_start() -> None:
    frame = rows().query("time > 0.5").assign(since=0.25)
    fitted = model(frame, entry="since")
    with pytest.raises(AnalysisError, match="entry 'since'"):
        model_performance(fitted, frame, times=[6], **NAMES)
    others = model_performance(fitted, frame.drop(columns="since"), times=[6], **NAMES)
    assert others.n == len(frame)


def test_weighted_models_are_not_resampled() -> None:
    frame = rows()[lambda d: d["whole"] > 0]
    frame = frame.assign(whole=1)
    with pytest.raises(AnalysisError, match="a model with weights"):
        model_performance(
            model(frame, weights="whole"), frame, times=[20], resamples=5, seed=1, **NAMES
        )


def test_before_the_first_death_there_is_no_area_and_no_ratio() -> None:
    frame = rows().assign(time=lambda d: d["time"] + 5)
    result = model_performance(model(frame), frame, times=[2, 20], **NAMES)
    for name in ("auc", "calibration_in_the_large", "observed_over_expected", "brier_scaled"):
        measure = result.of(name, 2)
        assert measure.estimate is None
        assert measure.reason
    result.records("p")
