"""Clinical features of the HER2 groups from a study file to their pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pypdf
import pytest

import analyses
from analyses.report.blocks import FigureBlock, Table
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
MULTI: dict[str, Any] = {
    "id": "multi",
    "kind": "category_model",
    "of": "her2_status",
    "terms": [{"name": "age_years", "per": 10}, "grade", "stage"],
}
ORDI = MULTI | {"id": "ordi", "model": "ordinal"}
PCR: dict[str, Any] = {
    "id": "pcr",
    "kind": "response",
    "by": "her2_status",
    "within": "hr_status",
    "only": {"id": "neo", "column": "neoadjuvant", "equals": "yes", "reason": "Neoadjuvant"},
}
YEARS: dict[str, Any] = {"id": "years", "kind": "share_trend", "of": "her2_status"}
TABLE: dict[str, Any] = {
    "id": "tab",
    "kind": "table_one",
    "by": "her2_status",
    "within": "hr_status",
    "columns": ["age_years", "grade", "hr_status"],
}
FUNNEL: dict[str, Any] = {
    "id": "funnel",
    "kind": "facility_shares",
    "of": "her2_status",
    "category": "low",
    "year": "diagnosis_year",
}
CLASSES: dict[str, Any] = {
    "id": "cls",
    "kind": "classification",
    "endpoint": "os",
    "columns": ["age_years", "grade"],
    "terms": [{"name": "age_years", "per": 10}],
}
ASKED = [MULTI, ORDI, PCR, YEARS, TABLE, FUNNEL, CLASSES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("features")
    simulate(900, seed=12, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def study(folder: Path, *asked: dict[str, Any]) -> Study:
    return Study.from_dict(BASE | {"analyses": list(asked)}, folder=folder)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str, Path]:
    """The study's result, the text of its PDF, and its folder."""
    out = tmp_path_factory.mktemp("run") / "out"
    result = analyses.run_study(study(folder, *ASKED), out=out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split()), out


class _Anything(dict[str, tuple[str, float]]):
    """Alternative texts of whatever figures there are."""

    def __missing__(self, name: str) -> tuple[str, float]:
        return ("", 166.0)


def test_every_printed_number_is_a_record(run: tuple[Any, str, Path]) -> None:
    result, _, _ = run
    pages, _ = _pages(result, _Anything())
    tables = [b for b in pages if isinstance(b, Table)]
    own = [b for b in tables if b.name.partition("_")[0].partition(".")[0] in IDS]
    assert own
    named = {cell.record for b in own for line in b.rows for cell in line if cell.record}
    assert len(named) > 30
    assert named <= {record.id for record in result.records}


IDS = tuple(asked["id"] for asked in ASKED)


def test_every_figure_of_a_page_is_written(run: tuple[Any, str, Path]) -> None:
    result, _, out = run
    pages, _ = _pages(result, _Anything())
    names = [b.name for b in pages if isinstance(b, FigureBlock) and b.name != "flow"]
    assert names
    for name in names:
        assert (out / "figures" / f"{name}.svg").exists(), name


def test_models_of_her2_status_are_told_with_their_tests(run: tuple[Any, str, Path]) -> None:
    result, text, out = run
    multi = result.analyses[0].result
    assert multi.pairs == (("low", "zero"), ("positive", "zero"), ("positive", "low"))
    assert "multinomial logistic model of HER2 status on" in text
    assert "Same at every cut (df)" in text
    assert "proportional-odds logistic model of HER2 status (HER2-zero, HER2-low" in text
    assert (out / "tables" / "multi_numbers.csv").exists()


def test_response_is_of_patients_with_neoadjuvant_therapy(run: tuple[Any, str, Path]) -> None:
    result, text, out = run
    response = result.analyses[2].result
    assert "outside the restriction to Neoadjuvant" in text
    assert response.within == "hr_status"
    assert "Cochran-Mantel-Haenszel" in text
    assert (out / "tables" / "pcr_shares.csv").exists()


def test_features_stand_overall_and_within_hr_strata(run: tuple[Any, str, Path]) -> None:
    result, _, out = run
    table = result.analyses[4]
    assert [level for level, _ in table.strata] == ["negative", "positive"]
    sizes = [sum(own.n) for _, own in table.strata]
    assert sum(sizes) + table.n_not_known == sum(table.table.n)
    assert all("hr_status" not in own.columns for _, own in table.strata)
    assert {smd.column for smd in table.strata[0][1].smd} == {"age_years", "grade"}
    assert (out / "tables" / "tab_within_positive.csv").exists()


def test_no_facility_is_named_unless_asked(run: tuple[Any, str, Path]) -> None:
    result, text, out = run
    funnel = result.analyses[5].result
    assert not funnel.identified
    assert [one.name for one in funnel.facilities][:2] == ["1", "2"]
    assert "none is named" in text
    assert "F0001" not in (out / "tables" / "funnel_numbers.csv").read_text()
    assert len(funnel.by_year) > 5


def test_unclassified_patients_are_shown_though_the_groups_leave_them_out(
    run: tuple[Any, str, Path],
) -> None:
    result, text, _ = run
    made = result.analyses[6].result
    inside, outside = made.n
    assert outside > 0
    loaded = sum(n for *_, n in result.her2_counts)
    unknown = next(r for r in result.restrictions if r.analysis == "cls")
    assert inside + outside + unknown.n_outside == loaded
    assert "outside the restriction to patients with a known endpoint" in text
    assert "Unclassified against classified, adjusted: HR" in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (MULTI | {"terms": ["her2_status"]}, "'her2_status' is modelled"),
        (ORDI | {"reference": "zero"}, "an ordinal model has no reference"),
        (MULTI | {"of": "tumour_size_mm"}, "is a number and cannot make groups"),
        (MULTI | {"terms": [{"name": "grade", "time_varying": "log"}]}, "time_varying"),
        (PCR | {"within": "her2_status"}, "is the response or makes the groups"),
        (PCR | {"terms": ["hr_status"]}, "'hr_status' is in the model already"),
        (PCR | {"response": "age_years"}, "is a number and cannot make groups"),
        (TABLE | {"within": "her2_status"}, "'her2_status' makes the groups"),
        (YEARS | {"year": "grade"}, "cannot be cut"),
        (FUNNEL | {"facility": "age_years"}, "cannot make clusters"),
        (CLASSES | {"columns": ["her2_status"]}, "'her2_status' tells the two apart"),
        (MULTI | {"model": "linear"}, "is not allowed"),
        (MULTI | {"terms": ["grade", {"interaction": ["grade", "stage"]}]}, "not a term itself"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(
    asked: dict[str, Any], said: str, folder: Path
) -> None:
    try:
        problems = check_study(study(folder, asked))
    except SpecError as error:
        problems = error.problems
    assert said in " ".join(problem.found for problem in problems)
