"""E-values, detectable hazard ratios, and the confounder that moves a limit to 1."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analyses import detectable_hazard_ratio, e_value
from analyses.robustness.e_value import outcome_of
from analyses.robustness.tipping import ASSOCIATIONS, SHARES, confounders
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@pytest.mark.parametrize(
    ("ratio", "scale", "outcome", "risk", "value"),
    [
        (3.9, "risk_ratio", "rare", 3.9, 7.263034),
        (2.4, "risk_ratio", "rare", 2.4, 4.233030),
        (0.90, "hazard_ratio", "rare", 0.90, 1.462475),
        (0.90, "hazard_ratio", "common", 0.9296, 1.3612),
        (0.56, "hazard_ratio", "common", 0.6701, 2.3495),
        (3.0, "odds_ratio", "common", 1.732051, 2.858083),
    ],
)
def test_the_published_vectors(ratio, scale, outcome, risk, value):
    found = e_value(ratio, scale=scale, outcome=outcome)
    assert found.risk_ratio == pytest.approx(risk, abs=5e-5)
    assert found.point == pytest.approx(value, abs=5e-5)
    assert found.limit is None
    assert found.reason == "the ratio has no limits"


def test_the_vectors_of_the_requirements(domain):
    rows = yaml.safe_load((domain / "methods_requirements.yaml").read_text())
    vectors = next(row for row in rows if row["id"] == "M12")["test_vectors"]
    for vector in vectors:
        scale = "hazard_ratio" if "hr" in vector else "odds_ratio" if "or" in vector else None
        ratio = vector.get("hr", vector.get("or", vector.get("rr")))
        outcome = "common" if vector.get("rare") is False else "rare"
        found = e_value(ratio, scale=scale or "risk_ratio", outcome=outcome)
        assert found.point == pytest.approx(vector["evalue"], abs=5e-5)


def test_e_values_equal_the_formulas_in_r():
    for row in pd.read_csv(REFERENCE / "e_values.csv").itertuples():
        found = e_value(row.ratio, scale=row.scale, outcome=row.outcome)
        assert found.risk_ratio == pytest.approx(row.risk_ratio, rel=1e-10)
        assert found.point == pytest.approx(row.e_value, rel=1e-7)  # a root near 0 at a ratio of 1


def test_a_limit_by_hand():
    # RR 0.5 with limits 0.4 and 0.8: the limit nearer to 1 is 0.8, its reciprocal 1.25, and
    # 1.25 + sqrt(1.25 * 0.25) = 1.25 + 0.5590170 = 1.8090170; 2 + sqrt(2) for the ratio.
    found = e_value(0.5, 0.4, 0.8, scale="risk_ratio", outcome="rare")
    assert found.point == pytest.approx(2 + math.sqrt(2), rel=1e-12)
    assert found.limit == pytest.approx(1.25 + math.sqrt(0.3125), rel=1e-12)
    above = e_value(2.0, 1.25, 2.5, scale="risk_ratio", outcome="rare")
    assert (above.point, above.limit) == pytest.approx((found.point, found.limit), rel=1e-12)


def test_a_limit_beyond_1_has_an_e_value_of_1():
    assert e_value(0.9, 0.7, 1.1, outcome="common").limit == 1.0
    assert e_value(1.0, 0.7, 1.1, outcome="rare").point == 1.0


def test_an_outcome_of_15_per_cent_is_rare_and_one_above_it_common():
    assert [outcome_of(share) for share in (0.15, 0.1500001)] == ["rare", "common"]


def test_what_is_no_ratio_is_refused_by_name():
    for values in ((0.0,), (math.nan,), (0.9, 0.8), (0.9, 0.95, 1.2), (0.9, 0.8, math.inf)):
        with pytest.raises(AnalysisError, match="e_value"):
            e_value(*values, outcome="rare")
    with pytest.raises(AnalysisError, match="Did you mean 'common'"):
        e_value(0.9, outcome="comon")


def test_detectable_ratios_equal_the_formula_in_r():
    for row in pd.read_csv(REFERENCE / "detectable.csv").itertuples():
        n = (row.n, row.n_reference)
        found = detectable_hazard_ratio(row.n_event, n=n, power=row.power)
        assert found.above == pytest.approx(row.above, rel=1e-10)
        assert found.below == pytest.approx(1 / row.above, rel=1e-10)


def test_a_detectable_ratio_by_hand():
    # 100 events in two groups alike: 1 / sqrt(100 / 4) = 0.2; exp(2.802 * 0.2) = 1.7514.
    found = detectable_hazard_ratio(100, n=(50, 50))
    assert found.above == pytest.approx(math.exp(0.2 * 2.802), rel=1e-4)


def test_without_an_event_nothing_can_be_detected():
    found = detectable_hazard_ratio(0, n=(50, 50))
    assert found.above is None
    assert found.reason == "no event in either group"
    assert {record.status for record in found.records("a")} == {"not_estimable"}
    assert detectable_hazard_ratio(3, n=(0, 50)).reason == "no patient in one of the groups"
    with pytest.raises(AnalysisError, match="101 events"):
        detectable_hazard_ratio(101, n=(50, 50))


def test_confounders_equal_a_root_finder_in_r():
    r = pd.read_csv(REFERENCE / "confounders.csv")
    for bias, rows in r.groupby("bias"):
        ours = {(c.association, c.prevalence_reference): c for c in confounders(float(bias))}
        assert set(ours) == {(g, p) for g in ASSOCIATIONS for p in SHARES}
        for row in rows.itertuples():
            found = ours[row.association, round(row.share, 6)]
            if math.isnan(row.needed):
                assert found.prevalence is None
                assert "too weak" in str(found.reason)
            else:
                assert found.prevalence == pytest.approx(row.needed, rel=1e-10)
