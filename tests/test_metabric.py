"""METABRIC from its public file to the numbers that R gives (data README of the project)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import analyses

pytestmark = pytest.mark.real

PROJECT = Path(__file__).resolve().parent.parent
STUDY = PROJECT / "analyses" / "studies" / "metabric.yaml"


@pytest.fixture(scope="module")
def result(real_data, tmp_path_factory):
    target = tmp_path_factory.mktemp("metabric")
    shutil.copy(real_data / "metabric" / "brca_metabric_clinical_data.tsv", target)
    shutil.copy(STUDY, target / "study.yaml")
    return analyses.run_study(analyses.load_study(target / "study.yaml"))


@pytest.fixture(scope="module")
def numbers(result):
    return {record.id: record for record in result.records}


def level(numbers, analysis, quantity="hazard_ratio"):
    found = numbers[f"{analysis}/{quantity}/her2_reported/positive/negative"]
    return found.estimate, found.conf_low, found.conf_high


def test_nothing_fails_and_a_second_program_agrees(result):
    assert result.failures == ()
    assert result.exit_code == 0
    assert result.verification.agrees


def test_overall_survival_is_what_r_gives(numbers, result):
    assert numbers["os_tests/logrank_test/her2_reported"].statistic == pytest.approx(19.8, abs=0.05)
    assert level(numbers, "os_model") == pytest.approx((1.46657, 1.23772, 1.73774), abs=1e-5)
    (made,) = (a for a in result.analyses if a.id == "os_model")
    (tested, *_) = made.proportionality.tests
    assert tested.p_value == pytest.approx(0.00011, abs=5e-6)


def test_hazards_that_change_are_found_and_answered_by_periods_and_means(result):
    warned = {f.rule for f in result.findings if f.source == "os_model"}
    assert "hazards_not_proportional" in warned
    (made,) = (a for a in result.analyses if a.id == "os_periods")
    ratios = [c.hazard_ratio[0] for c in made.adjusted.coefficients if not c.is_reference]
    assert len(ratios) == 3
    assert ratios[1] > 2 > ratios[2]  # the excess is early and is over after five years
    (mean,) = (a for a in result.analyses if a.id == "os_means")
    (difference,) = mean.result.differences
    assert difference.conf_high < 0


def test_causes_of_death_are_what_r_gives(numbers):
    expected = (2.01988, 1.65592, 2.46384)
    assert level(numbers, "cause_specific") == pytest.approx(expected, abs=1e-5)
    name = "subdistribution_hazard_ratio"
    expected = (2.02863, 1.65398, 2.48815)
    assert level(numbers, "subdistribution", name) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("group", "time", "share"),
    [("negative", 60, 0.15287), ("negative", 120, 0.24646),
     ("positive", 60, 0.32103), ("positive", 120, 0.46532)],
)  # fmt: skip
def test_incidence_of_death_from_breast_cancer(numbers, group, time, share):
    found = numbers[f"causes/cumulative_incidence/{group}/event/t={time}"]
    assert found.estimate == pytest.approx(share, abs=1e-5)
