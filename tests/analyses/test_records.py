"""Records: unique ids, nothing undefined without a reason, plain JSON numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyses.results.frozen import defined, frozen
from analyses.results.records import COLUMNS, Record, checked

RECORD = Record("os", "cox", "hazard_ratio", term="grade", level="3", reference="1", estimate=1.5)


def test_the_id_names_what_tells_a_record_from_its_neighbours():
    assert RECORD.id == "os/hazard_ratio/grade/3/1"
    survival = Record("km", "kaplan_meier", "survival", group="low", time=365.25, estimate=0.9)
    assert survival.id == "km/survival/low/t=365.25"


def test_numbers_are_plain_at_twelve_digits_and_undefined_is_none():
    record = replace(RECORD, estimate=np.float64(1 / 3), n=np.int64(7), conf_low=None)
    plain = record.to_dict()
    assert plain["estimate"] == 0.333333333333
    assert type(plain["n"]) is int
    assert plain["conf_low"] is None
    assert tuple(plain) == COLUMNS


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ((RECORD, RECORD), "two records share the id"),
        ((replace(RECORD, estimate=float("nan")),), "a number that is not finite"),
        ((replace(RECORD, conf_high=np.inf),), "a number that is not finite"),
        ((replace(RECORD, status="not_estimable", estimate=None),), "without a reason"),
        ((replace(RECORD, estimate=None),), "lacks a number, without a reason"),
        ((replace(RECORD, estimate=None, n=9, std_error=0.1),), "lacks the estimate of its"),
        ((replace(RECORD, estimate=None, n=9, conf_high=0.1),), "lacks the estimate of its"),
        ((replace(RECORD, estimate=None, n=9, statistic=3.0),), "lacks the p-value"),
    ],
)
def test_a_record_that_cannot_be_published_is_refused(records, said):
    with pytest.raises(ValueError, match=said):
        checked(records)


@pytest.mark.parametrize(
    "numbers",
    [
        {"n": 0},
        {"n_risk": 7.0},
        {"n_censor": 2.0},
        {"p_value": 0.5},
        {"statistic": 3.0, "p_value": 0.1},
        {"estimate": 1.0, "std_error": 0.0},
        {"n": 5, "reason": "no pair can be compared"},
        {"reason": "nobody is left"},
    ],
)
def test_a_count_a_test_or_a_reason_is_a_whole_record(numbers):
    record = replace(RECORD, **({"estimate": None} | numbers))
    assert checked([record]) == (record,)


def test_frozen_arrays_are_copies_that_cannot_change():
    values = np.array([1.0, 2.0])
    held = frozen(values)
    values[0] = 9
    assert held[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        held[0] = 5
    assert defined(float("nan")) is None
    assert defined(np.float64(2.5)) == 2.5
