from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from analyses import cox, pool, published_results
from analyses.evidence.pool import present_study
from analyses.results.evidence import Evidence, EvidenceRow, PresentStudy
from cohort.errors import AnalysisError, DataError

PRESENT = PresentStudy(
    "This study", "hazard_ratio", -0.05, 0.04, -0.1284, 0.0284, 1000, 200, "this study", "age"
)


def row_of(evidence: Evidence, name: str) -> EvidenceRow:
    return next(row for row in evidence.rows if row.published.id == name)


def rules(evidence: Evidence) -> dict[str, str]:
    return {finding.rule: finding.advice for finding in evidence.findings}


def test_one_result_of_the_ncdb_patients_is_pooled_and_why_is_said() -> None:
    """HR- overall survival: three NCDB ratios and one of Fudan; Jiang is a model, the other IPW."""
    evidence = pool(endpoint="OS", population="HR-")
    pooled = {row.published.id for row in evidence.used("pooled")}
    assert pooled == {"jiang_os_hrneg", "zhang_os_hrneg"}
    other = row_of(evidence, "ncdb_neoadjuvant_os_hrneg")
    assert other.use == "drawn"
    assert "shares patients (NCDB) with Jiang NCDB 2022" in other.reason


def test_the_pool_of_two_published_ratios_by_hand() -> None:
    """0.92 (0.86 to 0.98) and 1.02 (0.76 to 1.37), on the logarithmic scale.

    Errors from the widths of the limits, 2 x 1.96 errors wide; inverse-variance mean.
    """
    fixed = pool(endpoint="OS", population="HR-").pool
    assert fixed is not None
    z = 1.959963984540054
    errors = [math.log(0.98 / 0.86) / 2 / z, math.log(1.37 / 0.76) / 2 / z]
    weights = [1 / e**2 for e in errors]
    mean = (weights[0] * math.log(0.92) + weights[1] * math.log(1.02)) / sum(weights)
    assert fixed.fixed.estimate == pytest.approx(mean, rel=1e-12)
    assert fixed.fixed.std_error == pytest.approx(sum(weights) ** -0.5, rel=1e-12)


def test_meta_analyses_and_other_contrasts_are_drawn_not_pooled() -> None:
    evidence = pool(endpoint="OS")
    assert row_of(evidence, "wei_meta_os").use == "drawn"
    assert "meta-analysis" in row_of(evidence, "wei_meta_os").reason
    assert "another contrast" in row_of(evidence, "tan_os_ihc1").reason
    assert "another contrast" in row_of(evidence, "ncdb_within_low_os").reason
    assert {row.published.kind for row in evidence.used("pooled")} == {"cohort"}


def test_studies_known_as_not_significant_are_counted_with_what_leaving_them_out_does() -> None:
    evidence = pool(endpoint="OS", stage="early")
    without = {one.form: one.studies for one in evidence.without_ratio}
    assert set(without["not_significant"]) == {
        "Tarantino", "Won (Korean Breast Cancer Society)", "Mutai", "Spanish single site",
    }  # fmt: skip
    assert "biases the pool away from 1" in rules(evidence)["without_ratio_not_significant"]
    record = next(r for r in evidence.records("e") if r.level == "not_significant")
    assert record.n == 4


def test_unverified_results_are_off_unless_asked_for_and_then_marked() -> None:
    off = pool(endpoint="OS", population="all", stage="metastatic")
    assert row_of(off, "se_asia_os").reason == "unverified"
    assert "unverified_left_out" in rules(off)
    on = pool(endpoint="OS", population="all", stage="metastatic", unverified="marked")
    shown = row_of(on, "se_asia_os")
    assert shown.use == "listed"
    assert shown.reason == "a ratio without limits cannot be weighted"
    assert "unverified_marked" in rules(on)
    assert "SE-Asia" in rules(on)["without_ratio_no_limits"]


def test_an_unverified_result_does_not_displace_a_verified_one_of_its_group() -> None:
    recalled = own().assign(id="recalled", verified="memory", n=10**6, estimate=0.8, year=2025)
    table = published_results(pd.concat([recalled, own()]))
    found = pool(table, endpoint="OS", unverified="marked")
    assert [row.published.id for row in found.used("pooled")] == ["tan_os"]
    assert row_of(found, "recalled").use == "drawn"


def test_adjusted_results_go_before_others_of_the_same_patients() -> None:
    found = pool(endpoint="OS", stage="early")
    assert row_of(found, "tan_os").use == "pooled"
    assert "the same patients as another result" in row_of(found, "tan_os_centre").reason


def test_nothing_verified_is_no_pool_and_says_so() -> None:
    on = pool(endpoint="pCR", population="all", unverified="marked")
    assert {row.published.id for row in on.used("pooled")} == {"peiffer_pcr"}
    off = pool(endpoint="pCR", population="all")
    assert off.pool is None
    assert off.reason == "no published result with limits answers the question"
    assert any(r.status == "not_estimable" and r.reason == off.reason for r in off.records("e"))


def test_early_and_metastatic_disease_in_one_pool_are_warned_of() -> None:
    assert "stages_together" in rules(pool(endpoint="OS"))
    assert "stages_together" not in rules(pool(endpoint="OS", stage="early"))


def test_trials_of_conjugates_are_pooled_by_the_same_rule() -> None:
    evidence = pool(endpoint="PFS", contrast="adc_vs_chemotherapy", population="HER2-low, HR+")
    assert {row.published.overlap_group for row in evidence.used("pooled")} == {
        "DESTINY-Breast04", "DESTINY-Breast06", "TROPiCS-02",
    }  # fmt: skip
    # Blinded assessment goes before the investigators', though that is the later report.
    assert row_of(evidence, "destiny_breast04_pfs_her2_low_hrpos_bicr").use == "pooled"


