"""The script that counts how often limits hold the truth runs, and sees limits that do not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parent / "covering" / "covering.py"


@pytest.fixture(scope="module")
def covering() -> ModuleType:
    spec = importlib.util.spec_from_file_location("covering", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["covering"] = module
    spec.loader.exec_module(module)
    return module


def _mean(covering, width):
    def answers(values):
        error = values.std(ddof=1) / len(values) ** 0.5
        mean = float(values.mean())
        return [covering.Answer("mean", mean, mean - width * error, mean + width * error)]

    def cohort(seed):
        return np.random.default_rng(seed).normal(3.0, 1.0, 200)

    return covering.Method("mean", cohort, answers, lambda: {"mean": 3.0})


@pytest.mark.parametrize(("width", "far"), [(1.96, False), (1.2, True), (4.0, True)])
def test_limits_that_are_too_narrow_or_too_wide_are_seen(covering, width, far):
    method = _mean(covering, width)
    answers = [a for seed in range(500) for a in method.answers(method.cohort(seed))]
    found = covering.line(method, "mean", 3.0, answers, 500)
    assert found.is_far is far
    assert found.without == 0
    assert ("FAR" in covering.printed([found])) is far


def test_a_cohort_without_an_answer_is_counted(covering):
    method = _mean(covering, 1.96)
    found = covering.line(method, "mean", 3.0, [covering.Answer("mean", 3.0, 2.0, 4.0)], 5)
    assert found.without == 4


def test_every_topic_names_methods_and_their_truths(covering):
    assert covering.topics()
    for path in covering.topics():
        assert covering.methods(path)
