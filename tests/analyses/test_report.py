"""The report's pages: what they say of groups, tests, failures, odd letters and other sources."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pypdf
import pytest

import analyses
from analyses import logrank, pairwise_logrank
from analyses.number_style import DEFAULT
from analyses.report.blocks import Cell, Table
from analyses.report.cautions import cautions
from analyses.report.methods import _statistics
from analyses.report.pdf import unprintable, visible
from analyses.report.rank_test_pages import _pairs
from analyses.report.report import _pages
from analyses.results.study import TestAnalysis
from analyses.study.spec import Study
from cohort.simulation import simulate

BASE: dict[str, Any] = {
    "version": 1,
    "title": "A study",
    "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
    "endpoints": [{"id": "os", "kind": "OS", "label": "Overall survival"}],
    "analyses": [{"id": "table", "kind": "table_one", "by": "her2_status", "columns": ["grade"]}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("report")
    simulate(600, seed=11, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def report(folder: Path, tmp_path: Path, **changed: Any) -> tuple[Any, str]:
    """The study's result and the text of its PDF."""
    study = Study.from_dict(BASE | changed, folder=folder)
    result = analyses.run_study(study, out=tmp_path / "out")
    pages = pypdf.PdfReader(tmp_path / "out" / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split())


def cells(result: Any, name: str) -> list[Cell]:
    alts = {a.id: ("", 166.0) for a in result.analyses} | {"flow": ("", 166.0)}
    pages, _ = _pages(result, alts)
    table = next(b for b in pages if isinstance(b, Table) and b.name == name)
    return [cell for row in table.rows for cell in row]


def test_tests_of_table_one_are_printed_from_their_records(folder, tmp_path):
    table = {"id": "table", "kind": "table_one", "by": "her2_status", "tests": "standard"}
    result, _ = report(folder, tmp_path, analyses=[table | {"columns": ["grade", "age_years"]}])
    ids = {record.id for record in result.records}
    named = {cell.record for cell in cells(result, "table") if cell.record}
    assert {"table/test_chi-square/grade", "table/test_Kruskal-Wallis/age_years"} <= named <= ids


def test_a_year_has_no_thousands_sign(folder, tmp_path):
    years = {"id": "years", "kind": "table_one", "by": "her2_status", "columns": ["diagnosis_year"]}
    result, _ = report(folder, tmp_path, analyses=[years])
    text = " ".join(cell.text for cell in cells(result, "years"))
    assert "2015" in text
    assert "2,0" not in text


def test_the_jama_style_changes_numbers_but_no_record(folder, tmp_path):
    model = {"id": "model", "kind": "cox", "endpoint": "os", "terms": ["her2_status", "age_years"]}
    plain, _ = report(folder, tmp_path / "a", analyses=[model])
    jama, text = report(folder, tmp_path / "b", analyses=[model], report={"style": "jama"})
    assert [r.to_dict() for r in plain.records] == [r.to_dict() for r in jama.records]
    assert "P < .001" in text
    assert "0.001" not in text.replace("0.0010", "")


def test_a_letter_that_no_font_has_is_escaped_and_reported(folder, tmp_path):
    result, text = report(folder, tmp_path, title="生存 in HER2-low", question="χ² and β ≥ 2?")
    assert "\\u{751f}\\u{5b58} in HER2-low" in text
    text_of_findings = (tmp_path / "out" / "findings.csv").read_text(encoding="utf-8")
    findings = list(csv.DictReader(text_of_findings.splitlines()))
    assert {f["value"] for f in findings if f["rule"] == "no_glyph"} == {"U+751F", "U+5B58"}
    assert result.title == "生存 in HER2-low"
    assert unprintable("aχβ≥²–") == ()
    assert visible({"a": ["é", "生"]}) == {"a": ["é", "\\u{751f}"]}


def test_markup_in_words_stays_words(folder, tmp_path):
    _, text = report(folder, tmp_path, title='#panic("x") *a* $b$ <c> [d] @e')
    assert '#panic("x") *a* $b$ <c> [d] @e' in text


def test_an_analysis_that_fails_stands_in_its_place(folder, tmp_path):
    model = {"id": "model", "kind": "cox", "endpoint": "os", "terms": ["her2_status"]}
    only = {"id": "x", "column": "her2_status", "one_of": ["zero"], "reason": "HER2-zero"}
    result, text = report(folder, tmp_path, analyses=[*BASE["analyses"], model | {"only": only}])
    assert result.exit_code == 5
    assert "No estimate: model" in text
    failed = [r for r in result.records if r.status == "failed"]
    assert failed
    assert all(r.analysis == "model" and r.reason for r in failed)


def test_a_restriction_is_counted_beside_its_analysis(folder, tmp_path):
    curves = {"id": "curves", "kind": "kaplan_meier", "endpoint": "os", "by": "her2_status"}
    only = {"id": "x", "column": "hr_status", "one_of": ["positive"], "reason": "HR-positive"}
    result, text = report(folder, tmp_path, analyses=[curves | {"only": only}])
    outside = next(r for r in result.records if r.quantity == "rows_outside")
    used = next(r for r in result.records if r.id == "curves/kaplan_meier_patients_used")
    assert outside.n + used.n == result.endpoints[0].n
    assert f"{outside.n} outside the restriction to HR-positive" in text
    assert f"Overall survival: {used.n} patients" in text


