"""A study with missing data: counted, imputed beside complete cases, printed, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyses import load_study, run_study
from analyses.report.imputed_pages import _of_complete
from cohort.errors import SpecError

PROJECT = Path(__file__).resolve().parents[2]
TERMS = [{"name": "her2_status", "reference": "zero"}, {"name": "age_years", "per": 10}, "grade",
         {"name": "hr_status", "reference": "positive"}]  # fmt: skip
IMPUTE = {"impute": {"m": 3, "iterations": 4, "columns": ["tumour_size_mm"]}}
MODEL = {"id": "model", "kind": "cox", "endpoint": "os", "terms": TERMS, "univariable": False,
         "proportionality": "none"}  # fmt: skip
GRADES = {"endpoint": "os", "by": "grade", "missing": IMPUTE}
ANALYSES = [
    {"id": "gaps", "kind": "missingness", "by": "her2_status", "columns": ["grade", "hr_status"]},
    MODEL | {"missing": IMPUTE},
    GRADES | {"id": "curves", "kind": "kaplan_meier", "at": {"years": [1, 5]}, "differences": True},
    GRADES | {"id": "means", "kind": "rmst", "tau": {"years": 5}},
    MODEL | {"id": "whole", "terms": TERMS[:1], "missing": "impute"},
    MODEL | {"id": "inside", "terms": [*TERMS, {"interaction": ["her2_status", "hr_status"]}],
             "missing": {"impute": {"m": 2, "iterations": 2}}},
    MODEL | {"id": "loose", "terms": [*TERMS, {"interaction": ["grade", "hr_status"]}],
             "missing": {"impute": {"m": 2, "iterations": 2}}},
]  # fmt: skip


def study(folder, analyses):
    text = {
        "version": 1,
        "title": "Missing data",
        "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
        "endpoints": [{"id": "os", "kind": "OS"}],
        "analyses": analyses,
        "seed": 3,
    }
    (folder / "registry.csv").write_bytes((PROJECT / "sample_data/registry.csv").read_bytes())
    path = folder / "study.yaml"
    path.write_text(json.dumps(text), encoding="utf-8")
    return load_study(path)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imputed")
    result = run_study(study(folder, ANALYSES), out=folder / "out")
    return result, folder / "out"


def of(result, name):
    return next(analysis for analysis in result.analyses if analysis.id == name)


def test_complete_cases_and_imputation_stand_beside_each_other(out):
    result, _ = out
    model = of(result, "model")
    assert model.imputed.pooled.n == model.adjusted.n_input
    assert model.adjusted.n < model.imputed.pooled.n
    assert model.imputed.pooled.m == 3
    names = {c.name for c in model.imputed.imputations.columns}
    assert names == {"age_years", "grade", "hr_status", "tumour_size_mm"}
    whole = {(c.term, c.level): c.estimate for c in model.adjusted.estimated}
    for c in model.imputed.pooled.estimated:
        assert c.estimate == pytest.approx(whole[c.term, c.level], abs=0.15)


def test_every_number_of_imputation_is_a_record(out):
    result, folder = out
    records = {r["id"]: r for r in json.loads((folder / "results.json").read_text())["records"]}
    model = of(result, "model").imputed.pooled
    for c, pooled in zip(model.coefficients, model.pooled, strict=True):
        parts = [p for p in (c.term, c.level, c.reference) if p is not None]
        record = records["/".join(["model.imputed", "log_hazard_ratio", *parts])]
        assert record["estimate"] == pytest.approx(c.estimate)
        if pooled is not None:
            told = records["/".join(["model.imputed", "fraction_missing_information", *parts])]
            assert told["estimate"] == pytest.approx(pooled.fmi)
    assert records["model.imputed/imputations/given"]["estimate"] == 3
    assert records["model.missing/missing_values/grade"]["n"] > 0
    assert records["gaps/missing_values/low/grade"]["n"] > 0
    curves = of(result, "curves").imputed.pooled
    for number in curves.of("survival"):
        record = records[f"curves.imputed/survival/{number.group}/t={number.time:.12g}"]
        assert record["estimate"] == pytest.approx(number.estimate)
    assert records["means.imputed/rmst/1/t=60"]["unit"] == "months"


def test_figures_tables_and_methods_are_written(out):
    _, folder = out
    figures = {path.name for path in (folder / "figures").glob("*.svg")}
    assert {"gaps.svg", "model_missing.svg", "model_imputed.svg", "model_traces.svg"} <= figures
    tables = {path.name for path in (folder / "tables").glob("*.csv")}
    assert {"model_imputed.csv", "model_missing_patterns.csv", "gaps_patterns.csv",
            "curves_imputed_curve.csv"} <= tables  # fmt: skip


def test_the_methods_spell_out_every_default(out):
    from analyses.report.imputed_methods import imputed_methods

    result, _ = out
    text = imputed_methods(of(result, "model"))
    for words in ("3 times (as asked for)", "4 iterations", "seed 3", "of 5 donors (type 1)",
                  "grade by multinomial", "Nelson-Aalen", "Barnard", "events less parameters", "D1",
                  "White, Daniel and Royston"):  # fmt: skip
        assert words in text, words
    assert "complementary log-log" in imputed_methods(of(result, "curves"))
    assert "ratios on the logarithmic one" in imputed_methods(of(result, "means"))
    assert "HER2 status" in imputed_methods(of(result, "inside"))


def test_an_interaction_with_her2_is_imputed_within_its_groups(out):
    result, _ = out
    assert of(result, "inside").imputed.imputations.within == ("her2_status",)
    loose = of(result, "loose").imputed.imputations
    assert loose.within == ()
    rules = [(f.source, f.rule, f.column, f.value) for f in result.findings]
    assert ("loose", "interaction_not_imputed", "grade", "hr_status") in rules


def test_nothing_missing_is_said_and_nothing_imputed(out):
    result, _ = out
    assert [f.source for f in result.findings if f.rule == "nothing_missing"] == ["whole"]
    assert of(result, "whole").imputed is None


def test_the_same_study_gives_the_same_bytes_on_two_processes(tmp_path):
    texts = []
    for n in (1, 2):
        folder = tmp_path / str(n)
        folder.mkdir()
        given = {"impute": {**IMPUTE["impute"], "processes": n}}
        run_study(study(folder, [MODEL | {"missing": given}]), out=folder / "out")
        found = json.loads((folder / "out/results.json").read_text())
        texts.append(json.dumps(found["records"]))
    assert texts[0] == texts[1]


def test_a_column_named_twice_is_imputed_once(tmp_path):
    given = {"impute": {"m": 2, "iterations": 2, "columns": ["grade"]}}
    terms = [TERMS[0], "grade"]
    result = run_study(study(tmp_path, [MODEL | {"terms": terms, "missing": given}]))
    drawn = of(result, "model").imputed.imputations
    assert [c.name for c in drawn.columns] == ["grade"]


def test_an_imputation_that_cannot_be_is_a_failure_and_complete_cases_stand(tmp_path):
    given = {"impute": {"m": 2, "within": ["grade"]}}
    result = run_study(study(tmp_path, [MODEL | {"missing": given}]))
    assert of(result, "model").adjusted.n > 0
    assert of(result, "model").imputed is None
    assert [f.analysis for f in result.failures] == ["model.imputed"]
    assert "no group to be imputed within" in result.failures[0].reason
    assert result.exit_code == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"missing": "drop"}, "missing"),
        ({"missing": {"impute": {"m": 1}}}, "2"),
        ({"missing": {"impute": {"methods": {"grade": "magic"}}}}, "magic"),
        ({"missing": {"impute": {"columns": ["tumour_sise_mm"]}}}, "tumour_size_mm"),
        ({"missing": "impute", "penalty": "firth"}, "penalty"),
    ],
)
def test_mistakes_are_named_before_anything_runs(tmp_path, change, words):
    with pytest.raises(SpecError, match=words):
        run_study(study(tmp_path, [MODEL | change]))


def test_curves_without_groups_cannot_be_imputed(tmp_path):
    km = {"id": "km", "kind": "kaplan_meier", "endpoint": "os", "missing": "impute"}
    with pytest.raises(SpecError, match="Only a group can be missing"):
        study(tmp_path, [km])


def e1(folder, analyses):
    """The study with IHC 2+ that lacks an in-situ result to be imputed."""
    path = folder / "study.yaml"
    study(folder, analyses)
    text = json.loads(path.read_text()) | {"her2": {"policies": {"E1": "impute"}}}
    path.write_text(json.dumps(text), encoding="utf-8")
    return load_study(path)


def test_ihc_2_without_in_situ_result_is_drawn_into_low_or_positive_never_zero(tmp_path):
    model = MODEL | {"terms": TERMS[:2], "missing": {"impute": {"m": 3, "iterations": 3}}}
    table = {"id": "table", "kind": "table_one", "by": "her2_status", "columns": ["age_years"]}
    result = run_study(e1(tmp_path, [model, table]))
    found = of(result, "model")
    plain = run_study(study(tmp_path, [model, table]))
    n = found.adjusted.n_input - of(plain, "model").adjusted.n_input
    assert n > 5
    (column,) = [c for c in found.imputed.imputations.columns if c.name == "her2_status"]
    assert column.n_missing == n
    assert column.among == "her2_ihc 2+"
    drawn = {column.levels[int(place)] for place in column.values.ravel()}
    assert drawn <= {"low", "positive"}
    assert ("her2_imputed", n) in [(f.rule, f.n) for f in result.findings]
    # Everything that does not impute is as where they are left out.
    assert found.adjusted.n == of(plain, "model").adjusted.n
    assert found.adjusted.log_likelihood == of(plain, "model").adjusted.log_likelihood
    assert of(result, "table").table.n == of(plain, "table").table.n
    sizes = dict(
        zip(found.imputed.missingness.groups, found.imputed.missingness.sizes, strict=True)
    )
    zero = next(c for c in found.imputed.pooled.coefficients if c.level == "zero")
    assert zero.n == sizes["zero"]


def test_e1_impute_without_an_imputation_of_her2_is_a_mistake(tmp_path):
    with pytest.raises(SpecError, match="'impute' where no analysis imputes"):
        run_study(e1(tmp_path, [MODEL]))


def test_a_grid_crosses_complete_cases_with_imputation(tmp_path):
    path = tmp_path / "study.yaml"
    model = MODEL | {"terms": TERMS[:3], "missing": {"impute": {"m": 2, "iterations": 2}}}
    study(tmp_path, [model])
    grid = {"of": "model", "missing": ["impute"], "policies": [{"E1": "impute"}]}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sensitivity": grid}))
    result = run_study(load_study(path))
    found = of(result, "model")
    curve = of(result, "sensitivity").result
    assert len(curve.specifications) == 4
    axes = [axis.name for axis in curve.axes]
    places = {}
    for one in curve.specifications:
        key = (one.choices[axes.index("policies")], one.choices[axes.index("missing")])
        places[key] = one
    low = next(c for c in found.adjusted.coefficients if c.level == "low")
    drawn = next(c for c in found.imputed.pooled.coefficients if c.level == "low")
    assert places[0, 0].estimate.estimate == pytest.approx(low.estimate, rel=1e-6)
    assert places[0, 1].estimate.estimate == pytest.approx(drawn.estimate, rel=1e-10)
    # E1: impute has more patients only where it is imputed.
    assert places[1, 0].estimate.estimate == pytest.approx(low.estimate, rel=1e-6)
    assert places[1, 1].n > places[0, 1].n > places[0, 0].n


def test_means_without_a_time_go_as_far_as_those_of_complete_cases(tmp_path):
    """Both answers to one time, or nothing could stand beside the imputed number."""
    asked = [GRADES | {"id": "means", "kind": "rmst"}]
    means = of(run_study(study(tmp_path, asked)), "means")
    assert means.imputed.pooled.tau == means.result.tau
    printed = _of_complete(means)
    for n in means.imputed.pooled.numbers:
        assert (n.quantity, n.group, n.reference, n.time) in printed
