"""A study file becomes one frozen value, or every problem in it with file, line and advice."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from analyses.study.spec import Study, load_study
from analyses.study.specs.cox import CoxSpec
from analyses.study.specs.kaplan_meier import KaplanMeierSpec
from analyses.study.specs.logrank import LogRankSpec
from analyses.study.specs.table_one import TableOneSpec
from cohort.duration import Duration
from cohort.errors import SpecError
from cohort.selection import Criterion

GOOD = """\
version: 1
title: Overall survival in HER2-low and HER2-zero disease
source: {name: ncdb_puf, files: {main: registry.csv}}
her2: {edition: 2018, policies: {E1: unresolved}}
endpoints:
  - {id: os, kind: OS, censor_at: {years: 10}}
  - {id: pfi, kind: PFI, label: Progression-free interval}
select:
  - {id: era, column: diagnosis_year, between: [2010, 2017], reason: "IHC score collected"}
  - {id: invasive, column: behaviour, equals: invasive, reason: Invasive disease}
  - {id: grades, column: grade, one_of: [1, "2", 3], reason: Grade known}
  - {id: aged, column: age_years, not_missing: true, reason: Age known}
  - {id: small, column: tumour_size_mm, between: [null, 50.5], reason: Operable}
analyses:
  - {id: table, kind: table_one, by: her2_status, columns: [age_years, grade]}
  - {id: km, kind: kaplan_meier, endpoint: os, by: her2_status, at: {months: [12, 36, 60]}}
  - {id: test, kind: logrank, endpoint: os, by: her2_status, strata: [grade]}
  - id: cox
    kind: cox
    endpoint: os
    terms:
      - {name: her2_status, reference: zero}
      - {name: age_years, per: 10}
      - {name: tumour_size_mm, spline: {df: 4}}
      - hr_status
      - {interaction: [her2_status, hr_status]}
    cluster: facility_id
report: {style: jama}
seed: 7
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> list[str]:
    """Each problem of a study file as it is printed."""
    with pytest.raises(SpecError) as caught:
        load_study(written(folder, text))
    return [str(problem) for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return load_study(written(tmp_path, GOOD))


def test_every_part_is_read(study: Study) -> None:
    assert study.title == "Overall survival in HER2-low and HER2-zero disease"
    assert study.question is None
    assert dict(study.source.files) == {"main": "registry.csv"}
    assert dict(study.her2.policies) == {"E1": "unresolved"}
    assert [type(spec) for spec in study.analyses] == [
        TableOneSpec, KaplanMeierSpec, LogRankSpec, CoxSpec,
    ]  # fmt: skip
    assert (study.report.style, study.on_unknown_code, study.seed) == ("jama", "warn", 7)


def test_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, "\n".join([
        "version: 1", "title: t", "source: {name: tcga_brca, files: a.txt}",
        "endpoints: [{id: os, kind: OS}]",
        "analyses: [{id: a, kind: cox, endpoint: os, terms: [age_years]},"
        " {id: b, kind: kaplan_meier, endpoint: os}, {id: c, kind: logrank, endpoint: os, by: sex},"
        " {id: d, kind: table_one, by: sex, columns: [age_years]}]",
    ])))  # fmt: skip
    cox, km, test, table = study.analyses
    assert isinstance(cox, CoxSpec)
    assert isinstance(km, KaplanMeierSpec)
    assert isinstance(test, LogRankSpec)
    assert isinstance(table, TableOneSpec)
    assert dict(study.source.files) == {"main": "a.txt"}
    assert (study.her2.edition, dict(study.her2.policies)) == (2018, {})
    assert (study.select, study.report.style, study.seed) == ((), "default", 20250131)
    assert (cox.ties, cox.univariable, cox.conf_level, cox.strata, cox.cluster) == (
        "efron", True, 0.95, (), None,
    )  # fmt: skip
    assert (km.by, km.at, km.conf_type, km.conf_level, km.only) == (
        None, None, "log-log", 0.95, None,
    )  # fmt: skip
    assert (test.rho, test.gamma, test.pairs, test.trend) == (0.0, 0.0, "holm", "none")
    assert table.tests == "none"


