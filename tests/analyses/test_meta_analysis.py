from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from analyses import meta_analysis
from analyses.results.meta_analysis import MetaAnalysis
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
CASES = ("spread", "alike", "two", "little", "far")


def pooled(frame: pd.DataFrame, measure: str | None = None) -> MetaAnalysis:
    return meta_analysis(
        frame, estimate="estimate", std_error="std_error", study="study", measure=measure
    )


def studies(case: str) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "meta_analysis_studies.csv")
    return frame[frame["case"] == case]


@pytest.mark.parametrize("case", CASES)
def test_every_number_equals_metafor(case: str) -> None:
    r = pd.read_csv(REFERENCE / "meta_analysis.csv")
    r = r[r["case"] == case]
    result = pooled(studies(case))
    ours = result.summary.set_index(["quantity", "level"])
    without = {one.study: one.heterogeneity.tau2 for one in result.without}
    assert len(r) > 5
    for row in r.itertuples():
        if row.quantity == "tau2_without":
            assert without[row.level] == pytest.approx(row.estimate, rel=1e-9, abs=1e-12)
            continue
        mine = ours.loc[(row.quantity, None if pd.isna(row.level) else row.level)]
        value = mine["statistic"] if row.quantity == "q" else mine["estimate"]
        assert value == pytest.approx(row.estimate, rel=1e-10, abs=1e-12), row
        for name in ("std_error", "p_value", "conf_low", "conf_high"):
            # The limits of tau^2 are metafor's own search; its other numbers are closed.
            close = 1e-8 if row.quantity in ("tau2", "i2") else 1e-9
            theirs = getattr(row, name)
            if not pd.isna(theirs) or name != "std_error":
                expected = pytest.approx(theirs, rel=close, abs=1e-10, nan_ok=True)
                assert mine[name] == expected, (row, name)


def test_two_studies_by_hand() -> None:
    """-0.15 (error 0.04) and -0.05 (error 0.02): variances 0.0016 and 0.0004.

    Q = 0.1^2 / (0.0016 + 0.0004) = 5. Paule and Mandel: 0.01 / (0.002 + 2 tau^2) = 1, so tau^2 =
    0.004. Weights 1/0.0056 and 1/0.0044, shares 0.44 and 0.56, mean -0.094. The spread is 1, so
    the error is the root of 0.0056 x 0.0044 / 0.01 = 0.002464. Student's t with 1 df at 0.975 is
    tan(0.475 pi). Typical variance: weights 625 and 2500, 1 x 3125 / (3125^2 - 625^2 - 2500^2) =
    0.001, so I^2 = 0.004 / 0.005 = 0.8. Fixed: (625 x -0.15 + 2500 x -0.05) / 3125 = -0.07.
    """
    result = pooled(
        pd.DataFrame({"study": ["a", "b"], "estimate": [-0.15, -0.05], "std_error": [0.04, 0.02]})
    )
    t = math.tan(0.475 * math.pi)
    error = math.sqrt(0.002464)
    assert result.heterogeneity.q == pytest.approx(5, rel=1e-12)
    assert result.heterogeneity.tau2 == pytest.approx(0.004, rel=1e-10)
    assert result.heterogeneity.i2 == pytest.approx(0.8, rel=1e-10)
    assert [s.share_random for s in result.studies] == pytest.approx([0.44, 0.56], rel=1e-10)
    assert result.random.estimate == pytest.approx(-0.094, rel=1e-10)
    assert result.random.std_error == pytest.approx(error, rel=1e-10)
    assert result.random.conf_high == pytest.approx(-0.094 + t * error, rel=1e-9)
    wide = t * math.sqrt(0.002464 + 0.004)
    assert result.random.prediction_low == pytest.approx(-0.094 - wide, rel=1e-9)
    assert result.fixed.estimate == pytest.approx(-0.07, rel=1e-12)
    assert result.fixed.std_error == pytest.approx(1 / math.sqrt(3125), rel=1e-12)


def test_one_study_has_no_random_effects_and_says_why() -> None:
    result = pooled(studies("two").head(1), measure="hazard_ratio")
    assert result.fixed.estimate == pytest.approx(-0.15, rel=1e-14)
    assert result.random.estimate is None
    assert result.random.reason is not None
    assert "one study" in result.random.reason
    assert result.heterogeneity.q is None
    missing = {r.quantity for r in result.records("a") if r.status == "not_estimable"}
    assert {"pooled_random_hazard_ratio", "q", "tau2", "i2"} <= missing


def test_studies_that_agree_more_than_by_chance_are_said_to() -> None:
    result = pooled(studies("alike"))
    assert {f.rule for f in result.findings} == {"few_studies", "narrow_random_effects"}
    assert result.heterogeneity.tau2 == 0
    assert result.heterogeneity.tau2_high is None
    assert result.heterogeneity.reason is not None


def test_estimates_that_are_the_same_have_no_random_effects_limits() -> None:
    frame = pd.DataFrame({"study": list("abc"), "estimate": [0.2] * 3, "std_error": [0.1] * 3})
    result = pooled(frame)
    assert result.random.conf_low is None
    assert result.random.reason is not None
    assert result.fixed.std_error == pytest.approx(0.1 / math.sqrt(3))


def test_a_study_named_twice_and_an_error_of_nothing_are_refused_together() -> None:
    frame = pd.DataFrame({"study": ["a", "a", "b"], "estimate": [1, 2, 3], "std_error": [1, 1, 0]})
    with pytest.raises(AnalysisError) as error:
        pooled(frame)
    assert "not above 0: b" in str(error.value)
    assert "more than once: a" in str(error.value)


def test_rows_without_an_estimate_are_counted() -> None:
    frame = studies("little").assign(estimate=lambda d: d["estimate"].where(d["study"] != "s3"))
    result = pooled(frame)
    assert result.k == 4
    assert result.n_input == 5
    assert result.n_missing == (("estimate", 1),)


def test_ratios_stand_on_both_scales() -> None:
    records = {r.id: r for r in pooled(studies("two"), "hazard_ratio").records("m")}
    log, ratio = records["m/pooled_fixed_log_hazard_ratio"], records["m/pooled_fixed_hazard_ratio"]
    assert log.conf_high is not None
    assert ratio.conf_high == pytest.approx(math.exp(log.conf_high))
    assert ratio.std_error is None
