"""The Cox model on the public data sets that every textbook uses, against R (see cox.R)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.cox import cox
from analyses.results.cox import CoxModel

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
pytestmark = pytest.mark.real
CELLTYPE = {"name": "celltype", "levels": ["squamous", "smallcell", "adeno", "large"]}
GRADE = {"name": "grade", "levels": [1, 2, 3]}
GBSG = ["age", "meno", "size", GRADE, "nodes", "pgr", "er", "hormon"]
HEART = ["age", "year", "surgery", "transplant"]
INHERIT = {"name": "inherit", "levels": ["X-linked", "autosomal"]}
TREAT = {"name": "treat", "levels": ["placebo", "rIFN-g"]}
SIZE = {"name": "size", "levels": ["<=20", "20-50", ">50"]}

# data set, columns of the question, terms and options; the case of the same name in cox.R
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "gbsg": ("gbsg", {"time": "rfstime", "event": "status", "terms": GBSG}),
    "gbsg_hormon": ("gbsg", {"time": "rfstime", "event": "status", "terms": ["hormon"]}),
    "veteran": (
        "veteran",
        {"time": "time", "event": "status"}
        | {"terms": ["trt", CELLTYPE, "karno", "diagtime", "age", "prior"]},
    ),
    "lung_strata": (
        "lung",
        {"time": "time", "event": "died", "terms": ["age", "ph.ecog"], "strata": "sex"},
    ),
    "rotterdam": (
        "rotterdam",
        {"time": "t", "event": "e"}
        | {"terms": ["age", SIZE, "grade3", "nodes", "hormon", "chemo"]},
    ),
    "heart": ("heart", {"entry": "start", "time": "stop", "event": "event", "terms": HEART}),
    "heart_cluster": (
        "heart",
        {"entry": "start", "time": "stop", "event": "event", "terms": HEART, "cluster": "id"},
    ),
    "bladder2": (
        "bladder2",
        {"entry": "start", "time": "stop", "event": "event", "terms": ["rx", "size", "number"]}
        | {"strata": "enum", "cluster": "id"},
    ),
    "cgd": (
        "cgd",
        {"entry": "tstart", "time": "tstop", "event": "status", "terms": [TREAT, INHERIT, "age"]}
        | {"cluster": "id", "ties": "breslow"},
    ),
}


def prepared(folder: Path, name: str) -> pd.DataFrame:
    """The data set as read, with the columns that cox.R derives."""
    frame = pd.read_csv(folder / "reference_survival" / f"{name}.csv")
    if name == "lung":
        frame["died"] = frame["status"] == 2
    if name == "rotterdam":
        frame["t"] = np.where(frame["recur"] == 1, frame["rtime"], frame["dtime"])
        frame["e"] = frame[["recur", "death"]].max(axis=1)
        frame["grade3"] = (frame["grade"] == 3).astype(float)
    return frame[frame["start"] < frame["stop"]] if name == "bladder2" else frame


def fitted(folder: Path, case: str) -> CoxModel:
    name, arguments = CASES[case]
    return cox(prepared(folder, name), **arguments)


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_expected.csv")


@pytest.mark.parametrize("case", CASES)
def test_real_patients_agree_with_coxph(case: str, real_data: Path, expected: pd.DataFrame) -> None:
    model = fitted(real_data, case)
    own = expected[expected["case"] == case]

    def agree(quantity: str, found: list[Any], tolerance: float = 1e-8) -> None:
        wanted = own[own["quantity"] == quantity].sort_values("index")["value"]
        np.testing.assert_allclose(np.array(found, dtype=float), wanted, rtol=tolerance)

    agree("coefficient", [c.estimate for c in model.estimated])
    agree("std_error", [c.std_error for c in model.estimated])
    agree("log_likelihood", [model.log_likelihood, model.log_likelihood_null], 1e-12)
    c = model.concordance
    counts = [c.concordant, c.discordant, c.tied_x, c.tied_y, c.tied_xy]
    agree("concordance", [*counts, c.estimate, c.std_error])
    for test in model.tests:
        agree(test.name, [test.statistic])


def test_gbsg_gives_the_published_hormone_effect(real_data: Path) -> None:
    model = fitted(real_data, "gbsg_hormon")
    (hormon,) = model.estimated
    assert hormon.estimate == pytest.approx(-0.3640099, abs=5e-8)
    assert hormon.hazard_ratio == pytest.approx((0.694884, 0.543844, 0.887873), abs=5e-7)
    assert model.log_likelihood_null == pytest.approx(-1788.104737, abs=5e-7)
    assert model.log_likelihood == pytest.approx(-1783.693940, abs=5e-7)


def test_gbsg_full_model_gives_the_published_numbers(real_data: Path) -> None:
    model = fitted(real_data, "gbsg")
    named = {c.term: c.estimate for c in model.estimated}
    assert named["hormon"] == pytest.approx(-0.34627843, abs=5e-9)
    assert named["nodes"] == pytest.approx(0.0487886, abs=5e-8)
    assert model.log_likelihood == pytest.approx(-1735.732104, abs=5e-7)


def test_veteran_gives_the_published_numbers(real_data: Path) -> None:
    model = fitted(real_data, "veteran")
    named = {c.term: c.estimate for c in model.estimated if c.level is None}
    assert named["trt"] == pytest.approx(0.2946028, abs=5e-8)
    assert named["karno"] == pytest.approx(-0.03281533, abs=5e-9)
    assert model.log_likelihood_null == pytest.approx(-505.4490549, abs=5e-8)
    assert model.log_likelihood == pytest.approx(-474.3971117, abs=5e-8)


def test_rotterdam_gives_the_published_numbers(real_data: Path) -> None:
    model = fitted(real_data, "rotterdam")
    named = {c.term: c.estimate for c in model.estimated if c.level is None}
    assert model.n_event == 1713
    assert named["hormon"] == pytest.approx(-0.12322653, abs=5e-9)
    assert named["chemo"] == pytest.approx(-0.09851159, abs=5e-9)
    assert named["nodes"] == pytest.approx(0.07461005, abs=5e-9)


TESTED = ("veteran", "heart", "gbsg", "lung_strata")


@pytest.mark.parametrize("case", TESTED)
def test_real_patients_tests_of_proportional_hazards_agree_with_zph(
    case: str, real_data: Path
) -> None:
    every = pd.read_csv(REFERENCE / "proportionality.csv")
    rows = every[every["case"] == case]
    model = fitted(real_data, case)
    assert set(rows["transform"]) >= {"km"}
    for transform, wanted in rows.groupby("transform"):
        found = model.proportionality(transform)
        for kind, tests in (("term", found.tests), ("all", (found.overall,))):
            own = wanted[wanted["kind"] == kind]
            assert [test.df for test in tests] == list(own["df"])
            np.testing.assert_allclose(
                [test.statistic for test in tests], own["statistic"], rtol=1e-8, atol=1e-9
            )  # a chi-square of almost 0 is a difference of large sums
            np.testing.assert_allclose([test.p_value for test in tests], own["p_value"], rtol=1e-8)