def model(id: str, *terms: Any, **more: Any) -> dict[str, Any]:
    return {"id": id, "kind": "cox", "endpoint": "os", "terms": list(terms)} | more


def test_an_interaction_has_no_model_of_its_own_and_its_contrasts_say_where(folder, tmp_path):
    pair = {"interaction": ["her2_status", "hr_status"]}
    result, text = report(
        folder, tmp_path, analyses=[model("both", "her2_status", "hr_status", pair)]
    )
    assert "at HR-negative (the model has an interaction)" in text
    shown = [cell.text for cell in cells(result, "both")]
    assert "HER2-low × HR-positive" in shown
    assert shown[shown.index("HER2-low × HR-positive") + 2] == "–"


def test_page_one_names_strata_restriction_counts_and_level(folder, tmp_path):
    only = {"id": "x", "column": "hr_status", "one_of": ["positive"], "reason": "HR-positive"}
    analysis = model("m", "her2_status", strata=["grade"], conf_level=0.9, only=only)
    result, text = report(folder, tmp_path, analyses=[analysis])
    fitted = result.analyses[0].adjusted
    said = f"({fitted.n} patients, {fitted.n_event} deaths; HR-positive)"
    assert said in text
    assert "with 90% limits, stratified by grade" in text


def test_a_spline_is_one_row_with_one_test_and_its_knots(folder, tmp_path):
    curve = {"name": "age_years", "spline": {"df": 3}}
    result, text = report(folder, tmp_path, analyses=[model("m", "her2_status", curve)])
    row = [c for c in cells(result, "m") if c.record.endswith("/term_test/age_years")]
    assert len(row) == 2
    assert not any("spline 1" in c.text.lower() for c in cells(result, "m"))
    assert "age as a restricted cubic spline (3 df, knots at" in text


def test_one_group_keeps_its_curve_and_the_missing_test_is_told(folder, tmp_path):
    only = {"id": "x", "column": "her2_status", "one_of": ["zero"], "reason": "HER2-zero"}
    curves = {"id": "c", "kind": "kaplan_meier", "endpoint": "os", "by": "her2_status"}
    result, text = report(folder, tmp_path, analyses=[curves | {"only": only}])
    assert result.exit_code == 5
    assert [curve.group for curve in result.analyses[0].curves.curves] == ["zero"]
    assert "one group only" in text


def test_who_has_no_value_is_told_for_every_kind_of_analysis(folder, tmp_path):
    kinds = [
        {"id": "t", "kind": "table_one", "by": "grade", "columns": ["age_years"]},
        {"id": "c", "kind": "kaplan_meier", "endpoint": "os", "by": "grade"},
        {"id": "l", "kind": "logrank", "endpoint": "os", "by": "hr_status", "strata": ["grade"]},
        model("m", "grade"),
    ]
    result, text = report(folder, tmp_path, analyses=kinds)
    assert text.count("without a value (") == 4
    for record in result.records:
        if record.quantity.endswith("rows_missing") and record.term == "grade":
            assert f"grade {record.n}" in text


def test_weighted_sums_are_not_called_events(folder, tmp_path):
    test = {"id": "l", "kind": "logrank", "endpoint": "os", "by": "comorbidity_index", "rho": 1}
    _, text = report(folder, tmp_path, analyses=[test | {"trend": "linear"}])
    assert "Observed, weighted" in text
    assert "scores 0, 1, 2 and 3; 1 df" in text


def test_few_events_reach_the_cautions_from_a_log_rank_test_too(folder, tmp_path):
    only = {"id": "x", "column": "stage", "one_of": ["I"], "reason": "Stage I"}
    early = {"id": "y", "column": "age_years", "between": [None, 45], "reason": "To 45"}
    test = {"id": "l", "kind": "logrank", "endpoint": "os", "by": "her2_status", "only": only}
    _, text = report(folder, tmp_path, analyses=[test], select=[early])
    assert "support no conclusion about this group" in text
    assert "Overall survival, restricted to Stage I: " in text


def test_a_group_is_warned_of_again_where_a_restriction_leaves_fewer_events(folder):
    only = {"id": "x", "column": "stage", "one_of": ["I"], "reason": "Stage I"}
    early = {"id": "y", "column": "age_years", "between": [None, 45], "reason": "To 45"}
    base = {"kind": "kaplan_meier", "endpoint": "os", "by": "her2_status"}
    asked = [base | {"id": "every"}, base | {"id": "some", "only": only}]
    study = Study.from_dict(BASE | {"analyses": asked, "select": [early]}, folder=folder)
    result = analyses.run_study(study)
    curves = {a.id: a.curves.curves for a in result.analyses}
    said = cautions(result, DEFAULT)
    name = result.endpoints[0].label
    for where, start in (("every", f"{name}: "), ("some", f"{name}, restricted to Stage I: ")):
        few = sum(c.n_event < 10 for c in curves[where])
        assert sum(text.startswith(start) and "support no" in text for text in said) == few
    assert any(c.n_event < 10 for c in curves["some"])


