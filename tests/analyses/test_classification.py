"""Classified against unclassified patients, by hand, and where there is nothing to compare."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.classification import classification
from analyses.number_style import NumberStyle
from analyses.report.classification_pages import _compared
from analyses.results.classification import CLASSIFICATION, UNCLASSIFIED, ClassificationAnalysis
from analyses.study.kinds.classification import _failures
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUPS = ("zero", "low", "positive")


def six() -> pd.DataFrame:
    """Classified die at 1, 3, one is seen to 5; unclassified die at 2 and 4, one has no status."""
    return pd.DataFrame(
        {
            "status": ["zero", "low", "positive", "unknown", "unresolved", None],
            "age": [50.0, 60.0, 70.0, 60.0, 70.0, 80.0],
            "time": [1.0, 3.0, 5.0, 2.0, 4.0, 5.0],
            "event": [True, True, False, True, True, False],
        }
    )


def test_six_patients_by_hand() -> None:
    """Mean ages 60 and 70 with SD 10 each: a standardised difference of 1.

    Cox: deaths at 1 (classified; 3 against 3 at risk), 2 (unclassified; 2, 3), 3 (classified; 2,
    2), 4 (unclassified; 1, 2). The slope of the log partial likelihood at the ratio h is
    2 - 3h/(3 + 3h) - 3h/(2 + 3h) - 2h/(2 + 2h) - 2h/(1 + 2h).
    """
    result = classification(
        six(), status="status", groups=GROUPS, columns=["age"], time="time", event="event"
    )
    assert result.n == (3, 3)
    assert result.counts == (
        ("low", 1), ("positive", 1), ("unknown", 1), ("unresolved", 1), ("zero", 1), ("", 1),
    )  # fmt: skip
    assert result.features.smd[0].value == pytest.approx(1.0)
    assert result.raw is not None
    (estimate,) = (c.estimate for c in result.raw.coefficients if c.level == UNCLASSIFIED)
    h = np.exp(float(estimate or 0))
    slope = 2 - h / (1 + h) - 3 * h / (2 + 3 * h) - h / (1 + h) - 2 * h / (1 + 2 * h)
    assert slope == pytest.approx(0, abs=1e-8)
    assert "unclassified_differ" in [f.rule for f in result.findings]
    assert result.adjusted is None
    records = {r.id: r for r in result.records("c")}
    assert records["c/status/missing"].n == 1
    assert records["c.raw/hazard_ratio/classification/Unclassified/Classified"].estimate == (
        pytest.approx(h)
    )
    assert result.to_dict()["counts"][""] == 1


def test_models_are_those_of_cox_and_stand_apart_when_one_fails() -> None:
    data = pd.read_csv(REFERENCE / "cox_data.csv")
    result = classification(
        data,
        status="group",
        groups=("zero", "low"),
        columns=["age"],
        time="time",
        event="event",
        terms=["age"],
    )
    assert result.n == (246, 54)
    assert result.adjusted is not None
    assert [term.name for term in result.adjusted.terms] == [CLASSIFICATION, "age"]
    assert list(result.summary["model"]) == ["raw", "adjusted"]
    doubled = data.assign(twice=2 * data["age"])
    failed = classification(
        doubled, status="group", groups=("zero", "low"), columns=["age"], time="time",
        event="event", terms=["age", "twice"],
    )  # fmt: skip
    assert failed.adjusted is None
    assert failed.raw is not None
    assert [name for name, _ in failed.failed] == ["adjusted"]
    records = {record.id: record for record in failed.records("c")}
    assert records["c/unclassified_share"].n == 54
    assert records["c/unclassified_share"].estimate == 54 / 300
    said = " ".join(_compared(ClassificationAnalysis("c", "Title", "os", failed), NumberStyle()))
    assert "Unclassified against classified, adjusted: none (" in said


def test_a_ratio_that_does_not_exist_is_a_failure_though_the_model_stands() -> None:
    data = pd.read_csv(REFERENCE / "cox_data.csv")
    data = data.assign(event=data["event"].astype(bool) & (data["group"] != "positive"))
    result = classification(
        data, status="group", groups=("zero", "low"), columns=["age"], time="time",
        event="event", terms=["age"],
    )  # fmt: skip
    assert result.failed == ()
    spec: Any = SimpleNamespace(id="c", kind="classification")
    failures = list(_failures(spec, result))
    assert {failure.analysis for failure in failures} == {"c"}
    assert {failure.term.partition(":")[0] for failure in failures} == {"raw", "adjusted"}


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (("zero", "low", "positive"), "nobody is unclassified"),
        (("other",), "nobody is in one of the groups"),
    ],
)
def test_where_there_is_nothing_to_compare(groups: tuple[str, ...], said: str) -> None:
    data = pd.read_csv(REFERENCE / "cox_data.csv")
    with pytest.raises(AnalysisError, match=said):
        classification(
            data, status="group", groups=groups, columns=["age"], time="time", event="event"
        )
