"""Each adjusted method finds the truth of what it aims at, where the crude comparison does not.

Truths are counted from 1,000,000 simulated patients with their outcome in every group
(tests/covering/adjustment_methods.py); how often limits hold them is `make coverage`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from cohort.simulation import simulated_confounding

FOLDER = Path(__file__).resolve().parent.parent / "covering"
N, SEED = 20_000, 6
FAR = 3.5  # standard errors of one cohort's estimate


@pytest.fixture(scope="module")
def methods():
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location("own", FOLDER / "adjustment_methods.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(FOLDER))
    return {method.name: method for method in module.METHODS}


@pytest.fixture(scope="module")
def cohort():
    return simulated_confounding(N, SEED)


def deviations(method, cohort):
    """Distance of each estimate from the truth in its own standard errors."""
    found = {answer.estimand: answer for answer in method.answers(cohort)}
    result = {}
    for name, truth in method.truth().items():
        answer = found[name]
        error = (answer.high - answer.low) / (2 * 1.959964)
        result[name] = (answer.estimate - truth) / error
    return result


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "Cox, terms, conditional",
        "weights, everyone",
        "weights, low",
        "weights, overlap",
        "weights and terms, conditional",
        "matching, positive",
        "g-formula, everyone",
        "g-formula, low",
    ],
)
def test_a_method_finds_the_truth_of_its_own_estimand(methods, cohort, name):
    far = {k: v for k, v in deviations(methods[name], cohort).items() if abs(v) > FAR}
    assert not far


@pytest.mark.slow
def test_the_crude_comparison_does_not(methods, cohort):
    found = deviations(methods["crude"], cohort)
    assert abs(found["log HR low"]) > 2 * FAR
    assert abs(found["S(60) low - zero"]) > 2 * FAR


@pytest.mark.slow
def test_a_marginal_and_a_conditional_truth_differ_without_any_confounding(methods):
    marginal = methods["weights, everyone"].truth()["log HR positive"]
    conditional = methods["Cox, terms, conditional"].truth()["log HR positive"]
    assert abs(marginal) < abs(conditional) - 0.02
