"""TCGA-BRCA from its public files to the numbers that R gives (data README of the project)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import analyses

pytestmark = pytest.mark.real

PROJECT = Path(__file__).resolve().parent.parent
STUDY = PROJECT / "analyses" / "studies" / "tcga_brca.yaml"
FILES = ("nationwidechildrens.org_clinical_patient_brca.txt", "tcga_cdr_brca.csv")


@pytest.fixture(scope="module")
def folder(real_data, tmp_path_factory):
    target = tmp_path_factory.mktemp("tcga")
    for name in FILES:
        shutil.copy(real_data / "tcga_brca" / name, target / name)
    shutil.copy(STUDY, target / "study.yaml")
    return target


@pytest.fixture(scope="module")
def result(folder):
    return analyses.run_study(analyses.load_study(folder / "study.yaml"))


@pytest.fixture(scope="module")
def numbers(result):
    return {record.id: record for record in result.records}


def test_the_groups_of_all_1099_patients(result):
    counts: dict[str, int] = {}
    for status, _, _, n in result.her2_counts:
        counts[status] = counts.get(status, 0) + n
    assert result.n_loaded == sum(counts.values()) == 1099
    assert (counts["zero"], counts["low"], counts["positive"]) == (61, 408, 145)
    rules = {}
    for _, rule, _, n in result.her2_counts:
        rules[rule.split(".")[0]] = rules.get(rule.split(".")[0], 0) + n
    # 25 with 2+ and no usable in-situ result; 460 without a score.
    assert rules["C05"] + rules["C06"] + rules.get("C07", 0) == 25
    unclassified = counts["negative_unspecified"] + counts["unresolved"] + counts["unknown"]
    assert unclassified == 485
    assert unclassified - 25 == 460


def test_a_patient_missing_from_the_outcome_file_has_no_endpoint(numbers):
    # 1,096 of 1,099 have overall survival; among the groups one HER2-low patient has none.
    assert numbers["flow.os.os-known/n_removed/low"].n == 1
    assert numbers["flow.os.os-known/n_after/zero"].n == 61
    assert numbers["flow.os.os-known/n_after/low"].n == 407


@pytest.mark.parametrize(
    ("analysis", "n", "events", "coefficient", "error", "ratio", "low", "high"),
    [
        ("os", (61, 407), (6, 30), -0.263969, 0.447946, 0.7680, 0.3192, 1.8478),
        ("dss", (61, 401), (5, 17), -0.641026, 0.509638, 0.5268, 0.1940, 1.4302),
        ("pfi", (61, 407), (8, 41), -0.194722, 0.387122, 0.8231, 0.3854, 1.7577),
        ("dfi", (52, 370), (3, 26), 0.336410, 0.610411, 1.3999, 0.4232, 4.6311),
    ],
)
def test_low_against_zero(numbers, analysis, n, events, coefficient, error, ratio, low, high):
    name = f"{analysis}_low_zero"
    level = numbers[f"{name}/log_hazard_ratio/her2_status/low/zero"]
    zero = numbers[f"{name}/log_hazard_ratio/her2_status/zero/zero"]
    assert (zero.n, level.n) == n
    assert (zero.n_event, level.n_event) == events
    assert level.estimate == pytest.approx(coefficient, abs=1e-6)
    assert level.std_error == pytest.approx(error, abs=1e-6)
    scaled = numbers[f"{name}/hazard_ratio/her2_status/low/zero"]
    assert (scaled.estimate, scaled.conf_low, scaled.conf_high) == pytest.approx(
        (ratio, low, high), abs=5e-5
    )


def test_the_log_rank_test_of_the_pair_and_follow_up(numbers):
    pair = next(
        record
        for name, record in numbers.items()
        if name.startswith("os_tests.pairs/")
        and record.statistic
        and "zero" in name
        and "low" in name
    )
    assert pair.statistic == pytest.approx(0.3493, abs=5e-5)
    assert pair.p_value == pytest.approx(0.5545, abs=5e-5)
    assert numbers["os_curves/median_follow_up/zero"].estimate == 968
    assert numbers["os_curves/median_follow_up/low"].estimate == 762
    assert numbers["os_curves/survival/zero/t=1826.25"].estimate == pytest.approx(0.8571, abs=5e-5)
    assert numbers["os_curves/survival/low/t=1826.25"].estimate == pytest.approx(0.8976, abs=5e-5)


def test_the_adjusted_model(numbers):
    low = numbers["os_adjusted/hazard_ratio/her2_status/low/zero"]
    assert (low.estimate, low.conf_low, low.conf_high) == pytest.approx(
        (0.6016, 0.2354, 1.5370), abs=5e-5
    )
    assert numbers["os_adjusted/cox_patients_used"].n == 463
    assert numbers["os_adjusted/hazard_ratio/age_years"].estimate == pytest.approx(1.0399, abs=5e-5)


def test_the_report_says_what_these_data_cannot_tell(result, folder, tmp_path):
    import pypdf

    analyses.write_report(result, tmp_path / "out")
    pages = pypdf.PdfReader(tmp_path / "out" / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "6 deaths among 61" in text
    assert "support no conclusion" in text
    assert "968" in text
    assert "762" in text
    assert "without a score" in text
    assert str(folder) not in (tmp_path / "out" / "results.json").read_text()


def test_two_runs_give_the_same_bytes(folder, tmp_path):
    study = analyses.load_study(folder / "study.yaml")
    for name in ("a", "b"):
        analyses.run_study(study, out=tmp_path / name)
    files = sorted(
        p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()
    )
    assert Path("report.pdf") in files
    assert Path("results.json") in files
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file