def test_times_keep_their_unit_and_convert_once(study: Study) -> None:
    censor_at = study.endpoint("os").censor_at
    assert censor_at is not None
    assert censor_at.to_duration() == Duration(10, "years")
    assert str(censor_at) == "10 years"
    km = study.analyses[1]
    assert isinstance(km, KaplanMeierSpec)
    assert km.at is not None
    assert [str(time) for time in km.at.to_durations()] == ["12 months", "36 months", "60 months"]
    assert km.at.within("days") == (365.25, 1095.75, 1826.25)


def test_a_single_time_is_a_list_of_one(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, changed("{months: [12, 36, 60]}", "{years: 5}")))
    assert study.analyses[1].at.within("months") == (60.0,)  # type: ignore[union-attr]


def test_criteria_become_those_of_the_cohort(study: Study) -> None:
    assert [spec.to_criterion() for spec in study.select] == [
        Criterion("era", "diagnosis_year", "IHC score collected", between=(2010, 2017)),
        Criterion("invasive", "behaviour", "Invasive disease", one_of=("invasive",)),
        Criterion("grades", "grade", "Grade known", one_of=("1", "2", "3")),
        Criterion("aged", "age_years", "Age known", not_missing=True),
        Criterion("small", "tumour_size_mm", "Operable", between=(None, 50.5)),
    ]


def test_terms_become_those_of_the_model(study: Study) -> None:
    from analyses.estimators.terms import declared

    cox = study.analyses[3]
    assert isinstance(cox, CoxSpec)
    assert [term.declared() for term in cox.terms] == [
        {"name": "her2_status", "reference": "zero"},
        {"name": "age_years", "per": 10},
        {"name": "tumour_size_mm", "spline": {"df": 4}},
        {"name": "hr_status"},
        {"interaction": ("her2_status", "hr_status")},
    ]
    learnt = declared([term.declared() for term in cox.terms])
    assert [term.columns for term in learnt] == [term.columns() for term in cox.terms]


def test_the_trend_is_within_her2_negative_disease_by_her2_status_only(tmp_path: Path) -> None:
    usual = load_study(written(tmp_path, GOOD)).analyses[2]
    asked = load_study(written(tmp_path, changed("strata: [grade]", "trend: linear"))).analyses[2]
    other = load_study(
        written(tmp_path, changed("by: her2_status, strata: [grade]", "by: grade"))
    ).analyses[2]
    assert [spec.trend for spec in (usual, asked, other)] == [  # type: ignore[union-attr]
        "her2_negative", "linear", "none",
    ]  # fmt: skip


def test_codes_that_yaml_would_reinterpret_stay_levels(tmp_path: Path) -> None:
    text = changed("equals: invasive", "one_of: [no, yes, 010]")
    assert load_study(written(tmp_path, text)).select[1].one_of == ("no", "yes", "010")


def test_a_study_knows_its_file_digest_and_lines(tmp_path: Path, study: Study) -> None:
    assert study.digest == hashlib.sha256(GOOD.encode()).hexdigest()
    assert study.paths() == {"main": tmp_path / "registry.csv"}
    assert study.where(("analyses", 3, "terms", 1, "per")) == "study.yaml:23"
    assert study.where(("analyses", 3, "terms", 1, "absent")) == "study.yaml:23"
    assert study.place(("analyses", 1, "by")) == "study.yaml:16: analyses[1].by"
    assert study.where() == "study.yaml"


def test_identity_is_free_of_the_folder_and_reads_back(tmp_path: Path, study: Study) -> None:
    name, digest, text = study.identity()
    assert (name, digest) == ("study.yaml", study.digest)
    assert str(tmp_path) not in text
    again = Study.from_dict(json.loads(text), folder=tmp_path)
    assert again.to_dict() == study.to_dict()


def test_nothing_of_a_study_can_be_changed(study: Study) -> None:
    with pytest.raises(ValidationError):
        study.seed = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        study.source.files["main"] = "other.csv"  # type: ignore[index]
    with pytest.raises(TypeError):
        study.her2.policies["E1"] = "low"  # type: ignore[index]


