"""Shares over years against R's prop.trend.test and glm, by hand, and where there is no trend."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.share_trend import share_trend
from analyses.study.kinds.share_trend import over_years
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUP = {"name": "group", "levels": ["zero", "low", "positive"]}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


def test_tests_and_slopes_equal_r(patients: pd.DataFrame) -> None:
    table = pd.read_csv(REFERENCE / "response.csv", keep_default_na=False)
    result = share_trend(patients, of=GROUP, year="grade")
    for name, quantity in (
        ("statistic", "trend"),
        ("estimate", "slope"),
        ("std_error", "slope_se"),
    ):
        wanted = table[table["quantity"] == quantity]["value"].to_numpy(dtype=float)
        found = [getattr(trend, name) for trend in result.trends]
        np.testing.assert_allclose(found, wanted, rtol=1e-8)
    assert sum(s.n_category for s in result.shares) == 300


def test_six_patients_by_hand() -> None:
    """Low is 0 of 1, 1 of 2, 1 of 3 in 2010, 2011 and 2012.

    Mean year 2010 + 8/6 = 2011 1/3; centred years -4/3, -1/3, 2/3; sum of events times them
    -1/3 + 2/3 = 1/3; spread 1/3 x 2/3 x (16/9 + 2/9 + 12/9) = 2/9 x 30/9 = 20/27; chi-square
    (1/9)/(20/27) = 3/20.
    """
    data = pd.DataFrame(
        {
            "year": [2010, 2011, 2011, 2012, 2012, 2012],
            "her2": ["zero", "low", "zero", "low", "zero", "zero"],
        }
    )
    result = share_trend(data, of={"name": "her2", "levels": ["zero", "low"]}, year="year")
    low = result.trends[1]
    assert low.statistic == pytest.approx(3 / 20)
    assert [s.estimate for s in result.shares if s.category == "low"] == pytest.approx(
        [0, 1 / 2, 1 / 3]
    )
    assert result.trends[0].estimate == pytest.approx(-float(low.estimate or 0))
    assert result.findings[0].rule == "few_patients"


def test_the_figure_stands_at_the_shares(patients: pd.DataFrame) -> None:
    result = share_trend(patients, of=GROUP, year="grade")
    artists = result.plot()
    for name, line in artists.lines:
        wanted = [s.estimate for s in result.shares if s.category == name]
        np.testing.assert_allclose(line.get_ydata(), wanted)
    assert len({round(text.get_position()[1], 4) for text in artists.keys}) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"year": 2012}, "one year only: 2012"),
        ({"year": 2012.5}, "not whole numbers"),
        ({"group": None}, "no row has a value in both"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    change: dict[str, Any], said: str, patients: pd.DataFrame
) -> None:
    data = patients.assign(**({"year": patients["grade"]} | change))
    with pytest.raises(AnalysisError, match=said):
        share_trend(data, of=GROUP, year="year")


def test_missing_years_are_counted(patients: pd.DataFrame) -> None:
    data = patients.assign(grade=patients["grade"].where(patients.index % 5 != 0))
    result = share_trend(data, of=GROUP, year="grade")
    assert (result.n, result.n_missing) == (240, (("grade", 60),))


def test_a_trend_that_does_not_exist_is_a_failure_of_the_study(patients: pd.DataFrame) -> None:
    of = {"name": "group", "levels": ["zero", "low", "positive"]}
    late = patients[(patients["group"] != "low") | (patients["grade"] == 3)]
    early = late[(late["group"] == "low") | (late["grade"] != 3)]
    spec: Any = SimpleNamespace(
        id="t", kind="share_trend", title=None, of=of, year="grade", conf_level=0.95
    )
    outcome = over_years(spec, early, cast(Any, None))
    assert [failure.group for failure in outcome.failures][:1]
    gone = [t for t in share_trend(early, of=of, year="grade").trends if t.reason is not None]
    assert [(f.group, f.reason) for f in outcome.failures] == [(t.category, t.reason) for t in gone]
