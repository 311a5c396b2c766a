"""Weighted, matched and standardised comparisons from a study file to their pages and figures."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdf
import pytest

import analyses
from analyses.formatting import NumberStyle
from analyses.plots.love import plot_love
from analyses.plots.overlap import plot_overlap
from analyses.plots.standardised_curves import plot_standardised
from analyses.report.adjusted_pages import (
    _choices,
    standardised_methods,
    standardised_pages,
    weighted_methods,
    weighted_pages,
)
from analyses.report.blocks import FigureBlock, Table
from analyses.report.report import _pages
from analyses.study.spec import Study
from cohort.errors import SpecError
from cohort.simulation import simulate

BASE: dict[str, Any] = {
    "version": 1,
    "title": "A study",
    "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
    "endpoints": [
        {"id": "os", "kind": "OS", "label": "Overall survival", "censor_at": {"years": 10}}
    ],
    "seed": 11,
}
SHARED: dict[str, Any] = {
    "endpoint": "os",
    "by": "her2_status",
    "terms": ["age_years", "hr_status"],
    "at": {"months": 60},
    "tau": {"months": 60},
}
WEIGHTED = {"id": "w", "kind": "weighted", "outcome_terms": ["age_years"], **SHARED}
MATCHED = {"id": "m", "kind": "matched", "group": "positive", "reference": "zero", **SHARED}
CURVES = {"id": "s", "kind": "standardised_curves", "target": "low", **SHARED}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("adjusted")
    simulate(1200, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any]) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    out = tmp_path_factory.mktemp("run") / "out"
    result = analyses.run_study(study(folder, WEIGHTED, MATCHED, CURVES), out=out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split())


def test_every_printed_number_is_a_record(run: tuple[Any, str]) -> None:
    result, _ = run
    assert not result.failures
    ids = {record.id for record in result.records}
    names = ["flow", "w", "w_overlap", "w_balance", "m", "m_overlap", "m_balance", "s"]
    pages, _ = _pages(result, dict.fromkeys(names, ("", 166.0)))
    tables = [b for b in pages if isinstance(b, Table) and b.name[:2] in ("w_", "m_", "s_")]
    assert len(tables) == 10
    for table in tables:
        for row in table.rows:
            assert {cell.record for cell in row if cell.record} <= ids, table.name


def test_the_pages_label_each_ratio_and_warn_of_reading_their_difference(
    run: tuple[Any, str],
) -> None:
    _, text = run
    assert "marginal: all patients" in text
    assert "conditional: patients alike in the terms" in text
    assert "so their difference measures none" in text
    assert "survival standardised to patients of HER2-low by the g-formula" in text
    assert "truncated at the percentiles 1 and 99" in text


def test_figures_show_the_results_own_numbers(run: tuple[Any, str]) -> None:
    result, _ = run
    made = {analysis.id: analysis.result for analysis in result.analyses}
    overlap = plot_overlap(made["w"].propensity)
    assert len(overlap.axes) == 3
    assert len(overlap.outlines) == 9
    love = plot_love(made["w"].balance)
    first = [
        row for row in made["w"].balance.rows if (row.group_a, row.group_b) == love.after[0][0]
    ]
    assert love.after[0][1].get_offsets()[:, 0].tolist() == [row.after for row in first]
    curves = plot_standardised(made["s"])
    line = dict(curves.curves)["low"]
    assert line.get_ydata()[1:].tolist() == made["s"].curves[1].survival.tolist()
    assert "patients of low" in curves.alt


def test_the_differences_that_are_left_are_counted_by_a_record(run: tuple[Any, str]) -> None:
    result, _ = run
    counted = {r.id: r.n for r in result.records if r.id.endswith("/unbalanced")}
    made = {a.id: a.result for a in result.analyses}
    assert counted == {f"{k}/unbalanced": len(made[k].balance.unbalanced) for k in ("w", "m")}


def test_pages_say_how_many_samples_are_left_and_which_variance_a_band_has(
    run: tuple[Any, str],
) -> None:
    made = {a.id: a for a in run[0].analyses}
    assert "limits by robust variance, weights as known; numbers" in run[1]
    assert "matched sets not counted" in run[1]
    assert "limits by the delta method." in run[1]
    for key, methods in (("w", weighted_methods), ("s", standardised_methods)):
        drawn = replace(made[key].result, resamples=300, n_samples=295)
        own = replace(made[key], result=drawn)
        assert "295 of 300 bootstrap samples" in methods(run[0], own)
        assert dict(_choices(own))["resamples"] == "295 of 300"
        pages = weighted_pages if key == "w" else standardised_pages
        shown = pages(run[0], own, NumberStyle(), defaultdict(lambda: ("", 100.0)))
        captions = [b.caption for b in shown if isinstance(b, FigureBlock) and b.name == key]
        assert "those of the table are by the bootstrap" in captions[0]


def test_a_level_that_separates_is_a_failure_in_its_place(folder: Path) -> None:
    only = {"id": "few", "column": "age_years", "between": [40, 41], "reason": "Few patients"}
    lone = {**MATCHED, "id": "few", "terms": ["age_years", "grade", "stage"], "only": only}
    result = analyses.run_study(study(folder, lone, CURVES))
    assert [failure.analysis for failure in result.failures] == ["few"]
    assert [analysis.id for analysis in result.analyses] == ["s"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({**WEIGHTED, "estimand": "att"}, "att without a target"),
        ({**WEIGHTED, "target": "low"}, "a target without att"),
        ({**WEIGHTED, "truncate": [0.9, 0.1]}, "Two rising quantiles"),
        ({**WEIGHTED, "terms": ["her2_status"]}, "makes the groups"),
        ({**WEIGHTED, "resamples": 3}, "at least 20"),
        ({**MATCHED, "reference": "positive"}, "with itself"),
        ({**CURVES, "method": "weighting", "strata": ["grade"]}, "strata with weighting"),
    ],
)
def test_what_makes_no_sense_is_refused(folder: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        study(folder, asked)
