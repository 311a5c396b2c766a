"""Parametric models and a model's performance, from a study file to their pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pypdf
import pytest

import analyses
from analyses.report.blocks import Cell, Table
from analyses.report.report import _pages
from analyses.study.check import check_study
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
TERMS = [{"name": "her2_status", "reference": "zero"}, {"name": "age_years", "per": 10}]
AFT: dict[str, Any] = {
    "id": "aft",
    "kind": "parametric",
    "endpoint": "os",
    "terms": TERMS,
    "zero_as": {"months": 0.25},
}
HELD: dict[str, Any] = {
    "id": "held",
    "kind": "performance",
    "endpoint": "os",
    "terms": TERMS,
    "at": {"years": [2, 5]},
    "groups": 5,
    "resamples": 6,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("prediction")
    simulate(900, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any]) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str, Path]:
    """The study's result, the text of its PDF, and its folder."""
    out = tmp_path_factory.mktemp("run") / "out"
    result = analyses.run_study(study(folder, AFT, HELD), out=out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split()), out


def cells(result: Any, name: str) -> list[Cell]:
    alts = {a.id: ("", 166.0) for a in result.analyses} | {"flow": ("", 166.0)}
    pages, _ = _pages(result, alts)
    table = next(b for b in pages if isinstance(b, Table) and b.name == name)
    return [cell for row in table.rows for cell in row]


@pytest.mark.parametrize("table", ["aft", "aft_distributions", "held", "held_groups"])
def test_every_printed_number_is_a_record(run: tuple[Any, str, Path], table: str) -> None:
    result, _, _ = run
    named = {cell.record for cell in cells(result, table) if cell.record}
    assert named
    assert named <= {record.id for record in result.records}


def test_the_pages_name_every_choice(run: tuple[Any, str, Path]) -> None:
    result, text, _ = run
    aft, held = result.analyses
    assert len(aft.result.fits) + len(aft.result.failures) == 5
    assert "accelerated failure time models by maximum likelihood" in text
    assert "the one with the lowest AIC is shown" in text
    assert held.times_said == ("2 years", "5 years")
    assert held.result.times == (24.0, 60.0)
    assert (held.result.seed, held.result.resamples) == (11, 6)
    assert "bootstrap samples of patients (seed 11)" in text
    assert "Predicted risk" in text


def test_figures_tables_and_manifest_are_written(run: tuple[Any, str, Path]) -> None:
    result, _, out = run
    for name in ("aft", "held"):
        assert (out / "figures" / f"{name}.pdf").is_file()
        assert (out / "tables" / f"{name}_numbers.csv").is_file()
    assert (out / "tables" / "aft_curve.csv").is_file()
    assert (out / "tables" / "held_calibration.csv").is_file()
    choices = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["estimators"]
    assert choices[0]["distribution"] == result.analyses[0].result.chosen_family
    assert choices[1]["resamples"] == "6"


def test_a_distribution_alone_is_shown_as_asked(folder: Path) -> None:
    asked = AFT | {"distributions": "lognormal", "terms": []}
    with pytest.raises(SpecError, match="terms"):
        study(folder, asked)
    del asked["terms"]
    result = analyses.run_study(study(folder, asked))
    (made,) = result.analyses
    assert made.result.chosen_by == "asked"
    assert made.result.terms == ()


def test_an_endpoint_whose_horizon_cannot_be_seen_is_a_failure(folder: Path) -> None:
    """Patients diagnosed in 2017 are not followed for 9.9 years."""
    result = analyses.run_study(study(folder, HELD | {"only": {
        "id": "recent", "column": "diagnosis_year", "between": [2017, 2017],
        "reason": "recent"}, "resamples": 0,
        "at": {"years": [9.9]}}))  # fmt: skip
    (failure,) = result.failures
    assert "past the follow-up" in failure.reason
    assert result.exit_code == 5


def test_samples_are_told_as_they_are_drawn(folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    analyses.run_study(study(folder, HELD), progress=lambda *step: told.append(step))
    drawn = [step for step in told if step[0] == "Bootstrap of held"]
    assert drawn == [("Bootstrap of held", k, 6) for k in range(1, 7)]
    assert told[told.index(drawn[0]) - 1][0] == "analyse"


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no such distribution": (AFT, {"distributions": ["weibul"]}, "weibul"),
    "a distribution twice": (AFT, {"distributions": ["weibull", "weibull"]}, "stands twice"),
    "unknown key": (AFT, {"distribution": "weibull"}, "distribution"),
    "a term twice": (HELD, {"terms": ["grade", "grade"]}, "stands twice"),
    "no horizon": (HELD, {"at": {}}, "no unit"),
    "one sample": (HELD, {"resamples": 1}, "at least 2"),
    "parametric over time": (
        AFT,
        {"terms": [{"name": "her2_status", "time_varying": {"cut": [24]}}]},
        "terms: time_varying of 'her2_status', which this model does not have",
    ),
    "performance over time": (
        HELD,
        {"terms": [{"name": "age_years", "time_varying": "log"}]},
        "terms: time_varying of 'age_years', which this model does not have",
    ),
    "one group": (HELD, {"groups": 1}, "groups"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_study_file_cannot_say_is_refused_by_name(folder: Path, case: str) -> None:
    base, changes, message = REFUSED[case]
    with pytest.raises(SpecError) as caught:
        study(folder, base | changes)
    assert message in " ".join(str(caught.value).split())


def test_horizons_past_the_endpoint_and_unknown_terms_are_found_before_the_run(
    folder: Path,
) -> None:
    late = HELD | {"at": {"years": [2, 12]}, "tau": {"years": 11}}
    crossed = AFT | {"terms": ["her2_status", {"interaction": ["her2_status", "grade"]}]}
    found = [p.found for p in check_study(study(folder, late, crossed))]
    assert any("12 years lies past" in text for text in found)
    assert any("11 years lies past" in text for text in found)
    assert any("'grade' is in an interaction" in text for text in found)
