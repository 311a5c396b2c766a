"""Numbers to words: what journals print, and what they must never print."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses import formatting as words
from analyses.formatting import label
from analyses.number_style import BMJ, DEFAULT, JAMA, LANCET, NEJM, STYLES
from analyses.plots.time_axis import time_axis
from cohort.schema import SCHEMA

NBSP = "\u00a0"


def test_marks_of_axes_steps_and_levels_have_the_point_of_the_journal() -> None:
    assert words.tick(-0.25) == "−0.25"
    assert words.tick(-0.25, LANCET) == "−0·25"
    assert words.confidence(0.975) == "97.5% CI"
    assert words.confidence(0.975, LANCET) == "97·5% CI"
    assert words.per_step("age_years", 2.5) == "Age, per 2.5 years"
    assert words.per_step("age_years", 2.5, LANCET) == "Age, per 2·5 years"
    axis = time_axis(1.0, time_unit="years", origin="", times=(0.5,), pitch=0.1, style=LANCET)
    assert axis.labels == ("0", "0·5")


@pytest.mark.parametrize(
    ("p", "default", "jama"),
    [
        (0.5545, "0.55", ".55"),
        (0.01, "0.01", ".01"),
        (0.0099, "0.010", ".010"),
        (0.0032, "0.003", ".003"),
        (0.001, "0.001", ".001"),
        (0.00099999, "<0.001", "<.001"),
        (1e-300, "<0.001", "<.001"),
        (0.0, "<0.001", "<.001"),
        (0.05, "0.05", ".05"),
        (0.0498, "0.0498", ".0498"),
        (0.049996, "0.049996", ".049996"),
        (0.0451, "0.045", ".045"),
        (0.044, "0.04", ".04"),
        (0.99, "0.99", ".99"),
        (0.9951, ">0.99", ">.99"),
        (1.0, ">0.99", ">.99"),
        (None, "–", "–"),
        (math.nan, "–", "–"),
    ],
)
def test_p_values_as_journals_print_them(p, default, jama):
    assert words.p_value(p) == default
    assert words.p_value(p, JAMA) == jama


def test_p_with_its_letter_keeps_the_comparison_sign():
    assert words.p_equals(0.5545) == "p = 0.55"
    assert words.p_equals(1e-9) == "p < 0.001"
    assert words.p_equals(0.5545, JAMA) == "P = .55"
    assert words.p_equals(1.0, JAMA) == "P > .99"
    assert words.p_equals(None) == "–"


@pytest.mark.parametrize("p", [-0.01, 1.01, 5.0])
def test_a_p_value_outside_its_range_is_refused(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        words.p_value(p)


@given(st.floats(0, 1))
def test_a_printed_p_value_is_on_the_same_side_of_five_per_cent(p):
    text = words.p_value(p)
    if text[0] in "<>":
        assert (p < 0.001) if text[0] == "<" else (p > 0.99)
    else:
        assert (float(text) < 0.05) == (p < 0.05)
        assert float(text) == pytest.approx(p, abs=0.0051)


@given(st.floats(0.0005, 0.0009999) | st.floats(0.0451, 0.0499999999))
def test_values_near_a_threshold_never_cross_it(p):
    text = words.p_value(p)
    assert text == "<0.001" or float(text) < 0.05


def test_hazard_ratio_of_the_registry_study():
    assert words.hazard_ratio(0.7680, 0.3192, 1.8478) == "0.77 (0.32 to 1.85)"
    assert words.hazard_ratio(0.7680) == "0.77"
    assert words.hazard_ratio(None) == "not estimable"
    assert words.hazard_ratio(0.5, None, 2.0) == "0.50 (not estimable to 2.00)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e6, "1.0 × 10⁶"),
        (3.456e11, "3.5 × 10¹¹"),
        (99_999.4, "99,999"),
        (1234.5, "1,234"),
        (123.4, "123"),
        (99.96, "100"),
        (12.34, "12.3"),
        (9.996, "10.0"),
        (9.994, "9.99"),
        (0.005, "0.01"),
        (0.0049, "<0.01"),
        (1e-300, "<0.01"),
        (0.0, "0.00"),
        (math.inf, "∞"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_large_and_tiny_ratios(value, text):
    assert words.ratio(value) == text


@given(st.floats(1e-3, 9e4))
def test_a_ratio_reads_back_to_within_its_last_digit(value):
    text = words.ratio(value).replace(",", "")
    if text.startswith("<"):
        assert value < 0.005
    else:
        assert float(text) == pytest.approx(value, rel=0.006, abs=0.0051)


def test_minus_signs():
    assert words.number(-0.0, 1) == "0.0"
    assert words.number(-0.04, 1) == "0.0"
    assert words.number(-0.06, 1) == "−0.1"
    assert words.number(-1234.5, 0) == "−1,234"
    assert words.estimate_with_limits(3.14, -0.2, 6.44, 1) == "3.1 (−0.2 to 6.4)"
    assert words.estimate_with_limits(None, None, None) == "–"
    assert words.estimate_with_limits(1, None, 2, 1, "unknown") == "1.0 (unknown to 2.0)"


def test_counts_have_their_thousands_apart():
    assert words.count(1136016) == "1,136,016"
    assert words.count(1136016, JAMA) == f"1{NBSP}136{NBSP}016"
    assert words.count(1099, JAMA) == "1099"
    assert words.count(1099) == "1,099"
    assert words.count(12.5) == "12.5"
    assert words.count(0) == "0"
    assert words.count(None) == "–"
    assert words.counted(1, "event") == "1 event"
    assert words.counted(0, "event") == "0 events"
    assert words.counted(1204, "patient") == "1,204 patients"


def test_per_cent_never_says_none_or_all_of_some():
    assert words.percent(0.1489) == "14.9%"
    assert words.percent(0.0) == "0.0%"
    assert words.percent(1.0) == "100.0%"
    assert words.percent(0.0001) == "<0.1%"
    assert words.percent(0.9999) == ">99.9%"
    assert words.percent(0.999, decimals=0) == ">99%"
    assert words.percent(None) == "–"
    assert words.n_percent(61, 410) == "61 (14.9%)"
    assert words.n_percent(0, 0) == "0 (–)"
    assert words.n_percent(None, 10) == "–"
    assert words.percent_with_limits(0.862, 0.81, 0.901) == "86.2% (81.0% to 90.1%)"
    assert words.percent_with_limits(1.0, None, math.nan) == "100.0%"


def test_times_and_medians():
    assert words.time(968, "days") == "968 days"
    assert words.time(968.5, "days") == "968.5 days"
    assert words.time(1, "months") == "1.0 month"
    assert words.time(20.27, "months") == "20.3 months"
    assert words.time(None, "months") == "not reached"
    assert words.median_time(34.2, 30.1, None) == "34.2 (30.1 to not reached)"
    assert words.median_time(34.2, 30.1, math.nan, "months") == "34.2 (30.1 to not reached) months"
    assert words.median_time(None, 30.13, None) == "not reached (30.1 to not reached)"
    assert words.median_time(None, None, None, "days") == "not reached"
    assert words.median_time(968, 762, 1000.5, "days") == "968.0 (762.0 to 1,000.5) days"
    assert words.median_time(968, 762, 1000, "days") == "968 (762 to 1,000) days"


def test_means_and_quartiles():
    assert words.mean_sd(58.349, 13.06) == "58.3 (13.1)"
    assert words.mean_sd(58.349, None) == "58.3 (–)"
    assert words.mean_sd(None, None) == "–"
    assert words.median_iqr(58, 48, 67) == "58 (48 to 67)"
    assert words.median_iqr(58, 48.25, 67) == "58.0 (48.2 to 67.0)"
    assert words.median_iqr(None, None, None) == "–"


def test_ticks_have_the_decimals_they_need():
    assert [words.tick(x) for x in (0.0, 12, 0.5, 0.125, -0.0, 11.9999999, -2)] == [
        *("0", "12", "0.5", "0.125", "0", "12", "−2"),
    ]
    assert words.confidence(0.95) == "95% CI"
    assert words.confidence(0.975) == "97.5% CI"


def test_labels_of_columns_and_levels():
    assert label("her2_status", "low") == "HER2-low"
    assert label("her2_status", "zero") == "HER2-zero"
    assert label("age_years") == "Age, years"
    assert label("stage", "II") == "Stage II"
    assert label("er_status", "positive") == "ER-positive"
    assert label("surgery", "breast_conserving") == "Breast conserving"
    assert label("last_contact_day") == "Last contact after diagnosis, days"
    assert label("my_column") == "My column"
    assert label("my_column", "a=b, c_$^") == "a=b, c_$^"
    assert label("grade", "9") == "9"
    assert words.per_step("age_years", 10) == "Age, per 10 years"
    assert words.per_step("age_years", 1) == "Age, years"
    assert words.per_step("x", 0.5) == "X, per 0.5"


@pytest.mark.parametrize("column", [c for c in SCHEMA.values() if c.levels], ids=lambda c: c.name)
def test_every_level_has_words_of_its_own(column):
    said = [label(column.name, level) for level in column.levels]
    assert len(set(said)) == len(column.levels)
    assert all(text and "_" not in text for text in said)


def test_every_column_has_words_of_its_own():
    said = [label(name) for name in SCHEMA if not name.startswith("followup")]
    assert len(set(said)) == len(said)
    assert all(text[:1] == text[:1].upper() and "_" not in text for text in said)


def test_styles_are_found_by_name():
    assert STYLES["default"] is DEFAULT
    assert STYLES["jama"] is JAMA
    assert all(name == style.name for name, style in STYLES.items())


@pytest.mark.parametrize(
    ("p", "nejm", "lancet"),
    [
        (0.5545, "P = 0.55", "p = 0\u00b755"),
        (0.0044, "P = 0.004", "p = 0\u00b7004"),
        (0.00044, "P < 0.001", "p = 0\u00b70004"),
        (0.000044, "P < 0.001", "p < 0\u00b70001"),
    ],
)
def test_p_values_of_other_journals(p, nejm, lancet):
    assert words.p_equals(p, NEJM) == nejm
    assert words.p_equals(p, LANCET) == lancet


def test_counts_and_ratios_of_other_journals():
    assert words.hazard_ratio(0.768, 0.3192, 1.8478, LANCET) == "0\u00b777 (0\u00b732 to 1\u00b785)"
    assert words.count(12345, BMJ) == "12\u202f345"
    assert words.count(1234, BMJ) == "1234"
    assert words.percent(0.5, LANCET) == "50\u00b70%"


def test_a_style_of_ones_own():
    assert words.number(1234.5, 1, words.NumberStyle(decimal_point="·")) == "1,234·5"
    assert words.p_value(0.03, words.NumberStyle(decimal_point="·")) == "0·03"


def test_a_deviation_is_its_power_of_ten():
    assert [words.deviation(x) for x in (None, 0.0, 5.2e-14, 1e-06)] == [
        "infinite", "0", "5e−14", "1e−06",
    ]  # fmt: skip
