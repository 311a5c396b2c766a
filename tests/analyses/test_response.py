"""Response by group against R's mantelhaen.test and glm, by hand, and Simpson's paradox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.response import response_odds
from analyses.kernels.proportions import cochran_armitage, wilson
from analyses.results.response import Response
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUP = {"name": "group", "levels": ["zero", "low", "positive"]}
YES = {"name": "er", "levels": ["no", "yes"]}
GRADE = {"name": "grade", "levels": ["1", "2", "3"]}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


@pytest.fixture(scope="module")
def expected() -> Any:
    table = pd.read_csv(REFERENCE / "response.csv", keep_default_na=False)
    return lambda quantity: table[table["quantity"] == quantity]["value"].to_numpy(dtype=float)


def numbers(result: Response, how: str, name: str) -> list[Any]:
    return [getattr(ratio, name) for ratio in result.ratios if ratio.how == how]


def test_everything_equals_r(patients: pd.DataFrame, expected: Any) -> None:
    result = response_odds(patients, response=YES, by=GROUP, within=GRADE, terms=["age"])
    for how in ("raw", "adjusted", "within"):
        np.testing.assert_allclose(numbers(result, how, "estimate"), expected(how), rtol=1e-8)
        np.testing.assert_allclose(numbers(result, how, "std_error"), expected(f"{how}_se"), 1e-8)
    for name, quantity in (("estimate", "mh"), ("conf_low", "mh_low"), ("conf_high", "mh_high")):
        found = numbers(result, "mantel_haenszel", name)
        np.testing.assert_allclose(found, expected(quantity), rtol=1e-8)
    statistics = [test.statistic for test in result.pooled_tests]
    np.testing.assert_allclose(statistics, expected("cmh"), rtol=1e-10)
    assert result.interaction is not None
    assert result.interaction.statistic == pytest.approx(expected("interaction")[0], rel=1e-8)
    whole = [share for share in result.shares if share.stratum is None]
    np.testing.assert_allclose([s.conf_low for s in whole], expected("wilson_low"), rtol=1e-10)
    np.testing.assert_allclose([s.conf_high for s in whole], expected("wilson_high"), rtol=1e-10)


def people(cells: dict[tuple[str, str, str], int]) -> pd.DataFrame:
    rows = [key for key, n in cells.items() for _ in range(n)]
    return pd.DataFrame(rows, columns=["hr", "her2", "pcr"])


HR = {"name": "hr", "levels": ["negative", "positive"]}
HER2 = {"name": "her2", "levels": ["zero", "low"]}
PCR = {"name": "pcr", "levels": ["no", "yes"]}


def test_a_term_may_have_any_name(patients: pd.DataFrame) -> None:
    odd = patients.rename(columns={"age": "is a response"})
    named = response_odds(odd, response=YES, by=GROUP, terms=["is a response"])
    wanted = response_odds(patients, response=YES, by=GROUP, terms=["age"])
    assert named.ratios == wanted.ratios


def test_ten_patients_by_hand() -> None:
    """Two tables of five: low 1 of 2 and zero 1 of 3 respond; low 1 of 3 and zero 1 of 2.

    Mantel and Haenszel: (1 x 2 / 5 + 1 x 1 / 5) / (1 x 1 / 5 + 2 x 1 / 5) = (3/5)/(3/5) = 1. Raw:
    2 of 5 against 2 of 5, 1. Within: (1/1)/(1/2) = 2 with the squared error 1 + 1 + 1 + 1/2, and
    1/2. Interaction: the model without the product gives every cell its stratum's share, 2/5; the
    likelihood ratio is 2 x 2 x (2 log(1/2) + log(1/3) + 2 log(2/3) - 2 log(2/5) - 3 log(3/5)).
    """
    data = people({("negative", "low", "yes"): 1, ("negative", "low", "no"): 1,
                   ("negative", "zero", "yes"): 1, ("negative", "zero", "no"): 2,
                   ("positive", "low", "yes"): 1, ("positive", "low", "no"): 2,
                   ("positive", "zero", "yes"): 1, ("positive", "zero", "no"): 1})  # fmt: skip
    result = response_odds(data, response=PCR, by=HER2, within=HR)
    assert numbers(result, "mantel_haenszel", "estimate") == pytest.approx([0.0])
    assert numbers(result, "raw", "estimate") == pytest.approx([0.0])
    assert numbers(result, "within", "estimate") == pytest.approx([np.log(2), -np.log(2)])
    assert numbers(result, "within", "std_error")[0] == pytest.approx(np.sqrt(3.5))
    assert result.interaction is not None
    log = np.log
    wanted = 4 * (2 * log(1 / 2) + log(1 / 3) + 2 * log(2 / 3) - 2 * log(2 / 5) - 3 * log(3 / 5))
    assert result.interaction.df == 1
    assert result.interaction.statistic == pytest.approx(wanted, abs=1e-9)


def test_simpsons_paradox_shows() -> None:
    """In either stratum low responds more often; taken together it responds less often."""
    data = people({("negative", "zero", "yes"): 40, ("negative", "zero", "no"): 60,
                   ("negative", "low", "yes"): 9, ("negative", "low", "no"): 11,
                   ("positive", "zero", "yes"): 1, ("positive", "zero", "no"): 19,
                   ("positive", "low", "yes"): 6, ("positive", "low", "no"): 94})  # fmt: skip
    result = response_odds(data, response=PCR, by=HER2, within=HR)
    (raw,) = numbers(result, "raw", "estimate")
    (pooled,) = numbers(result, "mantel_haenszel", "estimate")
    (adjusted,) = numbers(result, "adjusted", "estimate")
    assert raw < 0 < min(pooled, adjusted, *numbers(result, "within", "estimate"))
    assert [(f.rule, f.value) for f in result.findings] == [("reversed_by_strata", "low")]


def test_an_empty_cell_is_a_failure_and_the_others_stand() -> None:
    data = people({("negative", "zero", "yes"): 4, ("negative", "zero", "no"): 6,
                   ("negative", "low", "yes"): 3, ("negative", "low", "no"): 3,
                   ("positive", "zero", "no"): 5, ("positive", "low", "yes"): 2,
                   ("positive", "low", "no"): 8})  # fmt: skip
    result = response_odds(data, response=PCR, by=HER2, within=HR)
    within = [r for r in result.ratios if r.how == "within"]
    assert within[0].estimate is not None
    assert within[1].estimate is None
    assert [f.term for f in result.failures] == ["positive"]
    assert numbers(result, "mantel_haenszel", "estimate")[0] is not None
    share = next(s for s in result.shares if (s.stratum, s.group) == ("positive", "zero"))
    assert (share.estimate, share.conf_low) == (0.0, 0.0)
    result.records("r")


def test_missing_rows_are_counted_and_left_out_of_every_ratio(patients: pd.DataFrame) -> None:
    data = patients.assign(grade=patients["grade"].where(patients.index % 5 != 0))
    result = response_odds(data, response=YES, by=GROUP, within=GRADE)
    assert (result.n, result.n_input, result.n_missing) == (240, 300, (("grade", 60),))
    assert sum(s.n for s in result.shares if s.stratum is None) == 240


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"response": GRADE}, "3 levels"),
        ({"reference": "lo"}, "Did you mean 'low'"),
        ({"within": GROUP}, "declared twice"),
        ({"within": {"name": "gone", "levels": ["a"]}}, "not in the table"),
        ({"within": {"name": "one", "levels": ["a"]}}, "one stratum only"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    options: dict[str, Any], said: str, patients: pd.DataFrame
) -> None:
    given = {"response": YES, "by": GROUP} | options
    with pytest.raises(AnalysisError, match=said):
        response_odds(patients.assign(one="a"), **given)


def test_wilson_and_cochran_armitage_by_hand() -> None:
    """Of 1 of 2 with z^2 = 3.8415: (1/2) +- z sqrt(1/8 + z^2/16)/(1 + z^2/2).

    Shares 0 of 2, 1 of 2 and 2 of 2 at 0, 1, 2: the sum of events times centred scores is
    1 x 0 + 2 x 1 = 2; the spread is 1/2 x 1/2 x 2 (1 + 0 + 1) = 1; chi-square 2^2/1 = 4.
    """
    z = 1.959963984540054
    reach = z * np.sqrt(1 / 8 + z**2 / 16) / (1 + z**2 / 2)
    assert wilson(1, 2, 0.95) == pytest.approx((0.5, 0.5 - reach, 0.5 + reach))
    found = cochran_armitage(np.array([0.0, 1, 2]), np.array([2.0, 2, 2]), np.array([0.0, 1, 2]))
    assert found is not None
    assert found.statistic == pytest.approx(4.0)


def test_the_forest_stands_at_the_ratios(patients: pd.DataFrame) -> None:
    result = response_odds(patients, response=YES, by=GROUP, within=GRADE, terms=["age"])
    artists = result.plot()
    squares = {mark.key: mark.square for mark in artists.marks}
    assert len(squares) == len(result.ratios) == 12
    for ratio in result.ratios:
        square = squares[ratio.group, ratio.how, ratio.stratum or ""]
        assert square is not None
        assert square.get_xdata()[0] == pytest.approx(ratio.odds_ratio[0])
    assert "by group" in result._repr_html_()