def as_dict() -> dict[str, Any]:
    return {
        "version": 1,
        "title": "t",
        "source": {"name": "tcga_brca", "files": "a.txt"},
        "endpoints": [{"id": "os", "kind": "OS", "censor_at": {"years": 5}}],
        "analyses": [{"id": "lr", "kind": "logrank", "endpoint": "os", "by": "her2_status"}],
    }


def test_a_notebook_gives_a_dictionary_and_it_is_not_modified(tmp_path: Path) -> None:
    data = as_dict()
    before = copy.deepcopy(data)
    study = Study.from_dict(data, folder=tmp_path)
    assert data == before
    assert study.paths() == {"main": tmp_path / "a.txt"}
    assert study.where(("analyses", 0)) == "study"
    assert study.digest == Study.from_dict(dict(reversed(data.items()))).digest
    assert study.digest != Study.from_dict(data | {"title": "u"}).digest


def test_a_dictionary_with_a_mistake_names_the_place(tmp_path: Path) -> None:
    data = as_dict()
    data["analyses"][0]["endpoint"] = "oss"
    with pytest.raises(SpecError, match=r"study: analyses\[0\].endpoint: 'oss' is not an endpoint"):
        Study.from_dict(data, folder=tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("report:", "reprot:",
         ["study.yaml:28: reprot: not a key here", "Did you mean 'report'?"]),
        ("{id: os, kind: OS,", "{id: os, knid: OS, kind: OS,",
         ["study.yaml:6: endpoints[0].knid: not a key here", "Did you mean 'kind'?"]),
        ("years: 10", "year: 10",
         ["study.yaml:6: endpoints[0].censor_at.year: not a key here", "Did you mean 'years'?"]),
        ("{name: age_years, per: 10}", "{name: age_years, prr: 10}",
         ["study.yaml:23: analyses[3].terms[1].prr: not a key here", "Did you mean 'per'?"]),
        ("kind: kaplan_meier", "kind: kaplan_meyer",
         ["study.yaml:16: analyses[1].kind: 'kaplan_meyer' is not allowed",
          "Did you mean 'kaplan_meier'?", "Allowed: table_one, kaplan_meier, logrank"]),
        ("kind: kaplan_meier, ", "",
         ["study.yaml:16: analyses[1].kind: required, and missing", "kaplan_meier, logrank"]),
        ("style: jama", "style: jmaa",
         ["study.yaml:28: report.style: 'jmaa' is not allowed", "Did you mean 'jama'?"]),
        ("endpoint: os, by: her2_status, at", "endpoint: oss, by: her2_status, at",
         ["study.yaml:16: analyses[1].endpoint: 'oss' is not an endpoint", "Did you mean 'os'?"]),
        ("endpoint: os, by: her2_status, at", "endpoint: OS, by: her2_status, at",
         ["study.yaml:16: analyses[1].endpoint: 'OS' is not an endpoint", "Did you mean 'os'?"]),
        ("id: km,", "id: table,",
         ["study.yaml:16: analyses[1].id: 'table' is already the id of study.yaml:15"]),
        ("id: pfi,", "id: os,",
         ["study.yaml:7: endpoints[1].id: 'os' is already the id of study.yaml:6"]),
        ("id: km,", "id: KM 5-year,",
         ["study.yaml:16: analyses[1].id: 'KM 5-year' is no id", "Try 'km_5_year'."]),
        ("kind: OS", "kind: os",
         ["study.yaml:6: endpoints[0].kind: 'os' is no kind of endpoint", "Did you mean 'OS'?"]),
        ("seed: 7", 'seed: "7"',
         ["study.yaml:29: seed: '7' where a whole number should stand", "without quotes"]),
        ("seed: 7", "seed: 010", ["seed: '010' where a whole number", "leading zeros"]),
        ("seed: 7", "seed: -1", ["study.yaml:29: seed: -1 is not allowed", "At least 0"]),
        ("seed: 7", "seed: true", ["study.yaml:29: seed: true where a whole number"]),
        ("seed: 7", "seed:", ["study.yaml:29: seed: empty"]),
        ("version: 1", "version: 2", ["study.yaml:1: version: 2 is not allowed", "Allowed: 1"]),
        ("version: 1", "version: true", ["study.yaml:1: version: true is not a whole number"]),
        ("version: 1\n", "", ["study.yaml: version: required, and missing"]),
        ("edition: 2018", "edition: 2016",
         ["study.yaml:4: her2.edition: 2016 is not allowed", "Allowed: 2007, 2013, 2018 or 2023"]),
        ("E1: unresolved", "E1: 3", ["study.yaml:4: her2.policies.E1: 3 where text", '"3"']),
        ("title: Overall survival in HER2-low and HER2-zero disease", "title: 2024",
         ["study.yaml:2: title: 2024 where text should stand", 'Put it in quotes: "2024".']),
        ("title: Overall survival in HER2-low and HER2-zero disease", "title: ' '",
         ["study.yaml:2: title: empty"]),
        ("per: 10", 'per: "10"',
         ["study.yaml:23: analyses[3].terms[1].per: '10' is not a number", "without quotes"]),
        ("per: 10", "per: 0", ["terms[1].per: 0 is not above 0"]),
        ("df: 4", "df: 9", ["terms[2].spline.df: 9 is not allowed", "At most 6"]),
        ("columns: [age_years, grade]", "columns: age_years",
         ["study.yaml:15: analyses[0].columns: 'age_years' where a list", "Write [age_years]."]),
        ("columns: [age_years, grade]", "columns: []", ["analyses[0].columns: empty"]),
        ("columns: [age_years, grade]", "columns: [grade, grade]", ["'grade' stands twice"]),
        ("columns: [age_years, grade]", "columns: [her2_status]",
         ["analyses[0].columns: 'her2_status' makes the groups"]),
        ("[2010, 2017]", "[2017, 2010]",
         ["study.yaml:9: select[0]: between: 2017 is above 2010", "Write [2010, 2017]."]),
        ("[2010, 2017]", "[2010]", ["select[0].between: [2010] is too short", "Two items"]),
        ("[2010, 2017]", "[1, 2, 3]", ["select[0].between: [1, 2, 3] is too long"]),
        ("[2010, 2017]", "[null, null]", ["select[0]: between: [null, null] is no condition"]),
        ("[2010, 2017]", "[2_010, 2017]", ["select[0].between[0]: '2_010' is not a number"]),
        ("equals: invasive", "equals: true",
         ["study.yaml:10: select[1].equals: true is not a level", '"true"']),
        ("equals: invasive, ", "", ["study.yaml:10: select[1]: no condition", "Exactly one of"]),
        ("equals: invasive", "equals: invasive, not_missing: true",
         ["select[1]: 2 conditions: equals, not_missing"]),
        ("not_missing: true", "not_missing: false", ["not_missing: false is no condition"]),
        ("{months: [12, 36, 60]}", "{months: [12, 60, 36]}",
         ["study.yaml:16: analyses[1].at.months: 36 follows 60", "Ascending"]),
        ("{months: [12, 36, 60]}", "{months: [0, 12]}", ["at.months[0]: 0 is not above 0"]),
        ("{months: [12, 36, 60]}", "{months: [12], years: [2]}", ["at: 2 units: months, years"]),
        ("{months: [12, 36, 60]}", "12", ["analyses[1].at: 12 where keys with values"]),
        ("at: {months: [12, 36, 60]}", "conf_level: 95",
         ["analyses[1].conf_level: 95 is no level of confidence", "Write 0.95."]),
        ("strata: [grade]", "pairs: hlm", ["analyses[2].pairs: 'hlm'", "Did you mean 'holm'?"]),
        ("by: her2_status, strata: [grade]", "by: grade, trend: her2_negative",
         ["analyses[2].trend: 'her2_negative' is a trend over her2_status, not over 'grade'"]),
        ("strata: [grade]", "rho: -1", ["analyses[2].rho: -1 is below 0"]),
        ("strata: [grade]", "strata: [her2_status]", ["'her2_status' makes the groups"]),
        ("cluster: facility_id", "strata: [hr_status]", ["'hr_status' is a term as well"]),
        ("- hr_status\n", "- her2_status\n", ["analyses[3].terms: 'her2_status' stands twice"]),
        ("{name: age_years, per: 10}", "{name: age_years, per: 10, reference: x}",
         ["terms[1]: reference and per together"]),
        ("{interaction: [her2_status, hr_status]}", "{interaction: [grade, grade]}",
         ["terms[4]: 'grade' with itself"]),
        ("{interaction: [her2_status, hr_status]}", "{per: 3}",
         ["terms[4]: neither of name and interaction"]),
        ("{interaction: [her2_status, hr_status]}", "{interaction: [her2_status, sex], per: 3}",
         ["terms[4]: an interaction takes nothing else"]),
        ("strata: [grade]", "only: {id: hr, column: hr_status, equals: positive}",
         ["study.yaml:17: analyses[2].only.reason: required, and missing"]),
        ("strata: [grade]", "only: {id: hr, column: hr_status, eqals: positive, reason: r}",
         ["study.yaml:17: analyses[2].only.eqals: not a key here", "Did you mean 'equals'?"]),
        ("files: {main: registry.csv}", "files: {}", ["study.yaml:3: source.files: empty"]),
        ("id: pfi,", "id: given_pfi,", ["endpoints[1].id: 'given_pfi' begins like a column"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_line_place_value_and_advice(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    problems = refused(tmp_path, changed(old, new))
    assert len(problems) == 1
    assert [part for part in said if part not in problems[0]] == []


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../registry.csv", "a/../../registry.csv", "C:\\data\\r.csv", "\\\\host\\r.csv",
     "..\\registry.csv", "C:r.csv"],
)  # fmt: skip
def test_a_path_that_leaves_the_folder_is_refused_unless_allowed(tmp_path: Path, path: str) -> None:
    text = changed("main: registry.csv", f"main: '{path}'")
    (problem,) = refused(tmp_path, text)
    assert problem.startswith(f"study.yaml:3: source.files.main: '{path}' lies outside")
    assert "--allow-path" in problem
    allowed = load_study(tmp_path / "study.yaml", allow_path=True)
    assert allowed.source.files["main"] == path


def test_a_path_that_turns_back_inside_the_folder_is_fine(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, changed("registry.csv", "data/../registry.csv")))
    assert study.source.files["main"] == "data/../registry.csv"


def test_a_dictionary_of_the_users_own_is_a_path_in_the_folder(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, changed("name: ncdb_puf", "name: maps/mine.yaml")))
    assert study.dictionary_source == tmp_path / "maps/mine.yaml"
    assert study.inputs() == (tmp_path / "registry.csv", tmp_path / "maps/mine.yaml")
    (problem,) = refused(tmp_path, changed("name: ncdb_puf", "name: ../mine.yaml"))
    assert problem.startswith("study.yaml:3: source.name: '../mine.yaml' lies outside")


