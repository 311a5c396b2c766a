"""On TCGA-BRCA the sensitivity grid runs whole, and says that nothing can be concluded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

import analyses
from analyses.study.spec import Study

pytestmark = [pytest.mark.real, pytest.mark.slow]

PROJECT = Path(__file__).resolve().parent.parent
STUDY = PROJECT / "analyses" / "studies" / "tcga_brca.yaml"
FILES = ("nationwidechildrens.org_clinical_patient_brca.txt", "tcga_cdr_brca.csv")


@pytest.fixture(scope="module")
def result(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tcga")
    for name in FILES:
        shutil.copy(real_data / "tcga_brca" / name, folder / name)
    asked = yaml.safe_load(STUDY.read_text())
    wanted = ("os_low_zero", "os_adjusted")
    asked["analyses"] = [one for one in asked["analyses"] if one["id"] in wanted]
    hormone = {"column": "hr_status", "equals": "positive", "reason": "Hormone receptor-positive"}
    asked["sensitivity"] = {
        "of": "os_low_zero",
        "policies": "each",
        "editions": [2013],
        "endpoints": ["dss", "pfi", "dfi"],
        "adjustment": {"age": ["age_years"]},
        "subsets": [{"id": "hr_positive"} | hormone],
    }
    return analyses.run_study(Study.from_dict(asked, folder=folder))


def test_the_grid_runs_whole_and_is_inconclusive(result):
    curve = result.analyses[-1].result
    n = len(curve.specifications)
    assert n == 2 * len(curve.axes[1].choices) * 4 * 2 * 2
    assert len(curve.estimated) + len(curve.failed) == n
    assert len(curve.estimated) > n / 2
    assert curve.main.conclusion == "inconclusive"
    main = curve.main.estimate
    assert main.estimate == pytest.approx(-0.263969, abs=1e-6)
    assert main.std_error == pytest.approx(0.447946, abs=1e-6)
    assert (main.n, main.n_event) == (468, 36)
    # Of 61 with IHC 0 and 407 with HER2-low: exp(2.802 / sqrt(36 x 0.1303 x 0.8697)).
    assert curve.detectable.above == pytest.approx(4.002, abs=2e-3)
    reached = dict(curve.by_conclusion)
    assert reached["inconclusive"] == curve.n_same_conclusion
    assert reached["inconclusive"] / len(curve.estimated) > 0.9


def test_the_first_page_says_what_36_deaths_could_have_shown(result, tmp_path):
    import pypdf

    analyses.write_report(result, tmp_path / "out")
    page = pypdf.PdfReader(tmp_path / "out" / "report.pdf").pages[0].extract_text()
    text = " ".join(page.split())
    assert "inconclusive; with 36 deaths in the two groups only hazard ratios below 0.25" in text
    assert "Sensitivity of the main estimate" in text