def test_the_randomised_test_of_trastuzumab_in_low_disease_is_there() -> None:
    evidence = pool(endpoint="OS", contrast="trastuzumab_added", population="HER2-low")
    (row,) = evidence.used("pooled")
    assert (row.published.estimate, row.published.conf_low, row.published.conf_high) == (
        1.33, 0.90, 1.95,
    )  # fmt: skip
    assert row.published.n == 3270


def test_this_study_is_pooled_where_it_shares_no_patients_and_else_compared() -> None:
    def asked(group: str | None) -> Evidence:
        present = PresentStudy(**{
            **{name: getattr(PRESENT, name) for name in PRESENT.__dataclass_fields__},
            "overlap_group": group,
            "use": "pooled",
        })  # fmt: skip
        return pool(endpoint="OS", stage="metastatic", present=present)

    apart = asked(None)
    assert apart.pool_with_present is not None
    assert apart.pool_with_present.k == 2
    same = asked("NCDB")
    assert same.pool_with_present is None
    assert same.present is not None
    assert same.present.use == "compared"
    assert "NCDB" in same.present.reason
    assert "present_compared" in rules(same)


def test_this_study_is_compared_by_default() -> None:
    evidence = pool(endpoint="OS", stage="metastatic", present=PRESENT)
    assert evidence.pool_with_present is None
    assert evidence.pool is not None
    assert evidence.pool.k == 1
    ids = {r.id for r in evidence.records("e")}
    assert {"e/present_hazard_ratio/compared", "e/present_log_hazard_ratio/compared"} <= ids
    json.dumps(evidence.to_dict(), allow_nan=False)


def test_a_level_of_a_cox_model_becomes_the_present_study() -> None:
    frame = pd.DataFrame(
        {"time": [1, 2, 3, 4, 5, 6, 7, 8], "event": [1, 1, 0, 1, 1, 1, 0, 1]}
    ).assign(her2_status=["zero", "low"] * 4)
    term = {"name": "her2_status", "levels": ["zero", "low"]}
    model = cox(frame, time="time", event="event", terms=[term])
    present = present_study(model, term="her2_status", level="low", label="This study")
    (low,) = [c for c in model.estimated if c.level == "low"]
    assert present.estimate == low.estimate
    assert present.ratio == pytest.approx(low.hazard_ratio)
    assert (present.n, present.n_event) == (8, 6)
    with pytest.raises(AnalysisError, match="no estimate"):
        present_study(model, term="her2_status", level="zero", label="This study")


def test_a_ratio_between_other_levels_stands_beneath_no_contrast() -> None:
    frame = pd.DataFrame({"time": range(1, 10), "event": [1, 1, 0] * 3})
    frame = frame.assign(her2_status=["positive", "low", "zero"] * 3)
    term = {"name": "her2_status", "levels": ["positive", "low", "zero"]}
    model = cox(frame, time="time", event="event", terms=[term])
    present = present_study(model, term="her2_status", level="low", label="This study")
    with pytest.raises(AnalysisError, match="'low' against 'positive' does not answer low_vs_zero"):
        pool(endpoint="OS", present=present)


def test_what_the_table_does_not_hold_is_refused_with_what_it_holds() -> None:
    with pytest.raises(AnalysisError, match="Did you mean 'low_vs_zero'"):
        pool(endpoint="OS", contrast="low_vs_zer")
    with pytest.raises(AnalysisError, match="'XS'"):
        pool(endpoint="XS")


def test_ratios_off_the_middle_of_their_limits_are_found() -> None:
    found = {f.column: f.value for f in published_results().findings}
    assert found == {
        "mutai_os_hrpos_rsgt25": "0.31 (0.11 to 0.78)",
        "croh_meta_os_hrneg": "0.85 (0.71 to 0.98)",
    }


def test_the_tables_hold_every_mark_and_every_group() -> None:
    table = published_results()
    assert len(table) == 127
    assert all(row.reference and row.verified in ("yes", "partly", "memory") for row in table)
    assert all(row.overlap_group for row in table if row.kind != "meta_analysis")
    assert table.group_of("ncdb_puf") == "NCDB"
    assert table.group_of("redcap") is None


def own() -> pd.DataFrame:
    frame = published_results().summary
    return frame[frame["id"] == "tan_os"].reset_index(drop=True)


def test_rows_of_ones_own_take_the_same_way() -> None:
    again = published_results(published_results().summary)
    assert [r.id for r in again] == [r.id for r in published_results()]
    frame = pd.concat([own(), own().assign(id="mine", overlap_group="Mine", estimate=0.9)])
    evidence = pool(published_results(frame), endpoint="OS")
    assert evidence.pool is not None
    assert evidence.pool.k == 2


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("estimate", 0.5, "does not lie within"),
        ("conf_low", None, "a ratio with limits is announced"),
        ("reference", "", "needs its source"),
        ("verified", "maybe", "'maybe'"),
        ("overlap_group", "", "overlap_group"),
        ("form", "not_significant", "numbers are given with the form"),
        ("measure", "RR", "'RR'"),
        ("estimate", -1.0, "a number above 0"),
    ],
)
def test_a_wrong_row_is_refused_by_name(column: str, value: object, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        published_results(own().assign(**{column: value}))
    assert "tan_os" in str(error.value)


def test_absent_and_unknown_columns_and_repeated_rows_are_named_together() -> None:
    frame = pd.concat([own(), own()]).rename(columns={"note": "notes"})
    with pytest.raises(DataError) as error:
        published_results(frame)
    for said in ("no column 'note'", "unknown column 'notes'", "2 rows of this id"):
        assert said in str(error.value)
