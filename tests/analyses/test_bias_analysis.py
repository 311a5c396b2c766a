"""Hazard ratios corrected for readers who take one level for the other."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses import bias_analysis, cox
from analyses.kernels.misread import Errors, Readings, prevalence, really_upper
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NAMES = {"time": "time", "event": "event"}
LEVELS = ["zero", "low"]
LOW = ("group", "low", "zero")
GOOD = {"zero": {"zero": 8000, "low": 2000}, "low": {"zero": 1500, "low": 8500}}


def misread_patients(n: int, seed: int, ratio: float = 0.7, *, after: bool = False) -> pd.DataFrame:
    """Patients truly low or zero, read with shares of 0.85 and 0.80 right.

    With `after` low is read more readily in those with the event: shares of 0.95 and 0.65.
    """
    generator = np.random.default_rng(seed)
    x = generator.normal(0, 1, n)
    low = generator.random(n) < 1 / (1 + np.exp(-(0.3 + 0.6 * x)))
    rate = np.exp(math.log(ratio) * low + 0.5 * x) / 3000
    died, left = np.ceil(generator.exponential(1 / rate)), np.ceil(generator.uniform(300, 3650, n))
    event = died <= left
    right = np.where(event & after, 0.95, 0.85), np.where(event & after, 0.65, 0.80)
    read = np.where(low, generator.random(n) < right[0], generator.random(n) > right[1])
    return pd.DataFrame(
        {
            "truth": np.where(low, "low", "zero"),
            "group": np.where(read, "low", "zero"),
            "x": x,
            "time": np.minimum(died, left),
            "event": event,
        }
    )


def model(frame, column="group"):
    return cox(frame, terms=[{"name": column, "levels": LEVELS}, "x"], **NAMES)


def analysed(frame, **options):
    given = {"matrix": GOOD, "draws": 60, "seed": 7} | options
    return bias_analysis(model(frame), frame, contrast=LOW, **NAMES, **given)


def test_the_model_of_the_true_level_equals_a_maximum_in_r():
    frame = pd.read_csv(REFERENCE / "cox_data.csv")
    frame = frame[frame["group"] != "positive"]
    z = np.column_stack([frame["age"], frame["event"], frame["er"] == "yes"]).astype(float)
    z = np.column_stack([np.ones(len(z)), (z - z.mean(axis=0)) / z.std(axis=0)])
    readings = Readings(z, (frame["group"] == "low").to_numpy())
    event = frame["event"].to_numpy() == 1
    shares = {
        "good": (np.full(len(z), 0.95), np.full(len(z), 0.1)),
        "poor": (np.full(len(z), 0.8), np.full(len(z), 0.3)),
        "event": (np.where(event, 0.9, 0.8), np.where(event, 0.2, 0.15)),
    }
    for case, rows in pd.read_csv(REFERENCE / "misread.csv").groupby("case"):
        errors = Errors(*shares[case])
        found = prevalence(readings, errors)
        assert found is not None
        assert found.theta == pytest.approx(rows["theta"].to_numpy(), abs=2e-6)
        spread = np.sqrt(np.diag(found.covariance))
        assert spread == pytest.approx(rows["std_error"].to_numpy(), rel=1e-5)
        mean = really_upper(readings, errors, found.theta).mean()
        assert mean == pytest.approx(rows["mean_upper"].iloc[0], rel=1e-6)


def test_the_true_level_given_its_reading_by_hand():
    # Ten patients, six read as low; shares of right readings 0.9 (low) and 0.8 (zero). The true
    # share p has 0.9 p + 0.2 (1 - p) = 0.6, so p = 4/7. Of one read low the truth is low with
    # 0.9 x 4/7 / 0.6 = 6/7, of one read zero with 0.1 x 4/7 / 0.4 = 1/7.
    readings = Readings(np.ones((10, 1)), np.arange(10) < 6)
    errors = Errors(np.full(10, 0.9), np.full(10, 0.2))
    found = prevalence(readings, errors)
    assert found is not None
    assert 1 / (1 + math.exp(-found.theta[0])) == pytest.approx(4 / 7, abs=1e-6)
    chances = really_upper(readings, errors, found.theta)
    assert chances == pytest.approx([6 / 7] * 6 + [1 / 7] * 4, abs=1e-6)
    # Information of the share: n (ds)^2 / (s (1 - s)) with s = 0.6 and ds = 0.7 p (1 - p).
    slope = 0.7 * (4 / 7) * (3 / 7)
    assert found.covariance[0, 0] == pytest.approx(0.24 / (10 * slope**2), rel=1e-5)


def test_readers_who_never_err_leave_the_model_as_it_is():
    frame = misread_patients(400, 3)
    never = {"zero": {"zero": 1e12, "low": 0}, "low": {"zero": 0, "low": 1e12}}
    found = analysed(frame, matrix=never)
    own = model(frame).coefficients[1]
    assert found.corrections == pytest.approx(np.full(60, own.estimate), rel=1e-9)
    assert found.conventional.estimate == pytest.approx(own.estimate, rel=1e-12)
    assert (found.up, found.down) == (0, 0)
    assert found.totals.std(ddof=1) == pytest.approx(own.std_error, rel=0.35)


@pytest.mark.parametrize("after", [False, True])
def test_the_truth_is_recovered_where_the_model_as_read_fails(after):
    truth = math.log(0.7)
    ready = {"zero": {"zero": 6500, "low": 3500}, "low": {"zero": 500, "low": 9500}}
    options = {"matrix_event": ready} if after else {}
    found = [
        analysed(misread_patients(6000, s, after=after), draws=30, **options) for s in range(6)
    ]
    read = np.mean([one.conventional.estimate for one in found])
    corrected = np.mean([one.systematic[0] for one in found])
    # Standard error of the mean of six: about 0.07 / sqrt(6) = 0.03.
    assert abs(corrected - truth) < 0.07
    assert abs(read - truth) > 0.13
    assert all(one.is_differential is after for one in found)


def test_the_total_interval_is_wider_than_either_part():
    found = analysed(misread_patients(2000, 5), draws=200)
    total = found.total[2] - found.total[1]
    assert total > found.systematic[2] - found.systematic[1]
    assert total > found.conventional.conf_high - found.conventional.conf_low


def test_fewer_readings_in_the_matrix_leave_more_open():
    frame = misread_patients(2000, 5)
    few = {"zero": {"zero": 16, "low": 4}, "low": {"zero": 3, "low": 17}}
    many, less = analysed(frame, draws=100), analysed(frame, matrix=few, draws=100)
    assert less.systematic[2] - less.systematic[1] > many.systematic[2] - many.systematic[1]
    zero, low = less.readings
    assert (zero.level, zero.right, zero.wrong) == ("zero", 16, 4)
    assert low.mean == pytest.approx(17.5 / 21, abs=0.03)  # Dirichlet of counts plus one half


def test_patients_outside_stay_as_they_are():
    frame = misread_patients(1000, 2).assign(scored=lambda f: f["x"] > 0)
    found = analysed(frame, among="scored")
    assert found.n_upper + found.n_lower == int((frame["x"] > 0).sum())
    assert found.up + found.down < analysed(frame).up + analysed(frame).down


def test_the_same_seed_gives_the_same_numbers_on_any_number_of_processes():
    frame = misread_patients(300, 2)
    one, two = analysed(frame, draws=12), analysed(frame, draws=12, processes=2)
    assert one.totals.tolist() == two.totals.tolist()
    assert one.totals.tolist() != analysed(frame, draws=12, seed=8).totals.tolist()


def test_draws_that_contradict_what_was_read_are_counted():
    frame = misread_patients(600, 4)
    frame = frame[(frame["group"] == "low") | (np.arange(len(frame)) < 330)]
    share = float((frame["group"] == "low").mean())
    edge = round(100 * share) + 2
    poor = {"zero": {"zero": 70, "low": 30}, "low": {"zero": 100 - edge, "low": edge}}
    found = analysed(frame, matrix=poor, draws=80)
    assert found.n_impossible > 0
    assert found.n_used + found.n_impossible + found.n_failed == 80
    assert any(f.rule == "impossible_draws" for f in found.findings)
    worse = {"zero": {"zero": 700, "low": 300}, "low": {"zero": 600, "low": 400}}
    with pytest.raises(AnalysisError, match="contradict what was read"):
        analysed(frame, matrix=worse)


def test_a_table_that_is_no_matrix_is_refused_by_name():
    frame = misread_patients(200, 1)
    for wrong, said in (
        ({"zero": {"zero": 1}}, "not a table of the two levels"),
        ({"zero": {"zero": -1, "low": 2}, "low": {"zero": 1, "low": 5}}, "0 or more"),
        ({"zero": {"zero": 0, "low": 0}, "low": {"zero": 1, "low": 5}}, "no reading of truly zero"),
        ({"zero": {"zero": 2, "low": 8}, "low": {"zero": 8, "low": 2}}, "no more than chance"),
    ):
        with pytest.raises(AnalysisError, match=said):
            analysed(frame, matrix=wrong)
    with pytest.raises(AnalysisError, match="2 or more"):
        analysed(frame, draws=1)
    with pytest.raises(AnalysisError, match="may have been misread"):
        analysed(frame.assign(none=False), among="none")


def test_every_number_is_a_record_and_plain():
    found = analysed(misread_patients(400, 3))
    records = {r.id: r for r in found.records("bias")}
    total = records["bias/hazard_ratio_corrected_total/group/low/zero"]
    assert total.estimate == pytest.approx(math.exp(found.total[0]))
    assert (total.conf_low, total.conf_high) == pytest.approx(
        tuple(math.exp(v) for v in found.total[1:])
    )
    assert records["bias/read_right/zero"].estimate == pytest.approx(0.8, abs=0.02)
    assert len(json.loads(json.dumps(found.to_dict()))["corrections"]) == found.n_used
    assert list(found.summary["quantity"]) == [
        "hazard_ratio_as_read", "hazard_ratio_corrected", "hazard_ratio_corrected_total",
    ]  # fmt: skip
    assert any(f.rule == "few_draws" for f in found.findings)
    with pytest.raises(ValueError, match="read-only"):
        found.totals[0] = 0.0