def test_groups_of_the_same_name_in_two_columns_are_both_warned_of(folder):
    early = {"id": "y", "column": "age_years", "between": [None, 45], "reason": "To 45"}
    base = {"kind": "logrank", "endpoint": "os"}
    asked = [base | {"id": by, "by": by} for by in ("er_status", "pr_status")]
    study = Study.from_dict(BASE | {"analyses": asked, "select": [early]}, folder=folder)
    said = " ".join(cautions(analyses.run_study(study), DEFAULT))
    assert "(ER-negative) support no conclusion" in said
    assert "(PR-negative) support no conclusion" in said


def test_only_pairs_with_a_test_count_in_the_adjustment():
    rows = pd.DataFrame({"time": [1.0, 2, 3, 4, 5, 6], "grade": list("123123")})
    names = {"time": "time", "event": "event", "by": {"name": "grade", "levels": ["1", "2", "3"]}}
    rows["event"] = rows["time"] == 1  # grades 2 and 3 have no event, and no test between them
    pairs = pairwise_logrank(rows, **names)
    assert [p is None for p in pairs.p_adjusted] == [False, False, True]
    made = TestAnalysis("l", "Tests", "os", logrank(rows, **names), pairs)
    assert "p adjusted for 2 pairs with a test by Holm" in _pairs(made, DEFAULT).note


def test_the_trend_within_her2_negative_disease_prints_its_own_patients(folder, tmp_path):
    test = {"id": "l", "kind": "logrank", "endpoint": "os", "by": "her2_status"}
    result, text = report(folder, tmp_path, analyses=[test | {"trend": "her2_negative"}])
    trend = result.analyses[0].trend
    assert len(trend.groups) == 3
    first, *_, last = zip(trend.n_event, trend.n, strict=True)
    assert f"Events / patients of the trend: IHC 0 {first[0]} / {first[1]}" in text
    assert f"{last[0]} / {last[1]}." in text.split("of the trend: ")[1]


def test_the_methods_name_the_test_beside_curves_and_the_strata_of_max_combo(folder):
    curves = {"id": "c", "kind": "kaplan_meier", "endpoint": "os", "by": "her2_status"}
    test = {"id": "l", "kind": "logrank", "endpoint": "os", "by": "hr_status", "max_combo": True}
    asked = [curves, test | {"strata": ["grade"]}]
    result = analyses.run_study(Study.from_dict(BASE | {"analyses": asked}, folder=folder))
    said = list(_statistics(result))
    assert "Groups with curves were compared by the log-rank test with hyper" in said[0]
    assert "joint normal distribution, within the same strata." in said[1]
    alone = [{"id": "c", "kind": "kaplan_meier", "endpoint": "os"}]
    result = analyses.run_study(Study.from_dict(BASE | {"analyses": alone}, folder=folder))
    assert "log-rank" not in " ".join(_statistics(result))


def test_absolute_paths_of_the_study_are_not_written(folder, tmp_path):
    source = {"name": "ncdb_puf", "files": {"main": str(folder / "registry.csv")}}
    study = Study.from_dict(BASE | {"source": source}, folder=tmp_path, allow_path=True)
    analyses.run_study(study, out=tmp_path / "out")
    for file in (tmp_path / "out").rglob("*.json"):
        assert str(folder) not in file.read_text(encoding="utf-8")


@pytest.mark.real
def test_a_source_without_scores_keeps_everybody_where_her2_is_not_compared(real_data, tmp_path):
    portal = real_data / "metabric" / "brca_metabric_clinical_data.tsv"
    (tmp_path / "metabric.tsv").write_bytes(portal.read_bytes())
    curves = {"id": "curves", "kind": "kaplan_meier", "endpoint": "os"}
    source = {"name": "metabric", "files": {"main": "metabric.tsv"}}
    result, text = report(tmp_path, tmp_path, source=source, analyses=[curves])
    assert result.endpoints[0].n == 1981
    assert result.endpoints[0].n_event == 1144
    follow_up = next(r for r in result.records if r.quantity == "median_follow_up")
    assert follow_up.estimate == pytest.approx(195.53, abs=0.01)
    median = next(r for r in result.records if r.quantity == "median")
    assert median.estimate == pytest.approx(156.33, abs=0.01)
    assert "2,509 patients" in text
    json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))


def test_a_text_that_the_study_reads_its_own_way_is_told_in_the_methods(folder, tmp_path):
    source = BASE["source"] | {"recode": {"grade": {"9": "3"}}}
    result, text = report(folder, tmp_path, source=source)
    assert "By decision of this study: Grade: '9' read as 3." in text
    told = {(f.column, f.value): f.n for f in result.findings if f.rule == "recoded"}
    assert told["grade", "9"] > 0
