"""What holds for Kaplan-Meier curves of any patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses import kaplan_meier

TYPES = ["log-log", "log", "plain", "logit", "arcsine"]
PATIENT = st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from("ab"), st.integers(1, 3))
PATIENTS = st.lists(PATIENT, min_size=2, max_size=40)
BOTH = {"name": "group", "levels": ["a", "b"]}


def table(patients: list[tuple[int, bool, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(patients, columns=["time", "event", "group", "w"])


def summary(frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
    return kaplan_meier(frame, time="time", event="event", by=BOTH, **options).summary


@given(PATIENTS, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(patients: Any, random: Any) -> None:
    shuffled = list(patients)
    random.shuffle(shuffled)
    pd.testing.assert_frame_equal(
        summary(table(patients)), summary(table(shuffled)), check_exact=True
    )


@given(PATIENTS)
def test_renaming_groups_only_renames(patients: Any) -> None:
    frame = table(patients)
    renamed = frame.assign(group=frame["group"].map({"a": "x", "b": "y"}))
    other = kaplan_meier(
        renamed, time="time", event="event", by={"name": "group", "levels": ["x", "y"]}
    ).summary
    other["group"] = other["group"].map({"x": "a", "y": "b"})
    pd.testing.assert_frame_equal(summary(frame), other, check_exact=True)


@given(PATIENTS)
def test_doubling_all_times_leaves_estimates_unchanged(patients: Any) -> None:
    frame = table(patients)
    once, twice = summary(frame), summary(frame.assign(time=2 * frame["time"]))
    np.testing.assert_array_equal(2 * once["time"], twice["time"])
    pd.testing.assert_frame_equal(
        once.drop(columns="time"), twice.drop(columns="time"), check_exact=True
    )


@given(PATIENTS)
def test_a_whole_weight_equals_repeated_patients(patients: Any) -> None:
    frame = table(patients)
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    pd.testing.assert_frame_equal(summary(frame, weights="w"), summary(repeated), rtol=1e-12)


@given(PATIENTS)
def test_without_censoring_the_curve_is_the_empirical_distribution(patients: Any) -> None:
    frame = table(patients).assign(event=True)
    for row in summary(frame).itertuples():
        own = frame[frame["group"] == row.group]
        assert row.estimate == pytest.approx((own["time"] > row.time).mean(), abs=1e-12)


@given(PATIENTS, st.sampled_from(TYPES), st.booleans())
def test_curve_falls_within_zero_and_one_and_inside_its_limits(
    patients: Any, conf_type: Any, weighted: bool
) -> None:
    frame = table(patients)
    frame["w"] = frame["w"] / 1.7
    options = {"weights": "w"} if weighted else {}
    for _, own in summary(frame, conf_type=conf_type, **options).groupby("group"):
        assert own["estimate"].between(0, 1).all()
        assert (own["estimate"].diff().dropna() <= 1e-12).all()
        known = own.dropna(subset=["conf_low", "conf_high"])
        assert (known["conf_low"] <= known["estimate"] + 1e-12).all()
        assert (known["estimate"] <= known["conf_high"] + 1e-12).all()


@given(PATIENTS, st.integers(0, 13))
def test_at_risk_equals_a_direct_count(patients: Any, time: int) -> None:
    frame = table(patients).assign(time=lambda f: f["time"] + 1)
    frame["entry"] = (frame["time"] * frame["w"] / 4).astype(int)
    result = kaplan_meier(frame, time="time", event="event", by=BOTH, entry="entry")
    for row in pd.concat([result.summary, result.at([time + 1])]).itertuples():
        own = frame[frame["group"] == row.group]
        direct = ((own["entry"] < row.time) & (row.time <= own["time"])).sum()
        assert row.n_risk == direct
