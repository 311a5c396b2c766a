"""Residuals of Cox models against `residuals.coxph` (tests/reference/cox_more.R), and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cox_cases import CASES

from analyses.estimators.cox import cox
from analyses.kernels import risk_sets
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
EXPECTED = pd.read_csv(REFERENCE / "cox_residuals.csv")
KINDS = {"scaledsch": "scaled_schoenfeld"}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


def by_time(frame: pd.DataFrame) -> Any:
    """Sums and sums of squares by time, which do not depend on the order of tied events."""
    values = frame.set_index("time")
    sums, squares = (part.groupby("time").sum() for part in (values, values**2))
    return sums.index.to_numpy(), np.hstack([sums, squares])


@pytest.mark.parametrize(
    ("case", "kind"), list(EXPECTED[["case", "kind"]].drop_duplicates().itertuples(index=False))
)
def test_residuals_agree_with_r(case: str, kind: str, patients: pd.DataFrame) -> None:
    wanted = EXPECTED[(EXPECTED["case"] == case) & (EXPECTED["kind"] == kind)]
    wanted = wanted.pivot(index="row", columns="column", values="value")
    found = cox(patients, **CASES[case]).residuals(KINDS.get(kind, kind))
    if "time" in found:
        places, values = by_time(found)
        np.testing.assert_array_equal(places, wanted.index)
    else:
        values = found.loc[wanted.index].to_numpy()
    # A sum near 0 of large residuals is compared by the size of its column.
    size = np.abs(wanted.to_numpy()).max(axis=0)
    np.testing.assert_allclose(values / size, wanted.to_numpy() / size, rtol=1e-8, atol=1e-9)


def test_rows_keep_the_labels_of_the_data_and_leave_out_the_incomplete(
    patients: pd.DataFrame,
) -> None:
    data = patients.set_index(np.arange(1000, 1300))
    data.loc[1005, "age"] = np.nan
    model = cox(data, **CASES["efron"])
    found = model.residuals("martingale")
    assert list(found.index) == [label for label in data.index if label != 1005]
    assert found["martingale"].sum() == pytest.approx(0, abs=1e-9)


def test_compiled_rows_in_another_order_give_the_same(
    patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {**CASES["everything"], "time": "time_fine"}
    data = patients.assign(entry=patients["entry"] / 1e3)
    plain = cox(data, **asked)
    monkeypatch.setattr(risk_sets, "COMPILED_FROM", 0)
    monkeypatch.setattr("analyses.kernels.cox.COMPILED_FROM", 0)
    monkeypatch.setattr(risk_sets, "CACHED", 0)
    compiled = cox(data, **asked)
    assert compiled.rows is not None
    assert compiled.rows.order is not None  # type: ignore[attr-defined]
    for kind in ("deviance", "dfbeta", "schoenfeld"):
        one, other = plain.residuals(kind), compiled.residuals(kind)
        pd.testing.assert_frame_equal(one, other, rtol=1e-10, atol=1e-12)


def test_six_patients_by_hand() -> None:
    # Breslow, beta = b where 2 b - 2 log(3r + 3) - 2 log(r + 2) is largest, r = exp(b): the score
    # 2 - 6r/(3r + 3) - 2r/(r + 2) = 0 gives 2(r + 1)(r + 2) = 2r(r + 2) + 2r(r + 1), r^2 = 2.
    # Steps of the hazard for x = 0: 2/(3r + 3) at time 1, 2/(r + 2) at time 3; a patient gathers
    # those up to the end of follow-up, times r for x = 1. Means at risk: r/(r + 1), r/(r + 2).
    data = pd.DataFrame({"t": [1, 1, 2, 3, 3, 4], "e": [1, 1, 0, 1, 1, 0], "x": [1, 0, 1, 0, 1, 0]})
    model = cox(data, time="t", event="e", terms=["x"], ties="breslow")
    r = np.sqrt(2)
    first, second = 2 / (3 * r + 3), 2 / (r + 2)
    both = first + second
    expected = [1 - r * first, 1 - first, -r * first, 1 - both, 1 - r * both, -both]
    np.testing.assert_allclose(model.residuals("martingale")["martingale"], expected, rtol=1e-9)
    early, later = r / (r + 1), r / (r + 2)
    found = model.residuals("schoenfeld")
    np.testing.assert_allclose(sorted(found["x"][:2]), [-early, 1 - early], rtol=1e-9)
    np.testing.assert_allclose(sorted(found["x"][2:]), [-later, 1 - later], rtol=1e-9)


def test_an_unknown_kind_and_rows_that_were_let_go_are_refused(patients: pd.DataFrame) -> None:
    model = cox(patients, **CASES["efron"])
    with pytest.raises(AnalysisError, match="Did you mean 'schoenfeld'"):
        model.residuals("schonfeld")
    with pytest.raises(AnalysisError, match="kept without its rows"):
        model.without_rows().residuals("score")