def test_the_keys_offered_are_those_of_the_kind(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, changed("by: her2_status, columns", "by: sex, ties: x, columns"))
    assert problem.startswith("study.yaml:15: analyses[0].ties: not a key here")
    assert problem.endswith(f"\n    Keys: {', '.join(TableOneSpec.model_fields)}")


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        changed("report:", "reprot:")
        .replace("version: 1", "version: 3")
        .replace("kind: logrank, endpoint: os", "kind: logrank, endpoint: dss")
        .replace("per: 10", "per: x")
        .replace("main: registry.csv", "main: ../r.csv")
    )
    lines = [int(problem.split(":")[1]) for problem in refused(tmp_path, text)]
    assert lines == [1, 3, 17, 23, 28]


def test_a_list_whose_items_are_all_wrong_is_not_called_empty(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("analyses:")] + "analyses: [{id: a, kind: x}, 3]\n"
    first, second = refused(tmp_path, text)
    assert "analyses[0].kind: 'x' is not allowed" in first
    assert "analyses[1]: 3 where keys with values should stand" in second


def test_a_path_that_does_not_exist_gets_the_nearest_name(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    with pytest.raises(SpecError, match=r"no such file\n    Did you mean 'study.yaml'\?"):
        load_study(tmp_path / "stduy.yaml")
    with pytest.raises(SpecError, match="There is no folder"):
        load_study(tmp_path / "absent" / "study.yaml")
    with pytest.raises(SpecError, match="a folder, not a study file"):
        load_study(tmp_path)
