"""The script that holds random cohorts against R runs, and sees a number that is wrong."""

from __future__ import annotations

import importlib.util
import math
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from analyses import cox
from cohort.errors import AnalysisError

SCRIPT = Path(__file__).resolve().parent / "stress" / "stress.py"


@pytest.fixture(scope="module")
def stress() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stress", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.r
@pytest.mark.slow
def test_a_few_random_cohorts_agree_with_r(
    stress: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("R absent: Rscript was not found")
    assert stress.main(["--cohorts", "6"]) == 0
    assert "| curves | test plain statistic | 6 |" in capsys.readouterr().out


def test_a_number_that_only_one_of_the_two_has_is_infinitely_far(stress: ModuleType) -> None:
    assert stress.deviation(None, 1.0) == math.inf
    assert stress.deviation(1.0, math.nan) == math.inf
    assert stress.deviation(None, math.nan) == 0
    assert stress.deviation(1.0 + 1e-9, 1.0) == pytest.approx(1e-9, rel=1e-6)


def test_hazards_that_cannot_be_told_from_zero_are_refused_by_name(stress: ModuleType) -> None:
    rows = stress.cohort(59, 20250131).assign(group=lambda frame: frame["group"].astype(str))
    groups = sorted(set(rows["group"]))
    model = cox(
        rows, time="time", event="event", strata="stratum", robust=True,
        terms=[{"name": "group", "levels": groups}, "share"],
    )  # fmt: skip
    with pytest.raises(AnalysisError, match="cannot be told from zero"):
        model.proportionality("identity")
