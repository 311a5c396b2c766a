"""The robustness of a Cox model as a study file asks for it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

import analyses
from analyses.formatting import NumberStyle
from analyses.report.robustness_pages import _units
from analyses.study.spec import Study
from cohort.errors import SpecError

PROJECT = Path(__file__).resolve().parent.parent.parent
MODEL = {
    "id": "model", "kind": "cox", "endpoint": "os", "univariable": False,
    "proportionality": "none", "cluster": "facility_id",
    "terms": [{"name": "her2_status", "reference": "zero"}, {"name": "age_years", "per": 10}],
}  # fmt: skip
READINGS = {"0": {"0": 80, "1+": 20}, "1+": {"0": 15, "1+": 85}}
ROBUST = {
    "id": "robust", "kind": "robustness", "of": "model", "unit": "facility_id", "fitted": 4,
    "errors": [0.1], "draws": 4,
    "misreading": {"readings": READINGS, "source": "an example", "draws": 12},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("robust")
    shutil.copy(PROJECT / "sample_data" / "registry.csv", target / "registry.csv")
    return target


def study(folder, *asked):
    data = {
        "version": 1,
        "title": "Robust",
        "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
        "endpoints": [{"id": "os", "kind": "OS"}],
        "analyses": list(asked),
    }
    return Study.from_dict(data, folder=folder)


@pytest.fixture(scope="module")
def result(folder):
    return analyses.run_study(study(folder, MODEL, ROBUST))


def test_every_contrast_has_its_parts(result):
    model, robust = result.analyses
    assert [one.level for one in robust.contrasts] == ["low", "positive"]
    low, positive = robust.contrasts
    c = next(c for c in model.adjusted.coefficients if c.level == "low")
    assert low.estimate.estimate == pytest.approx(c.estimate, rel=1e-12)
    assert low.tipping.estimate.estimate == pytest.approx(c.estimate, rel=1e-9)
    # The limits are those of the model: robust by hospital.
    assert low.tipping.estimate.std_error == pytest.approx(c.std_error, rel=1e-9)
    assert low.left_out.n_fitted == 4
    assert low.bias.n_upper + low.bias.n_lower < low.bias.n  # 2+ with a negative test stay low
    assert positive.bias is None
    assert not positive.tipping.misreadings
    assert result.exit_code == 0


def test_the_e_value_and_what_could_be_detected_rest_on_the_models_own_numbers(result):
    model, robust = result.analyses
    low = robust.contrasts[0]
    own = [c for c in model.adjusted.coefficients if c.level in ("zero", "low")]
    assert low.detectable.n_event == sum(c.n_event for c in own)
    p = own[1].n / sum(c.n for c in own)
    above = math.exp(2.8015852 / math.sqrt(low.detectable.n_event * p * (1 - p)))
    assert low.detectable.above == pytest.approx(above, rel=1e-7)
    assert low.e_value.outcome == ("common" if low.tipping.event_share > 0.15 else "rare")
    assert low.e_value.ratio == pytest.approx(math.exp(low.estimate.estimate))


def test_units_are_printed_by_number_with_a_record_of_each(result):
    left = result.analyses[1].contrasts[0].left_out
    (table,) = _units(result.analyses[1], result.analyses[1].contrasts[0], left, NumberStyle(), {})
    assert all(str(line[0].text).startswith("unit ") for line in table.rows)
    named = {cell.record for line in table.rows for cell in line[1:]}
    assert len(table.rows) == len(named) == left.n_fitted
    assert named <= {record.id for record in result.records}


def test_the_report_has_its_pages_figures_tables_and_methods(result, tmp_path):
    import pypdf

    analyses.write_report(result, tmp_path / "out")
    pages = pypdf.PdfReader(tmp_path / "out" / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for said in (
        "E-value of the estimate",
        "VanderWeele and Ding",
        "an example",
        "left out in turn",
    ):
        assert said in text
    for name in ("robust_low_misreading", "robust_low_left_out", "robust_positive_left_out"):
        assert (tmp_path / "out" / "figures" / f"{name}.svg").is_file()
    assert (tmp_path / "out" / "tables" / "robust_low_left_out.csv").is_file()


def test_a_failed_part_stands_beside_the_others(folder):
    wrong = {"0": {"0": 60, "1+": 40}, "1+": {"0": 55, "1+": 45}}
    asked = ROBUST | {
        "unit": None, "errors": [], "misreading": ROBUST["misreading"] | {"readings": wrong},
    }  # fmt: skip
    result = analyses.run_study(study(folder, MODEL, asked))
    (failure,) = result.failures
    assert (failure.analysis, failure.term) == ("robust.low", "misreading")
    assert "contradict what was read" in failure.reason
    low = result.analyses[1].contrasts[0]
    assert low.bias is None
    assert low.e_value is not None
    assert result.exit_code == 5


@pytest.mark.parametrize(
    ("reference", "level", "is_misread"),
    [("positive", "low", False), ("low", "zero", True)],
)
def test_misreading_is_of_the_pair_whichever_is_the_reference(folder, reference, level, is_misread):
    """Low against positive failed in all its tipping points; zero against low had no misreading."""
    terms = [{"name": "her2_status", "reference": reference}]
    asked = ROBUST | {"levels": [level], "unit": None, "misreading": None}
    result = analyses.run_study(study(folder, MODEL | {"terms": terms}, asked))
    (one,) = result.analyses[1].contrasts
    assert not result.failures
    assert one.tipping.events
    assert bool(one.tipping.misreadings) is is_misread


def test_a_model_without_the_contrast_has_a_failure_in_its_place(folder):
    # Of patients at one level nothing can be compared.
    pair = {"id": "p", "column": "her2_status", "equals": "low", "reason": "HER2-low"}
    model = MODEL | {"only": pair, "terms": ["her2_status"], "cluster": None}
    result = analyses.run_study(study(folder, model, ROBUST))
    assert [failure.analysis for failure in result.failures] == ["model", "robust"]
    assert "the model has no level of 'her2_status'" in result.failures[1].reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"of": "modle"}, "Did you mean 'model'?"),
        ({"errors": [0.5]}, "0.5 is no share misread"),
        ({"misreading": {"readings": {"0": {"0": 1}}, "source": "x"}}, "not a table of two levels"),
        ({"misreading": {"readings": READINGS}}, "source"),
    ],
)
def test_what_it_cannot_be_is_said_when_the_study_is_read(folder, change, said):
    with pytest.raises(SpecError) as error:
        study(folder, MODEL, ROBUST | change)
    assert said in str(error.value)


def test_the_model_must_stand_before(folder):
    with pytest.raises(SpecError, match="no Cox model that stands before"):
        study(folder, ROBUST, MODEL)


def test_a_level_that_the_model_lacks_is_a_failure_by_name(folder):
    asked = ROBUST | {"levels": ["lwo"], "unit": None, "misreading": None, "errors": []}
    result = analyses.run_study(study(folder, MODEL, asked))
    (failure,) = result.failures
    assert "has no lwo of 'her2_status'" in failure.reason
